"""The scheduler: it holds the operations of the actors of one run, and lets one go at a time."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from math import inf
from typing import Final, cast

from s2mock.campaigns.orders.accesses import NOTHING, accesses_of
from s2mock.campaigns.orders.explorer import Choice, Event, Explorer, Planned, label_of
from s2mock.powers.call import TrackedCall
from s2mock.powers.faults import Fault, Late
from s2mock.powers.hold import Gate
from s2mock.powers.injected import InjectedError
from s2mock.powers.powers import Powers
from s2mock.registry.operation import Call, Dropped, Interrupted, Operation, Point, Waits
from s2mock.registry.rules.append import Append
from s2mock.registry.rules.read import Read
from s2mock.registry.values.errors import AppendConditionFailed, S2Error
from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.monotonic import monotonic
from s2mock.runtime.status_phrases import STATUS_PHRASES

MAX_OPERATIONS: Final = 1_000
"""A run with more operations than this is taken for one without an end."""

_SLOW_START: Final = 5
# A follower that was given a record may send an operation because of it, or wait for the next one.
_WOKEN_SHARE: Final = 4
# An actor is passed over only after this number of looks at it, so that on a busy machine, where
# the scheduler itself waits for its turn, an actor has the same chance.
_LOOKS: Final = 10
# The seconds between two looks of a driver that is not woken.
_LEAST_SECONDS: Final = 0.001
_MOST_SECONDS: Final = 0.1


class ScenarioError(AssertionError):
    """A scenario whose orders cannot be tried: it has no end, or is not the same each time."""


class NotDeterministic(ScenarioError):
    """The same order of operations has led to other operations, or to other outcomes."""


class _Held:
    """An operation of an actor, which was held at its arrival."""

    def __init__(self, call: TrackedCall, lock: threading.Lock) -> None:
        self.call: Final = call
        self.gate: Final = Gate(None, lock)
        self.name: Final = name_of(call.operation)
        self.text: Final = describe(call.operation, self.name)
        self.choice: Choice[Fault] | None = None
        self.creates = False
        # Its stream is created if it is missing, as its basin is configured.
        self.may_create = False
        # A session that has begun to follow before its answer.
        self.has_followed = False


class _Actor:
    """The state of an actor. `changed` is when it last did something, in monotonic seconds."""

    def __init__(self, name: str, *, is_slow: bool) -> None:
        self.name: Final = name
        self._is_slow = is_slow
        self.held: _Held | None = None
        # The operation that was let go, until it is answered or waits in the service.
        self.going: _Held | None = None
        # A read of one batch that waits in the service.
        self.waiting: _Held | None = None
        # The streams at whose tails it follows, and the one of a session that is not there yet.
        self.follows: set[tuple[str, str]] = set()
        self.catches_up: tuple[str, str] | None = None
        # A stream that it waits for has changed since.
        self.is_woken = False
        self.woken_by: list[Event[Fault]] = []
        self.has_ended = False
        self.error: BaseException | None = None
        self.is_passed_over = False
        self.sent = 0
        self.changed = monotonic()
        # The number of times that the scheduler has found it unsettled since.
        self.looks = 0
        self.looked = 0.0

    def note_change(self, now: float) -> None:
        self.changed = now
        self.looks = 0
        self.is_passed_over = False

    def patience(self, settle: float) -> float:
        """Return after how many seconds of doing nothing it is passed over."""
        if self.is_woken:
            return settle / _WOKEN_SHARE
        return settle * _SLOW_START if self._is_slow and not self.sent else settle

    @property
    def waits_in_service(self) -> bool:
        return (self.waiting is not None or bool(self.follows)) and not self.is_woken

    @property
    def is_settled(self) -> bool:
        """True if it does nothing by itself before another operation was carried out."""
        return (
            self.held is not None or self.has_ended or self.waits_in_service or self.is_passed_over
        )

    def __str__(self) -> str:
        return f"{self.name} {self._doing}"

    @property
    def _doing(self) -> str:
        if self.held is not None:
            return f"waits at the arrival of its {self.held.text}"
        if self.going is not None:
            return f"waits for the answer to its {self.going.text}"
        if self.has_ended:
            return "has ended" if self.error is None else f"has failed with {self.error!r}"
        if self.waiting is not None:
            return f"waits in the service for the answer to its {self.waiting.text}"
        if self.follows:
            streams = ", ".join(sorted(f"{basin} {stream}" for basin, stream in self.follows))
            return f"follows at the tail of {streams}"
        plural = "" if self.sent == 1 else "s"
        return (
            f"runs, and waits for nothing of the service: it has sent {self.sent} operation{plural}"
        )


class Scheduler:
    """The operations of one run: an observer that holds those of the actors.

    An actor is known by its token. `settle` is after how many seconds of real time an actor that
    neither sends an operation nor ends is passed over; it is longer where more processes want to
    run than there are cores. After `begin`, `step` is to be called when `changed` is notified, and
    after the time that it has returned. `order` has the labels of a run to replay, with the fault
    of each; if that is not required (`is_required`), operations of it whose actor has ended are
    passed over.
    """

    def __init__(
        self,
        powers: Powers,
        explorer: Explorer[Fault],
        *,
        settle: float,
        order: list[tuple[str, Fault | None]] | None = None,
        is_required: bool = True,
    ) -> None:
        self._is_required = is_required
        self._powers = powers
        self._engine = powers.engine
        self._explorer = explorer
        self._settle = min(settle * _crowding(), threading.TIMEOUT_MAX)
        self._order = order
        lock = threading.Lock()
        take_at_fork(lock, Rank.INNER)
        self.changed = threading.Condition(lock)
        # That of all gates.
        self._gate_lock = threading.Lock()
        take_at_fork(self._gate_lock, Rank.INNER)
        self._actors: dict[str, _Actor] = {}
        self._by_token: dict[str, _Actor] = {}
        self._has_changed = False
        # The longest time without progress; None before the begin, and after the end.
        self._timeout: float | None = None
        self._failure: ScenarioError | None = None
        self._waits_for_first = False
        self._waits_until = inf
        self.on_over: Callable[[], object] = bool
        """Called, without a lock, when the run is over or cannot go on: `step` tells which."""
        self._is_over = False
        # The operation that the present step lets go.
        self._released: _Held | None = None
        self._is_closed = False
        self._error: str | None = None
        self._late: list[str] = []
        self.passed_over: set[str] = set()
        self._progress = monotonic()
        self._engine.observers = (self, *self._engine.observers)
        self._engine.sessions.followed.add(self._note_follow)

    # For the driver.

    def add(self, name: str, token: str, *, is_slow: bool = False) -> None:
        """Add an actor with that token, which counts as the account's own.

        One that `is_slow`, such as a command, takes longer for its first operation.
        """
        self._engine.authorization.admit_actor(token)
        with self.changed:
            self._actors[name] = self._by_token[token] = _Actor(name, is_slow=is_slow)

    @property
    def names(self) -> list[str]:
        """The names of the actors, in the order in which they were added."""
        return list(self._actors)

    @property
    def has_started(self) -> bool:
        """True if time counts: see `begin`."""
        return self._timeout is not None and not self._waits_for_first

    @property
    def events(self) -> list[Event[Fault]]:
        """The operations of the run, as far as they were carried out."""
        return self._explorer.events

    def note_end(self, name: str, error: BaseException | None = None) -> None:
        """Take note that an actor has ended, with the error that it raised."""
        with self.changed:
            actor = self._actors[name]
            actor.has_ended, actor.error = True, error
            self._note_progress(actor)
            released = self._advance()
        self._release(released)

    def drive(self) -> None:
        """Block until all actors have ended, or the scheduler is closed.

        `begin` is called before. Raises `ScenarioError`.
        """
        while (deadline := self.step()) is not None:
            with self.changed:
                now = monotonic()
                # A driver that looks by itself is seldom woken, which would cost two changes of
                # threads.
                self._waits_until = min(max(now, deadline), now + _MOST_SECONDS)
                self.changed.wait_for(self._take_change, self._waits_until - now)

    def begin(self, timeout: float, *, with_first: bool = False) -> None:
        """Let operations go from now on.

        `timeout` is the longest time without any progress, in seconds of real time. It is counted
        from now on, or, `with_first`, from the first operation, or end, of an actor; so is the time
        after which an actor is passed over.
        """
        with self.changed:
            self._waits_for_first = with_first
            self._progress = monotonic()
            self._timeout = min(timeout, threading.TIMEOUT_MAX)

    @property
    def pause(self) -> float:
        """The seconds between two looks of a driver that is not woken."""
        return min(_MOST_SECONDS, max(self._settle / _LOOKS, _LEAST_SECONDS))

    def step(self) -> float | None:
        """Let the next operation go, if it is time for that.

        Return the time until which to wait for a change, in monotonic seconds; None at the end.
        Raises `ScenarioError`. Operations also go as soon as they can by themselves; this is for
        what needs time to pass, and for the end.
        """
        with self.changed:
            self._has_changed = False
            assert self._timeout is not None, "it has begun"
            if self._failure is not None:
                raise self._failure
            try:
                # A run that is over must not change what is known of the next one.
                deadline = None if self._is_closed else self._step_on(self._timeout)
            except ScenarioError as error:
                self._failure = error
                raise
            released, self._released = self._released, None
            if deadline is None:
                self._timeout = None
        self._release(released)
        return deadline

    def _advance(self) -> _Held | None:
        """Choose the next operation, in the thread of what has changed, if it is time for that.

        This spares two changes of threads for each operation. With `changed` held, without which
        the operation is to be let go.
        """
        if self._timeout is None or self._failure is not None or self._is_closed:
            return None
        if self._waits_for_first:
            self._waits_for_first = False
            self._progress = now = monotonic()
            for actor in self._actors.values():
                actor.note_change(now)
        try:
            deadline = self._step_on(self._timeout)
        except ScenarioError as error:
            self._failure, deadline = error, None
        if deadline is None or deadline < self._waits_until:
            self._wake_driver()
        self._is_over = deadline is None
        released, self._released = self._released, None
        return released

    def _release(self, released: _Held | None) -> None:
        """Let an operation go that was chosen, without the lock."""
        if self._is_over:
            self._is_over = False
            self.on_over()
        if released is None:
            return
        assert released.choice is not None
        if released.choice.fault is not None:
            self._powers.injector.decide(released.call, released.choice.fault)
        released.gate.open()

    def _take_change(self) -> bool:
        has_changed, self._has_changed = self._has_changed, False
        return has_changed

    def _wake_driver(self) -> None:
        """Have the driver make a step. With `changed` held."""
        self._has_changed = True
        self.changed.notify_all()

    def _step_on(self, timeout: float) -> float | None:
        while True:
            if self._error is not None:
                raise ScenarioError(f"{self._error}; {self._describe_actors()}")
            deadline = self._step(self._progress + timeout)
            if self._released is not None:
                # The next thing is its answer.
                return self._progress + timeout
            if deadline is None or deadline > monotonic():
                return deadline
            if self._progress + timeout <= monotonic():
                self._fail_for_stall(timeout)

    def close(self) -> None:
        """Drop what is held, and what the actors send from now on."""
        self._engine.sessions.followed.remove(self._note_follow)
        with self.changed:
            self._is_closed = True
            gates = [actor.held.gate for actor in self._actors.values() if actor.held is not None]
            self._wake_driver()
        for gate in gates:
            gate.open(drops=True)

    def describe_actors(self) -> str:
        """Return what each actor does, or waits for."""
        with self.changed:
            return self._describe_actors()

    @property
    def complaint(self) -> str | None:
        """The message for operations that came after their actor's end, else None."""
        if not self._late:
            return None
        return f"{self._late[0]}: what an actor starts has to end before it does"

    # As an observer of the engine.

    def at(self, point: Point, call: Call) -> Waits | None:
        """Hold the calls of actors at their arrival, and take note of their answers."""
        if point == "commit" or call.caller is None:
            return None
        actor = self._by_token.get(call.caller.secret)
        if actor is None:
            return None
        tracked, waits = cast("TrackedCall", call), None
        if point == "answer":
            with self.changed:
                self._note_answer(actor, tracked)
                released = self._advance()
        else:
            held = _Held(tracked, self._gate_lock)
            with self.changed:
                waits = self._hold(actor, held)
                released = self._advance()
        self._release(released)
        return waits

    def _hold(self, actor: _Actor, held: _Held) -> Waits:
        """Return the waits of an operation that has arrived. With `changed` held."""
        if self._is_closed or actor.has_ended:
            if actor.has_ended:
                self._late.append(f"{actor.name} sent its {held.text} after its end")
            return _drop()
        if (busy := actor.held or actor.going) is not None and self._error is None:
            self._error = (
                f"{actor.name} sent its {held.text} while it waited at its {busy.text}: an actor "
                "sends one operation at a time, so give each of its threads or tasks an actor"
            )
            self._note_progress()
            return _drop()
        if self._error is not None:
            return _drop()
        actor.held = held
        actor.sent += 1
        # Its earlier reads may have ended without a trace; they are not waited for any more.
        actor.waiting = None
        actor.is_woken = False
        actor.catches_up = None
        self._note_progress(actor)
        return self._pass(actor, held)

    def _pass(self, actor: _Actor, held: _Held) -> Waits:
        try:
            yield from held.gate.pass_through()
        finally:
            if actor.held is held:
                self._forget(actor, held)

    def _forget(self, actor: _Actor, held: _Held) -> None:
        """Take note that the client of an operation has left, or that the run is over."""
        with self.changed:
            if actor.held is held:
                actor.held = None
                self._note_progress(actor)
                self._wake_driver()

    def _note_answer(self, actor: _Actor, call: TrackedCall) -> None:
        for held in () if self._is_closed else (actor.going, actor.waiting):
            if held is None or held.call is not call:
                continue
            operation = call.operation
            if held is actor.going:
                actor.going = None
                self._finish(actor, held, is_waiting=False)
            else:
                actor.waiting = None
            if isinstance(operation, Read) and operation.is_session and call.error is None:
                assert operation.basin is not None
                assert operation.stream is not None
                place = (operation.basin, operation.stream)
                if held.has_followed:
                    actor.follows.add(place)
                else:
                    actor.catches_up = place
            self._note_progress(actor)

    def _note_follow(self) -> None:
        """Take note that a read waits at the tail: that of an actor, if one is on its way there.

        With the account's lock held.
        """
        with self.changed:
            for actor in () if self._is_closed else self._actors.values():
                going = actor.going
                if going is not None and isinstance(going.call.operation, Read):
                    if going.call.operation.is_session:
                        going.has_followed = True
                        continue
                    actor.going, actor.waiting = None, going
                    self._finish(actor, going, is_waiting=True)
                elif actor.catches_up is not None:
                    actor.follows.add(actor.catches_up)
                    actor.catches_up = None
                else:
                    continue
                actor.is_woken = False
                self._note_progress()
                self._wake_driver()

    # With `changed` held:

    def _note_progress(self, actor: _Actor | None = None) -> None:
        """Take note that something has happened; it is that actor which did something."""
        self._progress = now = monotonic()
        if actor is not None:
            actor.note_change(now)

    def _step(self, stalled: float) -> float | None:
        """Do the next thing that can be done; return the time until which to wait, or None."""
        actors = self._actors.values()
        for actor in actors:
            if actor.going is not None:
                return stalled
        if self._order:
            return self._replay(self._order, stalled)
        planned = self._explorer.planned()
        if planned is not None:
            return self._repeat(planned, stalled)
        if (deadline := self._settle_all()) is not None:
            return min(deadline, stalled)
        held = {actor.name: actor.held.name for actor in actors if actor.held is not None}
        if held and len(self._explorer.events) >= MAX_OPERATIONS:
            raise ScenarioError(
                f"the scenario has no end after {MAX_OPERATIONS} operations; "
                f"{self._describe_actors()}"
            )
        if held:
            self._go(self._explorer.choose(held))
            return monotonic()
        if all(actor.has_ended for actor in actors):
            return None
        return stalled

    def _repeat(self, planned: Planned[Fault], stalled: float) -> float:
        """Let the planned operation go, as soon as it is there."""
        actor = self._actors.get(planned.choice.actor)
        if actor is None:
            raise NotDeterministic(
                f"this scenario is not the same in each run: there is no actor "
                f"{planned.choice.actor} any more, only {', '.join(self._actors)}"
            )
        if actor.held is not None:
            if planned.text is not None and actor.held.text != planned.text:
                raise self._not_deterministic(actor, planned, f"is {actor.held.text}")
            self._go(planned.choice)
            return monotonic()
        if planned.is_known:
            if actor.has_ended:
                raise self._not_deterministic(actor, planned, "did not arrive: the actor has ended")
            if monotonic() >= stalled:
                raise self._not_deterministic(
                    actor, planned, f"did not arrive; {self._describe_actors()}"
                )
            return stalled
        deadline = self._settle_all()
        if deadline is None:
            # It needs the operation that was to come after it, or the actor waits for another one.
            self._explorer.forget_planned()
            return monotonic()
        return min(deadline, stalled)

    def _replay(self, order: list[tuple[str, Fault | None]], stalled: float) -> float:
        """Let the next operation of the order go that is to be replayed."""
        label, fault = order[0]
        actors = self._actors.values()
        actor = next(
            (one for one in actors if label_of(one.name, self._number(one)) == label), None
        )
        if actor is None and not self._is_required:
            order.pop(0)
            return monotonic()
        if actor is None:
            known = ", ".join(label_of(one.name, self._number(one)) for one in actors)
            raise ScenarioError(f"{label} cannot come next: the next operations are {known}")
        if actor.held is not None:
            order.pop(0)
            self._go(self._explorer.choose({actor.name: actor.held.name}), fault)
            return monotonic()
        if actor.has_ended and not self._is_required:
            order.pop(0)
            return monotonic()
        if actor.has_ended or monotonic() >= stalled:
            raise ScenarioError(f"{label} did not arrive; {self._describe_actors()}")
        return stalled

    def _number(self, actor: _Actor) -> int:
        """Return the number of the next operation of an actor."""
        return 1 + sum(event.choice.actor == actor.name for event in self._explorer.events)

    def _settle_all(self) -> float | None:
        """Return the time until which to wait for an actor, None if all are settled."""
        now, deadline = monotonic(), None
        for actor in self._actors.values():
            if actor.is_settled:
                continue
            patience = actor.patience(self._settle)
            pause = patience / _LOOKS
            if now - actor.looked >= pause:
                actor.looked = now
                actor.looks += 1
            until = actor.changed + patience
            if until > now or actor.looks <= _LOOKS:
                deadline = now + pause if deadline is None else min(deadline, now + pause)
            elif actor.is_woken:
                # It has read what there was, and waits at the tail again.
                actor.is_woken = False
            else:
                actor.is_passed_over = True
                self.passed_over.add(actor.name)
        return deadline

    def _go(self, choice: Choice[Fault], fault: Fault | None = None) -> None:
        """Let the operation of an actor go, with the fault of the choice."""
        actor = self._actors[choice.actor]
        held = actor.held
        assert held is not None
        held.choice = choice if fault is None else Choice(choice.actor, fault)
        operation = held.call.operation
        if operation.stream is not None:
            basin = self._engine.state.basins.get(operation.basin or "")
            held.creates = basin is None or basin.streams.get(operation.stream) is None
            held.may_create = basin is None or any(
                basin.config.creates_stream_on(kind) for kind in ("append", "read")
            )
        actor.held, actor.going = None, held
        self._progress = monotonic()
        self._released = held

    def _finish(self, actor: _Actor, held: _Held, *, is_waiting: bool) -> None:
        """Record an operation that was carried out, and wake those that wait for its stream."""
        call, choice = held.call, held.choice
        assert choice is not None
        operation, error = call.operation, call.error
        is_late = isinstance(choice.fault, Late)
        outcome = "waits in the service" if is_waiting else _describe_outcome(call)
        accesses = accesses_of(
            operation,
            has_effect=call.effect is not None or is_late,
            creates=held.creates,
            is_answered=not isinstance(error, Interrupted | InjectedError),
        )
        possible = accesses_of(
            operation,
            has_effect=accesses != NOTHING,
            creates=held.creates or held.may_create,
            is_answered=accesses != NOTHING,
        )
        woken_by, actor.woken_by = actor.woken_by, []
        event = self._explorer.record(
            choice,
            name=held.name,
            text=held.text,
            outcome=outcome,
            accesses=accesses,
            possible=possible,
            woken_by=woken_by,
        )
        known = self._explorer.known_outcome
        if known is not None and known != outcome:
            self._error = (
                f"this scenario is not deterministic by itself: after the same operations, "
                f"{event.label} {held.text} had the outcome {known!r} before, and has now "
                f"{outcome!r}"
            )
        written = {thing[1:] for thing in accesses.writes if thing[0] == "records"}
        for other in self._actors.values():
            streams = set(other.follows)
            if other.waiting is not None and other is not actor:
                about = other.waiting.call.operation
                streams.add((about.basin or "", about.stream or ""))
            if any(stream[: len(one)] == one for one in written for stream in streams):
                other.is_woken = True
                other.woken_by.append(event)
                other.note_change(monotonic())

    def _not_deterministic(
        self, actor: _Actor, planned: Planned[Fault], what: str
    ) -> NotDeterministic:
        label = label_of(actor.name, self._number(actor))
        after = " ".join(event.label for event in self._explorer.events) or "the beginning"
        return NotDeterministic(
            f"this scenario is not deterministic by itself: after {after}, the operation {label} "
            f"was {planned.text} before, and now {what}"
        )

    def _fail_for_stall(self, timeout: float) -> None:
        raise ScenarioError(
            f"nothing has happened for {timeout:g} s, and not all actors have ended; "
            f"{self._describe_actors()}"
        )

    def _describe_actors(self) -> str:
        return "; ".join(map(str, self._actors.values()))


