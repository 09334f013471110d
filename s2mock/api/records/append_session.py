"""Append sessions: a stream of S2S frames, an acknowledgement for each.

Source: reference: data_plane §6.4.
"""

from collections.abc import Iterator

from s2mock.api.inflater import Inflater, inflater
from s2mock.api.records.draining import Draining
from s2mock.api.records.headers import S2S, frame_coding
from s2mock.api.records.sessions import session_response
from s2mock.api.requests import Asking, S2Request
from s2mock.api.responses import S2Response
from s2mock.api.wire.frames import Frame, FrameDecoder, encode_frame, encode_terminal
from s2mock.api.wire.proto_records import ack_to_proto, append_input
from s2mock.powers.call import RequestCall
from s2mock.powers.faults import Cut, Drain, Fault
from s2mock.powers.outcomes import Dropped
from s2mock.registry.rules.append import Append, Target
from s2mock.registry.values.errors import BadFrame, BadProto, S2Error
from s2mock.registry.values.records import AppendInput
from s2mock.runtime.conversation import READ, CloseAfterResponse, Conversation, Outlast, ReadWithin
from s2mock.runtime.monotonic import monotonic

# The largest number of acknowledgements that are sent together.
_MAX_TOGETHER = 50


def open_append_session(request: S2Request, target: Target) -> S2Response:
    """Return the response to an append that opens a session."""
    return session_response(_appends(request, target, frame_coding(request.accept_encodings)), S2S)


def _appends(request: S2Request, target: Target, coding: str | None) -> Conversation:
    """Yield an acknowledgement for each batch, or the error that ends the session."""
    opening = request.call
    assert opening is not None
    decoder = FrameDecoder()
    body = inflater(request.environ.get("HTTP_CONTENT_ENCODING", "identity"))
    basin, stream = str(opening.operation.basin), str(opening.operation.stream)
    account = request.account
    acks: list[bytes] = []
    fault = opening.fault
    draining = Draining(fault) if isinstance(fault, Drain) else None
    # True if the data was received while the batches before it waited.
    came_during_wait = False
    # Batches that were received are appended, whether or not the client waits for that.
    request.has_left = yield Outlast(lambda: _is_under_way(request, body, decoder))
    try:
        data = yield READ if draining is None else draining.read
        while data:
            is_with_last = came_during_wait
            for frame in _frames(body, decoder, data):
                if frame is None:
                    yield b""
                    continue
                batch = _batch(frame)
                append = Append(basin, stream, batch, target=target, is_with_last=is_with_last)
                call = request.make_call(append, is_batch=True)
                is_with_last = True
                if acks and (len(acks) >= _MAX_TOGETHER or account.observers):
                    # An observer may keep this append waiting, and not those before it.
                    request.call = call
                    yield b"".join(acks)
                    acks = []
                ack = (
                    (yield from _watched_append(request, call, frame.payload))
                    if account.observers
                    else _append(request, call, append, frame.payload)
                )
                fault = call.fault
                if isinstance(fault, Drain) and draining is None:
                    draining = Draining(fault)
                if fault is None and draining is None:
                    acks.append(encode_frame(ack, coding))
                else:
                    yield from _acknowledged(ack, coding, draining, fault)
            if acks:
                yield b"".join(acks)
                acks = []
            watched = bool(account.observers)
            data, came_during_wait = yield from _more(
                draining, looks=watched and not came_during_wait
            )
        if data is None and draining is not None:
            raise draining.error
        body.finish()
        decoder.finish()
    except S2Error as error:
        request.prepare_error(error)
        yield b"".join([*acks, encode_terminal(error)])


def _is_under_way(request: S2Request, body: Inflater, decoder: FrameDecoder) -> bool:
    """True if a batch was received, or may be in what was, and has not been decided."""
    batch = request.call
    is_undecided = batch is not None and not batch.is_decided
    return is_undecided or decoder.has_frame or body.has_more


def _frames(body: Inflater, decoder: FrameDecoder, data: bytes) -> Iterator[Frame | None]:
    """Yield the frames that `data` completes; None where other requests may be served.

    Raises `BadFrame`.
    """
    for piece in body.feed(data):
        yield from decoder.feed(piece)
        if body.has_more:
            yield None


def _batch(frame: Frame) -> AppendInput:
    """Return the batch in a frame. Raises `BadFrame`."""
    if frame.terminal:
        raise BadFrame("Unexpected terminal frame as input")
    try:
        return append_input(frame.payload)
    except BadProto as error:
        raise BadFrame(error.message) from None


def _more(draining: Draining | None, *, looks: bool) -> Asking[tuple[bytes | None, bool]]:
    """Return the next bytes, None if they are too late; and True if they were there already."""
    if draining is not None:
        return (yield draining.read), False
    if looks and (data := (yield ReadWithin(0))) is not None:
        return data, True
    return (yield READ), False


def _acknowledged(
    ack: bytes, coding: str | None, draining: Draining | None, fault: Fault | None
) -> Conversation:
    """Yield one acknowledgement by itself, with its fault. Raises `Dropped`."""
    advises = draining is not None and draining.advise()
    frame = encode_frame(ack, coding, advises_reconnect=advises)
    if isinstance(fault, Cut):
        # It always breaks off.
        yield frame[: min(fault.bytes or 0, len(frame) - 1)]
        raise Dropped
    yield frame
    if advises:
        yield CloseAfterResponse()


def _append(request: S2Request, call: RequestCall, append: Append, payload: bytes) -> bytes:
    """Carry out a batch without observers, and take notes of it.

    Returns the acknowledgement, encoded. Raises `S2Error`.
    """
    notes = request.notes
    try:
        ack = ack_to_proto(request.account.carry_out(append, call))
    except S2Error as error:
        if notes is not None:
            has_left = request.has_left()
            notes.record_batch(call, monotonic(), payload, None, error, has_left=has_left)
        raise
    if notes is not None:
        if request.has_left():
            notes.record_batch(call, monotonic(), payload, ack, None, has_left=True)
        else:
            notes.record_ack(call, append, len(payload), ack)
    return ack


def _watched_append(request: S2Request, call: RequestCall, payload: bytes) -> Asking[bytes]:
    """Carry out a batch with its points. Raises what observers raise, too."""
    request.call = call
    notes = request.notes
    if notes is None:
        return ack_to_proto((yield from request.account.perform(call)))
    began = monotonic()
    request.payload = payload
    try:
        ack = ack_to_proto((yield from request.account.perform(call)))
    except BaseException as error:
        notes.record_batch(call, began, payload, None, error, has_left=request.has_left())
        raise
    notes.record_batch(call, began, payload, ack, None, has_left=request.has_left())
    return ack
