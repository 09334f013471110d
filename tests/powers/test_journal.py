"""What the journal knows of each exchange, how it is asked, and how much it keeps."""

import asyncio
import base64
import json
import re
import shlex
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

import pytest

from s2mock import Answer, Drop, Effect, Exchange, Fail, ManualClock, S2Mock, SystemClock
from s2mock.api.wire.messages import AppendInput
from s2mock.control.views.snippet import snippet
from s2mock.control.views.timeline import shown_to_json
from s2mock.powers.timeline import make_timeline
from s2mock.runtime.conversation import READ, Head, Outlast
from tests import own_token
from tests.plugin.conftest import Run
from tests.powers.conftest import (
    BASIN,
    EVENTS,
    FRAMES,
    RECORDS,
    SEEDS,
    Started,
    Way,
    bodies,
    headers_of,
    needs_this_process,
)
from tests.powers.frames import append_frame
from tests.sessions.h2_client import H2Client

if TYPE_CHECKING:
    from s2mock.powers.journal import Journal

PROTOCOLS = {"http1": "HTTP/1.1", "h2c": "h2c", "wsgi": "wsgi"}


class TestAnExchange:
    def test_of_an_append(self, mock: S2Mock, way: Way) -> None:
        before = SystemClock().now()
        answer = way.append("a", "b")
        [exchange] = mock.journal
        assert (exchange.number, exchange.operation) == (1, "append")
        assert (exchange.basin, exchange.stream) == (BASIN, "log")
        # A server is shared by the bearers of tokens.
        assert exchange.token_id == ("s2mock" if headers_of(mock) else None)
        assert exchange.effect == Effect(True, "appended", None, first_seq_num=0, last_seq_num=1)
        assert exchange.session is None
        assert exchange.protocol == PROTOCOLS[way.name]
        assert (exchange.connection is None) == (way.name == "wsgi")
        assert exchange.at is not None
        assert before <= exchange.at <= SystemClock().now()
        assert exchange.ended is not None
        assert exchange.began <= exchange.ended
        assert (exchange.fault, exchange.reason, exchange.advice) == (None, None, ())
        request, response = exchange.request, exchange.response
        assert (request.method, request.path, request.query) == ("POST", RECORDS, "")
        assert request.headers["s2-basin"] == BASIN
        assert request.headers["content-type"] == "application/json"
        assert request.document == {"records": [{"body": "a"}, {"body": "b"}]}
        assert response is not None
        assert (response.status, response.code, response.message) == (200, None, None)
        assert response.headers["content-type"] == "application/json"
        assert response.body == answer.body
        assert response.document == answer.json

    def test_of_a_creation(self, mock: S2Mock, way: Way) -> None:
        way("POST", "/v1/streams", {"stream": "new"})
        way("PUT", "/v1/streams/new", {})
        way("PATCH", "/v1/streams/new", {"storage_class": "x"})
        way("DELETE", "/v1/streams/new")
        way("POST", "/v1/basins", {"basin": "new-basin"})
        assert [(one.operation, one.effect) for one in mock.journal] == [
            ("create-stream", Effect(True, "created", "new")),
            ("ensure-stream", Effect()),
            ("reconfigure-stream", Effect(True, "updated", "new")),
            ("delete-stream", Effect(True, "deleted", "new")),
            ("create-basin", Effect(True, "created", "new-basin")),
        ]

    def test_of_a_read(self, mock: S2Mock, way: Way) -> None:
        mock.basin(BASIN).stream("log").append(["a", "b", "c"])
        way("GET", f"{RECORDS}?seq_num=1")
        [exchange] = mock.journal
        assert exchange.request.query == "seq_num=1"
        assert exchange.effect == Effect(first_seq_num=1, last_seq_num=2)
        assert exchange.response is not None
        assert [one["body"] for one in exchange.response.document["records"]] == ["b", "c"]

    def test_of_a_refusal(self, mock: S2Mock, way: Way) -> None:
        way.append("a", stream="no-such-stream")
        [exchange] = mock.journal
        assert exchange.stream == "no-such-stream"
        assert exchange.effect == Effect()
        assert exchange.response is not None
        assert (exchange.response.status, exchange.response.code) == (404, "stream_not_found")
        assert exchange.response.message == (
            "stream `no-such-stream` in basin `my-basin` not found"
        )

    def test_of_a_request_that_never_became_an_operation(self, mock: S2Mock, way: Way) -> None:
        way("POST", RECORDS, {"records": 5})
        [exchange] = mock.journal
        assert (exchange.operation, exchange.basin, exchange.stream) == ("append", BASIN, "log")
        assert exchange.at is None
        assert exchange.request.document == {"records": 5}
        assert exchange.response is not None
        assert exchange.response.code == "bad_json"

    def test_of_no_route(self, mock: S2Mock, way: Way) -> None:
        way("GET", "/v1/basin")
        [exchange] = mock.journal
        assert exchange.operation is None
        assert exchange.request.path == "/v1/basin"
        assert exchange.response is not None
        assert exchange.response.status == 404

    def test_of_a_stream_whose_name_is_encoded(self, mock: S2Mock, way: Way) -> None:
        way("GET", "/v1/streams/orders%2Feu")
        [exchange] = mock.journal
        assert exchange.stream == "orders/eu"
        if way.name != "wsgi":
            assert exchange.request.path == "/v1/streams/orders%2Feu"

    def test_at_is_of_the_clock_of_the_account(self) -> None:
        clock = ManualClock()
        with S2Mock(clock=clock) as mock:
            clock.advance(60)
            Way("wsgi", mock)("GET", "/v1/basins")
            assert mock.journal[0].at == clock.now()

    def test_a_drop_has_no_response(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Drop(committed=True), on="append")
        with pytest.raises(ConnectionResetError):
            way.append("a")
        [exchange] = mock.journal
        assert exchange.response is None
        assert exchange.effect.committed
        assert exchange.ended is not None
        assert exchange.fault == Drop(committed=True)

    def test_an_injected_error(self, mock: S2Mock, way: Way) -> None:
        fault = Fail("unavailable", message="gone", committed=True)
        mock.inject(fault, on="append")
        way.append("a")
        [exchange] = mock.journal
        assert exchange.response is not None
        assert (exchange.response.code, exchange.response.message) == ("unavailable", "gone")
        assert exchange.effect.committed
        assert exchange.fault == fault

    def test_never_changes(self, mock: S2Mock, http1: Way) -> None:
        http1.append("a")
        exchange = mock.journal[0]
        with pytest.raises(AttributeError):
            exchange.number = 5  # type: ignore[misc]
        assert exchange == mock.journal[0]
        http1.append("b")
        assert exchange == mock.journal[0] != mock.journal[1]

    def test_is_there_before_its_answer(self, mock: S2Mock, way: Way) -> None:
        for number in range(20):
            way.append("a")
            assert len(mock.journal) == number + 1


