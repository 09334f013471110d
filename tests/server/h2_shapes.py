# ruff: noqa: E501
"""Frames of HTTP/2, decent and not, and what the reference server makes of them.

`python -m tests.server.h2_shapes PORT` asks the server on that port and writes down its answers
in `h2_shapes.json`.
"""

import json
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import hpack
from hyperframe import frame as frames

from s2mock.server.protocols import PREFACE

RECORDED = Path(__file__).with_name("h2_shapes.json")
READING = "/v1/basins"
JSON = [("content-type", "application/json")]
# The stream of a last request, whose answer shows that all before it has been looked at.
LAST = 2001

Fields = Iterable[tuple[str | bytes, str | bytes]]


class Said:
    """What a client says, frame by frame."""

    def __init__(self) -> None:
        self.encoder = hpack.Encoder()
        self.data = b""

    def frame(self, kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> "Said":
        head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
        self.data += head + payload
        return self

    def fields(self, fields: Fields, stream: int = 1, *, end: bool = True) -> "Said":
        block = self.encoder.encode(list(fields), huffman=False)
        return self.frame(1, 0x4 | end, stream, block)

    def request(
        self,
        *extra: tuple[str, str],
        path: str = "/nowhere",
        method: str = "GET",
        stream: int = 1,
        end: bool = True,
    ) -> "Said":
        start = [(":method", method), (":path", path), (":scheme", "http"), (":authority", "x")]
        return self.fields([*start, *extra], stream, end=end)

    def reading(self, *extra: tuple[str, str], stream: int = 1) -> "Said":
        return self.request(*JSON, *extra, path=READING, method="POST", stream=stream, end=False)

    def body(self, data: bytes = b"{}", stream: int = 1, *, end: bool = True) -> "Said":
        return self.frame(0, int(end), stream, data)

    def settings(self, **values: int) -> "Said":
        pairs = [
            bytes([0, int(key[1:])]) + value.to_bytes(4, "big") for key, value in values.items()
        ]
        return self.frame(4, payload=b"".join(pairs))

    def window(self, increment: int, stream: int = 0) -> "Said":
        return self.frame(8, 0, stream, increment.to_bytes(4, "big"))

    def reset(self, stream: int = 1) -> "Said":
        return self.frame(3, 0, stream, (8).to_bytes(4, "big"))

    def times(self, count: int, say: Callable[["Said", int], Any]) -> "Said":
        for number in range(count):
            say(self, 1 + 2 * number)
        return self

    def in_pieces(self, count: int, size: int = 1000) -> "Said":
        """A request whose header block comes in `count` CONTINUATION frames."""
        pseudo = [(":method", "GET"), (":path", "/nowhere"), (":scheme", "http")]
        block = self.encoder.encode([*pseudo, ("a", "b" * size)], huffman=False)
        step = len(block) // (count + 1)
        self.frame(1, 0x1, 1, block[:step])
        for number in range(1, count):
            self.frame(9, 0, 1, block[number * step : (number + 1) * step])
        return self.frame(9, 0x4, 1, block[count * step :])

    def repeated(self, count: int) -> "Said":
        """A request whose header list is `count` times 4 KiB, each of them one byte."""
        pseudo = [(":method", "GET"), (":path", "/nowhere"), (":scheme", "http")]
        block = self.encoder.encode([*pseudo, ("a", "b" * 4000)], huffman=False)
        return self.frame(1, 0x5, 1, block + b"\xbe" * count)


P = [(":method", "GET"), (":path", "/nowhere"), (":scheme", "http")]
SHAPES: dict[str, Callable[[Said], Said]] = {
    "get": lambda c: c.request(),
    "head": lambda c: c.request(path="/health", method="HEAD"),
    "health": lambda c: c.request(path="/health"),
    "health_fragment": lambda c: c.request(path="/health#b"),
    "options_asterisk": lambda c: c.request(path="*", method="OPTIONS"),
    "get_asterisk": lambda c: c.request(path="*"),
    "early_without_body": lambda c: c.request(method="POST", end=False),
    "early_with_part_of_body": lambda c: c.request(method="POST", end=False).body(end=False),
    "early_with_body": lambda c: c.request(method="POST", end=False).body(),
    "read_body": lambda c: c.reading().body(),
    "read_body_padded": lambda c: c.reading().frame(0, 0x9, 1, b"\x03{}000"),
    "read_body_padding_only": lambda c: c.reading().frame(0, 0x9, 1, b"\x02ab"),
    "padding_too_long": lambda c: c.reading().frame(0, 0x8, 1, b"\x05ab"),
    "name_in_upper_case": lambda c: c.fields([*P, ("Upper", "x")]),
    "name_empty": lambda c: c.request(("", "b")),
    "name_with_blank": lambda c: c.request(("a b", "b")),
    "value_with_nul": lambda c: c.request(("a", "b\0")),
    "value_with_line_end": lambda c: c.request(("a", "b\r\nc")),
    "value_with_blanks_around": lambda c: c.request(("a", " b ")),
    "value_of_15k": lambda c: c.request(("a", "b" * 15000)),
    "many_fields": lambda c: c.request(*((f"a{i}", "b") for i in range(500))),
    "connection": lambda c: c.request(("connection", "x")),
    "keep_alive": lambda c: c.request(("keep-alive", "x")),
    "transfer_encoding": lambda c: c.request(("transfer-encoding", "chunked")),
    "upgrade": lambda c: c.request(("upgrade", "h2c")),
    "proxy_connection": lambda c: c.request(("proxy-connection", "x")),
    "te_gzip": lambda c: c.request(("te", "gzip")),
    "te_trailers": lambda c: c.request(("te", "trailers")),
    "no_authority": lambda c: c.fields(P),
    "no_scheme": lambda c: c.fields(P[:2]),
    "no_method": lambda c: c.fields(P[1:]),
    "no_path": lambda c: c.fields([P[0], P[2]]),
    "path_empty": lambda c: c.request(path=""),
    "path_without_slash": lambda c: c.request(path="x"),
    "path_with_blank": lambda c: c.request(path="/a b"),
    "path_utf8": lambda c: c.request(path="/\xff"),
    "path_not_utf8": lambda c: c.fields([P[0], (b":path", b"/\xff"), P[2]]),
    "method_unknown": lambda c: c.request(method="foo"),
    "method_with_blank": lambda c: c.request(method="f o"),
    "connect": lambda c: c.fields([(":method", "CONNECT"), (":authority", "x:1")]),
    "connect_with_path": lambda c: c.request(method="CONNECT"),
    "scheme_https": lambda c: c.fields([*P[:2], (":scheme", "https")]),
    "scheme_bad": lambda c: c.fields([*P[:2], (":scheme", "h t")]),
    "authority_bad": lambda c: c.fields([*P, (":authority", "a b")]),
    "protocol": lambda c: c.fields([*P, (":protocol", "x")]),
    "pseudo_twice": lambda c: c.request((":path", "/x")),
    "pseudo_unknown": lambda c: c.request((":foo", "x")),
    "pseudo_behind_others": lambda c: c.fields([*P[:2], ("a", "b"), P[2]]),
    "status": lambda c: c.fields([*P, (":status", "200")]),
    "host_and_authority": lambda c: c.request(("host", "y")),
    "length_short": lambda c: c.reading(("content-length", "5")).body(),
    "length_long": lambda c: c.reading(("content-length", "1")).body(),
    "length_right": lambda c: c.reading(("content-length", "2")).body(),
    "length_without_body": lambda c: c.request(("content-length", "2"), path=READING),
    "length_no_number": lambda c: c.reading(("content-length", "x")).body(),
    "length_plus": lambda c: c.request(("content-length", "+0")),
    "length_empty": lambda c: c.request(("content-length", "")),
    "length_huge": lambda c: c.reading(("content-length", "9" * 20)),
    "length_twice": lambda c: c.reading(("content-length", "2"), ("content-length", "3")).body(),
    "trailers": lambda c: c.reading().body(end=False).fields([("x", "y")]),
    "trailers_pseudo": lambda c: c.reading().body(end=False).request(),
    "trailers_bad": lambda c: c.reading().body(end=False).fields([("X", "y")]),
    "trailers_without_end": lambda c: c.reading().fields([("a", "b")], end=False),
    "stream_even": lambda c: c.request(stream=2),
    "stream_back": lambda c: c.request(stream=5).request(stream=3),
    "stream_0": lambda c: c.frame(1, 5, 0, b"\x82"),
    "data_on_idle": lambda c: c.body(),
    "data_on_0": lambda c: c.body(stream=0),
    "data_behind_end": lambda c: c.reading().body().body(),
    "priority": lambda c: c.frame(2, 0, 1, bytes(5)).request(),
    "priority_on_itself": lambda c: c.frame(2, 0, 1, b"\0\0\0\1\0"),
    "priority_of_wrong_size": lambda c: c.frame(2, 0, 1, b"abc"),
    "priority_on_0": lambda c: c.frame(2, 0, 0, bytes(5)),
    "headers_with_half_a_priority": lambda c: c.frame(1, 0x24, 1, b"abc"),
    "reset_on_idle": lambda c: c.reset(),
    "reset_on_even": lambda c: c.reset(2),
    "reset_of_wrong_size": lambda c: c.reading().frame(3, 0, 1, b"abc"),
    "reset": lambda c: c.reading().reset(),
    "window_0": lambda c: c.window(0),
    "window_0_of_stream": lambda c: c.reading().window(0, 1),
    "window_too_large": lambda c: c.window(2**31 - 1).window(2**31 - 1),
    "window_of_stream_too_large": lambda c: c.reading().window(2**31 - 1, 1),
    "window_of_idle": lambda c: c.window(1, 1),
    "window_of_wrong_size": lambda c: c.frame(8, 0, 0, b"abc"),
    "ping": lambda c: c.frame(6, 0, 0, b"12345678"),
    "ping_of_wrong_size": lambda c: c.frame(6, 0, 0, b"abc"),
    "ping_on_stream": lambda c: c.frame(6, 0, 1, b"12345678"),
    "goaway": lambda c: c.frame(7, 0, 0, bytes(8)),
    "goaway_on_stream": lambda c: c.frame(7, 0, 1, bytes(8)),
    "frame_too_large": lambda c: c.frame(0, 0, 1, bytes(16385)),
    "frame_unknown": lambda c: c.frame(0x77, 0, 0, b"abc"),
    "settings_window_too_large": lambda c: c.settings(_4=2**31),
    "settings_frame_too_small": lambda c: c.settings(_5=1),
    "settings_push": lambda c: c.settings(_2=1),
    "settings_push_2": lambda c: c.settings(_2=2),
    "settings_unknown": lambda c: c.settings(_99=2),
    "settings_of_wrong_size": lambda c: c.frame(4, 0, 0, b"abc"),
    "settings_on_stream": lambda c: c.frame(4, 0, 1),
    "settings_ack_with_payload": lambda c: c.frame(4, 1, 0, b"abcdef"),
    "settings_no_table": lambda c: c.settings(_1=0).request(),
    "push": lambda c: c.reading().frame(5, 4, 1, bytes(4)),
    "continuation_of_nothing": lambda c: c.frame(9, 4, 1),
    "continuation_missing": lambda c: c.frame(1, 1, 1, b"\x82").request(stream=3),
    "compression_bad": lambda c: c.frame(1, 5, 1, b"\xff" * 7),
    **{
        f"continuations_{count}": lambda c, count=count: c.in_pieces(count)
        for count in (1, 5, 6, 7, 20)
    },
    "list_of_20k": lambda c: c.in_pieces(1, 20000),
    "list_of_40k": lambda c: c.in_pieces(3, 40000),
    "list_of_90k": lambda c: c.in_pieces(6, 90000),
    **{f"list_repeats_{count}": lambda c, count=count: c.repeated(count) for count in (2, 4, 10, 50)},
    "bomb": lambda c: c.repeated(12000),
    "continuation_flood": lambda c: c.frame(1, 1, 1, b"\x82").times(9999, lambda c, _: c.frame(9, 0, 1)),
    "rapid_reset_20": lambda c: c.times(20, lambda c, i: c.request(stream=i).reset(i)),
    "rapid_reset_21": lambda c: c.times(21, lambda c, i: c.request(stream=i).reset(i)),
    "rapid_reset": lambda c: c.times(900, lambda c, i: c.request(stream=i).reset(i)),
    "too_many_streams": lambda c: c.times(203, lambda c, i: c.reading(stream=i)),
    "faults_500": lambda c: c.times(500, lambda c, i: c.request(("connection", "x"), stream=i)),
}  # fmt: skip


def answers(port: int, name: str, *, patience: float = 10) -> list[Any]:
    """What comes back, in the order of the streams; settings and windows left out."""
    said = SHAPES[name](Said().settings())
    said.request(path="/health", method="HEAD", stream=LAST)
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as client:
        client.sendall(PREFACE + said.data)
        heard = Heard()
        try:
            while not heard.is_last_answered and (data := client.recv(65536)):
                heard.take(data)
            if not heard.is_last_answered or patience < 10:
                while data := client.recv(65536):
                    heard.take(data)
        except TimeoutError:
            assert patience < 10, heard.said
    return sorted(heard.said)


class Heard:
    """What a server says."""

    def __init__(self) -> None:
        self.decoder = hpack.Decoder(max_header_list_size=2**20)
        self.rest = b""
        self.said: list[list[Any]] = []
        self.is_last_answered = False

    def take(self, data: bytes) -> None:
        self.rest += data
        while len(self.rest) >= 9:
            frame, length = frames.Frame.parse_frame_header(memoryview(self.rest[:9]))
            if len(self.rest) < 9 + length:
                return
            frame.parse_body(memoryview(self.rest[9 : 9 + length]))
            self.rest = self.rest[9 + length :]
            self._take_frame(frame)

    def _take_frame(self, frame: frames.Frame) -> None:
        summary: list[Any] = [frame.stream_id, type(frame).__name__.removesuffix("Frame")]
        if isinstance(frame, frames.HeadersFrame):
            summary += [self.decoder.decode(frame.data)[0][1], *sorted(frame.flags)]
            if frame.stream_id == LAST:
                self.is_last_answered = True
                return
        elif isinstance(frame, frames.DataFrame):
            summary += sorted(frame.flags)
        elif isinstance(frame, frames.RstStreamFrame):
            summary += [frame.error_code]
            self.is_last_answered |= frame.stream_id == LAST
        elif isinstance(frame, frames.GoAwayFrame):
            summary += [frame.last_stream_id, frame.error_code]
        elif not isinstance(frame, frames.PingFrame):
            return
        self.said.append(summary)


if __name__ == "__main__":
    recorded = {name: answers(int(sys.argv[1]), name, patience=0.3) for name in SHAPES}
    lines = [f"{json.dumps(name)}: {json.dumps(said)}" for name, said in recorded.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
