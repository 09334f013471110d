"""What must be over, and how a test makes sure of it without waiting longer than it takes."""

import threading
import time
from collections.abc import Callable

from s2mock import Stream
from s2mock.contract.passing_time import let_others_be_answered
from s2mock.contract.sessions import Session
from tests.records.reads import following_of
from tests.server_view import describe_under_way, seem_under_way, under_way
from tests.time.watched_clock import PATIENCE


def released(*streams: Stream, left: int = 0) -> bool:
    """True if `left` sessions are served in the end, and no reader follows if `left` is 0."""
    patience = time.monotonic() + PATIENCE
    while (
        seem_under_way() > left
        or under_way() != left
        or (not left and any(map(_is_followed, streams)))
    ):
        # A client that goes at once has gone before its request is served.
        assert time.monotonic() < patience, f"still there: {describe_under_way()}"
        time.sleep(0.002)
    return True


def _is_followed(stream: Stream) -> bool:
    return following_of(stream) != (0, 0)


def ends(call: Callable[[], object]) -> bool:
    """Whether the call ends. If it does not, it is left behind in a thread."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return not thread.is_alive()


def silent(session: Session) -> bool:
    """Whether the session has nothing to read, nor has ended, once others have been answered.

    The head of a response is something to read.
    """
    let_others_be_answered(session.client)
    return not session.answered()
