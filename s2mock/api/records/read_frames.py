"""Read sessions as S2S frames. Source: reference: data_plane §6.5."""

from contextlib import closing

from s2mock.api.records.draining import Draining
from s2mock.api.records.headers import S2S, frame_coding
from s2mock.api.records.sessions import delivered, session_response
from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response
from s2mock.api.wire.frames import encode_frame, encode_terminal
from s2mock.api.wire.proto_records import batch_to_proto
from s2mock.powers.faults import Drain
from s2mock.registry.engine.read_session import ReadSession
from s2mock.registry.log.batch import Batch
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.conversation import CloseAfterResponse, Conversation, Wait


def open_frames(request: S2Request, session: ReadSession) -> S2Response:
    """Return the response to a read in frames."""
    frames = _frames(request, session, frame_coding(request.accept_encodings))
    return session_response(frames, S2S, session.close)


def _frames(request: S2Request, session: ReadSession, coding: str | None) -> Conversation:
    """Yield one frame for each batch and heartbeat."""
    fault = None if request.call is None else request.call.fault
    draining = Draining(fault) if isinstance(fault, Drain) else None
    try:
        with closing(delivered(request, session)) as outcomes:
            for outcome in outcomes:
                if draining is not None:
                    yield from _drained(outcome, coding, draining)
                elif isinstance(outcome, Batch):
                    yield outcome.once(("frame", coding), lambda batch: _frame(batch, coding))
                else:
                    yield outcome
    except S2Error as error:
        request.prepare_error(error)
        yield encode_terminal(error)


def _drained(outcome: Batch | Wait, coding: str | None, draining: Draining) -> Conversation:
    """Yield the output of a session that drains. Raises the error that ends it."""
    if not isinstance(outcome, Batch):
        yield draining.limited(outcome)
    else:
        for batch, advises in draining.parts(outcome):
            yield encode_frame(batch_to_proto(batch), coding, advises_reconnect=advises)
            if advises:
                yield CloseAfterResponse()
    if draining.is_over:
        raise draining.error


def _frame(batch: Batch, coding: str | None) -> bytes:
    return encode_frame(batch_to_proto(batch), coding)
