"""Bodies at the edges: broken text in every place, arrays too short, odd integers on the wire.

Source: reference: control_plane §2.2, data_plane §1.6 and §2. The differential machine found these.
"""

from collections.abc import Callable
from typing import Final

import pytest

from s2mock.contract.bodies import JSON, refused, send
from s2mock.contract.client import Client
from s2mock.contract.records import PROTOBUF, Stream

# Lone surrogates of both kinds, two of a kind, and bytes that are no UTF-8.
BROKEN: Final = (
    rb'"\ud800"',
    rb'"\udc00"',
    rb'"\ud800\ud800"',
    rb'"\ud800x"',
    rb'{"\ud800":null}',
    b'"\xff"',
    b'"\xc3"',
    b'"\xed\xa0\x80"',
    b'{"\xff":null}',
)
# A stream configuration, with the broken text in each place where a word is expected.
STREAM_CONFIGS: Final = (
    b'{"storage_class":%b}',
    b'{"retention_policy":%b}',
    b'{"timestamping":{"mode":%b}}',
    b'{"timestamping":[%b]}',
    b"[%b,null,null]",
    b'[null,null,{"mode":%b}]',
    b"[null,null,[%b,true]]",
)
BASIN_CONFIGS: Final = (
    b'{"stream_cipher":%b}',
    b"[null,%b]",
    b"[{},%b,true,true]",
    b'{"default_stream_config":{"timestamping":{"mode":%b}}}',
    b"[[null,null,[%b,true]],null]",
)


@pytest.mark.sample(6)
@pytest.mark.parametrize("broken", BROKEN, ids=ascii)
@pytest.mark.parametrize("config", STREAM_CONFIGS)
def test_broken_text_in_a_stream_configuration(s2: Client, config: bytes, broken: bytes) -> None:
    """Broken text is no JSON, at any place (§2.2)."""
    document = config % broken
    for method, path, body in (
        ("POST", "/v1/streams", b'{"stream":"s","config":%b}' % document),
        ("POST", "/v1/streams", b'["s",%b]' % document),
        ("PUT", "/v1/streams/s", document),
        ("PATCH", "/v1/streams/s", document),
    ):
        assert refused(s2, s2.request(method, path, body=body, headers=JSON))


@pytest.mark.sample(6)
@pytest.mark.parametrize("broken", BROKEN, ids=ascii)
@pytest.mark.parametrize("config", BASIN_CONFIGS)
def test_broken_text_in_a_basin_configuration(
    s2: Client, fresh: Callable[[], str], config: bytes, broken: bytes
) -> None:
    """The same for basins, of which none is made or changed (§2.2)."""
    document, new = config % broken, fresh()
    made = f'{{"basin":"{new}","config":%b}}'.encode() % document
    before = s2.request("GET", f"/v1/basins/{s2.basin}").json
    for method, path, body in (
        ("POST", "/v1/basins", made),
        ("PUT", f"/v1/basins/{new}", b'{"config":%b}' % document),
        ("PUT", f"/v1/basins/{new}", b"[%b,null]" % document),
        ("PATCH", f"/v1/basins/{s2.basin}", document),
    ):
        answer = s2.request(method, path, body=body, headers=JSON)
        assert (answer.status, answer.code) == (400, "bad_json"), answer
    assert s2.request("GET", f"/v1/basins/{s2.basin}").json == before
    assert s2.request("GET", f"/v1/basins/{new}").status == 404


@pytest.mark.sample(4)
@pytest.mark.parametrize("broken", [text for text in BROKEN if text.isascii()], ids=ascii)
@pytest.mark.parametrize("config", STREAM_CONFIGS)
def test_broken_text_in_a_header(stream: Stream, config: bytes, broken: bytes) -> None:
    """`s2-stream-config` is JSON too (data_plane §4.1)."""
    headers = {"s2-stream-config": (config % broken).decode()}
    for answer in (stream.append({}, headers=headers), stream.read(seq_num=0, headers=headers)):
        assert (answer.status, answer.code) == (400, "bad_header"), answer


@pytest.mark.parametrize(
    "body",
    [
        '{"records":[[]]}',
        '{"records":[{},[]]}',
        '{"records":[[],{}]}',
        '{"records":[[]],"match_seq_num":99,"fencing_token":"nope"}',
        "[[[]]]",
        "[[[]],null,null]",
    ],
)
def test_a_record_as_an_empty_array(stream: Stream, body: str) -> None:
    """Of a record as an array, headers and body may be left out, the timestamp not (§1.6)."""
    answer = stream.append_bytes(body.encode())
    assert (answer.status, answer.code) == (400, "bad_json"), answer
    expected = "invalid length 0, expected struct AppendRecord with 3 elements"
    assert answer.error.reason == expected
    assert stream.tail_ok()["seq_num"] == 0


