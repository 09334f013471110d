"""Codings of unary requests and answers. Source: reference: data_plane §7; §10, case 94."""

import gzip
from collections.abc import Callable

import pytest

from s2mock.api import zstd
from s2mock.api.zstd import CompressionParameter as Parameter
from s2mock.contract.cases import case
from s2mock.contract.client import Answer
from s2mock.contract.records import PROTOBUF, Stream
from s2mock.contract.sessions import Session, inflate

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
}
CODINGS = pytest.mark.parametrize("coding", ["gzip", "zstd"])
JSON_HI = b'{"records":[{"body":"hi"}]}'
PROTOBUF_HI = bytes.fromhex("0a 04 1a 02 68 69")
BODY_LIMIT = 2 * 1024 * 1024


def append(stream: Stream, body: bytes, coding: str, content_type: str) -> Answer:
    """Append with a body in that coding."""
    return stream.append_bytes(body, content_type, headers={"content-encoding": coding})


@CODINGS
@pytest.mark.parametrize(
    ("body", "content_type"), [(JSON_HI, "application/json"), (PROTOBUF_HI, PROTOBUF)]
)
def test_compressed_request(stream: Stream, coding: str, body: bytes, content_type: str) -> None:
    """However short (§7)."""
    assert append(stream, COMPRESS[coding](body), coding, content_type).status == 200
    assert stream.bodies(seq_num=0) == ["hi"]


@pytest.mark.parametrize(
    "data",
    [
        zstd.compress(JSON_HI, options={Parameter.content_size_flag: 0}),
        zstd.compress(
            JSON_HI, options={Parameter.compression_level: 19, Parameter.checksum_flag: 1}
        ),
    ],
    ids=["no size", "checksum"],
)
def test_zstd_frames_of_other_kinds(stream: Stream, data: bytes) -> None:
    """A frame may lack its content size (§7)."""
    assert append(stream, data, "zstd", "application/json").status == 200


def test_identity(stream: Stream) -> None:
    """`identity` is a coding too (§7)."""
    assert append(stream, JSON_HI, "identity", "application/json").status == 200


@pytest.mark.parametrize("coding", ["", "br", "deflate", "GZIP", "x-gzip", "gzip, zstd", "*"])
def test_unknown_coding(stream: Stream, coding: str) -> None:
    """415 with an empty body and what is known (§7)."""
    answer = append(stream, JSON_HI, coding, "application/json")

    assert (answer.status, answer.body) == (415, b"")
    assert answer.headers["accept-encoding"] == "zstd,gzip"
    assert "content-type" not in answer.headers
    assert stream.tail_ok()["seq_num"] == 0


@CODINGS
@pytest.mark.parametrize("damage", ["junk", "cut"])
def test_corrupt_request(stream: Stream, coding: str, damage: str) -> None:
    """400; what follows is the coding library's own text (§7)."""
    for body, content_type, code in (
        (JSON_HI, "application/json", "bad_json"),
        (PROTOBUF_HI, PROTOBUF, "bad_proto"),
    ):
        data = b"abcdef" if damage == "junk" else COMPRESS[coding](body)[:-3]
        answer = append(stream, data, coding, content_type)
        assert (answer.status, answer.code) == (400, code)
        assert answer.message.startswith("Failed to buffer the request body: ")
    assert stream.tail_ok()["seq_num"] == 0


@pytest.mark.sample(2)
@CODINGS
def test_limit_of_an_inflated_body(stream: Stream, coding: str) -> None:
    """2 MiB, counted after inflation (§1.7, §7)."""
    longest = JSON_HI + b" " * (BODY_LIMIT - len(JSON_HI))
    assert append(stream, COMPRESS[coding](longest), coding, "application/json").status == 200

    for body in (longest + b" ", longest * 20):
        answer = append(stream, COMPRESS[coding](body), coding, "application/json")
        assert (answer.status, answer.json) == (
            400,
            {
                "code": "bad_json",
                "message": "Failed to buffer the request body: length limit exceeded",
            },
        )


@CODINGS
def test_an_empty_compressed_body(stream: Stream, coding: str) -> None:
    """No bytes are no body, not a corrupt one (§7)."""
    assert append(stream, b"", coding, "application/json").code == "bad_json"
    answer = append(stream, b"", coding, PROTOBUF)
    assert (answer.status, answer.message) == (422, "record batch must not be empty")


