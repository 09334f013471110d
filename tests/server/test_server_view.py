"""The view of the servers that other tests judge the end of their sessions by."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

import pytest

from s2mock import S2Mock
from s2mock.contract.client import Client
from s2mock.contract.records import Stream as Remote
from s2mock.runtime.conversation import Conversation, Head, Outlast, RunInThread
from s2mock.runtime.http_client import connect
from s2mock.server.server import Server
from tests.server.toys import TEXT, Environ, Gate, serving
from tests.server_view import held
from tests.sessions import endings
from tests.sessions.endings import released
from tests.time.watched_clock import PATIENCE

# A view that counted its own connection would do so in one look of two at each server.
_LOOKS = 12


@pytest.fixture
def others() -> Iterator[list[S2Mock]]:
    """Three more servers that listen, as those of fixtures for a whole run do."""
    with ExitStack() as open_mocks:
        mocks = [open_mocks.enter_context(S2Mock()) for _ in range(3)]
        assert all(mock.url for mock in mocks)
        yield mocks


@pytest.fixture
def mock() -> Iterator[S2Mock]:
    with S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "s"}]}]) as mock:
        yield mock


@pytest.fixture
def remote(mock: S2Mock) -> Remote:
    return Remote(Client(mock.url, basin="my-basin"), "s")


def _under_way(servers: Sequence[S2Mock | Server]) -> int:
    """Conversations at these servers alone: other tests have servers too."""
    urls = {server.url for server in servers}
    return sum(view.under_way for view in held() if view.url in urls)


def test_idle_servers_have_nothing_under_way(others: list[S2Mock]) -> None:
    """The connection that looks is not counted: neither open nor while its end is unhandled."""
    assert {_under_way(others) for _ in range(_LOOKS)} == {0}


def test_idle_connections_are_not_under_way(others: list[S2Mock]) -> None:
    with ExitStack() as still_open:
        for mock in others:
            still_open.enter_context(closing(connect(mock.url)))
        assert {_under_way(others) for _ in range(_LOOKS)} == {0}


def test_each_open_session_is_under_way(mock: S2Mock, remote: Remote, others: list[S2Mock]) -> None:
    with ExitStack() as still_open:
        for number in range(1, 4):
            session = still_open.enter_context(remote.read_session())
            assert session.status == 200
            assert {_under_way([mock, *others]) for _ in range(_LOOKS)} == {number}
        session.close()
        assert released(left=2)
        assert _under_way([mock]) == 2
    assert released()


def test_request_that_was_just_sent_is_under_way(mock: S2Mock, remote: Remote) -> None:
    """Its server need not have accepted its connection before the look begins."""
    # A server is loaded with its first connection.
    remote.tail_ok()
    with ExitStack() as still_open:
        for number in range(1, _LOOKS):
            still_open.enter_context(remote.read_session())
            assert _under_way([mock]) == number


def test_conversation_without_its_client_is_under_way_unless_it_waits() -> None:
    gate, works, is_done = Gate(), threading.Event(), threading.Event()

    def work() -> None:
        works.set()
        assert is_done.wait(PATIENCE)

    def lasts(environ: Environ) -> Conversation:
        if environ["PATH_INFO"] == "/lasting":
            yield Outlast(lambda: True)
            yield gate
            yield RunInThread(work)
        yield Head(200, [TEXT], b"")

    with serving(lasts) as server:
        with connect(server.url).sock as client:
            client.sendall(b"GET /lasting HTTP/1.1\r\n\r\n")
            assert gate.entered.wait(PATIENCE)
            assert _under_way([server]) == 1
        assert _under_way([server]) == 0
        gate.open()
        assert works.wait(PATIENCE)
        assert _under_way([server]) == 1
        is_done.set()
        assert released()


def test_message_names_the_server_that_still_holds_a_session(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "PATIENCE", 0.0)
    with remote.read_session() as session:
        assert session.status == 200
        with pytest.raises(AssertionError) as told:
            released()
    assert f"{remote.client.url}: 1 under way; open: GET /v1/streams/s/rec" in str(told.value)
    assert "ords at Waiter; with that of this view connection 1 (Http1, 0 by" in str(told.value)
