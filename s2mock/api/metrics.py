"""`/v1/metrics`: the usage of the account, of a basin, of a stream.

Sources: reference: account_services §2, control_plane §6.2.
"""

from collections.abc import Callable, Mapping
from typing import Any

from s2mock.api.query import one_of, parse_query, unsigned
from s2mock.api.requests import HandlerResult, S2Request
from s2mock.api.responses import S2Response, json_response
from s2mock.registry.rules.metrics import (
    SECONDS,
    AccountMetrics,
    Accumulation,
    BasinMetrics,
    Gauge,
    Metric,
    StreamMetrics,
)
from s2mock.registry.values.names import BasinName


def _parameters(*sets: str) -> Mapping[str, Callable[[str], Any]]:
    return {
        "set": one_of(*sets),
        "start": unsigned(32),
        "end": unsigned(32),
        "interval": one_of(*SECONDS),
    }


OF_ACCOUNT = _parameters("active-basins", "account-ops", "estimated-billable-usage")
OF_BASIN = _parameters(
    "storage", "append-ops", "read-ops", "read-throughput", "append-throughput", "basin-ops"
)
OF_STREAM = _parameters("storage")


def account_metrics(request: S2Request) -> HandlerResult:
    """Metrics of the account."""
    return AccountMetrics(*_wanted(request, OF_ACCOUNT)), _answered


def basin_metrics(request: S2Request) -> HandlerResult:
    """Metrics of a basin."""
    basin = request.path_name("basin", BasinName)
    return BasinMetrics(*_wanted(request, OF_BASIN), basin=basin), _answered


def stream_metrics(request: S2Request) -> HandlerResult:
    """Metrics of a stream."""
    basin, stream = request.path_name("basin", BasinName), request.stream_name
    wanted = _wanted(request, OF_STREAM)
    return StreamMetrics(*wanted, basin=basin, stream=stream), _answered


def _wanted(request: S2Request, parameters: Mapping[str, Callable[[str], Any]]) -> list[Any]:
    """The set, start, end and interval of the query. Raises `BadQuery`."""
    query = parse_query(request.raw_query, parameters, required="set")
    return list(map(query.get, ("set", "start", "end", "interval")))


def _answered(_: S2Request, metrics: list[Metric]) -> S2Response:
    return json_response(200, {"values": [_document(metric) for metric in metrics]})


def _document(metric: Metric) -> dict[str, Any]:
    if isinstance(metric, Accumulation):
        return {"accumulation": metric._asdict()}
    return {"gauge" if isinstance(metric, Gauge) else "label": metric._asdict()}