class TestDocuments:
    """The same document for each form in which it was sent."""

    @pytest.mark.parametrize("form", ["raw", "base64", "protobuf", "session"])
    def test_of_an_append(self, mock: S2Mock, http1: Way, form: str) -> None:
        if form in ("raw", "base64"):
            encode = (
                (lambda text: base64.b64encode(text.encode()).decode()) if form == "base64" else str
            )
            record = {"body": encode("x"), "headers": [[encode("k"), encode("v")]], "timestamp": 5}
            document = {"records": [record], "match_seq_num": 0, "fencing_token": ""}
            http1("POST", RECORDS, document, headers={"s2-format": form})
        else:
            message = AppendInput(match_seq_num=0, fencing_token="")
            made = message.records.add(body=b"x", timestamp=5)
            made.headers.add(name=b"k", value=b"v")
            payload = message.SerializeToString()
            if form == "session":
                payload = (len(payload) + 1).to_bytes(3, "big") + b"\0" + payload
            kind = "application/protobuf" if form == "protobuf" else "s2s/proto"
            headers = {"content-type": kind, "accept": "application/protobuf"}
            http1("POST", RECORDS, content=payload, headers=headers)
        [exchange] = mock.journal.of("append")
        assert exchange.request.document == {
            "records": [{"timestamp": 5, "headers": [["k", "v"]], "body": "x"}],
            "match_seq_num": 0,
            "fencing_token": "",
        }
        position = {"seq_num": 1, "timestamp": 5}
        assert exchange.response is not None
        assert exchange.response.document == {
            "start": {"seq_num": 0, "timestamp": 5},
            "end": position,
            "tail": position,
        }

    @pytest.mark.parametrize("form", ["raw", "base64", "protobuf"])
    def test_of_a_read(self, mock: S2Mock, http1: Way, form: str) -> None:
        log = mock.basin(BASIN).stream("log")
        log.append(["x"])
        headers = {"accept": "application/protobuf"} if form == "protobuf" else {"s2-format": form}
        http1("GET", f"{RECORDS}?seq_num=0", headers=headers)
        response = mock.journal[0].response
        assert response is not None
        assert response.document == {
            "records": [{"seq_num": 0, "timestamp": log.tail.timestamp, "body": "x"}]
        }

    def test_what_is_no_text_is_bytes(self, mock: S2Mock, http1: Way) -> None:
        body = base64.b64encode(b"\xff").decode()
        http1("POST", RECORDS, {"records": [{"body": body}]}, headers={"s2-format": "base64"})
        assert mock.journal[0].request.document == {"records": [{"body": b"\xff"}]}

    def test_of_what_cannot_be_read(self, mock: S2Mock, http1: Way) -> None:
        http1("POST", RECORDS, content=b"{", headers={"content-type": "application/json"})
        http1("POST", RECORDS, content=b"\xff", headers={"content-type": "application/protobuf"})
        assert [one.request.document for one in mock.journal] == [None, None]
        assert [one.request.body for one in mock.journal] == [b"{", b"\xff"]

    def test_a_body_is_kept_before_its_coding(self, mock: S2Mock, http1: Way) -> None:
        import gzip

        mock.basin(BASIN).stream("log").append(["x" * 10_000])
        content = gzip.compress(b'{"records":[{"body":"a"}]}')
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        http1("POST", RECORDS, content=content, headers=headers)
        answer = http1("GET", f"{RECORDS}?seq_num=0", headers={"accept-encoding": "gzip"})
        sent, got = mock.journal
        assert sent.request.body == b'{"records":[{"body":"a"}]}'
        assert got.response is not None
        assert got.response.headers["content-encoding"] == "gzip"
        assert got.response.body == answer.body  # which httpx has inflated


