"""Advice: what S2 accepts without a word, each kind beside a near case that is meant so."""

from contextlib import suppress
from typing import Any

import pytest

from s2mock import AppendRecord, Cut, Drop, Fail, ManualClock, S2Mock
from s2mock.powers.timeline import make_timeline
from tests.plugin.conftest import Run
from tests.powers.conftest import FRAMES, RECORDS, SEEDS, Way, bodies
from tests.powers.frames import append_frame

pytestmark = pytest.mark.slow

SDK = {"user-agent": "s2-sdk-python/0.13.0"}
JSON = {"content-type": "application/json"}


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