@pytest.mark.parametrize("record", ["[null]", "[null,[]]", '[null,[],""]', '[5,[["a","b"]],"x"]'])
def test_a_record_as_an_array(stream: Stream, record: str) -> None:
    """What may be left out may be left out from the end (§1.6)."""
    assert stream.append_bytes(f'{{"records":[{record}]}}'.encode()).status == 200
    assert stream.append_bytes(f"[[{record}],null,null]".encode()).status == 200


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"a'b", "a'b"),
        (r"\"\\\/", r"\"\\/"),
        (r"\t\r\n", r"\t\r\n"),
        (r"\u0000", r"\0"),
        (r"\b\f", r"\u{8}\u{c}"),
        (r"\u001f", r"\u{1f}"),
        ("\x7f", r"\u{7f}"),
        (r"\u0080", r"\u{80}"),
        ("\u00a0", r"\u{a0}"),
        ("\u00ad", r"\u{ad}"),
        ("e\u0301", r"e\u{301}"),
        ("\u0bd7", r"\u{bd7}"),
        ("\u0bc1", "\u0bc1"),
        ("\u20dd", r"\u{20dd}"),
        ("\uff9e", r"\u{ff9e}"),
        ("\u200b", r"\u{200b}"),
        ("\u2028", r"\u{2028}"),
        ("\ue000", r"\u{e000}"),
        ("\ufeff", r"\u{feff}"),
        ("\uffff", r"\u{ffff}"),
        ("\U0010ffff", r"\u{10ffff}"),
        ("é日😀", "é日😀"),
    ],
    ids=ascii,
)
def test_a_string_where_none_belongs(s2: Client, text: str, shown: str) -> None:
    """The reason quotes it; what is not printed, or joins what is before it, as a number (§2.2)."""
    body = f'{{"stream":"s","config":"{text}"}}'
    reason = refused(s2, send(s2, body.encode()))
    assert reason == f'invalid type: string "{shown}", expected struct StreamConfig'


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            '{"retention_policy":{"infinite":0,"age":7}}',
            "integer `0`, expected struct InfiniteRetention",
        ),
        ('{"retention_policy":{"age":"x","infinite":0}}', 'string "x", expected u64'),
        ('{"timestamping":{"mode":{"arrival":7,"x":{}}}}', "integer `7`, expected unit"),
        (
            '{"timestamping":{"mode":{"age":7,"x":{}}}}',
            "unknown variant `age`, expected one of `client-prefer`, `client-require`, `arrival`",
        ),
    ],
)
def test_a_choice_of_two_keys(s2: Client, config: str, reason: str) -> None:
    """What is wrong with the first is said before anything of a second (§2.2)."""
    body = f'{{"stream":"s","config":{config}}}'
    assert refused(s2, send(s2, body.encode())).endswith(reason)


@pytest.mark.parametrize(
    "config",
    [
        '{"retention_policy":{"age":7,"infinite":{}}}',
        '{"retention_policy":{"infinite":{},"age":7}}',
        '{"timestamping":{"mode":{"arrival":null,"x":{}}}}',
        '{"timestamping":{"mode":{}}}',
        '{"timestamping":{"mode":["arrival"]}}',
    ],
)
def test_a_choice_that_is_none(s2: Client, config: str) -> None:
    """Two good keys, no key and an array are refused in the parser's own words (§2.2)."""
    body = f'{{"stream":"s","config":{config}}}'
    assert refused(s2, send(s2, body.encode()))


_RECORD: Final = b"\x0a\x04\x1a\x02hi"


@pytest.mark.parametrize(
    "field",
    [
        b"\x10" + b"\xff" * 9 + b"\x02",
        b"\x10" + b"\x80" * 9 + b"\x02",
        b"\x20" + b"\xff" * 9 + b"\x7f",
        b"\x20" + b"\xff" * 10 + b"\x01",
        b"\x0a\x0b\x08" + b"\xff" * 9 + b"\x02",
        b"\x0a\x0d\x12\x0b\x18" + b"\xff" * 9 + b"\x02",
    ],
    ids=lambda field: field.hex(" "),
)
def test_an_integer_of_more_than_64_bits(stream: Stream, field: bytes) -> None:
    """It is refused, in an unknown field as well (data_plane §2)."""
    for body in (field + _RECORD, _RECORD + field):
        answer = stream.append_bytes(body, PROTOBUF)
        assert (answer.status, answer.code) == (400, "bad_proto"), answer
    assert stream.tail_ok()["seq_num"] == 0


@pytest.mark.parametrize(
    "field",
    [
        b"\xa0\x80\x80\x80\x00\x01",
        b"\xa0\x80\x80\x80\x80\x00\x01",
        b"\xa0\x80\x80\x80\x80\x80\x80\x80\x80\x00\x01",
        b"\xf8\xff\xff\xff\x0f\x00",
        b"\xf8\xff\xff\xff\x8f\x00\x00",
    ],
    ids=lambda field: field.hex(" "),
)
def test_a_key_with_zeros_before_it(stream: Stream, field: bytes) -> None:
    """Up to ten bytes, of which the number must have 32 bits (data_plane §2)."""
    assert stream.append_bytes(field + _RECORD, PROTOBUF).status == 200
    assert stream.append_bytes(_RECORD + field, PROTOBUF).status == 200


@pytest.mark.parametrize("key", [b"\x80\x80\x80\x80\x10", b"\xf8\xff\xff\xff\x1f"])
def test_a_key_of_more_than_32_bits(stream: Stream, key: bytes) -> None:
    """There is no such field (data_plane §2)."""
    answer = stream.append_bytes(key + b"\x00" + _RECORD, PROTOBUF)
    assert (answer.status, answer.code) == (400, "bad_proto"), answer
