"""Content codings: bodies that come compressed, and answers that are sent so.

Source: reference: control_plane §1.5.
"""

import gzip
import json
import zlib

import pytest
import zstandard

from tests.calls import Api, Reply
from tests.conftest import BASIN

LIMIT = 2 * 1024 * 1024


def compressed(body: bytes, coding: str) -> bytes:
    if coding == "gzip":
        return gzip.compress(body)
    return zstandard.ZstdCompressor().compress(body) if coding == "zstd" else body


def post(s2: Api, body: bytes, coding: str) -> Reply:
    headers = {"content-type": "application/json", "content-encoding": coding}
    return s2.call("POST", "/v1/streams", body=body, headers=headers)


class TestRequest:
    @pytest.mark.parametrize("coding", ["gzip", "zstd", "identity"])
    def test_is_inflated(self, s2: Api, coding: str) -> None:
        body = json.dumps({"stream": "日本", "x": "y" * 10_000}).encode()
        assert post(s2, compressed(body, coding), coding).status == 201
        assert s2.stream_names() == ["日本"]

    def test_zstd_without_a_content_size_is_inflated(self, s2: Api) -> None:
        streamed = zstandard.ZstdCompressor().compressobj()
        body = streamed.compress(b'{"stream":"s"}') + streamed.flush()
        assert post(s2, body, "zstd").status == 201

    @pytest.mark.parametrize("coding", ["gzip", "zstd"])
    @pytest.mark.parametrize("cut", [1, 4, 8, 20, -8, -4, -1])
    def test_cut_short_is_refused(self, s2: Api, coding: str, cut: int) -> None:
        before = s2.everything()
        whole = compressed(json.dumps({"stream": "s", "x": "y" * 1000}).encode(), coding)
        reply = post(s2, whole[:cut], coding)
        assert reply.refuses(400, "bad_json", "Failed to buffer the request body: ")
        assert s2.everything() == before

    @pytest.mark.parametrize("coding", ["gzip", "zstd"])
    @pytest.mark.parametrize("body", [b'{"stream":"s"}', b"\0" * 50, b"\x1f\x8b" + b"\xff" * 50])
    def test_that_is_not_what_it_says_is_refused(self, s2: Api, coding: str, body: bytes) -> None:
        before = s2.everything()
        reply = post(s2, body, coding)
        assert reply.refuses(400, "bad_json", "Failed to buffer the request body: ")
        assert s2.everything() == before

    def test_wrong_checksum_is_refused(self, s2: Api) -> None:
        whole = bytearray(gzip.compress(b'{"stream":"s"}'))
        whole[-8] ^= 1
        reply = post(s2, bytes(whole), "gzip")
        assert reply.refuses(400, "bad_json", "Failed to buffer the request body: ")
        assert s2.stream_names() == []

    @pytest.mark.parametrize("coding", ["gzip", "zstd"])
    def test_other_coding_than_said_is_refused(self, s2: Api, coding: str) -> None:
        other = "zstd" if coding == "gzip" else "gzip"
        reply = post(s2, compressed(b'{"stream":"s"}', other), coding)
        assert reply.error[:2] == (400, "bad_json")
        assert s2.stream_names() == []

    @pytest.mark.parametrize("coding", ["gzip", "zstd"])
    def test_empty_body_is_an_empty_body(self, s2: Api, coding: str) -> None:
        assert post(s2, b"", coding).refuses(400, "bad_json", "EOF while parsing a value")

    @pytest.mark.parametrize("coding", ["gzip", "zstd"])
    def test_limit_counts_what_comes_out(self, s2: Api, coding: str) -> None:
        frame = b'{"stream":"s","x":"%s"}'
        for size in (LIMIT + 1, 4 * LIMIT):
            body = frame % (b"x" * (size - len(frame) + 2))
            assert len(body) == size
            small = compressed(body, coding)
            assert len(small) < LIMIT / 10
            reply = post(s2, small, coding)
            message = "Failed to buffer the request body: length limit exceeded"
            assert reply.refuses(400, "bad_json", message)
        fits = frame % (b"x" * (LIMIT - len(frame) + 2))
        assert post(s2, compressed(fits, coding), coding).status == 201

    @pytest.mark.parametrize(
        "coding",
        ["GZIP", "Zstd", "br", "deflate", "x-gzip", "", "gzip, gzip", "gzip,identity", "\u00e9"],
    )
    def test_unknown_coding_is_refused_before_all_else(self, s2: Api, coding: str) -> None:
        before = s2.everything()
        calls = [
            ("POST", "/v1/streams", b"{"),
            ("PUT", "/v1/streams/..", None),
            ("GET", "/v1/streams?limit=x", None),
            ("DELETE", f"/v1/basins/{BASIN}", None),
        ]
        for method, path, body in calls:
            headers = {"content-encoding": coding, "s2-request-token": "x" * 37}
            reply = s2.within("bad").call(method, path, body=body, headers=headers)
            assert (reply.status, reply.is_empty) == (415, True)
            assert reply.headers["accept-encoding"] == "zstd,gzip"
        # But not before the path.
        nowhere = s2.call("GET", "/v1/nope", headers={"content-encoding": coding})
        assert nowhere.status == 404
        assert s2.call("GET", "/health", headers={"content-encoding": coding}).status == 200
        assert s2.everything() == before


