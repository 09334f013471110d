"""The checker can fail: answers that are not as described, each in one way."""

import gzip
import json
from typing import Any

import pytest

from s2mock.contract.schema_gaps import Finding, gap_of
from tests.openapi.checker import Response, check, check_event

INFO = {"name": "logs", "created_at": "2024-01-01T00:00:00Z", "deleted_at": None, "cipher": None}
POSITION = {"seq_num": 1, "timestamp": 2}
ACK = {"start": POSITION, "end": POSITION, "tail": POSITION}
RECORDS = "/v1/streams/logs/records"


def findings(
    method: str,
    path: str,
    status: int,
    document: Any = ...,
    content_type: str | None = "application/json",
    **headers: str,
) -> list[Finding]:
    body = b"" if document is ... else json.dumps(document).encode()
    fields = [("Content-Type", content_type)] if content_type is not None else []
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return list(check(Response(method, path, status, fields, body)))


def only(found: list[Finding]) -> Finding:
    """The one finding there is, which no known gap excuses."""
    [one] = found
    assert gap_of(one) is None
    return one


@pytest.mark.parametrize(
    ("method", "path", "status", "document"),
    [
        ("GET", "/v1/streams", 200, {"streams": [INFO], "has_more": False}),
        ("HEAD", "/v1/streams", 200, ...),
        ("POST", "/v1/streams", 201, INFO),
        ("GET", "/v1/streams/a%2Fb", 404, {"code": "stream_not_found", "message": "no"}),
        ("GET", "/v1/streams//records", 400, {"code": "bad_path", "message": "no"}),
        ("GET", RECORDS, 200, {"records": [{**POSITION, "body": "", "headers": [["a", "b"]]}]}),
        ("GET", RECORDS, 416, {"tail": POSITION}),
        ("POST", RECORDS, 200, ACK),
        ("POST", RECORDS, 412, {"seq_num_mismatch": 2**63 - 1}),
        ("POST", RECORDS, 412, {"fencing_token_mismatch": "x" * 36}),
        ("GET", "/v1/streams/logs", 200, {"retention_policy": {"infinite": {}}}),
    ],
)
def test_as_described(method: str, path: str, status: int, document: Any) -> None:
    assert not findings(method, path, status, document)


def test_as_described_without_a_body() -> None:
    assert not findings("DELETE", "/v1/streams/logs", 202, content_type=None)


@pytest.mark.parametrize(
    ("path", "document", "place", "rule"),
    [
        ("/v1/streams", {"streams": []}, (), "required"),
        ("/v1/streams", {"streams": [], "has_more": 0}, ("has_more",), "type"),
        ("/v1/streams", {"streams": [], "has_more": False, "x": 1}, ("x",), "additionalProperties"),
        (
            "/v1/streams",
            {"streams": [{**INFO, "created_at": "yesterday"}], "has_more": False},
            ("streams", 0, "created_at"),
            "format",
        ),
        (
            "/v1/streams",
            {"streams": [{**INFO, "created_at": "2024-02-30T00:00:00Z"}], "has_more": False},
            ("streams", 0, "created_at"),
            "format",
        ),
        (
            "/v1/streams",
            {"streams": [{**INFO, "cipher": "rot13"}], "has_more": False},
            ("streams", 0, "cipher"),
            "enum",
        ),
        (
            "/v1/streams/logs",
            {"retention_policy": {"age": -1}},
            ("retention_policy", "age"),
            "minimum",
        ),
        ("/v1/streams/logs", {"storage_class": 1}, ("storage_class",), "oneOf"),
        (f"{RECORDS}/tail", {"tail": {"seq_num": 1}}, ("tail",), "required"),
        (f"{RECORDS}/tail", {"tail": {**POSITION, "seq_num": "1"}}, ("tail", "seq_num"), "type"),
        (
            f"{RECORDS}/tail",
            {"tail": {**POSITION, "seq_num": 2**64}},
            ("tail", "seq_num"),
            "format",
        ),
        (
            RECORDS,
            {"records": [{**POSITION, "headers": [["name"]]}]},
            ("records", 0, "headers", 0),
            "minItems",
        ),
    ],
)
def test_another_document(path: str, document: Any, place: tuple[Any, ...], rule: str) -> None:
    found = only(findings("GET", path, 200, document))
    assert (found.kind, found.place, found.rule) == ("schema", place, rule)


def test_no_json() -> None:
    response = Response("GET", "/v1/streams", 200, [("content-type", "application/json")], b"{")
    assert only(list(check(response))).problem.startswith("no JSON")


def test_an_error_without_a_message() -> None:
    assert only(findings("GET", "/v1/streams/s", 404, {"code": "x"})).rule == "required"


def test_another_status() -> None:
    error = {"code": "other", "message": "s2mock failed"}
    found = only(findings("GET", "/v1/streams", 500, error))
    assert str(found) == "GET /streams -> 500: status: not described"


def test_an_error_of_another_status_has_the_form_of_errors() -> None:
    kinds = {found.kind for found in findings("POST", RECORDS, 422, {"message": "no"})}
    assert kinds == {"status", "schema"}


def test_another_media_type() -> None:
    assert only(findings("GET", "/v1/streams", 200, {}, "text/html")).kind == "content type"


def test_a_media_type_on_another_status() -> None:
    found = only(findings("GET", RECORDS, 404, {}, "application/protobuf"))
    assert found.kind == "content type"


def test_an_empty_body() -> None:
    assert only(findings("GET", "/v1/streams", 200, content_type=None)).kind == "content type"


def test_a_body_where_there_is_none() -> None:
    assert only(findings("DELETE", "/v1/streams/s", 202, {})).kind == "content type"


def test_another_header() -> None:
    found = only(findings("POST", "/v1/streams", 201, INFO, s2_else="x"))
    assert (found.kind, found.value) == ("header", "s2-else")


def test_another_path() -> None:
    assert only(findings("GET", "/v1/else", 200, {})).kind == "path"


def test_another_method() -> None:
    assert only(findings("PUT", "/v1/streams", 200, {})).kind == "method"


def test_a_method_in_small_letters() -> None:
    found = only(findings("get", "/v1/streams", 200, {"streams": [], "has_more": False}))
    assert found.kind == "method"


def test_a_coding_is_undone() -> None:
    body = gzip.compress(b'{"streams": []}')
    headers = [("content-type", "application/json"), ("content-encoding", "gzip")]
    assert only(list(check(Response("GET", "/v1/streams", 200, headers, body)))).rule == "required"


@pytest.mark.parametrize(
    ("event", "place", "rule"),
    [
        ('event: batch\nid: 0,1,9\ndata: {"records": {}}', ("data", "records"), "type"),
        ('event: batch\nid: 0,1\ndata: {"records": []}', ("id",), "pattern"),
        ('event: batch\ndata: {"records": []}', (), "required"),
        ("event: ping\ndata: {}", ("data",), "required"),
        ("event: pong\ndata: {}", (), ""),
        ("data: [done]", (), ""),
    ],
)
def test_another_event(event: str, place: tuple[Any, ...], rule: str) -> None:
    found = only(list(check_event(RECORDS, f"{event}\n\n".encode())))
    assert (found.place, found.rule) == (place, rule)


@pytest.mark.parametrize(
    "event",
    [
        'event: batch\nid: 0,1,9\ndata: {"records": []}',
        'event: ping\ndata: {"timestamp": 1}',
        'event: error\ndata: {"code": "x", "message": "y"}',
    ],
)
def test_event_as_described(event: str) -> None:
    assert not list(check_event(RECORDS, f"{event}\n\n".encode()))
