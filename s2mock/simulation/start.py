"""`start_s2`, which puts an account of S2 into a world of simloom."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, Final
from weakref import WeakKeyDictionary

import simloom

from s2mock.handles.mock import S2Mock
from s2mock.runtime import monotonic
from s2mock.runtime.arguments import check_host, check_port
from s2mock.runtime.clock import NANOSECONDS
from s2mock.runtime.loop_clock import LoopClock
from s2mock.simulation.mock import WorldMock

# 2024-01-01T00:00:00Z, as for a `ManualClock`, and in a world with a virtual wall clock.
_DEFAULT_START: Final = 1_704_067_200.0
_IMPOSSIBLE: Final = {
    "clock": "the clock of a simulation is that of its world",
    "tls": "simloom connects TLS to servers that hand it their certificate alone: use http://",
    "control": "the control API is for other processes, which cannot reach a world",
    "upstream": "an upstream is reached by sockets of the operating system",
    "upstream_token_env": "an upstream is reached by sockets of the operating system",
    "basin_prefix": "a prefix is for an upstream, which no world can reach",
    "listening": "a server with its own thread cannot be in a world",
}


async def start_s2(
    world: simloom.World, *, host: str = "s2.test", port: int = 80, **options: Any
) -> S2Mock:
    """Return an account of S2 that a host of the world serves, HTTP/1.1 and HTTP/2.

    `s2_mock.url` is its URL in the world, and `s2_mock.token` is `"s2mock"` if no token is given.
    `world.host(host)` is the host that it runs on, for partitions and latencies. When that host
    crashes, its connections end; after `restart()` it serves again, with all that was
    acknowledged. `options` are those of `S2Mock`. The account's time is the world's, and what is
    random is drawn from the tape. It ends with the world, whose run fails if a fault that was
    injected was never used.

    Raises `TypeError` for a world that is none, `ValueError` for an option that has no meaning in
    a simulation, `OSError` if the address is in use, and `RuntimeError` outside of the world.
    """
    if not isinstance(world, simloom.World):
        raise TypeError(f"world must be the World that simloom gives to a test, not {world!r}")
    for name, reason in _IMPOSSIBLE.items():
        if name in options:
            raise ValueError(f"{name} cannot be used in a simulation: {reason}")
    check_host(host)
    check_port(port)
    if not port:
        raise ValueError("port must be a number from 1 on in a simulation, as in port=80")
    loop = asyncio.get_running_loop()
    if not isinstance(loop, simloom.SimLoop):
        raise RuntimeError("start_s2() was called outside of a run of simloom")
    mock = await _inhabitants_of(world, loop).add(options)
    ready: asyncio.Future[None] = loop.create_future()

    async def listen() -> None:
        """Serve on the host, from its start on, and again from each restart on."""
        if mock.is_closed:
            return
        mock.stop_servers()
        try:
            await mock.serve(host=host, port=port)
        except OSError as error:
            if ready.done():
                raise
            ready.set_exception(error)
        else:
            if not ready.done():
                ready.set_result(None)

    world.host(host).spawn(listen, name=f"{host}/s2mock")
    try:
        await ready
    except OSError:
        mock.close()
        raise
    return mock


class _Inhabitants:
    """The accounts of one world, which end with it."""

    def __init__(self, loop: simloom.SimLoop) -> None:
        self._loop = loop
        self._mocks: list[WorldMock] = []
        self._starter = asyncio.current_task()
        self._end = self._wait_for_end()
        monotonic.replace_in_this_thread(loop.time, loop.is_closed)

    async def add(self, options: dict[str, Any]) -> WorldMock:
        """Make an account of the world."""
        if not self._mocks:
            # Begin it: the world closes generators that have begun after all of its tasks.
            await anext(self._end)
        given = {"token": "s2mock", "clock": LoopClock(self._loop, self._start()), **options}
        mock = WorldMock(**given)
        self._mocks.append(mock)
        return mock

    def _start(self) -> int:
        """Return the date of the world now, in nanoseconds since the Unix epoch."""
        # The wall clock of the world is virtual if simloom has replaced that of Python.
        is_virtual = time.monotonic == self._loop.time
        now = time.time() if is_virtual else _DEFAULT_START + self._loop.time()
        return round(now * 1_000_000) * (NANOSECONDS // 1_000_000)

    async def _wait_for_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            has_failed = self._has_failed()
            for mock in self._mocks:
                mock.end_world(has_failed=has_failed)
            monotonic.restore()
            # What serves an account refers to its world.
            self._mocks.clear()

    def _has_failed(self) -> bool:
        """True if it is known that the run of the world has failed."""
        # Only of its main task: to ask another one for its exception would hide that.
        task = self._starter
        is_main = task is not None and task.get_name() == "task-0"
        if task is None or not is_main or not task.done():
            return False
        return task.cancelled() or task.exception() is not None


_worlds: Final[WeakKeyDictionary[simloom.World, _Inhabitants]] = WeakKeyDictionary()


def _inhabitants_of(world: simloom.World, loop: simloom.SimLoop) -> _Inhabitants:
    if (found := _worlds.get(world)) is None:
        found = _worlds[world] = _Inhabitants(loop)
    return found
