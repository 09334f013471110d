"""Append sessions whose whole body has a content coding. Source: reference: data_plane §7."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from s2mock.api import zstd
from s2mock.contract.records import Stream, acks, append_input, frame
from s2mock.contract.sessions import Frame, Session

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
}
CODINGS = pytest.mark.parametrize("coding", ["gzip", "zstd"])
HI = frame(append_input(b"hi"))


def opened(stream: Stream, coding: str) -> Session:
    """An append session whose body is in that coding."""
    return stream.append_session(headers={"content-encoding": coding})


def flushing(coding: str) -> Callable[[bytes], bytes]:
    """A compressor that holds nothing back, for pieces of one member or frame."""
    if coding == "zstd":
        of_zstd = zstd.ZstdCompressor()
        return lambda data: of_zstd.compress(data, of_zstd.FLUSH_BLOCK)
    of_gzip = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    return lambda data: of_gzip.compress(data) + of_gzip.flush(zlib.Z_SYNC_FLUSH)


def ended(session: Session) -> tuple[int, str]:
    """Status and code of the terminal frame, which must be the next and the last."""
    (received,) = session.frames()
    return received.status, received.error["code"]


@CODINGS
def test_body_is_inflated(stream: Stream, coding: str) -> None:
    """Frames in it may be compressed themselves (§6.3, §7)."""
    inner = Frame(0x40, gzip.compress(append_input(b"inner").SerializeToString())).encode()
    with opened(stream, coding) as session:
        session.send(COMPRESS[coding](HI + inner))
        session.half_close()
        assert acks(session, 2) == [(0, 1), (1, 2)]
        assert list(session.frames()) == []
    assert stream.bodies(seq_num=0) == ["hi", "inner"]


def test_identity_leaves_the_body_as_it_is(stream: Stream) -> None:
    """It is a coding too (§7)."""
    with opened(stream, "identity") as session:
        session.send(HI)
        assert acks(session, 1) == [(0, 1)]


@CODINGS
def test_each_frame_is_acknowledged_before_the_next_is_sent(stream: Stream, coding: str) -> None:
    """The body is inflated as it comes, not at its end (§7)."""
    compress = flushing(coding)
    with opened(stream, coding) as session:
        for number in range(5):
            session.send(compress(HI))
            assert acks(session, 1) == [(number, number + 1)]


@CODINGS
def test_body_cut_anywhere_is_inflated(stream: Stream, coding: str) -> None:
    """A piece may be a single byte (§7)."""
    with opened(stream, coding) as session:
        whole = COMPRESS[coding](HI + HI)
        for at in range(len(whole)):
            session.send(whole[at : at + 1])
        session.half_close()
        assert acks(session, 2) == [(0, 1), (1, 2)]
        assert list(session.frames()) == []


@CODINGS
def test_body_may_be_longer_than_a_unary_one(stream: Stream, coding: str) -> None:
    """The limit of 2 MiB is for one frame, and the body of a session has none (§7)."""
    long = frame(append_input(b"x" * 500_000))
    with opened(stream, coding) as session:
        session.send(COMPRESS[coding](long * 6))
        session.half_close()
        assert acks(session, 6)[-1] == (5, 6)
        assert list(session.frames()) == []


@pytest.mark.parametrize("coding", ["br", "GZIP", "gzip, zstd", ""])
def test_unknown_coding_is_refused(stream: Stream, coding: str) -> None:
    """415 without a body, as everywhere (§7)."""
    with opened(stream, coding) as session:
        assert session.status == 415
        assert session.headers["accept-encoding"] == "zstd,gzip"
    assert stream.tail_ok()["seq_num"] == 0


@CODINGS
def test_body_that_is_not_compressed_ends_the_session(stream: Stream, coding: str) -> None:
    """A terminal 400, whose text is the coding library's own (§6.6)."""
    with opened(stream, coding) as session:
        session.send(HI)
        session.half_close()
        assert session.status == 200
        assert ended(session) == (400, "bad_frame")
    assert stream.tail_ok()["seq_num"] == 0


@CODINGS
def test_body_that_is_cut_off_ends_the_session(stream: Stream, coding: str) -> None:
    """What came whole before that is appended (§6.4)."""
    with opened(stream, coding) as session:
        session.send(flushing(coding)(HI))
        session.half_close()
        assert acks(session, 1) == [(0, 1)]
        assert ended(session) == (400, "bad_frame")
    assert stream.tail_ok()["seq_num"] == 1


@CODINGS
def test_empty_body_is_a_session_without_appends(stream: Stream, coding: str) -> None:
    """As without a coding (§6.4)."""
    with opened(stream, coding) as session:
        session.half_close()
        assert session.status == 200
        assert list(session.frames()) == []


@CODINGS
def test_half_close_within_a_frame(stream: Stream, coding: str) -> None:
    """The coding is complete, what it holds is not (§6.6)."""
    with opened(stream, coding) as session:
        session.send(COMPRESS[coding](HI[:-1]))
        session.half_close()
        (received,) = session.frames()
    assert received.error == {"code": "bad_frame", "message": "bytes remaining on stream"}


@pytest.mark.parametrize(("coding", "count"), [("gzip", 1), ("zstd", 2)])
def test_second_member_or_frame(stream: Stream, coding: str, count: int) -> None:
    """Frames of zstd follow each other; of gzip only the first member is read (§7)."""
    with opened(stream, coding) as session:
        session.send(COMPRESS[coding](HI) * 2)
        session.half_close()
        assert len(acks(session, count)) == count
        assert list(session.frames()) == []
    assert stream.tail_ok()["seq_num"] == count
