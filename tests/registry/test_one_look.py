"""Every operation has one moment: it looks at the clock once, by whichever way it comes."""

import inspect
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from s2mock import Account, AppendRecord, Basin, BasinConfig, S2Mock, Stream
from s2mock.api.operations import OPERATIONS
from s2mock.api.wire.frames import encode_frame
from s2mock.api.wire.messages import AppendInput
from s2mock.handles.account import DirectCalls
from tests.time.watched_clock import PATIENCE

pytestmark = pytest.mark.slow

START = 1_704_067_200_000_000_000
SECOND = 1_000_000_000
BASIN = "my-basin"
HEADERS = {"s2-basin": BASIN}


class TickingClock:
    """A clock of the user's own that has what a clock must have, and goes on at every look."""

    def __init__(self) -> None:
        self.looks = 0

    def now(self) -> int:
        """A second later than before."""
        self.looks += 1
        return START + self.looks * SECOND

    def wait(self, condition: threading.Condition, _: int) -> None:
        """Wait to be notified."""
        condition.wait()


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
def mock(clock: TickingClock) -> S2Mock:
    mock = S2Mock(clock=clock)
    # What is due, some of it soon, is looked after in the same moment.
    config = BasinConfig(create_stream_on_append=True, create_stream_on_read=True)
    basin = mock.create_basin(BASIN, config)
    for number in range(3):
        stream = basin.create_stream(f"empty-{number}")
        stream.reconfigure(delete_on_empty_min_age=1 + number)
    stream = basin.create_stream("s")
    stream.append([b"a", AppendRecord.fence("f"), b"b"])
    stream.reconfigure(retention_policy=1)
    stream.append([b"c"])
    return mock


# Over HTTP.


class Call(NamedTuple):
    """A request, and how often it reads the clock; a malformed one needs no time."""

    method: str
    path: str
    json: Any = None
    looks: int = 1


CASES = {
    ("GET", "/v1/basins"): [Call("GET", "/v1/basins")],
    ("POST", "/v1/basins"): [
        Call("POST", "/v1/basins", {"basin": "new-basin"}),
        Call("POST", "/v1/basins", {"basin": BASIN}),
        # Refused before the account is asked.
        Call("POST", "/v1/basins", {"basin": "short"}, looks=0),
    ],
    ("GET", "/v1/basins/<basin>"): [
        Call("GET", f"/v1/basins/{BASIN}"),
        Call("GET", "/v1/basins/no-such-basin"),
    ],
    ("PUT", "/v1/basins/<basin>"): [
        Call("PUT", "/v1/basins/new-basin"),
        Call("PUT", f"/v1/basins/{BASIN}", {}),
    ],
    ("DELETE", "/v1/basins/<basin>"): [Call("DELETE", f"/v1/basins/{BASIN}")],
    ("PATCH", "/v1/basins/<basin>"): [
        Call("PATCH", f"/v1/basins/{BASIN}", {"create_stream_on_read": False})
    ],
    ("GET", "/v1/streams"): [Call("GET", "/v1/streams")],
    ("POST", "/v1/streams"): [
        Call("POST", "/v1/streams", {"stream": "new"}),
        Call("POST", "/v1/streams", {"stream": "s"}),
    ],
    ("GET", "/v1/streams/<stream>"): [Call("GET", "/v1/streams/s")],
    ("PUT", "/v1/streams/<stream>"): [
        Call("PUT", "/v1/streams/new"),
        Call("PUT", "/v1/streams/s", {"storage_class": "x"}),
    ],
    ("DELETE", "/v1/streams/<stream>"): [Call("DELETE", "/v1/streams/s")],
    ("PATCH", "/v1/streams/<stream>"): [Call("PATCH", "/v1/streams/s", {"storage_class": "x"})],
    ("GET", "/v1/streams/<stream>/records"): [
        Call("GET", "/v1/streams/s/records?seq_num=0"),
        Call("GET", "/v1/streams/s/records?seq_num=0&count=1"),
        # Refused, and that of a stream that is made by it.
        Call("GET", "/v1/streams/s/records?seq_num=99"),
        Call("GET", "/v1/streams/made/records"),
    ],
    ("POST", "/v1/streams/<stream>/records"): [
        Call("POST", "/v1/streams/s/records", {"records": [{"body": "x"}] * 3}),
        Call("POST", "/v1/streams/s/records", {"records": [{"body": "x"}], "match_seq_num": 99}),
        Call("POST", "/v1/streams/made/records", {"records": [{"body": "x"}]}),
    ],
    ("GET", "/v1/streams/<stream>/records/tail"): [
        Call("GET", "/v1/streams/s/records/tail"),
        Call("GET", "/v1/streams/made/records/tail"),
    ],
    ("GET", "/v1/access-tokens"): [Call("GET", "/v1/access-tokens")],
    ("POST", "/v1/access-tokens"): [
        Call("POST", "/v1/access-tokens", {"id": "t", "scope": {"ops": ["read"]}}),
        Call("POST", "/v1/access-tokens", {"id": "s2mock", "scope": {"ops": ["read"]}}),
        Call("POST", "/v1/access-tokens", {"id": "t", "scope": {}}),
    ],
    ("DELETE", "/v1/access-tokens/<id>"): [Call("DELETE", "/v1/access-tokens/t")],
    ("GET", "/v1/metrics"): [
        Call("GET", "/v1/metrics?set=active-basins&start=0&end=1"),
        Call("GET", "/v1/metrics?set=active-basins"),
    ],
    ("GET", "/v1/metrics/<basin>"): [Call("GET", f"/v1/metrics/{BASIN}?set=storage&start=0&end=1")],
    ("GET", "/v1/metrics/<basin>/<stream>"): [
        Call("GET", f"/v1/metrics/{BASIN}/s?set=storage&start=0&end=1")
    ],
    ("GET", "/v1/locations"): [Call("GET", "/v1/locations")],
    ("GET", "/v1/locations/default"): [Call("GET", "/v1/locations/default")],
    ("PUT", "/v1/locations/default"): [Call("PUT", "/v1/locations/default", "aws:us-west-2")],
    ("GET", "/health"): [Call("GET", "/health", looks=0)],
    ("GET", "/ping"): [Call("GET", "/ping", looks=0)],
    ("GET", "/metrics"): [Call("GET", "/metrics", looks=0)],
}

