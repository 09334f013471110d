"""Frames that are malformed, and frames in codings.

Source: reference: data_plane §6.2, §6.3, §6.6; §10, cases 134 to 137.
"""

import gzip
import os
from collections.abc import Callable
from typing import Any

import pytest

from s2mock.api import zstd
from s2mock.api.wire.messages import AppendAck, ReadBatch
from s2mock.contract.cases import case
from s2mock.contract.records import Stream, acks, append_input, batch, frame
from s2mock.contract.sessions import Frame, Session

MAX_PAYLOAD = 2 * 1024 * 1024 - 1
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
}
FLAGS = {"gzip": 0x40, "zstd": 0x20}


def terminal(session: Session) -> tuple[int, Any]:
    """Status and JSON of the terminal frame, which must be the next and the last."""
    (received,) = session.frames()
    return received.status, received.error


def bad_frame(message: str) -> tuple[int, Any]:
    """The terminal frame of a malformed input."""
    return 400, {"code": "bad_frame", "message": message}


BAD_FRAMES = [
    ("000000", "empty frame payload"),
    ("200001", "frame exceeds decode limit"),
    ("ffffff", "frame exceeds decode limit"),
    ("000001 60", "unknown compression algorithm"),
    ("000003 7f 0a00", "unknown compression algorithm"),
    ("000001 80", "terminal message missing status code"),
    ("000002 80 01", "terminal message missing status code"),
    ("000003 80 0190", "Unexpected terminal frame as input"),
    ("000005 e0 0190 7b7d", "Unexpected terminal frame as input"),
    ("000004 80 0190 ff", "invalid utf-8"),
]


@case(134)
@pytest.mark.parametrize(("data", "message"), BAD_FRAMES)
def test_bad_frames(stream: Stream, data: str, message: str) -> None:
    """A terminal 400, judged from the bytes that are there (§6.6)."""
    with stream.append_session() as session:
        session.send(bytes.fromhex(data))
        assert terminal(session) == bad_frame(message)
    assert stream.tail_ok()["seq_num"] == 0


def test_what_came_before_a_bad_frame_is_appended(stream: Stream) -> None:
    """Acked first; what comes after is not read (§6.4)."""
    with stream.append_session() as session:
        good = frame(append_input(b"x"))
        session.send(good + good + b"\x00\x00\x00" + good)
        assert acks(session, 2) == [(0, 1), (1, 2)]
        assert terminal(session) == bad_frame("empty frame payload")
    assert stream.tail_ok()["seq_num"] == 2


@pytest.mark.parametrize("length", [1, 2, 3, 4, 9])
def test_half_close_within_a_frame(stream: Stream, length: int) -> None:
    """However little is there (§6.6)."""
    with stream.append_session() as session:
        session.send(frame(append_input(b"hi"))[:length])
        session.half_close()
        assert terminal(session) == bad_frame("bytes remaining on stream")


@pytest.mark.parametrize("payload", ["ff", "0a 05 61", "08 01", "0f", "00", "1a 01 ff"])
def test_not_protobuf(stream: Stream, payload: str) -> None:
    """The detail is the library's own (§6.6)."""
    with stream.append_session() as session:
        session.send(Frame(0, bytes.fromhex(payload)).encode())
        status, error = terminal(session)
    assert (status, error["code"]) == (400, "bad_frame")
    assert error["message"].startswith("failed to decode Protobuf message: ")


def test_an_empty_payload_is_an_empty_batch(stream: Stream) -> None:
    """A flag alone is a frame; its message has no records (§3.2)."""
    with stream.append_session() as session:
        session.send(bytes.fromhex("000001 00"))
        message = "record batch must not be empty"
        assert terminal(session) == (422, {"code": "invalid", "message": message})


@pytest.mark.parametrize("flag", [0x01, 0x0F, 0x10, 0x1F])
def test_reserved_bits_are_ignored(stream: Stream, flag: int) -> None:
    """And so is the bit by which a server advises to reconnect (§6.2)."""
    with stream.append_session() as session:
        session.send(Frame(flag, append_input(b"x").SerializeToString()).encode())
        assert acks(session, 1) == [(0, 1)]


@case(134)
def test_longest_frame(stream: Stream) -> None:
    """2 MiB of flag and payload is a frame, one byte more is not (§1.7)."""
    message = append_input(b"x").SerializeToString()
    # An unknown field, as long as needed: tag, three bytes of length, content.
    length = MAX_PAYLOAD - len(message) - 4
    low, middle, high = length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14
    assert high < 0x80
    message += bytes([0x7A, low, middle, high]) + b"x" * length
    with stream.append_session() as session:
        session.send(Frame(0, message).encode())
        assert acks(session, 1) == [(0, 1)]
        session.send(Frame(0, message + b"x").encode()[:3])
        assert terminal(session) == bad_frame("frame exceeds decode limit")


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("accept", [None, "identity", "gzip", "zstd"])
def test_compressed_inputs(stream: Stream, coding: str, accept: str | None) -> None:
    """Each frame's own flag counts, with any headers (§6.3)."""
    headers = {} if accept is None else {"accept-encoding": accept}
    message = append_input(b"hi").SerializeToString()
    with stream.append_session(headers=headers) as session:
        session.send(Frame(FLAGS[coding], COMPRESS[coding](message)).encode())
        session.send(frame(append_input(b"plain")))
        assert acks(session, 2) == [(0, 1), (1, 2)]
    assert stream.bodies(seq_num=0) == ["hi", "plain"]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", ["junk", "nothing", "cut"])
