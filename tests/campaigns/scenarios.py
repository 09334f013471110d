"""Small scenarios on an account without I/O: actors that yield operations, in any order.

They run on the engine and on the accesses that the campaigns use, without threads and sockets, so
that hundreds of them can be compared with all orders there are.
"""

import itertools
import random
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from s2mock import S2Mock, StreamConfig
from s2mock.campaigns.orders.accesses import accesses_of
from s2mock.campaigns.orders.explorer import Choice, Explorer
from s2mock.registry.operation import Call, Operation
from s2mock.registry.rules.append import Append
from s2mock.registry.rules.basins import CreateBasin, DeleteBasin, ListBasins
from s2mock.registry.rules.read import CheckTail
from s2mock.registry.rules.streams import (
    CreateStream,
    DeleteStream,
    EnsureStream,
    GetStreamConfig,
    ListStreams,
    ReconfigureStream,
)
from s2mock.registry.values.config import StreamConfigChanges
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.records import AppendInput, AppendRecord

if TYPE_CHECKING:
    from s2mock.registry.engine.engine import Engine

BASIN = "my-basin"
STREAMS = ("a", "b")

Program = Generator[Operation, Any, None]


class Scenario(NamedTuple):
    """The basins to begin with, and the program of each actor."""

    auto_create: bool
    programs: dict[str, Callable[[], Program]]


class Run(NamedTuple):
    """One run: the order of its operations, what each was answered, and the account in the end."""

    order: tuple[str, ...]
    state: Any


class Execution:
    """A run in progress: the next operation of each actor that has not ended."""

    def __init__(self, scenario: Scenario, mock: S2Mock) -> None:
        self._engine: Engine = mock._engine
        self.programs = {name: make() for name, make in scenario.programs.items()}
        self.next: dict[str, Operation] = {}
        self.seen: dict[str, list[Any]] = {name: [] for name in self.programs}
        for name, program in self.programs.items():
            self._advance(name, program, None)

    def _advance(self, name: str, program: Program, answer: Any) -> None:
        try:
            self.next[name] = program.send(answer)
        except StopIteration:
            self.next.pop(name, None)

    def step(self, name: str, *, applies: bool = True, answers: bool = True) -> dict[str, Any]:
        """Carry out the next operation of an actor; return what an explorer records of it."""
        operation = self.next[name]
        state = self._engine.state
        basin = state.basins.get(operation.basin or "")
        creates = basin is None or basin.streams.get(operation.stream or "") is None
        call = Call(operation)
        answer: Any = "lost"
        if applies:
            try:
                result = self._engine.carry_out(operation, call)
                answer = described(result)
            except S2Error as error:
                answer = type(error).__name__
        if not answers:
            answer = "lost"
        self.seen[name].append(answer)
        self._advance(name, self.programs[name], answer)
        accesses = accesses_of(
            operation, has_effect=call.effect is not None, creates=creates, is_answered=applies
        )
        return {
            "possible": accesses_of(
                operation,
                has_effect=applies,
                creates=creates or basin is None or basin.config.create_stream_on_append,
                is_answered=applies,
            ),
            "name": operation.name,
            "text": repr(operation),
            "outcome": str(answer),
            "accesses": accesses,
        }

    def final(self) -> Any:
        """The account in the end, and all answers."""
        state = self._engine.state
        basins = {}
        for basin in state.basins.values():
            name, streams = basin.name, {}
            for stream in basin.streams.values():
                stream_name = stream.name
                records = stream.log.records if stream.log else ()
                streams[stream_name] = (str(stream.config), tuple(r.body for r in records))
            basins[name] = tuple(sorted(streams.items()))
        seen = tuple((name, tuple(map(str, answers))) for name, answers in self.seen.items())
        return tuple(sorted(basins.items())), seen


def described(result: Any) -> Any:
    """A result without its times."""
    if hasattr(result, "end"):
        return ("acknowledged", result.start.seq_num)
    if hasattr(result, "seq_num"):
        return ("tail", result.seq_num)
    if hasattr(result, "result"):
        return ("provisioned", result.result)
    if hasattr(result, "items"):
        return ("page", tuple(item.name for item in result.items))
    return str(result)


def append(stream: str, body: str, match: int | None = None) -> Append:
    return Append(BASIN, stream, AppendInput([AppendRecord(body)], match_seq_num=match))


def new_mock(scenario: Scenario) -> S2Mock:
    config = {"create_stream_on_append": scenario.auto_create}
    return S2Mock(basins=[{"name": BASIN, "streams": ["a"], "config": config}])


