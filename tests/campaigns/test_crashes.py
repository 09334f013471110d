"""Crashes of workers: the points, the worker's token, and what stops it."""

import asyncio
import gc
import http.client
import os
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from s2mock import Crashes, S2Mock
from s2mock.campaigns.crashes import CrashInstructions
from tests.campaigns.clients import BASIN, SEEDS, Shop
from tests.plugin.conftest import Run

COMMAND = [sys.executable, str(Path(__file__).parent / "command.py")]
ORDERS = ["tea", "cake"]
RECORDS = "/v1/streams/orders/records"


def bodies(mock: S2Mock) -> list[str]:
    return [body.decode() for body in mock.stream(BASIN, "orders").bodies]


async def place_all(mock: S2Mock, orders: list[str] = ORDERS) -> None:
    headers = {"s2-basin": BASIN, "authorization": f"Bearer {mock.token}"}
    async with httpx.AsyncClient(base_url=mock.url, headers=headers) as client:
        for order in orders:
            answer = await client.post(RECORDS, json={"records": [{"body": order}]})
            assert answer.status_code == 200


def start_again(mock: S2Mock) -> None:
    """A recovery that is wrong after any crash but the first: it places all orders again."""
    for order in ORDERS:
        Shop(mock).append(order)


def place_missing(mock: S2Mock) -> None:
    """The right recovery: it looks which orders are there."""
    shop = Shop(mock)
    for order in ORDERS[len(shop.bodies()) :]:
        shop.append(order)


def crash(
    recover: Callable[[S2Mock], object], work: Any = None, **options: Any
) -> tuple[list[str], str]:
    """Return the points that were tried, and the report."""
    campaign = Crashes(on="append", basins=SEEDS, **options)
    points = []
    for attempt in campaign:
        with attempt as mock:
            points.append(str(attempt.point))
            if work is None:
                attempt.run(place_all, mock)
            else:
                attempt.run(work)
            if attempt.point is not None:
                recover(mock)
            assert bodies(mock) == ORDERS
    return points, str(campaign.report())


POINTS = [
    "None",
    "a crash before append 1",
    "a crash after append 1",
    "a crash before append 2",
    "a crash after append 2",
]


def test_a_crash_is_before_and_after_each_effect() -> None:
    points, report = crash(place_missing)
    assert points == POINTS
    assert report == "s2_crash: 5 attempts passed"


def check_states() -> None:
    """What the worker leaves behind at each point."""
    found = {}
    for attempt in Crashes(on="append", basins=SEEDS):
        with attempt as mock:
            attempt.run(place_all, mock)
            found[str(attempt.point)] = bodies(mock)
    assert found == dict(zip(POINTS, [ORDERS, [], ["tea"], ["tea"], ORDERS], strict=True))


def test_the_worker_leaves_behind_what_took_effect() -> None:
    check_states()


def test_a_recovery_that_doubles_is_found() -> None:
    points, report = crash(start_again)
    assert points == POINTS
    lines = report.splitlines()
    assert lines[0] == "s2_crash: 3 of 4 attempts failed"
    assert lines[2].startswith("a crash after append 1 of 2: AssertionError")
    assert lines[3].startswith("    s2_crash.replay('after', 'append', 1, basins=[")


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_report_says_where_the_crash_was(when: str) -> None:
    campaign = Crashes(on="append", basins=SEEDS)
    for attempt in campaign:
        with attempt as mock:
            attempt.run(place_all, mock)
            Shop(mock).tail()
            assert attempt.point is None or attempt.point[:] != (when, "append", 2)
    marked = [line for line in str(campaign.report()).splitlines() if "the crash, " in line]
    # The second append, and no other line.
    [line] = marked
    assert line.split()[0] == "2"
    assert line.endswith(f"the crash, {when} its effect")


