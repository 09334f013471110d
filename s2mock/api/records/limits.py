"""The start and limits of a read: its query, and the event that it resumes after.

Sources: reference: data_plane §4 (query), §4.5 (one batch), §5 (resumption).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from s2mock.api.query import flag, unsigned
from s2mock.api.wire.sse import EventId
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.values.config import U64_MAX
from s2mock.registry.values.errors import Invalid
from s2mock.registry.values.records import MAX_BATCH_BYTES, MAX_BATCH_RECORDS

_MAX_UNARY_WAIT_SECONDS = 60

_u32, _u64 = unsigned(32), unsigned(64)
# The parameters of a query: the start, and the limits.
START: Mapping[str, Callable[[str], Any]] = {
    "seq_num": _u64,
    "timestamp": _u64,
    "tail_offset": _u64,
    "clamp": flag,
}
END: Mapping[str, Callable[[str], Any]] = {
    "count": _u64,
    "bytes": _u64,
    "until": _u64,
    "wait": _u32,
}


def read_request(
    start: dict[str, Any], end: dict[str, Any], had: EventId | None, *, is_session: bool
) -> ReadRequest:
    """Return what to read, after the event `had` if there is one. Raises `Invalid`."""
    clamp = start.pop("clamp", False)
    if len(start) > 1:
        raise Invalid("only one of seq_num, timestamp, or tail_offset can be provided")
    kind: Any
    [(kind, value)] = start.items() if start else [("tail_offset", 0)]
    wanted = ReadRequest(kind, value, clamp, **end)
    if had is not None:
        return _resumed(wanted, had)
    return wanted if is_session else _of_one_batch(wanted)


def _resumed(wanted: ReadRequest, after: EventId) -> ReadRequest:
    return replace(
        wanted,
        kind="seq_num",
        start=min(after.seq_num + 1, U64_MAX),
        count=None if wanted.count is None else max(0, wanted.count - after.records),
        bytes=None if wanted.bytes is None else max(0, wanted.bytes - after.metered_bytes),
    )


def _of_one_batch(wanted: ReadRequest) -> ReadRequest:
    return replace(
        wanted,
        count=min(MAX_BATCH_RECORDS if wanted.count is None else wanted.count, MAX_BATCH_RECORDS),
        bytes=min(MAX_BATCH_BYTES if wanted.bytes is None else wanted.bytes, MAX_BATCH_BYTES),
        wait=None if wanted.wait is None else min(wanted.wait, _MAX_UNARY_WAIT_SECONDS),
    )
