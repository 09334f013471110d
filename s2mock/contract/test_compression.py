"""Content codings, of requests and of responses (reference: control_plane §1.5)."""

import gzip
from collections.abc import Callable, Iterator

import pytest

from s2mock.api import zstd as codec
from s2mock.contract.basins import temporary_basin
from s2mock.contract.client import Answer, Client
from s2mock.contract.errors import bad_json

LIMIT = 2 * 1024 * 1024
JSON = {"content-type": "application/json"}
BUFFER = "Failed to buffer the request body: "


def zstd(data: bytes) -> bytes:
    """One zstd frame."""
    return codec.compress(data)


def plain(answer: Answer) -> bytes:
    """The body without its content coding."""
    match answer.headers.get("content-encoding"):
        case None:
            return answer.body
        case "gzip":
            return gzip.decompress(answer.body)
        case "zstd":
            return codec.decompress(answer.body)
        case other:
            raise AssertionError(f"unknown content coding {other}")


def varies(answer: Answer) -> bool:
    """Whether the answer is said to depend on `accept-encoding`."""
    return "accept-encoding" in answer.headers.get("vary", "").replace(" ", "").split(",")


@pytest.fixture(scope="module")
def large(target: Client) -> Iterator[Client]:
    """A client in a basin with a stream `large` whose configuration is worth compressing."""
    with temporary_basin(target) as client:
        client.request("PUT", "/v1/streams/large", {"storage_class": "x" * 2000})
        yield client


def send(s2: Client, body: bytes, coding: str) -> Answer:
    """Create a stream with a body in that coding."""
    headers = {**JSON, "content-encoding": coding}
    return s2.request("POST", "/v1/streams", body=body, headers=headers)


@pytest.mark.parametrize(
    ("coding", "compress"), [("gzip", gzip.compress), ("zstd", zstd), ("identity", bytes)]
)
def test_a_request_in_a_known_coding(
    s2: Client, coding: str, compress: Callable[[bytes], bytes]
) -> None:
    """gzip, zstd and identity are inflated, also where the body is optional (§1.5)."""
    assert send(s2, compress(b'{"stream":"s"}'), coding).json["name"] == "s"
    headers = {**JSON, "content-encoding": coding}
    body = compress(b'{"storage_class":"x"}')
    assert s2.request("PUT", "/v1/streams/s", body=body, headers=headers).result == "updated"


def test_zstd_frame_after_frame(s2: Client) -> None:
    """Frames in a row are one body (§1.5)."""
    assert send(s2, zstd(b'{"stream":') + zstd(b'"s"}'), "zstd").json["name"] == "s"


@pytest.mark.parametrize(
    "coding", ["GZIP", "Gzip", "br", "x-gzip", "deflate", "", "gzip, gzip", "gzip,identity", "*"]
)
def test_a_request_in_another_coding(shared: Client, coding: str) -> None:
    """415 with the codings that there are, without a body; nothing else is looked at (§1.5)."""
    for method, path in (("POST", "/v1/streams"), ("GET", "/v1/basins?limit=x")):
        headers = {"content-encoding": coding}
        answer = shared.request(method, path, body=b"", headers=headers)
        assert (answer.status, answer.body) == (415, b"")
        assert answer.headers["accept-encoding"] == "zstd,gzip"
        assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"not gzip"),
        ("gzip", b"\x1f\x8b"),
        ("gzip", gzip.compress(b'{"stream":"t"}', mtime=0)[:-3]),
        ("gzip", gzip.compress(b'{"stream":"t"}', mtime=0)[:-8] + bytes(8)),
        ("gzip", zstd(b'{"stream":"t"}')),
        ("zstd", b"not zstd"),
        ("zstd", zstd(b'{"stream":"t"}')[:-2]),
        ("zstd", zstd(b'{"stream":"t"}') + zstd(b" ")[:-1]),
        ("zstd", gzip.compress(b'{"stream":"t"}', mtime=0)),
    ],
)
def test_a_body_that_is_not_in_its_coding(shared: Client, coding: str, body: bytes) -> None:
    """400 `bad_json`; what is wrong is told in the codec's words (§1.5)."""
    status, code, reason = send(shared, body, coding).error
    assert (status, code) == (400, "bad_json")
    assert reason.startswith(BUFFER)
    assert shared.request("GET", "/v1/streams/t").status == 404


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_an_empty_body_in_a_coding(shared: Client, coding: str) -> None:
    """No byte at all is an empty body (§1.5)."""
    assert send(shared, b"", coding).error == bad_json("EOF while parsing a value")


