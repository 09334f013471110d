"""Resuming an SSE read by `Last-Event-ID`. Source: reference: data_plane §5.

Where the server is newer than the reference: counts go on from those in the id, so that a read
can be resumed more than once.
"""

from typing import Any

import pytest

from s2mock.contract.client import Answer
from s2mock.contract.records import Stream
from s2mock.contract.sessions import Event

# A body of one byte is 9 bytes metered.
RECORD = 9


def resume(stream: Stream, last_event_id: str, **query: Any) -> Answer:
    """An SSE read resumed after that event."""
    headers = {"accept": "text/event-stream", "last-event-id": last_event_id}
    return stream.read(headers=headers, **query)


def batches(answer: Answer) -> list[tuple[list[int], str]]:
    """The sequence numbers and ids of the batches; the read must have ended well."""
    assert answer.status == 200, answer
    *events, done, rest = answer.body.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    found = []
    for event in (Event(tuple(text.split("\n"))) for text in events):
        if event.name == "batch":
            seq_nums = [record["seq_num"] for record in event.json["records"]]
            found.append((seq_nums, event.field("id") or ""))
    return found


@pytest.fixture
def filled(stream: Stream) -> Stream:
    """Ten records of nine bytes."""
    stream.append_ok(*"abcdefghij")
    return stream


@pytest.mark.parametrize(
    "query",
    [{}, {"seq_num": 0}, {"seq_num": 999}, {"timestamp": 2**63}, {"tail_offset": 1}],
    ids=str,
)
def test_begins_after_the_last_record(filled: Stream, query: dict[str, Any]) -> None:
    """With any start in the query (§5)."""
    answer = resume(filled, "6,1,9", wait=0, **query)
    assert batches(answer) == [([7, 8, 9], f"9,4,{4 * RECORD}")]


def test_count_goes_on(filled: Stream) -> None:
    """What was delivered counts against the limit, and the ids count from there (§5)."""
    assert batches(resume(filled, "1,2,18", seq_num=0, count=5)) == [([2, 3, 4], "4,5,45")]
    # And once more, from an id that the second connection gave.
    assert batches(resume(filled, "3,4,36", seq_num=0, count=5)) == [([4], "4,5,45")]


def test_bytes_go_on(filled: Stream) -> None:
    """Like the count (§5)."""
    answer = resume(filled, "1,2,18", seq_num=0, bytes=4 * RECORD)
    assert batches(answer) == [([2, 3], "3,4,36")]


def test_counts_are_taken_as_given(filled: Stream) -> None:
    """They need not fit to the sequence number (§5)."""
    assert batches(resume(filled, "1,0,0", count=3)) == [([2, 3, 4], "4,3,27")]
    assert batches(resume(filled, "1,100,5", wait=0, bytes=14)) == [([2], "2,101,14")]


@pytest.mark.parametrize(
    "query", [{"count": 2}, {"count": 1}, {"bytes": 18}, {"bytes": 1}], ids=str
)
@pytest.mark.parametrize("last", [1, 9, 500])
def test_limit_used_up(filled: Stream, query: dict[str, int], last: int) -> None:
    """There is nothing left to read, wherever the start would be: `[DONE]` (§5)."""
    assert resume(filled, f"{last},2,18", **query).body == b"data: [DONE]\n\n"


def test_at_the_tail_and_beyond(filled: Stream) -> None:
    """The start is judged like any other (§4.3, §5)."""
    assert resume(filled, "9,0,0", count=5).status == 416
    assert resume(filled, "9,0,0", wait=0).body == b"data: [DONE]\n\n"
    assert resume(filled, "10,0,0").status == 416
    assert resume(filled, "10,0,0", clamp=True, wait=0).status == 200
    assert resume(filled, f"{2**64 - 1},0,0").status == 416


def test_until_stays(filled: Stream) -> None:
    """And a timestamp start need not be before it any more (§5)."""
    assert batches(resume(filled, "1,0,0", until=0)) == []
    assert resume(filled, "1,0,0", timestamp=5, until=5).status == 200


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "invalid seq_num in Last-Event-ID: cannot parse integer from empty string"),
        ("x", "invalid seq_num in Last-Event-ID: invalid digit found in string"),
        ("-1,0,0", "invalid seq_num in Last-Event-ID: invalid digit found in string"),
        (
            f"{2**64},0,0",
            "invalid seq_num in Last-Event-ID: number too large to fit in target type",
        ),
        ("1", "missing count in Last-Event-Id"),
        ("1,", "invalid count in Last-Event-ID: cannot parse integer from empty string"),
        ("1, 1,1", "invalid count in Last-Event-ID: invalid digit found in string"),
        ("1,1", "missing bytes in Last-Event-Id"),
        ("1,1,", "invalid bytes in Last-Event-ID: cannot parse integer from empty string"),
        ("1,1,1,1", "invalid bytes in Last-Event-ID: invalid digit found in string"),
        ("1,1,1\xe9", None),
    ],
)
def test_malformed(stream: Stream, value: str, why: str | None) -> None:
    """Exactly three numbers; the two spellings of the header are real (§1.3)."""
    answer = resume(stream, value)
    message = f"Invalid header `last-event-id`: {why or 'not UTF-8'}"
    assert (answer.status, answer.json) == (400, {"code": "bad_header", "message": message})


@pytest.mark.parametrize("value", ["+1,+0,+0", "0001,00,0", " 1,0,0 "])
def test_numbers_in_other_spellings(filled: Stream, value: str) -> None:
    """Integers as in a query; blanks around a header are no part of it (§1.3)."""
    assert batches(resume(filled, value, count=1)) == [([2], f"2,1,{RECORD}")]
