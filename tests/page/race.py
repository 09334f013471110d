"""Two writers and a reader of one stream, with a fault and a hold: what the pictures show."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from s2mock import Drop, Fail, S2Mock
from tests.page.traffic import STREAM, Traffic

# How many are in the journal while the first writer is held.
EXCHANGES = 11


@contextmanager
def race(mock: S2Mock) -> Iterator[None]:
    """Have it run to where the first writer is held; at the end it goes on."""
    with Traffic(mock.url) as traffic:
        first, second, reader = (traffic.client() for _ in range(3))
        reader.follow()
        first.append("order 1: tea", "order 2: cups")
        second.append("order 3: milk")
        first.command("fence", "first-writer")
        first.append("order 4: sugar", fencing_token="first-writer")
        second.append("order 5: spoons", fencing_token="second-writer")
        second.append("order 5: spoons", stream="order")
        mock.inject(Drop(committed=True), on="append", stream=STREAM)
        try:
            second.append("order 5: spoons")
        except httpx.RemoteProtocolError:
            # It cannot know that the first time was enough.
            second.append("order 5: spoons")
        first.read(seq_num=2)
        mock.inject(Fail("unavailable"), on="read", required=False)
        with mock.hold(on="append", at="commit") as hold:
            held = threading.Thread(target=first.append, args=("order 6: honey",))
            held.start()
            hold.wait(timeout=60)
            second.append("order 7: lemons", stream=STREAM, match_seq_num=99)
            try:
                yield
            finally:
                hold.release()
                held.join()
