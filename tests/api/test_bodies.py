"""JSON bodies: which are taken, and of the others what S2 says and that nothing has changed.

Source: reference: control_plane §2.2, §5.3. Where the real text is its JSON library's only, the
code is compared and not the text.
"""

import json
from typing import Any

import pytest

from tests.calls import Api
from tests.conftest import BASIN

JSON = {"content-type": "application/json"}


class Operation:
    """A call whose body holds a stream's configuration somewhere."""

    def __init__(self, method: str, path: str, before: str, after: str) -> None:
        self.method, self.path, self.before, self.after = method, path, before, after

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"

    def body(self, config: str) -> bytes:
        return f"{self.before}{config}{self.after}".encode()


CREATE_STREAM = Operation("POST", "/v1/streams", '{"stream":"new","config":', "}")
ENSURE_STREAM = Operation("PUT", "/v1/streams/new", "", "")
PATCH_STREAM = Operation("PATCH", "/v1/streams/old", "", "")
CREATE_BASIN = Operation(
    "POST", "/v1/basins", '{"basin":"new-basin","config":{"default_stream_config":', "}}"
)
ENSURE_BASIN = Operation("PUT", "/v1/basins/new-basin", '{"config":{"default_stream_config":', "}}")
PATCH_BASIN = Operation("PATCH", f"/v1/basins/{BASIN}", '{"default_stream_config":', "}")

PATCHES = [PATCH_STREAM, PATCH_BASIN]
OPERATIONS = [CREATE_STREAM, ENSURE_STREAM, CREATE_BASIN, ENSURE_BASIN, *PATCHES]

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=repr)


@pytest.fixture
def s2_old(s2: Api) -> Api:
    """A basin with the stream `old`, which the calls of this module are made against."""
    s2.create_stream("old", {"storage_class": "standard"})
    return s2


def send(s2: Api, operation: Operation, body: bytes) -> Any:
    return s2.call(operation.method, operation.path, body=body, headers=JSON)


FLOAT = "invalid type: floating point `{}`, expected u64"

REFUSED = [
    ("1", "invalid type: integer `1`, expected struct"),
    ("true", "invalid type: boolean `true`, expected struct"),
    ('"x"', 'invalid type: string "x", expected struct'),
    ('{"storage_class":1}', "invalid type: integer `1`, expected a string"),
    ('{"storage_class":true}', "invalid type: boolean `true`, expected a string"),
    ('{"storage_class":["x"]}', "invalid type: sequence, expected a string"),
    ('{"storage_class":{"express":null}}', "invalid type: map, expected a string"),
    ('{"retention_policy":{"age":true}}', "invalid type: boolean `true`, expected u64"),
    ('{"retention_policy":{"age":null}}', "invalid type: null, expected u64"),
    ('{"retention_policy":{"age":"1"}}', 'invalid type: string "1", expected u64'),
    ('{"retention_policy":{"age":[1]}}', "invalid type: sequence, expected u64"),
    ('{"retention_policy":{"age":1.0}}', FLOAT.format("1.0")),
    ('{"retention_policy":{"age":1.5}}', FLOAT.format("1.5")),
    ('{"retention_policy":{"age":1e3}}', FLOAT.format("1000.0")),
    ('{"retention_policy":{"age":-1}}', "invalid value: integer `-1`, expected u64"),
    ('{"retention_policy":{"age":-0}}', "invalid type: floating point `-0.0`, expected u64"),
    ('{"retention_policy":{"age":18446744073709551616}}', FLOAT.format("1.8446744073709552e+19")),
    ('{"retention_policy":{"age":1' + "0" * 400 + "}}", ""),
    ('{"retention_policy":{"age":1e400}}', ""),
    ('{"retention_policy":{"age":NaN}}', ""),
    ('{"retention_policy":{"age":Infinity}}', ""),
    ('{"retention_policy":{"age":-Infinity}}', ""),
    ('{"retention_policy":{"age":01}}', ""),
    ('{"retention_policy":{"age":+1}}', ""),
    ('{"retention_policy":{"age":1,"infinite":{}}}', ""),
    ('{"retention_policy":{}}', ""),
    ('{"retention_policy":"infinite"}', ""),
    ('{"retention_policy":{"infinite":null}}', "invalid type: null, expected struct"),
    ('{"retention_policy":{"infinite":[null]}}', "trailing characters"),
    ('{"retention_policy":{"infinite":true}}', "invalid type: boolean `true`, expected struct"),
    ('{"retention_policy":{"forever":{}}}', "unknown variant `forever`, expected `age` or "),
    ('{"retention_policy":1}', ""),
    ('{"timestamping":1}', "invalid type: integer `1`, expected struct"),
    (
        '{"timestamping":{"mode":"foo"}}',
        "unknown variant `foo`, expected one of `client-prefer`, `client-require`, `arrival`",
    ),
    ('{"timestamping":{"mode":"Arrival"}}', "unknown variant `Arrival`, expected one of "),
    ('{"timestamping":{"mode":1}}', ""),
    ('{"timestamping":{"mode":{}}}', ""),
    ('{"timestamping":{"uncapped":1}}', "invalid type: integer `1`, expected a boolean"),
    ('{"timestamping":{"uncapped":"true"}}', 'invalid type: string "true", expected a boolean'),
    ('{"delete_on_empty":true}', "invalid type: boolean `true`, expected struct"),
    ('{"delete_on_empty":{"min_age_secs":-1}}', "invalid value: integer `-1`, expected u64"),
    ('{"delete_on_empty":{"min_age_secs":1.0}}', FLOAT.format("1.0")),
    ('{"delete_on_empty":{"min_age_secs":true}}', "invalid type: boolean `true`, expected u64"),
    ('{"delete_on_empty":{"min_age_secs":18446744073709551616}}', "invalid type: floating point"),
    ('{"retention_policy":{"age":1,"age":1}}', ""),
    ('{"storage_class":"a","storage_class":"a"}', "duplicate field `storage_class`"),
    ('{"timestamping":{},"timestamping":null}', "duplicate field `timestamping`"),
    (
        '{"delete_on_empty":{"min_age_secs":1,"min_age_secs":1}}',
        "duplicate field `min_age_secs`",
    ),
    ('{"timestamping":{"uncapped":true,"uncapped":true}}', "duplicate field `uncapped`"),
    ('{"storage_class":"a\\u000"}', ""),
    ('{"storage_class":"a\\x"}', ""),
    ('{"storage_class":"a\nb"}', ""),
    ('{"storage_class":"\\ud800"}', ""),
    ('{"storage_class":"\\udc00\\ud800"}', ""),
    ('{"storage_class":tru}', ""),
    ('{"storage_class":"a",}', ""),
    ('{"storage_class" "a"}', ""),
    ("{'storage_class':'a'}", ""),
    ('{"storage_class":"a"', ""),
    ('{"unknown":[1,}', ""),
    ('{"unknown":}', ""),
    ("{}}", ""),
    ("{} x", ""),
    ("\ufeff{}", ""),
    ("/* c */{}", ""),
]


