"""Turning the clock of a mock: `advance`, `clock="manual"`, and waiting for who waits on it."""

import asyncio
from typing import Any

import pytest

from s2mock import ManualClock, S2Mock
from s2mock.registry.clock import NANOSECONDS
from tests.plugin.conftest import run

__all__ = ["run"]

# 2024-01-01T00:00:00Z
START = 1_704_067_200


def test_advance_turns_the_clock_of_the_mock() -> None:
    with S2Mock(clock="manual", basins=["my-basin"], deletion_delay=60) as mock:
        mock.basin("my-basin").delete()
        mock.advance(59.5)
        assert mock.basins == ("my-basin",)
        mock.advance(0.5)
        assert mock.basins == ()
        assert mock.clock.now() == (START + 60) * NANOSECONDS


@pytest.mark.parametrize(
    ("seconds", "error"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)]
)
def test_what_is_no_time_to_turn_it_by(seconds: Any, error: type[Exception]) -> None:
    with S2Mock(clock="manual") as mock, pytest.raises(error):
        mock.advance(seconds)


def test_another_clock_is_not_turned_and_says_how_to_get_one() -> None:
    with S2Mock() as mock, pytest.raises(TypeError, match='make the mock with clock="manual"'):
        mock.advance(1)


def test_each_mock_has_a_fresh_one() -> None:
    with S2Mock(clock="manual") as one, S2Mock(clock="manual") as other:
        assert isinstance(one.clock, ManualClock)
        one.advance(10)
        assert other.clock.now() == START * NANOSECONDS


def test_it_begins_at_the_time_of_a_snapshot() -> None:
    with S2Mock(clock=ManualClock(5)) as mock:
        snapshot = mock.snapshot()
    with S2Mock(clock="manual", snapshot=snapshot) as mock:
        assert mock.clock.now() == 5 * NANOSECONDS


def test_no_other_word_is_a_clock() -> None:
    clock: Any = "Manual"
    with pytest.raises(ValueError, match="'manual' for a fresh one, not 'Manual'"):
        S2Mock(clock=clock)


def test_a_marker_gives_each_test_another(run: Any) -> None:
    run(
        """
        import pytest

        pytestmark = pytest.mark.s2_mock(clock="manual")

        @pytest.mark.parametrize("again", range(2))
        def test_it(s2_mock, again):
            assert s2_mock.clock.now() == 1_704_067_200 * 10**9
            s2_mock.advance(60)
        """
    ).assert_outcomes(passed=2)


class TestWaitingForWaiters:
    def test_says_how_many_there_are(self) -> None:
        clock = ManualClock()
        with pytest.raises(TimeoutError, match="^0 of 2 waited on the clock within 0 s$"):
            clock.wait_for_waiters(2, timeout=0)

    def test_those_that_are_there_count(self) -> None:
        clock = ManualClock(0)
        alarms = [clock.call_at(NANOSECONDS, lambda: None) for _ in range(2)]
        clock.wait_for_waiters(2, timeout=0)
        asyncio.run(clock.async_wait_for_waiters(2, timeout=0))
        for alarm in alarms:
            alarm.close()
        with pytest.raises(TimeoutError):
            asyncio.run(clock.async_wait_for_waiters(timeout=0))

    def test_in_a_running_loop_the_blocking_one_says_so(self) -> None:
        async def wait() -> None:
            ManualClock().wait_for_waiters(timeout=0)

        with pytest.raises(TimeoutError, match="async_"):
            asyncio.run(wait())

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"count": 0}, ValueError),
            ({"count": 1.5}, TypeError),
            ({"timeout": -1}, ValueError),
            ({"timeout": "1"}, TypeError),
        ],
    )
    def test_what_makes_no_sense_is_said(
        self, arguments: dict[str, Any], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            ManualClock().wait_for_waiters(**arguments)
