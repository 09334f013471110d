"""JSON bodies of an append.

Source: reference: data_plane §1.4, §1.6, §1.7 and §3.1; §10, cases 31 to 33.
"""

import pytest

from s2mock.contract.cases import case
from s2mock.contract.client import Answer
from s2mock.contract.records import Stream

BODY_LIMIT = 2 * 1024 * 1024


def bad_json(answer: Answer) -> str:
    """The message of a refusal that must be `bad_json`."""
    assert (answer.status, answer.code) == (400, "bad_json"), answer
    assert answer.headers["content-type"] == "application/json"
    return answer.message


def record(text: str) -> str:
    """An append of one record, given as JSON text."""
    return f'{{"records":[{text}]}}'


@pytest.mark.sample(3)
@case(31)
@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "not json",
        "{truncated",
        '{"records":[{}]',
        record("{}") + "x",
        "\ufeff" + record("{}"),
        "{'records':[{}]}",
        '{"records":[{}],}',
        record("{},"),
        record('{"body":"a\nb"}'),
        record('{"body":"\\ud800"}'),
        record('{"body":"\\x"}'),
        record('{"timestamp":01}'),
        record('{"timestamp":+1}'),
        '{"records":[{}],"unknown":NaN}',
        '{"records":[{}],"unknown":Infinity}',
    ],
)
def test_not_json(stream: Stream, body: str) -> None:
    """400 `bad_json`, with the parser's own text (§1.3, §1.6)."""
    bad_json(stream.append_bytes(body.encode()))
    assert stream.tail_ok()["seq_num"] == 0


def test_not_utf8(stream: Stream) -> None:
    """JSON is UTF-8 (§1.6)."""
    bad_json(stream.append_bytes(b'{"records":[{"body":"\xff"}]}'))


@pytest.mark.sample(3)
@case(32)
@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "null",
        '"records"',
        '{"records":null}',
        '{"records":"nope"}',
        '{"records":{}}',
        record("null"),
        record('"a"'),
        record('{"body":123}'),
        record('{"body":null}'),
        record('{"body":["a"]}'),
        record('{"headers":null}'),
        record('{"headers":{"a":"b"}}'),
        record('{"headers":["a","b"]}'),
        record('{"headers":[["a"]]}'),
        record('{"headers":[["a","b","c"]]}'),
        record('{"headers":[["a",null]]}'),
        record('{"headers":[[1,"b"]]}'),
        record('{"headers":[{"name":"a","value":"b"}]}'),
        '{"records":[{}],"fencing_token":1}',
        '{"records":[{}],"fencing_token":["a"]}',
    ],
)
def test_json_of_another_shape(stream: Stream, body: str) -> None:
    """400 as well: S2 does not tell a bad type from bad syntax (§3.6)."""
    bad_json(stream.append_bytes(body.encode()))
    assert stream.tail_ok()["seq_num"] == 0


@pytest.mark.parametrize(
    "number", ["1.0", "1e3", "-1", "-0", "true", '"1"', "[1]", "18446744073709551616"]
)
@pytest.mark.parametrize("field", ["timestamp", "match_seq_num"])
def test_not_an_unsigned_integer(stream: Stream, field: str, number: str) -> None:
    """Numbers are integers of 64 bits without sign (§1.6)."""
    body = {
        "timestamp": record(f'{{"timestamp":{number}}}'),
        "match_seq_num": f'{{"records":[{{}}],"match_seq_num":{number}}}',
    }[field]
    bad_json(stream.append_bytes(body.encode()))


@pytest.mark.parametrize(
    "body",
    [
        '{"records":[{}],"records":[{}]}',
        '{"records":[{}],"match_seq_num":0,"match_seq_num":0}',
        '{"records":[{}],"fencing_token":"","fencing_token":""}',
        record('{"body":"a","body":"a"}'),
        record('{"timestamp":1,"timestamp":1}'),
        record('{"headers":[],"headers":[]}'),
    ],
)
def test_a_key_twice(stream: Stream, body: str) -> None:
    """A known key may be given once (§1.6)."""
    bad_json(stream.append_bytes(body.encode()))


@case(33)
def test_null_is_absent(stream: Stream) -> None:
    """For `match_seq_num`, `fencing_token` and `timestamp`; then validation goes on (§1.6)."""
    answer = stream.append_bytes(b'{"records":[],"match_seq_num":null,"fencing_token":null}')
    assert (answer.status, answer.message) == (422, "record batch must not be empty")

    body = b'{"records":[{"timestamp":null}],"match_seq_num":null,"fencing_token":null}'
    assert stream.append_bytes(body).status == 200


def test_what_is_unknown_is_ignored(stream: Stream) -> None:
    """Unknown keys, at every level, with any value (§1.6)."""
    body = b' { "records" : [ { "x" : [ { } ] } ] , "y" : 1e999 , "y" : null } \n'
    assert stream.append_bytes(body).status == 200


def test_highest_numbers(stream: Stream) -> None:
    """2^64-1 is a number; a timestamp that high is in the future and capped (§1.6, §3.5)."""
    largest = b"18446744073709551615"
    answer = stream.append_bytes(b'{"records":[{}],"match_seq_num":%b}' % largest)
    assert answer.status == 412
    answer = stream.append_bytes(b'{"records":[{"timestamp":%b}]}' % largest)
    assert answer.status == 200
    assert answer.json["start"]["timestamp"] < 2**63


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=latin-1",
        "application/vnd.anything+json",
        "APPLICATION/JSON",
        "application/json, text/plain",
    ],
)
def test_content_types_that_are_json(stream: Stream, content_type: str) -> None:
    """Any case, any parameters; the first of several counts (§1.4)."""
    body = '{"records":[{"body":"é"}]}'.encode()
    assert stream.append_bytes(body, content_type).status == 200
    assert stream.bodies(seq_num=0) == ["é"]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/jsonx",
        "application/x-json",
        "text/plain, application/json",
        "text/event-stream",
        "json",
    ],
)
def test_content_types_that_are_not(stream: Stream, content_type: str | None) -> None:
    """What is not JSON, protobuf or S2S is refused, before its body is looked at (§1.4)."""
    for body in (b'{"records":[{}]}', b"junk"):
        answer = stream.append_bytes(body, content_type)
        assert bad_json(answer) == "Expected request with `Content-Type: application/json`"


def test_longest_body(stream: Stream) -> None:
    """2 MiB, also of what is then ignored; one byte more is 400, never 413 (§1.7)."""
    start, end = b'{"records":[{}],"ignored":"', b'"}'
    body = start + b"x" * (BODY_LIMIT - len(start) - len(end)) + end
    assert stream.append_bytes(body).status == 200

    longer = stream.append_bytes(body + b" ")
    assert bad_json(longer) == "Failed to buffer the request body: length limit exceeded"
    assert stream.tail_ok()["seq_num"] == 1