class TestSessions:
    def test_of_appends(self, mock: S2Mock, way: Way) -> None:
        content = append_frame("a", "b") + append_frame("c")
        way.session(RECORDS, FRAMES, "POST", content)
        opening, first, second = mock.journal
        assert [one.operation for one in mock.journal] == ["append-session", "append", "append"]
        assert [one.session for one in mock.journal] == [opening.number] * 3
        assert opening.effect.first_seq_num == 0
        assert opening.effect.last_seq_num == 2
        assert opening.ended is not None
        assert first.request.document == {"records": [{"body": "a"}, {"body": "b"}]}
        assert first.effect == Effect(True, "appended", None, 0, 1)
        assert second.effect == Effect(True, "appended", None, 2, 2)
        assert second.protocol == PROTOCOLS[way.name]
        assert opening.response is not None
        assert not opening.response.body

    def test_goes_on_until_it_ends(self, mock: S2Mock) -> None:
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            stream = client.open("POST", RECORDS, FRAMES, end=False)
            client.head(stream)
            opening = mock.journal[0]
            assert (opening.operation, opening.ended) == ("append-session", None)
            client.send(stream, append_frame("a"))
            client.frame(stream)
            assert [one.number for one in mock.journal] == [1, 2]
            client.send(stream, end=True)
            client.rest(stream)
        # It has been replaced under its number; what was taken before is as it was.
        assert mock.journal[0].number == opening.number == 1
        assert mock.journal[0].ended is not None
        assert opening.ended is None
        assert mock.journal[0].effect.last_seq_num == 0

    @pytest.mark.parametrize("headers", [FRAMES, EVENTS])
    def test_of_a_read(self, mock: S2Mock, way: Way, headers: dict[str, str]) -> None:
        mock.basin(BASIN).stream("log").append(["a", "b", "c"])
        way.session(f"{RECORDS}?seq_num=1&count=2", headers)
        [exchange] = mock.journal
        assert (exchange.operation, exchange.session) == ("read", 1)
        assert exchange.effect == Effect(first_seq_num=1, last_seq_num=2)
        assert exchange.ended is not None

    def test_of_a_batch_that_is_refused(self, mock: S2Mock, way: Way) -> None:
        stream = mock.basin(BASIN).stream("log")
        message = AppendInput(match_seq_num=7)
        message.records.add(body=b"x")
        payload = message.SerializeToString()
        frame = (len(payload) + 1).to_bytes(3, "big") + b"\0" + payload
        way.session(RECORDS, FRAMES, "POST", frame)
        opening, batch = mock.journal
        assert batch.response is not None
        assert batch.response.status == 412
        assert batch.reason is not None
        assert batch.reason.startswith(
            "the next sequence number is 0; the append has match_seq_num=7"
        )
        assert opening.reason is not None
        assert stream.records == ()

    def test_whose_client_leaves(self, mock: S2Mock) -> None:
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            client.head(client.open("GET", f"{RECORDS}?seq_num=0", FRAMES))
            mock.basin(BASIN).stream("log").wait_for_readers()
        needs_this_process(mock, "with its account a journal is gone")
        Started(lambda: mock.journal.wait_for("read")).result()
        mock.close()
        assert mock.journal[0].ended is not None


