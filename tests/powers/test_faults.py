"""What a client sees of each fault, over each way, and whether the operation took effect."""

from contextlib import closing
from math import inf
from typing import Any

import pytest

from s2mock import Answer, Cut, Delay, Drain, Drop, Fail, ManualClock, S2Mock
from tests.powers.conftest import (
    BASIN,
    RECORDS,
    SEEDS,
    Started,
    Way,
    bodies,
    headers_of,
    needs_this_process,
    wait_for_pauses,
)
from tests.sessions.h2_client import H2Client


class TestFail:
    def test_is_the_answer_of_s2_for_the_code(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Fail("rate_limited", message="slow down", retry_after=0.25), on="append")
        answer = way.append("a")
        assert answer.status == 429
        assert answer.json == {"code": "rate_limited", "message": "slow down"}
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["retry-after-ms"] == "250"
        assert bodies(mock) == []
        assert way.append("a").status == 200

    def test_without_retry_after_there_is_no_such_header(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Fail("unavailable"), on="append")
        answer = way.append("a")
        assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert "retry-after-ms" not in answer.headers

    def test_committed_has_taken_effect(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Fail("unavailable", committed=True), on="append")
        assert way.append("a").status == 503
        assert bodies(mock) == ["a"]

    def test_a_read_without_a_session_fails_as_a_whole(self, mock: S2Mock, way: Way) -> None:
        way.append("a")
        mock.inject(Fail("storage", records=1), on="read")
        assert way("GET", f"{RECORDS}?seq_num=0").status == 500


class TestDrop:
    def test_no_byte_of_an_answer(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Drop(), on="append")
        with pytest.raises(ConnectionResetError):
            way.append("a")
        assert bodies(mock) == []

    def test_committed_has_taken_effect(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Drop(committed=True), on="append")
        with pytest.raises(ConnectionResetError):
            way.append("a")
        assert bodies(mock) == ["a"]

    @pytest.mark.parametrize(
        ("fault", "code"), [(Drop(connection=False), 2), (Drop(refused=True), 7)]
    )
    def test_on_http_2_one_stream_is_reset(self, mock: S2Mock, fault: Drop, code: int) -> None:
        mock.inject(fault, on="list-basins")
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            reset = client.open("GET", "/v1/basins")
            with pytest.raises(ConnectionResetError, match="was reset"):
                client.head(reset)
            assert client.reset_codes[reset] == code
            # The connection goes on.
            assert client.head(client.open("GET", "/v1/basins"))[":status"] == "200"

    def test_a_connection_is_cut_with_all_that_runs_on_it(self, mock: S2Mock) -> None:
        mock.inject(Drop(), on="list-basins")
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            tail = client.open("GET", f"{RECORDS}?seq_num=0", {"content-type": "s2s/proto"})
            assert client.head(tail)[":status"] == "200"
            client.open("GET", "/v1/basins")
            with pytest.raises(ConnectionError, match="closed the connection"):
                client.rest(tail)
        [read] = mock.journal.wait_for("read")
        assert read.response is not None
        assert read.reason == "its connection was ended by Drop() of exchange 2"

    def test_refused_is_a_closed_connection_on_http_1(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Drop(refused=True), on="append")
        with pytest.raises(ConnectionResetError):
            http1.append("a")
        assert bodies(mock) == []


class TestCut:
    @pytest.mark.parametrize("size", [0, 5])
    def test_an_answer_breaks_off_after_so_many_bytes(
        self, mock: S2Mock, way: Way, size: int
    ) -> None:
        mock.inject(Cut(bytes=size), on="append")
        with pytest.raises(ConnectionResetError):
            way.append("a")
        # It was carried out.
        assert bodies(mock) == ["a"]

    def test_the_bytes_come(self, mock: S2Mock, h2c: Way, http1: Way) -> None:
        whole = http1("GET", "/v1/basins").body
        mock.inject([Cut(bytes=7)] * 2, on="list-basins")
        for way in (http1, h2c):
            received, broke_off = way.session("/v1/basins", {})
            assert broke_off
            assert received == whole[:7]

    def test_it_always_breaks_off(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Cut(bytes=10**9), on="list-basins", times=1)
        with pytest.raises(ConnectionResetError):
            way("GET", "/v1/basins")

    def test_an_answer_without_a_body_breaks_off_too(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Cut(bytes=0), on="delete-stream")
        with pytest.raises(ConnectionResetError):
            way("DELETE", "/v1/streams/log")
        assert "log" not in mock.basin(BASIN).streams

    def test_an_error_breaks_off(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Cut(bytes=3), on="append")
        with pytest.raises(ConnectionResetError):
            way.append("a", stream="no-such-stream")

    def test_an_answer_that_is_longer_than_a_window(self, mock: S2Mock, h2c: Way) -> None:
        """What was said before the cut comes, however much it is."""
        mock.basin(BASIN).stream("log").append(["x" * 500_000])
        mock.inject(Cut(bytes=400_000), on="read")
        received, broke_off = h2c.session(f"{RECORDS}?seq_num=0", {})
        assert broke_off
        assert len(received) == 400_000

    @pytest.mark.parametrize("accept", ["application/json", "application/protobuf"])
    @pytest.mark.parametrize("count", [0, 1, 2, 3])
    def test_a_read_breaks_off_after_so_many_records(
        self, mock: S2Mock, http1: Way, count: int, accept: str
    ) -> None:
        mock.basin(BASIN).stream("log").append(["first", "second", "third"])
        mock.inject(Cut(records=count), on="read")
        received, broke_off = http1.session(f"{RECORDS}?seq_num=0", {"accept": accept})
        assert broke_off
        names = [b"first", b"second", b"third"]
        assert [name in received for name in names] == [n < count for n in range(3)]


