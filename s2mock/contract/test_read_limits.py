"""Where a read ends: count, bytes and until.

Source: reference: data_plane §4.1, §4.2, §4.4; §10, cases 68 to 77 and 82 to 85.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from s2mock.contract.cases import case
from s2mock.contract.forms import READ_FORMS, STREAMING_FORMS, UNARY_FORMS, read_in
from s2mock.contract.records import Stream, metered


def seq_nums(form: str, stream: Stream, **query: int) -> list[int]:
    """The sequence numbers of a read in that form, which ends at the tail."""
    read = read_in(form, stream, headers=None, **{"wait": 0, **query})
    return [record.seq_num for record in read]


FORMS = pytest.mark.parametrize("form", READ_FORMS)


@case(68)
@FORMS
def test_count(stream: Stream, form: str) -> None:
    """At most `count` records, from the start on."""
    stream.append_ok("a", "b", "c")

    assert seq_nums(form, stream, seq_num=1, count=2) == [1, 2]
    assert seq_nums(form, stream, seq_num=0, count=1) == [0]
    assert seq_nums(form, stream, seq_num=2, count=2) == [2]


@case(69)
@FORMS
def test_count_beyond_what_is_there(stream: Stream, form: str) -> None:
    """A bounded read without wait ends at the tail (§4.4)."""
    stream.append_ok("a", "b", "c")
    assert seq_nums(form, stream, seq_num=0, count=3) == [0, 1, 2]
    stream.append_ok("d", "e")
    assert seq_nums(form, stream, seq_num=0, count=100) == [0, 1, 2, 3, 4]


@case(70)
@pytest.mark.parametrize("form", UNARY_FORMS)
def test_a_unary_read_has_a_thousand_records_at_most(stream: Stream, form: str) -> None:
    """A larger `count` is reduced silently (§1.7, §4.2)."""
    stream.append_ok(*["x"] * 1000)
    stream.append_ok(*["x"] * 5)

    for query in ({}, {"count": 2000}, {"count": 5000}, {"bytes": 10**6}):
        assert seq_nums(form, stream, seq_num=0, **query) == list(range(1000)), query
    assert seq_nums(form, stream, seq_num=1, count=999) == list(range(1, 1000))
    assert seq_nums(form, stream, seq_num=1, count=1005) == list(range(1, 1001))


@pytest.mark.parametrize("form", STREAMING_FORMS)
def test_a_session_goes_on_after_a_thousand(stream: Stream, form: str) -> None:
    """Its limits are as given; each batch has a thousand at most (§4.2, §4.4)."""
    stream.append_ok(*["x"] * 1000)
    stream.append_ok(*["x"] * 1000)

    assert seq_nums(form, stream, seq_num=0) == list(range(2000))
    assert seq_nums(form, stream, seq_num=0, count=1500) == list(range(1500))


@case(71, 72)
@FORMS
def test_bytes(stream: Stream, form: str) -> None:
    """Metered bytes: 13 for a body of five; never exceeded (§1.7, §4.4)."""
    stream.append_ok("aaaaa", "bbbbb", "ccccc")

    for limit, count in ((13, 1), (25, 1), (26, 2), (34, 2), (38, 2), (39, 3), (1000, 3)):
        assert seq_nums(form, stream, seq_num=0, bytes=limit) == list(range(count)), limit


@case(72, 74)
@FORMS
def test_bytes_count_headers(stream: Stream, form: str) -> None:
    """8 of each record, 2 of each header, names, values and bodies (§1.7)."""
    records: list[dict[str, Any]] = [
        {"body": "a"},
        {"body": "éé", "headers": [["n", "vv"], ["é", ""]]},
        {"headers": [["k", "v"]]},
        {},
    ]
    sizes = [metered(record) for record in records]
    assert sizes == [9, 21, 12, 8]
    stream.append_ok(*records)

    for first in range(4):
        for last in range(first, 4):
            size = sum(sizes[first : last + 1])
            exact = seq_nums(form, stream, seq_num=first, bytes=size)
            assert exact == list(range(first, last + 1))
            short = seq_nums(form, stream, seq_num=first, bytes=size - 1)
            assert short == list(range(first, last))


@case(73)
@pytest.mark.parametrize("form", UNARY_FORMS)
def test_a_unary_read_has_a_mebibyte_at_most(stream: Stream, form: str) -> None:
    """Two records that do not fit together are read one by one (§4.2)."""
    body = "x" * 700_000
    stream.append_ok(body)
    stream.append_ok(body)

    assert seq_nums(form, stream, seq_num=0) == [0]
    assert seq_nums(form, stream, seq_num=0, bytes=2 * 1024 * 1024) == [0]
    assert seq_nums(form, stream, seq_num=1) == [1]


@case(76)
@FORMS
def test_first_record_exceeds_the_bytes(stream: Stream, form: str) -> None:
    """200 without records; in a session no empty batch (§4.4)."""
    stream.append_ok("aaaaa", "")

    assert seq_nums(form, stream, seq_num=0, bytes=12) == []
    assert seq_nums(form, stream, seq_num=0, bytes=12, wait=60) == []
    assert seq_nums(form, stream, seq_num=1, bytes=12) == [1]


@case(77)
@FORMS
def test_count_and_bytes(stream: Stream, form: str) -> None:
    """Whichever is reached first (§4.2)."""
    stream.append_ok(*["x"] * 20)

    assert seq_nums(form, stream, seq_num=0, count=5, bytes=1_000_000) == list(range(5))
    assert seq_nums(form, stream, seq_num=0, count=100, bytes=3 * 9) == list(range(3))
    assert seq_nums(form, stream, seq_num=0, count=3, bytes=3 * 9) == list(range(3))


@case(82, 83)
@FORMS
def test_until(stream: Stream, form: str) -> None:
    """Stops before the first record at that time or later (§4.1)."""
    stream.append_ok(*[{"timestamp": timestamp} for timestamp in (1000, 2000, 2000, 3000)])

    for until, count in ((0, 0), (500, 0), (1000, 0), (1001, 1), (2000, 1), (2001, 3), (5000, 4)):
        assert seq_nums(form, stream, seq_num=0, until=until) == list(range(count)), until
    assert seq_nums(form, stream, seq_num=2, until=3000) == [2]


@case(83)
def test_nothing_before_until(stream: Stream) -> None:
    """200 without records: they are there, but not asked for (§4.4)."""
    stream.append_ok({"timestamp": 1000})

    answer = stream.read(seq_num=0, until=1000)
    assert (answer.status, answer.body) == (200, b'{"records":[]}')


@case(84)
@FORMS
def test_until_with_other_limits(stream: Stream, form: str) -> None:
    """Whichever is reached first (§4.4)."""
    stream.append_ok(*[{"timestamp": timestamp} for timestamp in (1000, 2000, 3000, 4000)])

    assert seq_nums(form, stream, seq_num=0, until=3000, count=1) == [0]
    assert seq_nums(form, stream, seq_num=0, until=3000, count=3) == [0, 1]
    assert seq_nums(form, stream, seq_num=0, until=3000, bytes=8) == [0]
    assert seq_nums(form, stream, seq_num=0, until=3000, bytes=24) == [0, 1]


@case(85)
@FORMS
def test_a_span_of_time(stream: Stream, form: str) -> None:
    """`timestamp` inclusive, `until` exclusive (§4.1)."""
    spread = (500, 2000, 2000, 2500, 3500, 4500, 5500)
    stream.append_ok(*[{"timestamp": timestamp} for timestamp in spread])

    assert seq_nums(form, stream, timestamp=2000, until=4500) == [1, 2, 3, 4]
    assert seq_nums(form, stream, timestamp=2001, until=4501) == [3, 4, 5]


def test_until_is_not_ignored_in_the_middle(stream: Stream) -> None:
    """A wait does not carry a read beyond `until` (§4.4)."""
    stream.append_ok({"timestamp": 1}, {"timestamp": 5})

    for form in READ_FORMS:
        assert seq_nums(form, stream, seq_num=0, until=5, wait=60) == [0]


def test_a_read_ends_at_its_limit_without_waiting(stream: Stream) -> None:
    """A read ends when it reaches a limit, also with a `wait` (§4.4)."""
    stream.append_ok("a", "b")

    for form in READ_FORMS:
        assert seq_nums(form, stream, seq_num=0, count=2, wait=60) == [0, 1]
        assert seq_nums(form, stream, seq_num=0, bytes=18, wait=60) == [0, 1]


@case(91)
def test_concurrent_readers(stream: Stream) -> None:
    """Readers do not take records from each other (§4)."""
    bodies = [f"body {number}" for number in range(20)]
    stream.append_ok(*bodies)

    with ThreadPoolExecutor(10) as pool:
        reads = list(pool.map(lambda _: stream.bodies(seq_num=0), range(10)))
    assert reads == [bodies] * 10
