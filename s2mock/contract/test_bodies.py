"""JSON bodies: what is refused, and for which reason (reference: control_plane §2.2).

Every failure is 400 `bad_json` and changes nothing. Where the text is the JSON parser's own
(a syntax error), only the code is compared.
"""

import pytest

from s2mock.contract.bodies import JSON, refused, send
from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import bad_json


@control_case(14)
@pytest.mark.parametrize("body", [b"{}", b'{"config":null}', b'{"Stream":"a","STREAM":"b"}'])
def test_a_missing_field(s2: Client, body: bytes) -> None:
    """Field names are case-sensitive (§2.2)."""
    assert refused(s2, send(s2, body)) == "missing field `stream`"
    answer = s2.request("POST", "/v1/basins", body=body, headers=JSON)
    assert answer.error == bad_json("missing field `basin`")


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("null", "null"),
        ("true", "boolean `true`"),
        ("5", "integer `5`"),
        ("-5", "integer `-5`"),
        ("1.5", "floating point `1.5`"),
        ("1.0", "floating point `1.0`"),
        ("-0", "floating point `-0.0`"),
        ("[]", "sequence"),
        ("{}", "map"),
    ],
)
def test_a_value_of_another_type(s2: Client, value: str, got: str) -> None:
    """The reason tells what came and what is expected (§2.2)."""
    body = f'{{"stream":{value}}}'.encode()
    assert refused(s2, send(s2, body)) == f"invalid type: {got}, expected a string"


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("null", "null"),
        ("true", "boolean `true`"),
        ("5", "integer `5`"),
        ('"x"', 'string "x"'),
        ("1.5", "floating point `1.5`"),
    ],
)
@pytest.mark.parametrize(
    ("operation", "struct"),
    [
        ("POST /v1/basins", "CreateBasinRequest"),
        ("PUT /v1/basins/{basin}", "EnsureBasinRequest"),
        ("PATCH /v1/basins/{basin}", "BasinReconfiguration"),
        ("POST /v1/streams", "CreateStreamRequest"),
        ("PUT /v1/streams/s", "StreamConfig"),
        ("PATCH /v1/streams/s", "StreamReconfiguration"),
    ],
)
def test_a_document_that_is_no_object(
    s2: Client, operation: str, struct: str, value: str, got: str
) -> None:
    """`null` is no object either, also where no body at all would do (§2.2)."""
    method, path = operation.format(basin=s2.basin).split()
    answer = s2.request(method, path, body=value.encode(), headers=JSON)
    assert refused(s2, answer) == f"invalid type: {got}, expected struct {struct}"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"stream":"a","stream":"a"}', "stream"),
        ('{"stream":"a","config":{},"config":null}', "config"),
        ('{"stream":"a","config":{"storage_class":null,"storage_class":"b"}}', "storage_class"),
        ('{"stream":"a","config":{"timestamping":{"mode":null,"mode":null}}}', "mode"),
        ('{"str\\u0065am":"a","stream":"a"}', "stream"),
    ],
)
def test_a_field_that_comes_twice(s2: Client, body: str, field: str) -> None:
    """An error, also for equal values (§2.2)."""
    assert refused(s2, send(s2, body.encode())) == f"duplicate field `{field}`"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"config":{"storage_class":5},"stream":""}', "integer `5`, expected a string"),
        ('{"stream":"","config":{"storage_class":5}}', "stream name must not be empty"),
        ('{"config":5}', "integer `5`, expected struct StreamConfig"),
        (
            '{"config":{"retention_policy":{"age":0}},"stream":"."}',
            'stream name must not be "." or ".."',
        ),
        ('{"config":{"retention_policy":{"age":0}}}', "missing field `stream`"),
        ('{"config":{"timestamping":{"uncapped":1,"mode":"x"}}}', "expected a boolean"),
        ('{"stream":"s","stream":"t","config":{"storage_class":5}}', "duplicate field `stream`"),
        ('{"config":{"storage_class":5},"stream":"s","stream":"t"}', "expected a string"),
    ],
)
def test_of_several_faults_the_first(s2: Client, body: str, reason: str) -> None:
    """In the order of the bytes; a missing field is seen at the end, an age of 0 later (§2.2)."""
    assert refused(s2, send(s2, body.encode())).endswith(reason)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"stream"',
        b'{"stream":',
        b'{"stream":"s"',
        b'{"stream":"s",}',
        b'{"stream":"s"}}',
        b'{"stream":"s"} x',
        b'{"stream":"s"}\x00',
        b'\xef\xbb\xbf{"stream":"s"}',
        b"{'stream':'s'}",
        b"{stream:1}",
        b'{"stream":"s","x":01}',
        b'{"stream":"s","x":+1}',
        b'{"stream":"s","x":.5}',
        b'{"stream":"s","x":tru}',
        b'{"stream":"s","x":NaN}',
        b'{"stream":"s","x":Infinity}',
        b'{"stream":"s","x":"\x01"}',
        b'{"stream":"s","x":"\\q"}',
        b'{"stream":"s","x":[1,]}',
        b'{"stream":"s\n"}',
        b'{"stream":"\\u12"}',
        b'{"stream":"\\ud800"}',
        b'{"stream":"\\udc00"}',
        b'{"stream":"\\ud800\\ud800"}',
        b'{"stream":"\xff"}',
        b'{"stream":"\xed\xa0\x80"}',
        b'{"stream":"\xc0\x80"}',
        b'{"stream":"\xf5\x80\x80\x80"}',
        b'{"stream":"s","\xff":1}',
        b'{"stream":"s","\\ud800":1}',
        b'{"stream":"s","config":{"\xff":1}}',
        b'{"stream":"s","config":{"timestamping":{"\\udc00":1}}}',
        b'{"stream":1e400}',
        b'/**/{"stream":"s"}',
    ],
)
def test_what_is_no_json(s2: Client, body: bytes) -> None:
    """Invalid JSON is refused at any place in the body (§2.2)."""
    assert refused(s2, send(s2, body))


