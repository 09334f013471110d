"""Threads for calls that take long, started with the first such call."""

import logging
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_log = logging.getLogger("s2mock")

_MAX_THREADS = min(4, os.cpu_count() or 1)
# Seconds that `stop` waits for calls that are under way. Their results are not used.
_LAST_CALLS_SECONDS = 1.0

Done = Callable[[Any, BaseException | None], object]


class Workers:
    """A few threads, none before the first call. Only the loop's thread may use it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[tuple[Callable[[], Any], Done] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open_calls = 0
        self._stopped = False
        self._lock = threading.Lock()

    def submit(self, function: Callable[[], Any], done: Done) -> None:
        """Call the function in a thread, and then `done` there with its result or exception."""
        with self._lock:
            self._open_calls += 1
            is_short = self._open_calls > len(self._threads) < _MAX_THREADS
        self._calls.put((function, done))
        if is_short:
            name = f"{self._name}-worker-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        """Let each thread end after its present call, and do not wait for that."""
        self._stopped = True
        for _ in self._threads:
            self._calls.put(None)

    def stop(self) -> None:
        """Let each thread end after its present call, and wait for that a moment."""
        self.end()
        for thread in self._threads:
            thread.join(_LAST_CALLS_SECONDS)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None and not self._stopped:
            function, done = call
            result, error = None, None
            try:
                result = function()
            except BaseException as caught:  # noqa: BLE001  # raised again where it is awaited
                error = caught
            with self._lock:
                self._open_calls -= 1
            done(result, error)
            del call, function, done, result, error