class TestAsking:
    @pytest.fixture
    def some(self, http1: Way) -> None:
        http1("GET", "/v1/basins")
        http1.append("a")
        http1.append("b", stream="orders/eu")
        http1.append("c", stream="no-such-stream")
        http1("GET", "/v1/nothing")

    @pytest.mark.usefixtures("some")
    def test_as_a_sequence(self, mock: S2Mock) -> None:
        journal = mock.journal
        assert len(journal) == 5
        assert [one.number for one in journal] == [1, 2, 3, 4, 5]
        assert journal[-1].number == 5
        assert [one.number for one in journal[1:3]] == [2, 3]
        assert [one.number for one in reversed(journal)] == [5, 4, 3, 2, 1]
        assert isinstance(journal[0], Exchange)
        assert journal[2] in journal
        with pytest.raises(IndexError, match="no exchange \\[5\\]: the journal has 5"):
            journal[5]

    @pytest.mark.usefixtures("some")
    @pytest.mark.parametrize(
        ("arguments", "numbers"),
        [
            ({}, [1, 2, 3, 4, 5]),
            ({"operation": "append"}, [2, 3, 4]),
            ({"operation": ["append", "list-basins"]}, [1, 2, 3, 4]),
            ({"operation": "append", "stream": "log"}, [2]),
            ({"stream": "*o*"}, [2, 3, 4]),
            ({"basin": BASIN}, [2, 3, 4]),
            ({"basin": "your-*"}, []),
            ({"operation": "append", "status": 200}, [2, 3]),
            ({"status": 404}, [4, 5]),
        ],
    )
    def test_of(self, mock: S2Mock, arguments: dict[str, Any], numbers: list[int]) -> None:
        assert [one.number for one in mock.journal.of(**arguments)] == numbers

    def test_of_nonsense(self, mock: S2Mock) -> None:
        with pytest.raises(ValueError, match="did you mean 'append'"):
            mock.journal.of("apend")
        with pytest.raises(TypeError, match="status must be a whole number"):
            mock.journal.of(status="200")  # type: ignore[arg-type]

    def test_wait_for_counts_what_is_there_already(self, mock: S2Mock, http1: Way) -> None:
        http1.append("a")
        assert len(mock.journal.wait_for("append", timeout=0)) == 1
        appending = Started(lambda: http1.append("b"))
        found = mock.journal.wait_for("append", 2, stream="log", status=200)
        assert [one.request.document["records"][0]["body"] for one in found] == ["a", "b"]
        appending.result()

    def test_wait_for_says_what_came(self, mock: S2Mock, http1: Way) -> None:
        http1("GET", "/v1/basins")
        with pytest.raises(TimeoutError) as caught:
            mock.journal.wait_for("append", 2, stream="orders/*", timeout=0)
        assert str(caught.value) == (
            "0 of 2 append on orders/* arrived within 0 s; of 1 others these arrived last: "
            "<Exchange 1: list-basins  -> 200>"
        )

    def test_wait_for_in_an_event_loop(self, mock: S2Mock, http1: Way) -> None:
        async def run() -> None:
            waiting = asyncio.create_task(mock.journal.async_wait_for("append"))
            await asyncio.to_thread(http1.append, "a")
            assert len(await waiting) == 1
            with pytest.raises(TimeoutError, match="0 of 1 read arrived within 0 s"):
                await mock.journal.async_wait_for("read", timeout=0)
            with pytest.raises(TimeoutError, match="`await` the method"):
                mock.journal.wait_for("read", timeout=0)

        asyncio.run(run())

    @pytest.mark.usefixtures("some")
    def test_clear(self, mock: S2Mock, http1: Way) -> None:
        mock.journal.clear()
        assert len(mock.journal) == 0
        http1("GET", "/v1/basins")
        assert mock.journal[0].number == 6

    def test_reset_begins_a_new_one(self, mock: S2Mock, http1: Way) -> None:
        http1.append("a")
        mock.reset()
        assert len(mock.journal) == 0

    def test_restore_does_not(self, mock: S2Mock, http1: Way) -> None:
        before = mock.snapshot()
        http1.append("a")
        mock.restore(before)
        assert len(mock.journal) == 1