@pytest.mark.parametrize("body", [b"", b" ", b"\n\t\r "])
def test_an_empty_body(s2: Client, body: bytes) -> None:
    """Where a body is required, nothing is not enough (§2.2)."""
    assert refused(s2, send(s2, body)) == "EOF while parsing a value"


@pytest.mark.parametrize(
    "body",
    [
        b' \t\r\n{"stream" : "s"}\n ',
        b'{"stream":"s","x":1,"x":2}',
        b'{"stream":"s","x":{"stream":5,"y":[null,{"z":1e999}]}}',
        b'{"stream":"s","x":"\xff\\ud800"}',
        b'{"stream":"s","x":{"\xff":1,"\\ud800":2}}',
        b'{"stream":"s","config":{"x":{"\xff":1}}}',
        b'{"str\\u0065am":"\\u0073"}',
        b'{"stream":"s","x":' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"stream":"s","config":{"retention_policy":{"infinite":{"x":1}}}}',
    ],
)
def test_what_is_ignored(s2: Client, body: bytes) -> None:
    """Unknown fields at every level, with any value, also twice (§2.2)."""
    answer = send(s2, body)
    assert (answer.status, answer.json["name"]) == (201, "s")


def test_a_pair_of_surrogates_is_one_character(s2: Client) -> None:
    """JSON's spelling of what is beyond 16 bits (§2.2)."""
    assert send(s2, b'{"stream":"\\ud83d\\ude00"}').json["name"] == "😀"


@control_case(96)
def test_the_largest_body(s2: Client) -> None:
    """2 MiB are accepted, one byte more is `bad_json`, never 413 (§1.5)."""
    limit = 2 * 1024 * 1024
    too_long = "Failed to buffer the request body: length limit exceeded"
    for size in (limit, limit + 1):
        body = b'{"stream":"s","x":""}'.ljust(size)
        answer = send(s2, body)
        assert len(body) == size
        assert answer.status == 201 if size == limit else answer.error == bad_json(too_long)
