"""A gate: operations wait at it until somebody opens it."""

import threading
from collections.abc import Callable, Generator
from typing import Final

from s2mock.powers.outcomes import Dropped
from s2mock.runtime.conversation import Wait
from s2mock.runtime.fork_locks import Rank, take_at_fork


class Gate:
    """A wait without an end of its own: it ends when the gate is opened.

    `advice` is for a call that waits in the only thread that could open it.
    """

    timeout: Final = None

    def __init__(self, advice: str) -> None:
        self.advice = advice
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        self._wakes: list[Callable[[], None]] = []
        self._is_open = False
        self._drops = False

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when it is opened."""
        with self._lock:
            self._wakes.append(wake)
            is_open = self._is_open
        if is_open:
            wake()

    def open(self, *, drops: bool = False) -> None:
        """Let all go on; with `drops`, let all end. What was done first counts."""
        with self._lock:
            if self._is_open:
                return
            self._is_open, self._drops = True, drops
            wakes, self._wakes = self._wakes, []
        for wake in wakes:
            wake()

    def pass_through(self) -> Generator[Wait, None, None]:
        """Wait until it is open. Raises `Dropped` where it was opened for that."""
        while not self._is_open:
            yield self
        if self._drops:
            raise Dropped
