"""Each known gap is there: a call whose answer from the fake shows it.

An entry that nothing shows any more, since the description or the fake has changed, is a failure.
"""

from collections.abc import Callable, Iterator

import pytest

from s2mock import ManualClock, S2Mock
from s2mock.contract.schema_gaps import GAPS, Finding, gap_of
from tests.calls import Api, Headers, Reply, over_wsgi
from tests.conftest import BASIN
from tests.openapi.checker import Response, check, check_event

SEED = {"name": BASIN, "streams": [{"name": "s"}]}
RECORDS = "/v1/streams/s/records"
FROM_THE_START = f"{RECORDS}?seq_num=0&count=1"
Call = Callable[[Api], list[Finding]]


def found(method: str, path: str, reply: Reply) -> list[Finding]:
    path = path.partition("?")[0]
    session = reply.headers.get("content-type") in ("text/event-stream", "s2s/proto")
    body = None if session else reply.body
    findings = list(check(Response(method, path, reply.status, reply.headers.items(), body)))
    if session and reply.body.startswith(b"event: "):
        for event in reply.body.split(b"\n\n")[:-1]:
            findings += check_event(path, event)
    return findings


def call(method: str, path: str, document: object = ..., headers: Headers | None = None) -> Call:
    """One request to a basin with a stream `s` that has one record."""
    return lambda s2: found(method, path, s2.call(method, path, document, headers=headers))


def reconfigure_basin_that_is_being_deleted(s2: Api) -> list[Finding]:
    path = f"/v1/basins/{BASIN}"
    assert s2.call("DELETE", path).status == 202
    return found("PATCH", path, s2.call("PATCH", path, {}))


def first_event_at_the_tail(_: Api) -> list[Finding]:
    with S2Mock(basins=[SEED]) as mock:
        # A reader that follows, and leaves at once.
        headers = {"s2-basin": BASIN, "accept": "text/event-stream"}
        with mock.client.get(RECORDS, headers=headers) as answer:
            event = next(iter(answer.response))
    assert isinstance(event, bytes)
    return list(check_event(RECORDS, event))


def bearer_of_a_token_that_was_revoked(s2: Api) -> list[Finding]:
    document = {"id": "t", "scope": {"ops": ["read"]}}
    revoked = s2.call("POST", "/v1/access-tokens", document).json["access_token"]
    assert s2.call("DELETE", "/v1/access-tokens/t").status == 204
    headers = {"authorization": f"Bearer {revoked}"}
    return found("GET", "/v1/basins", s2.call("GET", "/v1/basins", headers=headers))


def bearer_of_a_token_for_something_else(s2: Api) -> list[Finding]:
    document = {"id": "t", "scope": {"ops": ["read"]}}
    secret = s2.call("POST", "/v1/access-tokens", document).json["access_token"]
    path, headers = f"/v1/basins/{BASIN}", {"authorization": f"Bearer {secret}"}
    return found("PUT", path, s2.call("PUT", path, headers=headers))


def listed_token_with_an_operation_on_locations(s2: Api) -> list[Finding]:
    document = {"id": "t", "scope": {"ops": ["list-locations"]}}
    assert s2.call("POST", "/v1/access-tokens", document).status == 201
    return found("GET", "/v1/access-tokens", s2.call("GET", "/v1/access-tokens"))


EXAMPLES: dict[str, Call] = {
    "provision-result": call("PUT", "/v1/streams/new"),
    "basin-location": call("GET", "/v1/basins"),
    "basin-state": call("GET", "/v1/basins"),
    "storage-class": call("PATCH", "/v1/streams/s", {"storage_class": "glacier"}),
    "u64": call("PATCH", "/v1/streams/s", {"retention_policy": {"age": 2**64 - 1}}),
    "protobuf": call("GET", FROM_THE_START, headers={"accept": "application/protobuf"}),
    "s2s": call("GET", FROM_THE_START, headers={"content-type": "s2s/proto"}),
    "done-event": call("GET", FROM_THE_START, headers={"accept": "text/event-stream"}),
    "ping-tail": first_event_at_the_tail,
    "invalid": call("PATCH", "/v1/streams/s", {"retention_policy": {"age": 0}}),
    "pending-basin": reconfigure_basin_that_is_being_deleted,
    "request-coding": call("GET", "/v1/basins", headers={"content-encoding": "br"}),
    "response-coding": call("GET", "/v1/basins", headers={"accept-encoding": "identity;q=0"}),
    "usd": call("GET", "/v1/metrics?set=estimated-billable-usage&start=0&end=0"),
    "unauthenticated": bearer_of_a_token_that_was_revoked,
    "permission": bearer_of_a_token_for_something_else,
    "missing-token": call("DELETE", "/v1/access-tokens/none"),
    "location-operations": listed_token_with_an_operation_on_locations,
    "other-method": call("DELETE", "/v1/basins"),
    "other-path": call("GET", "/v1/else"),
    "preflight": call("OPTIONS", "/v1/basins", headers={"origin": "https://example.com"}),
    "locations": call("GET", "/v1/locations"),
    "operation-of-the-server": call("GET", "/health"),
}


@pytest.fixture
def s2() -> Iterator[Api]:
    with S2Mock(basins=[SEED], clock=ManualClock(), deletion_delay=60) as mock:
        mock.basin(BASIN).stream("s").append(["a record"])
        yield Api(over_wsgi(mock.wsgi_app), BASIN)


@pytest.mark.parametrize("name", [gap.name for gap in GAPS])
def test_the_fake_shows_it(name: str, s2: Api) -> None:
    findings = EXAMPLES[name](s2)
    [gap] = [gap for gap in GAPS if gap.name == name]
    assert any(gap.recognises(finding) for finding in findings), findings
    assert all(gap_of(finding) for finding in findings)


def test_each_has_an_example_and_a_name_of_its_own() -> None:
    names = [gap.name for gap in GAPS]
    assert sorted(names) == sorted(EXAMPLES)


# What is close to a gap, and is none.
@pytest.mark.parametrize(
    "finding",
    [
        Finding("status", "GET /streams", 422, ""),
        Finding("status", "GET /basins", 501, ""),
        Finding("status", "POST /streams", 500, ""),
        Finding("status", "PUT /basins/{basin}", 410, ""),
        Finding("header", "GET /streams", 200, "", "s2-provision-result"),
        Finding("content type", "GET /streams/{stream}", 200, "", "application/protobuf"),
        Finding("content type", "GET /streams/{stream}/records", 404, "", "s2s/proto"),
        Finding("content type", "GET /streams", 415, "", "text/html"),
        Finding(
            "schema", "GET /basins", 200, "", "x", ("basins", 0, "place"), "additionalProperties"
        ),
        Finding(
            "schema", "GET /basins", 200, "", "x", ("basins", 0, "state"), "additionalProperties"
        ),
        Finding(
            "schema", "GET /streams", 200, "", "x", ("streams", 0, "state"), "additionalProperties"
        ),
        Finding("schema", "GET /streams/{stream}", 200, "", 7, ("storage_class",), "enum"),
        Finding("schema", "GET /streams/{stream}", 200, "", 2**64, ("x",), "format"),
        Finding("schema", "GET /streams/{stream}", 200, "", "x", ("created_at",), "format"),
        Finding("event", "GET /streams/{stream}/records", 200, "", "[ENDED]"),
        Finding("path", "GET /v1/else", 500, "", "/v1/else"),
        Finding("method", "PUT /streams", 200, "", "PUT"),
    ],
    ids=str,
)
def test_no_gap(finding: Finding) -> None:
    assert gap_of(finding) is None