def explore(scenario: Scenario, explorer: Explorer[str] | None = None) -> Iterator[Run]:
    """Run the orders that the explorer chooses. The fault "drop" keeps an operation away."""
    explorer = Explorer(max_runs=100_000) if explorer is None else explorer
    while explorer.begin():
        with new_mock(scenario) as mock:
            run = Execution(scenario, mock)
            while run.next:
                planned = explorer.planned()
                if planned is not None and planned.choice.actor not in run.next:
                    explorer.forget_planned()
                    continue
                if planned is None:
                    held = {name: operation.name for name, operation in run.next.items()}
                    choice: Choice[str] = explorer.choose(held)
                else:
                    choice = planned.choice
                fault = choice.fault
                facts = run.step(choice.actor, applies=fault != "drop", answers=fault is None)
                if planned is not None and planned.text is not None:
                    assert facts["text"] == planned.text
                explorer.record(choice, **facts)
            yield Run(tuple(event.label for event in explorer.events), run.final())
        explorer.end()


def brute_force(scenario: Scenario, faults: int = 0) -> list[Run]:
    """Run all orders; in each, up to `faults` operations are dropped or unanswered."""
    runs = []
    pending: list[tuple[tuple[str, str | None], ...]] = [()]
    while pending:
        prefix = pending.pop()
        with new_mock(scenario) as mock:
            run = Execution(scenario, mock)
            for name, fault in prefix:
                run.step(name, applies=fault != "drop", answers=fault is None)
            if not run.next:
                runs.append(Run(tuple(name for name, _ in prefix), run.final()))
                continue
            used = sum(fault is not None for _, fault in prefix)
            kinds: tuple[str | None, ...] = (None, "drop", "lost") if used < faults else (None,)
            pending += [(*prefix, (name, kind)) for name in run.next for kind in kinds]
    return runs


# Generated scenarios.


def generated(seed: int, *, actors: int | None = None) -> Scenario:
    """A scenario of two or three actors with up to five operations together."""
    rng = random.Random(seed)
    count = actors or rng.choice((2, 2, 3))
    names = "abc"[:count]
    budget = 5 if count == 2 else 4
    lengths = [1] * count
    for _ in range(budget - count):
        lengths[rng.randrange(count)] += rng.randint(0, 1)
    programs = {
        name: program_of(name, [rng.randrange(1000) for _ in range(length)])
        for name, length in zip(names, lengths, strict=True)
    }
    return Scenario(rng.random() < 0.4, programs)


def generated_large(seed: int) -> Scenario:
    """A scenario of up to four actors with six operations together."""
    rng = random.Random(seed)
    lengths = {2: (3, 3), 3: (2, 2, 2), 4: (1, 2, 1, 2)}[rng.choice((2, 3, 3, 4))]
    programs = {
        name: program_of(name, [rng.randrange(1000) for _ in range(length)])
        for name, length in zip("abcd", lengths, strict=False)
    }
    return Scenario(rng.random() < 0.5, programs)


def program_of(name: str, draws: list[int]) -> Callable[[], Program]:
    """A program whose operations depend on what it was answered before."""

    def program() -> Program:
        tail = 0
        for number, draw in enumerate(draws):
            stream = STREAMS[draw % 7 == 0]
            kind = draw % 16
            answer = yield operation_of(kind, stream, f"{name}{number}", tail, draw)
            if isinstance(answer, tuple) and answer[0] == "tail":
                tail = answer[1]
            if answer == "SeqNumMismatch":
                yield CheckTail(BASIN, stream)

    return program


def operation_of(kind: int, stream: str, body: str, tail: int, draw: int) -> Operation:
    if kind < 4:
        return append(stream, body)
    if kind < 7:
        return append(stream, body, match=tail)
    if kind < 10:
        return CheckTail(BASIN, stream)
    others = itertools.cycle(
        [
            lambda: CreateStream(BASIN, stream),
            lambda: DeleteStream(BASIN, stream),
            lambda: ListStreams(BASIN),
            lambda: GetStreamConfig(BASIN, stream),
            lambda: ReconfigureStream(
                BASIN, stream, StreamConfigChanges(retention_policy=60 + draw)
            ),
            lambda: EnsureStream(BASIN, stream, StreamConfig(retention_policy=90)),
            lambda: CreateBasin("your-basin"),
            lambda: DeleteBasin("your-basin"),
            ListBasins,
        ]
    )
    return next(itertools.islice(others, draw % 9, None))()
