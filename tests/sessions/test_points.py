"""A wait at a point delays one operation, and no other, for each way of sending it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from s2mock import S2Mock, Stream
from s2mock.api.wire.messages import AppendAck, ReadBatch
from s2mock.contract.records import Stream as Remote
from s2mock.contract.records import acks, append_input, batch, frame, seq_nums
from s2mock.contract.sessions import Session
from s2mock.registry.operation import Call, Point, Waits
from s2mock.registry.values.errors import Invalid
from tests.observing import POINTS, Gate, Toy, in_a_thread
from tests.sessions.endings import released, silent
from tests.sessions.h2_client import H2Client
from tests.time.watched_clock import PATIENCE

RECORDS = "/v1/streams/s/records"
S2S = {"content-type": "s2s/proto"}
JSON = {"content-type": "application/json"}
ONE = b'{"records":[{"body":"held"}]}'
HELD = frame(append_input(b"held"))


class Held(NamedTuple):
    """An operation under way: whether it has been answered, and the answer, when it has come."""

    is_answered: Callable[[], bool]
    answer: Callable[[], object]


Begin = Callable[[S2Mock, Remote, H2Client, ExitStack], Held]


def unary_append(_: S2Mock, remote: Remote, __: H2Client, ___: ExitStack) -> Held:
    thread, answers = in_a_thread(lambda: remote.append("held").status)
    return _of_thread(thread, answers)


def wsgi_append(mock: S2Mock, _: Remote, __: H2Client, ___: ExitStack) -> Held:
    headers = {"s2-basin": "my-basin", **JSON}
    call = mock.client
    thread, answers = in_a_thread(lambda: call.post(RECORDS, data=ONE, headers=headers).status_code)
    return _of_thread(thread, answers)


def h2c_append(_: S2Mock, __: Remote, client: H2Client, ___: ExitStack) -> Held:
    stream = client.open("POST", RECORDS, JSON, end=False)
    client.send(stream, ONE, end=True)
    return Held(lambda: stream in client.heads, lambda: int(client.head(stream)[":status"]))


def session_opening(_: S2Mock, remote: Remote, __: H2Client, stack: ExitStack) -> Held:
    session = stack.enter_context(remote.append_session())
    return Held(lambda: not silent(session), lambda: session.status)


def session_append(_: S2Mock, remote: Remote, __: H2Client, stack: ExitStack) -> Held:
    session = stack.enter_context(remote.append_session())
    assert session.status == 200
    session.send(HELD)
    return Held(lambda: not silent(session), lambda: 200 if acks(session, 1) else 0)


def h2c_session_append(_: S2Mock, __: Remote, client: H2Client, ___: ExitStack) -> Held:
    session = client.open("POST", RECORDS, S2S, end=False)
    assert client.head(session)[":status"] == "200"
    client.send(session, HELD)

    def answer() -> int:
        return 200 if AppendAck.FromString(client.frame(session)).end.seq_num else 0

    return Held(lambda: bool(client.bodies[session]), answer)


def unary_read(_: S2Mock, remote: Remote, __: H2Client, stack: ExitStack) -> Held:
    poll = stack.enter_context(remote.poll(seq_num=0))
    return Held(lambda: not silent(poll), lambda: poll.status)


def session_read(_: S2Mock, remote: Remote, __: H2Client, stack: ExitStack) -> Held:
    session = stack.enter_context(remote.read_session(seq_num=0))

    def answer() -> int:
        assert seq_nums(batch(session))[0] == 0
        return session.status

    return Held(lambda: not silent(session), answer)


def sse_read(_: S2Mock, remote: Remote, __: H2Client, stack: ExitStack) -> Held:
    session = stack.enter_context(remote.sse(seq_num=0))

    def answer() -> int:
        assert next(session.events()).name == "batch"
        return session.status

    return Held(lambda: not silent(session), answer)


def h2c_session_read(_: S2Mock, __: Remote, client: H2Client, ___: ExitStack) -> Held:
    session = client.open("GET", f"{RECORDS}?seq_num=0", S2S)

    def answer() -> int:
        assert ReadBatch.FromString(client.frame(session)).records[0].seq_num == 0
        return int(client.head(session)[":status"])

    return Held(lambda: session in client.heads, answer)


def _of_thread(thread: Any, answers: list[Any]) -> Held:
    def answer() -> object:
        thread.join(PATIENCE)
        return answers[0]

    return Held(lambda: bool(answers), answer)


HELD_ONES: dict[str, tuple[str, Begin]] = {
    "a unary append, HTTP/1.1": ("append", unary_append),
    "a unary append, h2c": ("append", h2c_append),
    "a unary append, WSGI": ("append", wsgi_append),
    "a unary read, HTTP/1.1": ("read", unary_read),
    "the opening of an append session": ("append-session", session_opening),
    "an append of a session, HTTP/1.1": ("append", session_append),
    "an append of a session, h2c": ("append", h2c_session_append),
    "an S2S read session, HTTP/1.1": ("read", session_read),
    "an S2S read session, h2c": ("read", h2c_session_read),
    "an SSE read session": ("read", sse_read),
}


@pytest.fixture
def toy(mock: S2Mock) -> Toy:
    return Toy(mock)


@pytest.fixture
def client(mock: S2Mock) -> Iterator[H2Client]:
    with H2Client(mock.url) as client:
        yield client


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Bystanders:
    """All the others, on the same stream; each call returns once all of it is answered."""

    def __init__(self, mock: S2Mock, remote: Remote, client: H2Client, stack: ExitStack) -> None:
        self.mock = mock
        self.remote = remote
        # The connection of what is held, where that is h2c.
        self.client = client
        self.stream = mock.basin("my-basin").stream("s")
        self.appending = stack.enter_context(remote.append_session())
        assert self.appending.status == 200
        self.following = stack.enter_context(remote.read_session(seq_num=0))
        assert seq_nums(batch(self.following)) == [0]

    def go_on(self) -> list[bytes]:
        """What they have appended."""
        mock, remote, stream = self.mock, self.remote, self.stream
        assert remote.append("unary").status == 200
        self.appending.send(frame(append_input(b"session")))
        assert len(acks(self.appending, 1)) == 1
        request = self.client.open("POST", RECORDS, JSON, end=False)
        self.client.send(request, b'{"records":[{"body":"h2c"}]}', end=True)
        assert self.client.head(request)[":status"] == "200"
        headers = {"s2-basin": "my-basin"}
        document = {"records": [{"body": "wsgi"}]}
        assert mock.client.post(RECORDS, json=document, headers=headers).status_code == 200
        stream.append([b"direct"])

        tail = stream.tail.seq_num
        seen = seq_nums(batch(self.following))
        while seen[-1] < tail - 1:
            seen += seq_nums(batch(self.following))
        assert seen[-1] == remote.tail_ok()["seq_num"] - 1
        assert len(remote.bodies(seq_num=0)) == len(stream.records) == tail
        with remote.sse(seq_num=0, count=tail) as events:
            assert next(event.name for event in events.events()) == "batch"
        assert remote.info() is not None
        assert self.client.head(self.client.open("GET", "/v1/basins"))[":status"] == "200"
        assert mock.basin("my-basin").streams == ("s",)
        return [b"unary", b"session", b"h2c", b"wsgi", b"direct"]


@pytest.mark.sample(4)
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("held", HELD_ONES)
def test_no_other_request_waits(
    mock: S2Mock,
    stream: Stream,
    remote: Remote,
    client: H2Client,
    toy: Toy,
    stack: ExitStack,
    held: str,
    point: Point,
) -> None:
    stream.append([b"first"])
    bystanders = Bystanders(mock, remote, client, stack)
    name, begin = HELD_ONES[held]
    gate = toy.hold(point, name)
    operation = begin(mock, remote, client, stack)
    assert gate.reached.wait(PATIENCE)

    others = bystanders.go_on()
    assert not operation.is_answered()
    gate.open()
    assert operation.answer() == 200
    mine = [b"held"] if name == "append" else []
    appended = mine + others if point == "answer" else others + mine
    assert [record.body for record in stream.records] == [b"first", *appended]


@pytest.mark.parametrize("point", POINTS)
def test_a_wait_that_ends_by_its_own_time(toy: Toy, remote: Remote, point: Point) -> None:
    """No call is needed: a delay is a wait that is over when its time is."""
    waited: list[Gate] = []

    def delay(_: Call) -> Waits:
        gate = Gate()
        gate.timeout = 0.001
        waited.append(gate)
        yield gate

    toy.doing[point, "append"] = delay
    with remote.append_session() as session:
        session.send(HELD * 2)
        assert acks(session, 2) == [(0, 1), (1, 2)]
    assert len(waited) == 2


@pytest.mark.parametrize("point", POINTS)
def test_later_ones_of_a_session_wait_behind_the_one_that_is_held(
    toy: Toy, remote: Remote, stream: Stream, point: Point
) -> None:
    with remote.append_session() as session:
        session.send(HELD)
        assert acks(session, 1) == [(0, 1)]
        gate = toy.hold(point, "append")
        session.send(HELD * 3)
        assert gate.reached.wait(PATIENCE)
        assert silent(session)
        assert stream.tail.seq_num == (2 if point == "answer" else 1)
        gate.open()
        assert acks(session, 3) == [(1, 2), (2, 3), (3, 4)]


OPENERS: dict[str, Callable[[Remote], Session]] = {
    "an S2S read session": lambda remote: remote.read_session(seq_num=0),
    "an SSE read session": lambda remote: remote.sse(seq_num=0),
    "a unary read": lambda remote: remote.poll(seq_num=0, wait=60),
    "an append session": lambda remote: remote.append_session(),
}


@pytest.mark.sample(4)
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("opener", OPENERS)
def test_a_client_that_leaves_while_it_is_held(
    mock: S2Mock, remote: Remote, stream: Stream, toy: Toy, opener: str, point: Point
) -> None:
    """Its work is abandoned: no reader follows the stream for it."""
    name = "append-session" if opener == "an append session" else "read"
    if opener == "a unary read" and point == "answer":
        # It has none before there is something to read.
        stream.append([b"a"])
    gate = toy.hold(point, name)
    with OPENERS[opener](remote) as session:
        assert gate.reached.wait(PATIENCE)
        assert not session.answered()
    assert released(stream)
    assert stream.readers == 0
    # Nothing of it comes to life later.
    gate.open()
    assert remote.append("later").status == 200
    assert (stream.readers, len(mock.account.engine.sessions.waiters)) == (0, 0)


@pytest.mark.parametrize("opener", [*OPENERS][:2])
def test_a_read_session_that_fails_at_its_answer(
    mock: S2Mock, remote: Remote, stream: Stream, toy: Toy, opener: str
) -> None:
    toy.fail("answer", "read", Invalid("not today"))
    with OPENERS[opener](remote) as session:
        assert session.status == 422
    assert (stream.readers, len(mock.account.engine.sessions.waiters)) == (0, 0)
