"""Conversations for the server's own tests: small, and without S2."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from s2mock.runtime.conversation import READ, Conversation, Head
from s2mock.server.server import Server
from tests.server.shapes import READING

Environ = dict[str, Any]

TEXT = ("content-type", "text/plain")


def like_the_reference(environ: Environ) -> Conversation:
    """Answers as the reference server does where it is not about HTTP."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if method == "OPTIONS":
        yield Head(200, [], b"")
    elif path == "/health":
        yield Head(200 if method in ("GET", "HEAD") else 405, [TEXT], b"OK")
    elif path == READING.decode():
        try:
            while (yield READ):
                pass
        except ConnectionAbortedError:
            pass
        yield Head(400, [TEXT], b"not what was expected")
    else:
        yield Head(404, [], b"")


@contextmanager
def serving(application: Callable[[Environ], Conversation], **options: Any) -> Iterator[Server]:
    """A server for as long as the context lasts."""
    server = Server(application, **options)
    try:
        yield server
    finally:
        server.stop()


class Gate:
    """A wait that ends when a test says so."""

    def __init__(self, timeout: float | None = None) -> None:
        self.timeout = timeout
        self.entered = threading.Event()
        self._wakes: list[Callable[[], None]] = []

    def subscribe(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)
        self.entered.set()

    def open(self) -> None:
        """Let every waiter go on."""
        for wake in self._wakes:
            wake()
