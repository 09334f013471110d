"""`Orders`: a scenario is run again and again, in every order of its actors' operations."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from s2mock.campaigns.campaign import Attempt as CampaignAttempt
from s2mock.campaigns.orders.plan import DEFAULTS, OrdersInstructions, OrdersPlan, checked_order
from s2mock.campaigns.orders.scheduler import ScenarioError, order_of
from s2mock.handles.campaigns.actors import Actor, ActorGroup, check_work
from s2mock.handles.campaigns.driver import DrivenAttempt, PythonCampaign, outside_pytest
from s2mock.handles.campaigns.in_order import HELPER
from s2mock.handles.campaigns.source import LoopSource, as_name, names_in, write_function
from s2mock.handles.mock import S2Mock
from s2mock.powers.faults import Fault
from s2mock.powers.operations import OPERATION_NAMES
from s2mock.runtime.arguments import check_name, check_timeout

# The modules that a standalone test needs.
_MODULES: Final = (
    "asyncio",
    "contextlib",
    "inspect",
    "os",
    "signal",
    "subprocess",
    "threading",
    "time",
)
_NO_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType({})


class Run(DrivenAttempt):
    """One run: a context manager that returns its account, an `S2Mock`.

    Within its block, `actor` adds the actors, and `go` lets their operations go, one at a time.
    """

    _group: ActorGroup | None = None

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._actors: dict[str, tuple[Actor, Any, tuple[Any, ...]]] = {}
        self._errors: dict[str, BaseException] = {}

    def actor(self, name: str, function: Any, *arguments: Any) -> Actor:
        """Add an actor: `function(actor, *arguments)`, which `go` calls.

        It is called in a thread of its own; a coroutine function runs as a task on one event loop
        for all of them. A command line (a list of words) is run with `actor.env` in its
        environment. Returns the actor, which has `url`, `token`, `env` and `name`. Raises
        `TypeError`, `ValueError`, and `RuntimeError` outside of the block, or after `go`.
        """
        mock = self._require_mock()
        if self._instructions.has_gone:
            raise RuntimeError("an actor is added before run.go()")
        check_name("an actor's name", name)
        if not name or name != "".join(name.split()):
            raise ValueError(f"an actor's name must be text without spaces, not {name!r}")
        if name in self._actors:
            raise ValueError(f"there is an actor {name!r} already: each has a name of its own")
        check_work(function, f"the actor {name}")
        if isinstance(function, list | tuple) and arguments:
            raise TypeError("a command line has its arguments in the list")
        token = mock._actor_token(len(self._actors) + 1)  # noqa: SLF001  # made for this
        is_command = isinstance(function, list | tuple)
        self._instructions.scheduler.add(name, token, is_slow=is_command)
        actor = Actor(name, mock, token)
        self._actors[name] = actor, function, arguments
        return actor

    def go(self, *, timeout: float = 10) -> None:
        """Start all actors, let their operations go one at a time, and return when all have ended.

        `timeout` is for how long nothing may happen, in seconds of real time. Raises what an actor
        raised; and `AssertionError` if the actors do not end, or if the scenario is not the same
        each time, which names each actor and what it waits for.
        """
        check_timeout(timeout)
        mock = self._require_mock()
        if not self._actors:
            raise ValueError("a run needs an actor at least: run.actor(name, function) adds one")
        instructions = self._instructions
        if instructions.has_gone:
            raise RuntimeError("run.go() is called once in a run")
        instructions.has_gone = True
        scheduler = instructions.scheduler
        # On a busy machine that takes longer than the time after which an actor is passed over.
        mock._load()  # noqa: SLF001  # made for this
        self._group = ActorGroup(self._note_end)
        # First, so that the first operations of a known order are not held.
        scheduler.begin(timeout)
        for actor, function, arguments in self._actors.values():
            self._group.start(actor, function, arguments)
        try:
            scheduler.drive()
        except ScenarioError as error:
            instructions.is_invalid = True
            for name, raised in self._errors.items():
                error.add_note(f"the actor {name} raised {raised!r}")
            raise
        except BaseException:
            instructions.is_invalid = True
            raise
        finally:
            self._group.stop()
        errors = [self._errors[name] for name in self._actors if name in self._errors]
        if errors:
            raise errors[0]

    async def async_go(self, *, timeout: float = 10) -> None:  # no cancellation
        """Do as `go`, while the event loop goes on."""
        await asyncio.to_thread(self.go, timeout=timeout)

    def _note_end(self, name: str, error: BaseException | None) -> None:
        if error is not None:
            self._errors[name] = error
        self._instructions.scheduler.note_end(name, error)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not self._instructions.has_gone and error is not None:
            # It is the failure of the test's own code before it.
            self._instructions.has_gone = self._instructions.is_invalid = True
        return super().__exit__(kind, error, trace)

    @property
    def _instructions(self) -> OrdersInstructions:
        instructions: OrdersInstructions = self._attempt.instructions
        return instructions

    def _require_mock(self) -> S2Mock:
        if self._mock is None or self.is_over:
            raise RuntimeError("actors run within the block: `with run as s2_mock: run.actor(...)`")
        return self._mock


class RunReplay(Run):
    """One run alone: a context manager, or the only item of a loop."""

    def __iter__(self) -> Iterator[Self]:
        yield self


class Orders(PythonCampaign[Run]):
    """All orders in which the operations of several actors can take effect, one run for each.

    In the block of each run, `run.actor(name, function)` adds the actors, and `run.go()` lets
    their operations go, one at a time. Orders that differ only in operations that commute are one.
    There are at most `max_runs`; if there are more orders, some are taken at random, by `seed`. In
    each order up to `max_faults` operations get one of `faults`. An actor that sends no operation,
    does not end, and does not wait inside the service is passed over after `settle` seconds of real
    time. With `check` a run also fails if what its clients observed is not linearizable.
    `options` are those of `S2Mock`. All runs share one URL. After the loop, `report()` has
    the orders that failed, the shortest first.

    The fixture `s2_orders` is one without a plan: call it with these arguments, and its test fails
    at the end of the loop with that report. Raises `TypeError`, `ValueError`.
    """

    _fixture = "s2_orders"

    def __init__(
        self,
        *,
        max_runs: int = DEFAULTS["max_runs"],
        max_faults: int = 0,
        faults: Iterable[Fault] = (),
        settle: float = DEFAULTS["settle"],
        seed: int | None = None,
        check: bool = False,
        **options: Any,
    ) -> None:
        plan = OrdersPlan(
            max_runs=max_runs,
            max_faults=max_faults,
            faults=faults,
            settle=settle,
            seed=seed,
            check=check,
            options=options,
        )
        super().__init__(plan, outside_pytest(), options)

    def __call__(
        self,
        *,
        max_runs: int = DEFAULTS["max_runs"],
        max_faults: int = 0,
        faults: Iterable[Fault] = (),
        settle: float = DEFAULTS["settle"],
        seed: int | None = None,
        check: bool = False,
        **options: Any,
    ) -> "Orders":
        """Return the runs of a campaign with these arguments, which are those of `Orders`.

        `options` are added to the marker's. Raises `TypeError`, `ValueError`.
        """
        plan = OrdersPlan(
            max_runs=max_runs,
            max_faults=max_faults,
            faults=faults,
            settle=settle,
            seed=seed,
            check=check,
            options=options,
        )
        return self._with_plan(plan, options)

    def replay(
        self,
        order: str,
        *,
        faults: Mapping[str, Fault] = _NO_FAULTS,
        max_runs: int = DEFAULTS["max_runs"],
        settle: float = DEFAULTS["settle"],
        seed: int | None = None,
        check: bool = False,
        required: bool = True,
        **options: Any,
    ) -> RunReplay:
        """Return the run with that order alone, such as "a1 b1 b2 a2", as a report names it.

        `faults` are those of its operations, by their names. If they are not `required`, operations
        that do not arrive before their actor ends are passed over. `max_runs` and `seed` change
        nothing here. Raises `TypeError`, `ValueError`.
        """
        plan = OrdersPlan(
            max_runs=max_runs,
            settle=settle,
            seed=seed,
            check=check,
            options=options,
            is_required=required,
        )
        plan.explorer.begin()
        instructions = OrdersInstructions(plan, checked_order(order, faults))
        return self._run_alone(RunReplay, plan, instructions, options)

    def _drive(self, attempt: CampaignAttempt[OrdersInstructions]) -> Run:
        return Run(attempt, self._make, on_end=self._note_end)

    def _write_test(self, instructions: OrdersInstructions, source: LoopSource) -> str | None:
        events = instructions.events
        if not events or instructions.is_invalid:
            return None
        order_text, by_label = order_of(events)
        if self._require_campaign().plan.checks:
            arguments = [f'"{order_text}"', *([f"faults={by_label!r}"] if by_label else [])]
            return self._write_replay(order_text, arguments, source)
        faults = list(by_label.values())
        steps = [
            f"    ({event.choice.actor!r}, {event.choice.fault!r}),  # {event.name}"
            for event in events
        ]
        order = "\n".join([f"{source.loop} = InOrder(s2_mock, [", *steps, "])"])
        rename = "" if source.mock == "s2_mock" else f"{source.mock} = s2_mock"
        names = sorted({*names_in(map(repr, faults)), "S2Error"})
        imports = [
            *(f"import {name}" for name in _MODULES),
            "from types import SimpleNamespace",
            "",
            "import pytest",
            "",
            f"from s2mock import {', '.join(names)}",
        ]
        operations = "\n".join(
            ["OPERATIONS = [", *(f"    {name!r}," for name in OPERATION_NAMES), "]"]
        )
        return write_function(
            f"{source.function}_{as_name(instructions.title)}",
            ["s2_mock", *(name for name in source.arguments if name != "s2_mock")],
            [source.before, rename, order, source.block],
            options=self._all_options,
            imports=imports,
            helper=f"{operations}\n\n\n{HELPER.strip()}",
        )
