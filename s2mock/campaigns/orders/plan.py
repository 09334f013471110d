"""The plan of a campaign of orders: one attempt for each."""

import threading
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from s2mock.campaigns.campaign import Failure, Outcome, named_options
from s2mock.campaigns.orders.explorer import Event, Explorer
from s2mock.campaigns.orders.scheduler import Scheduler, listing, order_of
from s2mock.campaigns.report import FailedAttempt
from s2mock.campaigns.wording import PYTHON, Wording
from s2mock.powers.faults import Fault, check_fault, fault_to_json, has_place
from s2mock.powers.powers import Powers
from s2mock.runtime.arguments import check_count, check_delay, check_flag

DEFAULTS: Final[dict[str, Any]] = {
    "max_runs": 1000,
    "max_faults": 0,
    "faults": (),
    "settle": 1.0,
    "seed": None,
    "check": False,
}


class OrdersInstructions:
    """The instructions of one attempt: the next order of the explorer, or one to replay."""

    def __init__(
        self, plan: "OrdersPlan", order: list[tuple[str, Fault | None]] | None = None
    ) -> None:
        self._plan = plan
        self._order = order
        self._scheduler: Scheduler | None = None
        self._ended_with: list[Event[Fault]] | None = None
        self.has_gone = False
        # The order could not be tried, so that there is no next one.
        self.is_invalid = False

    @property
    def title(self) -> str:
        """The order, as far as it is known."""
        return order_of(self.events)[0] or "of an order"

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler of the attempt, once it has begun."""
        assert self._scheduler is not None, "the attempt has begun"
        return self._scheduler

    @property
    def events(self) -> list[Event[Fault]]:
        """The operations that were carried out."""
        if self._ended_with is not None:
            return self._ended_with
        return [] if self._scheduler is None else self._scheduler.events

    def begin(self, powers: Powers) -> None:
        """Hold the operations of actors from now on."""
        self._scheduler = Scheduler(
            powers,
            self._plan.explorer,
            settle=self._plan.settle,
            order=self._order,
            is_required=self._plan.is_required,
        )

    def end(self, powers: Powers) -> str | None:  # noqa: ARG002  # of the protocol
        """Drop what actors still send; return a complaint about a run without actors."""
        scheduler = self.scheduler
        scheduler.close()
        # The explorer begins another list with the next run.
        self._ended_with = scheduler.events
        self._plan.passed_over |= scheduler.passed_over
        if not self.has_gone:
            return "run.go() was not called: it lets the operations of the actors go"
        return scheduler.complaint

    def to_json(self) -> dict[str, Any]:
        """Return nothing: the server itself lets operations go."""
        return {}


class OrdersPlan:
    """All orders in which the operations of the actors can take effect.

    The arguments are those of `s2mock.Orders`. If it is not required (`is_required`), operations of
    an order to replay that do not arrive are passed over. Raises `TypeError`, `ValueError`.
    """

    def __init__(
        self,
        *,
        max_runs: int = DEFAULTS["max_runs"],
        max_faults: int = DEFAULTS["max_faults"],
        faults: Iterable[Fault] = (),
        settle: float = DEFAULTS["settle"],
        seed: int | None = None,
        check: bool = False,
        options: dict[str, Any] | None = None,
        is_required: bool = True,
        wording: Wording = PYTHON,
    ) -> None:
        self.name = wording.name("orders")
        self.is_required: Final = is_required
        self._wording: Final = wording
        check_count("max_runs", max_runs)
        check_count("max_faults", max_faults, least=0)
        check_delay("settle", settle, may_be_infinite=False)
        checked = _checked_faults(faults)
        if max_faults and not checked:
            raise ValueError(f"max_faults={max_faults} needs faults=[...] to choose from")
        if checked and not max_faults:
            raise ValueError(
                "faults=[...] needs max_faults=1 or more, the number of faults in one order"
            )
        check_count("seed", seed, least=0, optional=True)
        check_flag("check", check)
        check_flag("required", is_required)
        self.checks = check
        self.settle = min(settle, threading.TIMEOUT_MAX)
        self._given: dict[str, Any] = {
            "max_runs": max_runs,
            "max_faults": max_faults,
            "faults": checked,
            "settle": settle,
            "seed": seed,
            "check": check,
            **(options or {}),
        }
        self._seed = 0 if seed is None else seed
        self.explorer: Explorer[Fault] = Explorer(
            max_runs=max_runs,
            seed=self._seed,
            max_faults=max_faults,
            faults=checked,
            has_place=has_place,
        )
        self.passed_over: set[str] = set()
        self._has_operations = False
        self._has_ended = False

    def next(self) -> OrdersInstructions | None:
        """Return the instructions of the next attempt, None after the last one."""
        if self._has_ended or not self.explorer.begin():
            return None
        return OrdersInstructions(self)

    def learn(self, instructions: OrdersInstructions, outcome: Outcome) -> None:
        """Find the next order; there is none if that of this attempt could not be tried."""
        self._has_operations |= bool(instructions.events)
        if outcome.result == "skipped" or not instructions.has_gone or instructions.is_invalid:
            self._has_ended = True
            return
        self.explorer.end()

    def is_probe(self, instructions: OrdersInstructions) -> bool:  # noqa: ARG002  # of the protocol
        """No order is a probe."""
        return False

    @property
    def planned(self) -> int | None:
        """The number of all runs; None as long as it is not known."""
        explorer = self.explorer
        is_known = self._has_ended or explorer.is_complete or explorer.runs >= explorer.max_runs
        return explorer.runs if is_known else None

    @property
    def notes(self) -> list[str]:
        """Lines on orders that were left out, and on those that may not repeat."""
        explorer, found = self.explorer, []
        if explorer.runs >= explorer.max_runs and not explorer.is_complete:
            tried = explorer.runs - explorer.random_runs
            limit = self._wording.option("max_runs", explorer.max_runs)
            text = f"there are more orders than {limit}: {tried} were tried"
            if explorer.random_runs:
                text += (
                    f" depth first, and {explorer.random_runs} were taken at random, with "
                    f"{self._wording.option('seed', self._seed)}"
                )
            found.append(text)
        found += [
            f"an order may not repeat: {name} was passed over after {self.settle:g} s, in which it "
            "sent no operation, and did not end (it sleeps, or waits for another actor)"
            for name in sorted(self.passed_over)
        ]
        return found

    def describe(self, failure: Failure[OrdersInstructions]) -> FailedAttempt:
        """Return a failure for the report, without what differs from run to run, such as times."""
        number, instructions, outcome, _ = failure
        events = instructions.events
        order, faults = order_of(events)
        switches = sum(one.choice.actor != other.choice.actor for one, other in pairwise(events))
        return FailedAttempt(
            number=number,
            title=order or "(no operation)",
            short_title=order or "(no operation)",
            long_title=order or "(no operation)",
            text=outcome.message,
            timeline="\n".join(listing(events, self._wording.fault)) or "(no operation)",
            rank=(len(faults), len(events), switches, number),
            key=(tuple(faults.values()), outcome.message, outcome.detail),
            replay=tuple(self.replay_lines(order, faults)) if order else (),
            summary=", ".join(self._name(event) for event in events),
        )

    def headline(self, tried: int, failed: list[FailedAttempt]) -> str | None:
        """Return the first line of the report; None if there is nothing to complain about."""
        if failed:
            fail = "fails" if len(failed) == 1 else "fail"
            plural = "" if tried == 1 else "s"
            others = "" if not self._has_ended else " (no other order was tried)"
            return (
                f"{self.name}: {len(failed)} of {tried} order{plural} {fail}{others}; "
                f"the shortest: {failed[0].summary or '(no operation)'}"
            )
        if tried and not self._has_operations:
            return (
                f"{self.name}: no operation of an actor arrived, so there is one order: "
                f"{self._wording.no_actor}"
            )
        return None

    def replay_lines(self, order: str, faults: Mapping[str, Fault]) -> Iterable[str]:
        """Yield the call that runs that order alone, and a line on its options."""
        given = {**self._given, "faults": dict(faults), "max_faults": 0}
        defaults = {**DEFAULTS, "faults": {}}
        body: dict[str, Any] = {"replay": order}
        if faults:
            body["replay_faults"] = {label: fault_to_json(faults[label]) for label in faults}
        return self._wording.replay_lines(
            "orders", [f'"{order}"'], named_options(given, defaults), body
        )

    def _name(self, event: Event[Fault]) -> str:
        fault = event.choice.fault
        with_fault = "" if fault is None else f" with {self._wording.fault(fault)}"
        return f"{event.choice.actor} {event.name}{with_fault}"


def _checked_faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    if isinstance(faults, Fault):
        raise TypeError(f"faults must be a list of faults: try [{faults!r}]")
    return tuple(dict.fromkeys(check_fault(fault) for fault in faults))


def checked_order(order: object, faults: object) -> list[tuple[str, Fault | None]]:
    """Return the labels of an order, each with its fault. Raises `TypeError`, `ValueError`."""
    if not isinstance(order, str):
        raise TypeError(f'an order is text, as in "a1 b1 b2 a2", not {order!r}')
    labels = order.split()
    if not labels:
        raise ValueError('an order names operations, as in "a1 b1 b2 a2"')
    if not isinstance(faults, Mapping):
        raise TypeError(f"faults of a replay are a mapping, as in {{'b2': Drop()}}, not {faults!r}")
    for label in faults:
        if label not in labels:
            raise ValueError(f"faults name {label!r}, which is not in the order {order!r}")
        check_fault(faults[label])
    return [(label, faults.get(label)) for label in labels]
