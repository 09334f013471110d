"""Strategies for faults, and for fault plans that shrink to the fewest and the earliest."""

from collections.abc import Iterable
from typing import Any, Final

from hypothesis import strategies as st

from s2mock.powers.faults import (
    Answer,
    Cut,
    Delay,
    Drain,
    Drop,
    Fail,
    Fault,
    Late,
    check_place,
    has_place,
)
from s2mock.powers.operations import CODES_OF, checked_operations
from s2mock.powers.plans import FaultPlan, PlannedFault
from s2mock.registry.values.codes import CODES, TRANSIENT
from s2mock.runtime.arguments import check_count, check_iterable

_DATA_PLANE: Final = ("append", "read", "check-tail", "append-session")
# The simplest first: a failing example shrinks to it.
_VALUES: Final[dict[type[Fault], tuple[Fault, ...]]] = {
    Drop: (
        Drop(),
        Drop(committed=True),
        Drop(connection=False),
        Drop(committed=True, connection=False),
        Drop(connection="reset"),
        Drop(committed=True, connection="reset"),
        Drop(refused=True),
    ),
    Fail: (),
    Cut: tuple(Cut(bytes=size) for size in (0, 1, 4, 20, 100)),
    Delay: (Delay(0), Delay(0.001), Delay(0.001, committed=True)),
    Late: (Late(reads=1), Late(reads=2), Late(0.001), Late(0)),
    Answer: (Answer(503), Answer(502, b"<html>502 Bad Gateway</html>"), Answer(504)),
    Drain: (Drain(),),
}
_COUNTS: Final = range(4)


def faults(
    *,
    on: str | Iterable[str] = "append",
    kinds: Iterable[type[Fault] | str] | None = None,
    codes: Iterable[str] | None = None,
) -> st.SearchStrategy[Fault]:
    """Return a strategy for faults that can affect these operations, all kinds equally often.

    The simplest fault is the first. `kinds` are classes of faults, or their names; the default is
    all that have a meaning on these operations. `codes` are the error codes of `Fail`: each must be
    one that all these operations can be answered with. The default is those that a client may
    retry. Delays, and times after which a `Late` is applied, are of a millisecond at most. Raises
    `TypeError`, `ValueError`.
    """
    names = checked_operations(on)
    failures = _failures(_checked_codes(codes, names))
    values = []
    for kind in _kinds_on(names, kinds):
        of_kind = failures if kind is Fail else _values_on(names, kind)
        if set(names) == {"read"}:
            of_kind += _counted(kind, failures)
        values.append(of_kind)
    # Hypothesis repeats no sequence of choices, so a kind with more values than the others would be
    # more frequent once theirs are used up. And a fault with fewer choices would count as simpler.
    most = max(map(len, values))
    return st.builds(
        lambda of_kind, index: of_kind[index % len(of_kind)],
        st.sampled_from(values),
        st.integers(0, most - 1),
    )


def fault_plans(
    max_faults: int = 3,
    *,
    on: str | Iterable[str] = _DATA_PLANE,
    basin: str = "*",
    stream: str = "*",
    max_skip: int = 2,
    kinds: Iterable[type[Fault] | str] | None = None,
    codes: Iterable[str] | None = None,
) -> st.SearchStrategy[FaultPlan]:
    """Return a strategy for plans of up to `max_faults` faults, for `S2Mock.apply`.

    Each fault affects one of these operations: one of the first `max_skip + 1` of its name. So let
    `max_skip` be one less than the number of those that your scenario makes. `kinds` and `codes`
    are those of `faults`. Raises `TypeError`, `ValueError`.
    """
    check_count("max_faults", max_faults)
    check_count("max_skip", max_skip, least=0)
    names = tuple(dict.fromkeys(checked_operations(on)))
    asked = None if kinds is None else _checked_kinds(kinds)
    if asked is not None and not any(_values_on((name,), kind) for name in names for kind in asked):
        _kinds_on(names, asked)
    codes = None if codes is None else _checked_codes(codes, names)
    possible = {
        name: found
        for name in names
        if (found := [kind for kind in asked or _VALUES if _values_on((name,), kind)])
    }
    planned = st.one_of(
        [
            st.builds(
                lambda fault, skip, name=name: PlannedFault(fault, name, basin, stream, skip),
                faults(on=name, kinds=possible[name], codes=codes),
                st.integers(0, max_skip),
            )
            for name in possible
        ]
    )
    places = len(possible) * (max_skip + 1)
    plans = st.lists(
        planned, max_size=min(max_faults, places), unique_by=lambda one: (one.on, one.skip)
    )
    return plans.map(FaultPlan)


