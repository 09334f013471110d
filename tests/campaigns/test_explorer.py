"""The orders that an explorer chooses: their numbers, and brute force on small scenarios."""

from collections.abc import Callable
from math import comb
from typing import Any

import pytest

from s2mock.campaigns.orders import explorer as explorer_module
from s2mock.campaigns.orders.explorer import Choice, Explorer
from s2mock.registry.rules.read import CheckTail
from tests.campaigns.scenarios import (
    BASIN,
    Program,
    Run,
    Scenario,
    append,
    brute_force,
    explore,
    generated,
    generated_large,
)
from tests.sampling import IS_WHOLE

SAMPLE = 25
ALL = 500


def appends(stream: str, count: int) -> Callable[[], Program]:
    def program() -> Program:
        for number in range(count):
            yield append(stream, str(number))

    return program


def conditional() -> Program:
    yield append("a", "x", match=0)


def tails() -> Program:
    yield CheckTail(BASIN, "a")


def orders_of(**programs: Callable[[], Program]) -> list[str]:
    runs = explore(Scenario(auto_create=False, programs=programs))
    return [" ".join(run.order) for run in runs]


class TestCounts:
    def test_two_appends_to_one_stream_are_two_orders(self) -> None:
        assert orders_of(a=appends("a", 1), b=appends("a", 1)) == ["a1 b1", "b1 a1"]

    def test_two_each_are_six(self) -> None:
        found = orders_of(a=appends("a", 2), b=appends("a", 2))
        assert sorted(found) == [
            "a1 a2 b1 b2",
            "a1 b1 a2 b2",
            "a1 b1 b2 a2",
            "b1 a1 a2 b2",
            "b1 a1 b2 a2",
            "b1 b2 a1 a2",
        ]

    def test_appends_to_two_streams_are_one_order(self) -> None:
        assert orders_of(a=appends("a", 3), b=appends("b", 3)) == ["a1 a2 a3 b1 b2 b3"]

    def test_readers_are_one_order(self) -> None:
        assert len(orders_of(a=tails, b=tails, c=tails)) == 1

    def test_a_reader_beside_appends_is_at_each_place(self) -> None:
        assert len(orders_of(a=appends("a", 3), b=tails)) == 4

    def test_a_refused_operation_counts_by_what_it_read(self) -> None:
        # The first of three is applied, and the others, which are refused, commute.
        assert len(orders_of(a=conditional, b=conditional, c=conditional)) == 3

    @pytest.mark.parametrize(("one", "other"), [(3, 3), (4, 2), (1, 5)])
    def test_appends_to_one_stream_are_all_interleavings(self, one: int, other: int) -> None:
        found = orders_of(a=appends("a", one), b=appends("a", other))
        assert len(found) == len(set(found)) == comb(one + other, one)

    def test_labels_of_names_that_end_with_a_digit_have_a_point(self) -> None:
        scenario = Scenario(auto_create=False, programs={"w1": tails, "w": appends("a", 1)})
        assert "w1.1 w1" in [" ".join(run.order) for run in explore(scenario)]


def compare(
    seed: int, faults: int = 0, make: Callable[[int], Scenario] = generated
) -> tuple[int, int]:
    """Return the number of runs, and of all orders, which have the same final states."""
    scenario = make(seed)
    explorer = Explorer(max_runs=100_000, max_faults=faults, faults=["drop", "lost"])
    found = list(explore(scenario, explorer))
    assert explorer.is_complete
    everything = brute_force(scenario, faults)
    assert {run.state for run in found} == {run.state for run in everything}, f"{seed=}"
    assert len(found) <= len(everything), f"{seed=}"
    # Nearly no order twice.
    assert faults or explorer.repeated_runs <= len(found) / 10, f"{seed=}"
    return len(found), len(everything)


def compare_all(seeds: range, faults: int = 0) -> None:
    counts = [compare(seed, faults) for seed in seeds]
    runs, orders = (sum(column) for column in zip(*counts, strict=True))
    # Most of them do not all conflict.
    assert runs < orders / 2


def test_a_sample_has_the_final_states_of_brute_force() -> None:
    compare_all(range(SAMPLE))


