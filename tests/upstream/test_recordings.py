"""Each recorded request is answered through the mock as by the upstream itself, byte for byte."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Self

import pytest

from s2mock import S2Mock
from s2mock.contract import recordings
from s2mock.contract.connection import connect
from s2mock.contract.exchange import PROTOCOLS, Call, Reply
from s2mock.contract.recordings import Group, Recording
from s2mock.contract.replay import RecordedTime

# The answers differ in the times of two servers.
NOT_COMPARED = ("date",)


class Pair:
    """Two equal servers, of which one is asked through a mock in front of it."""

    def __init__(self) -> None:
        self.exchanges = 0
        self._made = ExitStack()
        self._clocks: list[RecordedTime] = []
        self._servers: list[S2Mock] = []
        for _ in range(2):
            clock = RecordedTime()
            self._clocks.append(clock)
            self._servers.append(
                self._made.enter_context(S2Mock(clock=clock, token="s2mock", auth="open"))
            )
        straight, behind = self._servers
        mock = self._made.enter_context(S2Mock(upstream=behind.url))
        self._connections = {
            protocol: [connect(straight.url, protocol), connect(mock.url, protocol)]
            for protocol in PROTOCOLS
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for both in self._connections.values():
            for connection in both:
                connection.close()
        self._made.close()

    def run(self, recording: Recording) -> list[str]:
        """Send the requests of a recording to both; return the differences."""
        named = {group.name: group for group in recording.groups}
        found: list[str] = []
        for group in recording.groups:
            before = [named[name] for name in group.after]
            found += self._run(group, before, recording)
        return found

    def _run(self, group: Group, before: list[Group], recording: Recording) -> Iterator[str]:
        both = self._connections[recording.protocol]
        exchanges = [exchange for one in (*before, group) for exchange in one.exchanges]
        for server, connection, clock in zip(self._servers, both, self._clocks, strict=True):
            server.reset()
            connection.close()
            engine = server.account.engine
            engine.settings = engine.settings._replace(deletion_delay=group.deletion_delay)
            clock.begin(exchanges[0].at if exchanges else 0)
        for exchange in exchanges:
            self.exchanges += 1
            answers = []
            for connection, clock in zip(both, self._clocks, strict=True):
                clock.go_on(exchange.at)
                answers.append(connection.send(exchange.call))
            straight, through = (_comparable(exchange.call, answer) for answer in answers)
            if straight != through:
                yield (
                    f"{group.name}: {exchange.call.curl()}\n"
                    f"straight: {straight}\nthrough:  {through}"
                )
                return


def _comparable(call: Call, reply: Reply) -> dict[str, Any]:
    headers = sorted(field for field in reply.headers if field[0] not in NOT_COMPARED)
    # How much of a refused body the server has received decides if its connection ends.
    is_end_open = reply.status >= 400 and len(call.body or b"") > 4096
    return {
        "status": reply.status,
        "headers": headers,
        "body": reply.body,
        "end": None if is_end_open else reply.end,
    }


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    with Pair() as pair:
        yield pair


def names() -> Iterator[Any]:
    """Those of all recordings; of the generated sequences `make test` replays the first ones."""
    is_whole = "S2MOCK_TEST_UPSTREAM" in os.environ
    for name in recordings.replayable():
        is_left_out = "sequences_" in name and not name.endswith("sequences_001") and not is_whole
        reason = "more sequences take most of a minute: make upstream"
        yield pytest.param(name, marks=pytest.mark.skipif(is_left_out, reason=reason))


@pytest.mark.slow
@pytest.mark.whole(3)
@pytest.mark.parametrize("name", [*names()])
def test_each_recorded_request_is_answered_as_by_the_upstream(pair: Pair, name: str) -> None:
    before = pair.exchanges
    found = pair.run(recordings.load(name))

    assert not found, "\n\n".join(found)
    assert pair.exchanges > before or not recordings.load(name).groups