@pytest.mark.sample(3)
@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("zstd", zstd)])
@pytest.mark.parametrize("more", [0, 1, 64 * LIMIT], ids=["limit", "limit + 1", "a bomb"])
def test_the_limit_is_of_the_inflated_body(
    s2: Client, coding: str, compress: Callable[[bytes], bytes], more: int
) -> None:
    """2 MiB after decompression (§1.5)."""
    answer = send(s2, compress(b'{"stream":"s"}'.ljust(LIMIT + more)), coding)
    too_long = bad_json(f"{BUFFER}length limit exceeded")
    assert answer.status == 201 if more == 0 else answer.error == too_long


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("GZip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("gzip ; q=0.5, zstd;q=0.4", "gzip"),
        ("gzip;q=0.999, zstd;q=0.998", "gzip"),
        ("gzip;q=1.", "gzip"),
        ("*", "zstd"),
        ("*;q=0.5, gzip", "gzip"),
        ("zstd;q=0, *", "gzip"),
        ("*;q=0, gzip", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("br, deflate", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000, zstd;q=0", None),
        ("*;q=0, identity", None),
        ("gzip;q=0, x-gzip", "gzip"),
        (",gzip,,", "gzip"),
        # What is said in a wrong way is not said.
        ("gzip;q=2", None),
        ("gzip;q=x", None),
        ("gzip;q=", None),
        ("gzip;q=0.0001", None),
        ("gzip;q=-1", None),
        ("gzip;level=1", None),
        ("gzip;q=0.5;x=1", None),
        ("gzip, identity;q=0, é", None),
    ],
)
def test_the_coding_of_a_response(large: Client, accepted: str | None, coding: str | None) -> None:
    """The most welcome of zstd, gzip and identity; of equals, in this order (§1.5)."""
    headers = {"accept-encoding": accepted}
    answer = large.request("GET", "/v1/streams/large", headers=headers)
    assert (answer.status, answer.headers.get("content-encoding")) == (200, coding)
    assert plain(answer) == large.request("GET", "/v1/streams/large").body
    assert varies(answer)


def test_small_bodies_are_left_alone(s2: Client) -> None:
    """Compression begins at 1024 bytes (§1.5)."""
    for size in (1023, 1024):
        s2.request("PUT", "/v1/streams/s", {"storage_class": "x"})
        filling = size - len(s2.request("GET", "/v1/streams/s").body) + 1
        s2.request("PUT", "/v1/streams/s", {"storage_class": "x" * filling})
        answer = s2.request("GET", "/v1/streams/s", headers={"accept-encoding": "gzip"})
        assert len(plain(answer)) == size
        assert ("content-encoding" in answer.headers, varies(answer)) == (size == 1024,) * 2


def test_errors_and_other_answers(large: Client) -> None:
    """Any long answer is compressed: a long message too (§1.5)."""
    method, path = "POST", "/v1/streams"
    document = {"stream": "t", "config": {"timestamping": {"mode": "x" * 2000}}}
    answer = large.request(method, path, document, headers={"accept-encoding": "gzip"})
    assert (answer.status, answer.headers["content-encoding"]) == (400, "gzip")
    assert plain(answer).startswith(b'{"code":"bad_json","message":"unknown variant `xxx')


@pytest.mark.parametrize("accepted", ["*;q=0", "identity;q=0", "br, *;q=0", "identity;q=0, br"])
def test_a_client_that_takes_nothing(s2: Client, accepted: str) -> None:
    """The request is carried out, then answered 406 with the body that it would have had (§1.5)."""
    headers = {"accept-encoding": accepted}
    answer = s2.request("PUT", "/v1/streams/s", headers=headers)
    assert (answer.status, answer.result, answer.json["name"]) == (406, "created", "s")
    assert varies(answer)
    assert s2.request("GET", "/v1/streams/s").status == 200
    missing = s2.request("GET", "/v1/streams/missing", headers=headers)
    assert (missing.status, missing.json["code"]) == (406, "stream_not_found")
    for method, path in (("PUT", "/v1/streams"), ("DELETE", "/v1/streams/s")):
        answer = s2.request(method, path, headers=headers)
        assert (answer.status, answer.body) == (406, b"")
    assert s2.request("GET", "/v1/nope", headers=headers).status == 404
    assert s2.request("GET", "/health", headers=headers).status == 200
