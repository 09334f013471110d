"""The socket: HTTP/1.1 and h2c on one port, in this process, in front of the WSGI app.

Granian's embedded server parses HTTP; this module turns its ASGI events into WSGI calls. A call
that cannot block runs inline on the server's loop, which is several times faster than a thread.
Its ASGI interface is used for what its RSGI interface hides: the path as it was sent, and header
bytes that are not text.
"""

import asyncio
import atexit
import io
import os
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server as _EmbeddedServer

from s2mock.blocking_call import (
    Application,
    BlockingCall,
    CutOffBody,
    Event,
    Receive,
    Send,
    response_start,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


_BACKLOG = 1024
# Of a request body no more is kept than the API could accept; it refuses the rest by itself.
_MAX_KEPT_BODY_BYTES = 2 * 1024 * 1024 + 1
# What the reference server's HTTP/1.1 parser takes (reference: control_plane §1.5).
_MAX_HEADER_BYTES = 400 * 1024
# How long a client may take to see that the server stops, before its connection is cut.
_GRACE_SECONDS = 0.1


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

    `port` 0 picks a free one. Raises `OSError` if the address cannot be had.
    """

    def __init__(self, app: Application, *, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        listener.setblocking(False)
        self.host = host
        self._address = listener.getsockname()[:2]
        self.port: int = self._address[1]
        self._app = app
        self._calls: set[BlockingCall] = set()
        self._loop = asyncio.new_event_loop()
        self._granian = _Granian(self._handle, listener)
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
            self._thread.join()

    def _begin_stop(self) -> None:
        for call in self._calls:
            call.hang_up()
        self._granian.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        self._loop.call_later(_GRACE_SECONDS, self._cut_connections)

    def _cut_connections(self) -> None:
        """End the connections whose clients neither read nor write any more.

        Granian would wait for them for ever.
        """
        for connection in _own_sockets():
            with connection, suppress(OSError):
                if _is_at(connection, self._address):
                    connection.shutdown(socket.SHUT_RDWR)
        self._loop.call_later(_GRACE_SECONDS, self._cut_connections)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._granian.serve())
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
        if self._app.may_block(environ):
            await self._handle_in_thread(environ, receive, send)
            return
        body, is_whole = await _read_body(receive)
        environ["wsgi.input"] = io.BytesIO(body) if is_whole else CutOffBody()
        environ["CONTENT_LENGTH"] = str(len(body))
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


def _own_sockets() -> Iterator[socket.socket]:
    """Duplicates of all sockets of this process, since Granian does not give its own away."""
    descriptors = [int(entry.name) for entry in Path("/dev/fd").iterdir()]
    for descriptor in descriptors:
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                yield socket.socket(fileno=os.dup(descriptor))


def _is_at(connection: socket.socket, address: tuple[str, int]) -> bool:
    host, port = address
    name = connection.getsockname()
    return name[1:2] == (port,) and host in (name[0], "0.0.0.0", "::")  # noqa: S104  # compared


async def _read_body(receive: Receive) -> tuple[bytes, bool]:
    """The body, as far as the API could accept it, and whether its end has come."""
    parts, kept = [], 0
    while kept < _MAX_KEPT_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"", False
        parts.append(message["body"])
        kept += len(message["body"])
        if not message.get("more_body"):
            break
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    return body[:_MAX_KEPT_BODY_BYTES], True


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
