"""The explorer: it chooses the orders of a campaign, each in which other operations do not commute.

It is a dynamic partial order reduction, optimal in the number of runs: see Abdulla, Aronis, Jonsson
and Sagonas, "Source Sets: A Foundation for Optimal Dynamic Partial Order Reduction", J. ACM 64(4),
2017. In its words: an operation is an event, two operations that do not commute are dependent, and
the sequences that a run must begin with so that it is a new one form a wakeup tree. A fault is
another event of the same process.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final, Generic, NamedTuple, TypeVar

from s2mock.campaigns.orders.accesses import NOTHING, Accesses

Fault = TypeVar("Fault")

# The part of the operations of a random order that get a fault, as long as there may be one more.
_FAULT_SHARE: Final = 0.25


class Choice(NamedTuple, Generic[Fault]):
    """The next operation of an actor, and the fault that it gets, None for none."""

    actor: str
    fault: Fault | None = None


class Planned(NamedTuple, Generic[Fault]):
    """A choice that a run repeats: the operation that is expected, None if that is unknown.

    `is_known` is True for one in the part that is the same as in an earlier run, the outcome of
    which is known too.
    """

    choice: Choice[Fault]
    text: str | None
    outcome: str | None
    is_known: bool


@dataclass(eq=False)
class _Branch(Generic[Fault]):
    """A node of a wakeup tree: a choice to make, and what is to follow it."""

    choice: Choice[Fault]
    # As far as they are known, from the run in which the operation was carried out.
    accesses: Accesses = NOTHING
    text: str | None = None
    children: "list[_Branch[Fault]]" = field(default_factory=list)


@dataclass(eq=False)
class Event(Generic[Fault]):
    """An operation that was carried out in the present run.

    `number` counts the operations of its actor from 1. `clock` has, by actor, the number of its
    operations that happened before this one, which is among them. `possible` is what it might have
    accessed in another state: a refused append might have been applied.
    """

    choice: Choice[Fault]
    number: int
    text: str
    name: str
    outcome: str
    accesses: Accesses
    clock: dict[str, int]
    possible: Accesses

    @property
    def label(self) -> str:
        """The short name of the operation, such as "a2"."""
        return label_of(self.choice.actor, self.number)


def label_of(actor: str, number: int) -> str:
    """Return the short name of an operation of an actor."""
    return f"{actor}.{number}" if actor[-1].isdigit() else f"{actor}{number}"


@dataclass(eq=False)
class _Node(Generic[Fault]):
    """The state before an operation of the present run, and the choices that were made in it."""

    # Choices that lead to no new order from here, with what each accesses.
    sleep: dict[Choice[Fault], Accesses]
    # The choices that are to be made; the first is that of the present run.
    tree: list[_Branch[Fault]]
    event: Event[Fault] | None = None
    explored: int = 0
    # Choices that cannot be made here, since their actors do not send the operation.
    blocked: set[Choice[Fault]] = field(default_factory=set)

    @property
    def branch(self) -> _Branch[Fault]:
        return self.tree[0]


class Explorer(Generic[Fault]):
    """The orders of a campaign, one run after the other.

    `has_place` is True for a fault that has a meaning for the operation of that name; a run has at
    most `max_faults` of `faults`. After `max_runs` runs, there are no more. If it is likely at half
    of them that there are more orders, the others are taken at random, by `seed`.
    """

    def __init__(
        self,
        *,
        max_runs: int,
        seed: int = 0,
        max_faults: int = 0,
        faults: Sequence[Fault] = (),
        has_place: Callable[[Fault, str], bool] = lambda _fault, _name: True,
    ) -> None:
        self.max_runs: Final = max_runs
        self.runs = 0
        self.random_runs = 0
        # Runs in which an order was repeated, since an operation that was planned did not arrive.
        self.repeated_runs = 0
        self.is_complete = False
        self._faults = faults
        self._max_faults = max_faults
        self._has_place = has_place
        self._seed: Final = seed
        self._random: Random | None = None
        self._path: list[_Node[Fault]] = []
        # The number of operations of the present run, and of those that were known before it.
        self._depth = 0
        self._known = 0
        self._counts: dict[str, int] = {}
        self._clocks: dict[str, dict[str, int]] = {}
        self._events: list[Event[Fault]] = []
        # The depth of the earlier operation of each race, and that of the later one.
        self._races: list[tuple[int, int]] = []
        # A node whose planned choice was forgotten.
        self._spare: _Node[Fault] | None = None
        self.known_outcome: str | None = None
        """The outcome that the latest operation had in an earlier run, None if it is a new one."""

    # One run.

    def begin(self) -> bool:
        """Begin the next run; return False if there is none."""
        if self.is_complete or self.runs >= self.max_runs:
            return False
        if self._random is None and self._is_too_long:
            self._random = Random(self._seed)  # noqa: S311  # reproducible, not secret
        if self._random is not None:
            self.random_runs += 1
        self.runs += 1
        self._depth = 0
        self._counts, self._clocks, self._events = {}, {}, []
        self._races, self._spare = [], None
        return True

    @property
    def events(self) -> list[Event[Fault]]:
        """The operations of the present run, or of the last one."""
        return self._events

    def planned(self) -> Planned[Fault] | None:
        """Return the next operation, if the run has to repeat one; else None."""
        if self._random is not None:
            return None
        if self._depth < len(self._path):
            node = self._path[self._depth]
            if self._depth < self._known and node.event is not None:
                return Planned(node.branch.choice, node.event.text, node.event.outcome, True)
            return Planned(node.branch.choice, node.branch.text, None, False)
        if not self._depth or not self._path[self._depth - 1].branch.children:
            return None
        node = self._new_node()
        self._path.append(node)
        return Planned(node.branch.choice, node.branch.text, None, False)

    def forget_planned(self) -> None:
        """Take note that the planned operation cannot come next, since its actor does not send it.

        The next choice is free.
        """
        node = self._path[self._depth]
        del self._path[self._depth :]
        node.blocked.add(node.tree.pop(0).choice)
        if node.tree:
            self._path.append(node)
        else:
            self._spare = node

    def choose(self, held: Mapping[str, str]) -> Choice[Fault]:
        """Return a choice among the actors whose next operation is held, each with its name."""
        choices: list[Choice[Fault]] = [Choice(actor) for actor in held]
        if self._random is not None:
            return self._random_choice(choices, held)
        spare, self._spare = self._spare, None
        node = spare or self._new_node()
        awake = [choice for choice in choices if choice not in node.sleep]
        if not awake:
            self.repeated_runs += 1
            awake = choices
        node.tree = [_Branch(awake[0])]
        self._path.append(node)
        return awake[0]

    def _random_choice(
        self, choices: list[Choice[Fault]], held: Mapping[str, str]
    ) -> Choice[Fault]:
        assert self._random is not None
        choice = self._random.choice(choices)
        used = sum(event.choice.fault is not None for event in self._events)
        faults = [fault for fault in self._faults if self._has_place(fault, held[choice.actor])]
        if faults and used < self._max_faults and self._random.random() < _FAULT_SHARE:
            return Choice(choice.actor, self._random.choice(faults))
        return choice

    def record(
        self,
        choice: Choice[Fault],
        *,
        name: str,
        text: str,
        outcome: str,
        accesses: Accesses,
        possible: Accesses | None = None,
        woken_by: Iterable[Event[Fault]] = (),
    ) -> Event[Fault]:
        """Take note of the operation that was chosen, which was carried out.

        `possible` is what it might have accessed in another state, by default the same. `woken_by`
        are operations of others without which its actor would not have sent it.
        """
        self.known_outcome = None
        actor = choice.actor
        number = self._counts[actor] = self._counts.get(actor, 0) + 1
        clock = dict(self._clocks.get(actor, {}))
        for other in woken_by:
            _join(clock, other.clock)
        if possible is None:
            possible = accesses
        event = Event(choice, number, text, name, outcome, accesses, clock, possible)
        self._events.append(event)
        if self._random is None:
            self._find_races(event, self._depth)
            node = self._path[self._depth]
            if self._depth < self._known and node.event is not None:
                self.known_outcome = node.event.outcome
            node.event = event
            # With what it was thought to access when it was planned: see `_new_node`.
            node.branch.accesses |= accesses
            node.branch.text = text
        else:
            for other in self._events[:-1]:
                if other.accesses.conflicts(accesses):
                    _join(clock, other.clock)
        clock[actor] = number
        self._clocks[actor] = clock
        self._depth += 1
        return event

    def end(self) -> None:
        """End the run, and find the next order."""
        if self._random is not None:
            return
        del self._path[self._depth :]
        for earlier, later in self._races:
            self._add_reversal(earlier, later)
        self._backtrack()

    # Depth first.

    def _new_node(self) -> _Node[Fault]:
        """Return the state after the last operation."""
        if self._depth == 0:
            return _Node({}, [])
        last = self._path[self._depth - 1]
        assert last.event is not None
        # By the same accesses as when the choice was added to the tree, since what sleeps here was
        # compared with these there.
        accesses = last.branch.accesses
        sleep = {
            choice: own
            for choice, own in last.sleep.items()
            if choice.actor != last.event.choice.actor and not own.conflicts(accesses)
        }
        return _Node(sleep, [*last.branch.children])

    def _find_races(self, event: Event[Fault], at: int) -> None:
        """Find the operations whose order with this one matters, and complete its clock."""
        clock, actor = event.clock, event.choice.actor
        races = []
        for earlier in range(at - 1, -1, -1):
            other = self._events[earlier]
            if other.choice.actor == actor or not other.accesses.conflicts(event.accesses):
                continue
            if not _is_before(other, clock):
                races.append((earlier, at))
            _join(clock, other.clock)
        # Those of a part that is known were found by an earlier run.
        if at >= self._known:
            self._races += races

    def _add_reversal(self, earlier: int, later: int) -> None:
        """Plan the order in which the later operation comes before the earlier one."""
        events, node = self._events, self._path[earlier]
        between = events[earlier + 1 : later]
        sequence = [one for one in between if not _is_before(events[earlier], one.clock)]
        # Before the earlier one, it may have another effect.
        last = events[later]
        sequence.append(replace(last, accesses=last.accesses | last.possible))
        if sequence[0].choice in node.blocked:
            return
        if not any(_is_weak_initial(choice, own, sequence) for choice, own in node.sleep.items()):
            _insert(node.tree, sequence)

    def _backtrack(self) -> None:
        while self._path:
            node = self._path[-1]
            event = node.event
            assert event is not None
            done = node.tree.pop(0)
            node.explored += 1
            node.sleep[done.choice] = event.accesses
            if done.choice.fault is None:
                self._add_variants(node, event)
            if node.tree:
                self._known = len(self._path) - 1
                return
            self._path.pop()
        self.is_complete = True

    def _add_variants(self, node: _Node[Fault], event: Event[Fault]) -> None:
        """Plan the same operation with each fault, if there may be one more."""
        used = sum(
            one.event is not None and one.event.choice.fault is not None for one in self._path[:-1]
        )
        if used >= self._max_faults:
            return
        planned = {branch.choice for branch in node.tree}
        for fault in self._faults:
            choice = Choice(event.choice.actor, fault)
            if (
                self._has_place(fault, event.name)
                and choice not in planned
                and choice not in node.sleep
            ):
                node.tree.append(_Branch(choice, event.accesses, event.text))

    @property
    def _is_too_long(self) -> bool:
        """True in the second half of the runs if there are probably more orders than those."""
        if not self.runs or 2 * self.runs < self.max_runs:
            return False
        # The estimate is the better the fewer runs are left.
        slack = 1.25 + 1.5 * (1 - self.runs / self.max_runs)
        return self.runs > self.max_runs * slack * self._progress

    @property
    def _progress(self) -> float:
        """The estimated part of all orders that was run, from 0 to 1."""
        progress, share = 0.0, 1.0
        for node in self._path:
            share /= node.explored + len(node.tree)
            progress += share * node.explored
        return progress


def _join(clock: dict[str, int], other: dict[str, int]) -> None:
    for actor, number in other.items():
        if clock.get(actor, 0) < number:
            clock[actor] = number


def _is_before(event: Event[Fault], clock: dict[str, int]) -> bool:
    """True if the event happened before the one with that clock."""
    return clock.get(event.choice.actor, 0) >= event.number


def _find_initial(choice: Choice[Fault], sequence: Sequence[Event[Fault]]) -> int | None:
    """Return the place of the choice if it may come first in the sequence; else None."""
    for place, event in enumerate(sequence):
        if event.choice.actor == choice.actor:
            if event.choice != choice:
                return None
            is_first = not any(
                _is_before(one, event.clock) or one.accesses.conflicts(event.accesses)
                for one in sequence[:place]
            )
            return place if is_first else None
    return None


def _is_independent(
    choice: Choice[Fault], accesses: Accesses, sequence: Sequence[Event[Fault]]
) -> bool:
    """True if the choice is not in the sequence, and commutes with all of it.

    Not one with a fault: after the sequence, its operation may come without the fault.
    """
    return choice.fault is None and not any(
        event.choice.actor == choice.actor or event.accesses.conflicts(accesses)
        for event in sequence
    )


def _is_weak_initial(
    choice: Choice[Fault], accesses: Accesses, sequence: Sequence[Event[Fault]]
) -> bool:
    """True if an order that begins with the sequence is equal to one with the choice first."""
    return _find_initial(choice, sequence) is not None or _is_independent(
        choice, accesses, sequence
    )


def _insert(tree: list[_Branch[Fault]], sequence: Sequence[Event[Fault]]) -> None:
    """Add a sequence to a wakeup tree, unless one that is equal to its beginning is there."""
    for branch in tree:
        place = _find_initial(branch.choice, sequence)
        if place is not None:
            branch.accesses |= sequence[place].accesses
            rest = [*sequence[:place], *sequence[place + 1 :]]
        elif _is_independent(branch.choice, branch.accesses, sequence):
            rest = [*sequence]
        else:
            continue
        if branch.children and rest:
            _insert(branch.children, rest)
        return
    for event in sequence:
        branch = _Branch(event.choice, event.accesses, event.text)
        tree.append(branch)
        tree = branch.children