@pytest.mark.slow
def test_a_process_is_killed() -> None:
    command = [*COMMAND, "append", *ORDERS]
    points, report = crash(place_missing, command)
    assert points == POINTS
    assert report == "s2_crash: 5 attempts passed"
    assert crash(start_again, command)[1].startswith("s2_crash: 3 of 4 attempts failed")


@pytest.mark.slow
def test_a_process_is_killed_with_its_group(tmp_path: Path) -> None:
    """With a child of its own, which would go on."""
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    script = (
        "import os, subprocess, sys\n"
        f"out = os.open({str(fifo)!r}, os.O_WRONLY)\n"
        "os.set_inheritable(out, True)\n"
        "subprocess.Popen(['sleep', '600'], close_fds=False)\n"
        f"os.execv(sys.executable, {[*COMMAND, 'append', *ORDERS]!r})\n"
    )
    ends = []

    def watch() -> None:
        # It ends when no process has the fifo open any more.
        with fifo.open("rb") as file:
            ends.append(file.read())

    for attempt in Crashes(on="append", basins=SEEDS):
        watcher = threading.Thread(target=watch)
        watcher.start()
        with attempt:
            attempt.run([sys.executable, "-c", script])
        watcher.join(30)
        assert not watcher.is_alive()
    assert len(ends) == 5


def test_a_replay_runs_one_attempt_alone() -> None:
    for attempt in Crashes(on="append").replay("after", "append", 1, basins=SEEDS):
        with attempt as mock:
            attempt.run(place_all, mock)
            assert bodies(mock) == ["tea"]


def test_a_second_worker_is_undisturbed() -> None:
    async def work(mock: S2Mock) -> None:
        await place_all(mock, ORDERS[len(bodies(mock)) :])

    campaign = Crashes(on="append", basins=SEEDS)
    for attempt in campaign:
        with attempt as mock:
            attempt.run(work, mock)
            attempt.run(work, mock)
            assert bodies(mock) == ORDERS
    assert campaign.report().attempts == 5
    assert campaign.report().passed


class TestTheWorker:
    def test_its_token_is_dead_after_the_crash(self) -> None:
        for attempt in Crashes(on="append", basins=SEEDS):
            with attempt as mock:
                tokens = []

                async def work(mock: S2Mock = mock, tokens: list[str] = tokens) -> None:
                    tokens.append(mock.token)
                    await place_all(mock)

                before = mock.token
                attempt.run(work)
                assert mock.token == before
                assert tokens != [before]
                mock_as_worker = type("At", (), {"url": mock.url, "token": tokens[0]})
                with pytest.raises(http.client.RemoteDisconnected):
                    Shop(mock_as_worker).append("from the dead")
                assert "from the dead" not in bodies(mock)
                assert Shop(mock).append("alive")[0] == 200

    def test_a_pinned_token_is_alive_again_for_the_recovery(self) -> None:
        assert crash(place_missing, token="pinned")[1] == "s2_crash: 5 attempts passed"

    def test_other_requests_of_the_worker_are_dropped_from_the_point_on(self) -> None:
        seen = []

        async def stubborn(mock: S2Mock) -> None:
            try:
                await place_all(mock)
            except httpx.TransportError:
                # It tries again before it can be stopped.
                with suppress(OSError, http.client.HTTPException):
                    Shop(mock).append("again")
                seen.append("tried")
                raise

        campaign = Crashes(on="append", basins=SEEDS)
        for attempt in campaign:
            with attempt as mock:
                attempt.run(stubborn, mock)
                assert "again" not in bodies(mock)
        assert campaign.report().passed

    def test_work_that_fails_by_itself_fails_the_attempt(self) -> None:
        async def fail(mock: S2Mock) -> None:
            await place_all(mock)
            raise ZeroDivisionError

        attempt = next(iter(Crashes(on="append", basins=SEEDS)))
        with pytest.raises(ZeroDivisionError), attempt as mock:
            attempt.run(fail, mock)

    def test_what_work_raises_when_it_is_stopped_is_no_failure(self) -> None:
        async def fail(mock: S2Mock) -> None:
            try:
                await place_all(mock)
            except (httpx.TransportError, asyncio.CancelledError):
                raise ZeroDivisionError from None

        campaign = Crashes(on="append", basins=SEEDS)
        for attempt in campaign:
            with attempt as mock:
                attempt.run(fail, mock)
        assert campaign.report().passed

    def test_work_that_suppresses_its_cancellation_is_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("s2mock.handles.campaigns.crashes._CANCEL_SECONDS", 0.05)

        async def go_on(mock: S2Mock) -> None:
            with suppress(httpx.TransportError, asyncio.CancelledError):
                await place_all(mock)
                return
            for _ in range(3):
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.2)

        campaign = Crashes(on="append", basins=SEEDS, limit=1)
        for attempt in campaign:
            with attempt as mock:
                attempt.run(go_on, mock)
        assert "it must not suppress asyncio.CancelledError" in str(campaign.report())

    def test_async_run_is_on_the_running_loop(self) -> None:
        loops = set()

        async def work(mock: S2Mock) -> None:
            loops.add(asyncio.get_running_loop())
            await place_all(mock)

        async def main() -> None:
            campaign = Crashes(on="append", basins=SEEDS)
            for attempt in campaign:
                with attempt as mock:
                    await attempt.async_run(work, mock)
                    place_missing(mock)
                    assert bodies(mock) == ORDERS
            assert campaign.report().passed
            assert loops == {asyncio.get_running_loop()}

        asyncio.run(main())

    def test_blocking_run_in_a_running_loop_has_a_loop_of_its_own(self) -> None:
        async def main() -> str:
            return crash(place_missing)[1]

        assert asyncio.run(main()) == "s2_crash: 5 attempts passed"


