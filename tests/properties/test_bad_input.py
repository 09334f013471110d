"""Any input: an answer of S2's, no fault of ours, no effect that was not requested.

Source: reference: data_plane §1.2, §3.2, §6.6; control_plane §2.
"""

import gzip
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st
from s2_sdk._generated.s2.v1 import s2_pb2
from werkzeug.test import EnvironBuilder, run_wsgi_app

from s2mock import AppendRecord, BasinConfig, Invalid, S2Error, S2Mock
from s2mock.api.wire.frames import BadFrame, FrameDecoder
from s2mock.api.wire.proto_records import append_input
from s2mock.registry.values.errors import BadProto
from s2mock.registry.values.records import AppendInput
from tests import own_token
from tests.properties.wire_forms import compress, frame
from tests.records.reads import following_of, log_of
from tests.records.staged_clock import StagedClock

pytestmark = pytest.mark.slow

RECORDS = "/v1/streams/s/records"
# What S2 answers to data calls that it does not carry out.
REFUSALS = {400, 404, 406, 412, 415, 416, 422}
# More outputs than this of a session that follows are not looked at.
ENOUGH = 12


def account() -> S2Mock:
    """Two streams with something in them, one of them encrypted."""
    mock = S2Mock(clock=StagedClock())
    plain = mock.create_basin("my-basin").create_stream("s")
    plain.append([b"a", AppendRecord(b"b", [(b"k", b"v")]), AppendRecord.fence("f")])
    config = BasinConfig(stream_cipher="aegis-256")
    mock.create_basin("secret-basin", config).create_stream("s").append(
        [b"a"], encryption_key="A" * 43 + "="
    )
    return mock


def picture(mock: S2Mock) -> list[Any]:
    """All that could have been changed."""
    shown: list[Any] = []
    for name in mock.basins:
        basin = mock.basin(name)
        shown.append((basin.info, basin.config))
        for stream_name in basin.streams:
            stream = basin.stream(stream_name)
            log = log_of(stream)
            shown += [stream.info, stream.config, stream.records, stream.tail]
            shown += [log.fencing_token, log.trim_point, *following_of(stream)]
    return shown


