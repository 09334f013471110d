"""The powers in front of a real server: a unary append, beside a bare reverse proxy.

The bare one reads and writes with the client library that s2mock uses there, `h11`, and does
nothing else. Both are in front of the same s2mock, in a process of its own. Processor time of the
process in the middle, and the time until the answer, beside the server asked directly.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection

from benchmarks.peers import (
    BARE_PROXY,
    BASIN,
    LITE,
    PROXY,
    UPSTREAM,
    Peer,
    absence,
    serving,
)
from benchmarks.rounds import interleave
from benchmarks.subjects.append import new_stream
from benchmarks.table import Row, microseconds

_BODY = b'{"records":[{"body":"0123456789"}]}'
_HEADERS = {"s2-basin": BASIN, "content-type": "application/json"}


def measure(quick: bool) -> Iterator[Row]:
    """Yield rows in seconds of each append."""
    rounds, appends = (1, 50) if quick else (7, 1000)
    with ExitStack() as stack:
        server = stack.enter_context(serving("s2mock"))
        os.environ[UPSTREAM] = f"http://127.0.0.1:{server.port}"
        try:
            middle = {name: stack.enter_context(serving(name)) for name in (PROXY, BARE_PROXY)}
        finally:
            del os.environ[UPSTREAM]
        work = {name: partial(_work, peer, appends) for name, peer in middle.items()}
        # The first one includes the time of late imports.
        interleave(work, 1)
        found = interleave(work, rounds)
        yield Row(
            "append through an upstream, time of the processor",
            found[PROXY],
            microseconds,
            peer="a bare reverse proxy on h11",
            theirs=found[BARE_PROXY],
            aim=1.5,
        )
        peers = {**middle, "s2mock": server}
        if not absence(LITE):
            peers[LITE] = stack.enter_context(serving(LITE))
        times = interleave(
            {name: partial(_elapsed, peer, appends) for name, peer in peers.items()}, rounds
        )
        for name in (BARE_PROXY, "s2mock", LITE):
            yield Row(
                "append through an upstream, until its answer",
                times[PROXY],
                microseconds,
                peer="s2mock, asked directly" if name == "s2mock" else name,
                theirs=times.get(name),
                absent=absence(name),
            )


def _work(peer: Peer, appends: int) -> float:
    before = peer.processor_seconds()
    _append(peer.port, appends)
    return (peer.processor_seconds() - before) / appends


def _elapsed(peer: Peer, appends: int) -> float:
    start = time.perf_counter()
    _append(peer.port, appends)
    return (time.perf_counter() - start) / appends


def _append(port: int, appends: int) -> None:
    path = f"{new_stream(port)}/records"
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(appends):
        connection.request("POST", path, _BODY, _HEADERS)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise ValueError(f"expected status 200, not {answer.status}")
    connection.close()
