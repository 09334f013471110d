"""The check of what clients observed: histories by hand, and brute force on small ones."""

import http.client
import random
from dataclasses import replace
from itertools import permutations
from math import inf
from typing import Any

import pytest

from s2mock import Drop, Late, Orders, S2Mock, Sweep
from s2mock.campaigns import linearizability
from s2mock.campaigns.linearizability import NotLinearizable, Observation, _Log, find_order
from tests.campaigns.clients import BASIN, SEEDS, Shop, append


def appended(
    began: float, ended: float, start: int | None, *bodies: str, **more: Any
) -> Observation:
    """An append; without `start` its answer was lost."""
    lost: dict[str, Any] = (
        {"is_optional": True, "ended": inf} if start is None else {"ended": ended}
    )
    return Observation(text="append", began=began, bodies=bodies, start=start, **lost, **more)


def saw(began: float, ended: float, tail: int, **more: Any) -> Observation:
    return Observation(text="tail", began=began, ended=ended, tail=tail, **more)


GOOD = {
    "nothing": [],
    "one after the other": [appended(0, 1, 0, "a"), saw(2, 3, 1)],
    "a tail during an append": [appended(0, 9, 0, "a"), saw(1, 2, 0), saw(3, 4, 1)],
    "a lost answer that was applied": [appended(0, 1, None, "a"), saw(2, 3, 0), saw(4, 5, 1)],
    "a lost answer that was not": [appended(0, 1, None, "a"), appended(2, 3, 0, "b")],
    "a condition that held in between": [
        appended(0, 9, 1, "a", match_seq_num=1),
        appended(0, 9, 0, "b", match_seq_num=0),
    ],
    "a fence": [
        appended(0, 1, 0, "t", fence="t"),
        appended(2, 3, 1, "a", fencing_token="t"),
        Observation(text="refused", began=4, ended=5, token="t"),
    ],
    "a record read": [
        appended(0, 1, 0, "a", "b"),
        Observation(text="read", began=2, ended=3, seen=((1, "b"),)),
    ],
}
BAD = {
    "a tail that forgets": [appended(0, 1, 0, "a"), saw(2, 3, 0)],
    "a tail that foresees": [saw(0, 1, 1), appended(2, 3, 0, "a")],
    "tails that go back": [appended(0, 9, 0, "a"), saw(1, 2, 1), saw(3, 4, 0)],
    "a tail within a batch": [appended(0, 9, 0, "a", "b"), saw(1, 2, 1)],
    "two acknowledged at one place": [appended(0, 9, 0, "a"), appended(0, 9, 0, "b")],
    "a gap": [appended(0, 1, 1, "a")],
    "a condition that did not hold": [
        appended(0, 1, 0, "a"),
        appended(2, 3, 1, "b", match_seq_num=0),
    ],
    "a fence that was ignored": [
        appended(0, 1, 0, "t", fence="t"),
        appended(2, 3, 1, "a", fencing_token=""),
    ],
    "another record read": [
        appended(0, 1, 0, "a"),
        Observation(text="read", began=2, ended=3, seen=((0, "b"),)),
    ],
    "a record from nowhere": [Observation(text="read", began=2, ended=3, seen=((0, "b"),))],
    "a session beyond the tail": [Observation(text="read", began=2, ended=3, least_tail=1)],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_history_that_is_linearizable_has_an_order(name: str) -> None:
    assert find_order(GOOD[name]) is not None


@pytest.mark.parametrize("name", BAD)
def test_a_history_that_is_not_linearizable_has_none(name: str) -> None:
    assert find_order(BAD[name]) is None


def by_brute_force(history: list[Observation]) -> bool:
    optional = [one for one in history if one.is_optional]
    required = [one for one in history if not one.is_optional]
    for mask in range(1 << len(optional)):
        chosen = required + [one for at, one in enumerate(optional) if mask >> at & 1]
        for order in permutations(chosen):
            if any(
                later.ended < earlier.began
                for at, earlier in enumerate(order)
                for later in order[at + 1 :]
            ):
                continue
            log: _Log | None = _Log()
            for one in order:
                log = None if log is None else log.after(one)
            if log is not None:
                return True
    return False


def test_small_histories_have_the_answer_of_brute_force() -> None:
    rng = random.Random(5)
    answers = []
    for _ in range(1_500):
        history = []
        for number in range(rng.randint(1, 5)):
            began = rng.uniform(0, 10)
            ended = began + rng.uniform(0, 6)
            tail = rng.randint(0, 3)
            if rng.random() < 0.5:
                match = rng.choice((None, None, 0, 1))
                start = rng.choice((None, tail))
                history.append(appended(began, ended, start, f"{number}", match_seq_num=match))
            else:
                history.append(saw(began, ended, tail))
        answers.append(find_order(history) is not None)
        assert answers[-1] == by_brute_force(history), history
    assert 200 < sum(answers) < 1_300


class TestCampaigns:
    def test_what_clients_of_the_fake_observe_is_linearizable(self) -> None:
        campaign = Orders(basins=SEEDS, check=True)
        for run in campaign:
            with run as mock:
                mock.stream(BASIN, "orders").append(["direct"])
                mock.stream(BASIN, "orders").fence("token")
                run.actor("a", work)
                run.actor("b", lambda actor: append(actor, "b", fencing_token="token"))
                run.go()
        assert campaign.report().passed, str(campaign.report())
        assert campaign.report().attempts > 2

    def test_faults_do_not_make_it_less(self) -> None:
        faults = [Drop(), Drop(committed=True), Late(reads=1)]
        campaign = Sweep(faults, on="append", basins=SEEDS, check=True)
        for attempt in campaign:
            with attempt as mock:
                for body in "ab":
                    try:
                        Shop(mock).append(body)
                    except (OSError, http.client.HTTPException):
                        Shop(mock).tail()
                Shop(mock).bodies()
        assert campaign.report().passed, str(campaign.report())

    def test_a_corrupted_acknowledgement_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The negative control: one acknowledgement names another place."""
        observe = linearizability.observation_of

        def corrupt(exchange: Any) -> Observation | None:
            seen = observe(exchange)
            if seen is not None and seen.start == 1:
                return replace(seen, start=0)
            return seen

        monkeypatch.setattr(linearizability, "observation_of", corrupt)
        campaign = Orders(basins=SEEDS, check=True)
        for run in campaign:
            with run:
                run.actor("a", append, "tea")
                run.actor("b", append, "cake")
                run.go()
        text = str(campaign.report())
        assert text.startswith("s2_orders: 2 of 2 orders fail")
        assert "NotLinearizable: what the clients of orders observed is not linearizable" in text
        assert "check=True" in text

    def test_a_check_reads_all_forms_of_exchanges(self) -> None:
        with S2Mock(basins=SEEDS) as mock:
            work(mock)
            Shop(mock).append("x", match_seq_num=7)
            Shop(mock).append("x", fencing_token="wrong")
            Shop(mock).read("seq_num=9")
            seen = [linearizability.observation_of(one) for one in mock.journal]
            found = [one for one in seen if one is not None]
            assert len(found) == len(mock.journal)
            assert {one.token for one in found} == {None, ""}
            assert {one.tail for one in found} >= {1, 2}
            assert {one.start for one in found} == {None, 0, 1}
            linearizability.check(mock._powers)
            stream = mock._engine.state.stream(BASIN, "orders")._replace(log=None)
            # Without the first append.
            exchanges = tuple(mock.journal)[1:]
            with pytest.raises(NotLinearizable, match="no order explains"):
                linearizability.check_stream(exchanges, stream)


def work(at: Any) -> None:
    shop = Shop(at)
    shop.append("first")
    shop.tail()
    shop.append("second")
    shop.read()


def test_check_is_a_flag() -> None:
    with pytest.raises(TypeError, match="check"):
        Orders(check=1)  # type: ignore[arg-type]
