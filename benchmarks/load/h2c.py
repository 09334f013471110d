"""HTTP/2 in cleartext with prior knowledge: many requests in flight on each connection.

`h2` opens the connection, but does not handle requests and answers. The header block uses no table,
so that its bytes are the same for every request. The server is told to use none either, so that a
status always begins an answer with the same bytes.
"""

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes
from hpack import Decoder, Encoder

from benchmarks.load.exchange import Exchange, connect, numbered

_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_RST_STREAM, _GOAWAY = 3, 7
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_HEAD_BYTES = 9
# More than all answers of a run together, so that no window has to be kept open.
_WINDOW = 2**31 - 1 - 65535


class H2cConnection:
    """A connection with any number of requests in flight."""

    def __init__(self, host: str, port: int, exchange: Exchange) -> None:
        pseudo = (
            (":method", exchange.method),
            (":path", exchange.target),
            (":scheme", "http"),
            (":authority", f"{host}:{port}"),
        )
        length = ("content-length", str(len(exchange.body)))
        block = Encoder().encode(
            [(*field, True) for field in (*pseudo, *exchange.headers, length)], huffman=False
        )
        body = exchange.body.encode()
        self._head = _frame_start(_HEADERS, _END_HEADERS, len(block))
        self._template = block + _frame_start(_DATA, _END_STREAM, len(body))
        self._body = body
        self._status = b"%d" % exchange.status
        self._status_block = b""
        self._stream = 1
        self._received = b""
        self.socket = connect(host, port)
        self._open()

    def _open(self) -> None:
        protocol = H2Connection(H2Configuration(client_side=True))
        protocol.local_settings = type(protocol.local_settings)(
            client=True,
            initial_values={
                SettingCodes.HEADER_TABLE_SIZE: 0,
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: 65535,
            },
        )
        protocol.initiate_connection()
        protocol.increment_flow_control_window(_WINDOW)
        self.socket.sendall(protocol.data_to_send())

    def send(self, number: int, count: int) -> None:
        """Send `count` requests, numbered from `number` on."""
        parts = []
        for i in range(number, number + count):
            stream = self._stream.to_bytes(4, "big")
            self._stream += 2
            template, body = numbered(self._template, i), numbered(self._body, i)
            parts += [self._head, stream, template, stream, body]
        self.socket.sendall(b"".join(parts))

    def receive(self) -> int:
        """Receive bytes, and return the number of answers that they complete."""
        received = self.socket.recv(262144)
        if not received:
            raise ConnectionError("connection closed by the server")
        data = self._received + received
        complete = position = 0
        while len(data) - position >= _HEAD_BYTES:
            end = position + _HEAD_BYTES + int.from_bytes(data[position : position + 3], "big")
            if end > len(data):
                break
            kind, flags = data[position + 3], data[position + 4]
            payload = data[position + _HEAD_BYTES : end]
            if kind == _HEADERS:
                self._check_status(payload)
            if kind in (_HEADERS, _DATA):
                complete += flags & _END_STREAM
            elif kind in (_SETTINGS, _PING) and not flags & _ACK:
                answer = payload if kind == _PING else b""
                self.socket.sendall(_frame_start(kind, _ACK, len(answer)) + bytes(4) + answer)
            elif kind in (_RST_STREAM, _GOAWAY):
                raise ConnectionError(f"refused by the server: {data[position:end]!r}")
            position = end
        self._received = data[position:]
        return complete

    def _check_status(self, block: bytes) -> None:
        # The size update that opens a connection's first block.
        block = block.lstrip(b"\x20")
        if self._status_block and block.startswith(self._status_block):
            return
        name, status = next(iter(Decoder().decode(block, raw=True)))
        if (name, status) != (b":status", self._status):
            raise ValueError(f"expected status {self._status!r}, not {status!r}")
        # A literal: index of the name, length, value.
        self._status_block = block[: 2 + (block[1] & 0x7F)] if block[0] < 0x80 else block[:1]


def _frame_start(kind: int, flags: int, length: int) -> bytes:
    """Return the head of a frame without the last bytes of the number of the stream."""
    return length.to_bytes(3, "big") + bytes([kind, flags])
