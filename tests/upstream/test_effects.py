"""What a fault says of the effect is what the upstream has: it is asked itself afterwards."""

from contextlib import closing, suppress
from typing import Any

import pytest

from s2mock import Answer, Cut, Delay, Drain, Drop, Fail, Fault, Late, S2Mock, Silence, Slow
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, Started, Way
from tests.powers.frames import append_frame
from tests.sessions.h2_client import H2Client

PROTOCOLS = ["http1", "h2c"]
APPENDS: list[tuple[Fault, bool]] = [
    (Drop(), False),
    (Drop(connection="reset"), False),
    (Drop(connection=False), False),
    (Drop(refused=True), False),
    (Drop(committed=True), True),
    (Drop(committed=True, connection=False), True),
    (Fail("unavailable"), False),
    (Fail("unavailable", committed=True), True),
    (Fail("rate_limited"), False),
    (Answer(502, b"<html>"), False),
    (Cut(bytes=0), True),
    (Cut(bytes=5), True),
    (Delay(0.01), True),
    (Delay(0.01, committed=True), True),
    (Slow(chunk=10), True),
    (Drain(), False),
]
# Those with a test of their own below.
ALONE = (Late, Silence)
# A batch in a session has no response of its own.
OF_BATCHES = [
    (fault, effect)
    for fault, effect in APPENDS
    if not isinstance(fault, Answer | Drain) and fault != Drop(refused=True)
]


def records_at(real: S2Mock, stream: str = "log") -> list[str]:
    """What the upstream has."""
    return [record.body.decode() for record in real.basin(BASIN).stream(stream).records]


def test_each_kind_of_fault_is_here() -> None:
    here = {*(type(fault).__name__ for fault, _ in APPENDS), *(kind.__name__ for kind in ALONE)}
    assert here == {kind.__name__ for kind in Fault.__subclasses__()}


@pytest.mark.sample(3)
@pytest.mark.parametrize(("fault", "is_applied"), APPENDS, ids=repr)
def test_a_unary_append_has_the_effect_that_its_fault_says(
    real: S2Mock, mock: S2Mock, way: Way, fault: Fault, is_applied: bool
) -> None:
    injected = mock.inject(fault, on="append")
    with suppress(ConnectionError):
        way.append("one")
    [exchange] = injected.exchanges

    assert records_at(real) == (["one"] if is_applied else [])
    assert exchange.effect.committed is is_applied
    assert exchange.fault == fault


@pytest.mark.sample(3)
@pytest.mark.parametrize(("fault", "is_applied"), OF_BATCHES, ids=repr)
def test_a_batch_of_a_session_has_the_effect_that_its_fault_says(
    real: S2Mock, mock: S2Mock, way: Way, fault: Fault, is_applied: bool
) -> None:
    """The one before it is applied, and the one behind it only if its session goes on."""
    injected = mock.inject(fault, on="append", skip=1)
    content = b"".join(map(append_frame, ("one", "two", "three")))
    _, broke_off = way.session(RECORDS, FRAMES, "POST", content)
    [exchange] = injected.exchanges
    goes_on = isinstance(fault, Delay | Slow)

    assert records_at(real) == ["one", *(["two"] if is_applied else []), *["three"] * goes_on]
    assert exchange.effect.committed is is_applied
    assert broke_off is isinstance(fault, Drop | Cut)


@pytest.mark.sample(3)
@pytest.mark.parametrize("headers", [{}, EVENTS, FRAMES], ids=["unary", "events", "frames"])
@pytest.mark.parametrize(
    "fault",
    [
        *(Drop(), Drop(connection=False), Drop(committed=True), Fail("storage")),
        *(Cut(bytes=3), Cut(records=1), Answer(502, b"<html>")),
    ],
    ids=repr,
)
def test_a_read_with_a_fault_changes_nothing_and_is_whole_the_next_time(
    real: S2Mock, mock: S2Mock, way: Way, headers: dict[str, str], fault: Fault
) -> None:
    real.basin(BASIN).stream("log").append(["a", "b"])
    path = f"{RECORDS}?seq_num=0&count=2"
    mock.inject(fault, on="read")
    broken, _ = way.session(path, headers)
    whole, broke_off = way.session(path, headers)

    assert not broke_off
    assert broken != whole
    assert records_at(real) == ["a", "b"]


