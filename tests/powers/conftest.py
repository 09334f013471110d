"""Calls to a mock over each of the three ways, and accounts to break."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from s2mock import NotOnTarget, RemoteS2Mock, S2Mock
from tests import own_token
from tests.backends import make_on
from tests.order import of_folder
from tests.plugin.conftest import run

__all__ = ["run"]

BASIN = "my-basin"
# The modules whose tests are run in front of an upstream, too. The others are about the engine of
# the mock: its commits, its clock, its state.
IN_FRONT_OF_AN_UPSTREAM = (
    "test_advice",
    "test_broken_links",
    "test_clients_that_leave",
    "test_faults",
    "test_faults_in_sessions",
    "test_injection",
    "test_journal",
    "test_late",
    "test_muted_connections",
    "test_outage",
)
# More than anything here takes, and less than pytest's own limit.
PATIENCE = 30.0
HERE = Path(__file__).parent
SEEDS = [{"name": BASIN, "streams": [{"name": "log"}, {"name": "orders/eu"}]}]
RECORDS = "/v1/streams/log/records"
FRAMES = {"content-type": "s2s/proto"}
EVENTS = {"accept": "text/event-stream"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What faults answer is not in S2's description, which is the point of them.

    A call by WSGI needs the mock in this process.
    """
    items[:] = [
        item for item in items if not (_is_wsgi_over_http(item) or _is_beyond_an_upstream(item))
    ]
    for item in of_folder(items, HERE):
        item.add_marker(pytest.mark.openapi_unchecked("faults answer what S2 does not"))


def _is_beyond_an_upstream(item: pytest.Item) -> bool:
    """True for a test in front of an upstream of a module about the mock's own engine."""
    params: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    return params.get("mock") == "upstream" and item.path.stem not in IN_FRONT_OF_AN_UPSTREAM


def _is_wsgi_over_http(item: pytest.Item) -> bool:
    params: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    return (params.get("way"), params.get("mock")) == ("wsgi", "http")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Iterator[None]:
    """Leave out what needs the mock in this process, where it is in another."""
    try:
        yield
    except NotOnTarget as error:
        # Without the address of the upstream, so that equal reasons are counted together.
        pytest.skip(_PORT.sub("", str(error)))


_PORT = re.compile(r" http://[\d.]+:\d+")


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def headers_of(mock: S2Mock) -> dict[str, str]:
    """What leads a request to its account, where that shares a server with others."""
    if not isinstance(mock, RemoteS2Mock):
        return own_token.headers(mock)
    return {"authorization": f"Bearer {mock.token}"}


def needs_this_process(mock: S2Mock, why: str) -> None:
    """Leave the test out where the mock is an account of another process."""
    if isinstance(mock, RemoteS2Mock):
        pytest.skip(why)


class Way:
    """One way to a mock. What breaks off or is dropped is a `ConnectionError`.

    Over h2c, use it from one thread at a time: httpx may send the requests of two threads in the
    wrong order, and then the server ends the connection.
    """

    def __init__(self, name: str, mock: S2Mock) -> None:
        self.name = name
        self.mock = mock
        self._http: httpx.Client | None = None

    @property
    def http(self) -> httpx.Client:
        """The client, where there is a socket."""
        if self._http is None:
            h2 = self.name == "h2c"
            self._http = httpx.Client(
                base_url=self.mock.url,
                headers=headers_of(self.mock),
                http1=not h2,
                http2=h2,
                trust_env=False,
                # Nothing is encrypted, and httpx takes 20 ms to load what it would verify with.
                verify=False,
                timeout=PATIENCE,
            )
        return self._http

    def close(self) -> None:
        if self._http is not None:
            self._http.close()

    def __call__(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request, in the basin `my-basin`."""
        fields = {"s2-basin": BASIN, **(headers or {})}
        if self.name == "wsgi":
            given = {"json": document} if document is not None else {"data": content}
            got = self.mock.client.open(path, method=method, headers=fields, **given)
            return Answer(got.status_code, {k.lower(): v for k, v in got.headers}, got.data)
        try:
            answer = self.http.request(
                method,
                path,
                content=json.dumps(document).encode() if document is not None else content,
                headers={"content-type": "application/json", **fields}
                if document is not None
                else fields,
            )
        except httpx.ConnectError as error:
            raise ConnectionRefusedError(str(error)) from None
        except httpx.TransportError as error:
            raise ConnectionResetError(str(error)) from None
        return Answer(answer.status_code, dict(answer.headers), answer.content)

    def append(self, *bodies: str, stream: str = "log") -> Answer:
        """Append one batch."""
        records = [{"body": body} for body in bodies]
        path = f"/v1/streams/{stream.replace('/', '%2F')}/records"
        return self("POST", path, {"records": records})

    def pieces(
        self, path: str, headers: dict[str, str], method: str = "GET", content: bytes | None = None
    ) -> "Iterator[bytes]":
        """What comes of a session, piece by piece. What breaks off is a `ConnectionError`."""
        fields = {"s2-basin": BASIN, **headers}
        if self.name == "wsgi":
            got = self.mock.client.open(path, method=method, headers=fields, data=content)
            yield from got.iter_encoded()
            return
        try:
            with self.http.stream(method, path, headers=fields, content=content) as answer:
                yield from answer.iter_raw()
        except httpx.TransportError as error:
            raise ConnectionResetError(str(error)) from None

    def session(
        self, path: str, headers: dict[str, str], method: str = "GET", content: bytes | None = None
    ) -> tuple[bytes, bool]:
        """All that comes of a session, and whether it broke off."""
        received = b""
        try:
            for piece in self.pieces(path, headers, method, content):
                received += piece
        except ConnectionError:
            return received, True
        return received, False


# Every fault by every way takes long, and `make check` has it in this process.
@pytest.fixture(
    params=[
        "in_process",
        pytest.param("http", marks=pytest.mark.slow),
        pytest.param("upstream", marks=pytest.mark.slow),
    ]
)
def mock(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A mock, on each backend in turn."""
    for make in make_on(request.param, request):
        yield make(basins=SEEDS)


@pytest.fixture(params=["http1", "h2c", "wsgi"])
def way(request: pytest.FixtureRequest, mock: S2Mock) -> Iterator[Way]:
    """Each of the ways in, in turn."""
    with closing(Way(request.param, mock)) as way:
        yield way


@pytest.fixture
def http1(mock: S2Mock) -> Iterator[Way]:
    with closing(Way("http1", mock)) as way:
        yield way


@pytest.fixture
def h2c(mock: S2Mock) -> Iterator[Way]:
    with closing(Way("h2c", mock)) as way:
        yield way


def bodies(mock: S2Mock, stream: str = "log") -> list[str]:
    """What is in a stream."""
    return [record.body.decode() for record in mock.basin(BASIN).stream(stream).records]


def wait_for_pauses(mock: S2Mock, count: int = 1) -> None:
    """Return once `count` operations wait for a time of the account's clock."""
    # In front of an upstream, too, where the mock has no account.
    engine = mock._engine if isinstance(mock, S2Mock) else mock.account.engine
    while len(engine.sessions.waiters) < count:
        threading.Event().wait(0.001)


class Started:
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._outcome: list[Any] = []

        def run() -> None:
            try:
                self._outcome.append(call())
            except Exception as error:  # noqa: BLE001  # it is looked at
                self._outcome.append(error)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Any:
        """What came of it; an exception is returned, too."""
        self._thread.join(PATIENCE)
        assert self.is_over, "still running"
        return self._outcome[0]