class TestSecrets:
    def test_are_blacked_out_in_every_text_and_there_as_values(
        self, mock: S2Mock, http1: Way
    ) -> None:
        needs_this_process(mock, "another token is another account")
        key = base64.b64encode(b"k" * 32).decode()
        headers = {"s2-encryption-key": key, "authorization": "Bearer secret-token"}
        http1("POST", RECORDS, {"records": []}, headers=headers)
        [exchange] = mock.journal
        texts = [repr(exchange), repr(exchange.request), exchange.curl(), str(exchange)]
        assert not [text for text in texts if key in text or "secret-token" in text]
        assert exchange.request.headers["s2-encryption-key"] == key
        assert exchange.request.headers["authorization"] == "Bearer secret-token"
        assert "-H 's2-encryption-key: ***'" in exchange.curl()

    @pytest.mark.parametrize(
        "name",
        ["cookie", "proxy-authorization", "s2mock-control-token", "x-api-key", "X-Api-Key"],
    )
    def test_header_that_holds_a_secret_is_blacked_out(
        self, mock: S2Mock, http1: Way, name: str
    ) -> None:
        http1("GET", "/v1/streams/none", headers={name: "hush-hush"})
        exchange = mock.journal[-1]
        assert exchange.request.headers[name.lower()] == "hush-hush"
        for text in texts_of(exchange):
            assert "hush-hush" not in text
        for text in (repr(exchange.request), exchange.curl(), snippet(exchange)):
            assert "***" in text

    def test_cookie_of_an_answer_is_blacked_out(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Answer(503, headers={"set-cookie": "id=hush-hush"}), on="list-basins")
        http1("GET", "/v1/basins")
        exchange = mock.journal[-1]
        assert exchange.response is not None
        assert exchange.response.headers["set-cookie"] == "id=hush-hush"
        assert "'set-cookie': '***'" in repr(exchange.response)
        assert shown_to_json(exchange)["exchange"]["response"]["headers"]["set-cookie"] == "***"

    @pytest.mark.parametrize(
        "name",
        [
            *("access_token", "api-key", "apikey", "API_KEY", "client_secret", "key", "password"),
            *("secret", "sig", "signature", "token", "X-Amz-Security-Token", "X-Amz-Signature"),
            # As it may be sent, too.
            "%74oken",
        ],
    )
    def test_query_parameter_that_holds_a_secret_is_blacked_out(
        self, mock: S2Mock, http1: Way, name: str
    ) -> None:
        query = f"limit=1&{name}=hush-hush&prefix=p&{name}=hush-too"
        http1("GET", f"/v1/streams?{query}")
        exchange = mock.journal[-1]
        assert exchange.request.query == query
        for text in texts_of(exchange):
            assert "hush" not in text
        for text in (repr(exchange.request), exchange.curl(), snippet(exchange)):
            assert f"limit=1&{name}=***&prefix=p&{name}=***" in text
        assert shown_to_json(exchange)["exchange"]["request"]["query"].startswith("limit=1&")

    @pytest.mark.parametrize("query", ["seq_num=0&count=1&tokens=2", "keys=1", "token", "=token"])
    def test_other_query_parameters_are_shown(self, mock: S2Mock, http1: Way, query: str) -> None:
        http1("GET", f"/v1/streams?{query}")
        exchange = mock.journal[-1]
        for text in (repr(exchange.request), exchange.curl(), snippet(exchange)):
            assert f"/v1/streams?{query}" in text

    @pytest.mark.parametrize("token", [None, "pinned"])
    def test_secret_of_an_issued_token_is_blacked_out_in_bodies(self, token: str | None) -> None:
        with S2Mock(token=token, auth="open") as mock:
            document = {"id": "svc", "scope": {"ops": ["read"]}}
            answer = mock.client.post("/v1/access-tokens", json=document)
            [exchange] = mock.journal
            assert answer.json is not None
            secret = answer.json["access_token"]
            assert secret not in repr(exchange.response)
            shown = json.dumps(shown_to_json(exchange))
            assert "***" in shown
            # No part of it either.
            assert not [part for part in secret.split("_")[2:] if len(part) > 20 and part in shown]
            assert secret[-43:] not in shown