@pytest.mark.parametrize(("config", "reason"), REFUSED, ids=lambda part: part[:50])
def test_refused(s2_old: Api, config: str, reason: str) -> None:
    before = s2_old.everything()
    for operation in OPERATIONS:
        reply = send(s2_old, operation, operation.body(config))
        assert reply.refuses(400, "bad_json", reason), (operation, reply)
    assert s2_old.everything() == before


ACCEPTED = [
    "{}",
    '{"unknown":{"storage_class":1},"Storage_class":2,"storageClass":3}',
    '{"x":1,"x":2,"":null}',
    '{"x":[[[[{"y":-1.5e300}]]]]}',
    '{"storage_class":"\\ud83d\\ude00 \\u00e9"}',
    '{"storage_class":null,"retention_policy":null,"timestamping":null,"delete_on_empty":null}',
    '{"retention_policy":{"age":18446744073709551615}}',
    '{"retention_policy":{"infinite":{}}}',
    '{"retention_policy":{"infinite":[]}}',
    '{"retention_policy":{"infinite":{"x":1}}}',
    '{"delete_on_empty":{"min_age_secs":18446744073709551615,"x":true}}',
    '{"timestamping":{"mode":"arrival","uncapped":true}}',
    '{"timestamping":{"mode":null,"uncapped":null}}',
    ' \t\r\n{ "timestamping" :\n{ } } \n',
]


@every_operation
@pytest.mark.parametrize("config", ACCEPTED)
def test_accepted(s2_old: Api, operation: Operation, config: str) -> None:
    reply = send(s2_old, operation, operation.body(config))
    assert reply.status == (200 if operation in PATCHES else 201), reply


@every_operation
def test_null_where_a_reconfiguration_differs(s2_old: Api, operation: Operation) -> None:
    config = '{"delete_on_empty":{"min_age_secs":null}}'
    reply = send(s2_old, operation, operation.body(config))
    if operation in PATCHES:
        assert reply.status == 200
    else:
        assert reply.refuses(400, "bad_json", "invalid type: null, expected u64")


