"""Two generators of steps as one: the batches of a client, and the acknowledgements of them.

An append session is in full duplex: a client may send a thousand batches before it reads, and gets
an acknowledgement while it sends nothing. A conversation is one generator, so this takes turns.
"""

from collections.abc import Callable, Generator
from typing import Any, Final, NamedTuple, cast

from s2mock.api.session import Piece, Pieces
from s2mock.runtime.conversation import READ, ReadUnless, Step, Wait
from s2mock.runtime.monotonic import monotonic


class Until(NamedTuple):
    """Ask to go on once `is_met()` is true, which the other half of the session changes."""

    is_met: Callable[[], bool]


Inbound = Generator[Step | Until, Any, None]


class _Part:
    """One wait of a half, of which the other half does not have to be woken."""

    def __init__(self, wait: Wait, wake_all: Callable[[], None]) -> None:
        self._is_woken = False
        self._wake_all = wake_all
        timeout = wait.timeout
        self.due: Final = None if timeout is None else monotonic() + timeout
        wait.subscribe(self._wake)

    def is_met(self) -> bool:
        """True if the wait is over."""
        return self._is_woken or (self.due is not None and monotonic() >= self.due)

    def _wake(self) -> None:
        self._is_woken = True
        self._wake_all()


class _Half:
    """One of the generators, and what it waits for."""

    def __init__(self, steps: Generator[Any, Any, None]) -> None:
        self.steps = steps
        self.is_over = False
        self.is_reading = False
        self.waiting: Until | _Part | None = None
        # What it is resumed with.
        self.value: Any = None
        self.error: Exception | None = None

    @property
    def goes_on(self) -> bool:
        """True if it can be resumed."""
        if self.is_over or self.is_reading:
            return False
        return self.waiting is None or self.waiting.is_met()

    def advance(self) -> Any:
        """Resume it, and return its next step; None at its end."""
        value, error = self.value, self.error
        self.value = self.error = self.waiting = None
        try:
            return self.steps.send(value) if error is None else self.steps.throw(error)
        except StopIteration:
            self.is_over = True
            return None


class Duplex:
    """A session of two halves, and the wait for both of them.

    The end of `outbound` is that of the session; an exception of either is raised.
    """

    is_network: Final = True
    """Marks it as a wait for the upstream, not for a change of the account."""

    def __init__(self, inbound: Inbound, outbound: Pieces) -> None:
        self._inbound = _Half(inbound)
        self._outbound = _Half(outbound)
        self._wake: Callable[[], None] | None = None

    # As a `Wait`.

    @property
    def timeout(self) -> float | None:
        """The seconds until the earlier of both waits is over."""
        parts = (self._inbound.waiting, self._outbound.waiting)
        dues = [part.due for part in parts if isinstance(part, _Part) and part.due is not None]
        return max(0.0, min(dues) - monotonic()) if dues else None

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when one of both waits is over."""
        self._wake = wake
        if self._inbound.goes_on or self._outbound.goes_on:
            wake()

    def _wake_all(self) -> None:
        if (wake := self._wake) is not None:
            wake()

    def pieces(self) -> Pieces:
        """Yield the pieces and steps of both halves."""
        inbound, outbound = self._inbound, self._outbound
        try:
            while True:
                yield from self._run(outbound)
                if outbound.is_over:
                    return
                if inbound.goes_on:
                    yield from self._run(inbound)
                elif not outbound.goes_on:
                    yield from self._wait(inbound)
        finally:
            inbound.steps.close()
            outbound.steps.close()

    def _run(self, half: _Half) -> Pieces:
        """Run a half until it waits, reads, or ends."""
        while half.goes_on:
            step = half.advance()
            if step is READ:
                half.is_reading = True
            elif isinstance(step, Until):
                half.waiting = step
            elif hasattr(step, "subscribe"):
                half.waiting = _Part(cast("Wait", step), self._wake_all)
            elif not half.is_over:
                try:
                    half.value = yield cast("Piece | Step", step)
                except Exception as error:  # noqa: BLE001  # it is for the half
                    half.error = error

    def _wait(self, inbound: _Half) -> Pieces:
        """Wait for either half, and read for the first if it reads."""
        if not inbound.is_reading:
            yield self
            return
        try:
            data = yield ReadUnless(self)
        except ConnectionAbortedError as error:
            inbound.is_reading, inbound.error = False, error
        else:
            if data is not None:
                inbound.is_reading, inbound.value = False, data
