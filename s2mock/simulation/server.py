"""The server of an account in a world: no thread, and no callback that a host takes with it."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from s2mock.server.context import Context
from s2mock.server.loop_server import LoopServer
from s2mock.server.workers import Done, Workers


class LoopWorkers(Workers):
    """Workers without threads: each call is made by the loop, at a time that the tape decides."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        super().__init__("s2mock-world")
        self._loop = loop
        self._context = context

    def submit(self, function: Callable[[], Any], done: Done) -> None:
        """Have the loop call the function, and then `done` with its result or exception."""

        def call() -> None:
            result, error = None, None
            try:
                result = function()
            except BaseException as caught:  # noqa: BLE001  # raised again where it is awaited
                error = caught
            done(result, error)

        self._loop.call_soon(call, context=self._context)


class WorldContext(Context):
    """What the connections of a server in a world share.

    A loop of a world forgets the callbacks of a host that crashes. Those of the server belong to
    the server's host, also if a call of another host causes them.
    """

    def __init__(
        self,
        application: Any,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        *arguments: Any,
    ) -> None:
        del workers
        self._home = contextvars.copy_context()
        super().__init__(application, loop, LoopWorkers(loop, self._home), *arguments)

    def call_from_any_thread(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call the function in a later turn of the loop; do nothing if the loop is closed."""
        if not self.loop.is_closed():
            self.loop.call_soon(function, *arguments, context=self._home)


class WorldServer(LoopServer):
    """A server on a port of a host of a world."""

    _make_context: type[Context] = WorldContext
