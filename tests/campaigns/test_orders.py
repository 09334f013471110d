"""Orders of actors over HTTP: their numbers, their reports, and what goes wrong in a scenario."""

import asyncio
import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from s2mock import Drop, Orders, S2Mock
from s2mock.handles.campaigns.orders import Run
from tests.campaigns.clients import BASIN, SEEDS, Shop, append, place_guarded, place_once

HERE = Path(__file__).parent


def bodies(mock: S2Mock, stream: str = "orders") -> list[str]:
    return [body.decode() for body in mock.stream(BASIN, stream).bodies]


def orders_of(set_up: Callable[[Run], object], **arguments: Any) -> tuple[list[str], Orders]:
    """Run a scenario in all orders; return these, and the campaign."""
    campaign = Orders(basins=SEEDS, **arguments)
    found = []
    for run in campaign:
        with run:
            set_up(run)
            run.go()
        found.append(run._attempt.instructions.title)
    return found, campaign


class TestCounts:
    def test_one_append_each_to_one_stream_is_two_runs(self) -> None:
        def set_up(run: Run) -> None:
            run.actor("a", append, "tea")
            run.actor("b", append, "cake")

        found, campaign = orders_of(set_up)
        assert found == ["a1 b1", "b1 a1"]
        assert str(campaign.report()) == "s2_orders: 2 attempts passed"

    def test_two_appends_each_to_one_stream_are_six_runs(self) -> None:
        def set_up(run: Run) -> None:
            run.actor("a", append, "1", "2")
            run.actor("b", append, "3", "4")

        assert len(set(orders_of(set_up)[0])) == 6

    def test_appends_to_two_streams_are_one_run(self) -> None:
        campaign = Orders(basins=SEEDS)
        count = 0
        for run in campaign:
            with run as mock:
                run.actor("a", append, "tea")
                run.actor("b", lambda actor: append(actor, "cake", stream="other"))
                run.go()
                assert bodies(mock) == ["tea"]
                assert bodies(mock, "other") == ["cake"]
            count += 1
        assert count == 1


def test_a_race_is_found_and_its_twin_passes() -> None:
    for place, passes in ((place_once, False), (place_guarded, True)):
        campaign = Orders(basins=SEEDS)
        for run in campaign:
            with run as mock:
                run.actor("a", place, "tea")
                run.actor("b", place, "cake")
                run.go()
                assert len(bodies(mock)) == 1
        report = campaign.report()
        assert report.passed == passes
        if not passes:
            text = str(report)
            assert text.startswith(
                "s2_orders: 2 of 4 orders fail; the shortest: a check-tail, b check-tail, "
                "b append, a append\n"
            ), text
            assert 's2_orders.replay("a1 b1 b2 a2", basins=[' in text


def test_commands_and_refusals_have_the_names_of_s2() -> None:
    def lead(actor: Any) -> None:
        shop = Shop(actor)
        path = "/v1/streams/orders/records"
        shop.call("POST", path, {"records": [{"headers": [["", "fence"]], "body": "me"}]})
        trim = {"headers": [["", "trim"]], "body": "\0" * 8}
        # A command with a record is an append.
        shop.call("POST", path, {"records": [trim, {"body": "tea"}]})
        shop.call("POST", path, {"records": [trim, trim]})
        shop.append("cake", match_seq_num=0)
        shop.append("cake", fencing_token="you")
        shop.read("seq_num=5")
        shop.call("POST", "/v1/streams", {"stream": "orders"})

    campaign = Orders(basins=SEEDS)
    for run in campaign:
        with run:
            run.actor("a", lead)
            run.go()
            raise AssertionError
    assert str(campaign.report()).splitlines()[:11] == [
        (
            "s2_orders: 1 of 1 order fails; the shortest: a fence, a append, a trim, a append, "
            "a append, a read, a create-stream"
        ),
        "",
        "a1 a2 a3 a4 a5 a6 a7: AssertionError",
        f'    s2_orders.replay("a1 a2 a3 a4 a5 a6 a7", basins={SEEDS!r})',
        "    a1  fence shop-basin orders          appended 0..0",
        "    a2  append shop-basin orders         appended 1..2",
        "    a3  trim shop-basin orders           appended 3..4",
        "    a4  append shop-basin orders         seq_num_mismatch",
        "    a5  append shop-basin orders         fencing_token_mismatch",
        "    a6  read shop-basin orders           range not satisfiable",
        "    a7  create-stream shop-basin orders  resource_already_exists",
    ]


