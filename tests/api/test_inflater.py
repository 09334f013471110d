"""Inflation of a body as it comes, piece by piece."""

import gzip
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mock import S2Mock
from s2mock.api import zstd
from s2mock.api.inflater import inflater
from s2mock.contract.records import append_input, frame
from s2mock.registry.values.errors import BadFrame

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
}
CODINGS = pytest.mark.parametrize("coding", ["gzip", "zstd"])
PIECE_BYTES = 64 * 1024


def inflate(coding: str, pieces: list[bytes]) -> list[bytes]:
    body = inflater(coding)
    inflated = [piece for data in pieces for piece in body.feed(data)]
    body.finish()
    return inflated


@CODINGS
@given(data=st.data())
def test_pieces_cut_anywhere_come_back_as_one_body(coding: str, data: st.DataObject) -> None:
    plain = data.draw(st.binary(max_size=50)) * data.draw(st.sampled_from([0, 1, 9, 20_000]))
    sent = COMPRESS[coding](plain)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    pieces = [sent[at:end] for at, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    inflated = inflate(coding, pieces)
    assert b"".join(inflated) == plain
    assert all(len(piece) <= PIECE_BYTES for piece in inflated)


@given(st.lists(st.binary(max_size=3).map(lambda data: data * 30_000), max_size=6))
def test_frames_of_zstd_follow_each_other(plain: list[bytes]) -> None:
    sent = b"".join(map(zstd.compress, plain))
    middle = len(sent) // 2
    assert b"".join(inflate("zstd", [sent])) == b"".join(plain)
    assert b"".join(inflate("zstd", [sent[:middle], sent[middle:]])) == b"".join(plain)


@CODINGS
def test_body_that_inflates_to_much_is_never_held_as_a_whole(coding: str) -> None:
    body = inflater(coding)
    first = next(iter(body.feed(COMPRESS[coding](bytes(100 * PIECE_BYTES)))))
    assert len(first) == PIECE_BYTES


@CODINGS
@pytest.mark.parametrize("cut", [1, 4, 12, -1])
def test_body_that_is_cut_off_is_a_bad_frame(coding: str, cut: int) -> None:
    with pytest.raises(BadFrame, match="unexpected end of file"):
        inflate(coding, [COMPRESS[coding](b"some text")[:cut]])


@CODINGS
def test_nothing_at_all_is_an_empty_body(coding: str) -> None:
    assert inflate(coding, []) == []


def test_others_have_a_turn_between_frames_of_nothing() -> None:
    """Each takes some microseconds, and a mebibyte holds a hundred thousand."""
    with S2Mock() as mock:
        mock.create_basin("my-basin").create_stream("t")
        answer = mock.client.post(
            "/v1/streams/t/records",
            headers={"s2-basin": "my-basin", "content-encoding": "zstd"},
            content_type="s2s/proto",
            data=zstd.compress(b"") * 1000 + zstd.compress(frame(append_input(b"a"))),
            buffered=False,
        )
        pieces = list(answer.iter_encoded())
    assert len(pieces) > 1000
    assert b"".join(pieces) != b""
