"""Sessions: appends and reads as a stream of S2S frames, and reads as server-sent events.

Each is a conversation that goes on from the head of its answer; what it yields is sent at once.
Sources: reference: data_plane §5 (SSE), §6 (S2S).
"""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

from s2mock.api.draining import Draining
from s2mock.api.requests import Asking, S2Request
from s2mock.api.responses import S2Response, to_json
from s2mock.api.wire.frames import FrameDecoder, encode_frame, encode_terminal
from s2mock.api.wire.json_records import Format, batch_to_json, position_to_json
from s2mock.api.wire.proto_records import ack_to_proto, append_input, batch_to_proto
from s2mock.api.wire.sse import DONE, EventId, event
from s2mock.conversation import READ, Conversation, Retire, Wait
from s2mock.powers.faults import Cut, Drain, Fail, Fault
from s2mock.powers.outcomes import Dropped, InjectedError
from s2mock.powers.stage import error_of
from s2mock.registry.appending import Append, OpenAppendSession, Target
from s2mock.registry.batch import Batch
from s2mock.registry.clock import monotonic
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
    fault = opening.fault
    draining = Draining(fault) if isinstance(fault, Drain) else None
    try:
        while data := (yield READ if draining is None else draining.read):
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
                ack = (
                    (yield from _watched_append(request, operation, frame.payload))
                    if account.observers
                    else _append(request, operation, frame.payload)
                )
                fault = operation.fault
                if isinstance(fault, Drain) and draining is None:
                    draining = Draining(fault)
                if fault is None and draining is None:
                    acks.append(encode_frame(ack, coding))
                else:
                    yield from _acknowledged(ack, coding, draining, fault)
            if acks:
                yield b"".join(acks)
                acks = []
        if data is None and draining is not None:
            raise draining.error
        decoder.finish()
    except S2Error as error:
        if request.notes is not None:
            request.notes.failed(error)
        yield b"".join([*acks, encode_terminal(error)])


def _acknowledged(
    ack: bytes, coding: str | None, draining: Draining | None, fault: Fault | None
) -> Conversation:
    """One acknowledgement by itself, with what is to go wrong with it. Raises `Dropped`."""
    advises = draining is not None and draining.advise()
    frame = encode_frame(ack, coding, advises_reconnect=advises)
    if isinstance(fault, Cut):
        # It always breaks off.
        yield frame[: min(fault.bytes or 0, len(frame) - 1)]
        raise Dropped
    yield frame
    if advises:
        yield Retire()


def _append(request: S2Request, operation: Append, payload: bytes) -> bytes:
    """Carry a batch out at which nobody stands, and take notes of it.

    Returns the acknowledgement, encoded. Raises `S2Error`.
    """
    operation.request = request
    notes = request.notes
    try:
        ack = ack_to_proto(request.account.carry_out(operation))
    except S2Error as error:
        if notes is not None:
            operation.is_batch = True
            notes.batch(operation, monotonic(), payload, None, error)
        raise
    if notes is not None:
        notes.acked(operation, len(payload), ack)
    return ack


def _watched_append(request: S2Request, operation: Append, payload: bytes) -> Asking[bytes]:
    """The same, with its points. Raises what observers raise, too."""
    operation.is_batch = True
    notes = request.notes
    if notes is None:
        return ack_to_proto((yield from request.perform(operation)))
    began = monotonic()
    request.payload = payload
    try:
        ack = ack_to_proto((yield from request.perform(operation)))
    except BaseException as error:
        notes.batch(operation, began, payload, None, error)
        raise
    notes.batch(operation, began, payload, ack, None)
    return ack


def _delivered(
    request: S2Request, session: ReadSession, *, drains_at_once: bool = False
) -> Generator[Batch | Wait, None, None]:
    """What the session gives, up to where it is to be cut off, or to fail.

    Raises `Dropped` or the error there. Where there is no way to advise a client to reconnect, a
    session that drains fails.
    """
    fault = None if request.operation is None else request.operation.fault
    left: int | None = fault.records if isinstance(fault, Cut | Fail) else None
    if isinstance(fault, Drain) and drains_at_once:
        left = fault.records or 0
    notes = request.notes
    with closing(session.batches()) as outcomes:
        if left != 0:
            for outcome in outcomes:
                if not isinstance(outcome, Batch) or not outcome.spans:
                    yield outcome
                    continue
                batch = outcome if left is None else outcome.first(left)
                if notes is not None:
                    notes.delivered(batch.spans[0].first_seq_num, batch.end_seq_num - 1)
                yield batch
                if left is not None and not (left := left - batch.count):
                    break
    if left is not None:
        # Fewer than that may have come.
        assert fault is not None
        raise Dropped if isinstance(fault, Cut) else error_of(fault)


def read_frames(request: S2Request, session: ReadSession, coding: str | None) -> Conversation:
    """One frame for each batch and heartbeat."""
    fault = None if request.operation is None else request.operation.fault
    draining = Draining(fault) if isinstance(fault, Drain) else None
    try:
        with closing(_delivered(request, session)) as outcomes:
            for outcome in outcomes:
                if draining is not None:
                    yield from _drained(outcome, coding, draining)
                elif isinstance(outcome, Batch):
                    yield outcome.once(("frame", coding), lambda batch: _frame(batch, coding))
                else:
                    yield outcome
    except S2Error as error:
        if request.notes is not None:
            request.notes.failed(error)
        yield encode_terminal(error)


def _drained(outcome: Batch | Wait, coding: str | None, draining: Draining) -> Conversation:
    """What a session gives whose server is going away. Raises the error that ends it."""
    if not isinstance(outcome, Batch):
        yield draining.limited(outcome)
    else:
        for batch, advises in draining.parts(outcome):
            yield encode_frame(batch_to_proto(batch), coding, advises_reconnect=advises)
            if advises:
                yield Retire()
    if draining.is_over:
        raise draining.error


def _frame(batch: Batch, coding: str | None) -> bytes:
    return encode_frame(batch_to_proto(batch), coding)


def read_events(
    request: S2Request, session: ReadSession, form: Format, delivered: EventId
) -> Conversation:
    """One event for each batch and heartbeat; `delivered` is what the reader has had before."""
    _, count, size = delivered
    try:
        with closing(_delivered(request, session, drains_at_once=True)) as outcomes:
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
        if request.notes is not None:
            request.notes.failed(error)
        if isinstance(error, InjectedError) and error.retires:
            yield Retire()
        yield event("error", to_json(error.body()).encode())
    else:
        yield DONE


def _data(batch: Batch, form: Format) -> bytes:
    return batch_to_json(batch, form).encode()


def _ping(batch: Batch) -> dict[str, Any]:
    assert batch.tail is not None
    return {"timestamp": batch.at // _MILLISECOND, "tail": position_to_json(batch.tail)}
