"""Which of several faults in one request is reported. Source: reference: data_plane §1.2, §1.3.

Each case breaks one thing more than the case before it, so that the fault that is reported moves
down the list of §1.2.
"""

from typing import Any

import pytest

from s2mock.contract.basins import unused_name
from s2mock.contract.client import Client
from s2mock.contract.records import PROTOBUF, Stream, create_stream
from s2mock.contract.sessions import Session

# Name, headers that have the fault, and what is reported: by append and by read alike.
HEADER_FAULTS: list[tuple[str, dict[str, str], str]] = [
    ("s2-basin", {"s2-basin": "x"}, "basin name should be at least 8 bytes in length"),
    (
        "s2-encryption-key",
        {"s2-encryption-key": "A" * 45},
        "invalid encryption key: key material length 45 is out of range",
    ),
    ("s2-stream-config", {"s2-stream-config": '{"retention_policy":{"age":0}}'}, "age must be"),
    ("s2-format", {"s2-format": "Base64"}, "Base64"),
]


def bad_header(name: str, why: str) -> str:
    """The message about a header."""
    return f"Invalid header `{name}`: {why}"


@pytest.mark.parametrize("position", range(len(HEADER_FAULTS)))
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_order_of_headers(s2: Client, method: str, position: int) -> None:
    """Basin, key, stream config, format: the first that is bad, with all after it bad too."""
    headers: dict[str, str] = {"content-type": "application/json"}
    for _, fault, _ in HEADER_FAULTS[position:]:
        headers |= fault
    path = Stream(s2, "missing").path
    answer = s2.request(method, path, body=b"junk", headers=headers)

    name, _, why = HEADER_FAULTS[position]
    assert (answer.status, answer.code) == (400, "bad_header")
    assert answer.message.startswith(bad_header(name, why))


def test_content_encoding_comes_first(target: Client) -> None:
    """415 with an empty body, even before the basin, on every call (§7)."""
    for method, suffix in (("GET", ""), ("POST", ""), ("GET", "/tail")):
        path = Stream(target, "missing").path + suffix
        answer = target.request(method, path, headers={"content-encoding": "br"})
        assert (answer.status, answer.body) == (415, b"")


@pytest.mark.parametrize("suffix", ["", "/tail"])
def test_basin_comes_before_the_path(target: Client, suffix: str) -> None:
    """A missing basin header, then a bad name (§1.2)."""
    path = f"/v1/streams/%ff/records{suffix}?seq_num=x"
    answer = target.request("GET", path)
    assert (answer.status, answer.json) == (
        400,
        {"code": "bad_header", "message": "Missing header `s2-basin`"},
    )
    answer = target.in_basin(unused_name()).request("GET", path)
    assert (answer.status, answer.json) == (
        400,
        {"code": "bad_path", "message": "Invalid URL: Invalid UTF-8 in `stream`"},
    )


@pytest.mark.parametrize(
    ("basin", "why"),
    [
        ("", "basin name should be at least 8 bytes in length"),
        ("a" * 7, "basin name should be at least 8 bytes in length"),
        ("A" * 49, "basin name must not exceed 48 bytes in length"),
        ("-basin-name-", "basin name must begin with a lowercase letter or number"),
        ("basin-Name-", "basin name must end with a lowercase letter or number"),
        ("basin.name", "basin name must comprise lowercase letters, numbers, and hyphens"),
        ("basin-nam\xe9", "not UTF-8"),
    ],
)
def test_bad_basin(target: Client, basin: str, why: str) -> None:
    """Length, first, last and all characters, in this order (§1.3)."""
    for method, suffix in (("GET", ""), ("POST", ""), ("GET", "/tail")):
        path = Stream(target, "s").path + suffix
        answer = target.request(method, path, headers={"s2-basin": basin})
        assert (answer.status, answer.code) == (400, "bad_header")
        assert answer.message == bad_header("s2-basin", why)


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ("x" * 513, "Invalid URL: stream name must not exceed 512 bytes in length"),
        ("%C3%A9" * 257, "Invalid URL: stream name must not exceed 512 bytes in length"),
        ("%2E", 'Invalid URL: stream name must not be "." or ".."'),
        ("%2E%2E", 'Invalid URL: stream name must not be "." or ".."'),
        ("%C3", "Invalid URL: Invalid UTF-8 in `stream`"),
        ("", "Invalid URL: stream name must not be empty"),
    ],
)
def test_bad_stream_name(s2: Client, segment: str, message: str) -> None:
    """The name is checked in every call, before the query and the other headers (§1.2, §1.3)."""
    headers = {"s2-encryption-key": "", "s2-format": "?"}
    for method, suffix in (("GET", "?seq_num=x"), ("POST", ""), ("GET", "/tail")):
        path = f"/v1/streams/{segment}/records{suffix}"
        answer = s2.request(method, path, headers=headers)
        assert (answer.status, answer.json) == (400, {"code": "bad_path", "message": message})


