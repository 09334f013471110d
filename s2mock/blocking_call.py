"""A WSGI call in a thread of its own, for a request that may wait: sessions and long polls.

The thread reads the request's body as it arrives and what it yields is sent at once, so that both
directions flow at the same time. There is no pool: a hundred idle readers do not keep the
hundred-and-first waiting.
"""

import asyncio
import io
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

_log = logging.getLogger("s2mock")

# How far the sides may be ahead of each other: chunks to the thread, chunks from it.
_MAX_UNREAD = 64
_MAX_UNSENT = 64


class CutOffBody(io.RawIOBase):
    """A request's body whose client has gone before its end: no part of it counts."""

    def read(self, _size: int = -1) -> bytes:
        """Raises `ConnectionAbortedError`."""
        raise ConnectionAbortedError("the client has gone before the end of the body")


# Outside of the function below, which would make this type anew with each request.
_Write = Callable[[bytes], object]


def response_start() -> tuple[Event, "StartResponse"]:
    """The event that begins a response, and the WSGI function that fills it in."""
    event: Event = {"type": "http.response.start"}

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> _Write:
        event["status"] = int(status[:3])
        event["headers"] = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        return _no_write

    return event, start_response


def _no_write(_: bytes) -> None:
    raise RuntimeError("s2mock does not write() through WSGI")


class BlockingCall:
    """One such call. `pump` and `respond` run on the server's loop, the app in its thread."""

    def __init__(
        self, app: "WSGIApplication", environ: "WSGIEnvironment", loop: asyncio.AbstractEventLoop
    ) -> None:
        self._app = app
        self._environ = environ
        self._loop = loop
        self._changed = threading.Condition()
        self._unread: deque[bytes] = deque()
        self._at_end = False
        self._gone = False
        self._on_hangup: list[Callable[[], None]] = []
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._may_send = threading.Semaphore(_MAX_UNSENT)
        self._has_room = asyncio.Event()
        environ["wsgi.input"] = self
        environ["s2mock.on_hangup"] = self._when_gone

    # For the app, in the thread.

    def read1(self, _size: int = -1) -> bytes:
        """The next bytes of the body as they came; empty at its end."""
        with self._changed:
            while not (self._unread or self._at_end or self._gone):
                self._changed.wait()
            if not self._unread:
                return b""
            data = self._unread.popleft()
        self._loop_call(self._has_room.set)
        return data

    def read(self, size: int = -1) -> bytes:
        """So many bytes of the body, fewer only at its end.

        Raises `ConnectionAbortedError` where the client has gone before.
        """
        parts: list[bytes] = []
        while size < 0 or sum(map(len, parts)) < size:
            if not (data := self.read1()):
                if not self._at_end:
                    CutOffBody().read()
                break
            parts.append(data)
        data = b"".join(parts)
        if 0 <= size < len(data):
            with self._changed:
                self._unread.appendleft(data[size:])
            data = data[:size]
        return data

    def _when_gone(self, callback: Callable[[], None]) -> None:
        with self._changed:
            if not self._gone:
                self._on_hangup.append(callback)
                return
        callback()

    def _run(self) -> None:
        started, start_response = response_start()
        try:
            chunks = self._app(self._environ, start_response)
            try:
                self._emit(started)
                if not any(name == b"content-length" for name, _ in started["headers"]):
                    # Sends the headers off before there is anything to say.
                    self._emit(_body(b"", more=True))
                for chunk in chunks:
                    self._emit(_body(chunk, more=True))
                self._emit(_body(b"", more=False))
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
        except ConnectionAbortedError:
            pass
        except Exception:  # noqa: BLE001  # a fault of ours, whatever it is
            # What has been sent by now ends without an end; before that, the server answers 500.
            _log.exception("s2mock failed in a session: %s", self._environ.get("REQUEST_URI"))
        finally:
            self._loop_call(self._events.put_nowait, None)

    def _emit(self, event: Event) -> None:
        self._may_send.acquire()
        if self._gone:
            raise ConnectionAbortedError
        self._loop_call(self._events.put_nowait, event)

    def _loop_call(self, function: Callable[..., object], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            # The server has stopped, and its loop with it: nobody is left to be told.
            self._gone = True

    # For the server, on its loop.

    async def pump(self, receive: Receive) -> None:
        """Pass on what the client sends, until it has gone."""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.hang_up()
                return
            with self._changed:
                if message["body"]:
                    self._unread.append(message["body"])
                if not message.get("more_body"):
                    self._at_end = True
                self._changed.notify_all()
                self._has_room.clear()
                is_full = len(self._unread) >= _MAX_UNREAD
            if is_full:
                await self._has_room.wait()

    async def respond(self, send: Send) -> None:
        """Start the thread and send what it says."""
        threading.Thread(target=self._run, name="s2mock-session", daemon=True).start()
        while (event := await self._events.get()) is not None:
            await send(event)
            self._may_send.release()

    def hang_up(self) -> None:
        """Nobody listens any more: release the thread, wherever it waits."""
        with self._changed:
            if self._gone:
                return
            self._gone = True
            callbacks, self._on_hangup = self._on_hangup, []
            self._changed.notify_all()
        self._may_send.release(_MAX_UNSENT)
        for callback in callbacks:
            callback()


def _body(data: bytes, *, more: bool) -> Event:
    return {"type": "http.response.body", "body": data, "more_body": more}
