"""Appends that succeed.

Source: reference: data_plane §3.1, §3.4 and §3.5; §10, cases 11 to 18, 25 and 26.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from s2mock.contract.cases import case
from s2mock.contract.client import Client
from s2mock.contract.records import JsonRecord, Stream, create_stream


@case(11)
def test_ack_byte_for_byte(stream: Stream) -> None:
    """Start, end and tail, in this order, compact; end has the last record's timestamp (§3.4)."""
    answer = stream.append({"body": "lorem", "timestamp": 1000}, {"timestamp": 2000})

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.body == (
        b'{"start":{"seq_num":0,"timestamp":1000},"end":{"seq_num":2,"timestamp":2000},'
        b'"tail":{"seq_num":2,"timestamp":2000}}'
    )


@case(12)
def test_three_records_in_one_batch(stream: Stream) -> None:
    """One append takes consecutive sequence numbers from 0 (§3.5)."""
    ack = stream.append_ok("a", "b", "c")

    assert (ack["start"]["seq_num"], ack["end"]["seq_num"], ack["tail"]["seq_num"]) == (0, 3, 3)
    assert stream.bodies(seq_num=0) == ["a", "b", "c"]


@case(13)
def test_appends_follow_each_other_without_gaps(stream: Stream) -> None:
    """Sequence numbers are never skipped or reused (§3.5)."""
    acks = [stream.append_ok("a"), stream.append_ok("b"), stream.append_ok("c", "d")]

    spans = [(ack["start"]["seq_num"], ack["end"]["seq_num"]) for ack in acks]
    assert spans == [(0, 1), (1, 2), (2, 4)]
    assert stream.seq_nums(seq_num=0) == [0, 1, 2, 3]


@case(14)
def test_empty_body(stream: Stream) -> None:
    """It is accepted, and read back without the key `body` (§3.1, §4.6)."""
    ack = stream.append_ok({"body": "", "timestamp": 7})

    assert ack["end"]["seq_num"] == 1
    answer = stream.read(seq_num=0)
    assert answer.body == b'{"records":[{"seq_num":0,"timestamp":7}]}'


@case(15)
def test_headers_keep_their_order_and_duplicates(stream: Stream) -> None:
    """Headers are pairs in a list, read back as sent (§3.1)."""
    headers = [["k2", "v2"], ["k1", "v1"], ["k2", "v3"], ["k2", "v2"]]
    stream.append_ok({"headers": headers, "body": "x"})

    assert stream.read_ok(seq_num=0)[0]["headers"] == headers


@case(16)
def test_empty_header_values(stream: Stream) -> None:
    """Only a name must not be empty (§3.2)."""
    headers = [["a", ""], ["b", ""]]
    stream.append_ok({"headers": headers})

    assert stream.read_ok(seq_num=0)[0]["headers"] == headers


@case(17)
def test_records_with_and_without_headers_in_one_batch(stream: Stream) -> None:
    """The key `headers` is left out where there are none (§4.6)."""
    one, two = [["a", "1"]], [["b", "2"], ["c", "3"]]
    stream.append_ok({"headers": one}, {"headers": two}, {"headers": [], "body": "x"})

    records = stream.read_ok(seq_num=0)
    assert [record.get("headers") for record in records] == [one, two, None]


@case(18)
def test_a_thousand_records_in_one_batch(stream: Stream) -> None:
    """1000 is the most that a batch may hold (§1.7)."""
    ack = stream.append_ok(*["a"] * 1000)

    assert (ack["start"]["seq_num"], ack["end"]["seq_num"]) == (0, 1000)
    assert stream.tail_ok()["seq_num"] == 1000


@pytest.mark.parametrize(
    "record",
    [{}, {"timestamp": None}, {"headers": []}, {"body": ""}, {"unknown": [1, {"a": None}]}],
    ids=str,
)
def test_every_field_of_a_record_may_be_left_out(stream: Stream, record: JsonRecord) -> None:
    """An empty record is a record; unknown keys are ignored (§1.6, §3.1)."""
    assert stream.append_ok(record)["end"]["seq_num"] == 1
    assert stream.read_ok(seq_num=0)[0].keys() == {"seq_num", "timestamp"}


@pytest.mark.parametrize(
    "text",
    ["\x00\b\t\n\f\r\x1f\x7f", '"\\/', "é €😀", "\u2028\ufeff\ufffd", "<&>"],
    ids=["controls", "quotes", "non-ASCII", "specials", "markup"],
)
def test_strings_are_rendered_as_compact_json(stream: Stream, text: str) -> None:
    """Non-ASCII stays as it is, control characters become the shortest escapes (§1.6)."""
    stream.append_ok({"timestamp": 1, "headers": [[f"n{text}", text]], "body": text})

    escapes = {"\x00": "\\u0000", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f"}
    escapes |= {"\r": "\\r", "\x1f": "\\u001f", '"': '\\"', "\\": "\\\\"}
    rendered = "".join(escapes.get(char, char) for char in text)
    assert stream.read(seq_num=0).body.decode() == (
        '{"records":[{"seq_num":0,"timestamp":1,'
        f'"headers":[["n{rendered}","{rendered}"]],"body":"{rendered}"}}]}}'
    )


@case(25)
def test_concurrent_appends_all_succeed(stream: Stream) -> None:
    """They are serialized: each has its own sequence number (§3.5)."""
    bodies = [f"body {number}" for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        starts = [ack["start"]["seq_num"] for ack in pool.map(stream.append_ok, bodies)]

    assert sorted(starts) == list(range(20))
    assert stream.tail_ok()["seq_num"] == 20
    read = dict(zip(stream.seq_nums(seq_num=0), stream.bodies(seq_num=0), strict=True))
    assert read == dict(zip(starts, bodies, strict=True))


@case(26)
def test_appends_while_the_stream_is_reconfigured(s2: Client) -> None:
    """Neither disturbs the other (§3.5)."""
    stream = create_stream(s2, retention_policy={"age": 1000})
    bodies = [f"body {number}" for number in range(10)]

    def append_all() -> list[int]:
        return [stream.append_ok(body)["start"]["seq_num"] for body in bodies]

    with ThreadPoolExecutor(2) as pool:
        appended = pool.submit(append_all)
        for age in range(2000, 2010):
            stream.reconfigure(retention_policy={"age": age})
    assert appended.result() == list(range(10))
    assert stream.bodies(seq_num=0) == bodies
    assert stream.config().json["retention_policy"] == {"age": 2009}
