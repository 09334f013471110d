"""The one table of operations: S2's names, where each is asked for, what answers, what it takes.

Sources: reference: control_plane §1.1 (routes), account_services §1.2 (names, and what an access
token must have). The order of the methods of a path is that of its `Allow` header.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from s2mock.api import access_tokens, basins, health, locations, metrics, streams
from s2mock.api.process_metrics import process_metrics
from s2mock.api.records.append import append
from s2mock.api.records.limits import END, START
from s2mock.api.records.read import read
from s2mock.api.records.tail import check_tail
from s2mock.api.requests import JsonBody
from s2mock.api.routing import Handler, OperationRow
from s2mock.registry.operation import Needs

# What an operation is about, and the sets of a token must match. Listings show what they match.
_NONE, _BASIN, _STREAM, _TOKEN = (), ("basin",), ("basin", "stream"), ("access_token",)


def _row(
    name: str,
    method: str,
    path: str,
    handler: Handler,
    of: tuple[str, ...],
    needs: tuple[str, ...] = (),
    *,
    by_batch: bool = False,
    query: Mapping[str, Callable[[str], Any]] = MappingProxyType({}),
    body: JsonBody | None = None,
) -> OperationRow:
    """A row of an operation that needs itself, unless others are said."""
    return OperationRow(
        name, method, path, handler, Needs(needs or (name,), of, by_batch), query, body
    )


OPERATIONS: Final = (
    _row("list-basins", "GET", "/v1/basins", basins.list_basins, _NONE, query=basins.LISTING),
    _row(
        "create-basin",
        "POST",
        "/v1/basins",
        basins.create_basin,
        _BASIN,
        body=JsonBody("create_basin"),
    ),
    _row("get-basin-config", "GET", "/v1/basins/<basin>", basins.get_basin_config, _BASIN),
    _row(
        "ensure-basin",
        "PUT",
        "/v1/basins/<basin>",
        basins.ensure_basin,
        _BASIN,
        ("create-basin", "reconfigure-basin"),
        body=JsonBody("ensure_basin", is_optional=True),
    ),
    _row("delete-basin", "DELETE", "/v1/basins/<basin>", basins.delete_basin, _BASIN),
    _row(
        "reconfigure-basin",
        "PATCH",
        "/v1/basins/<basin>",
        basins.reconfigure_basin,
        _BASIN,
        body=JsonBody("basin_reconfiguration"),
    ),
    _row("list-streams", "GET", "/v1/streams", streams.list_streams, _BASIN, query=streams.LISTING),
    _row(
        "create-stream",
        "POST",
        "/v1/streams",
        streams.create_stream,
        _STREAM,
        body=JsonBody("create_stream"),
    ),
    _row("get-stream-config", "GET", "/v1/streams/<stream>", streams.get_stream_config, _STREAM),
    _row(
        "ensure-stream",
        "PUT",
        "/v1/streams/<stream>",
        streams.ensure_stream,
        _STREAM,
        ("create-stream", "reconfigure-stream"),
        body=JsonBody("stream_config", is_optional=True),
    ),
    _row("delete-stream", "DELETE", "/v1/streams/<stream>", streams.delete_stream, _STREAM),
    _row(
        "reconfigure-stream",
        "PATCH",
        "/v1/streams/<stream>",
        streams.reconfigure_stream,
        _STREAM,
        body=JsonBody("stream_reconfiguration"),
    ),
    # An append that opens a session is an `append-session`, and each batch in it an `append`.
    _row("read", "GET", "/v1/streams/<stream>/records", read, _STREAM, query={**START, **END}),
    _row(
        "append",
        "POST",
        "/v1/streams/<stream>/records",
        append,
        _STREAM,
        ("append", "fence", "trim"),
        by_batch=True,
        body=JsonBody("append_input"),
    ),
    _row("check-tail", "GET", "/v1/streams/<stream>/records/tail", check_tail, _STREAM),
    _row(
        "list-access-tokens",
        "GET",
        "/v1/access-tokens",
        access_tokens.list_access_tokens,
        _NONE,
        query=access_tokens.LISTING,
    ),
    _row(
        "issue-access-token",
        "POST",
        "/v1/access-tokens",
        access_tokens.issue_access_token,
        _TOKEN,
        body=JsonBody("issue_access_token"),
    ),
    _row(
        "revoke-access-token",
        "DELETE",
        "/v1/access-tokens/<id>",
        access_tokens.revoke_access_token,
        _TOKEN,
    ),
    _row(
        "account-metrics",
        "GET",
        "/v1/metrics",
        metrics.account_metrics,
        _NONE,
        query=metrics.OF_ACCOUNT,
    ),
    _row(
        "basin-metrics",
        "GET",
        "/v1/metrics/<basin>",
        metrics.basin_metrics,
        _BASIN,
        query=metrics.OF_BASIN,
    ),
    _row(
        "stream-metrics",
        "GET",
        "/v1/metrics/<basin>/<stream>",
        metrics.stream_metrics,
        _STREAM,
        query=metrics.OF_STREAM,
    ),
    _row("list-locations", "GET", "/v1/locations", locations.list_locations, _NONE),
    _row(
        "get-default-location",
        "GET",
        "/v1/locations/default",
        locations.get_default_location,
        _NONE,
    ),
    _row(
        "set-default-location",
        "PUT",
        "/v1/locations/default",
        locations.set_default_location,
        _NONE,
        body=JsonBody("set_default_location"),
    ),
    OperationRow(None, "GET", "/health", health.health, None),
    OperationRow(None, "GET", "/ping", health.health, None),
    OperationRow(None, "GET", "/metrics", process_metrics, None),
)
