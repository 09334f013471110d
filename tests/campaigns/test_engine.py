"""The engine of attempts without its driver for Python: as a server drives it, in small steps."""

import http.client
import threading
from contextlib import suppress
from typing import Any

import httpx
import pytest

from s2mock import Drop, S2Mock
from s2mock.campaigns.campaign import AttemptOpen, Campaign, Outcome
from s2mock.campaigns.crashes import CrashPlan
from s2mock.campaigns.orders.plan import OrdersPlan
from s2mock.campaigns.scope import Scope
from s2mock.campaigns.sweep import SweepPlan
from s2mock.powers.operations import ACCESS, OPERATION_NAMES
from tests.campaigns.clients import SEEDS, Shop, append


def sell(mock: Any) -> None:
    with suppress(OSError, http.client.HTTPException):
        Shop(mock).append("tea")


def test_a_sweep_is_taken_and_ended_attempt_by_attempt() -> None:
    campaign = Campaign(SweepPlan([Drop()], Scope("append")))
    titles = []
    while (attempt := campaign.next_attempt()) is not None:
        with pytest.raises(AttemptOpen, match=f"attempt {attempt.number} is open"):
            campaign.next_attempt()
        with S2Mock(basins=SEEDS) as mock:
            attempt.begin(mock._powers)
            sell(mock)
            attempt.collect(mock._powers)
            if attempt.number == 2:
                attempt.end(Outcome("failed", "it was lost"))
            else:
                attempt.end(Outcome("passed"))
        titles.append((attempt.number, attempt.instructions.to_json()))
    assert titles == [
        (1, {"point": None}),
        (
            2,
            {
                "point": {
                    "operation": "append",
                    "number": 1,
                    "fault": {"Drop": {}},
                }
            },
        ),
    ]
    report = campaign.report().to_json()
    assert report["passed"] is False
    assert report["planned"] == report["attempts"] == 2
    assert report["failures"][0]["message"] == "it was lost"
    assert campaign.next_attempt() is None


@pytest.mark.parametrize("has_failed", [True, False])
def test_report_has_the_exchanges_from_before_the_end_of_the_account(has_failed: bool) -> None:
    """Also if the attempt has failed only after that, such as by what a hook has raised."""
    campaign = Campaign(SweepPlan([Drop()], Scope("append")))
    while (attempt := campaign.next_attempt()) is not None:
        with S2Mock(basins=SEEDS) as mock:
            attempt.begin(mock._powers)
            Shop(mock).tail()
            sell(mock)
            attempt.collect(mock._powers, has_failed=has_failed)
            Shop(mock).tail()
        attempt.end(Outcome("passed" if attempt.is_probe else "failed"))
    timeline = campaign.report().to_json()["failures"][0]["timeline"]
    assert (timeline.count("append"), timeline.count("check-tail")) == (1, 1), timeline


def test_a_skipped_attempt_is_no_failure() -> None:
    campaign = Campaign(SweepPlan([Drop()], Scope("append")))
    while (attempt := campaign.next_attempt()) is not None:
        with S2Mock(basins=SEEDS) as mock:
            attempt.begin(mock._powers)
            sell(mock)
            attempt.collect(mock._powers)
            attempt.end(Outcome("passed" if attempt.is_probe else "skipped"))
    assert campaign.report().passed


def test_orders_are_driven_by_steps_of_any_thread() -> None:
    """As by a server: actors are added by name, and end by a message of their own."""
    plan = OrdersPlan()
    campaign = Campaign(plan)
    orders = []
    while (attempt := campaign.next_attempt()) is not None:
        with S2Mock(basins=SEEDS) as mock:
            attempt.begin(mock._powers)
            scheduler = attempt.instructions.scheduler
            threads = []
            for number, name in enumerate("ab", 1):
                token = mock._actor_token(number)
                scheduler.add(name, token)
                actor = type("Actor", (), {"url": mock.url, "token": token})

                def act(
                    actor: Any = actor, name: str = name, end: Any = scheduler.note_end
                ) -> None:
                    append(actor, name)
                    end(name)

                threads.append(threading.Thread(target=act))
            attempt.instructions.has_gone = True
            for thread in threads:
                thread.start()
            scheduler.begin(30)
            while scheduler.step() is not None:
                with scheduler.changed:
                    scheduler.changed.wait(0.01)
            for thread in threads:
                thread.join()
            attempt.collect(mock._powers)
            attempt.end(Outcome("passed"))
            orders.append(attempt.instructions.title)
    assert orders == ["a1 b1", "b1 a1"]
    assert campaign.report().passed


def test_a_crash_is_told_by_a_callback_and_ended_by_the_driver() -> None:
    campaign = Campaign(CrashPlan(Scope("append")))
    points = []
    while (attempt := campaign.next_attempt()) is not None:
        with S2Mock(basins=SEEDS) as mock:
            reached = threading.Event()
            instructions = attempt.instructions
            instructions.on_reached = reached.set
            attempt.begin(mock._powers)
            instructions.begin_work([])
            sell(mock)
            assert reached.is_set() == instructions.has_to_stop == (not attempt.is_probe)
            instructions.end_work()
            sell(mock)
            attempt.collect(mock._powers)
            attempt.end(Outcome("passed"))
            points.append((instructions.to_json()["point"], len(mock.stream(*PLACE).bodies)))
    assert points == [
        (None, 2),
        ({"when": "before", "operation": "append", "number": 1}, 1),
        ({"when": "after", "operation": "append", "number": 1}, 2),
    ]
    assert campaign.report().passed


PLACE = ("shop-basin", "orders")


def test_the_table_says_of_each_operation_what_it_reads_and_writes() -> None:
    assert set(ACCESS) == set(OPERATION_NAMES)
    kinds = {
        *("basins", "basin", "streams", "records", "config", "tokens", "location", "usage"),
    }
    for access in ACCESS.values():
        assert kinds.issuperset((*access.reads, *access.writes))


def test_requests_of_an_actor_reach_its_account_among_those_of_a_server() -> None:
    with S2Mock(control=True) as first:
        made = httpx.post(f"{first.url}/_s2mock/accounts", json={"basins": SEEDS})
        router = first._connections.router
        assert router is not None
        hosted = router.accounts.of(made.json()["token"])
        token = hosted.mock._actor_token(1)
        hosted.engine.authorization.admit_actor(token)
        actor = type("Actor", (), {"url": first.url, "token": token})
        assert Shop(actor).append("tea")[0] == 200
        assert first.basins == ()
        router.accounts.end(hosted)
        assert Shop(actor).append("late")[0] == 401
