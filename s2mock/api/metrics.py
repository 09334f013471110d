"""`/v1/metrics`: the usage of the account, of a basin, of a stream.

As with the reference server, every request is checked and none is carried out.
Source: reference: control_plane §6.2.
"""

from collections.abc import Callable, Mapping
from typing import Any

from s2mock.api.query import one_of, parse_query, unsigned
from s2mock.api.requests import S2Request, Wanted
from s2mock.api.unserved import unserved
from s2mock.registry.names import BasinName


def _parameters(*sets: str) -> Mapping[str, Callable[[str], Any]]:
    return {
        "set": one_of(*sets),
        "start": unsigned(32),
        "end": unsigned(32),
        "interval": one_of("minute", "hour", "day"),
    }


_ACCOUNT = _parameters("active-basins", "account-ops", "estimated-billable-usage")
_BASIN = _parameters(
    "storage", "append-ops", "read-ops", "read-throughput", "append-throughput", "basin-ops"
)
_STREAM = _parameters("storage")


def account_metrics(request: S2Request) -> Wanted:
    """Metrics of the account."""
    parse_query(request.raw_query, _ACCOUNT, required="set")
    return unserved("account-metrics")


def basin_metrics(request: S2Request) -> Wanted:
    """Metrics of a basin."""
    basin = request.path_name("basin", BasinName)
    parse_query(request.raw_query, _BASIN, required="set")
    return unserved("basin-metrics", basin)


def stream_metrics(request: S2Request) -> Wanted:
    """Metrics of a stream."""
    basin = request.path_name("basin", BasinName)
    stream = request.stream_name
    parse_query(request.raw_query, _STREAM, required="set")
    return unserved("stream-metrics", basin, stream)
