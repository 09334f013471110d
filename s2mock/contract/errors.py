"""The errors of the control plane, as a client meets them (reference: control_plane §2, §3)."""

from s2mock.contract.client import Error

AGE_OF_ZERO = Error(422, "invalid", "age must be greater than 0 seconds")
NO_JSON_TYPE = Error(400, "bad_json", "Expected request with `Content-Type: application/json`")
NO_BASIN_HEADER = Error(400, "bad_header", "Missing header `s2-basin`")
STREAM_BEING_DELETED = Error(409, "stream_deletion_pending", "stream deletion pending")
NOT_IMPLEMENTED = Error(501, "not_implemented", "Not implemented")


def basin_not_found(basin: str | None) -> Error:
    """There is no such basin."""
    return Error(404, "basin_not_found", f"basin `{basin}` not found")


def stream_not_found(basin: str | None, stream: str = "s") -> Error:
    """There is no such stream, or no such basin."""
    return Error(404, "stream_not_found", f"stream `{stream}` in basin `{basin}` not found")


def basin_exists(basin: str | None) -> Error:
    """The basin's name is taken."""
    return Error(409, "resource_already_exists", f"basin `{basin}` already exists")


def stream_exists(basin: str | None, stream: str = "s") -> Error:
    """The stream's name is taken."""
    what = f"stream `{stream}` in basin `{basin}` already exists"
    return Error(409, "resource_already_exists", what)


def basin_being_deleted(basin: str | None) -> Error:
    """The basin is deleted and not yet gone."""
    return Error(409, "basin_deletion_pending", f"basin `{basin}` is being deleted")


def bad_json(reason: str) -> Error:
    """The body is not what this operation takes."""
    return Error(400, "bad_json", reason)


def bad_path(reason: str) -> Error:
    """A parameter in the path is not acceptable."""
    return Error(400, "bad_path", f"Invalid URL: {reason}")


def bad_query(reason: str) -> Error:
    """A parameter in the query string is not acceptable."""
    return Error(400, "bad_query", f"Failed to deserialize query string: {reason}")


def bad_header(name: str, reason: str) -> Error:
    """The value of a header is not acceptable."""
    return Error(400, "bad_header", f"Invalid header `{name}`: {reason}")