@every_operation
def test_age_zero_is_well_formed_and_invalid(s2_old: Api, operation: Operation) -> None:
    before = s2_old.everything()
    reply = send(s2_old, operation, operation.body('{"retention_policy":{"age":0}}'))
    assert reply.refuses(422, "invalid", "age must be greater than 0 seconds")
    assert s2_old.everything() == before


@every_operation
def test_no_body(s2_old: Api, operation: Operation) -> None:
    before = s2_old.everything()
    optional = operation.method == "PUT"
    for body in (b"", None):
        reply = (
            send(s2_old, operation, body)
            if body is not None
            else s2_old.call(operation.method, operation.path, headers=JSON)
        )
        if optional:
            assert reply.status in (200, 201)
        else:
            assert reply.refuses(400, "bad_json", "EOF while parsing a value")
    blank = send(s2_old, operation, b"  \n ")
    assert blank.refuses(400, "bad_json", "EOF while parsing a value")
    assert optional or s2_old.everything() == before


@every_operation
@pytest.mark.parametrize("body", [b"null", b"1", b'"x"', b"true"])
def test_body_that_is_no_object(s2_old: Api, operation: Operation, body: bytes) -> None:
    before = s2_old.everything()
    assert send(s2_old, operation, body).refuses(400, "bad_json", "invalid type: ")
    assert s2_old.everything() == before


@every_operation
@pytest.mark.parametrize(
    "junk", [b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"]
)
def test_text_that_is_not_utf8(s2_old: Api, operation: Operation, junk: bytes) -> None:
    before = s2_old.everything()
    body = operation.body('{"storage_class":"?"}').replace(b"?", junk)
    assert send(s2_old, operation, body).refuses(400, "bad_json", "")
    assert send(s2_old, operation, junk + operation.body("{}")).refuses(400, "bad_json", "")
    assert s2_old.everything() == before


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/v1/basins", "{}", "missing field `basin`"),
        ("/v1/basins", '{"Basin":"new-basin"}', "missing field `basin`"),
        ("/v1/basins", '{"basin":null}', "invalid type: null, expected a string"),
        ("/v1/basins", '{"basin":1}', "invalid type: integer `1`, expected a string"),
        ("/v1/basins", '{"basin":"a","config":1}', "basin name should be at least 8 bytes"),
        ("/v1/basins", '{"config":1,"basin":"a"}', "invalid type: integer `1`, expected struct "),
        ("/v1/basins", '{"basin":"aaaaaaaa","basin":"aaaaaaaa"}', "duplicate field `basin`"),
        ("/v1/basins", '{"basin":"aaaaaaaa","location":1}', "invalid type: integer `1`, expected "),
        (
            "/v1/basins",
            '{"basin":"aaaaaaaa","config":{"stream_cipher":"AEGIS-256"}}',
            "unknown variant `AEGIS-256`, expected `aegis-256` or `aes-256-gcm`",
        ),
        (
            "/v1/basins",
            '{"basin":"aaaaaaaa","config":{"create_stream_on_read":null}}',
            "invalid type: null, expected a boolean",
        ),
        (
            "/v1/basins",
            '{"basin":"aaaaaaaa","config":{"create_stream_on_append":1}}',
            "invalid type: integer `1`, expected a boolean",
        ),
        ("/v1/streams", "{}", "missing field `stream`"),
        ("/v1/streams", '{"name":"s","basin":"x"}', "missing field `stream`"),
        ("/v1/streams", '{"stream":null}', "invalid type: null, expected a string"),
        ("/v1/streams", '{"stream":["s"]}', "invalid type: sequence, expected a string"),
        ("/v1/streams", '{"stream":"s","stream":"s"}', "duplicate field `stream`"),
        ("/v1/streams", '{"stream":"\\ud800"}', ""),
        ("/v1/streams", '{"stream":"\\udfff\\ud800"}', ""),
        (
            "/v1/streams",
            '{"config":{"timestamping":{"mode":"x"},"retention_policy":1}}',
            "unknown variant `x`, expected one of",
        ),
    ],
)
def test_refused_create(s2: Api, path: str, body: str, reason: str) -> None:
    before = s2.everything()
    reply = s2.call("POST", path, body=body.encode(), headers=JSON)
    assert reply.refuses(400, "bad_json", reason), reply
    assert s2.everything() == before