def texts_of(exchange: Exchange) -> list[str]:
    """All texts in which an exchange is shown to a person."""
    return [
        repr(exchange),
        repr(exchange.request),
        repr(exchange.response),
        exchange.curl(),
        make_timeline([exchange]),
        snippet(exchange),
        json.dumps(shown_to_json(exchange)),
    ]


class TestCurl:
    @pytest.mark.parametrize("name", ["http1", "h2c"])
    @pytest.mark.parametrize("body", ["plain", 'it\'s "quoted" & $HOME `x`', "\u00e9\u20ac", "\n"])
    def test_sends_it_again(self, mock: S2Mock, name: str, body: str) -> None:
        needs_this_process(mock, "the command has no token, and leads to the first account")
        way = Way(name, mock)
        way.append(body)
        way.close()
        command = mock.journal[0].curl()
        assert command.startswith(("curl http://127.0.0.1:", "curl --http2-prior-knowledge http"))
        sent = subprocess.run(
            ["sh", "-c", f"{command} --silent --fail"], capture_output=True, check=False
        )
        assert sent.returncode == 0, sent.stderr
        assert bodies(mock) == [body, body]
        assert mock.journal[1].request.document == mock.journal[0].request.document

    def test_of_protobuf(self, mock: S2Mock, http1: Way) -> None:
        needs_this_process(mock, "the command has no token, and leads to the first account")
        message = AppendInput()
        message.records.add(body=b"\xff\x00x")
        headers = {"content-type": "application/protobuf"}
        http1("POST", RECORDS, content=message.SerializeToString(), headers=headers)
        command = mock.journal[0].curl()
        subprocess.run(["sh", "-c", f"{command} --silent --fail"], check=True, capture_output=True)
        first, second = mock.basin(BASIN).stream("log").records
        assert first.body == second.body == b"\xff\x00x"

    def test_of_other_methods(self, mock: S2Mock, http1: Way) -> None:
        http1("DELETE", "/v1/streams/log")
        http1("GET", "/v1/streams?prefix=a%26b")
        delete, get = mock.journal
        assert shlex.split(delete.curl())[1:4] == ["-X", "DELETE", f"{mock.url}/v1/streams/log"]
        assert shlex.split(get.curl())[1] == f"{mock.url}/v1/streams?prefix=a%26b"


