"""Compressed bodies that are cut at any place, and zstd without a size (control_plane §1.5).

The contract suite has the other cases.
"""

import gzip
import json

import pytest
import zstandard

from tests.calls import Api, Reply


def compressed(body: bytes, coding: str) -> bytes:
    if coding == "gzip":
        return gzip.compress(body)
    return zstandard.ZstdCompressor().compress(body) if coding == "zstd" else body


def post(s2: Api, body: bytes, coding: str) -> Reply:
    headers = {"content-type": "application/json", "content-encoding": coding}
    return s2.call("POST", "/v1/streams", body=body, headers=headers)


class TestRequest:
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
