"""Advice: what S2 accepts without a word, each kind beside a near case that is meant so."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from textwrap import dedent
from typing import Any

import pytest

from s2mock import AppendRecord, Cut, Delay, Drop, Fail, ManualClock, RemoteS2Mock, S2Mock, Silence
from s2mock.powers.timeline import make_timeline
from tests.backends import BACKENDS
from tests.plugin.conftest import Run
from tests.powers.conftest import EVENTS, FRAMES, PATIENCE, RECORDS, SEEDS, Way, bodies, headers_of
from tests.powers.frames import append_frame
from tests.powers.leaving import LEAVERS, ClosesHttp1, Leaver
from tests.powers.test_broken_links import received_until, sent
from tests.sessions.h2_client import H2Client

pytestmark = pytest.mark.slow

SDK = {"user-agent": "s2-sdk-python/0.13.0"}
JSON = {"content-type": "application/json"}


both = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture
def clocked() -> Iterator[S2Mock]:
    with S2Mock(basins=SEEDS, clock=ManualClock()) as mock:
        yield mock


def advice(mock: S2Mock) -> list[str]:
    return [text for exchange in mock.journal for text in exchange.advice]


CREATE = ("POST", "/v1/streams")


IGNORED = [
    (
        (*CREATE, {"stream": "s", "confg": {}}, {}),
        "S2 ignores the field `confg` of the body: did you mean `config`?",
    ),
    (
        (*CREATE, {"stream": "s", "config": {"timestamping": {"Mode": "arrival"}}}, {}),
        ("S2 ignores the field `Mode` in `config.timestamping` of the body: did you mean `mode`?"),
    ),
    (
        ("PATCH", "/v1/streams/log", {"retention": None}, {}),
        "S2 ignores the field `retention` of the body: did you mean `retention_policy`?",
    ),
    (
        ("POST", RECORDS, {"records": [{"body": "a"}, {"body": "a", "seq_num": 1}]}, {}),
        (
            "S2 ignores the field `seq_num` in `records[]` of the body: the fields are body, "
            "headers, timestamp"
        ),
    ),
    (
        ("POST", RECORDS, {"records": [{"body": "a"}], "match_seqnum": 5}, {}),
        "S2 ignores the field `match_seqnum` of the body: did you mean `match_seq_num`?",
    ),
    (
        ("GET", "/v1/streams?start-after=a", None, {}),
        "S2 ignores the query parameter `start-after`: did you mean `start_after`?",
    ),
    (
        ("GET", f"{RECORDS}/tail?seq_num=0", None, {}),
        "S2 ignores the query parameter `seq_num`: there are no query parameters of check-tail",
    ),
    (
        ("GET", "/v1/basins", None, {"s2-basn": "x"}),
        "S2 ignores the header `s2-basn`: did you mean `s2-basin`?",
    ),
]


@pytest.mark.parametrize(
    ("request_", "expected"),
    IGNORED,
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_s2_ignores(mock: S2Mock, way: Way, request_: Any, expected: str) -> None:
    method, path, document, headers = request_
    assert way(method, path, document, headers=headers).status < 300
    assert advice(mock) == [expected]


@pytest.mark.parametrize("request_", [request for request, _ in IGNORED], ids=lambda _: "")
def test_an_official_sdk_may_be_newer(mock: S2Mock, way: Way, request_: Any) -> None:
    method, path, document, headers = request_
    assert way(method, path, document, headers={**headers, **SDK}).status < 300
    assert advice(mock) == []


@pytest.mark.parametrize(
    "request_",
    [
        (*CREATE, {"stream": "s", "config": {"retention_policy": {"age": 5}}}, {}),
        (*CREATE, {"stream": "s", "config": None}, {"s2-request-token": "t"}),
        ("POST", RECORDS, {"records": [{"body": "", "headers": [["a", "b"]]}]}, {}),
        ("GET", "/v1/streams?prefix=a&start_after=b&limit=5", None, {"s2-format": "base64"}),
        ("GET", "/v1/basins", None, {"x-s2-anything": "x", "user-agent": "curl"}),
        ("PUT", "/v1/streams/log", {}, {}),
        ("PUT", "/v1/streams/log", None, {}),
    ],
    ids=str,
)
def test_what_s2_does_not_ignore(mock: S2Mock, way: Way, request_: Any) -> None:
    method, path, document, headers = request_
    assert way(method, path, document, headers=headers).status < 300
    assert advice(mock) == []


def test_a_body_without_a_content_type(mock: S2Mock, way: Way) -> None:
    config = b'{"storage_class": "standard"}'
    assert way("PUT", "/v1/streams/log", content=config).status < 300
    [text] = advice(mock)
    assert text == (
        "S2 ignores the body, since the request has no content type: send content-type: "
        "application/json"
    )
    mock.journal.clear()
    assert way("PUT", "/v1/streams/log", content=config, headers=JSON).status < 300
    assert advice(mock) == []


class TestARead:
    START = (
        "the read has no start, so it begins at the tail and returns nothing, though the stream "
        "has records: seq_num=0 reads from the beginning"
    )

    def test_without_a_start(self, mock: S2Mock, way: Way) -> None:
        log = mock.basin("my-basin").stream("log")
        # While there is nothing in it, no start would find more.
        assert way("GET", RECORDS).status == 416
        assert advice(mock) == []
        log.append(["a"])
        way("GET", RECORDS)
        assert advice(mock) == [self.START]
        mock.journal.clear()
        for query in ("seq_num=0", "tail_offset=0&clamp=true", "wait=0", "timestamp=0"):
            way("GET", f"{RECORDS}?{query}")
        assert advice(mock) == []

    def test_of_records_that_are_gone(self, mock: S2Mock, way: Way) -> None:
        log = mock.basin("my-basin").stream("log")
        log.append(list("abcdef"))
        log.append([AppendRecord.trim(4)])
        assert way("GET", f"{RECORDS}?seq_num=2").status == 200
        [text] = advice(mock)
        assert text == (
            "the records from 2 on are gone, trimmed or expired: the read begins with 4"
        )
        mock.journal.clear()
        # A client that wants the whole stream reads from 0.
        for seq_num in (0, 4, 5):
            assert way("GET", f"{RECORDS}?seq_num={seq_num}").status == 200
        way("GET", f"{RECORDS}?seq_num=5&count=0")
        # What S2 refuses has its reason there; Python reads no number of more than 4,300 digits.
        assert way("GET", f"{RECORDS}?seq_num={'9' * 5000}").status == 400
        assert advice(mock) == []

    def test_of_records_that_are_gone_with_leading_zeros(self, mock: S2Mock, way: Way) -> None:
        log = mock.basin("my-basin").stream("log")
        log.append([*"abcdef", AppendRecord.trim(4)])
        assert way("GET", f"{RECORDS}?seq_num={'0' * 5000}2").status == 200
        [text] = advice(mock)
        assert text.startswith("the records from 2 on are gone")

    def test_in_a_session_of_records_that_are_gone(self, mock: S2Mock, way: Way) -> None:
        log = mock.basin("my-basin").stream("log")
        log.append(list("abcdef"))
        log.append([AppendRecord.trim(4)])
        way.session(f"{RECORDS}?seq_num=2&count=2", FRAMES)
        assert len(advice(mock)) == 1


LOSING = [
    Drop(committed=True),
    Fail("storage", committed=True),
    Fail("request_timeout", committed=True),
    Cut(bytes=0),
    Cut(bytes=10),
    Cut(bytes=1000),
]


class TestTwice:
    DOCUMENT: Any = {"records": [{"body": "a"}]}  # noqa: RUF012
    TWICE = (
        "the same batch as that of exchange 1, whose response was lost: the stream has it twice "
        "now; with match_seq_num, S2 refuses the second"
    )

    @pytest.mark.parametrize("fault", LOSING)
    def test_after_an_answer_was_lost(self, mock: S2Mock, way: Way, fault: Any) -> None:
        mock.inject(fault, on="append")
        with suppress(ConnectionError):
            way("POST", RECORDS, self.DOCUMENT)
        assert way("POST", RECORDS, self.DOCUMENT).status == 200
        assert advice(mock) == [self.TWICE]
        first, second = make_timeline(mock.journal[:]).splitlines()[:2]
        assert "the same batch" not in first
        assert second.endswith("the same batch as 1")

    @pytest.mark.parametrize("fault", [Drop(), Fail("unavailable")])
    def test_but_not_where_nothing_had_happened(self, mock: S2Mock, way: Way, fault: Any) -> None:
        mock.inject(fault, on="append")
        with suppress(ConnectionError):
            way("POST", RECORDS, self.DOCUMENT)
        assert way("POST", RECORDS, self.DOCUMENT).status == 200
        assert advice(mock) == []

    def test_nor_where_no_answer_was_lost_or_it_is_another(self, mock: S2Mock, way: Way) -> None:
        for _ in range(2):
            assert way("POST", RECORDS, self.DOCUMENT).status == 200
        mock.inject(Fail("storage", committed=True), on="append", stream="log")
        way.append("b")
        assert way.append("c").status == 200
        assert way.append("b", stream="orders/eu").status == 200
        assert advice(mock) == []

    def test_nor_with_a_condition(self, mock: S2Mock, way: Way) -> None:
        guarded = {**self.DOCUMENT, "match_seq_num": 0}
        mock.inject(Fail("storage", committed=True), on="append")
        way("POST", RECORDS, guarded)
        assert way("POST", RECORDS, guarded).status == 412
        assert advice(mock) == []

    @pytest.mark.parametrize(
        "fault", [Drop(committed=True), Cut(bytes=0), Cut(bytes=3), Cut(bytes=1000)]
    )
    def test_in_a_session(self, mock: S2Mock, way: Way, fault: Any) -> None:
        """The second session sends the batch again whose acknowledgement was lost, and goes on."""
        mock.inject(fault, on="append", skip=1)
        _, is_broken = way.session(
            RECORDS, FRAMES, "POST", append_frame("a") + append_frame("b") + append_frame("c")
        )
        assert is_broken
        way.session(RECORDS, FRAMES, "POST", append_frame("b") + append_frame("c"))
        assert bodies(mock) == ["a", "b", "b", "c"]
        assert advice(mock) == [self.TWICE.replace("exchange 1", "exchange 3")]
        [line] = [
            line for line in make_timeline(mock.journal[:]).splitlines() if "same batch as" in line
        ][:1]
        assert line.split()[0] == "5-6"
        assert line.endswith("5: the same batch as 3")

    def test_after_silence(self, mock: S2Mock) -> None:
        silent = mock.inject(Silence(), on="append")
        content = b'{"records":[{"body":"a"}]}'
        fields = {"content_type": "application/json", "content_length": str(len(content))}
        with sent(mock, "POST", RECORDS, **fields) as client:
            client.sendall(content)
            silent.wait(timeout=PATIENCE)
        with closing(Way("http1", mock)) as way:
            assert way("POST", RECORDS, self.DOCUMENT).status == 200
        assert advice(mock) == [self.TWICE]

    def test_after_silence_in_a_session(self, mock: S2Mock) -> None:
        mock.inject(Silence(), on="append", skip=1)
        with sent(mock, "POST", RECORDS, content_type="s2s/proto", content_length="9999") as client:
            client.sendall(append_frame("a") + append_frame("b", "c"))
            mock.journal.wait_for("append", 2, timeout=PATIENCE)
        with closing(Way("http1", mock)) as way:
            way.session(RECORDS, FRAMES, "POST", append_frame("b", "c"))
        assert len(advice(mock)) == 1


class TestALoopOfAppends:
    TEXT = (
        "the client appends single records one after the other since exchange 1, and waits for the "
        "answer to each: append batches of up to 1000 records, or use an append session"
    )

    def test_of_more_than_50(self, mock: S2Mock, way: Way) -> None:
        for _ in range(50):
            way.append("a")
        assert advice(mock) == []
        for _ in range(60):
            way.append("a")
        # Once.
        assert advice(mock) == [self.TEXT]
        assert mock.journal[50].advice == (self.TEXT,)

    @pytest.mark.parametrize(
        "between",
        [
            lambda way: way("GET", f"{RECORDS}/tail"),
            lambda way: way("GET", f"{RECORDS}?seq_num=0"),
            lambda way: way.append("a", "b"),
            lambda way: way("POST", RECORDS, {"records": [{"body": "a"}], "match_seq_num": 0}),
            lambda way: way.session(RECORDS, FRAMES, "POST", append_frame("a")),
            lambda way: way.session(f"{RECORDS}?seq_num=0&count=1", FRAMES),
            lambda way: way("GET", "/v1/streams/log"),
        ],
        ids=["tail", "read", "batch", "refused", "append-session", "read-session", "config"],
    )
    def test_with_another_operation_between(self, mock: S2Mock, way: Way, between: Any) -> None:
        for number in range(60):
            if number == 30:
                between(way)
            way.append("a")
        assert advice(mock) == []

    def test_with_a_session_that_opens_between(self, mock: S2Mock) -> None:
        with closing(Way("http1", mock)) as way:
            for _ in range(30):
                way.append("a")
            with sent(mock, "GET", f"{RECORDS}?seq_num=29", **EVENTS) as client:
                received_until(client, b"event: batch")
                for _ in range(30):
                    way.append("a")
                assert advice(mock) == []

    def test_to_two_streams(self, mock: S2Mock, way: Way) -> None:
        for _ in range(30):
            way.append("a")
            way.append("a", stream="orders/eu")
        assert advice(mock) == []
        # What concerns the other stream ends no loop.
        for _ in range(21):
            way.append("a")
            way("GET", "/v1/streams/orders%2Feu/records/tail")
        assert advice(mock) == [self.TEXT]

    def test_of_two_clients(self, mock: S2Mock) -> None:
        with closing(Way("http1", mock)) as one, closing(Way("http1", mock)) as other:
            for _ in range(40):
                one.append("a")
                other.append("a")
        assert advice(mock) == []

    def test_in_two_tests(self, run: Run) -> None:
        result = run(
            """
            import pytest
            from s2mock import S2Mock

            @pytest.fixture(scope="module")
            def shared():
                with S2Mock(basins=[{"name": "my-basin", "streams": ["log"]}]) as mock:
                    yield mock

            @pytest.mark.parametrize("count", [30, 30, 51])
            def test_it(shared, count):
                for _ in range(count):
                    shared.client.post(
                        "/v1/streams/log/records",
                        json={"records": [{"body": "a"}]},
                        headers={"s2-basin": "my-basin"},
                    )
            """
        )
        # Here warnings are errors.
        result.assert_outcomes(passed=2, failed=1)
        result.stdout.fnmatch_lines(["S2Advice: *since exchange 61*(exchange 111, append *log)"])


class TestAFullRead:
    def read(self, first: int, last: int, left: int) -> str:
        return (
            f"the read returned the records {first} to {last}, as much as one read can, and no "
            f"later read went on, though the stream has {left} more: read from "
            f"seq_num={last + 1} until the tail, or in a read session"
        )

    @staticmethod
    def fill(mock: S2Mock, count: int, size: int = 1) -> None:
        log = mock.basin("my-basin").stream("log")
        for start in range(0, count, 500):
            log.append(["x" * size] * min(500, count - start))

    @staticmethod
    def taken(mock: Any) -> list[str]:
        """The advice at the end of a test."""
        found = mock._of_powers.journal.take_advised()
        return [text for exchange in found for text in exchange.advice]

    @pytest.mark.parametrize("query", ["", "&count=5000", "&wait=5", "&bytes=99999999"])
    def test_that_is_the_last(self, mock: S2Mock, way: Way, query: str) -> None:
        self.fill(mock, 2100)
        way("GET", f"{RECORDS}?seq_num=0{query}")
        # It may not be the last one.
        assert advice(mock) == []
        assert self.taken(mock) == [self.read(0, 999, 1100)]
        assert self.taken(mock) == []
        assert advice(mock) == [self.read(0, 999, 1100)]

    @pytest.mark.usefixtures("own_state")
    def test_of_a_mebibyte(self, mock: S2Mock, way: Way) -> None:
        for _ in range(3):
            mock.basin("my-basin").stream("log").append(["x" * 400_000] * 2)
        way("GET", f"{RECORDS}?seq_num=1")
        assert self.taken(mock) == [self.read(1, 2, 3)]

    def test_of_as_many_bytes_as_the_client_wants(self, mock: S2Mock, way: Way) -> None:
        for _ in range(3):
            mock.basin("my-basin").stream("log").append(["x" * 400_000] * 2)
        way("GET", f"{RECORDS}?seq_num=0&bytes=900000")
        assert self.taken(mock) == []

    def test_of_a_stream_that_has_grown_at_the_same_time(self, clocked: S2Mock) -> None:
        log = clocked.basin("my-basin").stream("log")
        log.append(["x" * 400_000])
        Way("wsgi", clocked)("GET", f"{RECORDS}?seq_num=0")
        log.append(["y"])
        assert self.taken(clocked) == []

    def test_after_others(self, mock: S2Mock, way: Way) -> None:
        self.fill(mock, 2500)
        for seq_num in (0, 1000, 0):
            way("GET", f"{RECORDS}?seq_num={seq_num}&nope=1")
            advice(mock)
        ignored = "S2 ignores the query parameter `nope`: "
        texts = [text for text in self.taken(mock) if not text.startswith(ignored)]
        assert texts == [self.read(1000, 1999, 500)]

    @pytest.mark.parametrize(
        "following",
        [
            lambda way: way("GET", f"{RECORDS}?seq_num=1000"),
            lambda way: way("GET", f"{RECORDS}?seq_num=1000&count=0"),
            lambda way: way("GET", f"{RECORDS}?tail_offset=1"),
            lambda way: way.session(f"{RECORDS}?seq_num=1000&count=1", FRAMES),
            lambda way: way.session(f"{RECORDS}?seq_num=0&count=1100", EVENTS),
        ],
        ids=["read", "none", "tail", "session", "session-from-the-beginning"],
    )
    def test_that_is_followed(self, mock: S2Mock, way: Way, following: Any) -> None:
        self.fill(mock, 1100)
        way("GET", f"{RECORDS}?seq_num=0")
        following(way)
        assert self.taken(mock) == []

    def test_that_an_open_session_follows(self, mock: S2Mock) -> None:
        self.fill(mock, 1100)
        with closing(Way("http1", mock)) as way:
            way("GET", f"{RECORDS}?seq_num=0")
        with sent(mock, "GET", f"{RECORDS}?seq_num=1000", **EVENTS) as client:
            received_until(client, b"1099")
            assert self.taken(mock) == []

    def test_that_a_lost_read_follows(self, mock: S2Mock, way: Way) -> None:
        self.fill(mock, 1100)
        way("GET", f"{RECORDS}?seq_num=0")
        mock.inject(Drop(), on="read")
        with suppress(ConnectionError):
            way("GET", f"{RECORDS}?seq_num=1000")
        assert self.taken(mock) == []

    def test_of_the_whole_stream(self, mock: S2Mock, way: Way) -> None:
        self.fill(mock, 1000)
        way("GET", f"{RECORDS}?seq_num=0")
        assert self.taken(mock) == []

    def test_of_as_many_as_the_client_wants(self, mock: S2Mock, way: Way) -> None:
        self.fill(mock, 1100)
        for limit in ("count=1000", "count=10", "bytes=1000", "until=99999999999999"):
            way("GET", f"{RECORDS}?seq_num=0&{limit}")
        assert self.taken(mock) == []

    def test_of_a_stream_that_has_grown_since(self, clocked: S2Mock) -> None:
        self.fill(clocked, 1000)
        Way("wsgi", clocked)("GET", f"{RECORDS}?seq_num=0")
        clocked.advance(1)
        self.fill(clocked, 100)
        assert self.taken(clocked) == []

    def test_at_the_end_of_a_test(self, run: Run) -> None:
        result = run(
            """
            import pytest

            @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
            @pytest.mark.parametrize("seq_nums", [(0,), (0, 1000)])
            def test_it(s2_mock, seq_nums):
                for _ in range(3):
                    s2_mock.stream("my-basin", "log").append(["x"] * 400)
                for seq_num in seq_nums:
                    s2_mock.client.get(
                        f"/v1/streams/log/records?seq_num={seq_num}",
                        headers={"s2-basin": "my-basin"},
                    )
            """
        )
        # Here warnings are errors.
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["S2Advice: *records 0 to 999*200 more*(exchange 1, read *)"])


GROUP = {"read": True, "write": True}
GROUPS: Any = {"account": GROUP, "basin": GROUP, "stream": GROUP}
EVERY: Any = {"prefix": ""}
WHOLE: Any = {"basins": EVERY, "streams": EVERY, "access_tokens": EVERY, "op_groups": GROUPS}


@pytest.fixture
def own_state(mock: S2Mock) -> None:
    """Leave the test out in front of an upstream, which alone has what the advice depends on."""
    if not mock.is_fake:
        pytest.skip("the advice depends on the state of the mock's own account")


@pytest.mark.usefixtures("own_state")
class TestAToken:
    TEXT = (
        "the access token `t` permits everything and never expires: give it the scope that it "
        "needs, or expires_at"
    )

    def test_for_everything(self, mock: S2Mock, way: Way) -> None:
        assert way("POST", "/v1/access-tokens", {"id": "t", "scope": WHOLE}).status == 201
        assert advice(mock) == [self.TEXT]

    @pytest.mark.parametrize(
        "document",
        [
            {"scope": WHOLE, "expires_at": "2100-01-01T00:00:00Z"},
            {"scope": {**WHOLE, "basins": {"prefix": "my-"}}},
            {"scope": {**WHOLE, "streams": {"exact": "log"}}},
            {"scope": {**WHOLE, "access_tokens": None}},
            {"scope": {**WHOLE, "op_groups": {**GROUPS, "stream": {"read": True}}}},
            {"scope": {**WHOLE, "op_groups": None, "ops": ["read"]}},
        ],
        ids=["end", "basins", "streams", "tokens", "groups", "ops"],
    )
    def test_with_an_end_or_for_less(self, mock: S2Mock, way: Way, document: Any) -> None:
        assert way("POST", "/v1/access-tokens", {"id": "t", **document}).status == 201
        assert advice(mock) == []

    @pytest.mark.parametrize(
        "document",
        [
            {"scope": {**WHOLE, "ops": [{"list-basins": None}, "append"]}},
            {"scope": [EVERY, EVERY, EVERY, [[True, True]] * 3, None]},
        ],
        ids=["an object for a word", "arrays for objects"],
    )
    def test_in_another_form(self, mock: S2Mock, way: Way, document: Any) -> None:
        assert way("POST", "/v1/access-tokens", {"id": "t", **document}).status == 201
        assert advice(mock) == [self.TEXT]

    def test_without_its_body(self) -> None:
        with S2Mock(journal_bytes=0) as mock:
            document = {"id": "t", "scope": WHOLE}
            assert mock.client.post("/v1/access-tokens", json=document).status_code == 201
            assert advice(mock) == []

    def test_as_an_array(self, mock: S2Mock, way: Way) -> None:
        document: Any = ["t", None, None, WHOLE]
        assert way("POST", "/v1/access-tokens", document).status == 201
        assert advice(mock) == [self.TEXT]

    def test_that_is_revoked(self, mock: S2Mock, way: Way) -> None:
        way("POST", "/v1/access-tokens", {"id": "t", "scope": WHOLE})
        assert way("DELETE", "/v1/access-tokens/t").status < 300
        assert advice(mock) == []

    def test_that_is_refused(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Fail("unavailable"), on="issue-access-token")
        way("POST", "/v1/access-tokens", {"id": "t", "scope": WHOLE})
        assert advice(mock) == []

    def test_of_a_token_with_an_end(self, mock: S2Mock) -> None:
        with closing(Way("http1", mock)) as way:
            document = {"id": "a", "scope": WHOLE, "expires_at": "2100-01-01T00:00:00Z"}
            secret = way("POST", "/v1/access-tokens", document).json["access_token"]
            bearer = {"authorization": f"Bearer {secret}"}
            document = {"id": "b", "scope": WHOLE}
            assert way("POST", "/v1/access-tokens", document, headers=bearer).status == 201
        assert advice(mock) == []


class TestASessionThatEnds:
    @pytest.mark.parametrize("make_leaver", LEAVERS)
    def test_with_a_batch_without_acknowledgement(
        self, mock: S2Mock, make_leaver: Callable[[S2Mock], Leaver]
    ) -> None:
        with mock.hold(on="append", skip=1) as held, make_leaver(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(append_frame("a"))
            mock.journal.wait_for("append", timeout=PATIENCE)
            client.send(append_frame("b"))
            held.wait(timeout=PATIENCE)
            client.leave()
        _, last = mock.journal.wait_for("append", 2, timeout=PATIENCE)
        assert advice(mock) == [
            (
                "the client ended the append session of exchange 1 before this batch was "
                "acknowledged, and cannot know that it was appended: await all acknowledgements "
                "before the session is closed"
            )
        ]
        assert mock.journal[last.number - 1].advice

    def test_with_all_acknowledgements(self, mock: S2Mock, way: Way) -> None:
        way.session(RECORDS, FRAMES, "POST", append_frame("a") + append_frame("b"))
        assert advice(mock) == []

    @pytest.mark.parametrize(
        "fault", [Drop(), Drop(committed=True), Cut(bytes=0), Cut(bytes=3), Fail("unavailable")]
    )
    def test_by_a_fault(self, mock: S2Mock, way: Way, fault: Any) -> None:
        mock.inject(fault, on="append", skip=1)
        way.session(RECORDS, FRAMES, "POST", append_frame("a") + append_frame("b"))
        assert advice(mock) == []

    def test_behind_a_fault(self, clocked: S2Mock) -> None:
        """The client may have left since its first batch took so long."""
        delayed = clocked.inject(Delay(5), on="append")
        with ClosesHttp1(clocked) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(append_frame("a") + append_frame("b"))
            delayed.wait(timeout=PATIENCE)
            client.leave()
        clocked.advance(5)
        clocked.journal.wait_for("append", 2, timeout=PATIENCE)
        assert advice(clocked) == []

    @pytest.mark.parametrize("end", ["outage", "restore"])
    def test_by_the_mock(self, mock: S2Mock, end: str) -> None:
        snapshot = mock.snapshot()
        with mock.hold(on="append") as held, ClosesHttp1(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(append_frame("a"))
            held.wait(timeout=PATIENCE)
            if end == "restore":
                mock.restore(snapshot)
            else:
                with mock.outage():
                    client.leave()
        mock.journal.wait_for("append", timeout=PATIENCE)
        assert advice(mock) == []

    def test_with_the_mock(self, run: Run) -> None:
        result = run(
            """
            from s2mock import S2Mock
            from tests.powers.conftest import FRAMES, PATIENCE, RECORDS, SEEDS
            from tests.powers.frames import append_frame
            from tests.powers.leaving import ClosesHttp1

            def test_it():
                with S2Mock(basins=SEEDS) as mock:
                    held = mock.hold(on="append")
                    with ClosesHttp1(mock) as client:
                        client.ask("POST", RECORDS, FRAMES)
                        client.send(append_frame("a"))
                        held.wait(timeout=PATIENCE)
                        mock.close()
            """
        )
        result.assert_outcomes(passed=1)


class TestAnOpenReadSession:
    """It is open when its mock ends, which is at the end of the test."""

    TEXT = (
        "S2Advice: the read session has no end, and was open when the test ended: close it in the "
        "client, or give it a count, bytes, until or wait"
    )

    @staticmethod
    def suite(run: Run, backend: str, standalone: str, body: str) -> pytest.RunResult:
        """Run a test with a mock that ends behind the fixtures that use it."""
        made = "S2Mock(" if backend == "in_process" else f"RemoteS2Mock({standalone!r}, "
        lines = "\n".join(f"    {line}" for line in dedent(body).strip().splitlines())
        return run(
            f"""
