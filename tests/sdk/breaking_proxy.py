"""A TCP proxy that breaks one connection at a chosen place, as a network does.

It knows of HTTP only where a head ends and where an HTTP/2 frame ends. The place is one of an
append, whose record is the marker, or of a read.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import urlsplit

from tests.ports import unused_port

MARKER = b"batch-1"
"""The body whose append is broken."""

FIRST_LATE_RECORD = b"record-3"
"""The body of the record that a broken read does not deliver."""

DELAY = 0.2
"""The seconds by which a delayed request or response is late."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS = 0, 1
_END_STREAM = 1


@dataclass(frozen=True)
class Break:
    """A place, and what happens there, once.

    `request`: before the request is passed on. `answer`: when the server has carried it out, and
    nothing of its response was passed on. A number: after that number of bytes of the body
    of the response. `record`: before the frame with `FIRST_LATE_RECORD`.

    After `silence`, a half-open link, nothing is passed on to the client any more. The server gets
    all that the client sends.
    """

    place: Literal["request", "answer", "record"] | int
    action: Literal["fin", "rst", "silence", "delay", "slow", "late"]


@dataclass
class Unit:
    """A part of what is sent: an HTTP/2 frame, or the head of HTTP/1.1, or a piece of its body."""

    head: bytes
    body: bytes
    is_head: bool = False
    is_last: bool = False

    @property
    def data(self) -> bytes:
        return self.head + self.body


class Parser:
    """Divides what one side sends into units."""

    def __init__(self) -> None:
        self.is_http2 = False
        self.is_in_body = False
        self._begun = b""

    def feed(self, data: bytes) -> Iterator[Unit]:
        self._begun += data
        if self._begun.startswith(_PREFACE):
            self.is_http2 = True
            self._begun = self._begun.removeprefix(_PREFACE)
            yield Unit(_PREFACE, b"")
        while unit := self._frame() if self.is_http2 else self._part():
            yield unit

    def _frame(self) -> Unit | None:
        if len(self._begun) < 9:
            return None
        end = 9 + int.from_bytes(self._begun[:3], "big")
        if len(self._begun) < end:
            return None
        frame, self._begun = self._begun[:end], self._begun[end:]
        kind, flags = frame[3], frame[4]
        if kind == _DATA:
            return Unit(frame[:9], frame[9:], is_last=bool(flags & _END_STREAM))
        return Unit(frame, b"", is_head=kind == _HEADERS)

    def _part(self) -> Unit | None:
        if not self._begun:
            return None
        if self.is_in_body:
            part, self._begun = self._begun, b""
            return Unit(b"", part)
        head, end, rest = self._begun.partition(b"\r\n\r\n")
        if not end:
            return None
        self._begun, self.is_in_body = rest, True
        return Unit(head + end, b"", is_head=True)


@dataclass(eq=False)
class Link:
    """A connection of a client, and the one to the server that belongs to it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server_reader: asyncio.StreamReader
    server_writer: asyncio.StreamWriter
    up: Parser = field(default_factory=Parser)
    down: Parser = field(default_factory=Parser)
    is_target: bool = False
    is_silent: bool = False
    is_slow: bool = False
    passed: int = 0


class _End(Exception):
    """The connection ends here; the argument is the action."""


class BreakingProxy:
    """Passes everything on, and breaks one connection at one place."""

    def __init__(self, url: str, place: Break | None, *, is_read: bool) -> None:
        self._to = urlsplit(url)
        self._break = place
        self._is_read = is_read
        self._server: asyncio.Server | None = None
        self._port = unused_port()
        self._stop = asyncio.Event()
        self._links: set[asyncio.Task[None]] = set()
        self._kept: tuple[asyncio.StreamWriter, bytes] | None = None
        self.is_broken = False
        self.url = f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        if self._kept is not None:
            await _close(self._kept[0])

    async def listen(self) -> None:
        """Accept connections."""
        self._stop = asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def close(self) -> None:
        """Refuse new connections, and end those that are open."""
        assert self._server is not None
        self._server.close()
        self._stop.set()
        if self._links:
            await asyncio.wait(tuple(self._links))

    async def land(self) -> None:
        """Pass the request on that was kept back."""
        assert self._kept is not None
        writer, data = self._kept
        writer.write(data)
        await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        server = await asyncio.open_connection(self._to.hostname, self._to.port)
        link = Link(reader, writer, *server)
        ways = [asyncio.create_task(way(link)) for way in (self._pass_up, self._pass_down)]
        stop = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait([*ways, stop], return_when=asyncio.FIRST_COMPLETED)
        errors = [way.exception() for way in ways if way in done]
        action = next((str(error) for error in errors if isinstance(error, _End)), "fin")
        for way in (*ways, stop):
            way.cancel()
        await asyncio.gather(*ways, stop, return_exceptions=True)
        if action == "rst":
            own = writer.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        await _close(writer)
        if action != "late":
            await _close(link.server_writer)
        self._links.discard(task)

    @property
    def _is_armed(self) -> bool:
        return self._break is not None and not self.is_broken

    async def _pass_up(self, link: Link) -> None:
        while data := await link.reader.read(65536):
            for unit in link.up.feed(data):
                if self._is_armed and self._is_marked(unit):
                    await self._meet_request(link, unit)
                link.server_writer.write(unit.data)
            await link.server_writer.drain()

    def _is_marked(self, unit: Unit) -> bool:
        return unit.is_head if self._is_read else MARKER in unit.data

    async def _meet_request(self, link: Link, unit: Unit) -> None:
        assert self._break is not None
        if self._break.action == "late":
            self.is_broken = True
            data = unit.data
            if link.up.is_http2 and not unit.is_last:
                # The request ends with it, if it is not one of a session.
                data += b"\0\0\0" + bytes([_DATA, _END_STREAM]) + data[5:9]
            self._kept = link.server_writer, data
            raise _End("late")
        link.is_target = True
        # Over HTTP/1.1 the body of the response before it has been read.
        link.down.is_in_body = False
        if self._break.place == "request":
            await self._act(link)

    async def _pass_down(self, link: Link) -> None:
        # A server has no preface, so the client's side knows the protocol.
        while data := await link.server_reader.read(65536):
            link.down.is_http2 = link.up.is_http2
            for unit in link.down.feed(data):
                await self._answer(link, unit)
            await link.writer.drain()

    async def _answer(self, link: Link, unit: Unit) -> None:
        if self._is_armed and link.is_target and (unit.is_head or unit.body):
            assert self._break is not None
            place = self._break.place
            if isinstance(place, int):
                left = place - link.passed
                link.passed += len(unit.body)
                if left < len(unit.body):
                    link.writer.write(unit.head + unit.body[:left])
                    await self._act(link)
            elif place == "answer" or (place == "record" and FIRST_LATE_RECORD in unit.body):
                await self._act(link)
        if link.is_silent:
            return
        if not link.is_slow:
            link.writer.write(unit.data)
            return
        for byte in unit.data:
            link.writer.write(bytes([byte]))
            await link.writer.drain()

    async def _act(self, link: Link) -> None:
        assert self._break is not None
        self.is_broken = True
        match self._break.action:
            case "silence":
                link.is_silent = True
            case "slow":
                link.is_slow = True
            case "delay":
                await asyncio.sleep(DELAY)
            case action:
                await link.writer.drain()
                raise _End(action)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
