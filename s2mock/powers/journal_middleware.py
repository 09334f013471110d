"""The middleware that records each request, its response and the pieces of its session."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from s2mock.api.requests import Answering, S2Request
from s2mock.api.session import Acknowledged, Delivered, Piece, Pieces, Session
from s2mock.powers.connection_notes import is_muted
from s2mock.powers.handler import Handler
from s2mock.powers.recorder import Recorder, SessionRecorder
from s2mock.registry.operation import Dropped
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.conversation import MUTE, Conversation, Step, relay

if TYPE_CHECKING:
    from s2mock.powers.call import TrackedCall


class JournalMiddleware:
    """Records what the client gets, before it is sent."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def respond(self, request: S2Request, handler: Handler) -> Answering:
        """Answer as `handler` does, and record that."""
        recorder = self._recorder
        try:
            response = yield from handler(request)
        except (Dropped, GeneratorExit) as ended:
            outcome = ended if isinstance(ended, Dropped) else None
            recorder.record(request, None, outcome)
            raise
        is_lost = request.has_left() or is_muted(request.environ)
        entry = (
            recorder.record_lost(request, response, request.failure)
            if is_lost
            else recorder.record_response(request, response)
        )
        if entry is None:
            return response
        note_error: Callable[[Exception], object] = partial(recorder.note_end, entry)
        note_mute: Callable[[], object] = partial(recorder.note_mute, entry)
        if response.session is not None:
            session_recorder = recorder.start_session(entry)
            _record_session(request, response.session, session_recorder)
            note_error, note_mute = session_recorder.record_error, session_recorder.record_mute
        if response.transform is not None:
            response.transform = partial(_end_recorded, response.transform, note_error, note_mute)
        return response


def _record_session(request: S2Request, session: Session, recorder: SessionRecorder) -> None:
    session.pieces = _recorded(request, session.pieces, recorder)
    session.call_on_close(recorder.record_end)


def _recorded(request: S2Request, pieces: Pieces, recorder: SessionRecorder) -> Pieces:
    """Yield the pieces, each when it has been recorded. Raises what they raise."""

    def record(piece: Piece | Step) -> None:
        if type(piece) is Delivered:
            batch = piece.batch
            if batch.spans:
                recorder.record_delivery(batch.spans[0].first_seq_num, batch.end_seq_num - 1)
        elif type(piece) is Acknowledged:
            recorder.record_acknowledgement(cast("TrackedCall", piece.call), piece.ack)
        elif piece is MUTE:
            recorder.record_mute()

    try:
        yield from relay(pieces, record)
    except BaseException as error:
        if request.batch is not None:
            recorder.record_batch(cast("TrackedCall", request.batch), None, error)
        if isinstance(error, S2Error | Dropped):
            recorder.record_error(error)
        elif isinstance(error, GeneratorExit):
            recorder.record_loss()
        raise


def _end_recorded(
    transform: Callable[[Conversation], Conversation],
    record_error: Callable[[Exception], object],
    record_mute: Callable[[], object],
    steps: Conversation,
) -> Conversation:
    """Yield the transformed steps, and record a `MUTE`, and an end by `Dropped`."""

    def record(step: Step) -> None:
        if step is MUTE:
            record_mute()

    try:
        yield from relay(transform(steps), record)
    except Dropped as dropped:
        record_error(dropped)
        raise