import pytest
from s2mock import RemoteS2Mock, S2Mock
from tests.powers.conftest import EVENTS, FRAMES, PATIENCE, RECORDS, SEEDS
from tests.powers.test_broken_links import received_until, sent

@pytest.fixture
def mock():
    with {made}basins=SEEDS) as mock:
        mock.stream("my-basin", "log").append(["first"])
        yield mock

@pytest.fixture
def follow(mock):
    opened = []
    def follow(query="", fields=EVENTS):
        named = {{name.replace("-", "_"): value for name, value in fields.items()}}
        begun = sent(mock, "GET", f"{{RECORDS}}?seq_num=0{{query}}", **named)
        client = begun.__enter__()
        opened.append(client)
        # Its end would close the client.
        kept.append(begun)
        received_until(client, b"first")
        return client
    follow.has_end = False
    yield follow
    if follow.has_end:
        for client in opened:
            client.close()

kept = []

@pytest.fixture(scope="session", autouse=True)
def closed():
    yield
    while kept:
        kept.pop().__exit__(None, None, None)

def test_it(mock, follow):
{lines}
"""
        )

    @both
    @pytest.mark.parametrize("fields", ["EVENTS", "FRAMES"])
    def test_without_an_end(self, run: Run, standalone: str, backend: str, fields: str) -> None:
        result = self.suite(run, backend, standalone, f"follow(fields={fields})")
        # Here warnings are errors, and a mock ends in the teardown.
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines([f"{self.TEXT} (exchange 1, read my-basin log)"])

    @both
    def test_that_was_open_in_the_middle(self, run: Run, standalone: str, backend: str) -> None:
        body = """
        for _ in range(20):
            client = follow()
            assert not [exchange.advice for exchange in mock.journal if exchange.advice]
            client.close()
        """
        self.suite(run, backend, standalone, body).assert_outcomes(passed=1)

    @both
    @pytest.mark.parametrize(
        "query", ["&count=5", "&bytes=5000", "&until=99999999999999", "&wait=60"]
    )
    def test_with_an_end(self, run: Run, standalone: str, backend: str, query: str) -> None:
        result = self.suite(run, backend, standalone, f"follow({query!r})")
        result.assert_outcomes(passed=1)

    @both
    def test_that_a_fixture_ends(self, run: Run, standalone: str, backend: str) -> None:
        body = "follow()\nfollow.has_end = True"
        self.suite(run, backend, standalone, body).assert_outcomes(passed=1)

    @both
    def test_with_silence(self, run: Run, standalone: str, backend: str) -> None:
        body = """
        from s2mock import Silence
        mock.inject(Silence(records=1), on="read")
        follow()
        """
        self.suite(run, backend, standalone, body).assert_outcomes(passed=1)

    @both
    @pytest.mark.parametrize("is_left_open", [False, True])
    def test_over_http2(self, standalone: str, backend: str, is_left_open: bool) -> None:
        for _ in range(20):
            mock: Any
            if backend == "in_process":
                mock = S2Mock(basins=SEEDS)
            else:
                mock = RemoteS2Mock(standalone, basins=SEEDS)
            with mock:
                journal = mock._powers.journal
                client = H2Client(mock.url, headers=headers_of(mock))
                client.open("GET", f"{RECORDS}?seq_num=0", EVENTS)
                mock.stream("my-basin", "log").wait_for_readers(timeout=PATIENCE)
                if not is_left_open:
                    client.close()
                mock.close()
                client.close()
                assert len(journal.take_advised()) == is_left_open

    def test_of_a_mock_that_the_test_ends(self, run: Run, standalone: str) -> None:
        result = self.suite(run, "in_process", standalone, "follow()\nmock.close()")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines([f"{self.TEXT} (exchange 1, read my-basin log)"])


def test_each_is_noted_once_however_often_one_looks(mock: S2Mock, way: Way) -> None:
    way("GET", "/v1/streams?nope=1")
    way("GET", "/v1/streams?nope=1")
    for _ in range(3):
        assert len(advice(mock)) == 2
    assert [len(exchange.advice) for exchange in mock.journal.of("list-streams")] == [1, 1]
    assert len(mock.journal[0].advice) == 1


def test_what_is_cleared_is_told_all_the_same(run: Run) -> None:
    result = run(
        """
        def test_it(s2_mock):
            for number in range(2):
                s2_mock.client.get(f"/v1/basins?{'ab'[number]}=1")
                s2_mock.reset()
            s2_mock.journal.clear()
        """
    )
    # Here warnings are errors.
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["S2Advice: *parameter `a`*", "S2Advice: *parameter `b`*"])


def test_without_a_journal_there_is_none() -> None:
    with S2Mock(basins=SEEDS, journal_limit=0, clock=ManualClock()) as mock:
        Way("wsgi", mock)("GET", "/v1/streams?nope=1")
        assert advice(mock) == []


SUITE = """
    import pytest
    import httpx

    pytestmark = pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}])
    HEADERS = {"s2-basin": "my-basin"}

    def test_with_mistakes(s2_mock):
        for _ in range(3):
            s2_mock.client.get("/v1/streams?prefx=a", headers=HEADERS)
        httpx.get(f"{s2_mock.url}/v1/basins", headers={"s2-basn": "x"})
        MORE

    def test_without(s2_mock):
        s2_mock.client.get("/v1/streams?prefix=a", headers=HEADERS)
        s2_mock.client.post(
            "/v1/streams/log/records", json={"records": [{"body": "a"}]}, headers=HEADERS)
        s2_mock.client.get("/v1/streams/log/records?seq_num=0", headers=HEADERS)
