"""Dialogues over HTTP/1: the bytes to send, and the answers that the server must return.

A dialogue is a tuple of steps. Bytes are sent unchanged, except that `BASIN` in them is replaced.
A number, `Bare`, `Fault` or `Continued` is an answer to wait for. `Step` has the other steps.
"""

import enum
import json
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Self

from s2mock.contract import target_settings
from s2mock.contract.client import Client

# Replaced by the name of a basin that has the stream `s`.
BASIN: Final = b"{basin}"
# The account's own access token on a fake that requires one, as in `Client`.
AUTHORIZATION: Final = b"authorization: Bearer %b\r\n" % target_settings.token.encode()
_PROBE: Final = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
_WITHOUT_BODY: Final = (204, 304)


class Step(enum.Enum):
    """The steps other than bytes and answers."""

    # The client ends its side of the connection.
    HALF_CLOSE = enum.auto()
    # The server ends the connection, without another byte.
    CLOSED = enum.auto()
    # The server takes the next request, and answers it.
    OPEN = enum.auto()


class Bare(NamedTuple):
    """An answer of the HTTP server itself: no body, and the connection is closed after it."""

    status: int


class Fault(NamedTuple):
    """An error of S2 whose message starts with a text."""

    status: int
    code: str
    message: str = ""


class Head(NamedTuple):
    """An answer to a HEAD request."""

    status: int


class Reply(NamedTuple):
    """A received answer. Names of headers are in lower case."""

    version: str
    status: int
    headers: dict[str, str]
    body: bytes


Said = bytes | int | Bare | Fault | Head | Step


class Wire:
    """A connection of one dialogue. `timeout`, in seconds, bounds each wait for bytes."""

    def __init__(self, client: Client, *, timeout: float = 4.0) -> None:
        self._socket = client.open_socket(timeout=timeout)
        self._received = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._received.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes. It is no failure if the server has closed the connection."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(data)

    def half_close(self) -> None:
        """Close the sending side of the connection."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def reply(self, *, to_head: bool = False) -> Reply:
        """Return the next answer, also 100. Fails if the connection ends instead."""
        line = self._line()
        version, status, *_ = line.split(" ", 2)
        headers: dict[str, str] = {}
        while field := self._line():
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        if to_head or int(status) < 200 or int(status) in _WITHOUT_BODY:
            return Reply(version, int(status), headers, b"")
        return Reply(version, int(status), headers, self._body(headers))

    def ended(self) -> bool:
        """Wait for the end of the connection or for a byte; return True if the server ended it."""
        try:
            return self._received.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._line(), 16):
                body += self._received.read(size)
                assert self._line() == ""
            assert self._line() == ""
            return body
        if "content-length" in headers:
            return self._received.read(int(headers["content-length"]))
        return self._received.read()

    def _line(self) -> str:
        try:
            line = self._received.readline()
        except ConnectionError:
            line = b""
        except TimeoutError:
            raise AssertionError("no answer, and the connection is still there") from None
        assert line.endswith(b"\r\n"), f"the connection ended where an answer was due: {line!r}"
        return line[:-2].decode("latin-1")


def talk(client: Client, steps: Sequence[Said]) -> None:
    """Carry out the dialogue on a new connection. Raises `AssertionError`."""
    basin = (client.basin or "").encode()
    with Wire(client) as wire:
        for number, step in enumerate(steps, 1):
            try:
                _take(wire, step.replace(BASIN, basin) if isinstance(step, bytes) else step)
            except AssertionError as failure:
                failure.add_note(f"in step {number} of {len(steps)}: {step!r:.200}")
                raise


def _take(wire: Wire, step: Said) -> None:
    match step:
        case bytes():
            wire.send(step)
        case Step.HALF_CLOSE:
            wire.half_close()
        case Step.CLOSED:
            assert wire.ended(), "the connection stays open, or more was said on it"
        case Step.OPEN:
            wire.send(_PROBE)
            reply = wire.reply()
            assert (reply.status, reply.body) == (200, b"OK"), reply
        case _:
            _compare(wire.reply(to_head=isinstance(step, Head)), step)


def _compare(reply: Reply, expected: int | Bare | Fault | Head | Step) -> None:
    match expected:
        case int(status) | Head(status):
            assert reply.status == status, reply
        case Bare(status):
            assert reply.status == status, reply
            assert reply.body == b"", reply
            assert reply.headers.get("connection") == "close", reply
        case Fault(status, code, message):
            assert reply.status == status, reply
            document = json.loads(reply.body)
            assert document["code"] == code, reply
            assert document["message"].startswith(message), reply
