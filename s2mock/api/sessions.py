"""Sessions: appends and reads as a stream of S2S frames, and reads as server-sent events.

Each is a conversation that goes on from the head of its answer; what it yields is sent at once.
Sources: reference: data_plane §5 (SSE), §6 (S2S).
"""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response, to_json
from s2mock.api.wire.frames import FrameDecoder, encode_frame, encode_terminal
from s2mock.api.wire.json_records import Format, batch_to_json, position_to_json
from s2mock.api.wire.proto_records import ack_to_proto, append_input, batch_to_proto
from s2mock.api.wire.sse import DONE, EventId, event
from s2mock.conversation import READ, Conversation
from s2mock.registry.appending import Append, OpenAppendSession, Target
from s2mock.registry.batch import Batch
from s2mock.registry.errors import BadFrame, BadProto, S2Error
from s2mock.registry.read_session import ReadSession

_MILLISECOND = 1_000_000
# So many acknowledgements are sent together at most. Others may have a turn in between.
_MAX_TOGETHER = 50


def session_response(
    session: Conversation, content_type: str, release: Callable[[], None] | None = None
) -> S2Response:
    """A response whose body goes on for as long as the session does; then `release` is called."""
    headers = [
        ("content-type", content_type),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ]
    return S2Response(200, headers, session=session, release=release)


def append_session(
    request: S2Request, opening: OpenAppendSession, target: Target, coding: str | None
) -> Conversation:
    """One acknowledgement for each append that is read, and what ends the session early."""
    decoder = FrameDecoder()
    basin, stream = str(opening.basin), str(opening.stream)
    account = request.account
    acks: list[bytes] = []
    try:
        while data := (yield READ):
            for frame in decoder.feed(data):
                if frame.terminal:
                    raise BadFrame("Unexpected terminal frame as input")
                try:
                    batch = append_input(frame.payload)
                except BadProto as error:
                    raise BadFrame(error.message) from None
                if acks and (len(acks) >= _MAX_TOGETHER or account.observers):
                    # Whoever stands at a point keeps this append waiting, and not its like.
                    yield b"".join(acks)
                    acks = []
                operation = Append(basin, stream, batch, target=target)
                ack = yield from request.perform(operation)
                acks.append(encode_frame(ack_to_proto(ack), coding))
            if acks:
                yield b"".join(acks)
                acks = []
        decoder.finish()
    except S2Error as error:
        yield b"".join([*acks, encode_terminal(error)])


def read_frames(session: ReadSession, coding: str | None) -> Conversation:
    """One frame for each batch and heartbeat."""
    try:
        with closing(session.batches()) as outcomes:
            for outcome in outcomes:
                if isinstance(outcome, Batch):
                    yield outcome.once(("frame", coding), lambda batch: _frame(batch, coding))
                else:
                    yield outcome
    except S2Error as error:
        yield encode_terminal(error)


def _frame(batch: Batch, coding: str | None) -> bytes:
    return encode_frame(batch_to_proto(batch), coding)


def read_events(session: ReadSession, form: Format, delivered: EventId) -> Conversation:
    """One event for each batch and heartbeat; `delivered` is what the reader has had before."""
    _, count, size = delivered
    try:
        with closing(session.batches()) as outcomes:
            for outcome in outcomes:
                if not isinstance(outcome, Batch):
                    yield outcome
                elif outcome.spans:
                    count += outcome.count
                    size += outcome.metered_bytes
                    event_id = EventId(outcome.end_seq_num - 1, count, size)
                    data = outcome.once(("event", form), lambda batch: _data(batch, form))
                    yield event("batch", data, event_id)
                else:
                    yield event("ping", to_json(_ping(outcome)).encode())
    except S2Error as error:
        yield event("error", to_json(error.body()).encode())
    else:
        yield DONE


def _data(batch: Batch, form: Format) -> bytes:
    return batch_to_json(batch, form).encode()


def _ping(batch: Batch) -> dict[str, Any]:
    assert batch.tail is not None
    return {"timestamp": batch.at // _MILLISECOND, "tail": position_to_json(batch.tail)}
