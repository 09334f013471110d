"""Observers at the points of operations, which can make operations wait."""

import threading
from collections.abc import Callable
from typing import Any

from s2mock import S2Mock
from s2mock.registry.operation import Call, Point, Waits

POINTS: tuple[Point, ...] = ("arrival", "commit", "answer")


class Gate:
    """An event for which an observer waits until a test sets it."""

    timeout: float | None = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakes: list[Callable[[], None]] = []
        self.opened = False
        self.reached = threading.Event()

    def subscribe(self, wake: Callable[[], None]) -> None:
        with self._lock:
            self._wakes.append(wake)
            opened = self.opened
        self.reached.set()
        if opened:
            wake()

    def open(self) -> None:
        with self._lock:
            self.opened = True
            wakes = [*self._wakes]
        for wake in wakes:
            wake()


class Toy:
    """An observer that notes all operations, and can hold or fail one at a point."""

    def __init__(self, mock: S2Mock) -> None:
        self.mock = mock
        self.passed: list[tuple[Point, str]] = []
        self.calls: list[Call] = []
        self.doing: dict[tuple[Point, str], Callable[[Call], Waits]] = {}
        mock.account.engine.observers = (*mock.account.engine.observers, self)

    def at(self, point: Point, call: Call) -> Waits | None:
        # The lock is held at `commit`, and at no other point.
        assert self.mock.account.engine.lock.is_held == (point == "commit")
        name = call.operation.name
        self.passed.append((point, name))
        if call not in self.calls:
            self.calls.append(call)
        do = self.doing.get((point, name))
        return None if do is None else do(call)

    def hold(self, point: Point, name: str) -> Gate:
        """Hold the next operation of that name until the gate is opened."""
        gate = Gate()

        def wait(_: Call) -> Waits:
            self.doing.pop((point, name), None)
            while not gate.opened:
                yield gate

        self.doing[point, name] = wait
        return gate

    def fail(self, point: Point, name: str, error: Exception) -> None:
        """Let every operation of that name fail."""

        def raise_it(_: Call) -> Waits:
            raise error
            yield

        self.doing[point, name] = raise_it


def in_a_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(call()), daemon=True)
    thread.start()
    return thread, answers