def test_a_sample_with_a_fault_has_the_final_states_of_brute_force() -> None:
    compare_all(range(6), faults=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [10045, 10170, 10173, 20022, 20080])
def test_an_operation_that_has_another_effect_in_another_order(seed: int) -> None:
    """Refused in the order in which a race was seen, it is applied in the reversed one."""
    compare(seed, make=generated_large)


@pytest.mark.slow
def test_generated_scenarios_have_the_final_states_of_brute_force() -> None:
    compare_all(range(SAMPLE, 70))


@pytest.mark.long
@pytest.mark.whole
def test_more_generated_scenarios_have_the_final_states_of_brute_force() -> None:
    compare_all(range(70, ALL, 1 if IS_WHOLE else 5))
    compare_all(range(6, 40, 1 if IS_WHOLE else 3), faults=1)
    for seed in range(20 if IS_WHOLE else 5):
        compare(seed, make=generated_large)


def conditional_then_tail() -> Program:
    if (yield append("a", "x", match=0)) == "SeqNumMismatch":
        yield CheckTail(BASIN, "a")


def test_what_a_reversed_race_was_compared_with_does_not_sleep() -> None:
    """An operation that was refused, and could have been applied, wakes what it conflicts with."""
    programs = {
        "a": appends("a", 1),
        "b": conditional_then_tail,
        "c": conditional,
        "d": conditional_then_tail,
    }
    compare(0, make=lambda _: Scenario(auto_create=False, programs=programs))


class TestNegativeControls:
    def test_an_explorer_that_leaves_one_order_out_is_noticed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        insert = explorer_module._insert
        left_out = []

        def leave_one_out(tree: Any, sequence: Any) -> None:
            if left_out:
                insert(tree, sequence)
            else:
                left_out.append(sequence)

        monkeypatch.setattr(explorer_module, "_insert", leave_one_out)
        with pytest.raises(AssertionError):
            compare_all(range(SAMPLE))

    def test_a_table_in_which_check_tail_reads_nothing_is_noticed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from s2mock.campaigns.orders import accesses
        from s2mock.powers.operations import ACCESS, Access

        wrong = {**ACCESS, "check-tail": Access()}
        monkeypatch.setattr(accesses, "ACCESS", wrong)
        with pytest.raises(AssertionError):
            compare_all(range(SAMPLE))


class TestLimits:
    SCENARIO = Scenario(auto_create=False, programs={n: appends("a", 3) for n in "abc"})

    def explored(self, **arguments: Any) -> tuple[Explorer[str], list[Run]]:
        explorer = Explorer[str](**arguments)
        return explorer, list(explore(self.SCENARIO, explorer))

    def test_more_orders_than_max_runs_are_taken_at_random(self) -> None:
        explorer, runs = self.explored(max_runs=40)
        assert len(runs) == explorer.runs == 40
        assert 0 < explorer.random_runs <= 20
        assert not explorer.is_complete

    def test_the_same_seed_gives_the_same_orders(self) -> None:
        first = [run.order for run in self.explored(max_runs=40, seed=1)[1]]
        assert [run.order for run in self.explored(max_runs=40, seed=1)[1]] == first
        assert [run.order for run in self.explored(max_runs=40, seed=2)[1]] != first

    def test_orders_that_are_not_more_than_max_runs_are_all_tried(self) -> None:
        scenario = Scenario(auto_create=False, programs={n: appends("a", 2) for n in "abc"})
        explorer = Explorer[str](max_runs=90)
        runs = list(explore(scenario, explorer))
        assert explorer.is_complete
        assert explorer.random_runs == 0
        assert len({run.order for run in runs}) == 90


def test_a_fault_is_a_choice_of_each_operation() -> None:
    programs = {"a": appends("a", 1), "b": appends("b", 1)}
    explorer = Explorer(max_runs=100, max_faults=1, faults=["drop", "lost"])
    scenario = Scenario(auto_create=False, programs=programs)
    seen = [[event.choice for event in explorer.events] for _ in explore(scenario, explorer)]
    assert len(seen) == 5
    assert sorted(str(c.fault) for run in seen for c in run if c.fault) == sorted(
        ["drop", "lost"] * 2
    )
    assert [Choice("a"), Choice("b")] in seen