def test_server_is_loaded_before_the_actors_start() -> None:
    """On a busy machine that takes longer than the time after which an actor is passed over."""
    loaded = []
    for run in Orders(basins=SEEDS):
        with run as mock:
            port = mock._connections.lazy_server

            def act(actor: Any, port: Any = port) -> None:
                loaded.append(port._port.server is not None)
                append(actor, "tea")

            run.actor("a", act)
            run.go()
    assert loaded == [True]


def test_a_replay_runs_one_order_alone() -> None:
    campaign = Orders(basins=SEEDS)
    for order, count in (("a1 b1 b2 a2", 2), ("a1 a2 b1", 1)):
        for run in campaign.replay(order, basins=SEEDS):
            with run as mock:
                run.actor("a", place_once, "tea")
                run.actor("b", place_once, "cake")
                run.go()
                assert len(bodies(mock)) == count


def test_a_replay_of_an_order_that_cannot_be_names_what_comes_next() -> None:
    run = Orders(basins=SEEDS).replay("a1 c1", basins=SEEDS)
    with run:
        run.actor("a", append, "1", "2")
        run.actor("b", append, "3")
        with pytest.raises(AssertionError, match="c1 cannot come next: .* are a2, b1"):
            run.go()


@contextmanager
def busy_machine(processes: int) -> Iterator[None]:
    """Processes that only compute, during the block."""
    with ExitStack() as stack:
        for _ in range(processes):
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


@pytest.mark.slow
def test_the_same_scenario_gives_the_same_report_on_a_busy_machine() -> None:
    quiet = reports(1)
    with busy_machine(6):
        assert reports(2) == quiet * 2


def test_the_same_scenario_gives_the_same_report_to_the_byte() -> None:
    texts = reports(2)
    assert texts[0] == texts[1]
    assert "fail" in texts[0]


def reports(count: int) -> list[str]:
    texts = []
    for _ in range(count):
        campaign = Orders(basins=SEEDS)
        for run in campaign:
            with run as mock:
                run.actor("a", place_once, "tea")
                run.actor("b", place_once, "cake")
                run.actor("c", append, "bread")
                run.go()
                assert "bread" in bodies(mock)[:2]
        texts.append(str(campaign.report()))
    return texts


