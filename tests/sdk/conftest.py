"""Fixtures for the official SDKs, which come here as they are, over the real socket."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from s2_sdk import S2, Compression, Endpoints, Retry, S2Stream

from s2mock import S2Mock, Stream
from s2mock.api.wire.frames import encode_terminal
from s2mock.powers import teardown_report
from s2mock.registry.values.errors import Unavailable
from s2mock.runtime import failures
from s2mock.runtime.conversation import READ, Conversation, Head, Step
from s2mock.server.server import Server
from tests.conversations import relayed

# Retries as the SDK makes them, without its pauses.
AT_ONCE = Retry(min_base_delay=timedelta(0), max_base_delay=timedelta(0))


_FLOWS = [
    Path(__file__).parent / f"test_python_{name}.py"
    for name in ("append", "append_retries", "basins", "read", "sessions", "streams")
]
assert all(path.exists() for path in _FLOWS)


# Inside that of the plugin, which takes the advice and, in this project, does not print it.
@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """The SDK gets no advice on its own requests in any of its flows."""
    yield
    if item.path in _FLOWS:
        assert teardown_report.take_advice() == []


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
    async with S2(
        s2_mock.token, endpoints=endpoints, compression=compression, retry=AT_ONCE
    ) as client:
        yield client


@pytest.fixture
def log(s2_mock: S2Mock) -> Stream:
    """A fresh stream, by direct access."""
    return s2_mock.create_basin("my-basin").create_stream("logs")


@pytest.fixture
def stream(s2: S2, log: Stream) -> S2Stream:
    """The same stream, by the Python SDK."""
    return s2[log.basin.name].stream(log.name)


def path(environ: dict[str, Any]) -> str:
    """The path of a request as it was sent, without the query."""
    target: str = environ["REQUEST_URI"]
    return target.partition("?")[0]


LOST = b'{"code":"unavailable","message":"lost"}'
REFUSED = b'{"code":"rate_limited","message":"refused"}'


class Observed:
    """A socket in front of an app, which keeps what comes in and goes out.

    Of the first `losing` requests to each path the answer is lost: they are carried out, and the
    client is told that the service is unavailable. A session is ended so after its first message,
    which an appender does not get to see. The next `refusing` requests are turned away by a rate
    limit, and not carried out.
    """

    def __init__(self, mock: S2Mock, *, losing: int = 0, refusing: int = 0) -> None:
        self.app = mock.wsgi_app
        self.token = mock.token
        self.losing = losing
        self.refusing = refusing
        self.requests: list[dict[str, Any]] = []
        self.answers: list[dict[str, str]] = []
        # The bytes of all request bodies, and of the sessions that are not cut short.
        self.received = bytearray()
        self.said = bytearray()
        self._seen: Counter[str] = Counter()
        self._server = Server(self.converse, on_error=failures.note)
        self.url = self._server.url
        self.stop = self._server.stop

    def converse(self, environ: dict[str, Any]) -> Conversation:
        self.requests.append(environ)
        self._seen[path(environ)] += 1
        lost = self._seen[path(environ)] <= self.losing
        if not lost and self._seen[path(environ)] <= self.losing + self.refusing:
            yield Head(429, [("content-type", "application/json")], REFUSED)
            return
        conversation = relayed(self.app.converse(environ), self._note, self._receive)
        if lost:
            yield from lose(conversation, environ["REQUEST_METHOD"])
        else:
            yield from relayed(conversation, self._listen)

    def _note(self, step: Step) -> Step:
        if isinstance(step, Head):
            self.answers.append(dict(step.headers))
        return step

    def _receive(self, step: Step, answer: Any) -> None:
        if step is READ:
            self.received += answer

    def _listen(self, step: Step) -> Step:
        if isinstance(step, bytes):
            self.said += step
        return step

    def sent(self, header: str) -> list[str | None]:
        """What each request had in that header, named as in a WSGI environ."""
        return [request.get(f"HTTP_{header}") for request in self.requests]

    def results(self) -> list[str | None]:
        """What became of each request that makes something."""
        return [answer.get("s2-provision-result") for answer in self.answers]


def lose(conversation: Conversation, method: str) -> Conversation:
    """Carry the request out, and lose the answer; of a session all but a reader's first message."""
    answer: Any = None
    with contextlib.closing(conversation):
        while True:
            step = conversation.send(answer)
            if isinstance(step, Head) and step.body is not None:
                yield Head(503, [], LOST)
                return
            if isinstance(step, bytes):
                break
            answer = yield step
    if method == "GET":
        yield step
    yield encode_terminal(Unavailable())


@pytest.fixture
def observe(s2_mock: S2Mock) -> Iterator[Callable[..., Observed]]:
    """Put another socket in front of the test's account."""
    with contextlib.ExitStack() as open_sockets:

        def start(**faults: int) -> Observed:
            observed = Observed(s2_mock, **faults)
            open_sockets.callback(observed.stop)
            return observed

        yield start