@pytest.mark.parametrize(
    ("operation", "method", "path", "document"),
    [
        ("create-stream", "POST", "/v1/streams", {"stream": "made"}),
        ("ensure-stream", "PUT", "/v1/streams/made", None),
        ("create-basin", "POST", "/v1/basins", {"basin": "made-basin"}),
        ("ensure-basin", "PUT", "/v1/basins/made-basin", None),
        ("delete-stream", "DELETE", "/v1/streams/log", None),
        ("reconfigure-stream", "PATCH", "/v1/streams/log", {"storage_class": "standard"}),
    ],
)
@pytest.mark.parametrize("committed", [False, True])
def test_an_operation_on_a_resource_has_the_effect_that_its_fault_says(
    real: S2Mock,
    mock: S2Mock,
    operation: str,
    method: str,
    path: str,
    document: Any,
    committed: Any,
) -> None:
    def state() -> Any:
        return [
            (name, [(stream, real.stream(name, stream).config) for stream in basin_streams(name)])
            for name in real.basins
        ]

    def basin_streams(name: str) -> tuple[str, ...]:
        return real.basin(name).streams

    before = state()
    injected = mock.inject(Drop(committed=committed), on=operation)
    with closing(Way("http1", mock)) as way, pytest.raises(ConnectionError):
        way(method, path, document)
    [exchange] = injected.exchanges

    assert (state() != before) is committed
    assert exchange.effect.committed is committed


@pytest.mark.parametrize("name", PROTOCOLS)
def test_late_is_forwarded_after_the_read_that_it_waits_for(
    real: S2Mock, mock: S2Mock, name: str
) -> None:
    """It has landed when the read is answered, so that a test sees it the next time."""
    mock.inject(Late(reads=1), on="append")
    with closing(Way(name, mock)) as way:
        with pytest.raises(ConnectionError):
            way.append("late")
        assert records_at(real) == []
        first = way("GET", f"{RECORDS}?seq_num=0")
        assert records_at(real) == ["late"]
        second = way("GET", f"{RECORDS}?seq_num=0")
    [exchange] = mock.journal.of("append")

    assert first.status == 416
    assert [record["body"] for record in second.json["records"]] == ["late"]
    assert exchange.reason == "injected: Late(reads=1); applied late"


def test_late_of_a_batch_in_a_session_lands_alone(real: S2Mock, mock: S2Mock) -> None:
    mock.inject(Late(reads=1), on="append", skip=1)
    with closing(Way("http1", mock)) as way:
        content = b"".join(map(append_frame, ("one", "two", "three")))
        way.session(RECORDS, FRAMES, "POST", content)
        assert records_at(real) == ["one"]
        way("GET", f"{RECORDS}/tail")

    assert records_at(real) == ["one", "two"]


def test_late_after_seconds_is_forwarded_by_the_clock(real: S2Mock, mock: S2Mock) -> None:
    mock.inject(Late(0.01), on="append")
    with closing(Way("http1", mock)) as way, pytest.raises(ConnectionError):
        way.append("late")

    real.stream(BASIN, "log").wait_for(1)
    assert records_at(real) == ["late"]


def test_late_that_the_upstream_refuses_says_so(real: S2Mock, mock: S2Mock) -> None:
    mock.inject(Late(reads=1), on="append")
    with closing(Way("http1", mock)) as way:
        with pytest.raises(ConnectionError):
            way("POST", RECORDS, {"records": [{"body": "a"}], "match_seq_num": 7})
        way("GET", f"{RECORDS}/tail")
    [exchange] = mock.journal.of("append")

    assert records_at(real) == []
    assert "never applied: S2 refused it when it was due" in (exchange.reason or "")


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("is_applied", [False, True])
def test_a_hold_is_before_forwarding_or_after_the_upstreams_answer(
    real: S2Mock, mock: S2Mock, name: str, is_applied: bool
) -> None:
    at: Any = "answer" if is_applied else "arrival"
    with closing(Way(name, mock)) as way:
        with mock.hold(on="append", at=at) as held:
            call = Started(lambda: way.append("one"))
            held.wait()
            assert records_at(real) == (["one"] if is_applied else [])
            # Others go on.
            assert mock.client.get("/v1/basins").status_code == 200
        assert call.result().status == 200

    assert records_at(real) == ["one"]


