"""The gate for a server's output: no byte leaves before the changes that it may show are safe.

A log of changes is synced once for all requests that have arrived. A sync is in a thread, so that
the loop goes on, unless the disk is so quick that a thread would cost more.
What connections write until then is held back, each of it: an answer to the change itself, or to
another client that has seen it.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from s2mock.server.connection import Connection, Recognise
from s2mock.server.context import Context
from s2mock.server.workers import Workers

Buffer = bytes | bytearray | memoryview


class SyncedLog(Protocol):
    """A log that is written to by any thread, as far as a server needs it."""

    written: int
    """The position behind all that was written."""
    synced: int
    """The position behind all that is safe."""
    is_quick: bool
    """True if the latest sync was so short that the loop may wait for the next one."""

    def sync(self) -> None:
        """Make safe all that was written before the call. Raises `OSError`."""


class OutputGate:
    """Lets output pass once the log is synced up to where it was when the output was written.

    It belongs to the loop's thread. After a sync that has failed, nothing passes any more.
    """

    def __init__(self, log: SyncedLog, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._log = log
        self._loop = loop
        self._workers = Workers(name)
        self._held: dict[GatedTransport, None] = {}
        # True from the first output that is held until a sync has let all of it pass.
        self._is_closed = False
        # What the next sync waits for: a turn of the loop in which nothing was written behind this
        # position, but no longer than until a time of the loop.
        self._gathered = -1
        self._gather_until = 0.0
        # The beginning of the latest sync, and how long it took, in seconds.
        self._began = self._took = 0.0

    @property
    def is_open(self) -> bool:
        """True if all that was written to the log is safe."""
        return self._log.synced >= self._log.written

    @property
    def position(self) -> int:
        """The position behind all that was written to the log."""
        return self._log.written

    def hold(self, transport: "GatedTransport") -> None:
        """Let the output of a transport pass after the next sync."""
        self._held[transport] = None
        if not self._is_closed:
            self._is_closed = True
            self._gather()

    def stop(self) -> None:
        """Sync nothing more."""
        self._workers.end()

    def _gather(self) -> None:
        """Sync soon, once for all requests that are there by now.

        That they wait for each other takes no longer than a sync of its own would.
        """
        # The requests that have arrived are read in the next turn, after `_sync` is called in it.
        self._gathered = -1
        self._gather_until = self._loop.time() + self._took
        self._loop.call_soon(self._sync)

    def _sync(self) -> None:
        """Sync, or wait another turn of the loop if something was written in the latest one."""
        if self._gathered != self._log.written and self._loop.time() < self._gather_until:
            self._gathered = self._log.written
            self._loop.call_soon(self._sync)
            return
        self._began = self._loop.time()
        if not self._log.is_quick:
            self._workers.submit(self._log.sync, self._is_synced)
            return
        failure: BaseException | None = None
        try:
            self._log.sync()
        except Exception as error:  # noqa: BLE001  # nothing passes after any of them
            failure = error
        self._pass(failure)

    def _is_synced(self, _: Any, error: BaseException | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._pass, error)
        except RuntimeError:
            return  # the server has ended

    def _pass(self, error: BaseException | None) -> None:
        """Let pass what is safe now, and sync again if anything is not."""
        self._took = self._loop.time() - self._began
        held, self._held = self._held, {}
        if error is not None:
            for transport in held:
                transport.lose()
            return
        position = self._log.synced
        for transport in held:
            if not transport.let_pass(position):
                self._held[transport] = None
        if self._held:
            self._gather()
        else:
            self._is_closed = False


class GatedTransport(asyncio.Transport):
    """A transport whose output passes a gate."""

    def __init__(
        self, transport: asyncio.Transport, gate: OutputGate, connection: "GatedConnection"
    ) -> None:
        super().__init__()
        self._transport = transport
        self._gate = gate
        self._connection = connection
        # What is held, and the position of the log to wait for.
        self._held: deque[tuple[int, list[Buffer]]] = deque()
        self._held_bytes = 0

    @property
    def is_holding(self) -> bool:
        """True if output is held."""
        return bool(self._held)

    def write(self, data: Buffer) -> None:
        """Send the bytes, once they may pass."""
        if not self._held and self._gate.is_open:
            self._transport.write(data)
        else:
            self._hold([data])

    def writelines(self, list_of_data: Iterable[Buffer]) -> None:
        """Send several pieces, once they may pass."""
        if not self._held and self._gate.is_open:
            self._transport.writelines(list_of_data)
        else:
            self._hold([*list_of_data])

    def _hold(self, data: list[Buffer]) -> None:
        self._held.append((self._gate.position, data))
        self._held_bytes += sum(map(len, data))
        self._gate.hold(self)

    def let_pass(self, position: int) -> bool:
        """Send what had to wait for up to that position; return True if nothing more is held."""
        held = self._held
        passing: list[Buffer] = []
        while held and held[0][0] <= position:
            passing += held.popleft()[1]
        if passing and not self._transport.is_closing():
            self._held_bytes -= sum(map(len, passing))
            self._transport.writelines(passing)
        if not held and not self._transport.get_write_buffer_size():
            self._connection.resume_writing()
        return not held

    def lose(self) -> None:
        """End the connection: what is held may not pass any more."""
        self._connection.abort()

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that are held, or that the system has not taken yet."""
        return self._held_bytes + self._transport.get_write_buffer_size()

    def abandon(self) -> None:
        """Close the descriptor in a forked child, and do nothing else."""
        below: Any = self._transport
        below.abandon()

    def abort(self) -> None:
        """Close the connection at once, without sending what is unsent."""
        self._held.clear()
        self._held_bytes = 0
        self._transport.abort()

    def is_closing(self) -> bool:
        """Return True if the connection is being closed or has been."""
        return self._transport.is_closing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the limits of the transport below."""
        self._transport.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport below knows, such as its socket."""
        return self._transport.get_extra_info(name, default)

    def write_eof(self) -> None:
        """Send the end of the output. Only called when nothing is unsent."""
        self._transport.write_eof()

    def pause_reading(self) -> None:
        """Leave input with the operating system until `resume_reading`."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read input again after `pause_reading`."""
        self._transport.resume_reading()


class GatedConnection(Connection):
    """A connection whose output passes a gate."""

    def __init__(self, context: Context, recognise: Recognise, gate: OutputGate) -> None:
        super().__init__(context, recognise)
        self._gate = gate

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a new connection."""
        below: Any = transport
        super().connection_made(GatedTransport(below, self._gate, self))

    def resume_writing(self) -> None:
        """Continue after all has been handed over, if nothing is held."""
        gated: Any = self.transport
        if not gated.is_holding:
            super().resume_writing()
