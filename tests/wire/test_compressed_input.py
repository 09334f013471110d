"""Compressed bodies and frames that are not just one stream: as the running server takes them.

Observed on s2-lite 0.43.4. Source otherwise: reference: data_plane §6.3, §7.
"""

import gzip
import json

import pytest
import zstandard

from s2mock import S2Mock
from s2mock.api.wire.messages import AppendAck
from s2mock.contract.records import append_input

ONE = append_input(b"x" * 50).SerializeToString()
GZIP = gzip.compress(ONE, mtime=0)
ZSTD = zstandard.ZstdCompressor().compress(ONE)
SKIPPABLE = b"\x50\x2a\x4d\x18\x02\0\0\0ab"
EMPTY = zstandard.ZstdCompressor().compress(b"")

CASES = {
    # Of gzip the first member counts, and nothing behind it is looked at.
    "gzip": ("gzip", GZIP, 1),
    "gzip, then anything": ("gzip", GZIP + b"anything", 1),
    "gzip twice": ("gzip", GZIP + GZIP, 1),
    "gzip without its end": ("gzip", GZIP[:-3], "corrupt"),
    "gzip without a checksum that fits": ("gzip", GZIP[:-8] + bytes(8), "corrupt"),
    # Of zstd all frames count, and there must be nothing else.
    "zstd": ("zstd", ZSTD, 1),
    "zstd twice": ("zstd", ZSTD + ZSTD, 2),
    "zstd, then anything": ("zstd", ZSTD + b"anything", "corrupt"),
    "zstd, then a part of a frame": ("zstd", ZSTD + ZSTD[:-1], "corrupt"),
    "zstd behind a skippable frame": ("zstd", SKIPPABLE + ZSTD, 1),
    "zstd before a skippable frame": ("zstd", ZSTD + SKIPPABLE, 1),
    "zstd around a skippable frame": ("zstd", ZSTD + SKIPPABLE + ZSTD, 2),
    "zstd around empty frames": ("zstd", ZSTD + EMPTY * 1000 + ZSTD, 2),
    "zstd of a skippable frame only": ("zstd", SKIPPABLE, "no records"),
    "zstd without its end": ("zstd", ZSTD[:-3], "corrupt"),
    "zstd of nothing": ("zstd", EMPTY, "no records"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("content_type", ["application/protobuf", "s2s/proto"])
def test_input(case: str, content_type: str) -> None:
    coding, data, expected = CASES[case]
    outcome = {"corrupt": "bad_frame" if content_type == "s2s/proto" else "bad_proto"}
    assert append(content_type, coding, data) == {**outcome, "no records": "invalid"}.get(
        expected, expected
    )


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_no_bytes_at_all(coding: str) -> None:
    """A body without bytes is empty in any coding; a frame without them is cut off."""
    assert append("application/protobuf", coding, b"") == "invalid"
    assert append("s2s/proto", coding, b"") == "bad_frame"


@pytest.mark.slow
def test_many_small_frames() -> None:
    """As many as a body can hold take no longer than their number."""
    frames = EMPTY * (1_000_000 // len(EMPTY))
    assert append("application/protobuf", "zstd", frames + ZSTD) == 1


def append(content_type: str, coding: str, data: bytes) -> int | str:
    """How many records the append had, or the code of the error."""
    mock = S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "s"}]}])
    headers = {"s2-basin": "my-basin", "content-type": content_type}
    if content_type == "s2s/proto":
        flag = {"zstd": b"\x20", "gzip": b"\x40"}[coding]
        data = (len(data) + 1).to_bytes(3, "big") + flag + data
    else:
        headers |= {"content-encoding": coding, "accept": "application/protobuf"}
    answer = mock.client.post("/v1/streams/s/records", data=data, headers=headers)
    if content_type == "s2s/proto" and answer.data[3] & 0x80:
        return str(json.loads(answer.data[6:])["code"])
    if answer.status_code != 200:
        return str(answer.json["code"])
    payload = answer.data[4:] if content_type == "s2s/proto" else answer.data
    count = AppendAck.FromString(payload).end.seq_num
    assert len(mock.basin("my-basin").stream("s").records) == count
    return int(count)
