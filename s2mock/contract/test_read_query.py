"""The query of a read, and how it may be malformed. Source: reference: data_plane §1.3, §4.1."""

from typing import Any

import pytest

from s2mock.contract.cases import case
from s2mock.contract.records import Stream, create_stream

U64 = ("seq_num", "timestamp", "tail_offset", "count", "bytes", "until")
INTEGERS = (*U64, "wait")

NOT_DIGITS = "invalid digit found in string"
EMPTY = "cannot parse integer from empty string"
TOO_LARGE = "number too large to fit in target type"
NOT_BOOLEAN = "provided string was not `true` or `false`"


def bad_query(stream: Stream, query: str) -> str:
    """The part of the message that is about this query."""
    answer = stream.client.request("GET", f"{stream.path}?{query}")
    assert (answer.status, answer.code) == (400, "bad_query"), answer
    start = "Failed to deserialize query string: "
    assert answer.message.startswith(start)
    return answer.message.removeprefix(start)


@pytest.mark.parametrize("name", INTEGERS)
def test_not_an_integer(stream: Stream, name: str) -> None:
    """Digits only, after one plus sign at most (§1.3)."""
    for text in ("x", "-1", "-0", "1.0", "1e3", "0x1", "1_0", "%201", "1%20", "%2B", "%2B%2B1"):
        assert bad_query(stream, f"{name}={text}") == f"{name}: {NOT_DIGITS}", text
    # An unencoded plus is a space.
    assert bad_query(stream, f"{name}=+1") == f"{name}: {NOT_DIGITS}"
    assert bad_query(stream, f"{name}=%FF") == f"{name}: {NOT_DIGITS}"
    assert bad_query(stream, f"{name}=%D9%A1") == f"{name}: {NOT_DIGITS}"
    assert bad_query(stream, f"{name}=") == f"{name}: {EMPTY}"
    assert bad_query(stream, name) == f"{name}: {EMPTY}"


@pytest.mark.parametrize("name", INTEGERS)
def test_too_large_an_integer(stream: Stream, name: str) -> None:
    """64 bits, `wait` 32 (§4.1)."""
    limit = 2 ** (32 if name == "wait" else 64)
    assert bad_query(stream, f"{name}={limit}") == f"{name}: {TOO_LARGE}"
    assert bad_query(stream, f"{name}=9{limit}") == f"{name}: {TOO_LARGE}"


@pytest.mark.parametrize("text", ["", "1", "TRUE", "True", "yes", "%20true", "on"])
def test_not_a_boolean(stream: Stream, text: str) -> None:
    """`true` or `false`, exactly (§1.3)."""
    assert bad_query(stream, f"clamp={text}") == f"clamp: {NOT_BOOLEAN}"


@pytest.mark.parametrize("name", [*INTEGERS, "clamp"])
def test_a_parameter_twice(stream: Stream, name: str) -> None:
    """Even with the same value (§4.1)."""
    value = "true" if name == "clamp" else "1"
    message = f"duplicate field `{name}`"
    assert bad_query(stream, f"{name}={value}&{name}={value}") == message


def test_start_parameters_are_parsed_before_the_others(stream: Stream) -> None:
    """In the order of the query within each group (§1.2)."""
    message = f"timestamp: {NOT_DIGITS}"
    assert bad_query(stream, "wait=x&count=x&timestamp=x&seq_num=x") == message
    assert bad_query(stream, "wait=x&count=x&bytes=x") == f"wait: {NOT_DIGITS}"


def test_numbers_in_other_spellings(stream: Stream) -> None:
    """Leading zeros, an encoded plus, an encoded digit (§1.3)."""
    stream.append_ok("a", "b", "c")

    for spelled in ("1", "01", "000000000000000000000000001", "%2B1", "%31"):
        answer = stream.client.request("GET", f"{stream.path}?seq_num={spelled}&count={spelled}")
        assert [record["body"] for record in answer.json["records"]] == ["b"], spelled


def test_highest_numbers(stream: Stream) -> None:
    """2^64-1 is a limit, an offset and a bound like any other (§4.1)."""
    stream.append_ok("a")
    largest = 2**64 - 1

    query = {"tail_offset": largest, "count": largest, "bytes": largest, "until": largest}
    assert stream.bodies(**query, wait=2**32 - 1) == ["a"]
    assert stream.read(seq_num=largest).status == 416
    assert stream.read(timestamp=largest - 1, until=largest).status == 416


def test_unknown_parameters_are_ignored(stream: Stream) -> None:
    """With any value (§4.1)."""
    stream.append_ok("a")
    query = "seq_num=0&x&x=1&ignore_command_records=maybe&%FF=1&Count=x&&"

    assert stream.client.request("GET", f"{stream.path}?{query}").status == 200


@pytest.mark.parametrize(
    "query",
    [
        {"seq_num": 0, "timestamp": 0},
        {"seq_num": 0, "tail_offset": 0},
        {"timestamp": 0, "tail_offset": 0},
        {"seq_num": 0, "timestamp": 0, "tail_offset": 0},
    ],
    ids="+".join,
)
def test_more_than_one_start(stream: Stream, query: dict[str, Any]) -> None:
    """422, also where all would be the same record (§4.1)."""
    answer = stream.read(**query)

    assert (answer.status, answer.json) == (
        422,
        {
            "code": "invalid",
            "message": "only one of seq_num, timestamp, or tail_offset can be provided",
        },
    )


@case(86)
@pytest.mark.parametrize(("timestamp", "until"), [(5, 5), (6, 5), (0, 0)])
def test_timestamp_not_before_until(stream: Stream, timestamp: int, until: int) -> None:
    """422: nothing could be read (§4.1)."""
    answer = stream.read(timestamp=timestamp, until=until)

    assert (answer.status, answer.json) == (
        422,
        {"code": "invalid", "message": "start `timestamp` exceeds or equal to `until`"},
    )


def test_default_start_is_the_tail(stream: Stream) -> None:
    """No start means `tail_offset=0` (§4.1)."""
    stream.append_ok("a")

    assert stream.read().status == stream.read(tail_offset=0).status == 416
    assert create_stream(stream.client, "other").read().status == 416
