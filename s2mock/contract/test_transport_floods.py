"""HTTP/2 floods and limits: how many frames the server accepts.

Source: reference: control_plane §1.5. Asked of the real server one by one.
"""

from typing import Final

import pytest

from s2mock.contract import http2
from s2mock.contract.client import Client
from s2mock.contract.http2 import Answered, Code, exchange, frame
from s2mock.contract.http2_requests import (
    BASIN,
    BODY,
    CALM,
    END,
    GET,
    MORE,
    OK,
    POST,
    Expected,
    check,
    data,
    headers,
    list_of,
    many,
    reset,
    setting,
    streams,
    window,
)

FLOODS: Final[dict[str, tuple[bytes, Expected]]] = {
    "header list of less than 16 KiB": (list_of(16_383), OK),
    "header list of 16 KiB": (list_of(16_384), Answered(431)),
    "header list of 40 kB": (list_of(40_000), Answered(431)),
    "header list of 100 kB": (list_of(100_000), CALM),
    "400 fields": (headers((*GET, *[(b"x", b"y")] * 400)), OK),
    "1000 fields": (headers((*GET, *[(b"x", b"y")] * 1000)), Answered(431)),
    # The client has not acknowledged the server's settings, and may not have received them.
    "as much DATA as the default windows allow": (
        headers(POST, MORE)
        + many(3, data(b" " * 16_384))
        + data(b" " * (16_383 - len(BODY)))
        + data(BODY, 1),
        OK,
    ),
    "more DATA than the windows allow": (
        headers(POST, MORE) + many(200, data(b" " * 16_384)),
        Code.FLOW_CONTROL_ERROR,
    ),
    "5 empty CONTINUATION frames": (
        headers(GET, http2.END_STREAM)
        + many(4, frame(http2.CONTINUATION, 0, 1))
        + frame(http2.CONTINUATION, MORE, 1),
        OK,
    ),
    "100 empty CONTINUATION frames": (
        headers(GET, http2.END_STREAM) + many(100, frame(http2.CONTINUATION, 0, 1)),
        CALM,
    ),
    "100 empty DATA frames": (headers(POST, MORE) + many(100, data(b"")) + data(BODY, 1), OK),
    "101 empty DATA frames": (headers(POST, MORE) + many(101, data(b"")), CALM),
    "101 empty DATA frames among others": (
        headers(POST, MORE) + many(101, data(b"") + data(b" " * 256)),
        CALM,
    ),
    "1000 empty DATA frames": (headers(POST, MORE) + many(1000, data(b"")), CALM),
    "10 rapid resets": (
        b"".join(headers(GET, END, stream) + reset(stream) for stream in streams(10)),
        None,
    ),
    "1000 rapid resets": (
        b"".join(headers(GET, END, stream) + reset(stream) for stream in streams(1000)),
        CALM,
    ),
    "1000 rapid resets of bodies": (
        b"".join(headers(POST, MORE, stream) + reset(stream) for stream in streams(1000)),
        CALM,
    ),
    "100 malformed requests": (
        b"".join(headers(GET[1:], END, stream) for stream in streams(100)),
        None,
    ),
    "2000 malformed requests": (
        b"".join(headers(GET[1:], END, stream) for stream in streams(2000)),
        CALM,
    ),
    "2000 windows too far": (
        b"".join(headers(POST, MORE, n) + window(n, 2**31 - 1) for n in streams(2000)),
        CALM,
    ),
    "10,000 SETTINGS": (many(10_000, setting(3, 100)), None),
    "10,000 PING": (many(10_000, frame(http2.PING, 0, 0, bytes(8))), None),
    "10,000 PRIORITY": (
        b"".join(frame(http2.PRIORITY, 0, stream, bytes(5)) for stream in streams(10_000)),
        None,
    ),
    "20,000 WINDOW_UPDATE": (
        headers(POST, MORE) + many(10_000, window(0, 1) + window(1, 1)) + data(BODY, 1),
        OK,
    ),
}


@pytest.mark.sample(4)
@pytest.mark.parametrize(("sent", "expected"), FLOODS.values(), ids=FLOODS)
def test_floods(scratch: Client, sent: bytes, expected: Expected) -> None:
    """How many of them the server accepts (§1.5: 16 KiB of header list)."""
    check(scratch, sent, expected)


def test_what_the_server_announces(scratch: Client) -> None:
    """200 streams, windows of 1 MiB, frames of 16 KiB, header lists of 16 KiB."""
    settings = exchange(scratch, b"", []).settings
    assert settings == {3: 200, 4: 2**20, 5: 2**14, 6: 2**14}


def test_pings_and_settings_are_acknowledged(scratch: Client) -> None:
    """Each of them, pings with what they said."""
    pings = [b"%08d" % number for number in range(100)]
    sent = b"".join(frame(http2.PING, 0, 0, ping) + setting(3, 100) for ping in pings)
    outcome = exchange(scratch, sent, [])
    assert (outcome.pongs, outcome.acks) == (pings, 101)


def test_more_streams_than_announced(scratch: Client) -> None:
    """Those beyond 200 are refused, which a client may repeat; the others are served."""
    opened, body = list(streams(202)), data(BODY, http2.END_STREAM)
    sent = b"".join(headers(POST, MORE, stream) for stream in opened)
    sent += b"".join(body[:5] + stream.to_bytes(4, "big") + body[9:] for stream in opened[:200])
    sent = sent.replace(BASIN, (scratch.basin or "").encode())
    outcome = exchange(scratch, sent, opened, next_request=False)
    expected = dict.fromkeys(opened[:200], OK)
    expected |= dict.fromkeys(opened[200:], Answered(reset=Code.REFUSED_STREAM))
    assert outcome.streams == expected
