"""JSON bodies: the messages of s2mock, and bodies of extreme depth and width.

The contract suite has what S2 takes and refuses. Where the text is that of S2's JSON library, it
compares the code alone; here the text is compared too. Source: reference: control_plane §2.2.
"""

import pytest

from tests.calls import Api
from tests.conftest import BASIN

JSON = {"content-type": "application/json"}


@pytest.fixture
def s2_old(s2: Api) -> Api:
    """A basin with the stream `old`, which the calls of this module are made against."""
    s2.create_stream("old", {"storage_class": "standard"})
    return s2


BROKEN_TEXT = [rb'"\ud800"', rb'"\udc00\ud800"', b'"\xff"', b'"\xc3("', b'"\xed\xa0\x80"']


@pytest.mark.sample(6)
@pytest.mark.parametrize("text", BROKEN_TEXT)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/basins", b'{"basin":"new-basin","config":{"stream_cipher":?}}'),
        ("POST", "/v1/basins", b'{"basin":"new-basin","config":{"stream_cipher":{?:null}}}'),
        ("POST", "/v1/basins", b'["new-basin",[{},?],null]'),
        ("PATCH", f"/v1/basins/{BASIN}", b'{"stream_cipher":?}'),
        ("PATCH", f"/v1/basins/{BASIN}", b"[{},?]"),
        ("PATCH", f"/v1/basins/{BASIN}", b"[{},?,true]"),
        ("PATCH", f"/v1/basins/{BASIN}", b"?"),
        ("POST", "/v1/streams", b'{"stream":"s","config":{"timestamping":{"mode":?}}}'),
        ("PUT", "/v1/streams/s", b'{"timestamping":{"mode":{?:null}}}'),
        ("PUT", "/v1/streams/s", b'{"timestamping":{"mode":{?:null,"x":null}}}'),
        ("PUT", "/v1/streams/s", b'{"retention_policy":?}'),
        ("PUT", "/v1/streams/s", b'{"retention_policy":{?:1}}'),
        ("PUT", "/v1/streams/s", b'{"delete_on_empty":{"min_age_secs":?}}'),
        ("PUT", "/v1/streams/s", b"{?:1}"),
        ("POST", "/v1/streams/old/records", b'{"records":[{"timestamp":?}]}'),
        ("POST", "/v1/streams/old/records", b'{"records":[{"headers":[["a",?]]}]}'),
        ("POST", "/v1/streams/old/records", b'{"records":[{"body":?}]}'),
        ("POST", "/v1/streams/old/records", b'{"records":[[null,[],?]]}'),
        ("POST", "/v1/streams/old/records", b'{"records":[?]}'),
    ],
)
def test_text_that_is_none(s2_old: Api, method: str, path: str, body: bytes, text: bytes) -> None:
    before = s2_old.everything()
    reply = s2_old.call(method, path, body=body.replace(b"?", text), headers=JSON)
    assert reply.refuses(400, "bad_json", "invalid unicode code point in a "), reply
    assert s2_old.everything() == before


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ("[[]]", "invalid length 0, expected struct AppendRecord with 3 elements at `records[0]`"),
        ("[{},[]]", "invalid length 0, expected struct AppendRecord with 3 elements"),
        ("[[null,[],null]]", "invalid type: null, expected a string at `records[0].body`"),
        ("[[null,[],null,1]]", "invalid type: null, expected a string"),
        ('[[null,[],"",1]]', "trailing characters"),
        ('[{"headers":[["a"]]}]', "invalid length 1, expected tuple struct Header with 2 elements"),
        ('[{"headers":[[1]]}]', "invalid type: integer `1`, expected a string"),
        ('[{"headers":[["a","b","c"]]}]', "trailing characters"),
        ('[{"headers":[{"a":"b"}]}]', "invalid type: map, expected tuple struct Header"),
        ('["\\u0000\\u0001\\"\\n"]', r'invalid type: string "\0\u{1}\"\n", expected struct Appen'),
    ],
)
def test_refused_records(s2_old: Api, records: str, reason: str) -> None:
    body = f'{{"records":{records}}}'.encode()
    reply = s2_old.call("POST", "/v1/streams/old/records", body=body, headers=JSON)
    assert reply.refuses(400, "bad_json", reason), reply


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        # The first fault in the text is refused, be it a name, a value or a length.
        ("/v1/streams/old/records", '{"records":[[]],"records":1}', "invalid length 0"),
        ("/v1/streams/old/records", '{"records":[],"records":1,"match_seq_num":""}', "duplicate"),
        ("/v1/streams/old/records", "[[[]]]", "invalid length 0, expected struct AppendRecord"),
        ("/v1/streams/old/records", "[[1],true,1,1]", "invalid type: integer `1`, expected struct"),
        ("/v1/streams/old/records", '[[{}],-1,"nope",1]', "invalid value: integer `-1`"),
        ("/v1/streams/old/records", '{"fencing_token":1}', "invalid type: integer `1`"),
        (
            "/v1/streams",
            '{"config":{"retention_policy":{"age":"x","y":1}}}',
            'invalid type: string "x"',
        ),
        ("/v1/streams", '{"config":{"retention_policy":{"x":1,"age":1}}}', "unknown variant `x`"),
        (
            "/v1/streams",
            '{"config":{"timestamping":{"mode":{"x":1,"y":1}}}}',
            "unknown variant `x`",
        ),
        (
            "/v1/streams",
            '{"config":{"timestamping":{"mode":{"x":1,"y":1,"y":1}}}}',
            "unknown variant `x`",
        ),
        (
            "/v1/access-tokens",
            '["id"]',
            "invalid length 2, expected struct IssueAccessTokenRequest",
        ),
    ],
)
def test_of_several_faults_the_first(s2_old: Api, path: str, body: str, reason: str) -> None:
    reply = s2_old.call("POST", path, body=body.encode(), headers=JSON)
    assert reply.refuses(400, "bad_json", reason), reply


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [100, 10_000, 100_000])
def test_deep_nesting_is_no_fault_of_the_server(
    s2: Api, depth: int, opening: str, closing: str
) -> None:
    body = f'{{"stream":"s","x":{opening * depth}1{closing * depth}}}'.encode()
    reply = s2.call("POST", "/v1/streams", body=body, headers=JSON)
    # The real server follows as deep as its stack goes, and Python as deep as it likes to.
    if reply.status != 201:
        assert depth > 100
        assert reply.error[:2] == (400, "bad_json")


def test_many_fields_with_one_of_them_twice(s2: Api) -> None:
    fields = [f'"{number:x}":0' for number in range(150_000)]
    body = f'{{"stream":"s",{",".join(fields)},"0":0}}'.encode()
    assert s2.call("POST", "/v1/streams", body=body, headers=JSON).status == 201
