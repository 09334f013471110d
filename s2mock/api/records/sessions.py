"""Responses of sessions, and the deliveries of a read session with its fault.

Each is a conversation that goes on from the head of its answer; what it yields is sent at once.
Sources: reference: data_plane §5 (SSE), §6 (S2S).
"""

from collections.abc import Callable, Generator
from contextlib import closing

from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response
from s2mock.powers.faults import Cut, Drain, Fail
from s2mock.powers.outcomes import Dropped, error_of
from s2mock.registry.engine.read_session import ReadSession
from s2mock.registry.log.batch import Batch
from s2mock.runtime.conversation import Conversation, Wait


def session_response(
    session: Conversation, content_type: str, release: Callable[[], None] | None = None
) -> S2Response:
    """Return a response whose body lasts as long as the session; then `release` is called."""
    headers = [
        ("content-type", content_type),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ]
    return S2Response(200, headers, session=session, release=release)


def delivered(
    request: S2Request, session: ReadSession, *, drains_at_once: bool = False
) -> Generator[Batch | Wait, None, None]:
    """Yield the batches and waits of the session, up to the place of its fault.

    Raises `Dropped` or the error there. With `drains_at_once` a session that drains fails, since
    its form has no advice to reconnect.
    """
    fault = None if request.call is None else request.call.fault
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
                    notes.record_delivery(batch.spans[0].first_seq_num, batch.end_seq_num - 1)
                yield batch
                if left is not None and not (left := left - batch.count):
                    break
    if left is not None:
        # Also where the session ended before that place.
        assert fault is not None
        raise Dropped if isinstance(fault, Cut) else error_of(fault)
