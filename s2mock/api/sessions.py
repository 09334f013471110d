"""Sessions: appends and reads as a stream of S2S frames, and reads as server-sent events.

Each generator runs in a thread of its own; what it yields is sent at once. Sources: reference:
data_plane §5 (SSE), §6 (S2S).
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from s2mock.api.responses import S2Response, to_json
from s2mock.api.wire.frames import BadFrame, FrameDecoder, encode_frame, encode_terminal
from s2mock.api.wire.json_records import Format, batch_to_json, position_to_json
from s2mock.api.wire.proto_records import BadProto, ack_to_proto, append_input, batch_to_proto
from s2mock.api.wire.sse import DONE, EventId, event
from s2mock.registry.clock import Clock
from s2mock.registry.errors import S2Error
from s2mock.registry.reading import ReadSession
from s2mock.registry.stream import Stream

_CHUNK_BYTES = 64 * 1024
_MILLISECOND = 1_000_000


def session_response(events: Iterator[bytes], content_type: str) -> S2Response:
    """A response whose body goes on for as long as the session does."""
    headers = [
        ("content-type", content_type),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ]
    return S2Response(events, 200, headers)


def append_frames(
    stream: Stream, digest: bytes | None, read: Callable[[int], bytes], coding: str | None
) -> Iterator[bytes]:
    """One acknowledgement for each append that is read, and what ends the session early."""
    decoder = FrameDecoder()
    try:
        while data := read(_CHUNK_BYTES):
            for frame in decoder.feed(data):
                if frame.terminal:
                    raise BadFrame("Unexpected terminal frame as input")
                try:
                    batch = append_input(frame.payload)
                except BadProto as error:
                    raise BadFrame(error.message) from None
                yield encode_frame(ack_to_proto(stream.write(batch, digest)), coding)
        decoder.finish()
    except S2Error as error:
        yield encode_terminal(error)


def read_frames(session: ReadSession, coding: str | None) -> Iterator[bytes]:
    """One frame for each batch and heartbeat."""
    with closing(session.__iter__()) as batches:
        try:
            for batch in batches:
                yield encode_frame(batch_to_proto(batch), coding)
        except S2Error as error:
            yield encode_terminal(error)


def read_events(
    session: ReadSession, form: Format, clock: Clock, delivered: EventId
) -> Iterator[bytes]:
    """One event for each batch and heartbeat; `delivered` is what the reader has had before."""
    _, count, size = delivered
    with closing(session.__iter__()) as batches:
        try:
            for batch in batches:
                if batch.records:
                    count += len(batch.records)
                    size += sum(record.metered_bytes for record in batch.records)
                    event_id = EventId(batch.records[-1].seq_num, count, size)
                    yield event("batch", batch_to_json(batch, form), event_id)
                else:
                    yield event("ping", to_json(_ping(batch.tail, clock)))
        except S2Error as error:
            yield event("error", to_json(error.body()))
        else:
            yield DONE


def _ping(tail: Any, clock: Clock) -> dict[str, Any]:
    return {"timestamp": clock.now() // _MILLISECOND, "tail": position_to_json(tail)}