@pytest.mark.parametrize(
    "body",
    [
        '{"basin":"new-basin","config":null}',
        '{"basin":"new-basin","config":{}}',
        '{"basin":"new-basin","location":null,"scope":"aws:nowhere","x":{"basin":1}}',
        '{"x":1,"x":1,"basin":"new-basin"}',
        '{"\\u0062asin":"new-basin"}',
        # The other spellings that the real server's JSON library knows.
        '["new-basin",null,null]',
        '["new-basin",[null,null,true],null]',
        '{"basin":"new-basin","config":{"stream_cipher":{"aegis-256":null}}}',
    ],
)
def test_accepted_create_basin(api: Api, body: str) -> None:
    reply = api.call("POST", "/v1/basins", body=body.encode(), headers=JSON)
    assert (reply.status, reply.json["name"]) == (201, "new-basin")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('["new-basin"]', "invalid length 1, expected struct CreateBasinRequest with 3 elements"),
        ("[]", "invalid length 0, expected struct CreateBasinRequest with 3 elements"),
        ('["new-basin",null,null,1]', ""),
        ('["a",null,null]', "basin name should be at least 8 bytes in length"),
        ('["new-basin",{"stream_cipher":"x"},null]', "unknown variant `x`"),
    ],
)
def test_refused_array_of_values(api: Api, body: str, reason: str) -> None:
    reply = api.call("POST", "/v1/basins", body=body.encode(), headers=JSON)
    assert reply.refuses(400, "bad_json", reason), reply
    assert api.everything() == {}


BROKEN_TEXT = [rb'"\ud800"', rb'"\udc00\ud800"', b'"\xff"', b'"\xc3("', b'"\xed\xa0\x80"']


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


@pytest.mark.parametrize("record", ["[1]", "[null]", "[null,[]]", '[null,[["a","b"]],"x"]'])
def test_a_record_as_an_array(s2_old: Api, record: str) -> None:
    body = f"[[{record},{{}}],null,null]".encode()
    reply = s2_old.call("POST", "/v1/streams/old/records", body=body, headers=JSON)
    assert reply.status == 200
    assert reply.json["tail"]["seq_num"] == 2


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


TYPE_EXPECTED = "Expected request with `Content-Type: application/json`"

GOOD_TYPES = [
    "application/json",
    "APPLICATION/JSON",
    "application/json; charset=utf-8",
    "application/json;",
    "application/vnd.s2+json",
    "application/json, text/plain",
    "application/json;charset=latin-1",
]
BAD_TYPES = [
    "",
    "text/json",
    "text/plain",
    "application/jsonx",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/protobuf",
    "json",
    "application",
    "text/plain, application/json",
]


@pytest.mark.parametrize("content_type", GOOD_TYPES)
def test_content_type_that_means_json(s2: Api, content_type: str) -> None:
    headers = {"content-type": content_type}
    made = s2.call("POST", "/v1/streams", body=b'{"stream":"s"}', headers=headers)
    assert made.status == 201
    ensured = s2.call("PUT", "/v1/streams/s", body=b'{"storage_class":"x"}', headers=headers)
    assert ensured.result == "updated"


@pytest.mark.parametrize("content_type", BAD_TYPES)
def test_content_type_that_does_not(s2_old: Api, content_type: str) -> None:
    before = s2_old.everything()
    for operation in OPERATIONS:
        for body in (operation.body("{}"), b"", b"{"):
            headers = {"content-type": content_type}
            reply = s2_old.call(operation.method, operation.path, body=body, headers=headers)
            assert reply.error == (400, "bad_json", TYPE_EXPECTED)
    assert s2_old.everything() == before


def test_no_content_type(s2_old: Api) -> None:
    before = s2_old.everything()
    for operation in OPERATIONS:
        # A PUT takes any of these for no body, which tests/api/test_provision.py checks.
        if operation.method != "PUT":
            reply = s2_old.call(operation.method, operation.path, body=operation.body("{}"))
            assert reply.error == (400, "bad_json", TYPE_EXPECTED)
    assert s2_old.everything() == before


def body_of_size(size: int) -> bytes:
    body = json.dumps({"stream": "s", "x": ""}).encode()
    return body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')


def test_many_fields_with_one_of_them_twice(s2: Api) -> None:
    fields = [f'"{number:x}":0' for number in range(150_000)]
    body = f'{{"stream":"s",{",".join(fields)},"0":0}}'.encode()
    assert s2.call("POST", "/v1/streams", body=body, headers=JSON).status == 201


def test_size_limit_is_2_mib(s2: Api) -> None:
    limit = 2 * 1024 * 1024
    before = s2.everything()
    for size in (limit + 1, 2 * limit):
        reply = s2.call("POST", "/v1/streams", body=body_of_size(size), headers=JSON)
        message = "Failed to buffer the request body: length limit exceeded"
        assert reply.refuses(400, "bad_json", message)
        assert reply.error[2] == message
    assert s2.everything() == before
    fits = body_of_size(limit)
    assert len(fits) == limit
    assert s2.call("POST", "/v1/streams", body=fits, headers=JSON).status == 201