class TestBadScenarios:
    def test_a_plain_function_is_refused(self) -> None:
        attempt = next(iter(Crashes(on="append", basins=SEEDS)))
        with (
            pytest.raises(TypeError, match="a plain function, which cannot be stopped"),
            attempt as mock,
        ):
            attempt.run(place_missing, mock)

    def test_a_command_that_fails_is_named_with_its_output(self) -> None:
        attempt = next(iter(Crashes(on="append", basins=SEEDS)))
        with (
            pytest.raises(Exception, match=r"(?s)has ended with status 1:\nno tea"),
            attempt,
        ):
            attempt.run([sys.executable, "-c", "import sys; sys.exit('no tea')"])

    def test_work_that_takes_too_long_is_named(self) -> None:
        attempt = next(iter(Crashes(on="append", basins=SEEDS)))
        with pytest.raises(TimeoutError, match="has not ended within 0.05 s"), attempt:
            attempt.run(asyncio.sleep, 600, timeout=0.05)

    def test_a_point_that_is_not_reached_fails_its_attempt(self) -> None:
        campaign = Crashes(on="append", basins=SEEDS)
        for attempt in campaign:
            with attempt as mock:
                attempt.run(place_all, mock, ORDERS if attempt.point is None else ORDERS[:1])
        text = str(campaign.report())
        assert text.startswith("s2_crash: 2 of 4 attempts failed")
        assert "the point was not reached: 1 append of the worker arrived" in text

    def test_a_worker_without_operations_is_named(self) -> None:
        campaign = Crashes(on="append", basins=SEEDS)
        for attempt in campaign:
            with attempt as mock:
                # Not the worker's.
                place_missing(mock)
                attempt.run(asyncio.sleep, 0)
        assert "no append of the worker arrived" in str(campaign.report())

    def test_more_points_than_the_limit_are_said(self) -> None:
        points, report = crash(place_missing, limit=2)
        assert points == POINTS[:3]
        assert "2 more were left out: there are 4, and limit=2 is the limit" in report


