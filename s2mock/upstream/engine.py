"""The engine in front of an upstream: the points of each call, and no state of its own."""

import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Final, NoReturn

from s2mock.registry.engine.engine import Engine
from s2mock.registry.engine.postponed_calls import PostponedCall, WhenOver
from s2mock.registry.operation import Call, Operation, Point, Waits
from s2mock.registry.rules.read import Read
from s2mock.registry.settings import Settings
from s2mock.registry.state import Effect
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.clock import Moment
from s2mock.runtime.conversation import Wait

if TYPE_CHECKING:
    from s2mock.registry.engine.sessions import Following

Land = Callable[[Call], S2Error | None]
"""Carry out a call at the upstream, in a thread that may wait; return the error that refuses it."""


class UpstreamEngine(Engine):
    """An engine whose calls the upstream carries out.

    Each call passes `arrival` before it is forwarded, and `answer` when the upstream has answered
    it; when that commits, only the upstream knows. `land` is called with a call that was postponed,
    `impossible` returns the error for a member of a mock that needs a commit.
    """

    land: Land
    impossible: Callable[[str], Exception]

    def check_point(self, point: Point, member: str) -> None:
        """Raise `NotOnTarget` for the commit, which only the upstream sees."""
        if point == "commit":
            raise self.impossible(member)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings=settings)
        self._landing = Landing(self)
        self._places: dict[tuple[str, str], int] = {}
        self.tails: dict[tuple[str | None, str | None], int] = {}
        """The highest sequence number behind a record that an answer has told, by stream."""

    def carry_out(self, operation: Operation, call: Call | None = None) -> NoReturn:  # noqa: ARG002
        """Raise `AssertionError`: the upstream carries out operations."""
        raise AssertionError(f"{operation!r} is the upstream's, not this engine's")

    def pass_point(self, point: Point, call: Call) -> Waits:
        """Have a call pass a point. Raises what observers raise."""
        yield from self._pass(point, call)

    def arrive(self, call: Call) -> Generator[Wait, None, None]:
        """Have a call pass its arrival; if that decides it, its answer too. Raises the outcome."""
        if not self.observers:
            return
        try:
            yield from self._pass("arrival", call)
        except GeneratorExit:
            call.is_decided = True
            raise
        except Exception as error:
            yield from self._refuse(call, error)
            raise

    def apply(self, call: Call, effect: Effect | None) -> None:
        """Note that the upstream has carried out a call, with that effect."""
        call.at = self.clock.now()
        call.effect = effect
        call.is_decided = True

    def refuse(self, call: Call, error: Exception) -> Waits:
        """Have a call that the upstream has not carried out pass its answer."""
        call.at = self.clock.now()
        yield from self._refuse(call, error)

    def note_tail(self, operation: Operation, seq_num: int) -> None:
        """Remember how far the stream of an operation goes, as an answer tells."""
        place = (operation.basin, operation.stream)
        if seq_num > self.tails.get(place, 0):
            self.tails[place] = seq_num

    def waits_at_tail(self, operation: Operation) -> bool:
        """True for a read of one batch that waits for a record, as far as the tail is known."""
        if not isinstance(operation, Read) or operation.is_session or not operation.wanted.wait:
            return False
        wanted, tail = operation.wanted, self.tails.get((operation.basin, operation.stream), 0)
        if wanted.kind == "tail_offset":
            return wanted.start == 0 or not tail
        return wanted.kind == "seq_num" and wanted.start >= tail

    def readers(self, basin: str, stream: str) -> int:
        """Return the number of read sessions that follow at the tail of a stream."""
        with self.lock.mutex:
            following = self.sessions.following.get(self._places.get((basin, stream), 0))
        return 0 if following is None else following.count

    def follower(self, basin: str, stream: str) -> "Follower":
        """Return a read session of that stream, which does not follow at the tail yet."""
        with self.lock.mutex:
            number = self._places.setdefault((basin, stream), len(self._places) + 1)
        return Follower(self, number, stream)

    # Calls that are carried out late.

    def landed(self) -> Waits:
        """Wait until the postponed calls that are due were carried out."""
        return self._landing.waits()

    def _settle_call(self, postponed: PostponedCall, then: Moment) -> None:
        del then  # The upstream has its own time.
        self._landing.add(postponed.call, postponed.when_over)


class Follower:
    """A read session, counted among the followers of its stream once it is at the tail."""

    def __init__(self, engine: UpstreamEngine, number: int, stream: str) -> None:
        self._engine = engine
        self._number = number
        self._stream = stream
        self._following: Following | None = None

    def begin(self) -> None:
        """Count the session, if it was not counted yet."""
        if self._following is None:
            with self._engine.lock.mutex:
                self._following = self._engine.sessions.follow(self._number, self._stream)

    def end(self) -> None:
        """Count the session no more."""
        following, self._following = self._following, None
        if following is not None:
            with self._engine.lock.mutex:
                self._engine.sessions.unfollow(self._number, following)


class Landing:
    """The postponed calls that are due, which a thread carries out one after the other."""

    def __init__(self, engine: UpstreamEngine) -> None:
        self._engine: Final = engine
        self._lock = threading.Lock()
        self._calls: list[tuple[Call, WhenOver]] = []
        self._thread: threading.Thread | None = None
        self._wakes: list[Callable[[], None]] = []

    timeout: Final = None

    def add(self, call: Call, when_over: WhenOver) -> None:
        """Carry out a call soon. With the account's lock held."""
        with self._lock:
            self._calls.append((call, when_over))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._work, name="s2mock-landing", daemon=True
                )
                self._thread.start()

    def waits(self) -> Waits:
        """Wait until there is no call left."""
        while self._calls:
            yield self

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when there is no call left."""
        with self._lock:
            if self._calls:
                self._wakes.append(wake)
                return
        wake()

    def _work(self) -> None:
        while True:
            call, when_over = self._calls[0]
            error: Exception | None
            try:
                error = self._engine.land(call)
            except Exception as failed:  # noqa: BLE001  # the report says so
                error = failed
            with self._engine.lock.mutex:
                when_over(error)
            with self._lock:
                del self._calls[0]
                if self._calls:
                    continue
                self._thread = None
                wakes, self._wakes = self._wakes, []
            for wake in wakes:
                wake()
            return