def steps_of(call: Callable[[], object]) -> int:
    """Return the number of lines and calls that it takes, which is the same on a busy machine.

    Not of instructions: Python 3.12 reports none of the first function that is traced so.
    """
    count = 0

    def trace(_frame: FrameType, _event: str, _: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


class TestLimits:
    def test_of_exchanges(self) -> None:
        with S2Mock(basins=SEEDS, journal_limit=3) as mock:
            way = Way("wsgi", mock)
            for number in range(5):
                way.append(str(number))
            assert [one.number for one in mock.journal] == [3, 4, 5]
            assert mock.journal.dropped == 2
            assert "2 dropped" in repr(mock.journal)
            mock.journal.clear()
            assert mock.journal.dropped == 0

    def test_bodies_go_first_those_of_the_oldest_before_others(self) -> None:
        with S2Mock(basins=SEEDS, journal_bytes=3_000) as mock:
            way = Way("wsgi", mock)
            for number in range(4):
                way.append(str(number) * 1_000)
            assert len(mock.journal) == 4
            assert mock.journal.dropped == 0
            assert mock.journal.body_bytes <= 3_000
            kept = [one.request.body is not None for one in mock.journal]
            assert kept == [False, False, True, True]
            gone = mock.journal[0]
            assert (gone.request.document, gone.response and gone.response.body) == (None, None)
            assert gone.effect.first_seq_num == 0

    def test_a_fork_has_the_same_and_a_journal_of_its_own(self) -> None:
        with S2Mock(basins=SEEDS, journal_limit=3, journal_bytes=10) as mock:
            Way("wsgi", mock).append("a")
            with mock.fork() as fork:
                assert (fork.journal.limit, fork.journal.max_bytes) == (3, 10)
                assert len(fork.journal) == 0

    def test_waiting_for_more_than_are_kept_is_refused(self) -> None:
        with S2Mock(basins=SEEDS, journal_limit=5) as mock:
            way = Way("wsgi", mock)
            for number in range(20):
                way.append(str(number))
            text = re.escape("count must be 5 or less, not 20: the journal keeps no more")
            with pytest.raises(ValueError, match=text):
                mock.journal.wait_for("append", 20)
            with pytest.raises(ValueError, match=text):
                asyncio.run(mock.journal.async_wait_for("append", 20))
            assert len(mock.journal.wait_for("append", 5)) == 5

    def test_wait_in_vain_says_that_exchanges_are_gone(self) -> None:
        with S2Mock(basins=SEEDS, journal_limit=3) as mock:
            way = Way("wsgi", mock)
            way.append("a")
            for _ in range(3):
                way("GET", "/v1/basins")
            text = re.escape(
                "0 of 1 append arrived within 0 s; 1 are no longer kept (journal_limit=3)"
            )
            with pytest.raises(TimeoutError, match=text):
                mock.journal.wait_for("append", timeout=0)

    @pytest.mark.parametrize(
        "walk",
        [
            lambda journal: [*reversed(journal)],
            lambda journal: [journal[index] for index in range(len(journal))],
            lambda journal: [journal[-1 - index] for index in range(len(journal))],
        ],
        ids=["reversed", "by index", "from the end"],
    )
    def test_walk_takes_work_in_proportion_to_the_exchanges(
        self, walk: "Callable[[Journal], list[Exchange]]"
    ) -> None:
        with S2Mock(basins=SEEDS) as mock:
            way = Way("wsgi", mock)
            work = []
            for _ in range(2):
                for number in range(150):
                    way.append(str(number))
                assert len(walk(mock.journal)) == len(mock.journal)
                work.append(steps_of(lambda: walk(mock.journal)))
            assert len(mock.journal) < work[1] < 2.5 * work[0]

    def test_none(self) -> None:
        with S2Mock(basins=SEEDS, journal_limit=0) as mock:
            Way("wsgi", mock).append("a")
            assert len(mock.journal) == 0
            with pytest.raises(TimeoutError, match="the journal is off"):
                mock.journal.wait_for("append", timeout=0)

    @pytest.mark.parametrize("name", ["journal_limit", "journal_bytes"])
    def test_nonsense(self, name: str) -> None:
        with pytest.raises(ValueError, match=f"{name} must be 0 or more"):
            S2Mock(**{name: -1})  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=f"{name} must be a whole number"):
            S2Mock(**{name: "1"})  # type: ignore[arg-type]

    @pytest.mark.slow
    def test_of_five_hundred_megabytes(self) -> None:
        """As they come, they are trimmed: what is kept is what the limits say."""
        megabyte = "x" * (1024 * 1024 - 1000)
        with S2Mock(basins=SEEDS) as mock, _Session(mock) as session:
            tracemalloc.start()
            for number in range(500):
                session.append(megabyte)
                if number % 10 == 9:
                    session.trim()
            kept, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert mock.journal.body_bytes <= 64 * 1024 * 1024
            assert len(mock.journal) > 500
            # The journal's 64 MiB, what is not trimmed yet, and what it takes to note 500.
            assert kept < (64 + 12 + 4) * 1024 * 1024

    @pytest.mark.slow
    def test_of_many_small_ones(self) -> None:
        with S2Mock(basins=SEEDS) as mock, _Session(mock) as session:
            session.append_many("x", 11_000)
            assert len(mock.journal) == 10_000
            assert mock.journal.dropped == 11_000 + 1 - 10_000
            tracemalloc.start()
            # More than it keeps, so that all it keeps is counted.
            session.append_many("x", 10_500)
            session.trim()
            kept, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            # 10,000 notes and their bodies.
            assert kept < 16 * 1024 * 1024