LARGE = "/v1/streams?prefix=large"
SMALL = "/v1/streams?prefix=small"


def decoded(reply: Reply) -> bytes:
    coding = reply.headers.get("content-encoding")
    if coding == "gzip":
        return zlib.decompress(reply.body, wbits=31)
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(reply.body)
    assert coding is None
    return reply.body


class TestResponse:
    @pytest.fixture
    def filled(self, s2: Api) -> Api:
        s2.create_stream("small")
        for number in range(20):
            s2.create_stream(f"large-{number:02}-{'x' * 60}")
        assert len(s2.call("GET", SMALL).body) < 1024 < len(s2.call("GET", LARGE).body)
        return s2

    @pytest.mark.parametrize(
        ("accepted", "coding"),
        [
            ("gzip", "gzip"),
            ("zstd", "zstd"),
            ("gzip, zstd", "zstd"),
            ("gzip;q=1, zstd;q=0.5", "gzip"),
            ("gzip;q=0.5, zstd;q=0.5", "zstd"),
            ("gzip, deflate, br, zstd", "zstd"),
            ("GZIP", "gzip"),
            ("x-gzip", "gzip"),
            ("*", "zstd"),
            ("*, zstd;q=0", "gzip"),
            ("br", None),
            ("identity", None),
            ("gzip;q=0", None),
            ("zstd;q=0, gzip;q=0", None),
            ("", None),
        ],
    )
    def test_coding(self, filled: Api, accepted: str, coding: str | None) -> None:
        plain = filled.call("GET", LARGE)
        reply = filled.call("GET", LARGE, headers={"accept-encoding": accepted})
        assert (reply.status, reply.headers.get("content-encoding")) == (200, coding)
        assert decoded(reply) == plain.body
        assert reply.headers["content-type"] == "application/json"
        assert "accept-encoding" in reply.headers["vary"]
        if coding is not None:
            assert len(reply.body) < len(plain.body) / 2

    def test_small_body_is_sent_as_it_is(self, filled: Api) -> None:
        plain = filled.call("GET", SMALL)
        reply = filled.call("GET", SMALL, headers={"accept-encoding": "gzip, zstd"})
        assert reply == plain

    def test_threshold_is_1024_bytes(self, s2: Api) -> None:
        s2.create_stream("s")
        headers = {"accept-encoding": "gzip"}

        def body_of(size: int) -> Reply:
            """The stream's configuration, with a storage class that makes it so long."""
            bare = len(s2.call("PATCH", "/v1/streams/s", {"storage_class": ""}).body)
            patch = {"storage_class": "x" * (size - bare)}
            assert len(s2.call("PATCH", "/v1/streams/s", patch).body) == size
            return s2.call("GET", "/v1/streams/s", headers=headers)

        assert "content-encoding" not in body_of(1023).headers
        assert body_of(1024).headers["content-encoding"] == "gzip"

    def test_errors_are_compressed_as_well(self, s2: Api) -> None:
        name = "x" * 512
        path = f"/v1/streams/{name}"
        s2.create_basin("b" * 48)
        reply = s2.call("GET", path, headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in reply.headers
        reply = s2.call(
            "POST",
            "/v1/streams",
            {"stream": "s", "config": {"timestamping": {"mode": "y" * 1024}}},
            headers={"accept-encoding": "gzip"},
        )
        assert (reply.status, reply.headers["content-encoding"]) == (400, "gzip")
        assert json.loads(decoded(reply))["code"] == "bad_json"

    @pytest.mark.parametrize("accepted", ["*;q=0", "identity;q=0", "br, identity;q=0", "br, *;q=0"])
    def test_client_that_takes_nothing_gets_406_and_what_it_asked_for(
        self, s2: Api, accepted: str
    ) -> None:
        headers = {"accept-encoding": accepted}
        made = s2.call("POST", "/v1/streams", {"stream": "s"}, headers=headers)
        assert (made.status, made.result, made.json["name"]) == (406, "created", "s")
        assert s2.stream_names() == ["s"]
        gone = s2.call("DELETE", "/v1/streams/s", headers=headers)
        assert (gone.status, gone.is_empty) == (406, True)
        assert s2.stream_names() == []

    def test_client_that_takes_no_identity_gets_what_it_takes(self, filled: Api) -> None:
        headers = {"accept-encoding": "identity;q=0, gzip"}
        assert filled.call("GET", LARGE, headers=headers).status == 200

    def test_outside_the_api_nothing_is_negotiated(self, api: Api) -> None:
        for path, status in (("/health", 200), ("/v1/nope", 404)):
            assert api.call("GET", path, headers={"accept-encoding": "*;q=0"}).status == status