calls = pytest.mark.parametrize(
    "call", [call for cases in CASES.values() for call in cases], ids=lambda c: f"{c[:3]}"
)


def test_every_operation_has_a_case() -> None:
    assert {(row.method, row.path) for row in OPERATIONS} == CASES.keys()


@calls
def test_over_wsgi(mock: S2Mock, clock: TickingClock, call: Call) -> None:
    before = clock.looks
    answer = mock.client.open(call.path, method=call.method, json=call.json, headers=HEADERS)
    assert answer.status_code != 500, answer.text
    assert clock.looks - before == call.looks


@calls
def test_over_the_socket(mock: S2Mock, clock: TickingClock, call: Call) -> None:
    with mock, httpx.Client(base_url=mock.url, trust_env=False) as client:
        before = clock.looks
        answer = client.request(call.method, call.path, json=call.json, headers=HEADERS)
        assert answer.status_code != 500, answer.text
        assert clock.looks - before == call.looks


class TestWithATokenThatEnds:
    """Whether it has ended is looked at in the operation's own moment."""

    @staticmethod
    def headers(mock: S2Mock, lives_for: float) -> dict[str, str]:
        groups = {"account": "read-write", "basin": "read-write", "stream": "read-write"}
        token = mock.issue_token(
            "bearer",
            basins="*",
            streams="*",
            access_tokens="*",
            op_groups=groups,
            expires_in=lives_for,
        )
        return {**HEADERS, "authorization": f"Bearer {token.secret}"}

    @calls
    def test_it_lives(self, mock: S2Mock, clock: TickingClock, call: Call) -> None:
        headers = self.headers(mock, 3600)
        before = clock.looks
        answer = mock.client.open(call.path, method=call.method, json=call.json, headers=headers)
        assert answer.status_code not in (401, 403, 500), answer.text
        # A malformed request would be refused for the token first.
        is_api = call.path.startswith("/v1/")
        assert clock.looks - before == (1 if is_api else 0)

    @calls
    def test_it_has_ended(self, mock: S2Mock, clock: TickingClock, call: Call) -> None:
        headers = self.headers(mock, 0.5)
        before = clock.looks
        answer = mock.client.open(call.path, method=call.method, json=call.json, headers=headers)
        is_api = call.path.startswith("/v1/")
        assert answer.status_code == (401 if is_api else 200), answer.text
        assert clock.looks - before == (1 if is_api else 0)

    def test_an_append_session(self, mock: S2Mock, clock: TickingClock) -> None:
        headers = self.headers(mock, 3600)
        assert looks_of_an_append_session(mock, clock, headers) == 1 + 5

    def test_a_token_of_the_account_that_does_not_end(
        self, mock: S2Mock, clock: TickingClock
    ) -> None:
        mock.issue_token("other", ops=["read"])
        headers = {**HEADERS, "authorization": f"Bearer {mock.token}"}
        before = clock.looks
        assert mock.client.post("/v1/basins", json={"basin": "short"}, headers=headers).json
        assert clock.looks == before


