"""The clock of a mock: `advance`, `clock="manual"`, and waiting for its waiters."""

import asyncio
from typing import Any

import pytest

from s2mock import ManualClock, S2Mock
from s2mock.runtime.clock import NANOSECONDS
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
    with pytest.raises(ValueError, match="'auto' for one that advances by itself, not 'Manual'"):
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


class TestClockOfAMarker:
    """A `ManualClock` in a marker is copied for each test, so that all of them start alike."""

    def test_parametrized_cases_start_alike(self, run: Any) -> None:
        run(
            """
            import pytest
            from s2mock import ManualClock

            @pytest.mark.parametrize("again", range(2))
            @pytest.mark.s2_mock(clock=ManualClock(5))
            def test_with_a_start(s2_mock, again):
                assert s2_mock.clock.now() == 5 * 10**9
                s2_mock.advance(60)

            @pytest.mark.parametrize("again", range(2))
            @pytest.mark.s2_mock(clock=ManualClock())
            def test_without_a_start(s2_mock, again):
                assert s2_mock.clock.now() == 1_704_067_200 * 10**9
                s2_mock.advance(60)

            @pytest.mark.parametrize("again", range(2))
            @pytest.mark.s2_mock(clock=ManualClock.at(7_000_000_001))
            def test_to_the_nanosecond(s2_mock, again):
                assert s2_mock.clock.now() == 7_000_000_001
                s2_mock.advance(60)
            """
        ).assert_outcomes(passed=6)

    def test_one_without_a_start_begins_at_the_time_of_the_snapshot(self, run: Any) -> None:
        run(
            """
            import pytest
            from s2mock import ManualClock, S2Mock

            SNAPSHOT = S2Mock(clock=ManualClock(5)).snapshot()

            @pytest.mark.parametrize("again", range(2))
            @pytest.mark.s2_mock(clock=ManualClock(), snapshot=SNAPSHOT)
            def test_it(s2_mock, again):
                assert s2_mock.clock.now() == 5 * 10**9
                s2_mock.advance(60)
            """
        ).assert_outcomes(passed=2)

    def test_attempts_of_a_sweep_start_alike(self, run: Any) -> None:
        run(
            """
            import pytest
            from s2mock import Drop, ManualClock

            def scenario(attempts):
                starts = []
                for attempt in attempts:
                    with attempt as s2_mock:
                        starts.append(s2_mock.clock.now())
                        s2_mock.advance(60)
                        try:
                            s2_mock.client.post("/v1/basins", json={"basin": "my-basin"})
                        except ConnectionError:
                            pass
                assert starts == [5 * 10**9] * 2

            @pytest.mark.s2_mock(clock=ManualClock(5))
            def test_of_the_marker(s2_sweep):
                scenario(s2_sweep([Drop()], on="create-basin"))

            def test_of_the_sweep(s2_sweep):
                scenario(s2_sweep([Drop()], on="create-basin", clock=ManualClock(5)))
            """
        ).assert_outcomes(passed=2)

    def test_one_that_was_turned_is_refused_and_says_what_to_turn(self, run: Any) -> None:
        result = run(
            """
            import pytest
            from s2mock import ManualClock

            CLOCK = ManualClock(5)
            CLOCK.advance(60)

            @pytest.mark.s2_mock(clock=CLOCK)
            def test_it(s2_mock):
                pass
            """
        )
        result.assert_outcomes(errors=1)
        assert (
            "s2_mock: clock was advanced by 60 s, and each test gets a copy of it with the same "
            "start: advance the copy with s2_mock.advance(seconds), or give the clock another start"
        ) in " ".join(result.stdout.str().split())

    def test_any_other_clock_is_one_for_all_tests(self, run: Any) -> None:
        run(
            """
            import pytest
            from s2mock import ManualClock

            class Own(ManualClock):
                def __init__(self, name):
                    super().__init__(5)

            CLOCK = Own("x")

            @pytest.mark.parametrize("again", range(2))
            @pytest.mark.s2_mock(clock=CLOCK)
            def test_it(s2_mock, again):
                assert s2_mock.clock is CLOCK
                assert s2_mock.clock.now() == (5 + 60 * again) * 10**9
                s2_mock.advance(60)
            """
        ).assert_outcomes(passed=2)


class TestWaitingForWaiters:
    def test_of_a_mock(self) -> None:
        with S2Mock(clock="manual") as mock:
            assert isinstance(mock.clock, ManualClock)
            with pytest.raises(TimeoutError, match="^0 of 1 waited on the clock within 0 s$"):
                mock.wait_for_waiters(timeout=0)
            alarm = mock.clock.call_at(mock.clock.now() + 1, lambda: None)
            mock.wait_for_waiters(1, timeout=0)
            asyncio.run(mock.async_wait_for_waiters(1, timeout=0))
            alarm.close()

    def test_of_a_mock_without_a_manual_clock_says_how_to_get_one(self) -> None:
        with S2Mock() as mock:
            with pytest.raises(TypeError, match=r"^wait_for_waiters\(\) .* clock=\"manual\""):
                mock.wait_for_waiters()
            with pytest.raises(TypeError, match=r"^wait_for_waiters\(\) .*\"manual\""):
                asyncio.run(mock.async_wait_for_waiters())

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
