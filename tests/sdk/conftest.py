"""Fixtures for the official SDKs, which come here as they are, over the real socket."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from s2_sdk import S2, Compression, Endpoints

from s2mock import S2Mock
from s2mock.server import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@pytest.fixture(params=Compression, ids=lambda compression: compression.value)
def compression(request: pytest.FixtureRequest) -> Compression:
    return request.param


@pytest_asyncio.fixture
async def s2(s2_mock: S2Mock, compression: Compression) -> AsyncIterator[S2]:
    """The Python SDK's client, once for each compression."""
    endpoints = Endpoints(account=s2_mock.url, basin=s2_mock.url)
    async with S2("token", endpoints=endpoints, compression=compression) as client:
        yield client


class Observed:
    """A socket in front of an app, which keeps what comes in and goes out.

    Of the first `losing` requests to each path the answer is lost: they are carried out, and the
    client is told that the service is unavailable.
    """

    def __init__(self, app: "WSGIApplication", *, losing: int = 0) -> None:
        self.app = app
        self.losing = losing
        self.requests: list[WSGIEnvironment] = []
        self.answers: list[dict[str, str]] = []
        self._seen: Counter[str] = Counter()
        self._server = Server(self)
        self.url = self._server.url
        self.stop = self._server.stop

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        self.requests.append(environ)
        self._seen[environ["REQUEST_URI"]] += 1
        lost = self._seen[environ["REQUEST_URI"]] <= self.losing

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            self.answers.append({name.lower(): value for name, value in headers})
            return start_response("503 Service Unavailable" if lost else status, headers)

        body = b"".join(self.app(environ, start))
        return [b'{"code":"unavailable","message":"lost"}'.ljust(len(body)) if lost else body]

    def sent(self, header: str) -> list[str | None]:
        """What each request had in that header, named as in a WSGI environ."""
        return [request.get(f"HTTP_{header}") for request in self.requests]

    def results(self) -> list[str | None]:
        """What became of each request that makes something."""
        return [answer.get("s2-provision-result") for answer in self.answers]


@pytest.fixture
def observe(s2_mock: S2Mock) -> Iterator[Callable[..., Observed]]:
    """Put another socket in front of the test's account."""
    with contextlib.ExitStack() as open_sockets:

        def start(*, losing: int = 0) -> Observed:
            observed = Observed(s2_mock.wsgi_app, losing=losing)
            open_sockets.callback(observed.stop)
            return observed

        yield start