def test_a_moment_is_the_same_throughout(mock: S2Mock, clock: TickingClock) -> None:
    """What an append writes and what it answers are of one time."""
    records = [{"body": "x"}] * 3
    stream = mock.basin(BASIN).create_stream("fresh")
    path = "/v1/streams/fresh/records"
    answer = mock.client.post(path, json={"records": records}, headers=HEADERS)
    now = (START + clock.looks * SECOND) // 1_000_000
    assert answer.json is not None
    assert answer.json["start"]["timestamp"] == answer.json["end"]["timestamp"] == now
    assert [record.timestamp for record in stream.records] == [now] * 3


class TestWaitingRead:
    """Once at first, and once for each time that it wakes."""

    @pytest.fixture
    def answers(self) -> list[Any]:
        return []

    @pytest.fixture
    def poll(self, mock: S2Mock, answers: list[Any]) -> threading.Thread:
        path = "/v1/streams/fresh/records?wait=30"
        thread = threading.Thread(
            target=lambda: answers.append(mock.client.get(path, headers=HEADERS)), daemon=True
        )
        mock.basin(BASIN).create_stream("fresh")
        return thread

    def rest(self, mock: S2Mock, rested: object = None) -> Any:
        """Wait, without a look at the clock, until the read waits; not for what it waited for."""
        patience = time.monotonic() + PATIENCE
        while True:
            pauses = {
                pause
                for each in [*mock.account.engine.sessions.following.values()]
                for pause in [*each.waiters]
            } - {rested}
            if pauses:
                [pause] = pauses
                return pause
            assert time.monotonic() < patience, "no request waits"
            time.sleep(0.002)

    def test_it(
        self, mock: S2Mock, clock: TickingClock, poll: threading.Thread, answers: list[Any]
    ) -> None:
        stream = mock.basin(BASIN).stream("fresh")
        before = clock.looks
        poll.start()
        pause = self.rest(mock)
        assert clock.looks - before == 1
        for wakes in range(1, 4):
            # For nothing.
            pause.wake()
            pause = self.rest(mock, pause)
            assert clock.looks - before == 1 + wakes
        stream.append([b"x"])
        poll.join(PATIENCE)
        assert [record["body"] for record in answers[0].json["records"]] == ["x"]
        # The append's own look is one, and what it woke the other.
        assert clock.looks - before == 1 + 3 + 2


def test_a_read_session(mock: S2Mock, clock: TickingClock) -> None:
    """Its opening and its first output are one moment, and each further output one more."""
    headers = {**HEADERS, "accept": "text/event-stream"}
    path = "/v1/streams/s/records?seq_num=0&count=3"
    before = clock.looks
    answer = mock.client.get(path, headers=headers, buffered=False)
    pieces = answer.iter_encoded()
    assert b"event: batch" in next(iter(pieces))
    assert clock.looks - before == 1
    rest = b"".join(pieces)
    assert b"[DONE]" in rest
    answer.close()
    assert clock.looks - before == 1 + rest.count(b"event: batch") + 1


def looks_of_an_append_session(mock: S2Mock, clock: TickingClock, headers: dict[str, str]) -> int:
    message = AppendInput()
    message.records.add(body=b"x")
    body = encode_frame(message.SerializeToString(), None) * 5
    headers = {**headers, "content-type": "s2s/proto"}
    before = clock.looks
    answer = mock.client.post("/v1/streams/s/records", data=body, headers=headers)
    assert answer.status_code == 200
    assert answer.data
    return clock.looks - before


def test_an_append_session(mock: S2Mock, clock: TickingClock) -> None:
    """One look to open it, and one for each append."""
    assert looks_of_an_append_session(mock, clock, HEADERS) == 1 + 5


def test_revoking_a_token(mock: S2Mock, clock: TickingClock) -> None:
    token = mock.issue_token("t", ops=["read"], expires_in=60)
    before = clock.looks
    token.revoke()
    assert clock.looks - before == 1


# By direct calls.

Direct = Callable[[S2Mock, Basin, Stream], object]