class TestDelay:
    @pytest.mark.parametrize("committed", [False, True])
    def test_is_by_the_clock_of_the_account(self, committed: bool) -> None:
        clock = ManualClock()
        with S2Mock(basins=SEEDS, clock=clock) as mock:
            way = Way("http1", mock)
            mock.inject(Delay(60, committed=committed), on="append")
            answering = Started(lambda: way.append("a"))
            clock.wait_for_waiters(1)
            assert bodies(mock) == (["a"] if committed else [])
            clock.advance(59)
            assert not answering.is_over
            clock.advance(1)
            assert answering.result().status == 200
            assert bodies(mock) == ["a"]
            way.close()

    def test_delays_no_other_request(self, mock: S2Mock, http1: Way, h2c: Way) -> None:
        delayed = mock.inject(Delay(inf), on="append")
        answering = Started(lambda: http1.append("a"))
        delayed.wait()
        assert h2c.append("b").status == 200
        assert bodies(mock) == ["b"]
        mock.reset()
        assert isinstance(answering.result(), ConnectionResetError)

    @pytest.mark.parametrize("seconds", [3_000_000, 1e10, 1e300, 10**400])
    def test_a_delay_of_months_or_longer_is_waited_for(
        self, mock: S2Mock, way: Way, seconds: float
    ) -> None:
        needs_this_process(mock, "it looks at what waits")
        mock.inject(Delay(seconds), on="append")
        answering = Started(lambda: way.append("a"))
        wait_for_pauses(mock)
        with closing(Way(way.name, mock)) as other:
            assert other.append("b").status == 200
        assert not answering.is_over
        assert bodies(mock) == ["b"]
        mock.reset()
        assert isinstance(answering.result(), ConnectionResetError)

    @pytest.mark.parametrize("name", ["http1", "h2c", "wsgi"])
    @pytest.mark.parametrize("committed", [False, True])
    def test_for_ever_is_until_the_test_ends(self, name: str, committed: bool) -> None:
        with S2Mock(basins=SEEDS) as mock:
            way = Way(name, mock)
            delayed = mock.inject(Delay(inf, committed=committed), on="append")
            answering = Started(lambda: way.append("a"))
            delayed.wait()
            stream = mock.basin(BASIN).stream("log")
        assert isinstance(answering.result(), ConnectionResetError)
        assert len(stream.records) <= (1 if committed else 0)
        way.close()


class TestAnswer:
    def test_byte_for_byte(self, mock: S2Mock, way: Way) -> None:
        html = b"<html><h1>502 Bad Gateway</h1></html>"
        mock.inject(Answer(502, html, headers={"Content-Type": "text/html"}), on="append")
        answer = way.append("a")
        assert (answer.status, answer.body) == (502, html)
        added = {"content-length", "date", "connection"}
        assert {k: v for k, v in answer.headers.items() if k not in added} == {
            "content-type": "text/html"
        }
        assert bodies(mock) == []

    def test_an_empty_one(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Answer(503), on="append")
        answer = way.append("a")
        assert (answer.status, answer.body) == (503, b"")

    def test_is_not_compressed(self, mock: S2Mock, http1: Way) -> None:
        body = b"x" * 100_000
        mock.inject(Answer(200, body), on="list-basins")
        answer = http1("GET", "/v1/basins", headers={"accept-encoding": "gzip"})
        assert answer.body == body
        assert "content-encoding" not in answer.headers


