"""Append sessions: a stream of S2S frames, an acknowledgement for each.

Source: reference: data_plane §6.4.
"""

from collections.abc import Iterator

from s2mock.api.inflater import Inflater, inflater
from s2mock.api.records.headers import S2S, frame_coding
from s2mock.api.records.session_forms import FrameForm
from s2mock.api.requests import Asking, S2Request
from s2mock.api.responses import S2Response, session_response
from s2mock.api.session import Acknowledged, Pieces, Session
from s2mock.api.wire.frames import Frame, FrameDecoder
from s2mock.api.wire.proto_records import ack_to_proto, append_input
from s2mock.registry.rules.append import Append, Target
from s2mock.registry.values.errors import BadFrame, BadProto, S2Error
from s2mock.registry.values.records import AppendInput
from s2mock.runtime.conversation import READ, Outlast, ReadWithin


def open_append_session(request: S2Request, target: Target) -> S2Response:
    """Return the response to an append that opens a session."""
    form = FrameForm(frame_coding(request.accept_encodings))
    return session_response(Session(_appends(request, target), form), S2S)


def _appends(request: S2Request, target: Target) -> Pieces:
    """Yield an acknowledgement for each batch. Raises the error that ends the session."""
    assert request.call is not None
    opening = request.call.operation
    decoder = FrameDecoder()
    body = inflater(request.environ.get("HTTP_CONTENT_ENCODING", "identity"))
    basin, stream = str(opening.basin), str(opening.stream)
    account = request.account
    # True if the data was received while the batches before it waited.
    came_during_wait = False
    # Batches that were received are appended, whether or not the client waits for that.
    request.has_left = yield Outlast(lambda: _is_under_way(request, body, decoder))
    try:
        data = yield READ
        while data:
            is_with_last = came_during_wait
            for frame in _frames(body, decoder, data):
                if frame is None:
                    yield b""
                    continue
                batch = _batch(frame)
                append = Append(basin, stream, batch, target=target, is_with_last=is_with_last)
                is_with_last = True
                call = request.batch = request.make_batch_call(append, frame.payload)
                ack = (
                    (yield from account.perform(call))
                    if account.observers
                    else account.carry_out(append, call)
                )
                request.batch = None
                yield Acknowledged(call, ack_to_proto(ack))
            watched = bool(account.observers)
            data, came_during_wait = yield from _more(looks=watched and not came_during_wait)
        body.finish()
        decoder.finish()
    except S2Error as error:
        request.prepare_error(error)
        raise


def _is_under_way(request: S2Request, body: Inflater, decoder: FrameDecoder) -> bool:
    """True if a batch was received, or may be in what was, and has not been decided."""
    batch = request.batch
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


def _more(*, looks: bool) -> Asking[tuple[bytes, bool]]:
    """Return the next bytes, and True if they had been received already."""
    if looks and (data := (yield ReadWithin(0))) is not None:
        return data, True
    return (yield READ), False
