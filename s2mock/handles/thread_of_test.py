"""The thread that runs a test, as other threads see it: whether it waits for a server's answer.

Loaded only for a mock with `clock="auto"`.
"""

import os
import select
import selectors
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType, GetSetDescriptorType
from typing import Any, Final

# What a loop waits in without Python code that knows its sockets, as that of trio.
_PLAIN_SELECTORS: Final = tuple(
    kind for name in ("epoll", "kqueue") if isinstance(kind := getattr(select, name, None), type)
)
_SOME: Final = 1.0


class ThreadOfTest:
    """The thread that has made it; once that has ended, the main thread."""

    def __init__(self) -> None:
        self._thread = threading.current_thread()

    @property
    def is_current(self) -> bool:
        """True in this thread."""
        return threading.current_thread() is self._found

    def timeouts(self, ports: set[int]) -> list[float | None]:
        """Return the timeouts with which it waits for data from these ports, None for no timeout.

        It waits if it is in a call that blocks on a client's socket, or in an event loop that has
        one. Where a loop does not tell its timeout, that is some number.
        """
        frame = sys._current_frames().get(self._found.ident or 0)  # noqa: SLF001  # the public way
        return [] if frame is None or self.is_current else list(_timeouts(frame, ports))

    @property
    def _found(self) -> threading.Thread:
        return self._thread if self._thread.is_alive() else threading.main_thread()


def _timeouts(frame: FrameType, ports: set[int]) -> Iterator[float | None]:
    names = frame.f_locals
    values = [*names.values(), *_attributes(names.get("self"))]
    # By their types: `isinstance` asks an object that wraps another, such as a lazy one of Django,
    # for its class, which would run code of the test in this thread.
    has_selector = False
    for value in values:
        kind = type(value)
        if issubclass(kind, socket.socket):
            # A thread that waits for data has read what there was.
            if _peer_port(value) in ports and not _has_data(value):
                yield value.gettimeout()
        elif issubclass(kind, selectors.BaseSelector):
            has_selector = True
            if _has_client(value, ports):
                timeout = names.get("timeout")
                yield None if timeout is None or timeout < 0 else timeout
    if not has_selector and any(map(_is_silent_loop, values)) and _has_loop_client(ports):
        yield _SOME


def _attributes(owner: object) -> list[Any]:
    """Return the attributes of an object, without running code of its own."""
    for base in type(owner).__mro__:
        # Of a class of the test it may also be a property.
        found = vars(base).get("__dict__")
        if isinstance(found, GetSetDescriptorType):
            return list(found.__get__(owner).values())
    return []


def _is_silent_loop(value: object) -> bool:
    """True for a running loop, or what one waits in, that does not tell its sockets: uvloop."""
    kind = type(value)
    if issubclass(kind, _PLAIN_SELECTORS):
        return True
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or not issubclass(kind, asyncio.AbstractEventLoop):
        return False
    return not issubclass(kind, asyncio.BaseEventLoop) and bool(value.is_running())  # type: ignore[attr-defined]


def _has_client(selector: selectors.BaseSelector, ports: set[int]) -> bool:
    """True if a socket in the selector is connected to one of the ports."""
    return any(_is_client(key.fd, ports) for key in list((selector.get_map() or {}).values()))


def _has_loop_client(ports: set[int]) -> bool:
    """True if a socket of this process that does not block is connected to one of the ports."""
    with suppress(OSError):
        for path in Path("/dev/fd").iterdir():
            with suppress(OSError):
                if not os.get_blocking(int(path.name)) and _is_client(int(path.name), ports):
                    return True
    return False


def _is_client(descriptor: int, ports: set[int]) -> bool:
    """True if a descriptor is that of a socket that is connected to one of the ports."""
    try:
        # Neither copied nor closed: that would end the locks of a file by this number.
        borrowed = socket.socket(fileno=descriptor)
    except (OSError, ValueError):
        return False
    try:
        return _peer_port(borrowed) in ports
    finally:
        borrowed.detach()


def _peer_port(client: socket.socket) -> int | None:
    try:
        peer: Any = client.getpeername()
    except OSError:
        return None
    return peer[1] if isinstance(peer, tuple) else None


def _has_data(client: socket.socket) -> bool:
    """True if data has arrived that was not read yet, or the end of the connection."""
    poll = select.poll()
    try:
        poll.register(client, select.POLLIN)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True
