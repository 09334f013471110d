"""An upstream of HTTP/2 by the frame, which sends and reads only what a test tells it to."""

import select
import socket
from collections import defaultdict
from contextlib import suppress
from typing import Self

import h2.config
import h2.connection
import h2.events
import h2.settings

SESSION = [(":status", "200"), ("content-type", "s2s/proto")]
EVENT_SESSION = [(":status", "200"), ("content-type", "text/event-stream")]


class H2Server:
    """One connection of a client. `streams` is how many requests it may have open at once."""

    def __init__(self, connected: socket.socket, *, streams: int = 200) -> None:
        self.socket = connected
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: streams},
        )
        self.h2.initiate_connection()
        self.is_limiting = False
        self.requests: list[int] = []
        self.bodies: defaultdict[int, bytes] = defaultdict(bytes)
        self.ended: set[int] = set()
        self.resets: dict[int, int] = {}
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def flush(self) -> None:
        """Send the frames that are due."""
        if data := self.h2.data_to_send():
            self.socket.sendall(data)

    def receive(self) -> None:
        """Handle the next bytes."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("the client has closed the connection")
        for event in self.h2.receive_data(data):
            match event:
                case h2.events.RequestReceived():
                    self.requests.append(event.stream_id)
                case h2.events.DataReceived():
                    self.bodies[event.stream_id] += event.data
                    if event.flow_controlled_length:
                        self.h2.acknowledge_received_data(
                            event.flow_controlled_length, event.stream_id
                        )
                case h2.events.StreamEnded():
                    self.ended.add(event.stream_id)
                case h2.events.SettingsAcknowledged():
                    self.is_limiting = True
                case h2.events.StreamReset():
                    self.resets[event.stream_id] = int(event.error_code)
        self.flush()

    def receive_within(self, seconds: float | None) -> bool:
        """Handle the next bytes; False if there are none for as many seconds, or ever for None."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return False
        self.receive()
        return True

    def receive_to_end(self) -> None:
        """Handle all bytes until the client closes the connection."""
        with suppress(ConnectionError):
            while True:
                self.receive()

    def request(self, count: int = 1) -> int:
        """The number of the stream of the `count`th request, once it has come."""
        while len(self.requests) < count:
            self.receive()
        return self.requests[count - 1]

    def respond(
        self, stream: int, fields: list[tuple[str, str]], body: bytes | None = None
    ) -> None:
        """Send the head of a response; with a `body` the whole of it."""
        self.h2.send_headers(stream, fields)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=True)
        self.flush()

    def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """Send data, for which there must be room."""
        self.h2.send_data(stream, data, end_stream=end)
        self.flush()

    def send_to_window(self, stream: int, data: bytes) -> int:
        """Send what the windows allow of these bytes; return how many these are."""
        room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
        if part := data[: max(0, room)]:
            self.send(stream, part)
        return len(part)

    def reset(self, stream: int, code: int) -> None:
        """Reset a stream."""
        self.h2.reset_stream(stream, code)
        self.flush()
