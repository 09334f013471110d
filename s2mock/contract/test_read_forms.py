"""One log in every form.

Source: reference: data_plane §1.4, §1.5, §2 and §4.6; §10, cases 92 and 93.
"""

import pytest

from s2mock.api.wire.messages import AppendInput, ReadBatch
from s2mock.contract.cases import case
from s2mock.contract.forms import APPEND_FORMS, READ_FORMS, Read, Record, append_in, read_in
from s2mock.contract.records import PROTOBUF, Stream, trim

# What text can say as well as bytes.
TEXTS = [
    b"",
    b"a",
    "é € 😀 \u2028 \ufeff \ufffd".encode(),
    bytes(range(0x20)),
    b'\x7f"\\/<>&\x00',
    b"\xef\xbf\xbe\xf4\x8f\xbf\xbf",
]
# What it cannot.
BYTES = [bytes(range(256)), b"\xff", b"\x80", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf8\x88"]


def records_of(texts: list[bytes]) -> list[Record]:
    """Records that have these as bodies, names and values."""
    records = [Record(text, timestamp=7) for text in texts]
    records += [Record(b"", ((b"n" + text, text), (b"n" + text, b""))) for text in texts]
    return records


def without_positions(read: list[Read]) -> list[tuple[bytes, tuple[tuple[bytes, bytes], ...]]]:
    """Bodies and headers."""
    return [(record.body, record.headers) for record in read]


@case(92)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_text_in_every_form(stream: Stream, form: str) -> None:
    """What is appended in one form reads back the same in each (§1.5)."""
    records = records_of(TEXTS)
    append_in(form, stream, *records)

    expected = [(record.body, record.headers) for record in records]
    positions = [(item["seq_num"], item["timestamp"]) for item in stream.read_ok(seq_num=0)]
    for read_form in READ_FORMS:
        read = read_in(read_form, stream, seq_num=0, wait=0)
        assert without_positions(read) == expected, read_form
        assert [(item.seq_num, item.timestamp) for item in read] == positions


@case(92)
@pytest.mark.parametrize("form", [form for form in APPEND_FORMS if form != "json"])
def test_bytes_in_every_form(stream: Stream, form: str) -> None:
    """Raw JSON has U+FFFD for what is not UTF-8, as Python's `errors="replace"` does (§1.5)."""
    records = records_of(BYTES)
    append_in(form, stream, *records)

    expected = [(record.body, record.headers) for record in records]
    replaced = [
        (_replaced(body), tuple((_replaced(name), _replaced(value)) for name, value in headers))
        for body, headers in expected
    ]
    for read_form in READ_FORMS:
        read = without_positions(read_in(read_form, stream, seq_num=0, wait=0))
        raw = read_form in ("json", "sse")
        assert read == (replaced if raw else expected), read_form


def _replaced(data: bytes) -> bytes:
    return data.decode(errors="replace").encode()


@case(93)
def test_a_trim_byte_for_byte(stream: Stream) -> None:
    """Raw: a number below 128 in every byte is text (§1.5, §4.6)."""
    stream.append_ok(*[{"timestamp": 1}] * 42, trim(42) | {"timestamp": 4})

    assert stream.read(seq_num=42).body == (
        b'{"records":[{"seq_num":42,"timestamp":4,"headers":[["","trim"]],'
        b'"body":"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000*"}]}'
    )
    in_base64 = stream.read_ok(seq_num=42, headers={"s2-format": "base64"})
    assert (in_base64[0]["headers"], in_base64[0]["body"]) == ([["", "dHJpbQ=="]], "AAAAAAAAACo=")


@case(93)
def test_bytes_that_are_no_text_byte_for_byte(stream: Stream) -> None:
    """One U+FFFD for each part that cannot be decoded (§1.5)."""
    message = AppendInput()
    record = message.records.add(timestamp=1, body=bytes.fromhex("f0288cbc"))
    record.headers.add(name=b"kind", value=bytes.fromhex("61ff7a"))
    assert stream.append_protobuf(message).status == 200

    assert stream.read(seq_num=0).body.decode() == (
        '{"records":[{"seq_num":0,"timestamp":1,'
        '"headers":[["kind","a\ufffdz"]],"body":"\ufffd(\ufffd\ufffd"}]}'
    )
    for name in ("base64", "json-binsafe", " base64 "):
        answer = stream.read(seq_num=0, headers={"s2-format": name})
        assert answer.body == (
            b'{"records":[{"seq_num":0,"timestamp":1,'
            b'"headers":[["a2luZA==","Yf96"]],"body":"8CiMvA=="}]}'
        )


def test_protobuf_byte_for_byte(stream: Stream) -> None:
    """Zeros are not sent, a tail that is unknown is absent (§2, §4.6)."""
    stream.append_ok({"body": "hi", "timestamp": 1_700_000_000_000, "headers": [["a", "b"]]})
    stream.append_ok({"timestamp": 1_700_000_000_000})
    answer = stream.read(seq_num=0, headers={"accept": PROTOBUF})

    assert answer.headers["content-type"] == "application/protobuf"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.body == bytes.fromhex(
        "0a 13 10 80 d0 95 ff bc 31 1a 06 0a 01 61 12 01 62 22 02 68 69"
        "0a 09 08 01 10 80 d0 95 ff bc 31"
    )


def test_no_records_in_protobuf(stream: Stream) -> None:
    """200 and nothing at all (§1.4)."""
    stream.append_ok("a")
    answer = stream.read(seq_num=0, count=0, headers={"accept": PROTOBUF})

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "application/protobuf"
    assert answer.headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("application/vnd.x+json", "application/json"),
        ("application/*", "application/json"),
        ("s2s/proto", "application/json"),
        ("application/json, application/protobuf", "application/json"),
        ("application/json;q=0, application/protobuf", "application/json"),
        ("application/protobuf", "application/protobuf"),
        ("APPLICATION/X-PROTOBUF", "application/protobuf"),
        ("application/x-protobuf;q=0.1, application/json", "application/protobuf"),
    ],
)
def test_accept(stream: Stream, accept: str | None, content_type: str) -> None:
    """The first item decides; there is no 406 (§1.4)."""
    stream.append_ok("a")
    answer = stream.read(seq_num=0, headers={"accept": accept})

    assert answer.status == 200
    assert answer.headers["content-type"] == content_type
    if content_type == "application/protobuf":
        assert ReadBatch.FromString(answer.body).records[0].body == b"a"
    else:
        assert answer.json["records"][0]["body"] == "a"


def test_a_content_type_does_not_matter_to_a_unary_read(stream: Stream) -> None:
    """Only `s2s/proto` does (§1.4)."""
    stream.append_ok("a")
    for content_type in ("application/protobuf", "text/event-stream", "junk"):
        assert stream.bodies(seq_num=0, headers={"content-type": content_type}) == ["a"]


def test_a_unary_read_tells_no_tail(stream: Stream) -> None:
    """Where it did not wait (§4.6)."""
    stream.append_ok("a", "b")
    assert list(stream.read(seq_num=0).json) == ["records"]
    assert list(stream.read(seq_num=0, count=1, wait=5).json) == ["records"]
    answer = stream.read(seq_num=0, headers={"accept": PROTOBUF})
    assert not ReadBatch.FromString(answer.body).HasField("tail")
