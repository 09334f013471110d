"""Many appends in one session, and a look at the bytes that wait in the mock for either side."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from s2mock import S2Mock
from s2mock.upstream.exchange import MAX_WAITING_BYTES
from tests.powers.conftest import FRAMES, RECORDS, Started, Way
from tests.powers.frames import append_frame, frames
from tests.sessions.h2_client import H2Client

# What is handed over at once, at most: the window of a client's HTTP/2 stream.
PIECE_BYTES: Final = 1024 * 1024
RECEIPT_BYTES: Final = 256 * 1024
"""What a server takes from a socket at once, at most."""
IN_FLIGHT_BYTES: Final = 2 * MAX_WAITING_BYTES + PIECE_BYTES
"""A bound for the bytes that wait in the mock for both sides of one session."""


def buffered(mock: S2Mock) -> int:
    """The bytes that wait in the mock, in both directions."""
    side = mock._upstream
    assert side is not None
    return side._upstream.connections.buffered_bytes


@contextmanager
def watched(mock: S2Mock) -> Iterator[list[int]]:
    """Look at the bytes that wait in the mock all the time; the largest number is the result."""
    largest = [0]
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.001):
            largest[0] = max(largest[0], buffered(mock))

    watching = Started(look)
    try:
        yield largest
    finally:
        is_over.set()
        watching.result()


def append_in_one_session(mock: S2Mock, name: str, count: int) -> list[tuple[int, int]]:
    """Append the numbers as batches of one record; the numbers of each acknowledgement.

    Over HTTP/1.1 the client sends all before it reads, over h2c as many as the windows allow.
    """
    if name == "http1":
        content = b"".join(append_frame(f"{number}") for number in range(count))
        with closing(Way("http1", mock)) as way:
            received, broke_off = way.session(RECORDS, FRAMES, "POST", content)
        assert not broke_off
        return [frame.acked for frame in frames(received)]
    unsent = memoryview(b"".join(append_frame(f"{number}") for number in range(count)))
    with H2Client(mock.url) as client:
        # On a busy machine.
        client.socket.settimeout(300)
        session = client.open("POST", RECORDS, FRAMES, end=False)
        client.head(session)
        while unsent:
            room = min(client.h2.local_flow_control_window(session), 16_384)
            if room:
                client.send(session, bytes(unsent[:room]))
                unsent = unsent[room:]
            else:
                client.receive()
        client.send(session, end=True)
        return [frame.acked for frame in frames(client.rest(session))]


def assert_in_order(found: list[str], count: int) -> None:
    """Raise `AssertionError` unless the bodies are the numbers in order, without listing them."""
    wrong = next((at for at, body in enumerate(found) if body != str(at)), None)
    assert (len(found), wrong) == (count, None)
