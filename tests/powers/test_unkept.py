"""Exchanges that the journal fails to record: they are answered, and an entry says so."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from s2mock import Drop, ManualClock, S2Mock
from s2mock.powers import journal_store, recorder
from s2mock.runtime import failures
from tests.plugin.conftest import Run
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, SEEDS, Way, bodies
from tests.powers.frames import append_frame, frames

SAYS_SO = "s2mock failed to record this exchange, please report it: RuntimeError('on purpose')"


def fail(*_: Any, **__: Any) -> Any:
    raise RuntimeError("on purpose")


@pytest.fixture
def mock() -> Iterator[S2Mock]:
    """A mock of this process, whose recorder can be broken."""
    with S2Mock(basins=SEEDS) as mock:
        yield mock


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorder that cannot take any note."""
    monkeypatch.setattr(recorder, "monotonic", fail)


def taken() -> int:
    """How often the fake has failed, all on purpose; each would fail this test otherwise."""
    traces = failures.take()
    assert all("on purpose" in trace for trace in traces), traces
    return len(traces)


@pytest.mark.usefixtures("broken")
def test_request_that_is_not_recorded_is_answered(mock: S2Mock, way: Way) -> None:
    assert way.append("a").status == 200
    assert way("GET", "/v1/streams/none").status == 404
    assert way("GET", "/nowhere").status == 404
    assert bodies(mock) == ["a"]
    assert [
        (
            exchange.operation,
            exchange.basin,
            exchange.stream,
            exchange.response and exchange.response.status,
            exchange.reason,
            exchange.ended is not None,
        )
        for exchange in mock.journal
    ] == [
        ("append", BASIN, "log", 200, SAYS_SO, True),
        ("get-stream-config", BASIN, "none", 404, SAYS_SO, True),
        (None, None, None, 404, SAYS_SO, True),
    ]
    assert taken() == 3


@pytest.mark.usefixtures("broken")
def test_request_that_is_dropped_and_not_recorded(mock: S2Mock, way: Way) -> None:
    mock.inject(Drop(), on="append")
    with pytest.raises(ConnectionResetError):
        way.append("a")
    [exchange] = mock.journal
    assert (exchange.operation, exchange.response, exchange.reason) == ("append", None, SAYS_SO)
    assert taken() == 1


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("watched", [False, True])
def test_append_session_that_is_not_recorded_goes_on(mock: S2Mock, way: Way, watched: bool) -> None:
    if watched:
        mock.inject(Drop(), on="list-basins", required=False)
    batches = b"".join(append_frame(body) for body in ("a", "b"))
    received, broke_off = way.session(RECORDS, FRAMES, "POST", batches)
    assert (len([*frames(received)]), broke_off) == (2, False)
    assert bodies(mock) == ["a", "b"]
    assert [
        (exchange.operation, exchange.session, exchange.reason, exchange.ended is not None)
        for exchange in mock.journal
    ] == [
        ("append-session", 1, SAYS_SO, True),
        ("append", 1, SAYS_SO, True),
        ("append", 1, SAYS_SO, True),
    ]
    # Two batches, and the end of the session.
    assert taken() == 3


def test_read_session_that_is_not_recorded_goes_on(
    monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    way.append("a")
    with monkeypatch.context() as patched:
        # Its number of the first record is written where the session delivers.
        patched.setattr(recorder.Entry, "first_seq_num", property(lambda _: None, fail))
        received, broke_off = way.session(f"{RECORDS}?seq_num=0&count=1", EVENTS)
    assert b'"body":"a"' in received
    assert not broke_off
    assert taken() >= 1


def test_notes_that_cannot_be_kept_become_entries_that_say_so(
    monkeypatch: pytest.MonkeyPatch, mock: S2Mock, way: Way
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(journal_store.Bundle, "__init__", fail)
        for body in "abc":
            assert way.append(body).status == 200
        assert [exchange.reason for exchange in mock.journal] == [SAYS_SO] * 3
    assert way.append("d").status == 200
    last = mock.journal[-1]
    assert (last.number, last.operation, last.reason) == (4, "append", None)
    assert taken() == 1


def test_a_session_of_pytest_goes_on(run: Run) -> None:
    result = run(
        """
        import pytest

        from s2mock.powers import recorder

        def fail():
            raise RuntimeError("on purpose")

        def test_that_met_it(s2_mock, monkeypatch):
            with monkeypatch.context() as patched:
                patched.setattr(recorder, "monotonic", fail)
                assert s2_mock.client.get("/v1/basins").status_code == 200

        def test_after(s2_mock):
            assert s2_mock.client.get("/v1/basins").status_code == 200
        """
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*s2mock itself failed in this test, please report it:*"])


YEAR = 365.25 * 86_400


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", ["http1", "h2c", "wsgi"])
def test_times_after_the_year_2262_are_kept_without_loss(name: str) -> None:
    clock = ManualClock()
    with S2Mock(basins=SEEDS, clock=clock) as mock, closing(Way(name, mock)) as way:
        times = []
        for years in (0, 240, 5000, 2700):
            mock.advance(years * YEAR + 0.123456789)
            # Enough for the journal to put them together.
            for _ in range(300 if years == 240 else 2):
                times.append(clock.now())
                assert way("GET", "/v1/basins").status == 200
        assert [exchange.at for exchange in mock.journal] == times
        assert max(times) > 240_000_000_000 * 10**9
        received, _ = way.session(RECORDS, FRAMES, "POST", append_frame("a") + append_frame("b"))
        assert len([*frames(received)]) == 2
        assert [exchange.at for exchange in mock.journal.of("append")] == [clock.now()] * 2
        mock.journal.clear()
        assert way.append("c").status == 200


def test_a_session_of_pytest_goes_on_after_the_year_2262(run: Run) -> None:
    run(
        """
        import pytest

        @pytest.mark.s2_mock(clock="manual")
        def test_it(s2_mock):
            s2_mock.advance(240 * 365.25 * 86400)
            for _ in range(2):
                assert s2_mock.client.get("/v1/basins").status_code == 200
        """
    ).assert_outcomes(passed=1)