def call(
    mock: S2Mock, method: str, query: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    """Status and body, of which a session that goes on is cut off after a while."""
    environ = EnvironBuilder(RECORDS, method=method, data=body).get_environ()
    # Bytes, as a server hands them on.
    environ["QUERY_STRING"] = query.encode().decode("latin-1")
    environ["REQUEST_URI"] = RECORDS
    environ |= own_token.variables(mock)
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    chunks, status, _ = run_wsgi_app(mock.wsgi_app, environ)
    assert isinstance(chunks, Iterable)
    try:
        answer = b"".join(islice(chunks, ENOUGH))
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return int(status[:3]), answer


def refused_frames(body: bytes) -> tuple[int, Any]:
    """Return the number of acks in the body of a session, and the error at its end or None."""
    acks = 0
    while body:
        end = 3 + int.from_bytes(body[:3], "big")
        flag, payload, body = body[3], body[4:end], body[end:]
        if flag & 0x80:
            assert not body
            assert int.from_bytes(payload[:2], "big") in REFUSALS
            return acks, json.loads(payload[2:])
        acks += 1
        s2_pb2.AppendAck.FromString(payload)
    return acks, None


# Bytes that are nearly right, beside those that are not at all.

records = st.builds(
    s2_pb2.AppendRecord,
    timestamp=st.none() | st.integers(0, 2**64 - 1),
    headers=st.lists(
        st.builds(
            s2_pb2.Header,
            name=st.sampled_from([b"", b"k", b"\xff"]),
            value=st.sampled_from([b"", b"fence", b"trim", b"v"]),
        ),
        max_size=2,
    ),
    body=st.binary(max_size=9),
)
messages = st.builds(
    s2_pb2.AppendInput,
    records=st.lists(records, max_size=3),
    match_seq_num=st.none() | st.sampled_from([0, 3, 2**64 - 1]),
    fencing_token=st.none() | st.sampled_from(["", "f", "x" * 37]),
).map(lambda message: message.SerializeToString())


@st.composite
def spoilt(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Something right with a part cut out, changed, doubled or put in."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 8)))
        data[start:end] = draw(st.binary(max_size=6) | st.just(bytes(data[start:end]) * 2))
    return bytes(data)


nearly_messages = st.binary(max_size=60) | spoilt(messages)
whole_frames = st.builds(
    lambda flag, payload: (len(payload) + 1).to_bytes(3, "big") + bytes([flag]) + payload,
    st.sampled_from([0, 0, 0, 0x10, 0x1F, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xE0])
    | st.integers(0, 255),
    nearly_messages | messages.map(gzip.compress) | messages.map(lambda m: compress(m, "zstd")),
)
nearly_frames = st.binary(max_size=40) | spoilt(
    st.lists(whole_frames | messages.map(frame), max_size=4).map(b"".join)
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["records", "body", "headers", "timestamp", "match_seq_num", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
).map(lambda document: json.dumps(document).encode())

good_documents = st.sampled_from(
    [{"records": [{}, {"body": "x"}]}, {"records": [{"headers": [["", "fence"]]}]}, {"records": []}]
).map(lambda document: json.dumps(document).encode())


class TestFrameDecoder:
    @settings(max_examples=300, deadline=None)
    @given(nearly_frames, st.lists(st.integers(0, 100), max_size=5))
    def test_any_bytes_in_any_pieces(self, data: bytes, cuts: list[int]) -> None:
        """Frames or `BadFrame`, and the same ones however they come."""

        def decoded(pieces: list[bytes]) -> list[Any]:
            decoder = FrameDecoder()
            got: list[Any] = []
            try:
                for piece in pieces:
                    got += decoder.feed(piece)
                decoder.finish()
            except BadFrame as error:
                got.append((error.status, error.message))
            return got

        edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
        pieces = [data[start:end] for start, end in pairwise(edges)]
        got = decoded(pieces)
        assert got == decoded([data]) == decoded([bytes([b]) for b in data])

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"\0\0\0", "empty frame payload"),
            (b"\x20\0\1", "frame exceeds decode limit"),
            (b"\xff\xff\xff", "frame exceeds decode limit"),
            (b"\0\0\1\x60", "unknown compression algorithm"),
            (b"\0\0\1\x80", "terminal message missing status code"),
            (b"\0\0\2\x80\0", "terminal message missing status code"),
            (b"\0\0\4\x80\1\x90\xff", "invalid utf-8"),
            (b"\0\0\1", "bytes remaining on stream"),
            (b"\0", "bytes remaining on stream"),
        ],
    )
    def test_messages(self, data: bytes, message: str) -> None:
        def decode() -> None:
            decoder = FrameDecoder()
            list(decoder.feed(data))
            decoder.finish()

        with pytest.raises(BadFrame) as refused:
            decode()
        assert (refused.value.status, refused.value.message) == (400, message)

    def test_largest_frame(self) -> None:
        whole = b"\x20\0\0\0" + bytes(2**21 - 1)
        decoder = FrameDecoder()
        assert list(decoder.feed(whole[:-1])) == []
        assert [len(frame.payload) for frame in decoder.feed(whole[-1:])] == [2**21 - 1]


@settings(max_examples=300, deadline=None)
@given(nearly_messages)
@example(b"\x08\x01")  # records as a number
@example(b"\x0a\x02\x1a\x7f")  # a length beyond the end
@example(b"\x1a\x01\xff")  # a token that is no text
@example(b"\x0b\x0c")  # groups, which proto3 does not have
@example(b"\xff" * 20)
def test_protobuf_messages(data: bytes) -> None:
    """An input, or one of two errors."""
    try:
        outcome: AppendInput | S2Error = append_input(data)
    except (BadProto, Invalid) as error:
        outcome = error
    if isinstance(outcome, AppendInput):
        assert 1 <= len(outcome.records) <= 1000
    else:
        assert outcome.status in (400, 422)
        assert outcome.message


class TestAppend:
    @settings(max_examples=300, deadline=None)
    @given(
        st.sampled_from(["", "wait=1", "\xff=%"]),
        st.sampled_from(
            ["application/json", "application/json", "application/protobuf", "text/x", ""]
        ),
        st.sampled_from(["identity", "identity", "gzip", "zstd", "br"]),
        nearly_messages | messages | good_documents | documents | st.binary(max_size=40),
        st.booleans(),
    )
    def test_bodies(
        self, query: str, content_type: str, coding: str, body: bytes, really_coded: bool
    ) -> None:
        mock = account()
        before = picture(mock)
        headers = {"s2-basin": "my-basin", "content-type": content_type}
        headers |= {"content-encoding": coding}
        if really_coded:
            body = compress(body, coding)
        status, answer = call(mock, "POST", query, headers, body)

        if status == 200:
            assert picture(mock) != before
        else:
            assert status in REFUSALS
            assert picture(mock) == before
            assert answer == b"" if status == 415 else json.loads(answer)

    @settings(max_examples=300, deadline=None)
    @given(nearly_frames, st.sampled_from(["my-basin", "secret-basin"]))
    @example(frame(b"") * 3, "my-basin")
    @example(frame(s2_pb2.AppendInput().SerializeToString()), "my-basin")
    def test_sessions(self, body: bytes, basin: str) -> None:
        """Each ack is for an append that was made, and no other was made."""
        mock = account()
        before = picture(mock)
        stream = mock.basin(basin).stream("s")
        tail = stream.tail.seq_num
        headers = {"s2-basin": basin, "content-type": "s2s/proto"}
        if basin == "secret-basin":
            headers["s2-encryption-key"] = "A" * 43 + "="
        status, answer = call(mock, "POST", "", headers, body)

        assert status == 200
        acks, error = refused_frames(answer)
        assert error is None or error.get("code") in {None, "bad_frame", "invalid"}
        if acks:
            assert stream.tail.seq_num > tail
        else:
            assert picture(mock) == before


