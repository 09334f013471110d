"""The contract suite's clients, watched: every exchange that they make is noted."""

import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from typing import Any, NamedTuple

from s2mock.contract.client import Client
from s2mock.contract.exchange import Call, Reply, observed_end
from s2mock.contract.sessions import Session

# What a connection adds to a request by itself, and what no recording may hold.
_NOT_RECORDED = ("authorization", "content-length", "host", "transfer-encoding")
# How long a session may go on after its test has left it, in seconds.
_PATIENCE = 0.3
_NOT_KEPT = ("date",)


class Observed(NamedTuple):
    """One exchange, begun and ended at these times in nanoseconds since the Unix epoch."""

    begun: int
    ended: int
    call: Call
    reply: Reply


Note = Callable[[Observed], None]
# Says why what is going on now cannot be recorded.
Refuse = Callable[[str], None]


class ObservedConnection(HTTPConnection):
    """A connection that notes each exchange when its response has been read."""

    _held: bytes | None = None

    def __init__(self, netloc: str, *, timeout: float, note: Note, refuse: Refuse) -> None:
        super().__init__(netloc, timeout=timeout)
        self._note, self._refuse = note, refuse

    def putrequest(self, method: str, url: str, **options: Any) -> None:
        self._begun = now()
        self._asked = (method, url)
        self._fields: list[tuple[str, str]] = []
        self._sent: bytes | None = None
        super().putrequest(method, url, **options)

    def putheader(self, header: Any, *values: Any) -> None:
        for value in values:
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            self._fields.append((str(header).lower(), text))
        super().putheader(header, *values)

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)
        else:
            self._held += data

    def endheaders(self, message_body: Any = None, **options: Any) -> None:
        self._sent = message_body
        if message_body is None and any(name == "transfer-encoding" for name, _ in self._fields):
            self._refuse("a body in chunks")
        # In one piece: how it is answered must not depend on when its body comes.
        self._held = b""
        super().endheaders(message_body, **options)
        held, self._held = self._held, None
        self.send(held)

    def getresponse(self) -> HTTPResponse:
        # The library closes its own as soon as it has the last answer.
        with self.sock.dup() as watched:
            response = super().getresponse()
            closes, body = response.will_close, response.read()
            ended = now()
            end = observed_end(watched, closes=closes)
        fields = {name: value for name, value in self._fields if name not in _NOT_RECORDED}
        if len(fields) < sum(name not in _NOT_RECORDED for name, _ in self._fields):
            self._refuse("a header twice")
        call = Call(*self._asked, fields, self._sent)
        reply = Reply(response.status, kept(response.getheaders()), body, end)
        self._note(Observed(self._begun, ended, call, reply))
        # To be read again, by the caller.
        response.fp, response.length, response.chunked = io.BytesIO(body), len(body), False
        return response


class ObservedSession(Session):
    """A session that is noted if its response was read to the end."""

    note: Note
    refuse: Refuse

    def __init__(
        self,
        client: Client,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body_open: bool = False,
        **options: Any,
    ) -> None:
        self._begun = time.time_ns()
        fields = {name.lower(): value for name, value in (headers or {}).items()}
        basin = {} if client.basin is None else {"s2-basin": client.basin}
        self._asked = (method, path, basin | fields)
        self._sent = b"" if body_open else None
        self._is_complete = False
        self._is_open = body_open
        super().__init__(client, method, path, headers=headers, body_open=body_open, **options)

    def send(self, data: bytes) -> None:
        self._sent = (self._sent or b"") + data
        super().send(data)

    def half_close(self) -> None:
        self._is_open = False
        super().half_close()

    def close(self) -> None:
        if not self._is_complete:
            # Brought to an end where it comes to one by itself.
            with suppress(OSError, AssertionError):
                if self._is_open:
                    self.half_close()
                self._socket.settimeout(_PATIENCE)
                self.rest()
        if not self._is_complete:
            self._is_complete = True
            type(self).refuse("a session that is left before its end")
        super().close()

    def _read_body(self) -> Iterator[bytes]:
        body = b""
        for piece in super()._read_body():
            body += piece
            yield piece
        self._is_complete = True
        method, path, fields = self._asked
        # How it ends is not observed: that depends on what of the request is still to come.
        reply = Reply(self.status, kept(self.headers.items()), body)
        call = Call(method, path, fields, self._sent)
        type(self).note(Observed(self._begun, now(), call, reply))


def now() -> int:
    """Nanoseconds since the Unix epoch."""
    return time.time_ns()


def kept(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers that are recorded, their names in lower case."""
    lower = ((name.lower(), value) for name, value in headers)
    return tuple((name, value) for name, value in lower if name not in _NOT_KEPT)
