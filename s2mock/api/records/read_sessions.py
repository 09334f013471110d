"""Read sessions: a batch or a heartbeat at a time. Sources: reference: data_plane §5, §6.5."""

from contextlib import closing

from s2mock.api.records.headers import EVENT_STREAM, S2S, frame_coding
from s2mock.api.records.session_forms import EventForm, FrameForm
from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response, session_response
from s2mock.api.session import Delivered, Form, Pieces, Session
from s2mock.api.wire.json_records import Format
from s2mock.api.wire.sse import EventId
from s2mock.registry.engine.read_session import ReadSession
from s2mock.registry.log.batch import Batch
from s2mock.registry.values.errors import S2Error


def open_events(
    record_format: Format, had: EventId | None, request: S2Request, read: ReadSession
) -> S2Response:
    """Return the response to a read in server-sent events, after the event `had`."""
    return _open(request, read, EventForm(record_format, had or EventId(0, 0, 0)), EVENT_STREAM)


def open_frames(request: S2Request, read: ReadSession) -> S2Response:
    """Return the response to a read in S2S frames."""
    return _open(request, read, FrameForm(frame_coding(request.accept_encodings)), S2S)


def _open(request: S2Request, read: ReadSession, form: Form, content_type: str) -> S2Response:
    # The read is closed by the session, which may end before its pieces begin.
    return session_response(Session(_deliveries(request, read), form, read.close), content_type)


def _deliveries(request: S2Request, read: ReadSession) -> Pieces:
    """Yield each batch and heartbeat. Raises the error that ends the session."""
    try:
        with closing(read.batches()) as outcomes:
            for outcome in outcomes:
                yield Delivered(outcome) if isinstance(outcome, Batch) else outcome
    except S2Error as error:
        request.prepare_error(error)
        raise
