"""Retries that are wrong on every real network, and only `Late` shows it; and their repairs.

Each client places an order exactly once, or so it says. It does not know if an append without an
answer was applied. So it looks at the stream, and sends again what is missing there.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from s2mock import (
    Answer,
    Cut,
    Delay,
    Drain,
    Drop,
    Fail,
    Fault,
    FaultPlan,
    Late,
    PlannedFault,
    S2Mock,
)
from s2mock.api.wire.messages import AppendInput
from s2mock.handles.campaigns.sweep import sweep_fixture
from s2mock.strategies import fault_plans
from tests.powers.conftest import BASIN, FRAMES, RECORDS, SEEDS
from tests.powers.frames import TERMINAL, append_frame, frames

pytestmark = pytest.mark.slow

ORDERS: Final = ["tea", "cake"]
# All that could go wrong at an append before there was `Late`.
OTHERS: Final[tuple[Fault, ...]] = (
    Drop(),
    Drop(committed=True),
    Drop(connection=False),
    Drop(committed=True, connection=False),
    Drop(connection="reset"),
    Fail("unavailable"),
    Fail("unavailable", committed=True),
    Fail("storage", committed=True),
    Fail("rate_limited"),
    Fail("request_timeout", committed=True),
    Cut(bytes=0),
    Cut(bytes=1),
    Cut(bytes=20),
    Delay(0),
    Delay(0, committed=True),
    Drain(),
    Answer(502, b"<html>"),
)
LATE: Final = Late(reads=1)


class Shop:
    """A client that places orders; how it makes sure of each is what the classes differ in."""

    def __init__(self, mock: Any) -> None:
        self._mock = mock

    def place(self, order: str) -> None:
        """Append an order that is not there yet, once."""
        raise NotImplementedError

    def append(self, order: str, position: int | None = None) -> bool:
        """Append without or with a condition; False if it may not have been applied."""
        document: dict[str, Any] = {"records": [{"body": order}]}
        if position is not None:
            document["match_seq_num"] = position
        try:
            return bool(self._send("POST", RECORDS, json=document).status_code == 200)
        except ConnectionError:
            return False

    def look(self) -> tuple[list[str], int]:
        """Return the orders that are there, and the position behind them, in one look."""
        document = self._send("GET", f"{RECORDS}?seq_num=0").json
        records = document.get("records", ())
        # With records, the response has no tail.
        position = records[-1]["seq_num"] + 1 if records else document["tail"]["seq_num"]
        return [record["body"] for record in records], position

    def tail(self) -> int:
        tail: int = self._send("GET", f"{RECORDS}/tail").json["tail"]["seq_num"]
        return tail

    def _send(self, method: str, path: str, **body: Any) -> Any:
        headers = {"s2-basin": BASIN, **body.pop("headers", {})}
        return self._mock.client.open(path, method=method, headers=headers, **body)


class LookThenRetry(Shop):
    def place(self, order: str) -> None:
        while not self.append(order):
            if order in self.look()[0]:
                return


class ConditionalOnTheLook(Shop):
    def place(self, order: str) -> None:
        while True:
            orders, tail = self.look()
            if order in orders or self.append(order, tail):
                return


class ConditionalOnALaterTail(Shop):
    """The tail is read after the look, so it says nothing of what the look has seen."""

    def place(self, order: str) -> None:
        while True:
            orders, _ = self.look()
            if order in orders or self.append(order, self.tail()):
                return


class ConditionalOnAnEarlierTail(Shop):
    """The repair of the one above: what comes after the tail fails the condition."""

    def place(self, order: str) -> None:
        while True:
            tail = self.tail()
            orders, _ = self.look()
            if order in orders or self.append(order, tail):
                return


class BySession(Shop):
    """Each try is the first batch of a session."""

    def append(self, order: str, position: int | None = None) -> bool:
        frame = append_frame(order) if position is None else conditional_frame(order, position)
        try:
            data = self._send("POST", RECORDS, headers=FRAMES, data=frame).data
        except ConnectionError:
            return False
        return any(not frame.flag & TERMINAL for frame in frames(data))


class LookThenRetryInASession(BySession, LookThenRetry):
    pass


class ConditionalOnTheLookInASession(BySession, ConditionalOnTheLook):
    pass


class ConditionalOnALaterTailInASession(BySession, ConditionalOnALaterTail):
    pass


class ConditionalOnAnEarlierTailInASession(BySession, ConditionalOnAnEarlierTail):
    pass


WRONG: Final = (
    LookThenRetry,
    ConditionalOnALaterTail,
    LookThenRetryInASession,
    ConditionalOnALaterTailInASession,
)
RIGHT: Final = (
    ConditionalOnTheLook,
    ConditionalOnAnEarlierTail,
    ConditionalOnTheLookInASession,
    ConditionalOnAnEarlierTailInASession,
)


def conditional_frame(order: str, position: int) -> bytes:
    message = AppendInput(match_seq_num=position)
    message.records.add(body=order.encode())
    payload: bytes = message.SerializeToString()
    return (len(payload) + 1).to_bytes(3, "big") + b"\0" + payload


def placed(mock: Any, shop: type[Shop]) -> list[str]:
    """Place all orders, and return what is in the stream in the end."""
    for order in ORDERS:
        shop(mock).place(order)
    # What is still on its way arrives.
    mock.advance(60)
    return [body.decode() for body in mock.basin(BASIN).stream("log").bodies]


def sweep(shop: type[Shop], faults: Iterable[Fault]) -> None:
    """Sweep a client; fails as the fixture does."""
    swept = sweep_fixture(S2Mock, print)
    for attempt in swept(faults, on="append", basins=SEEDS, clock="manual"):
        with attempt as mock:
            assert placed(mock, shop) == ORDERS


class TestSweep:
    @pytest.mark.parametrize("shop", WRONG)
    def test_nothing_else_finds_it(self, shop: type[Shop]) -> None:
        # A batch in a session has no response that a proxy could replace.
        has_responses = not issubclass(shop, BySession)
        sweep(shop, [one for one in OTHERS if has_responses or not isinstance(one, Answer)])

    @pytest.mark.parametrize("shop", WRONG)
    def test_late_finds_it(self, shop: type[Shop]) -> None:
        with pytest.raises(pytest.fail.Exception) as failure:
            sweep(shop, [LATE])
        report = str(failure.value)
        assert "2 of 2 attempts failed" in report
        assert "s2_sweep.replay('append', 1, Late(reads=1)" in report
        assert "Late(reads=1)  applied late" in report

    @pytest.mark.parametrize("shop", RIGHT)
    @pytest.mark.parametrize("fault", [LATE, Late(reads=2), Late(30), Late(30, code="storage")])
    def test_the_repaired_passes(self, shop: type[Shop], fault: Fault) -> None:
        sweep(shop, [fault])

    def test_a_condition_on_a_number_of_its_own_passes(self) -> None:

        class Numbered(Shop):
            def place(self, order: str) -> None:
                position = ORDERS.index(order)
                while not self.append(order, position):
                    if self.tail() > position:
                        return

        sweep(Numbered, [LATE, Late(30)])


class TestMeaninglessPoints:
    """A `Late` of a read is left out of a sweep, and its report counts that."""

    def test_they_are_left_out(self) -> None:
        points = self.swept([LATE, Drop()], on=["append", "read", "check-tail"])
        assert points == [
            "Late(reads=1) at append 1",
            "Drop() at append 1",
            "Drop() at read 1",
            "Drop() at check-tail 1",
        ]

    def test_a_report_counts_them(self) -> None:
        with pytest.raises(pytest.fail.Exception) as failure:
            self.swept([LATE], on=["append", "read"], fails=True)
        assert str(failure.value).startswith(
            "s2_sweep: 1 of 1 attempts failed; 1 were left out, at operations on which their "
            "faults have no meaning"
        )

    def test_a_fault_without_any_meaning_is_refused(self) -> None:
        with pytest.raises(ValueError, match="that changes nothing"):
            self.swept([LATE], on=["read", "check-tail"])

    def swept(self, faults: list[Fault], *, on: list[str], fails: bool = False) -> list[str]:
        points = []
        for attempt in sweep_fixture(S2Mock, print)(faults, on=on, basins=SEEDS):
            with attempt as mock:
                shop = Shop(mock)
                shop.append("tea")
                with suppress(ConnectionError):
                    shop.look()
                with suppress(ConnectionError):
                    shop.tail()
                if attempt.point is not None:
                    points.append(str(attempt.point))
                    assert not fails
        return points


def fails_under(shop: type[Shop]) -> Callable[[FaultPlan], bool]:
    def fails(plan: FaultPlan) -> bool:
        with S2Mock(basins=SEEDS, clock="manual") as mock:
            mock.apply(plan)
            return placed(mock, shop) != ORDERS

    return fails


QUIET = settings(
    max_examples=300,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


# Not those that wait for the clock, which the test advances in the same thread.
KINDS: Final = [Drop, Fail, Cut, Answer, Drain]


class TestPlans:
    @pytest.mark.parametrize("shop", WRONG)
    def test_late_finds_it_and_shrinks_to_one_fault(self, shop: type[Shop]) -> None:
        plan = find(
            fault_plans(on="append", kinds=[*KINDS, Late]), fails_under(shop), settings=QUIET
        )
        assert plan == FaultPlan([PlannedFault(LATE, "append")])

    @pytest.mark.parametrize("shop", WRONG)
    def test_nothing_else_finds_it(self, shop: type[Shop]) -> None:
        plans = fault_plans(on="append", kinds=KINDS)
        with pytest.raises(NoSuchExample):
            find(plans, fails_under(shop), settings=QUIET)

    @pytest.mark.parametrize("shop", RIGHT)
    def test_the_repaired_passes(self, shop: type[Shop]) -> None:
        plans = fault_plans(on="append", kinds=[*KINDS, Late])

        @settings(QUIET, max_examples=100)
        @given(plan=plans)
        def check(plan: FaultPlan) -> None:
            assert not fails_under(shop)(plan)

        check()
