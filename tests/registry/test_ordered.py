"""The ordered map of names against a plain dict, with copies that go their own ways."""

import tracemalloc
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from s2mock.registry.values import persistent_map
from s2mock.registry.values.persistent_map import PersistentMap

# Few letters, so that neighbours and prefixes are met; one beyond the basic plane.
names = st.text("ab\uffff😀", min_size=1, max_size=5)


def test_names_that_come_and_go_leave_nothing_behind() -> None:
    names: PersistentMap[int] = PersistentMap(object())
    names["there"] = 0
    kept = []
    assert list(names) == ["there"]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(5_000):
            name = f"name-{number}"
            names[name] = number
            # As a snapshot does that is not kept.
            names = names.copy(object())
            del names[name]
        kept.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    assert kept[0] < 100_000
    assert list(names) == ["there"]


class Maps(RuleBasedStateMachine):
    """Maps and what each should hold; each owner writes to its own alone."""

    maps = Bundle("maps")

    @initialize(
        target=maps,
        bucket=st.sampled_from([1, 2, 5]),
        growth=st.sampled_from([2, 8]),
        run=st.sampled_from([1, 2, 4]),
    )
    def empty(self, bucket: int, growth: int, run: int) -> list[object]:
        # So small that a handful of names grows the map and splits its runs.
        self.patches = [
            patch.object(persistent_map, "_BUCKET", bucket),
            patch.object(persistent_map, "_GROWTH", growth),
            patch.object(persistent_map, "_RUN", run),
        ]
        for each in self.patches:
            each.start()
        self.frozen: list[tuple[PersistentMap[int], dict[str, int]]] = []
        self.living: list[list[object]] = []
        return self._living(PersistentMap(object()), {})

    def _living(self, found: PersistentMap[int], model: dict[str, int]) -> list[object]:
        self.living.append([found, model])
        return self.living[-1]

    @rule(which=maps, name=names, value=st.integers())
    def put(self, which: list[object], name: str, value: int) -> None:
        found, model = which
        found[name] = value
        model[name] = value

    @rule(which=maps, more=st.lists(names, min_size=5, max_size=30))
    def put_many(self, which: list[object], more: list[str]) -> None:
        found, model = which
        for value, name in enumerate(more):
            found[name] = value
            model[name] = value

    @rule(which=maps, data=st.data())
    def take_away(self, which: list[object], data: st.DataObject) -> None:
        found, model = which
        if model:
            name = data.draw(st.sampled_from(sorted(model)))
            del found[name]
            del model[name]

    @rule(which=maps)
    def take_all_away(self, which: list[object]) -> None:
        found, model = which
        for name in sorted(model):
            del found[name]
        model.clear()

    @rule(which=maps, name=names)
    def take_away_what_is_not_there(self, which: list[object], name: str) -> None:
        found, model = which
        if name not in model:
            with pytest.raises(KeyError):
                del found[name]

    @rule(target=maps, which=maps)
    def copy_twice(self, which: list[object]) -> list[object]:
        """A snapshot: what there was stays as it is, and two owners go on from it."""
        found, model = which
        self.frozen.append((found, dict(model)))
        which[0] = found.copy(object())
        return self._living(found.copy(object()), dict(model))

    @rule(which=maps, start=names | st.just(""), after=st.booleans())
    def ask_for_the_order(self, which: list[object], start: str, after: bool) -> None:
        found, model = which
        expected = [name for name in sorted(model) if name > start or (name == start and not after)]
        assert list(found.names_from(start, after=after)) == expected
        assert list(found) == sorted(model)
        assert found.is_in_order
        # Asked again, nothing is written.
        order = found._order
        assert list(found) == sorted(model)
        assert found._order is order

    @invariant()
    def each_is_as_its_model(self) -> None:
        frozen = [[*pair] for pair in getattr(self, "frozen", [])]
        for found, model in frozen + getattr(self, "living", []):
            assert len(found) == len(model)
            assert sorted(found.values()) == sorted(model.values())
            for name in "a", "b", "ab", "nope", *model:
                assert found.get(name) == model.get(name)

    def teardown(self) -> None:
        # The order last: asking for it is part of what is tested above.
        for found, model in getattr(self, "living", []):
            assert list(found) == sorted(model)
        for found, model in getattr(self, "frozen", []):
            assert list(found) == sorted(model)
        for each in getattr(self, "patches", []):
            each.stop()


TestMaps = pytest.mark.slow(Maps.TestCase)
TestMaps.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(persistent_map, "_BUCKET", 4)
    monkeypatch.setattr(persistent_map, "_RUN", 4)
    return


@pytest.mark.usefixtures("_small")
def test_growth_leaves_a_copy_alone() -> None:
    """The list of buckets is made anew for one owner, and the other keeps what it has."""
    one: PersistentMap[int] = PersistentMap("one")
    for number in range(4):
        one[f"{number}"] = number
    two, other = one.copy("two"), one.copy("other")
    for number in range(4, 200):
        two[f"{number}"] = number
    other["0"] = -1

    assert len(two._buckets) > len(one._buckets) == len(other._buckets) == 1
    assert (len(one), len(two), len(other)) == (4, 200, 4)
    assert [one.get("0"), two.get("0"), other.get("0")] == [0, 0, -1]
    assert list(two) == sorted(str(number) for number in range(200))
    assert list(one) == list(other) == ["0", "1", "2", "3"]


@pytest.mark.usefixtures("_small")
def test_order_after_many_changes() -> None:
    """Far more names come and go than there are at any time; runs are split, emptied, made."""
    found: PersistentMap[int] = PersistentMap(None)
    there: set[str] = set()
    for number in range(300):
        name = f"{number * 7919 % 1000:04}"
        found[name] = number
        there.add(name)
    for number in range(300):
        gone = sorted(there)[number * 31 % len(there)]
        del found[gone]
        there.remove(gone)
        come = f"{number * 104_729 % 5000:05}"
        found[come] = number
        there.add(come)
        if number % 3 == 0:
            assert list(found) == sorted(there)
    assert all(1 <= len(run) <= 8 for run in found._ordered().runs)


def test_a_copy_shares_everything() -> None:
    found: PersistentMap[int] = PersistentMap("one")
    for number in range(5000):
        found[f"{number}"] = number
    assert len(list(found)) == 5000
    other = found.copy("other")
    assert other._buckets is found._buckets
    assert other._order is found._order
    other["new"] = 1
    # One bucket of its own, the others as they were.
    own = [one for one, two in zip(other._buckets, found._buckets, strict=True) if one is not two]
    assert len(own) == 1
    assert found.get("new") is None
    # In the order, the runs that hold no change are shared.
    assert len(list(other)) == 5001
    assert found._order is not None
    shared = {id(run) for run in found._order.runs} & {id(run) for run in other._ordered().runs}
    assert len(shared) == len(found._order.runs) - 1
