"""Many clients that follow the journal: what each exchange costs, and what those cost that stall.

Counted in calls, since these are the same on any machine.
"""

import re
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol, Self

import pytest

from s2mock import S2Mock
from s2mock.control.views import exchange_events
from s2mock.powers.exchange_filter import ExchangeFilter
from s2mock.powers.journal import Journal
from s2mock.runtime.notifier import Notifier, Pending
from tests import own_token
from tests.control.conftest import BASIN, PATIENCE, SEEDS
from tests.powers.test_journal_room import Numbers, a_note
from tests.server_view import call, context_at, speaker_of
from tests.sessions.h2_client import H2Client

FOLLOWERS = 10
APPENDS = 20
EVENTS = {"accept": "text/event-stream"}


class Follower(Protocol):
    """A client that has asked for the journal, and reads only when it is told to."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def read_until(self, mark: bytes) -> bytes:
        """What it is sent up to that text."""


class OverHttp1:
    def __init__(self, url: str, path: str) -> None:
        self._socket = socket.create_connection(
            ("127.0.0.1", int(url.rpartition(":")[2])), timeout=PATIENCE
        )
        head = f"GET /_s2mock/{path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n"
        self._socket.sendall(head.encode() + own_token.head(url) + b"\r\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def read_until(self, mark: bytes) -> bytes:
        data = b""
        while mark not in data:
            received = self._socket.recv(65536)
            assert received, data
            data += received
        return data


class OverHttp2(H2Client):
    def __init__(self, url: str, path: str) -> None:
        super().__init__(url)
        self._stream = self.open("GET", f"/_s2mock/{path}", EVENTS)

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.bodies[self._stream]:
            self.receive()
        return self.bodies[self._stream]


Follows = Callable[[str, str], Follower]
every_protocol = pytest.mark.parametrize("follows", [OverHttp1, OverHttp2], ids=["http1", "http2"])


@pytest.fixture
def mock() -> Iterator[S2Mock]:
    with S2Mock(basins=SEEDS, control=True) as mock:
        yield mock


class Calls:
    """How often a function is called."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        self.count = 0
        inner = getattr(owner, name)

        def counted(*arguments: Any, **more: Any) -> Any:
            self.count += 1
            return inner(*arguments, **more)

        patch.setattr(owner, name, counted)


def append(mock: S2Mock, body: str) -> None:
    answer = mock.client.post(
        "/v1/streams/log/records",
        json={"records": [{"body": body}]},
        headers={"s2-basin": BASIN, **own_token.headers(mock)},
    )
    assert answer.status_code == 200


def state_of(connection: Any) -> tuple[int, bool]:
    """Return the number of unsent bytes, and True if no request has come."""
    return connection.unsent, speaker_of(connection) is None


def settle(mock: S2Mock) -> None:
    """Wait until the server has done all that there is to do for its followers."""
    context = context_at(mock.url)
    looks: list[tuple[object, ...]] = []
    while len(looks) < 5 or looks[-1:] * 5 != looks[-5:]:
        assert call(context, lambda: looks.append(tuple(map(state_of, context.connections))))


def test_an_exchange_is_put_into_words_once(mock: S2Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Calls(monkeypatch, exchange_events, "exchange_to_json")
    followers: list[Follower] = [OverHttp1(mock.url, "journal") for _ in range(FOLLOWERS)]
    for number in range(APPENDS):
        append(mock, f"body {number}")
        for follower in followers:
            assert f"body {number}".encode() in follower.read_until(b"\n\n")
    assert made.count == APPENDS
    for follower in followers:
        follower.__exit__()


@every_protocol
def test_a_follower_that_does_not_read_is_left_alone(
    mock: S2Mock, follows: Follows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has so much waiting for it, and then costs nothing until it reads."""
    looks = Calls(monkeypatch, Journal, "_advised_entries")
    with follows(mock.url, "journal") as follower:
        for _ in range(50):
            append(mock, "x" * 20_000)
            settle(mock)
        before = looks.count
        for _ in range(APPENDS):
            append(mock, "after that")
            settle(mock)
        assert looks.count == before
        # It gets all of it when it reads.
        append(mock, "the last")
        said = follower.read_until(b'"document": {"records": [{"body": "the last"}]}')
        numbers = [int(number) for number in re.findall(rb"^id: (\d+)$", said, re.MULTILINE)]
        assert numbers == [*range(1, 50 + APPENDS + 2)]


def calls_of(function: Callable[[], object]) -> int:
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(former)
    return count


def a_journal(count: int) -> Journal:
    journal = Journal(Numbers, 10_000, 0)  # type: ignore[arg-type]
    for number in range(1, count + 1):
        journal.store.add_note(a_note(number, 0))
    # All of them are looked at once.
    assert len(journal) == len(journal.take_advised()) == count
    return journal


def follow(journal: Journal) -> None:
    """Wait for the next exchange, and look at it."""
    number = journal.last_number
    steps = journal.pending(ExchangeFilter.make(after=number), 1, 60.0, is_described=False).steps()
    next(steps)
    journal.store.add_note(a_note(number + 1, 0))
    with pytest.raises(StopIteration) as ended:
        next(steps)
    [exchange] = ended.value.value
    assert exchange.number == number + 1


def wait_in_vain(journal: Journal) -> None:
    steps = journal.pending(
        ExchangeFilter.make(after=journal.last_number), 1, 0.0, is_described=False
    ).steps()
    with pytest.raises(TimeoutError):
        next(steps)


def look_at_what_has_changed(journal: Journal) -> None:
    number = journal.last_number
    journal.store.add_note(a_note(number + 1, 0))
    [exchange] = journal.find_changes(number, {number - 1: None}, 10)[-1:]
    assert exchange.number == number + 1


@pytest.mark.parametrize("look", [follow, wait_in_vain, look_at_what_has_changed])
def test_a_look_costs_no_more_where_there_is_much(look: Callable[[Journal], None]) -> None:
    few, many = a_journal(300), a_journal(900)
    for journal in (few, many):
        look(journal)
    assert calls_of(lambda: look(many)) <= calls_of(lambda: look(few)) + 20


def test_a_wait_costs_no_more_where_many_wait() -> None:
    def wait(bell: Notifier) -> None:
        steps = Pending(bell, lambda: None, str, None).steps()
        next(steps)
        steps.close()

    alone, crowded = Notifier(), Notifier()
    others = [Pending(crowded, lambda: None, str, None).steps() for _ in range(300)]
    for other in others:
        next(other)
    wait(alone)
    assert calls_of(lambda: wait(crowded)) == calls_of(lambda: wait(alone))
    for other in others:
        other.close()
    assert not crowded.has_listeners
