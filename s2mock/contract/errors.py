"""The errors of the control plane (reference: control_plane §2, §3)."""

from s2mock.contract.client import Error

AGE_OF_ZERO = Error(422, "invalid", "age must be greater than 0 seconds")
NO_JSON_TYPE = Error(400, "bad_json", "Expected request with `Content-Type: application/json`")
NO_BASIN_HEADER = Error(400, "bad_header", "Missing header `s2-basin`")
STREAM_BEING_DELETED = Error(409, "stream_deletion_pending", "stream deletion pending")
NOT_IMPLEMENTED = Error(501, "not_implemented", "Not implemented")


def basin_not_found(basin: str | None) -> Error:
    """Return the error for a basin that does not exist."""
    return Error(404, "basin_not_found", f"basin `{basin}` not found")


def stream_not_found(basin: str | None, stream: str = "s") -> Error:
    """Return the error for a stream that does not exist, or whose basin does not."""
    return Error(404, "stream_not_found", f"stream `{stream}` in basin `{basin}` not found")


def basin_exists(basin: str | None) -> Error:
    """Return the error for a basin's name that is in use."""
    return Error(409, "resource_already_exists", f"basin `{basin}` already exists")


def stream_exists(basin: str | None, stream: str = "s") -> Error:
    """Return the error for a stream's name that is in use."""
    what = f"stream `{stream}` in basin `{basin}` already exists"
    return Error(409, "resource_already_exists", what)


def basin_being_deleted(basin: str | None) -> Error:
    """Return the error for a basin whose deletion is pending."""
    return Error(409, "basin_deletion_pending", f"basin `{basin}` is being deleted")


def bad_json(reason: str) -> Error:
    """Return the error for a body that the operation does not accept."""
    return Error(400, "bad_json", reason)


def bad_path(reason: str) -> Error:
    """Return the error for an invalid parameter in the path."""
    return Error(400, "bad_path", f"Invalid URL: {reason}")


def bad_query(reason: str) -> Error:
    """Return the error for an invalid parameter in the query string."""
    return Error(400, "bad_query", f"Failed to deserialize query string: {reason}")


def bad_header(name: str, reason: str) -> Error:
    """Return the error for an invalid value of a header."""
    return Error(400, "bad_header", f"Invalid header `{name}`: {reason}")