def test_corrupt_inputs(stream: Stream, coding: str, damage: str) -> None:
    """The text is the coding library's own (§6.6)."""
    whole = COMPRESS[coding](append_input(b"hi").SerializeToString())
    payload = {"junk": b"junk", "nothing": b"", "cut": whole[:-2]}[damage]
    with stream.append_session() as session:
        session.send(Frame(FLAGS[coding], payload).encode())
        status, error = terminal(session)
    assert (status, error["code"]) == (400, "bad_frame")
    assert stream.tail_ok()["seq_num"] == 0


@case(136)
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_inputs_that_inflate_too_far(stream: Stream, coding: str) -> None:
    """To 2 MiB less one byte, and no further (§1.7, §6.6)."""
    # Zeros are bad protobuf: what matters is which complaint comes.
    with stream.append_session() as session:
        session.send(Frame(FLAGS[coding], COMPRESS[coding](bytes(MAX_PAYLOAD))).encode())
        _, error = terminal(session)
        assert error["message"].startswith("failed to decode Protobuf message: ")
    for length in (MAX_PAYLOAD + 1, 10 * MAX_PAYLOAD):
        with stream.append_session() as session:
            session.send(Frame(FLAGS[coding], COMPRESS[coding](bytes(length))).encode())
            assert terminal(session) == bad_frame("decompressed payload exceeds limit")


ACCEPTED: list[tuple[str | None, str | None]] = [
    (None, None),
    ("identity", None),
    ("br, deflate", None),
    ("gzip", "gzip"),
    ("GZip", "gzip"),
    ("zstd", "zstd"),
    ("ZSTD", "zstd"),
    ("gzip, zstd, br", "zstd"),
    ("gzip;q=0.8, deflate", "gzip"),
    ("gzip;q=1.0, zstd;q=0.1", "zstd"),
    ("zstd;q=0, gzip", "gzip"),
    ("zstd;q=0.0;x=y, gzip ; q=0", None),
    ("zstd ; Q=0", None),
    ("*", None),
    ("x-gzip", None),
]


@pytest.mark.sample(3)
@case(137)
@pytest.mark.parametrize(("accept", "coding"), ACCEPTED)
def test_coding_of_a_read_session(stream: Stream, accept: str | None, coding: str | None) -> None:
    """Zstd if it is accepted, else gzip if that is; the weight counts only if it is 0 (§6.3)."""
    stream.append_ok("x" * 2000)
    headers = {} if accept is None else {"accept-encoding": accept}
    with stream.read_session(seq_num=0, count=1, headers=headers) as session:
        (received,) = session.frames()

    assert received.flag == {None: 0x00, "zstd": 0x20, "gzip": 0x40}[coding]
    assert received.message(ReadBatch).records[0].body == b"x" * 2000
    assert (len(received.payload) < 1000) is (coding is not None)


@case(135)
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_only_long_messages_are_compressed(stream: Stream, coding: str) -> None:
    """From 1024 bytes on, the length of the message (§6.3)."""
    # Tags and lengths of record and body, three bytes each; the timestamp in two; seq_num 1 in two
    # as well, while 0 is not sent.
    bodies = ["x" * (1023 - 8), "x" * (1024 - 10), ""]
    stream.append_ok(*[{"body": body, "timestamp": 5} for body in bodies])
    for seq_num, length, flag in ((0, 1023, 0), (1, 1024, FLAGS[coding])):
        headers = {"accept-encoding": coding}
        with stream.read_session(seq_num=seq_num, count=1, headers=headers) as session:
            (received,) = session.frames()
        assert len(received.message(ReadBatch).SerializeToString()) == length
        assert received.flag == flag


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_compressed_even_if_longer(stream: Stream, coding: str) -> None:
    """A frame is compressed also if that makes it longer (§6.3)."""
    body = os.urandom(3000)
    stream.append_protobuf(append_input(body))
    with stream.read_session(seq_num=0, count=1, headers={"accept-encoding": coding}) as session:
        (received,) = session.frames()

    assert received.flag == FLAGS[coding]
    assert len(received.payload) > 3000
    assert received.message(ReadBatch).records[0].body == body


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_live_batches_are_compressed_too(stream: Stream, coding: str) -> None:
    """And heartbeats are too short for it (§6.3)."""
    with stream.read_session(seq_num=0, headers={"accept-encoding": coding}) as session:
        assert next(session.frames()).flag == 0
        stream.append_ok("x" * 2000)
        received = next(session.frames())
        assert received.flag == FLAGS[coding]
        assert received.message(ReadBatch).records[0].body == b"x" * 2000


@case(94, 124)
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_large_body_there_and_back(stream: Stream, coding: str) -> None:
    """Compressed both ways (§6.3)."""
    body = b"0123456789" * 2048
    headers = {"accept-encoding": coding}
    with stream.append_session(headers=headers) as session:
        message = append_input(body, body[::-1]).SerializeToString()
        session.send(Frame(FLAGS[coding], COMPRESS[coding](message)).encode())
        assert next(session.frames()).message(AppendAck).end.seq_num == 2
    with stream.read_session(seq_num=0, count=2, headers=headers) as session:
        assert [record.body for record in batch(session).records] == [body, body[::-1]]


def test_terminal_frames_are_never_compressed(stream: Stream) -> None:
    """However long (§6.2)."""
    with stream.append_session(headers={"accept-encoding": "zstd"}) as session:
        session.send(frame(append_input(b"x", match_seq_num=7)))
        (received,) = session.frames()
    assert received.flag == 0x80
