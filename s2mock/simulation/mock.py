"""An account in a simulated world, as the test holds it."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from s2mock.handles.mock import S2Mock
from s2mock.powers import teardown_report
from s2mock.powers.errors import raise_at_end
from s2mock.powers.journal import Journal
from s2mock.simulation.server import WorldServer
from s2mock.simulation.tape import TapeRandom

if TYPE_CHECKING:
    from s2mock.server.loop_server import LoopServer

# The journal of the latest world that has failed, for the report of its test: shrinking a failure
# runs hundreds of such worlds.
_latest_failed: list[Journal] = []


class WorldMock(S2Mock):
    """An account that is reached in a world alone: it has no thread, and no socket of the system.

    `start_s2` makes it. A fork of it has no URL before `await fork.serve(host=..., port=...)`.
    """

    def __init__(self, **options: Any) -> None:
        # Set first: what follows may need them.
        self._world_url: str | None = None
        self._loop = asyncio.get_running_loop()
        # Of the world itself, not of a host, whose callbacks end when it crashes.
        self._outside = contextvars.copy_context()
        super().__init__(**options)
        sessions = self._engine.sessions
        sessions.make_random = TapeRandom
        sessions.random = TapeRandom()
        self._powers.call_hook_soon = self._call_soon
        if (injector := self._powers.used_injector) is not None:
            injector.hook_calls.call_soon = self._call_soon

    def __repr__(self) -> str:
        number = len(self.basins)
        where = self._world_url or "no URL"
        return f"<S2Mock in a world at {where} with {number} basin{'' if number == 1 else 's'}>"

    @property
    def url(self) -> str:
        """The base URL of the server in the world. Raises `RuntimeError` without one."""
        return self._listen()

    async def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> "LoopServer":
        """Serve the account on a port of the host of the world on which the caller runs.

        Raises `ValueError` for port 0, since a world has no free ports to choose from, and
        `OSError` if the address is in use.
        """
        if not port:
            raise ValueError("port must be a number from 1 on in a simulation, as in port=80")
        return await super().serve(host=host, port=port)

    async def _start_loop_server(self, host: str, port: int) -> "LoopServer":
        server = await WorldServer.start(
            self._converse, host=host, port=port, on_error=self._report
        )
        self._world_url = server.url.removesuffix(":80")
        return server

    @property
    def is_closed(self) -> bool:
        """True once the mock has ended."""
        return self._is_closed

    def stop_servers(self) -> None:
        """End what a crash of the host has left of its servers."""
        self._connections.end_loop_servers()

    def end_world(self, *, has_failed: bool) -> None:
        """End the account with its world, whose run fails if a fault was never used."""
        if self._is_closed:
            return
        teardown_report.prepare_end(self._powers)
        injector = self._powers.used_injector
        if injector is not None and not has_failed:
            try:
                raise_at_end(injector.hook_calls.take_error(), injector.check())
            except Exception as error:  # noqa: BLE001  # of a hook: any
                self._report(error)
                has_failed = True
        if injector is not None:
            injector.end(has_failed=has_failed)
        if not has_failed:
            # One of hundreds of worlds that passed.
            teardown_report.forget(self._powers, has_failed=False)
        self.close()
        if has_failed:
            for earlier in _latest_failed:
                teardown_report.leave_out(earlier)
            _latest_failed[:] = [self._powers.journal]

    def _listen(self) -> str:
        if self._is_closed:
            raise RuntimeError("this S2Mock is closed, and has no URL any more")
        if self._world_url is None:
            raise RuntimeError(
                "this S2Mock is not served yet: call `await s2_mock.serve(host=..., port=80)` in "
                "the world"
            )
        return self._world_url

    def _make_mock(self, **options: Any) -> S2Mock:
        return WorldMock(**{"token": self.token, **options})

    def _call_soon(self, function: Callable[[], None]) -> None:
        self._loop.call_soon(function, context=self._outside)

    def _report(self, error: BaseException) -> None:
        """Have the run of the world fail with this error."""
        self._loop.call_exception_handler({"message": str(error), "exception": error})
