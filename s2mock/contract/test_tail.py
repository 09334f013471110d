"""Check tail. Source: reference: data_plane §1.8 and §10, cases 1 to 4."""

import pytest

from s2mock.contract.cases import case
from s2mock.contract.client import Client
from s2mock.contract.records import Stream, trim


@case(1)
def test_tail_of_an_empty_stream_is_zero(stream: Stream) -> None:
    """Both numbers are 0, and the JSON is compact, its keys in this order (§1.8)."""
    answer = stream.tail()

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.body == b'{"tail":{"seq_num":0,"timestamp":0}}'


@case(2)
def test_tail_is_the_next_sequence_number(stream: Stream) -> None:
    """After one record and two more it is 3 (§1.8)."""
    stream.append_ok("a")
    stream.append_ok("b", "c")

    assert stream.tail_ok()["seq_num"] == 3


@case(3)
def test_tail_is_the_end_of_the_last_append(stream: Stream) -> None:
    """The timestamp is that of the last record (§1.8)."""
    ack = stream.append_ok({"timestamp": 1000}, {"timestamp": 2000})

    assert stream.tail_ok() == ack["end"] == {"seq_num": 2, "timestamp": 2000}


@case(4)
def test_tail_of_a_missing_stream(s2: Client) -> None:
    """404, naming stream and basin (§1.3)."""
    answer = Stream(s2, "no/such stream").tail()

    assert answer.status == 404
    assert answer.json == {
        "code": "stream_not_found",
        "message": f"stream `no/such stream` in basin `{s2.basin}` not found",
    }


def test_tail_is_not_moved_by_a_trim(stream: Stream) -> None:
    """A trim removes records; the tail stays behind the trim record (§1.8, §8.1)."""
    ack = stream.append_ok("a", "b", trim(99))

    assert stream.tail_ok() == ack["end"]


def test_tail_looks_at_no_query_and_no_accept(stream: Stream) -> None:
    """JSON only; what would be a bad query of a read is ignored (§1.1, §1.8)."""
    path = f"{stream.path}/tail?seq_num=x&wait=&clamp=1"
    headers = {"accept": "application/protobuf", "s2-format": "nonsense", "s2-encryption-key": ""}
    answer = stream.client.request("GET", path, headers=headers)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {"tail": {"seq_num": 0, "timestamp": 0}}


@pytest.mark.parametrize(
    ("path", "allowed"), [("", "GET,HEAD,POST"), ("/tail", "GET,HEAD")], ids=["records", "tail"]
)
def test_other_methods(stream: Stream, path: str, allowed: str) -> None:
    """405 with an empty body, and what is allowed (§1.1)."""
    answer = stream.client.request("PUT", stream.path + path, body=b"{}")

    assert (answer.status, answer.body) == (405, b"")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/tail/", "/tail/more", "/head"])
def test_other_paths(stream: Stream, path: str) -> None:
    """404 with an empty body: no such route (§1.1)."""
    answer = stream.client.request("GET", stream.path + path)

    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("suffix", ["/tail", "?seq_num=0"], ids=["tail", "read"])
def test_head_is_get_without_the_body(stream: Stream, suffix: str) -> None:
    """HEAD works where GET does, with the length of the body that it leaves out (§1.1)."""
    stream.append_ok("a")
    got = stream.client.request("GET", stream.path + suffix)
    head = stream.client.request("HEAD", stream.path + suffix)

    assert (head.status, head.body) == (got.status, b"")
    assert head.headers["content-length"] == str(len(got.body))
    assert head.headers["content-type"] == got.headers["content-type"]


def test_stream_name_is_one_encoded_segment(s2: Client, stream: Stream) -> None:
    """The segment is decoded after routing: `a%2Fb` is the stream `a/b` (§1.1)."""
    name = "a/b?c#d &é%20"
    s2.request("POST", "/v1/streams", {"stream": name})
    named = Stream(s2, name)
    named.append_ok("x")

    assert named.bodies(seq_num=0) == ["x"]
    assert named.tail_ok()["seq_num"] == 1
    assert stream.tail_ok()["seq_num"] == 0