odd_numbers = st.sampled_from(
    ["", "0", "1", "3", "4", "+1", "-1", "1.5", " 1", "1_0", "٣", "0x1", "\xff", "5%", "%00"]
) | st.sampled_from([str(2**64 - 1), str(2**64), "9" * 5000, "true", "false"])
parameters = st.tuples(
    st.sampled_from(
        ["seq_num", "timestamp", "tail_offset", "clamp", "count", "bytes", "until", "wait"]
    )
    | st.sampled_from(["", "w%61it", "Wait", "unknown"]),
    odd_numbers,
)
good_queries = st.tuples(
    st.sampled_from(["seq_num=0", "seq_num=3", "timestamp=1", "tail_offset=2", ""]),
    st.sampled_from(["count=2", "bytes=30", "until=9999999999999", "clamp=true", "wait=2", ""]),
).map("&".join)
queries = st.one_of(
    good_queries,
    good_queries,
    st.tuples(good_queries, parameters).map(lambda drawn: f"{drawn[0]}&{'='.join(drawn[1])}"),
    st.lists(parameters, max_size=4).map(lambda pairs: "&".join(f"{k}={v}" for k, v in pairs)),
    st.lists(parameters, max_size=4).map(urlencode),
    st.text(max_size=12).map(quote),
    st.binary(max_size=12).map(lambda data: data.decode("latin-1")),
)
odd_values = st.one_of(
    st.binary(max_size=50).map(lambda data: data.decode("latin-1")),
    st.sampled_from(["", " ", "raw", "base64", "1,2,3", "9,9", "a,b,c", "{}", "null", "[null]"]),
    st.sampled_from(["A" * 43 + "=", "A" * 44, "!!!!", "text/event-stream", "s2s/proto", "*/*"]),
    st.sampled_from(["zstd;q=0, gzip", "identity;q=0", ";;;", ",", "gzip;q=x", "x" * 5000]),
    documents.map(lambda document: document.decode()),
)
good_headers = st.sampled_from(
    [{"accept": "text/event-stream"}, {"content-type": "s2s/proto"}, {"s2-format": "base64"}, {}]
)
odd_headers = good_headers | st.dictionaries(
    st.sampled_from(
        ["s2-format", "s2-encryption-key", "s2-stream-config", "last-event-id", "accept"]
    )
    | st.sampled_from(["accept-encoding", "content-type", "content-encoding", "s2-basin", "host"]),
    odd_values,
    min_size=1,
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["GET", "GET", "HEAD"]),
    queries,
    st.sampled_from(["my-basin", "my-basin", "secret-basin", "no-such-basin"]),
    odd_headers,
)
def test_reads(method: str, query: str, basin: str, headers: dict[str, str]) -> None:
    """Queries and headers of any kind, in every form: nothing fails and nothing is changed."""
    mock = account()
    before = picture(mock)
    status, _ = call(mock, method, query, {"s2-basin": basin, **headers})

    assert status == 200 or status in REFUSALS
    assert picture(mock) == before


SIZE = 1 << 26


def _without_a_size() -> bytes:
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return b"".join(compressor.compress(bytes(1 << 20)) for _ in range(64)) + compressor.flush()


def _window(exponent: int) -> bytes:
    """A frame that asks for a window of that size, and has one empty block."""
    return b"\x28\xb5\x2f\xfd\0" + bytes([(exponent - 10) << 3]) + b"\1\0\0"


# A little that becomes a lot, or says so.
BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", lambda: gzip.compress(bytes(SIZE))),
    "gzip in gzip": ("gzip", lambda: gzip.compress(gzip.compress(bytes(SIZE)))),
    "zstd": ("zstd", lambda: zstandard.ZstdCompressor().compress(bytes(SIZE))),
    "zstd without a size": ("zstd", _without_a_size),
    "zstd of 4 EiB": ("zstd", lambda: b"\x28\xb5\x2f\xfd\xe0" + bytes(7) + b"\x40\1\0\0"),
    "zstd in a window of 128 MiB": ("zstd", lambda: _window(27)),
    "zstd in a window of 256 MiB": ("zstd", lambda: _window(28)),
    "zstd in a window of 2 TiB": ("zstd", lambda: _window(41)),
}


