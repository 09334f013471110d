"""What of two answers is compared: all of it that can be equal."""

import pytest

from s2mock import S2Mock
from s2mock.contract import recordings
from s2mock.contract.connection import connect
from s2mock.contract.exchange import (
    CLOSED,
    NO_ANSWER,
    NOT_COMPARED,
    OPEN,
    PROTOCOLS,
    Call,
    Protocol,
    Reply,
    comparable,
)
from s2mock.contract.recordings import Recording
from s2mock.contract.replay import Replay
from tests.contract.http_mutations import HTTP_MUTATIONS

pytestmark = pytest.mark.slow

CALL = Call("GET", "/v1/basins")
REPLY = Reply(
    200,
    (
        ("content-type", "application/json"),
        ("vary", "accept-encoding"),
        ("vary", "origin"),
        ("content-length", "7"),
        ("date", "Mon, 01 Jan 2024 00:00:00 GMT"),
    ),
    b'{"a":1}',
    OPEN,
)
BOTH = pytest.mark.parametrize("protocol", PROTOCOLS)


def with_headers(*headers: tuple[str, str]) -> Reply:
    return REPLY._replace(headers=headers)


DIFFERENT = {
    "one header more": with_headers(*REPLY.headers, ("x-new", "1")),
    "connection": with_headers(*REPLY.headers, ("connection", "close")),
    "a header twice": with_headers(*REPLY.headers, ("vary", "origin")),
    "repeated values in another order": with_headers(
        REPLY.headers[0], REPLY.headers[2], REPLY.headers[1], *REPLY.headers[3:]
    ),
    "no length": with_headers(*REPLY.headers[:3], *REPLY.headers[4:]),
    "another length than the body's": with_headers(
        *REPLY.headers[:3], ("content-length", "8"), *REPLY.headers[4:]
    ),
    "status": REPLY._replace(status=201),
    "body": REPLY._replace(body=b'{"a":2}'),
    "end": REPLY._replace(end=CLOSED),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT)
def test_answers_that_differ_in_anything_are_different(other: Reply) -> None:
    assert comparable(CALL, other) != comparable(CALL, REPLY)


EQUAL = {
    "the order of headers": with_headers(*REPLY.headers[3:], *REPLY.headers[:3]),
    "the date": with_headers(*REPLY.headers[:4], ("date", "Tue, 02 Jan 2024 00:00:00 GMT")),
}


@pytest.mark.parametrize("other", EQUAL.values(), ids=EQUAL)
def test_what_cannot_be_equal_is_left_out(other: Reply) -> None:
    assert comparable(CALL, other) == comparable(CALL, REPLY)


def test_every_header_that_is_left_out_has_a_reason() -> None:
    assert list(NOT_COMPARED) == ["date"]
    assert all(NOT_COMPARED.values())


def test_length_of_a_body_with_a_time_may_vary() -> None:
    times = (b'"2024-01-01T00:00:00Z"', b'"2024-01-01T00:00:00.123Z"')
    replies = [
        Reply(
            200,
            (("content-type", "application/json"), ("content-length", str(len(body)))),
            body,
        )
        for body in times
    ]
    assert comparable(CALL, replies[0]) == comparable(CALL, replies[1])


@BOTH
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_both_connections_say_what_came(protocol: Protocol, method: str) -> None:
    with S2Mock() as mock:
        connection = connect(mock.url, protocol, token=mock.token)
        for _ in range(2):
            reply = connection.send(Call(method, "/health"))
            assert (reply.status, reply.end) == (200, OPEN)
            assert reply.body == (b"OK" if method == "GET" else b"")
            assert dict(reply.headers)["content-length"] == "2"
        connection.close()


@BOTH
def test_bodies_longer_than_any_window_are_sent_and_received(protocol: Protocol) -> None:
    with S2Mock() as mock:
        stream = mock.create_basin("my-basin").create_stream("s")
        connection = connect(mock.url, protocol, token=mock.token)
        headers = {"s2-basin": "my-basin", "content-type": "application/json"}
        records = (b'{"body":"' + b"x" * 400_000 + b'"},') * 2
        body = b'{"records":[%b{}]}' % records
        for _ in range(3):
            assert connection.send(Call("POST", f"{PATH}", headers, body)).status == 200
        reply = connection.send(Call("GET", f"{PATH}?seq_num=0", headers))
        assert len(reply.body) > 800_000
        assert stream.tail.seq_num == 9
        connection.close()


PATH = "/v1/streams/s/records"


@BOTH
def test_connection_that_ends_is_noticed(protocol: Protocol) -> None:
    """And the next call is made on a new one."""
    with S2Mock() as mock:
        connection = connect(mock.url, protocol, token=mock.token)
        refused = Call("GET", "/health", {"x": "a\x01b"})
        reply = connection.send(refused)
        if protocol == "h2c":
            assert (reply.status, reply.end) == (0, "closed with PROTOCOL_ERROR")
        else:
            assert (reply.status, reply.end) == (400, CLOSED)
        assert connection.send(CALL).status == 200
        mock.reset()
        reply = connection.send(CALL)
        assert reply == NO_ANSWER
        assert connection.send(CALL).status == 200
        connection.close()


@pytest.fixture(scope="module")
def recorded() -> list[Recording]:
    """The recordings of calls of each kind, one for each protocol."""
    return [recordings.load(name) for name in ("calls", "h2c_calls")]


def test_calls_of_each_kind_are_recorded_over_both_protocols(recorded: list[Recording]) -> None:
    assert tuple(recording.protocol for recording in recorded) == PROTOCOLS
    calls = [
        [exchange.call.path for group in recording.groups for exchange in group.exchanges]
        for recording in recorded
    ]
    assert len(calls[0]) == len(calls[1]) > 300


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("an answer without a body has no length", (0, 1)),
        ("a compressed answer has a length", (0, 1)),
        ("an empty origin is none", (0, 1)),
        ("no CORS headers", (0, 1)),
        ("a path may have any byte", (1,)),
    ],
)
def test_other_headers_or_another_end_are_found(
    recorded: list[Recording], name: str, at: tuple[int, ...]
) -> None:
    """The same recordings show no difference without the mutation."""
    mutation = next(mutation for mutation in HTTP_MUTATIONS if mutation.name == name)
    for index in at:
        with mutation.applied(), Replay() as replay:
            replay.run(recorded[index])
        assert replay.differences


def test_recordings_of_calls_show_no_difference(recorded: list[Recording]) -> None:
    with Replay() as replay:
        for recording in recorded:
            replay.run(recording)
    assert not replay.differences
    assert replay.ends > replay.exchanges / 2
    assert set(replay.by_protocol) == set(PROTOCOLS)
