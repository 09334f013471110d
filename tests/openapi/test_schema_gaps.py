"""What is known to be missing from the description is still missing, and is still answered."""

import pytest

from s2mock import S2Mock
from s2mock.contract.exchange import Connection
from s2mock.contract.schema_gaps import SCHEMA_GAPS, SchemaGap, gap_of
from tests.openapi.description import DESCRIPTION, deviations, operation_of


@pytest.mark.parametrize("gap", SCHEMA_GAPS, ids=lambda gap: gap.name)
def test_the_fake_answers_what_is_not_described(gap: SchemaGap) -> None:
    with S2Mock(basins=["described"], deletion_delay=60) as mock:
        mock.basin("described").create_stream("s").append(["x"])
        connection = Connection(mock.url)
        *_, reply = [connection.send(call) for call in gap.example]
        connection.close()
    call = gap.example[-1]
    operation = operation_of(call.method, call.path.partition("?")[0])
    assert operation is not None
    content_type = dict(reply.headers).get("content-type")
    found = list(deviations(operation, reply.status, content_type, reply.body))
    assert found, "as described: the gap is closed"
    assert {gap_of(deviation) for deviation in found} == {gap.name}


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/v1/basins", "GET /basins"),
        ("HEAD", "/v1/basins/x", "GET /basins/{basin}"),
        ("GET", "/v1/streams/a%2Fb/records/tail", "GET /streams/{stream}/records/tail"),
        ("GET", "/v1/streams//records", "GET /streams/{stream}/records"),
        ("get", "/v1/basins", None),
        ("PUT", "/v1/basins", None),
        ("GET", "/v1/basins/", None),
        ("GET", "/basins", None),
        ("GET", "/health", None),
    ],
)
def test_operations(method: str, path: str, operation: str | None) -> None:
    assert operation_of(method, path) == operation


@pytest.mark.parametrize(
    ("status", "content_type", "body", "what"),
    [
        (200, "application/json", b'{"basins":[],"has_more":false}', None),
        (200, "application/json", None, None),
        (200, "application/json", b'{"basins":[]}', "$: 'has_more' is a required property"),
        (200, "application/json", b'{"basins":[{}],"has_more":1}', "$.basins[0]: "),
        (200, "text/plain", b"", "content type"),
        (200, None, b"", "content type"),
        (418, None, b"", "status"),
    ],
)
def test_responses(status: int, content_type: str, body: bytes | None, what: str | None) -> None:
    found = list(deviations("GET /basins", status, content_type, body))
    assert found[0].what.startswith(what) if what else not found


def test_a_response_that_has_no_body_has_none() -> None:
    assert not list(deviations("DELETE /basins/{basin}", 202, None, b""))
    [deviation] = deviations("DELETE /basins/{basin}", 202, None, b"{}")
    assert deviation.what == "body"


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        (b'event: ping\ndata: {"timestamp":1}\n\n', False),
        (b'event: ping\ndata: {"timestamp":1}\n\nevent: pi', False),
        (b'event: ping\ndata: {"timestamp":"1"}\n\n', True),
        (b'event: batch\nid: 0,1,8\ndata: {"records":[]}\n\n', False),
        (b'event: batch\nid: 0,1\ndata: {"records":[]}\n\n', True),
        (b'event: error\ndata: {"code":"x"}\n\n', False),
        (b"data: [DONE]\n\n", True),
    ],
)
def test_events(events: bytes, fault: bool) -> None:
    found = deviations("GET /streams/{stream}/records", 200, "text/event-stream", events)
    assert bool(list(found)) == fault


def test_the_description_is_the_published_one() -> None:
    assert DESCRIPTION["info"]["version"] == "1.0.0"
    assert len(DESCRIPTION["paths"]) == 11
