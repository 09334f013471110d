"""`Late`: an operation without an answer that is applied later, after a time or after reads."""

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from s2mock import Fail, Late, S2Mock
from tests.backends import make_on
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, SEEDS, Way, bodies
from tests.powers.frames import TERMINAL, append_frame, frames

TAIL = f"{RECORDS}/tail"
LOOK = f"{RECORDS}?seq_num=0&count=10&clamp=true"


@pytest.fixture(params=["in_process", "http"])
def mock(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A mock with a manual clock, on each backend in turn."""
    for make in make_on(request.param, request):
        yield make(basins=SEEDS, clock="manual")


def append_without_answer(way: Way, *texts: str, **more: Any) -> None:
    with pytest.raises(ConnectionError):
        way.append(*texts, **more)


class TestAfterSeconds:
    def test_append_is_applied_when_its_time_has_come(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Late(5), on="append")
        append_without_answer(way, "late")
        way.append("early")
        mock.advance(4.999)
        assert bodies(mock) == ["early"]
        mock.advance(0.001)
        assert bodies(mock) == ["early", "late"]

    @pytest.mark.parametrize("look", ["records", "tail", "request"])
    def test_next_look_sees_it_at_its_due_time(self, mock: S2Mock, http1: Way, look: str) -> None:
        began = mock.clock.now() // 1_000_000
        mock.inject(Late(5), on="append")
        append_without_answer(http1, "late")
        mock.advance(60)
        stream = mock.basin(BASIN).stream("log")
        if look == "records":
            [record] = stream.records
            timestamp = record.timestamp
        elif look == "tail":
            assert stream.tail.seq_num == 1
            timestamp = stream.tail.timestamp
        else:
            timestamp = http1("GET", TAIL).json["tail"]["timestamp"]
        assert timestamp == began + 5000

    def test_several_are_applied_in_the_order_of_their_times(
        self, mock: S2Mock, http1: Way
    ) -> None:
        mock.inject([Late(3), Late(1), Late(2), Late(1)], on="append")
        for text in ("3", "1", "2", "1 again"):
            append_without_answer(http1, text)
        mock.advance(60)
        assert bodies(mock) == ["1", "1 again", "2", "3"]

    def test_a_scheduled_deletion_before_it_is_finished_first(self) -> None:
        with S2Mock(basins=SEEDS, clock="manual", deletion_delay=2) as mock:
            with closing(Way("wsgi", mock)) as way:
                mock.inject([Late(1), Late(3)], on="append")
                append_without_answer(way, "in time")
                append_without_answer(way, "too late")
                log = mock.basin(BASIN).stream("log")
                log.delete()
                mock.advance(60)
                assert "log" not in mock.basin(BASIN).streams
            first, second = mock.journal.of("append")
            assert "stream_deletion_pending" in str(first.reason)
            assert "stream_not_found" in str(second.reason)

    def test_a_follower_gets_it_when_the_clock_is_advanced(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Late(5), on="append")
        append_without_answer(http1, "late")
        pieces = http1.pieces(f"{RECORDS}?seq_num=0&count=1&wait=60", EVENTS)
        first = next(pieces)
        assert b"ping" in first
        mock.basin(BASIN).stream("log").wait_for_readers()
        mock.advance(5)
        assert b"late" in next(pieces)

    def test_a_follower_gets_it_by_the_system_clock(self, way: Way) -> None:
        with S2Mock(basins=SEEDS) as mock, closing(Way(way.name, mock)) as way:
            mock.inject(Late(0.05), on="append")
            append_without_answer(way, "late")
            received, broke_off = way.session(f"{RECORDS}?seq_num=0&count=1&wait=60", EVENTS)
            assert not broke_off
            assert b"late" in received

    def test_a_test_that_waits_for_records_needs_no_request(self) -> None:
        with S2Mock(basins=SEEDS) as mock, closing(Way("wsgi", mock)) as way:
            # The second is due first.
            mock.inject([Late(0.1), Late(0.001)], on="append")
            append_without_answer(way, "2")
            append_without_answer(way, "1")
            found = mock.basin(BASIN).stream("log").wait_for(2, timeout=30)
            assert [record.body for record in found] == [b"1", b"2"]

    def test_it_is_none_of_the_waiters_of_a_clock(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Late(5), on="append")
        append_without_answer(http1, "late")
        with pytest.raises(TimeoutError, match="0 of 1"):
            mock.clock.wait_for_waiters(timeout=0.01)
