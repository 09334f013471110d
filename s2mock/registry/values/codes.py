"""The error codes of S2: the status of each, and if it promises no effect.

Sources: reference: account_services §4 (the shared table), control_plane §3.
"""

from typing import Final, NamedTuple


class Code(NamedTuple):
    """An error code of S2: its status, and True if it promises that nothing was changed."""

    status: int
    promises_no_effect: bool
    message: str


CODES: Final = {
    "rate_limited": Code(429, True, "rate limited"),
    "hot_server": Code(502, True, "hot server"),
    "server_draining": Code(503, True, "server is draining"),
    "transaction_conflict": Code(409, True, "transaction conflict"),
    "authn": Code(401, True, "authentication failed"),
    "permission_denied": Code(403, True, "Operation not permitted"),
    "quota_exhausted": Code(403, True, "quota exhausted"),
    "access_token_not_found": Code(404, True, "access token not found"),
    "basin_not_found": Code(404, True, "basin not found"),
    "stream_not_found": Code(404, True, "stream not found"),
    "bad_frame": Code(400, True, "bad frame"),
    "bad_header": Code(400, True, "bad header"),
    "bad_json": Code(400, True, "bad JSON"),
    "bad_path": Code(400, True, "bad path"),
    "bad_proto": Code(400, True, "bad protobuf"),
    "bad_query": Code(400, True, "bad query"),
    "decryption_failed": Code(400, True, "record decryption failed"),
    "invalid": Code(422, True, "invalid"),
    "resource_already_exists": Code(409, True, "resource already exists"),
    "basin_deletion_pending": Code(409, True, "basin is being deleted"),
    "stream_deletion_pending": Code(409, True, "stream deletion pending"),
    "not_implemented": Code(501, True, "Not implemented"),
    "request_timeout": Code(408, False, "request timed out"),
    "other": Code(500, False, "internal error"),
    "storage": Code(500, False, "storage error"),
    "unavailable": Code(503, False, "service unavailable"),
    "upstream_timeout": Code(504, False, "upstream timed out"),
    "client_hangup": Code(499, False, "client hung up"),
}

TRANSIENT: Final = frozenset(
    {
        "rate_limited",
        "hot_server",
        "server_draining",
        "transaction_conflict",
        "request_timeout",
        "other",
        "storage",
        "unavailable",
        "upstream_timeout",
    }
)
"""The codes after which a retry may succeed (reference: account_services §4)."""