def test_a_hook_decides_on_a_fault_before_forwarding(real: S2Mock, mock: S2Mock) -> None:
    seen = []

    def decide(exchange: Any) -> Fault:
        seen.append((exchange.operation, exchange.request.document))
        return Fail("unavailable")

    mock.on("append", decide, at="arrival", times=1)
    with closing(Way("http1", mock)) as way:
        assert way.append("one").status == 503
        assert way.append("two").status == 200

    assert seen == [("append", {"records": [{"body": "one"}]})]
    assert records_at(real) == ["two"]


def test_a_hook_at_the_answer_sees_the_effect_and_loses_the_answer(
    real: S2Mock, mock: S2Mock
) -> None:
    seen = []

    def decide(exchange: Any) -> Fault:
        seen.append((exchange.effect.first_seq_num, records_at(real)))
        return Drop(committed=True)

    mock.on("append", decide, at="answer", times=1)
    with closing(Way("http1", mock)) as way, pytest.raises(ConnectionError):
        way.append("one")

    assert seen == [(0, ["one"])]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_silence_is_after_the_upstreams_answer(real: S2Mock, mock: S2Mock, name: str) -> None:
    mock.inject(Silence(), on="append")
    with closing(Way(name, mock)) as way:
        call = Started(lambda: way.append("one"))
        mock.journal.wait_for("append")
        assert records_at(real) == ["one"]
        with mock.outage():
            assert isinstance(call.result(), ConnectionError)


def test_a_fault_on_a_batch_of_an_open_session_affects_it_alone(real: S2Mock, mock: S2Mock) -> None:
    with H2Client(mock.url) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        client.send(session, append_frame("one"))
        client.frame(session)
        mock.inject(Drop(connection=False), on="append")
        client.send(session, append_frame("two"))
        with pytest.raises(ConnectionResetError):
            client.frame(session)
        other = client.open("POST", RECORDS, FRAMES, end=False)
        client.send(other, append_frame("three"), end=True)
        assert client.rest(other)

    assert records_at(real) == ["one", "three"]


def test_the_journal_has_documents_effects_and_what_the_upstream_refused(mock: S2Mock) -> None:
    with closing(Way("http1", mock)) as way:
        way.append("one", "two")
        way("POST", RECORDS, {"records": [{"body": "a"}], "match_seq_num": 7})
        way.append("lost", stream="missing")
    appended, mismatch, missing = mock.journal

    assert appended.request.document == {"records": [{"body": "one"}, {"body": "two"}]}
    assert appended.response is not None
    assert appended.response.document["end"]["seq_num"] == 2
    assert (appended.effect.first_seq_num, appended.effect.last_seq_num) == (0, 1)
    assert mismatch.response is not None
    assert (mismatch.response.status, mismatch.effect.committed) == (412, False)
    assert mismatch.response.document == {"seq_num_mismatch": 2}
    assert missing.response is not None
    assert missing.response.code == "stream_not_found"
    assert "at the upstream" in (missing.reason or "")


def test_the_journal_waits_and_the_reader_is_counted_at_the_tail(mock: S2Mock) -> None:
    stream = mock.stream(BASIN, "log")
    assert stream.readers == 0
    with H2Client(mock.url) as client:
        session = client.open("GET", f"{RECORDS}?seq_num=0", FRAMES)
        client.head(session)
        stream.wait_for_readers(1)
        assert stream.readers == 1
    mock.journal.wait_for("read")