def _crowding() -> float:
    """Return the number of processes for each core that want to run, at least 1."""
    try:
        load = os.getloadavg()[0]
    except OSError:
        return 1.0
    return max(1.0, load / _core_count())


@cache
def _core_count() -> int:
    return os.cpu_count() or 1


def _drop() -> Waits:
    """Raise `Dropped` in place of a wait."""
    raise Dropped
    yield


def name_of(operation: Operation) -> str:
    """Return the name of an operation: "fence" or "trim" for an append of that command alone."""
    if isinstance(operation, Append) and operation.batch.has_commands:
        first, *others = operation.batch.records
        command = first.command
        if command is not None and all(record.command == command for record in others):
            return command
    return operation.name


def describe(operation: Operation, name: str) -> str:
    """Return an operation of that name in a few words, such as "append my-basin log"."""
    return " ".join(part for part in (name, operation.basin, operation.stream) if part)


def _describe_outcome(call: TrackedCall) -> str:
    """Return what an operation has done, the same in each run."""
    error, effect = call.error, call.effect
    if isinstance(error, S2Error) and not isinstance(error, InjectedError):
        return error.code or _name_without_code(error)
    if effect is None:
        return "" if error is None else "not applied"
    if effect.first_seq_num is None:
        return effect.kind
    return f"{effect.kind} {effect.first_seq_num}..{effect.last_seq_num}"


def _name_without_code(error: S2Error) -> str:
    """Return the name of an error without a code, as a timeline has it: see `error_code`."""
    if isinstance(error, AppendConditionFailed):
        return re.sub("(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
    return STATUS_PHRASES[error.status].lower()


def listing(events: list[Event[Fault]], show: Callable[[Fault], str] = repr) -> Iterator[str]:
    """Yield a line for each operation of a run, the same in each run; `show` names a fault."""
    width = max((len(event.label) for event in events), default=0)
    texts = max((len(event.text) for event in events), default=0)
    for event in events:
        fault = "" if event.choice.fault is None else show(event.choice.fault)
        parts = [event.label.ljust(width), event.text.ljust(texts), event.outcome, fault]
        yield "  ".join(part for part in parts if part).rstrip()


def order_of(events: list[Event[Fault]]) -> tuple[str, Mapping[str, Fault]]:
    """Return an order as text, such as "a1 b1 b2 a2", and the faults in it by their labels."""
    faults = {event.label: event.choice.fault for event in events if event.choice.fault is not None}
    return " ".join(event.label for event in events), faults