DIRECT: dict[type, dict[str, Direct]] = {
    Account: {
        "basins": lambda mock, _, __: mock.account.basins,
        "basin": lambda mock, _, __: mock.account.basin(BASIN),
        "stream": lambda mock, _, __: mock.account.stream(BASIN, "s"),
        "create_basin": lambda mock, _, __: mock.account.create_basin("new-basin"),
        "ensure_basin": lambda mock, _, __: mock.account.ensure_basin(BASIN),
        "list_basins": lambda mock, _, __: mock.account.list_basins(),
        "snapshot": lambda mock, _, __: mock.account.snapshot(),
        "tokens": lambda mock, _, __: mock.account.tokens,
    },
    S2Mock: {
        "basins": lambda mock, _, __: mock.basins,
        "basin": lambda mock, _, __: mock.basin(BASIN),
        "stream": lambda mock, _, __: mock.stream(BASIN, "s"),
        "create_basin": lambda mock, _, __: mock.create_basin("new-basin"),
        "ensure_basin": lambda mock, _, __: mock.ensure_basin(BASIN),
        "snapshot": lambda mock, _, __: mock.snapshot(),
        "fork": lambda mock, _, __: mock.fork(),
        "issue_token": lambda mock, _, __: mock.issue_token("t", ops=["read"], expires_in=60),
        "tokens": lambda mock, _, __: mock.tokens,
    },
    Basin: {
        "info": lambda _, basin, __: basin.info,
        "config": lambda _, basin, __: basin.config,
        "reconfigure": lambda _, basin, __: basin.reconfigure(create_stream_on_read=False),
        "delete": lambda _, basin, __: basin.delete(),
        "streams": lambda _, basin, __: basin.streams,
        "stream": lambda _, basin, __: basin.stream("s"),
        "create_stream": lambda _, basin, __: basin.create_stream("new"),
        "ensure_stream": lambda _, basin, __: basin.ensure_stream("s"),
        "list_streams": lambda _, basin, __: basin.list_streams(),
    },
    Stream: {
        "info": lambda _, __, stream: stream.info,
        "config": lambda _, __, stream: stream.config,
        "cipher": lambda _, __, stream: stream.cipher,
        "fencing_token": lambda _, __, stream: stream.fencing_token,
        "tail": lambda _, __, stream: stream.tail,
        "records": lambda _, __, stream: stream.records,
        "bodies": lambda _, __, stream: stream.bodies,
        "fence": lambda _, __, stream: stream.fence("g"),
        "trim": lambda _, __, stream: stream.trim(1),
        "readers": lambda _, __, stream: stream.readers,
        "reconfigure": lambda _, __, stream: stream.reconfigure(storage_class="x"),
        "delete": lambda _, __, stream: stream.delete(),
        "append": lambda _, __, stream: stream.append([b"x", b"y"], fencing_token="f"),
    },
}
# What is no operation on what the account holds, or several of them, one after the other.
OTHERS: dict[type, set[str]] = {
    Account: {"clock", "deletion_delay", "restore"},
    S2Mock: {
        "advance",
        "apply",
        "async_wait_for_waiters",
        "basin_name",
        "ca_file",
        "client",
        "close",
        "env",
        "fresh_basin",
        "hold",
        "on",
        "inject",
        "is_fake",
        "journal",
        "outage",
        "reset",
        "restore",
        "serve",
        "url",
        "use_env",
        "wait_for_waiters",
        "wsgi_app",
    },
    Basin: {"name"},
    Stream: {
        "async_wait_for",
        "async_wait_for_readers",
        "basin",
        "name",
        "wait_for",
        "wait_for_readers",
    },
}


@pytest.mark.parametrize("kind", DIRECT, ids=lambda kind: kind.__name__)
def test_every_member_has_a_case(kind: type) -> None:
    own = dict(inspect.getmembers(kind))
    if kind is Account:
        # What else an engine has is for s2mock itself.
        own = {**vars(DirectCalls), **vars(kind)}
    members = {name for name in own if not name.startswith("_")}
    assert members == DIRECT[kind].keys() | OTHERS[kind]


@pytest.mark.parametrize(
    ("kind", "member"),
    [(kind, member) for kind, members in DIRECT.items() for member in members],
    ids=lambda part: part if isinstance(part, str) else part.__name__,
)
def test_directly(mock: S2Mock, clock: TickingClock, kind: type, member: str) -> None:
    basin = mock.basin(BASIN)
    stream = basin.stream("s")
    before = clock.looks
    DIRECT[kind][member](mock, basin, stream)
    assert clock.looks - before == 1


def test_restore(mock: S2Mock, clock: TickingClock) -> None:
    snapshot = mock.snapshot()
    before = clock.looks
    mock.restore(snapshot)
    assert clock.looks - before == 1
