"""Each record that one form accepts is read back byte for byte in every other form.

The messages are those of the official SDK. Source: reference: data_plane §1.5, §2, §3.1, §4.6.
"""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from s2mock import S2Mock
from tests.properties.wire_forms import (
    APPEND_FORMS,
    CODINGS,
    READ_FORMS,
    Read,
    Record,
    append,
    read,
)

pytestmark = pytest.mark.slow

TELLTALES = [
    b"\r\n\r\ndata: [DONE]\n\n",
    b"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85",  # line ends to Unicode, not to SSE
    b"\xef\xbb\xbf",
    b"\0\x01\x7f\x1b",
    b"\xf0\x28\x8c\xbc",
    b"\xed\xa0\x80\xed\xbf\xbf",  # surrogates, which UTF-8 does not have
    b"\xf4\x90\x80\x80\xff\xfe",
    b"a\xffz",
    "é€😀".encode(),
    b'"\\/<>&',
]

texts = st.text(max_size=8).map(str.encode) | st.sampled_from(
    [data for data in TELLTALES if data.decode("utf-8", "ignore").encode() == data]
)
anything = st.binary(max_size=8) | st.sampled_from(TELLTALES) | texts
timestamps = st.none() | st.integers(0, 10**12)


def records(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[Record]]:
    long = st.builds(lambda data, times: data * times, content, st.sampled_from([1, 1, 1, 300]))
    pairs = st.lists(st.tuples(content.filter(bool), long), max_size=3).map(tuple)
    plain = st.builds(Record, long, pairs, timestamps)
    tokens = st.text(max_size=9).map(str.encode)
    fences = st.builds(Record, tokens, st.just(((b"", b"fence"),)), timestamps)
    # One that trims nothing.
    trims = st.builds(Record, st.just(bytes(8)), st.just(((b"", b"trim"),)), timestamps)
    return st.lists(plain | plain | plain | fences | trims, min_size=1, max_size=4)


batches = st.sampled_from(APPEND_FORMS).flatmap(
    lambda form: st.tuples(st.just(form), records(texts if form == "json" else anything))
)


def as_text(data: bytes) -> bytes:
    """What is left of bytes in a form of text: U+FFFD for what is none."""
    return data.decode("utf-8", "replace").encode()


@settings(max_examples=120, deadline=None)
@given(batches, st.sampled_from(CODINGS), st.sampled_from(CODINGS))
@example(
    ("protobuf", [Record(body=data, headers=((data, data),)) for data in TELLTALES]), None, None
)
@example(("s2s", [Record(), Record(b"", ((b"k", b""),)), Record(b"x" * 5000)]), "zstd", "gzip")
@example(
    ("json", [Record(b"", ((b"", b"fence"),), 0), Record(bytes(8), ((b"", b"trim"),))]),
    "gzip",
    None,
)
def test_every_form_into_every_form(
    batch: tuple[str, list[Record]], sent_in: str | None, read_in: str | None
) -> None:
    form, given_records = batch
    mock = S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "s"}]}])
    client = mock.client
    assert append(client, form, given_records, sent_in) == 0

    stored = mock.basin("my-basin").stream("s").records
    latest = 0
    for record, kept in zip(given_records, stored, strict=True):
        assert (record.body, record.headers) == (kept.body, kept.headers)
        if record.timestamp is not None:
            latest = max(latest, record.timestamp)
            assert kept.timestamp == latest
        latest = kept.timestamp
    for read_form in READ_FORMS:
        got = read(client, read_form, 0, len(stored), read_in)
        is_text = read_form in ("json", "sse")
        assert got == [
            Read(
                kept.seq_num,
                kept.timestamp,
                tuple((as_text(name), as_text(value)) for name, value in kept.headers)
                if is_text
                else kept.headers,
                as_text(kept.body) if is_text else kept.body,
            )
            for kept in stored
        ]


@settings(max_examples=200, deadline=None)
@given(st.binary())
@example(b"\xf0\x28\x8c\xbc")
@example(b"\xe2\x82")
@example(b"\xc0\x80\xe0\x80\x80")
def test_replacement_characters(data: bytes) -> None:
    """One for each maximal part that is no UTF-8, counted here by hand (§1.5)."""
    mock = S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "s"}]}])
    append(mock.client, "protobuf", [Record(data)], None)
    [record] = read(mock.client, "json", 0, 1, None)

    assert record.body.decode() == _replaced(data)


# Lead byte, then the range of the second byte; the others are from 0x80 to 0xbf (Unicode, 3-7).
_SEQUENCES = [
    (range(0xC2, 0xE0), range(0x80, 0xC0), 2),
    (range(0xE0, 0xE1), range(0xA0, 0xC0), 3),
    (range(0xE1, 0xED), range(0x80, 0xC0), 3),
    (range(0xED, 0xEE), range(0x80, 0xA0), 3),
    (range(0xEE, 0xF0), range(0x80, 0xC0), 3),
    (range(0xF0, 0xF1), range(0x90, 0xC0), 4),
    (range(0xF1, 0xF4), range(0x80, 0xC0), 4),
    (range(0xF4, 0xF5), range(0x80, 0x90), 4),
]


def _replaced(data: bytes) -> str:
    text, at = "", 0
    while at < len(data):
        if data[at] < 0x80:
            text += chr(data[at])
            at += 1
            continue
        found = [(second, length) for lead, second, length in _SEQUENCES if data[at] in lead]
        end = at + 1
        if found:
            [(second, length)] = found
            if end < len(data) and data[end] in second:
                end += 1
                while end < len(data) and end < at + length and 0x80 <= data[end] < 0xC0:
                    end += 1
            if end == at + length:
                text += data[at:end].decode()
                at = end
                continue
        text += "\ufffd"
        at = end
    return text
