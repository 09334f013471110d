"""The socket: HTTP/1.1 and h2c on one port, in this process, in front of the WSGI app.

Granian's embedded server parses HTTP; this module turns its ASGI events into WSGI calls. A call
that cannot block runs inline on the server's loop, which is several times faster than a thread.
Its ASGI interface is used for what its RSGI interface hides: the path as it was sent, and header
bytes that are not text.
"""

import asyncio
import atexit
import io
import socket
import sys
import threading
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server as _EmbeddedServer

from s2mock.blocking_call import (
    BlockingCall,
    CutOffBody,
    Event,
    Receive,
    Send,
    response_start,
)
from s2mock.connections import drop_connections

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


_BACKLOG = 1024
# Of a request body no more is kept than the API could accept; it refuses the rest by itself.
_MAX_KEPT_BODY_BYTES = 2 * 1024 * 1024 + 1
# The rest is read and dropped, within reason: over h2c a client that is still sending may be
# waiting for room, and not listen to an answer that comes before its time.
_MAX_READ_BODY_BYTES = 64 * 1024 * 1024
# What the reference server's HTTP/1.1 parser takes (reference: control_plane §1.5).
_MAX_HEADER_BYTES = 400 * 1024

# How long requests that have begun may take to end when the server stops.
_GRACE_SECONDS = 0.02
# How long Granian may take to report that it has stopped. Once in a while, on a busy machine, it
# has closed everything and never does.
_LAST_REPORT_SECONDS = 0.5

# How long the end of the process waits for threads that have to leave the interpreter first.
_LAST_THREADS_SECONDS = 0.5


def _wait_for_last_threads() -> None:
    """Let Granian's threads leave the interpreter before it ends.

    A server's last two threads end by themselves, a moment after the server has stopped. One
    that wants the interpreter back when it has ended takes the whole process down with SIGABRT.
    """
    given_up = time.monotonic() + _LAST_THREADS_SECONDS
    while time.monotonic() < given_up:
        known = {thread.ident for thread in threading.enumerate()}
        # All threads that have a place in the interpreter, those not made by Python too.
        if sys._current_exceptions().keys() <= known:  # noqa: SLF001
            return
        time.sleep(0.0005)


# Registered before any server's own stop, and so called after it.
atexit.register(_wait_for_last_threads)


class _Granian(_EmbeddedServer):
    """Granian on a socket that is already bound and listening."""

    def __init__(self, target: Any, listener: socket.socket) -> None:
        super().__init__(
            target,
            interface=Interfaces.ASGINL,
            websockets=False,
            log_enabled=False,
            http1_settings=HTTP1Settings(max_buffer_size=_MAX_HEADER_BYTES),
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        # Typed without its arguments there: a descriptor, whether it is of a file, the backlog.
        holder: Any = SocketHolder
        self._shd = holder(self._listener.detach(), False, _BACKLOG)


class Server:
    """A WSGI app on a port of `host`, from construction until `stop()`.

    `port` 0 picks a free one. A call of which `may_block` says that it may wait for something gets
    a thread of its own; all others are made on the server's loop. Raises `OSError` if the address
    cannot be had.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        may_block: "Callable[[WSGIEnvironment], bool]" = lambda _: False,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # Passed on to each connection: what a session says is sent off at once, also while the
        # client has yet to acknowledge what it said before.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setblocking(False)
        self.host = host
        self._address: str = listener.getsockname()[0]
        self.port: int = listener.getsockname()[1]
        self._app = app
        self._may_block = may_block
        self._calls: set[BlockingCall] = set()
        self._loop = asyncio.new_event_loop()
        self._granian = _Granian(self._handle, listener)
        self._serving = self._loop.create_task(self._granian.serve())
        self._thread = threading.Thread(target=self._run, name=f"s2mock-{self.port}", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def stop(self) -> None:
        """Stop listening and drop every connection. Stopping twice is harmless."""
        atexit.unregister(self.stop)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._begin_stop)
            self._thread.join(_GRACE_SECONDS)
            given_up = time.monotonic() + _LAST_REPORT_SECONDS
            while self._thread.is_alive():
                # A request that never gets complete would be waited for.
                drop_connections(self._address, self.port)
                if time.monotonic() > given_up:
                    self._loop.call_soon_threadsafe(self._serving.cancel)
                self._thread.join(_GRACE_SECONDS)

    def _begin_stop(self) -> None:
        for call in self._calls:
            call.hang_up()
        self._granian.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._serving)
            # Twice: a request that came last may not even have begun, and ends as others do.
            for _ in range(2):
                left = asyncio.all_tasks(self._loop)
                for task in left:
                    task.cancel()
                self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
                self._loop.run_until_complete(asyncio.sleep(0))
        finally:
            self._loop.close()

    async def _handle(self, scope: Event, receive: Receive, send: Send) -> None:
        environ = _environ(scope)
        if self._may_block(environ):
            await self._handle_in_thread(environ, receive, send)
            return
        environ["wsgi.input"] = await _read_body(receive, _known_length(environ))
        started, start_response = response_start()
        chunks = self._app(environ, start_response)
        try:
            payload = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        await send(started)
        await send({"type": "http.response.body", "body": payload})

    async def _handle_in_thread(
        self, environ: "WSGIEnvironment", receive: Receive, send: Send
    ) -> None:
        call = BlockingCall(self._app, environ, self._loop)
        self._calls.add(call)
        pump = self._loop.create_task(call.pump(receive))
        try:
            await call.respond(send)
        finally:
            self._calls.discard(call)
            call.hang_up()
            pump.cancel()


def _known_length(environ: "WSGIEnvironment") -> float:
    """How many bytes of the body are all of it; infinite where only its end tells.

    On HTTP/2 the end is a message of its own, and a client that has yet to send it may not take
    an answer.
    """
    if environ["SERVER_PROTOCOL"] == "HTTP/2":
        return inf
    return float(environ.get("CONTENT_LENGTH", inf))


async def _read_body(receive: Receive, known_length: float) -> io.IOBase:
    kept = io.BytesIO()
    read, more = 0, True
    while more and read < min(known_length, _MAX_READ_BODY_BYTES):
        message = await receive()
        if message["type"] == "http.disconnect":
            return CutOffBody()
        kept.write(message["body"][: _MAX_KEPT_BODY_BYTES - kept.tell()])
        read += len(message["body"])
        more = message.get("more_body", False)
    kept.seek(0)
    return kept


def _environ(scope: Event) -> "WSGIEnvironment":
    server_host, server_port = scope["server"]
    raw_path: bytes = scope["raw_path"]
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        # The path as sent: no query here, which has its own variable.
        "REQUEST_URI": raw_path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server_host,
        "SERVER_PORT": str(server_port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:
            # Would pass for the header with a hyphen in that place, which is another one.
            continue
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        value = raw_value.decode("latin-1")
        if name not in environ:
            environ[name] = value
        elif name.startswith("HTTP_ACCEPT"):
            environ[name] += f",{value}"
        # Of any other repeated header S2 reads the first.
    return environ
