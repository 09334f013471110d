"""What a test, an editor or a debugger shows of the objects that a test holds."""

import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import pytest

from s2mock import (
    BasinNotFound,
    Drop,
    ManualClock,
    S2Error,
    S2Mock,
    StreamNotFound,
    Sweep,
    SystemClock,
)
from s2mock.handles import near_misses
from s2mock.pytest_plugin.argument_notes import add_note
from tests.backends import Make

SHOP = [{"name": "shop-basin", "streams": ["orders/eu", "orders/us"]}]


def test_repr_of_a_journal_has_its_latest_exchanges() -> None:
    mock = S2Mock(basins=SHOP)
    assert repr(mock.journal) == "<Journal of 0 exchanges>"
    for _ in range(12):
        mock.client.get("/v1/basins")

    lines = repr(mock.journal).splitlines()

    assert lines[0] == "<Journal of 12 exchanges:"
    assert lines[1] == "  2 earlier ones"
    assert lines[2].startswith("  <Exchange 3: list-basins")
    assert len(lines) == 12


def test_repr_of_a_hold_and_an_injection_has_their_exchanges() -> None:
    mock = S2Mock(basins=SHOP)
    injection = mock.inject(Drop(), on="list-basins")
    with pytest.raises(ConnectionError):
        mock.client.get("/v1/basins")
    with mock.hold(on="append", required=False) as held:
        assert repr(held) == "<hold(on='append', at='commit'): 0 held>"

    first, second = repr(injection).splitlines()
    assert first.endswith(": 1 hits")
    assert second == "  <Exchange 1: list-basins  -> no answer Drop()>>"


def test_repr_of_a_clock_has_its_time_and_does_not_fix_its_start() -> None:
    clock = ManualClock()
    assert repr(clock) == "<ManualClock at 2024-01-01T00:00:00.000Z>"
    clock.begin_at(1_700_000_000_250_000_000)
    assert repr(clock) == "<ManualClock at 2023-11-14T22:13:20.250Z>"

    today = repr(SystemClock()).removeprefix("<SystemClock at ")
    assert datetime.strptime(today, "%Y-%m-%dT%H:%M:%S.%fZ>").replace(tzinfo=UTC)


def test_repr_of_an_account_has_its_basins() -> None:
    mock = S2Mock(basins=[f"my-basin-{number}" for number in range(7)])
    listed = ", ".join(f"my-basin-{number}" for number in range(5)) + " and 2 more"
    assert repr(mock.account) == f"<Account with 7 basins: {listed}>"
    assert repr(S2Mock().account) == "<Account with 0 basins>"


@pytest.mark.parametrize(
    ("made", "has", "has_not"),
    [
        (S2Mock, "inject", "_engine"),
        (lambda: S2Mock().journal, "wait_for", "since"),
        (ManualClock, "advance", "begin_at"),
        (lambda: Sweep([Drop()], on="append"), "report", "take_verdict"),
        (lambda: S2Mock(basins=SHOP).basin("shop-basin"), "create_stream", "_backend"),
    ],
)
def test_dir_has_what_a_test_needs(made: Callable[[], Any], has: str, has_not: str) -> None:
    names = dir(made())

    assert has in names
    assert has_not not in names
    assert not [name for name in names if name.startswith("_") and not name.startswith("__")]


WAITS: dict[str, Callable[[S2Mock], object]] = {
    "journal": lambda mock: mock.journal.wait_for("append", timeout=0.001),
    "records": lambda mock: mock.stream("shop-basin", "orders/eu").wait_for(timeout=0.001),
    "readers": lambda mock: mock.stream("shop-basin", "orders/eu").wait_for_readers(timeout=0.001),
    "injection": lambda mock: mock.inject(Drop(), on="append", required=False).wait(timeout=0.001),
    "hold": lambda mock: mock.hold(on="append", required=False).wait(timeout=0.001),
    "waiters": lambda mock: mock.wait_for_waiters(timeout=0.001),
}


def shown(trace: TracebackType | None) -> list[str]:
    """Return the functions of a traceback that pytest shows."""
    return [
        frame.f_code.co_name
        for frame, _ in traceback.walk_tb(trace)
        if not frame.f_locals.get("__tracebackhide__")
    ]


@pytest.mark.parametrize("wait", WAITS)
def test_traceback_of_a_wait_ends_in_the_test(wait: str) -> None:
    mock = S2Mock(basins=SHOP, clock="manual")
    with pytest.raises(TimeoutError) as caught:
        WAITS[wait](mock)

    assert shown(caught.tb) == ["test_traceback_of_a_wait_ends_in_the_test", "<lambda>"]


def note_of(error: BaseException) -> str:
    [note] = error.__notes__
    return note


def test_direct_call_for_a_missing_name_notes_the_nearest_one(make: Make) -> None:
    mock = make(basins=SHOP)

    with pytest.raises(StreamNotFound) as caught:
        mock.stream("shop-basin", "order/eu")
    assert note_of(caught.value) == "did you mean the stream `orders/eu`?"
    assert str(caught.value) == "stream `order/eu` in basin `shop-basin` not found"
    with pytest.raises(StreamNotFound) as caught:
        mock.basin("shop-basin").stream("zzz")
    assert note_of(caught.value) == ("the streams in that basin are `orders/eu`, `orders/us`")
    with pytest.raises(BasinNotFound) as missing:
        mock.basin("shop-basim")
    assert note_of(missing.value) == "did you mean the basin `shop-basin`?"


def test_direct_call_in_an_account_without_basins_says_so() -> None:
    with pytest.raises(BasinNotFound) as caught:
        S2Mock().basin("shop-basin")
    assert note_of(caught.value) == "there are no basins"


def test_note_that_cannot_be_made_hides_no_error() -> None:
    class Broken:
        def basins(self) -> tuple[str, ...]:
            raise OSError("gone")

    error = S2Error("missing")
    near_misses.add_note(error, Broken(), "shop-basin")  # type: ignore[arg-type]

    assert note_of(error) == "the names that there are cannot be read: gone"


@pytest.mark.parametrize(
    ("function", "argument", "note"),
    [
        ("S2Mock.__init__", "delay", None),
        ("S2Mock.__init__", "deletion_dely", "did you mean deletion_delay=?"),
        ("MockBase.inject", "time", "did you mean times=?"),
        ("DirectCalls.create_basin", "request_tokn", "did you mean request_token=?"),
        ("Drop.__init__", "comitted", "did you mean committed=?"),
        ("Elsewhere.inject", "time", None),
    ],
)
def test_misspelt_keyword_argument_gets_a_note(
    function: str, argument: str, note: str | None
) -> None:
    error = TypeError(f"{function}() got an unexpected keyword argument '{argument}'")
    add_note(error)

    assert getattr(error, "__notes__", [None]) == [note]