def test_order_of_a_read(s2: Client) -> None:
    """Query, headers, at most one start, timestamp before until, stream (§1.2)."""
    stream = Stream(s2, "missing")
    two_starts: dict[str, Any] = {"seq_num": 5, "timestamp": 5, "until": 5}
    key = {"s2-encryption-key": ""}

    answer = stream.read(**{**two_starts, "seq_num": "x", "count": "x"}, headers=key)
    assert (answer.code, "seq_num" in answer.message) == ("bad_query", True)
    answer = stream.read(**two_starts, count="x", headers=key)
    assert (answer.code, "count" in answer.message) == ("bad_query", True)
    answer = stream.read(**two_starts, headers=key)
    assert answer.code == "bad_header"
    answer = stream.read(**two_starts)
    assert (answer.status, answer.message) == (
        422,
        "only one of seq_num, timestamp, or tail_offset can be provided",
    )
    answer = stream.read(timestamp=5, until=5)
    assert (answer.status, answer.message) == (
        422,
        "start `timestamp` exceeds or equal to `until`",
    )
    assert stream.read(timestamp=5).status == 404


def test_order_of_an_sse_read(s2: Client) -> None:
    """Last-Event-ID comes after the format and before the start (§1.2)."""
    stream = Stream(s2, "missing")

    def answer(headers: dict[str, str], **query: Any) -> str:
        with stream.sse(headers=headers, **query) as session:
            body = session.answer().json
        return f"{body['code']} {body['message']}"

    last_event_id = {"last-event-id": "x"}
    assert "s2-format" in answer({"s2-format": "?", **last_event_id}, seq_num=1, timestamp=1)
    assert "last-event-id" in answer(last_event_id, seq_num=1, timestamp=1)
    assert answer({"last-event-id": "1,1,1"}, seq_num=1, timestamp=1).startswith("invalid only one")
    assert answer({}, timestamp=1, until=1).startswith("invalid start")


def test_order_of_an_append(s2: Client) -> None:
    """Format, content type, body, records, stream (§1.2)."""
    stream = Stream(s2, "missing")

    answer = stream.append_bytes(b"{", headers={"s2-format": "?"})
    assert answer.code == "bad_header"
    answer = stream.append_bytes(b"{", "text/plain", headers={"s2-format": "?"})
    assert answer.code == "bad_header"
    answer = stream.append_bytes(b"{", "text/plain")
    assert answer.message == "Expected request with `Content-Type: application/json`"
    answer = stream.append_bytes(b'{"records":[{}]')
    assert answer.code == "bad_json"
    answer = stream.append({"headers": [["", "x"]]})
    assert (answer.status, answer.code) == (422, "invalid")
    assert stream.append("a").status == 404


def test_a_format_is_looked_at_only_where_it_matters(stream: Stream) -> None:
    """In JSON appends, unary reads and SSE; not in protobuf appends and S2S (§1.2)."""
    stream.append_ok("a")
    headers = {"s2-format": "?"}

    assert stream.append("a", headers=headers).status == 400
    for accept in ("application/json", PROTOBUF, "text/event-stream"):
        answer = stream.read(seq_num=0, headers={"accept": accept, **headers})
        assert (answer.status, answer.json) == (
            400,
            {"code": "bad_header", "message": "Invalid header `s2-format`: ?"},
        )
    body = bytes.fromhex("0a 04 1a 02 68 69")
    assert stream.append_bytes(body, PROTOBUF, headers=headers).status == 200
    with stream.append_session(headers=headers) as session:
        assert session.status == 200
    with stream.read_session(seq_num=0, wait=0, headers=headers) as session:
        assert session.status == 200


def test_last_event_id_is_looked_at_only_in_sse(stream: Stream) -> None:
    """Elsewhere it is ignored (§5)."""
    stream.append_ok("a")

    assert stream.bodies(seq_num=0, headers={"last-event-id": "x"}) == ["a"]
    with stream.read_session(seq_num=0, wait=0, headers={"last-event-id": "0,1,9"}) as session:
        assert len(session.rest()) > 0


@pytest.mark.parametrize("accept", ["application/json", PROTOBUF, "text/event-stream"])
def test_errors_are_json_in_every_mode(s2: Client, accept: str) -> None:
    """The body is `{"code":…,"message":…}`, compact, with any `Accept` (§1.3)."""
    with Session(s2, "GET", Stream(s2, "missing").path, headers={"accept": accept}) as session:
        answer = session.answer()

    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.decode() == (
        '{"code":"stream_not_found",'
        f'"message":"stream `missing` in basin `{s2.basin}` not found"}}'
    )


def test_a_condition_is_judged_last(s2: Client) -> None:
    """After the key of an encrypted stream (§1.2)."""
    basin = s2.basin
    patched = s2.request("PATCH", f"/v1/basins/{basin}", {"stream_cipher": "aegis-256"})
    assert patched.status == 200
    stream = create_stream(s2)

    assert stream.append("a", match_seq_num=7).code == "bad_header"
    assert stream.read(seq_num=7).code == "bad_header"