class TestDrain:
    def test_without_a_session_it_is_a_503_that_did_nothing(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Drain(), on="append")
        answer = way.append("a")
        assert (answer.status, answer.json["code"]) == (503, "server_draining")
        assert bodies(mock) == []

    def test_the_connection_ends_on_http_1(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Drain(), on="append")
        assert http1.append("a").headers["connection"] == "close"
        assert http1.append("b").status == 200
        first, second = mock.journal
        assert first.connection != second.connection

    def test_the_connection_ends_by_goaway_on_http_2(self, mock: S2Mock) -> None:
        mock.inject(Drain(), on="list-basins")
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            stream = client.open("GET", "/v1/basins")
            assert client.head(stream)[":status"] == "503"
            client.rest(stream)
            assert client.until_goaway() == 0


OPERATIONS: dict[str, tuple[str, str, Any]] = {
    "list-basins": ("GET", "/v1/basins", None),
    "create-basin": ("POST", "/v1/basins", {"basin": "new-basin"}),
    "get-basin-config": ("GET", f"/v1/basins/{BASIN}", None),
    "ensure-basin": ("PUT", "/v1/basins/new-basin", {}),
    "delete-basin": ("DELETE", f"/v1/basins/{BASIN}", None),
    "reconfigure-basin": ("PATCH", f"/v1/basins/{BASIN}", {"create_stream_on_read": True}),
    "list-streams": ("GET", "/v1/streams", None),
    "create-stream": ("POST", "/v1/streams", {"stream": "new"}),
    "get-stream-config": ("GET", "/v1/streams/log", None),
    "ensure-stream": ("PUT", "/v1/streams/new", {}),
    "delete-stream": ("DELETE", "/v1/streams/log", None),
    "reconfigure-stream": ("PATCH", "/v1/streams/log", {"storage_class": "x"}),
    "read": ("GET", f"{RECORDS}?tail_offset=1&clamp=true&wait=0", None),
    "append": ("POST", RECORDS, {"records": [{"body": "x"}]}),
    "check-tail": ("GET", f"{RECORDS}/tail", None),
    "list-access-tokens": ("GET", "/v1/access-tokens", None),
    "issue-access-token": (
        "POST",
        "/v1/access-tokens",
        {"id": "t", "scope": {"op_groups": {"basin": {"read": True}}}},
    ),
    "revoke-access-token": ("DELETE", "/v1/access-tokens/t", None),
    "account-metrics": ("GET", "/v1/metrics?set=active-basins", None),
    "basin-metrics": ("GET", f"/v1/metrics/{BASIN}?set=storage", None),
    "stream-metrics": ("GET", f"/v1/metrics/{BASIN}/log?set=storage", None),
    "list-locations": ("GET", "/v1/locations", None),
    "get-default-location": ("GET", "/v1/locations/default", None),
    "set-default-location": ("PUT", "/v1/locations/default", "aws:us-east-1"),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_can_be_met(mock: S2Mock, http1: Way, name: str) -> None:
    injected = mock.inject(Fail("unavailable"), on=name)
    answer = http1(*OPERATIONS[name])
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert injected.exchanges[0].operation == name


@pytest.mark.parametrize("command", ["fence", "trim"])
def test_a_command_is_met_by_its_name(mock: S2Mock, http1: Way, command: str) -> None:
    mock.inject(Fail("unavailable"), on=command)
    assert http1.append("plain").status == 200
    body = "AAAAAAAAAAA=" if command == "trim" else "dA=="
    record = {"headers": [["", "ZmVuY2U=" if command == "fence" else "dHJpbQ=="]], "body": body}
    answer = http1("POST", RECORDS, {"records": [record]}, headers={"s2-format": "base64"})
    assert answer.status == 503
    assert [exchange.response.status for exchange in mock.journal.of(command)] == [503]  # type: ignore[union-attr]


def test_one_that_s2_refuses_by_itself_meets_a_committed_fault(mock: S2Mock, way: Way) -> None:
    """The fault fires, and nothing takes effect."""
    injected = mock.inject(Drop(committed=True), on="append")
    with pytest.raises(ConnectionResetError):
        way.append("a", stream="no-such-stream")
    assert injected.hits == 1
    assert not injected.exchanges[0].effect.committed


def test_direct_calls_are_no_operations(mock: S2Mock) -> None:
    injected = mock.inject(Drop(), on=["append", "create-stream", "list-streams"], required=False)
    mock.basin(BASIN).create_stream("direct").append(["a"])
    mock.basin(BASIN).list_streams()
    assert injected.hits == 0
    assert len(mock.journal) == 0
