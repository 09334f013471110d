"""Streams created by first use.

Source: reference: data_plane §8.4; §10, cases 5 to 8, 27 to 29, 89 and 126.
"""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from s2mock.contract.basins import unused_name
from s2mock.contract.calls import APPENDS, READS, Call, append, read
from s2mock.contract.cases import case
from s2mock.contract.client import Answer, Client
from s2mock.contract.records import Stream

NewBasin = Callable[..., Client]

KEY = base64.b64encode(bytes(range(1, 33))).decode()
DEFAULTS: dict[str, Any] = {
    "storage_class": "standard",
    "retention_policy": {"age": 3600},
    "timestamping": {"mode": "client-require", "uncapped": True},
    "delete_on_empty": {"min_age_secs": 60},
}


APPENDING = pytest.mark.parametrize("call", APPENDS)
READING = pytest.mark.parametrize("call", READS)
ALL = pytest.mark.parametrize("call", APPENDS + READS)


@ALL
@case(5)
def test_missing_basin(target: Client, call: Call) -> None:
    """404 `basin_not_found` (§1.3)."""
    missing = unused_name()
    answer = call(Stream(target.in_basin(missing), "s"))

    assert answer.status == 404
    assert answer.json == {
        "code": "basin_not_found",
        "message": f"basin `{missing}` not found",
    }


@ALL
@case(8, 24, 90, 120)
def test_missing_stream_where_nothing_is_created(s2: Client, call: Call) -> None:
    """404 `stream_not_found`, and there still is no stream (§8.4)."""
    stream = Stream(s2, "missing")
    answer = call(stream)

    assert answer.status == 404
    assert answer.json == {
        "code": "stream_not_found",
        "message": f"stream `missing` in basin `{s2.basin}` not found",
    }
    assert stream.info() is None


@READING
@case(8)
def test_append_flag_does_not_create_on_read(new_basin: NewBasin, call: Call) -> None:
    """Each flag is for its own calls (§8.4)."""
    stream = Stream(new_basin(create_stream_on_append=True), "new")

    assert call(stream).status == 404
    assert stream.info() is None


@APPENDING
@case(8)
def test_read_flag_does_not_create_on_append(new_basin: NewBasin, call: Call) -> None:
    """Each flag is for its own calls (§8.4)."""
    stream = Stream(new_basin(create_stream_on_read=True), "new")

    assert call(stream).status == 404
    assert stream.info() is None


@APPENDING
@case(27, 126)
def test_created_on_append(new_basin: NewBasin, call: Call) -> None:
    """By a unary append, and by opening a session; with the basin's defaults (§8.4)."""
    basin = new_basin(create_stream_on_append=True, default_stream_config=DEFAULTS)
    stream = Stream(basin, "new")

    assert call(stream).status == 200
    assert stream.config().json == DEFAULTS
    assert stream.tail_ok()["seq_num"] == (1 if call is append else 0)


@case(6)
def test_created_by_check_tail(new_basin: NewBasin) -> None:
    """Check tail is a read; the stream is listed from then on (§8.4)."""
    stream = Stream(new_basin(create_stream_on_read=True), "new")

    assert stream.tail_ok() == {"seq_num": 0, "timestamp": 0}
    assert stream.info() is not None


@READING
@case(89)
def test_created_on_read(new_basin: NewBasin, call: Call) -> None:
    """A unary read answers 416, as of any empty stream; the stream stays (§1.2, §8.4)."""
    basin = new_basin(create_stream_on_read=True, default_stream_config=DEFAULTS)
    stream = Stream(basin, "new")
    answer = call(stream)

    assert answer.status == (416 if call is read else 200)
    if call is read:
        assert answer.json == {"tail": {"seq_num": 0, "timestamp": 0}}
    assert stream.config().json == DEFAULTS


@case(7)
def test_created_by_check_tail_with_a_cipher(new_basin: NewBasin) -> None:
    """The stream has the basin's cipher, though no key was sent (§8.4, §9)."""
    stream = Stream(new_basin(create_stream_on_read=True, stream_cipher="aegis-256"), "new")

    assert stream.tail_ok() == {"seq_num": 0, "timestamp": 0}
    info = stream.info()
    assert info is not None
    assert info["cipher"] == "aegis-256"


@pytest.mark.parametrize("cipher", ["aegis-256", "aes-256-gcm"])
@case(28)
def test_created_on_append_with_a_cipher(new_basin: NewBasin, cipher: str) -> None:
    """The first record is encrypted, and read with its key (§8.4, §9)."""
    stream = Stream(new_basin(create_stream_on_append=True, stream_cipher=cipher), "new")
    key = {"s2-encryption-key": KEY}

    assert stream.append_ok("secret", headers=key)["end"]["seq_num"] == 1
    info = stream.info()
    assert info is not None
    assert info["cipher"] == cipher
    assert stream.bodies(seq_num=0, headers=key) == ["secret"]


@case(29)
def test_racing_first_appends(new_basin: NewBasin) -> None:
    """All land on one stream; 409 `transaction_conflict` may ask for another try (§8.4)."""
    basin = new_basin(create_stream_on_append=True)
    stream = Stream(basin, "new")

    def append_at_last(body: str) -> None:
        while (answer := stream.append(body)).status == 409:
            assert answer.json == {
                "code": "transaction_conflict",
                "message": "transaction conflict occurred \u2013 this is usually retriable",
            }
        assert answer.status == 200

    bodies = [f"body {number}" for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(append_at_last, bodies))
    assert stream.tail_ok()["seq_num"] == 10
    assert sorted(stream.bodies(seq_num=0)) == bodies
    assert len(basin.request("GET", "/v1/streams").json["streams"]) == 1


@case(86)
def test_a_bad_request_creates_nothing(new_basin: NewBasin) -> None:
    """What is refused before the stream is looked up leaves no stream behind (§1.2)."""
    basin = new_basin(create_stream_on_append=True, create_stream_on_read=True)
    stream = Stream(basin, "new")

    assert stream.append().status == 422
    assert stream.append_bytes(b"{").status == 400
    assert stream.append("a", headers={"s2-encryption-key": ""}).status == 400
    assert stream.append("a", headers={"s2-format": "?"}).status == 400
    assert stream.append("a", headers={"s2-stream-config": "?"}).status == 400
    assert stream.read(seq_num=0, timestamp=0).status == 422
    assert stream.read(timestamp=5, until=5).status == 422
    assert stream.read(count="?").status == 400
    assert stream.info() is None


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda stream: stream.append("a", match_seq_num=7), 412),
        (lambda stream: stream.append("a", fencing_token="x"), 412),
        (lambda stream: stream.read(seq_num=7), 416),
    ],
    ids=["match_seq_num", "fencing_token", "416"],
)
def test_a_failed_condition_leaves_the_stream_behind(
    new_basin: NewBasin, call: Callable[[Stream], Answer], status: int
) -> None:
    """What is refused after it was looked up does (§1.2)."""
    basin = new_basin(create_stream_on_append=True, create_stream_on_read=True)
    stream = Stream(basin, "new")

    assert call(stream).status == status
    assert stream.info() is not None


def test_a_missing_key_leaves_the_stream_behind(new_basin: NewBasin) -> None:
    """The cipher is known only once there is a stream (§1.2)."""
    stream = Stream(new_basin(create_stream_on_append=True, stream_cipher="aegis-256"), "new")

    assert stream.append("a").status == 400
    assert stream.info() is not None
