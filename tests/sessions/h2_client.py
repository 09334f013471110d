"""A client of HTTP/2 with prior knowledge, by the frame, so that a test can stop anywhere."""

import socket
import ssl
from collections import defaultdict
from typing import Self
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import h2.settings

from tests import own_token


class H2Client:
    """One connection. What it is sent is read only while a test asks for something."""

    def __init__(
        self,
        url: str,
        *,
        window: int | None = None,
        headers: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        # Those that each request has.
        self.headers = own_token.authorization(url) | (headers or {})
        target = urlsplit(url)
        address = (target.hostname, target.port)
        self.socket = socket.create_connection(address, timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(
                self.socket, server_hostname=target.hostname, suppress_ragged_eofs=False
            )
        self.scheme = target.scheme
        config = h2.config.H2Configuration(header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.authority = target.netloc
        self.acknowledges = window is None
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.flush()
        self.heads: dict[int, dict[str, str]] = {}
        self.bodies: defaultdict[int, bytes] = defaultdict(bytes)
        self.ended: set[int] = set()
        self.reset_codes: dict[int, int] = {}
        self.goaway_code: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection without a word."""
        self.socket.close()

    def open(
        self, method: str, path: str, headers: dict[str, str] | None = None, *, end: bool = True
    ) -> int:
        """Send the head of a request, and its end if it has no body; the stream's number."""
        stream = self.h2.get_next_available_stream_id()
        fields = {
            ":method": method,
            ":scheme": self.scheme,
            ":authority": self.authority,
            ":path": path,
            "s2-basin": "my-basin",
            **self.headers,
            **(headers or {}),
        }
        self.h2.send_headers(stream, list(fields.items()), end_stream=end)
        self.flush()
        return stream

    def send(self, stream: int, data: bytes = b"", *, end: bool = False) -> None:
        """Send a part of a body, or its end."""
        self.h2.send_data(stream, data, end_stream=end)
        self.flush()

    def cancel(self, stream: int) -> None:
        """Reset a stream; the connection goes on."""
        self.h2.reset_stream(stream, error_code=8)
        self.flush()

    def take(self, stream: int, size: int) -> None:
        """Allow `size` more bytes to come on a stream."""
        self.h2.acknowledge_received_data(size, stream)
        self.flush()

    def head(self, stream: int) -> dict[str, str]:
        """The head of the response, once it has come."""
        while stream not in self.heads:
            self.receive()
        return self.heads[stream]

    def body(self, stream: int, size: int) -> bytes:
        """Return the next `size` bytes of the body, and remove them."""
        while len(self.bodies[stream]) < size:
            self.receive()
        data, self.bodies[stream] = self.bodies[stream][:size], self.bodies[stream][size:]
        return data

    def frame(self, stream: int) -> bytes:
        """The payload of the next S2S frame, which is a regular one without compression."""
        head = self.body(stream, 4)
        assert head[3] == 0, f"flag {head[3]:#x}"
        return self.body(stream, int.from_bytes(head[:3], "big") - 1)

    def rest(self, stream: int) -> bytes:
        """The body from here to its end."""
        while stream not in self.ended:
            self.receive()
        return self.bodies.pop(stream, b"")

    def until_goaway(self) -> int:
        """The code of the word with which the server ends the connection."""
        while self.goaway_code is None:
            self.receive()
        return int(self.goaway_code)

    def receive(self) -> None:
        """Handle the next bytes that the server sends."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server has closed the connection")
        for event in self.h2.receive_data(data):
            match event:
                case h2.events.ResponseReceived():
                    self.heads[event.stream_id] = dict(event.headers)
                case h2.events.DataReceived():
                    self.bodies[event.stream_id] += event.data
                    if self.acknowledges:
                        self.h2.acknowledge_received_data(
                            event.flow_controlled_length, event.stream_id
                        )
                case h2.events.StreamEnded():
                    self.ended.add(event.stream_id)
                case h2.events.ConnectionTerminated():
                    self.goaway_code = event.error_code
                case h2.events.StreamReset() if event.stream_id not in self.ended:
                    self.reset_codes[event.stream_id] = int(event.error_code)
                    raise ConnectionResetError(f"stream {event.stream_id} was reset")
                case h2.events.StreamReset():
                    # How a server says that it wants no more of the request: all is well.
                    assert event.error_code == 0
        self.flush()

    def flush(self) -> None:
        """Send the frames that are due."""
        if data := self.h2.data_to_send():
            self.socket.sendall(data)