class _Session:
    """An append session that is driven by hand."""

    def __init__(self, mock: S2Mock) -> None:
        self._session = mock.wsgi_app.converse(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": RECORDS,
                "REQUEST_URI": RECORDS,
                "QUERY_STRING": "",
                "SERVER_PROTOCOL": "HTTP/2",
                "CONTENT_TYPE": "s2s/proto",
                "HTTP_S2_BASIN": BASIN,
                "s2mock.connection": 1,
                **own_token.variables(mock),
            }
        )
        self._stream = mock.basin(BASIN).stream("log")

    def __enter__(self) -> Self:
        assert isinstance(next(self._session), Head)
        assert isinstance(next(self._session), Outlast)
        assert self._session.send(lambda: False) is READ
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def append(self, body: str) -> None:
        self._session.send(append_frame(body))
        next(self._session)

    def append_many(self, body: str, count: int) -> None:
        frame = append_frame(body)
        for _ in range(count):
            self._session.send(frame)
            next(self._session)

    def trim(self) -> None:
        from s2mock import AppendRecord

        self._stream.append([AppendRecord.trim(self._stream.tail.seq_num)])


def test_options_have_one_name_in_all_places(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ns2mock_journal_limit = 2\ns2mock_journal_bytes = 10\n")
    module = """
        import pytest

        def noted(mock):
            for _ in range(5):
                mock.client.get("/v1/basins")
            bodies = sum(one.response.body is not None for one in mock.journal)
            return len(mock.journal), bodies

        def test_of_the_session(s2_mock, request):
            limit = request.config.getoption("s2mock_journal_limit")
            assert noted(s2_mock) == (2 if limit is None else int(limit), 0)

        @pytest.mark.s2_mock(journal_limit=4, journal_bytes=60)
        def test_of_the_marker(s2_mock):
            assert noted(s2_mock) == (4, 2)
        """
    run(module).assert_outcomes(passed=2)
    run(module, "--s2mock-journal-limit=3").assert_outcomes(passed=2)
    run(module, "--s2mock-journal-limit=x").assert_outcomes(errors=2)


def test_with_the_clock_stopped(mock: S2Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured goes on when a test has frozen time."""
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    monkeypatch.setattr("time.time", lambda: 0.0)
    Way("wsgi", mock).append("a")
    [exchange] = mock.journal
    assert exchange.ended is not None
    assert exchange.ended > exchange.began > 0
