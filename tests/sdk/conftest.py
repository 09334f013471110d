"""Fixtures for the official SDKs, which come here as they are, over the real socket."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from s2_sdk import S2, Compression, Endpoints, Retry, S2Stream

from s2mock import S2Mock, Stream
from s2mock.api.app import App
from s2mock.api.wire.frames import encode_terminal
from s2mock.registry.errors import Unavailable
from s2mock.server import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Retries as the SDK makes them, without its pauses.
AT_ONCE = Retry(min_base_delay=timedelta(0), max_base_delay=timedelta(0))


# The codings have tests of their own, so a first answer needs these tests once and not three times.
QUICK = (Compression.ZSTD,)


@pytest.fixture(
    params=[
        pytest.param(one, id=one.value, marks=() if one in QUICK else pytest.mark.slow)
        for one in Compression
    ]
)
def compression(request: pytest.FixtureRequest) -> Compression:
    return request.param


@pytest_asyncio.fixture
async def s2(s2_mock: S2Mock, compression: Compression) -> AsyncIterator[S2]:
    """The Python SDK's client, once for each compression."""
    endpoints = Endpoints(account=s2_mock.url, basin=s2_mock.url)
    async with S2("token", endpoints=endpoints, compression=compression, retry=AT_ONCE) as client:
        yield client


@pytest.fixture
def log(s2_mock: S2Mock) -> Stream:
    """A fresh stream, by direct access."""
    return s2_mock.create_basin("my-basin").create_stream("logs")


@pytest.fixture
def stream(s2: S2, log: Stream) -> S2Stream:
    """The same stream, by the Python SDK."""
    return s2[log.basin.name].stream(log.name)


LOST = b'{"code":"unavailable","message":"lost"}'


class Observed:
    """A socket in front of an app, which keeps what comes in and goes out.

    Of the first `losing` requests to each path the answer is lost: they are carried out, and the
    client is told that the service is unavailable. A session is ended so after its first message,
    which an appender does not get to see. The next `refusing` requests are turned away by a rate
    limit, and not carried out.
    """

    def __init__(self, app: App, *, losing: int = 0, refusing: int = 0) -> None:
        self.app = app
        self.losing = losing
        self.refusing = refusing
        self.requests: list[WSGIEnvironment] = []
        self.answers: list[dict[str, str]] = []
        # The bytes of all request bodies, and of the sessions that are not cut short.
        self.received = bytearray()
        self.said = bytearray()
        self._seen: Counter[str] = Counter()
        self._server = Server(self, may_block=app.may_block)
        self.url = self._server.url
        self.stop = self._server.stop

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        self.requests.append(environ)
        environ["wsgi.input"] = Tapped(environ["wsgi.input"], self.received)
        self._seen[environ["REQUEST_URI"]] += 1
        lost = self._seen[environ["REQUEST_URI"]] <= self.losing
        refused = not lost and self._seen[environ["REQUEST_URI"]] <= self.losing + self.refusing
        is_session = self.app.may_block(environ)
        if refused:
            start_response("429 Too Many Requests", [("content-type", "application/json")])
            return [b'{"code":"rate_limited","message":"refused"}']

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            self.answers.append({name.lower(): value for name, value in headers})
            if lost and not is_session:
                length = ("content-length", str(len(LOST)))
                return start_response("503 Service Unavailable", [length])
            return start_response(status, headers)

        answer = self.app(environ, start)
        if is_session:
            return _cut_short(answer, environ["REQUEST_METHOD"]) if lost else self._listen(answer)
        body = b"".join(answer)
        return [LOST if lost else body]

    def _listen(self, answer: Any) -> Iterator[bytes]:
        with contextlib.closing(answer):
            for part in answer:
                self.said += part
                yield part

    def sent(self, header: str) -> list[str | None]:
        """What each request had in that header, named as in a WSGI environ."""
        return [request.get(f"HTTP_{header}") for request in self.requests]

    def results(self) -> list[str | None]:
        """What became of each request that makes something."""
        return [answer.get("s2-provision-result") for answer in self.answers]


class Tapped:
    """A request body that notes what is read of it."""

    def __init__(self, source: Any, notes: bytearray) -> None:
        self._source = source
        self._notes = notes

    def read(self, size: int = -1) -> bytes:
        return self._noted(self._source.read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._noted(self._source.read1(size))

    def _noted(self, data: bytes) -> bytes:
        self._notes += data
        return data


def _cut_short(answer: Any, method: str) -> Iterator[bytes]:
    with contextlib.closing(answer):
        first = next(iter(answer))
    if method == "GET":
        yield first
    yield encode_terminal(Unavailable())


@pytest.fixture
def observe(s2_mock: S2Mock) -> Iterator[Callable[..., Observed]]:
    """Put another socket in front of the test's account."""
    with contextlib.ExitStack() as open_sockets:

        def start(**faults: int) -> Observed:
            observed = Observed(s2_mock.wsgi_app, **faults)
            open_sockets.callback(observed.stop)
            return observed

        yield start