def test_a_coding_without_a_body(stream: Stream) -> None:
    """A coding without a body is no error (§7)."""
    stream.append_ok("a")
    assert stream.bodies(seq_num=0, headers={"content-encoding": "gzip"}) == ["a"]


ACCEPTED: list[tuple[str | None, str | None]] = [
    ("gzip", "gzip"),
    ("GZIP", "gzip"),
    ("x-gzip", "gzip"),
    ("zstd", "zstd"),
    ("gzip, zstd", "zstd"),
    ("zstd;q=0.1, gzip", "gzip"),
    ("gzip;q=0.1, zstd;q=0.1", "zstd"),
    ("*", "zstd"),
    ("identity;q=0, gzip", "gzip"),
    (None, None),
    ("identity", None),
    ("gzip;q=0", None),
    ("br, deflate", None),
]


@pytest.mark.sample(4)
@pytest.mark.parametrize("accept", ["application/json", PROTOBUF])
@pytest.mark.parametrize(("encoding", "coding"), ACCEPTED)
def test_coding_of_an_answer(
    stream: Stream, accept: str, encoding: str | None, coding: str | None
) -> None:
    """The best weight, zstd before gzip (§7)."""
    stream.append_ok("x" * 3000)
    plain = stream.read(seq_num=0, headers={"accept": accept}).body
    headers = {"accept": accept, **({} if encoding is None else {"accept-encoding": encoding})}
    with Session(stream.client, "GET", stream.target(seq_num=0), headers=headers) as session:
        answer = session.answer()

    assert answer.status == 200
    assert answer.headers["content-type"].startswith(accept)
    assert answer.headers.get("content-encoding") == coding
    assert inflate(answer.body, coding) == plain
    # The length, where there is one, is that of the bytes that are sent.
    assert answer.headers.get("content-length", str(len(answer.body))) == str(len(answer.body))
    # Caches must tell the codings apart, also where none was used.
    vary = answer.headers["vary"].replace(" ", "").split(",")
    assert "accept-encoding" in vary


@pytest.mark.parametrize("encoding", ["identity;q=0", "*;q=0"])
def test_no_acceptable_coding(stream: Stream, encoding: str) -> None:
    """406, with the answer all the same (§7)."""
    stream.append_ok("x" * 3000)
    plain = stream.read(seq_num=0).body
    answer = stream.read(seq_num=0, headers={"accept-encoding": encoding})

    assert (answer.status, answer.body) == (406, plain)


def test_only_long_answers_are_compressed(stream: Stream) -> None:
    """From 1024 bytes on (§7)."""
    frame = len('{"records":[{"seq_num":0,"timestamp":5,"body":""}]}')
    stream.append_ok({"timestamp": 5, "body": "x" * (1023 - frame)})
    stream.append_ok({"timestamp": 5, "body": "x" * (1024 - frame)})
    headers = {"accept-encoding": "gzip"}

    short = stream.read(seq_num=0, count=1, headers=headers)
    assert (len(short.body), "content-encoding" in short.headers) == (1023, False)
    assert "accept-encoding" not in short.headers.get("vary", "")
    long = stream.read(seq_num=1, count=1, headers=headers)
    assert len(gzip.decompress(long.body)) == 1024


def test_long_errors_are_compressed(stream: Stream) -> None:
    """Any answer of that length (§7)."""
    headers = {"s2-format": "x" * 1200, "accept-encoding": "gzip"}
    answer = stream.read(seq_num=0, headers=headers)

    assert (answer.status, answer.headers["content-encoding"]) == (400, "gzip")
    assert b"x" * 1200 in gzip.decompress(answer.body)


@CODINGS
@case(94)
def test_compressed_there_and_back(stream: Stream, coding: str) -> None:
    """Two records of 2048 bytes, both ways in protobuf (§7)."""
    bodies = [b"a" * 2048, b"b" * 2048]
    message = b"".join(b"\x0a\x83\x10\x1a\x80\x10" + body for body in bodies)
    headers = {"content-encoding": coding, "accept-encoding": coding}
    assert stream.append_bytes(COMPRESS[coding](message), PROTOBUF, headers=headers).status == 200

    headers = {"accept": PROTOBUF, "accept-encoding": coding}
    answer = stream.read(seq_num=0, headers=headers)
    plain = inflate(answer.body, answer.headers["content-encoding"])
    assert all(body in plain for body in bodies)
