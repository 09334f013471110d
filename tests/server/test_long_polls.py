"""A read that waits has a thread of its own, however its query is spelled."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from s2mock import S2Mock
from tests.time.watched_clock import WatchedClock

HEADERS = {"s2-basin": "my-basin"}


@pytest.mark.parametrize("query", ["wait=60", "w%61it=60", "seq_num=0&%77%61%69%74=60"])
def test_others_are_served_during_the_wait(query: str) -> None:
    clock = WatchedClock()
    with S2Mock(clock=clock) as mock, ThreadPoolExecutor(1) as pool:
        mock.create_basin("my-basin").create_stream("logs")
        records = f"{mock.url}/v1/streams/logs/records?{query}"
        reading = pool.submit(httpx.get, records, headers=HEADERS, timeout=20)
        clock.await_waiters(1)
        try:
            assert httpx.get(f"{mock.url}/health", timeout=5).text == "OK"
        finally:
            clock.advance(60)

        assert reading.result().json() == {"records": []}