def set_off(name: str, *, content_type: str) -> tuple[int, Any]:
    """Append a bomb; the status, that of the session if it is one, and the error."""
    coding, make = BOMBS[name]
    headers = {"s2-basin": "my-basin", "content-type": content_type}
    body = make()
    if content_type == "s2s/proto":
        flag = {"zstd": 0x20, "gzip": 0x40}[coding]
        body = (len(body) + 1).to_bytes(3, "big") + bytes([flag]) + body
    else:
        headers["content-encoding"] = coding
    mock = account()
    before = picture(mock)
    with at_most(4 * 2 * 1024 * 1024):
        status, answer = call(mock, "POST", "", headers, body)
    assert picture(mock) == before
    if content_type == "s2s/proto":
        acks, error = refused_frames(answer)
        assert (status, acks) == (200, 0)
        return int.from_bytes(answer[4:6], "big"), error
    return status, json.loads(answer)


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Allow `size` bytes of Python's memory to be in use at the same time, and no more."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] <= size
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content_type", ["application/json", "application/protobuf", "s2s/proto"])
@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str, content_type: str) -> None:
    """What they would become is never held: the limit is 2 MiB, inflated (§1.7)."""
    status, error = set_off(name, content_type=content_type)

    assert (status, error["code"]) in {
        (400, "bad_json"),
        (400, "bad_proto"),
        (400, "bad_frame"),
        (422, "invalid"),
    }


_MEASURE = """
import pathlib, re, resource
from tests.properties.test_bad_input import BOMBS, set_off

def peak():
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        # What resource says there begins with the peak of the process that has started this one.
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

# One harmless round, for all that is imported and made once.
BOMBS["small"] = ("zstd", lambda: b"")
made = {name: (coding, make()) for name, (coding, make) in BOMBS.items() if name != "gzip in gzip"}
BOMBS.update({name: (coding, lambda data=data: data) for name, (coding, data) in made.items()})
set_off("small", content_type="application/json")
before = peak()
for name in made:
    for content_type in ("application/json", "s2s/proto"):
        set_off(name, content_type=content_type)
print(peak() - before)
"""


def test_memory_of_the_process() -> None:
    """Also what the libraries take for themselves."""
    unit = 1 if sys.platform == "darwin" else 1024
    ran = subprocess.run(
        [sys.executable, "-c", _MEASURE], capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) * unit <= 24 * 1024 * 1024


class TestManySmallThings:
    """As much as a body may hold of what costs most for its size."""

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 2_000_000,
            b'{"records":' + b"[" * 1_000_000,
            b'{"records":[' + b"{}," * 60_000 + b"{}]}",
            b'{"records":[{"headers":[' + b'["",""],' * 20_000 + b'["",""]]}]}',
            b'{"match_seq_num":' + b"9" * 2_000_000 + b"}",
            b'{"x":' + b'{"x":' * 300_000,
            b'"' + b"\\" * 1_000_000,
        ],
        ids=["brackets", "records", "empty records", "headers", "digits", "objects", "escapes"],
    )
    def test_json(self, body: bytes) -> None:
        mock = account()
        before = picture(mock)
        headers = {"s2-basin": "my-basin", "content-type": "application/json"}
        status, answer = call(mock, "POST", "", headers, body)

        assert status in {400, 422}, answer
        assert picture(mock) == before

    @pytest.mark.parametrize("piece", [b"\x0a\0", b"\x0a\4\x12\2\x0a\0", b"\x10\1", b"\x20\1"])
    def test_protobuf(self, piece: bytes) -> None:
        mock = account()
        headers = {"s2-basin": "my-basin", "content-type": "application/protobuf"}
        status, answer = call(mock, "POST", "", headers, piece * (300_000 // len(piece)))

        assert status in {400, 422}, answer

    def test_frames(self) -> None:
        """The first one that is none ends it."""
        mock = account()
        before = picture(mock)
        headers = {"s2-basin": "my-basin", "content-type": "s2s/proto"}
        status, answer = call(mock, "POST", "", headers, b"\0\0\1\0" * 500_000)

        assert (status, refused_frames(answer)[1]["code"]) == (200, "invalid")
        assert picture(mock) == before

    def test_bytes_that_never_become_a_frame(self) -> None:
        """Not more of it is kept than a frame may have."""
        decoder = FrameDecoder()
        with at_most(8 * 1024 * 1024):
            list(decoder.feed(b"\x20\0\0"))
            for _ in range(31):
                assert list(decoder.feed(bytes(65536))) == []