def test_a_refused_operation_has_one_crash() -> None:
    """After it, the worker would stop in the same state."""

    async def refused(mock: S2Mock) -> None:
        await asyncio.to_thread(Shop(mock).append, "tea", match_seq_num=7)

    campaign = Crashes(on="append", basins=SEEDS)
    points = []
    for attempt in campaign:
        with attempt as mock:
            attempt.run(refused, mock)
            points.append(str(attempt.point))
    assert points == ["None", "a crash before append 1"]


class TestNegativeControls:
    def test_a_campaign_that_crashes_nothing_is_noticed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(CrashInstructions, "_reach", lambda *_: (False, False))
        _, report = crash(lambda _: None)
        assert report.startswith("s2_crash: 4 of 4 attempts failed")
        assert "the point was not reached" in report

    def test_a_crash_that_stops_no_worker_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def claim(self: CrashInstructions, *_: Any) -> tuple[bool, bool]:
            self.is_reached = self.point is not None
            return False, False

        monkeypatch.setattr(CrashInstructions, "_reach", claim)
        with pytest.raises(AssertionError):
            check_states()


@pytest.mark.slow
def test_the_fixture_fails_its_test_with_the_report(run: Run) -> None:
    result = run(
        """
        import httpx
        import pytest

        @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
        def test_it(s2_crash):
            for attempt in s2_crash(on="append"):
                with attempt as s2_mock:
                    async def work():
                        headers = {"s2-basin": "my-basin",
                            "authorization": f"Bearer {s2_mock.token}"}
                        async with httpx.AsyncClient(base_url=s2_mock.url) as client:
                            await client.post("/v1/streams/log/records",
                                json={"records": [{"body": "a"}]}, headers=headers)
                    attempt.run(work)
                    assert s2_mock.stream("my-basin", "log").bodies == (b"a",)

        def test_left(s2_crash):
            s2_crash(on="append")

        def test_orders(s2_orders):
            for run in s2_orders():
                with run:
                    run.actor("a", lambda actor: 1 / 0)
                    run.go()
        """
    )
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "s2_crash: 1 of 2 attempts failed",
            "a crash before append 1 of 1: AssertionError: *",
            "    s2_crash.replay('before', 'append', 1)",
            "s2_crash(...) was called, and none of its attempts was run: *",
            "s2_orders: 1 of 1 order fails; the shortest: (no operation)",
        ]
    )


class TestWhatAStoppedWorkerLeavesBehind:
    def stop(self, work: Any) -> None:
        """Run a worker, and stop it at each point."""
        campaign = Crashes(on="append", basins=SEEDS)
        for attempt in campaign:
            with attempt as mock:
                attempt.run(work, mock)
        assert campaign.report().passed

    def test_client_that_was_not_closed_goes_without_a_warning(self) -> None:
        class Client:
            is_closed = False

            def __init__(self) -> None:
                # Only a collection finds it.
                self.itself = self

            def __del__(self) -> None:
                if not self.is_closed:
                    warnings.warn("an unclosed client", ResourceWarning, stacklevel=1)

        async def work(mock: S2Mock) -> None:
            client = Client()
            await place_all(mock)
            client.is_closed = True

        gc.unfreeze()
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            try:
                self.stop(work)
                gc.collect()
            finally:
                gc.freeze()
        assert not [one for one in found if "an unclosed client" in str(one.message)]

    def test_objects_from_before_the_work_are_left_out_of_the_collection(self) -> None:
        """Those of a large session of tests would take longer than the scenario."""
        frozen = []

        async def work(mock: S2Mock) -> None:
            frozen.append(gc.get_freeze_count())
            await place_all(mock)

        # As those of this session are.
        gc.unfreeze()
        try:
            self.stop(work)
            assert all(frozen)
            assert gc.get_freeze_count() == 0
        finally:
            gc.freeze()

    def test_objects_that_the_program_has_frozen_stay_frozen(self) -> None:
        gc.freeze()
        self.stop(place_all)
        assert gc.get_freeze_count()
