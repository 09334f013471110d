"""The steps of a conversation with the upstream: its client's body goes on, the answer comes."""

from collections.abc import Callable, Generator
from typing import Any, Final

from s2mock.registry.operation import Dropped
from s2mock.runtime.conversation import ReadUnless, Reset, Step
from s2mock.runtime.monotonic import monotonic
from s2mock.upstream.errors import UpstreamFailed
from s2mock.upstream.exchange import Broken, Event, Exchange, ResponseEnd, ResponseHead, StreamReset

_REFUSED_STREAM: Final = 7
# Of an answer that is no session; a batch has 1 MiB at most, before it is written as JSON.
_MAX_BODY_BYTES: Final = 64 * 1024 * 1024

UNREAD_SECONDS: Final = 5.0
"""How long the answer of an upstream is awaited that is expected not to read a body."""

Steps = Generator[Step, Any, Any]


class _Within:
    """A wait for an exchange, for a number of seconds at most."""

    is_network: Final = True

    def __init__(self, exchange: Exchange, seconds: float) -> None:
        self._exchange = exchange
        self._seconds = seconds

    @property
    def timeout(self) -> float:
        """The seconds after which the wait is over."""
        own = self._exchange.timeout
        return self._seconds if own is None else min(own, self._seconds)

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when the upstream has sent something."""
        self._exchange.subscribe(wake)


class Dialog:
    """One exchange, and the rest of the request's body, which is forwarded as it is received.

    `is_complete` is True if the whole body was sent to the exchange. Until the time `unread_until`
    (of `monotonic`) the body is not read: S2 answers some requests without reading theirs, which
    their clients see (a `100 Continue`, the end of the connection).
    """

    def __init__(
        self, exchange: Exchange, url: str, *, is_complete: bool, unread_until: float | None = None
    ) -> None:
        self.exchange: Final = exchange
        self._url = url
        self.is_complete: bool = is_complete
        self.client_reset: Reset | None = None
        """How a session ends behind its error, if the upstream has ended the connection.

        Over HTTP/2 a GOAWAY follows, since the other sessions end with an error of their own first.
        """
        self._unread_until = unread_until
        if is_complete:
            exchange.finish()

    def next_event(self) -> Generator[Step, Any, ResponseHead | bytes | ResponseEnd]:
        """Return the next part of the response.

        Raises `UpstreamFailed`, and `Dropped` where the upstream has reset the stream.
        """
        exchange = self.exchange
        while (event := exchange.take()) is None:
            if self.is_complete or not exchange.has_room:
                yield exchange
                continue
            if self._is_unread:
                yield _Within(exchange, UNREAD_SECONDS)
                continue
            try:
                data = yield ReadUnless(exchange)
            except ConnectionAbortedError:
                self.is_complete = True
                exchange.break_off()
                continue
            if data:
                exchange.send(data)
            elif data is not None:
                self.is_complete = True
                exchange.finish()
        return self.checked(event)

    @property
    def _is_unread(self) -> bool:
        """True while the body is left with the client, since its head is expected to be refused."""
        return self._unread_until is not None and monotonic() < self._unread_until

    def checked(self, event: Event) -> ResponseHead | bytes | ResponseEnd:
        """Return a part of the response. Raises `UpstreamFailed`, `Dropped` for an end of it."""
        if isinstance(event, StreamReset):
            # In kind: a client may send again what was refused.
            raise StreamWasReset(event.code)
        if isinstance(event, Broken):
            if event.ends_connection and not self.exchange.request.is_http2:
                self.client_reset = Reset(connection=True, by_rst=event.by_rst)
            raise UpstreamBroke(self._url, event)
        return event

    def body(self) -> Generator[Step, Any, tuple[bytes, bool]]:
        """Return the whole body of the response, and True if the connection ends with it.

        Raises `UpstreamFailed`, also for a body that has no bound, and `Dropped`.
        """
        pieces: list[bytes] = []
        size = 0
        while not isinstance(event := (yield from self.next_event()), ResponseEnd):
            assert isinstance(event, bytes), "a response has one head"
            pieces.append(event)
            size += len(event)
            if size > _MAX_BODY_BYTES:
                limit = _MAX_BODY_BYTES // (1024 * 1024)
                raise UpstreamFailed(
                    self._url,
                    f"answered more than {limit} MiB, which no answer of S2 has outside of a "
                    "session",
                )
        return b"".join(pieces), event.closes


class UpstreamBroke(UpstreamFailed):
    """The upstream has broken an exchange off."""

    def __init__(self, url: str, broken: Broken) -> None:
        super().__init__(url, broken.reason)
        self.may_repeat: bool = not broken.has_sent
        """True if the upstream has not begun with the request."""


class StreamWasReset(Dropped):
    """The upstream has reset the HTTP/2 stream, and so is the client's."""

    def __init__(self, code: int) -> None:
        super().__init__(Reset(refused=code == _REFUSED_STREAM, code=code))
        self.code: Final = code
