"""Faults, and plans of them that shrink to the fewest and the earliest."""

from collections.abc import Iterable
from typing import Final

from hypothesis import strategies as st

from s2mock.powers.faults import Answer, Cut, Delay, Drain, Drop, Fail, Fault
from s2mock.powers.operations import checked_operations
from s2mock.powers.plans import FaultPlan, PlannedFault
from s2mock.registry.codes import CODES
from s2mock.registry.waiting import check_count

_DATA_PLANE: Final = ("append", "read", "check-tail", "append-session")
_CODES: Final = sorted(CODES, key=lambda code: (code != "unavailable", code))
_PLAIN: Final[list[Fault]] = [
    Drop(),
    Drop(committed=True),
    *(Fail(code, committed=True) for code in _CODES if not CODES[code].promises_no_effect),
    *map(Fail, _CODES),
    Delay(0),
    Delay(0.001),
    Delay(0.001, committed=True),
    Answer(503),
    Answer(502, b"<html>502 Bad Gateway</html>"),
    Drain(),
    Drop(refused=True),
    Drop(connection=True),
]


def faults(*, on: str | Iterable[str] = "append") -> st.SearchStrategy[Fault]:
    """Faults that mean something on these operations, the plainest first.

    Delays are of a millisecond at most. Raises `TypeError`, `ValueError`.
    """
    names = checked_operations(on)
    found: list[st.SearchStrategy[Fault]] = [
        # In one list, so that each shrinks to those before it.
        st.sampled_from(_PLAIN),
        st.integers(0, 1000).map(lambda size: Cut(bytes=size)),
    ]
    if set(names) == {"read"}:
        found += [
            st.integers(0, 10).map(lambda count: Cut(records=count)),
            st.integers(0, 10).map(lambda count: Fail("unavailable", records=count)),
            st.integers(0, 10).map(lambda count: Drain(records=count)),
        ]
    return st.one_of(found)


def fault_plans(
    max_faults: int = 3,
    *,
    on: str | Iterable[str] = _DATA_PLANE,
    basin: str = "*",
    stream: str = "*",
    max_skip: int = 10,
) -> st.SearchStrategy[FaultPlan]:
    """Plans of up to so many faults, each for one of these operations, for `S2Mock.apply`.

    A fault meets one of the first `max_skip + 1` operations of its name. Raises `TypeError`,
    `ValueError`.
    """
    check_count("max_faults", max_faults)
    check_count("max_skip", max_skip, least=0)
    planned = st.one_of(
        [
            st.builds(
                lambda fault, skip, name=name: PlannedFault(fault, name, basin, stream, skip),
                faults(on=name),
                st.integers(0, max_skip),
            )
            for name in checked_operations(on)
        ]
    )
    plans = st.lists(planned, max_size=max_faults, unique_by=lambda one: (one.on, one.skip))
    return plans.map(FaultPlan)
