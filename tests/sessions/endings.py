"""What must be over, and how a test makes sure of it without waiting longer than it takes."""

import threading
import time
from collections.abc import Callable

from s2mock import Stream
from s2mock.contract.passing_time import let_others_be_answered
from s2mock.contract.sessions import Session
from tests.records.reads import following_of
from tests.server_view import held, seem_under_way
from tests.time.watched_clock import PATIENCE


def released(*streams: Stream, left: int = 0) -> bool:
    """True if `left` sessions are served in the end, and no reader follows if `left` is 0."""
    patience = time.monotonic() + PATIENCE
    while True:
        while seem_under_way() > left and time.monotonic() < patience:
            time.sleep(0.002)
        # A client that goes at once has gone before its request is served.
        views = held()
        followers = {} if left else {stream.name: following_of(stream) for stream in streams}
        if sum(view.under_way for view in views) == left and not any(map(any, followers.values())):
            return True
        assert time.monotonic() < patience, (
            f"{left} conversations were to be left, but {'; '.join(map(str, views))}; "
            f"followers of the streams, and appends kept for them: {followers}"
        )
        time.sleep(0.002)


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