"""
FIRST = (
    "*S2 ignores the query parameter `prefx`: did you mean `prefix`? (exchange 1, list-streams "
    "my-basin, and 2 more)"
)
SECOND = "*S2 ignores the header `s2-basn`: did you mean `s2-basin`? (exchange 4, list-basins)"


def suite(pytester: pytest.Pytester, *arguments: str, more: str = "") -> pytest.RunResult:
    pytester.makepyfile(SUITE.replace("MORE", more))
    return pytester.runpytest_subprocess("-p", "no:schemathesis", "-p", "no:asyncio", *arguments)


def test_a_test_is_warned_at_its_end(pytester: pytest.Pytester) -> None:
    result = suite(pytester)
    result.assert_outcomes(passed=2, warnings=2)
    result.stdout.fnmatch_lines(
        [
            "*test_a_test_is_warned_at_its_end.py::test_with_mistakes",
            "  */test_a_test_is_warned_at_its_end.py:7: S2Advice: S2 ignores the query*",
            "  */test_a_test_is_warned_at_its_end.py:7: S2Advice: S2 ignores the header*",
        ]
    )
    # In full.
    result.stdout.re_match_lines([r".*\(exchange 1, list-streams my-basin, and 2 more\)"])


@pytest.mark.parametrize("name", ["error::s2mock.S2Advice", "error"])
def test_as_errors_one_failure_lists_them_all(pytester: pytest.Pytester, name: str) -> None:
    pytester.makeini(f"[pytest]\nfilterwarnings = {name}")
    result = suite(pytester)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines([f"S2Advice: {FIRST[1:]}", f"S2Advice: {SECOND[1:]}"])


def test_a_test_that_fails_fails_by_itself(pytester: pytest.Pytester) -> None:
    result = suite(pytester, "-Werror::s2mock.S2Advice", more="assert 0, 'by itself'")
    result.assert_outcomes(failed=1, passed=1, warnings=2)
    # In its timeline, too.
    result.stdout.fnmatch_lines(["E * AssertionError: by itself", "*did you mean `prefix`?"])


def test_is_warned_in_the_thread_of_the_test_and_never_in_that_of_the_server(run: Run) -> None:
    result = run(
        """
        import threading, warnings
        import httpx
        import pytest
        from s2mock import S2Advice

        threads = []

        @pytest.fixture(scope="module", autouse=True)
        def watched():
            warn = warnings.warn_explicit

            def note(message, category, *rest, **more):
                threads.append((category, threading.current_thread()))
                return warn(message, category, *rest, **more)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(warnings, "warn_explicit", note)
                yield

        def test_mistakes(s2_mock):
            for number in range(2):
                answer = httpx.get(f"{s2_mock.url}/v1/basins?a{number}=1")
                assert answer.status_code == 200
            assert threads == []

        def test_after():
            assert threads == [(S2Advice, threading.main_thread())] * 2
        """
    )
    # Here warnings are errors, and they fail the test and not the requests.
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["S2Advice: *parameter `a0`*", "S2Advice: *parameter `a1`*"])


def test_can_be_silenced(pytester: pytest.Pytester) -> None:
    suite(pytester, "-Wignore::s2mock.S2Advice").assert_outcomes(passed=2)
    suite(pytester, "--s2mock-advice=off", "-Werror").assert_outcomes(passed=2)
    pytester.makeini("[pytest]\ns2mock_advice = off\nfilterwarnings = error")
    suite(pytester).assert_outcomes(passed=2)
    result = suite(pytester, "--s2mock-advice=perhaps")
    result.stderr.fnmatch_lines(["*s2mock_advice must be 'on' or 'off', not 'perhaps'"])


def test_of_a_mock_that_a_test_makes_itself_and_of_one_of_a_module(run: Run) -> None:
    result = run(
        """
        import pytest
        from s2mock import S2Mock

        @pytest.fixture(scope="module")
        def shared():
            with S2Mock() as mock:
                yield mock

        @pytest.mark.parametrize("number", range(2))
        def test_shared(shared, number):
            shared.client.get(f"/v1/basins?number={number}")

        def test_own():
            with S2Mock() as mock:
                mock.client.get("/v1/basins?own=1")
        """,
        "-Wdefault::s2mock.S2Advice",
    )
    result.assert_outcomes(passed=3, warnings=3)
    result.stdout.fnmatch_lines(
        ["*`number`*(exchange 1, list-basins)", "*`number`*(exchange 2, *", "*`own`*(exchange 1, *"]
    )


def test_what_comes_in_the_teardown_is_told_too(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.fixture
        def cleaned(s2_mock):
            yield s2_mock
            s2_mock.client.get("/v1/basins?late=1")

        def test_it(cleaned):
            pass
        """
    )
    # Here warnings are errors.
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["S2Advice: S2 ignores the query parameter `late`*"])
