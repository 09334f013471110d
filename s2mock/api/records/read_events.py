"""Read sessions as server-sent events. Source: reference: data_plane §5."""

from contextlib import closing
from typing import Any

from s2mock.api.records.headers import EVENT_STREAM
from s2mock.api.records.sessions import delivered, session_response
from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response, to_json
from s2mock.api.wire.json_records import Format, batch_to_json, position_to_json
from s2mock.api.wire.sse import DONE, EventId, event
from s2mock.powers.outcomes import InjectedError
from s2mock.registry.engine.read_session import ReadSession
from s2mock.registry.log.batch import Batch
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.conversation import CloseAfterResponse, Conversation

_MILLISECOND = 1_000_000


def open_events(
    form: Format, had: EventId | None, request: S2Request, session: ReadSession
) -> S2Response:
    """Return the response to a read in events, after the event `had`."""
    events = _events(request, session, form, had or EventId(0, 0, 0))
    return session_response(events, EVENT_STREAM, session.close)


def _events(request: S2Request, session: ReadSession, form: Format, had: EventId) -> Conversation:
    """Yield one event for each batch and heartbeat, after the event `had`."""
    _, count, size = had
    try:
        with closing(delivered(request, session, drains_at_once=True)) as outcomes:
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
        request.prepare_error(error)
        if isinstance(error, InjectedError) and error.retires:
            yield CloseAfterResponse()
        yield event("error", to_json(error.body()).encode())
    else:
        yield DONE


def _data(batch: Batch, form: Format) -> bytes:
    return batch_to_json(batch, form).encode()


def _ping(batch: Batch) -> dict[str, Any]:
    assert batch.tail is not None
    return {"timestamp": batch.at // _MILLISECOND, "tail": position_to_json(batch.tail)}