class TestActors:
    def test_coroutine_functions_are_tasks_on_one_loop(self) -> None:
        loops = set()

        async def place(actor: Any, body: str) -> None:
            loops.add(asyncio.get_running_loop())
            headers = {"s2-basin": BASIN, "authorization": f"Bearer {actor.token}"}
            async with httpx.AsyncClient(base_url=actor.url, headers=headers) as client:
                await client.post("/v1/streams/orders/records", json={"records": [{"body": body}]})

        def set_up(run: Run) -> None:
            loops.clear()
            run.actor("a", place, "tea")
            run.actor("b", place, "cake")

        assert orders_of(set_up)[0] == ["a1 b1", "b1 a1"]
        assert len(loops) == 1

    @pytest.mark.slow
    def test_a_command_gets_the_environment_of_its_actor(self) -> None:
        command = [sys.executable, str(HERE / "command.py"), "append"]

        def set_up(run: Run) -> None:
            run.actor("a", [*command, "tea"])
            run.actor("b", append, "cake")

        assert orders_of(set_up)[0] == ["a1 b1", "b1 a1"]

    @pytest.mark.slow
    def test_a_command_that_fails_fails_the_run_with_its_output(self) -> None:
        for run in Orders(basins=SEEDS):
            with run:
                run.actor("a", [sys.executable, "-c", "import sys; sys.exit('no tea')"])
                with pytest.raises(Exception, match=r"(?s)status 1:\nno tea"):
                    run.go()

    def test_the_token_counts_as_the_accounts_own_and_is_not_listed(self) -> None:
        seen = []

        def work(actor: Any) -> None:
            seen.append(Shop(actor).call("GET", "/v1/access-tokens")[1])

        for run in Orders(basins=SEEDS, auth="required"):
            with run as mock:
                actor = run.actor("a", work)
                assert actor.token != mock.token
                assert actor.env["S2_ACCESS_TOKEN"] == actor.token
                run.go()
        [page] = seen
        assert [token["id"] for token in page["access_tokens"]] == ["s2mock"]

    def test_the_token_ends_with_its_run(self) -> None:
        actors = []
        for run in Orders(basins=SEEDS):
            with run:
                actors.append(run.actor("a", append, "tea"))
                run.go()
                with pytest.raises(http.client.RemoteDisconnected):
                    Shop(actors[-1]).append("late")
            # The server goes on, for the next run.
            assert Shop(actors[-1]).append("late")[0] == 401
        assert len(actors) == 1

    def test_what_an_actor_raises_fails_the_run(self) -> None:
        def die(actor: Any) -> None:
            Shop(actor).append("tea")
            raise ZeroDivisionError(actor.name)

        campaign = Orders(basins=SEEDS)
        for run in campaign:
            with run:
                run.actor("a", append, "cake")
                run.actor("b", die)
                run.go()
        text = str(campaign.report())
        assert text.startswith("s2_orders: 2 of 2 orders fail")
        assert "ZeroDivisionError: b" in text


class TestWaitsInTheService:
    def test_a_long_poll_waits_while_others_go(self) -> None:
        seen = []

        def read(actor: Any) -> None:
            shop = Shop(actor)
            _, document = shop.read("seq_num=0&wait=60")
            seen.append([record["body"] for record in document["records"]])
            shop.append("seen", stream="other")

        def set_up(run: Run) -> None:
            run.actor("a", read)
            run.actor("b", append, "tea")

        found, campaign = orders_of(set_up)
        assert found == ["a1 b1 a2", "b1 a1 a2"]
        assert seen == [["tea"], ["tea"]]
        assert campaign.report().passed

    def test_a_follower_sees_the_appends_of_others(self) -> None:
        seen = []

        def follow(actor: Any) -> None:
            headers = {
                "s2-basin": BASIN,
                "authorization": f"Bearer {actor.token}",
                "accept": "text/event-stream",
            }
            with (
                httpx.Client(base_url=actor.url, headers=headers) as client,
                client.stream("GET", "/v1/streams/orders/records?seq_num=0") as answer,
            ):
                seen.append(next(line for line in answer.iter_lines() if "tea" in line))

        def set_up(run: Run) -> None:
            run.actor("a", follow)
            run.actor("b", append, "tea")

        found, _ = orders_of(set_up)
        assert found == ["a1 b1", "b1 a1"]
        assert len(seen) == 2