def _failures(codes: list[str]) -> list[Fault]:
    """Return failures with these codes, those after a committed operation first."""
    lossy = [code for code in codes if not CODES[code].promises_no_effect]
    return [*(Fail(code, committed=True) for code in lossy), *map(Fail, codes)]


def _counted(kind: type[Fault], failures: list[Fault]) -> list[Fault]:
    """Return the faults of that kind that take effect after a number of records of a read."""
    if kind is Cut:
        return [Cut(records=count) for count in _COUNTS]
    if kind is Drain:
        return [Drain(records=count) for count in _COUNTS]
    if kind is Fail:
        plain = next(one.code for one in failures if isinstance(one, Fail))
        return [Fail(plain, records=count) for count in _COUNTS]
    return []


def _values_on(names: tuple[str, ...], kind: type[Fault]) -> list[Fault]:
    """Return the faults of a kind that have a meaning on all these operations."""
    if kind is Fail:
        return [Fail("unavailable")]
    values = _VALUES[kind]
    return [fault for fault in values if all(has_place(fault, name) for name in names)]


def _kinds_on(
    names: tuple[str, ...], kinds: Iterable[type[Fault] | str] | None
) -> list[type[Fault]]:
    """Return the kinds of faults for these operations; None gives all that have a meaning there.

    Raises `TypeError`, and `ValueError` for one that was asked for and has none.
    """
    if kinds is None:
        return [kind for kind in _VALUES if _values_on(names, kind)]
    found = _checked_kinds(kinds)
    for kind in found:
        if not _values_on(names, kind):
            check_place(_VALUES[kind][0], names)
    return found


def _checked_kinds(kinds: Any) -> list[type[Fault]]:
    """Return the classes of faults, without repetitions. Raises `TypeError`, `ValueError`."""
    check_iterable("kinds", kinds, "classes of faults such as [Drop]")
    known = {kind.__name__: kind for kind in _VALUES}
    found = []
    for kind in kinds:
        name = kind.__name__ if isinstance(kind, type) else kind
        if name not in known:
            raise ValueError(
                f"kinds: {kind!r} is not a kind of fault: there are {', '.join(known)}"
            )
        found.append(known[name])
    if not found:
        raise ValueError(f"kinds must name a kind of fault: there are {', '.join(known)}")
    return sorted(set(found), key=list(_VALUES).index)


def _checked_codes(codes: Any, names: tuple[str, ...]) -> list[str]:
    """Return codes that all these operations can be answered with.

    Raises `TypeError`, `ValueError`.
    """
    given = frozenset.intersection(*(CODES_OF[name] for name in names))
    if codes is None:
        codes = TRANSIENT & given
    else:
        check_iterable("codes", codes, "error codes")
    # The simplest first.
    found = sorted(set(codes), key=lambda code: (code != "unavailable", code))
    if not found:
        raise ValueError(f"codes must name a code: there are {', '.join(sorted(given))}")
    for code in found:
        if code not in given:
            Fail(code)  # raises for an unknown code
            raise ValueError(
                f"codes: {'/'.join(names)} is never answered with {code!r}, but with "
                f"{', '.join(sorted(given))}"
            )
    return found
