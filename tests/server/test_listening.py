"""The server behind a mock: one, at first use, and a warning if it is not closed."""

import gc
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from s2mock import S2Mock
from s2mock.contract.client import Client
from s2mock.contract.passing_time import let_others_be_answered
from s2mock.server import server as server_module
from s2mock.server.server import Server
from tests.server.test_driver import PATIENCE


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_many_threads_ask_for_the_url_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    begin = Server.__init__

    def noted(self: Server, *arguments: object, **options: object) -> None:
        started.append(self)
        begin(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(server_module.Server, "__init__", noted)
    for _ in range(5):
        together, urls = threading.Barrier(16), []
        with S2Mock() as mock:

            def ask(mock: S2Mock = mock, together: threading.Barrier = together) -> None:
                together.wait()
                urls.append(mock.url)  # noqa: B023  # the threads end within the loop

            threads = [threading.Thread(target=ask) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
            assert urls == [mock.url] * 16
            let_others_be_answered(Client(mock.url))
    assert len(started) == 5


class Threads:
    """Those of servers that were started since."""

    def __init__(self) -> None:
        self._before = set(threading.enumerate())

    def of_servers(self) -> list[str]:
        return [thread.name for thread in self._of_servers()]

    def wait_for_their_end(self) -> None:
        for thread in self._of_servers():
            thread.join(30.0)

    def _of_servers(self) -> list[threading.Thread]:
        since = set(threading.enumerate()) - self._before
        return [thread for thread in since if thread.name.startswith("s2mock-")]


def forget(mocks: list[S2Mock]) -> None:
    mocks.clear()
    gc.collect()


class TestForgotten:
    """A mock that was not closed."""

    def test_with_a_socket(self) -> None:
        threads = Threads()
        mocks = [S2Mock()]
        url = mocks[0].url
        assert Client(url).request("GET", "/v1/basins").status == 200
        with pytest.warns(ResourceWarning, match=f"listened on {url} was never closed"):
            forget(mocks)
        # It stops all the same. If the server's own thread was the last to use it, nothing waits
        # for that thread.
        threads.wait_for_their_end()
        assert threads.of_servers() == []

    @pytest.mark.parametrize("is_closed", [False, True])
    def test_without_a_word(self, is_closed: bool) -> None:
        """Without a socket there is nothing to end; what was closed has been ended."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            mock = S2Mock()
            if is_closed:
                assert mock.url
                mock.close()
            assert mock.client.get("/health").status_code == 200
            del mock
            gc.collect()

    def test_a_fork(self) -> None:
        """It is closed with its origin, with a socket or without."""
        threads = Threads()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with S2Mock() as mock:
                fork, lost, other = mock.fork(), mock.fork(), mock.fork()
                assert fork.url != lost.url
                del lost, other
                gc.collect()
                assert len(threads.of_servers()) == 1
            del fork
            gc.collect()
        assert threads.of_servers() == []