class TestBadScenarios:
    def test_a_scenario_that_is_not_deterministic_names_the_first_difference(self) -> None:
        runs = []

        def change(actor: Any) -> None:
            if len(runs) == 1:
                Shop(actor).append("tea")
            else:
                Shop(actor).tail()
            Shop(actor).append("cake")

        campaign = Orders(basins=SEEDS)
        for run in campaign:
            runs.append(run)
            with run:
                run.actor("a", change)
                run.actor("b", append, "bread")
                run.go()
        text = str(campaign.report())
        assert len(runs) == 2
        assert (
            "this scenario is not deterministic by itself: after the beginning, the operation a1 "
            f"was append {BASIN} orders before, and now is check-tail {BASIN} orders"
        ) in text or "a1" in text
        assert "not deterministic" in text

    @pytest.mark.slow
    def test_an_expected_operation_is_awaited_for_longer_than_settle(self) -> None:
        runs: list[int] = []

        def set_up(run: Run) -> None:
            runs.append(len(runs))
            # In the second run, a1 is expected first.
            run.actor("a", append_late if len(runs) == 2 else append, "1", "2")
            run.actor("b", append, "3")

        def append_late(actor: Any, *bodies: str) -> None:
            threading.Event().wait(2)
            append(actor, *bodies)

        found, campaign = orders_of(set_up)
        assert found == ["a1 a2 b1", "a1 b1 a2", "b1 a1 a2"]
        assert str(campaign.report()) == "s2_orders: 3 attempts passed"

    def test_another_outcome_is_a_difference_too(self) -> None:
        runs = []

        def change(actor: Any) -> None:
            Shop(actor).append("tea", match_seq_num=0 if len(runs) == 1 else 7)

        campaign = Orders(basins=SEEDS)
        for run in campaign:
            runs.append(run)
            with run:
                run.actor("a", change)
                run.actor("b", append, "1")
                run.actor("c", append, "2")
                run.go()
        assert "a1 append shop-basin orders had the outcome 'appended 0..0' before" in str(
            campaign.report()
        )

    def test_an_actor_that_sleeps_is_passed_over_and_named(self) -> None:
        def set_up(run: Run) -> None:
            awake = threading.Event()

            def sleep(actor: Any) -> None:
                awake.wait(60)
                append(actor, "late", stream="other")

            def wake(actor: Any) -> None:
                append(actor, "first")
                awake.set()

            run.actor("a", sleep)
            run.actor("b", wake)

        _, campaign = orders_of(set_up, settle=0.05)
        report = campaign.report()
        assert report.passed
        assert "an order may not repeat: a was passed over after 0.05 s" in str(report)

    def test_an_actor_has_more_time_on_a_crowded_machine(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As many processes want to run as if each second were an hour."""
        load = 3600.0 * (os.cpu_count() or 1)
        monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))

        def set_up(run: Run) -> None:
            def sleep(actor: Any) -> None:
                threading.Event().wait(0.3)
                append(actor, "second")

            run.actor("a", sleep)

        _, campaign = orders_of(set_up, settle=0.01)
        assert str(campaign.report()) == "s2_orders: 1 attempt passed"

    def test_an_order_that_cannot_be_is_tried_once(self) -> None:
        """An actor waits for another one, outside of the service, before it sends its operation."""

        def set_up(run: Run) -> None:
            has_appended = threading.Event()

            def first(actor: Any) -> None:
                append(actor, "first")
                has_appended.set()

            def second(actor: Any) -> None:
                has_appended.wait(60)
                append(actor, "second")

            run.actor("a", first)
            run.actor("b", second)
            run.actor("c", append, "third")

        found, campaign = orders_of(set_up, settle=0.05, max_runs=30)
        assert campaign.report().passed
        # In all orders the first is before the second.
        assert set(found) == {"a1 b1 c1", "a1 c1 b1", "c1 a1 b1"}
        assert len(found) < 10

    def test_a_run_without_go_fails(self) -> None:
        campaign = Orders(basins=SEEDS)
        for run in campaign:
            with run:
                run.actor("a", append, "tea")
        assert "run.go() was not called" in str(campaign.report())

    def test_actors_that_do_not_use_their_tokens_are_noticed(self) -> None:
        campaign = Orders(basins=SEEDS)
        for run in campaign:
            with run as mock:
                run.actor("a", lambda _, mock=mock: append(mock, "tea"))
                run.go()
        assert "no operation of an actor arrived" in str(campaign.report())

    @pytest.mark.parametrize(
        ("call", "error", "match"),
        [
            (lambda run: run.actor("a b", append), ValueError, "without spaces"),
            (lambda run: run.actor(5, append), TypeError, "name must be text"),
            (lambda run: run.actor("a", 5), TypeError, "must be a function"),
            (lambda run: run.actor("a", []), ValueError, "empty command line"),
            (lambda run: run.actor("a", [5]), TypeError, "which is no text"),
            (lambda run: run.actor("a", ["x"], 5), TypeError, "has its arguments in the list"),
            (lambda run: run.go(), ValueError, "needs an actor"),
            (lambda run: run.go(timeout=-1), ValueError, "timeout"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, call: Callable[[Run], object], error: type[Exception], match: str
    ) -> None:
        run = next(iter(Orders(basins=SEEDS)))
        with run, pytest.raises(error, match=match):
            call(run)

    @pytest.mark.parametrize(
        ("arguments", "match"),
        [
            ({"max_runs": 0}, "max_runs"),
            ({"max_faults": 1}, "needs faults"),
            ({"faults": [Drop()]}, "needs max_faults"),
            ({"settle": -1}, "settle"),
        ],
    )
    def test_arguments_that_make_no_sense_are_refused(
        self, arguments: dict[str, Any], match: str
    ) -> None:
        with pytest.raises(ValueError, match=match):
            Orders(**arguments)


def test_faults_are_choices_of_an_order() -> None:
    def retry(actor: Any) -> None:
        while True:
            with suppress(OSError, http.client.HTTPException):
                Shop(actor).append("tea")
                return

    campaign = Orders(basins=SEEDS, max_faults=1, faults=[Drop(), Drop(committed=True)])
    for run in campaign:
        with run as mock:
            run.actor("a", retry)
            run.go()
            assert bodies(mock) == ["tea"]
    report = campaign.report()
    text = str(report)
    assert report.attempts == 3
    assert text.startswith(
        "s2_orders: 1 of 3 orders fails; the shortest: a append with Drop(committed=True), a append"
    ), text
    assert "s2_orders.replay(\"a1 a2\", faults={'a1': Drop(committed=True)}, basins=" in text
    for run in campaign.replay("a1 a2", faults={"a1": Drop(committed=True)}, basins=SEEDS):
        with run as mock:
            run.actor("a", retry)
            run.go()
            assert bodies(mock) == ["tea", "tea"]


def test_more_orders_than_max_runs_are_said() -> None:
    def set_up(run: Run) -> None:
        run.actor("a", append, *"123")
        run.actor("b", append, *"456")

    found, campaign = orders_of(set_up, max_runs=6)
    assert len(found) == 6
    assert "there are more orders than max_runs=6" in str(campaign.report())
    assert orders_of(set_up, max_runs=6)[0] == found


@pytest.mark.slow
def test_notes_of_a_campaign_that_passed_are_advice_of_its_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import threading

        def test_it(s2_orders):
            for run in s2_orders(settle=0.01):
                with run:
                    done = threading.Event()
                    run.actor("a", lambda actor: done.wait(0.1))
                    run.go()
        """
    )
    others = ("asyncio", "schemathesis", "xdist", "anyio")
    without = [part for name in others for part in ("-p", f"no:{name}")]
    result = pytester.runpytest_subprocess(*without)
    # No operation arrived either, and that fails the test.
    result.assert_outcomes(failed=1)
    pytester.makepyfile(
        """
        import http.client
        from urllib.parse import urlsplit

        def list_basins(actor):
            connection = http.client.HTTPConnection(urlsplit(actor.url).netloc)
            connection.request("GET", "/v1/basins", headers={
                "authorization": f"Bearer {actor.token}"})
            connection.getresponse().read()
            connection.close()

        def create(actor):
            for name in ("one-basin", "two-basin", "three-basin"):
                connection = http.client.HTTPConnection(urlsplit(actor.url).netloc)
                connection.request("PUT", f"/v1/basins/{name}", headers={
                    "authorization": f"Bearer {actor.token}"})
                connection.getresponse().read()
                connection.close()

        def test_it(s2_orders):
            for run in s2_orders(max_runs=2):
                with run:
                    run.actor("a", list_basins)
                    run.actor("b", create)
                    run.go()
        """
    )
    result = pytester.runpytest_subprocess(*without)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*S2Advice: s2_orders: there are more orders than max_runs=2: *"])
