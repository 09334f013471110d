"""The one table of operations: S2's names, where each is asked for, and what answers it.

Sources: reference: control_plane §1.1 (routes), account_services §1.2 (names). The order of the
methods of a path is that of its `Allow` header.
"""

from typing import Final

from s2mock.api import access_tokens, basins, health, locations, metrics, streams
from s2mock.api.process_metrics import process_metrics
from s2mock.api.records.append import append
from s2mock.api.records.read import read
from s2mock.api.records.tail import check_tail
from s2mock.api.routing import Row

OPERATIONS: Final = (
    Row("list-basins", "GET", "/v1/basins", basins.list_basins),
    Row("create-basin", "POST", "/v1/basins", basins.create_basin),
    Row("get-basin-config", "GET", "/v1/basins/<basin>", basins.get_basin_config),
    Row("ensure-basin", "PUT", "/v1/basins/<basin>", basins.ensure_basin),
    Row("delete-basin", "DELETE", "/v1/basins/<basin>", basins.delete_basin),
    Row("reconfigure-basin", "PATCH", "/v1/basins/<basin>", basins.reconfigure_basin),
    Row("list-streams", "GET", "/v1/streams", streams.list_streams),
    Row("create-stream", "POST", "/v1/streams", streams.create_stream),
    Row("get-stream-config", "GET", "/v1/streams/<stream>", streams.get_stream_config),
    Row("ensure-stream", "PUT", "/v1/streams/<stream>", streams.ensure_stream),
    Row("delete-stream", "DELETE", "/v1/streams/<stream>", streams.delete_stream),
    Row("reconfigure-stream", "PATCH", "/v1/streams/<stream>", streams.reconfigure_stream),
    # An append that opens a session is an `append-session`, and each batch in it an `append`.
    Row("read", "GET", "/v1/streams/<stream>/records", read),
    Row("append", "POST", "/v1/streams/<stream>/records", append),
    Row("check-tail", "GET", "/v1/streams/<stream>/records/tail", check_tail),
    Row("list-access-tokens", "GET", "/v1/access-tokens", access_tokens.list_access_tokens),
    Row("issue-access-token", "POST", "/v1/access-tokens", access_tokens.issue_access_token),
    Row(
        "revoke-access-token", "DELETE", "/v1/access-tokens/<id>", access_tokens.revoke_access_token
    ),
    Row("account-metrics", "GET", "/v1/metrics", metrics.account_metrics),
    Row("basin-metrics", "GET", "/v1/metrics/<basin>", metrics.basin_metrics),
    Row("stream-metrics", "GET", "/v1/metrics/<basin>/<stream>", metrics.stream_metrics),
    Row("list-locations", "GET", "/v1/locations", locations.list_locations),
    Row("get-default-location", "GET", "/v1/locations/default", locations.get_default_location),
    Row("set-default-location", "PUT", "/v1/locations/default", locations.set_default_location),
    Row(None, "GET", "/health", health.health),
    Row(None, "GET", "/ping", health.health),
    Row(None, "GET", "/metrics", process_metrics),
)
