"""Which of several faults in one request is reported: the first in S2's order of checks.

Each ladder is one request with every fault that it can have; taking them away one by one from the
top leaves the next one to be reported. Source: reference: control_plane §2.5.
"""

from typing import Any, NamedTuple

import pytest

from tests.calls import Api, Reply
from tests.conftest import BASIN

AGE = "age must be greater than 0 seconds"
EMPTY = "basin name should be at least 8 bytes in length"
MISSING = "no-such-basin"


class Fault(NamedTuple):
    """One fault: what of the request has it, and the error it gives."""

    part: str
    bad: Any
    status: int
    code: str | None
    message: str = ""

    def reported_by(self, reply: Reply) -> bool:
        if self.code is None:
            return reply.status == self.status and reply.is_empty
        return reply.refuses(self.status, self.code, self.message)


CODING = Fault("coding", "br", 415, None)
TOKEN = Fault(
    "token",
    "x" * 37,
    400,
    "bad_header",
    "Invalid header `s2-request-token`: request token was longer than 36 bytes in length: 37",
)
HEADER = Fault("basin", "short", 400, "bad_header", f"Invalid header `s2-basin`: {EMPTY}")
STREAM_PATH = Fault(
    "name", "..", 400, "bad_path", 'Invalid URL: stream name must not be "." or ".."'
)
STREAM_UTF8 = Fault("name", "%FF", 400, "bad_path", "Invalid URL: Invalid UTF-8 in `stream`")
BASIN_PATH = Fault("name", "short", 400, "bad_path", f"Invalid URL: {EMPTY}")
QUERY = Fault(
    "query",
    "?limit=x",
    400,
    "bad_query",
    "Failed to deserialize query string: limit: invalid digit found in string",
)
TYPE = Fault(
    "type", "text/plain", 400, "bad_json", "Expected request with `Content-Type: application/json`"
)
JSON = Fault(
    "document", {"stream": 1, "basin": 1, "storage_class": 1, "config": 1}, 400, "bad_json"
)
SEMANTICS = Fault("age", 0, 422, "invalid", AGE)
NO_BASIN = Fault("basin", MISSING, 404, "basin_not_found", f"basin `{MISSING}` not found")
NO_STREAM = Fault("name", "x", 404, "stream_not_found", f"stream `x` in basin `{BASIN}` not found")
NEITHER = Fault(
    "basin", MISSING, 404, "stream_not_found", f"stream `x` in basin `{MISSING}` not found"
)
NO_SUCH = Fault("name", MISSING, 404, "basin_not_found", f"basin `{MISSING}` not found")
TAKEN_STREAM = Fault(
    "name",
    "taken",
    409,
    "resource_already_exists",
    f"stream `taken` in basin `{BASIN}` already exists",
)
TAKEN_BASIN = Fault(
    "name", BASIN, 409, "resource_already_exists", f"basin `{BASIN}` already exists"
)

# Method, path, the shape of the body, and the faults in the order of checks.
LADDERS: list[tuple[str, str, str, list[Fault]]] = [
    ("GET", "/v1/basins", "", [CODING, QUERY]),
    ("POST", "/v1/basins", "basin", [CODING, TOKEN, TYPE, JSON, SEMANTICS, TAKEN_BASIN]),
    ("GET", "/v1/basins/{name}", "", [CODING, BASIN_PATH, NO_SUCH]),
    ("PUT", "/v1/basins/{name}", "config", [CODING, BASIN_PATH, TYPE, JSON, SEMANTICS]),
    ("PATCH", "/v1/basins/{name}", "defaults", [CODING, BASIN_PATH, TYPE, SEMANTICS, NO_SUCH]),
    ("DELETE", "/v1/basins/{name}", "", [CODING, BASIN_PATH, NO_SUCH]),
    ("GET", "/v1/streams", "", [CODING, HEADER, QUERY, NO_BASIN]),
    (
        "POST",
        "/v1/streams",
        "stream",
        [CODING, TOKEN, HEADER, TYPE, JSON, SEMANTICS, NO_BASIN, TAKEN_STREAM],
    ),
    ("GET", "/v1/streams/{name}", "", [CODING, HEADER, STREAM_PATH, NEITHER, NO_STREAM]),
    ("GET", "/v1/streams/{name}", "", [CODING, HEADER, STREAM_UTF8, NO_STREAM]),
    (
        "PUT",
        "/v1/streams/{name}",
        "leaves",
        [CODING, HEADER, STREAM_PATH, TYPE, JSON, SEMANTICS, NO_BASIN],
    ),
    (
        "PATCH",
        "/v1/streams/{name}",
        "leaves",
        [CODING, HEADER, STREAM_UTF8, TYPE, JSON, SEMANTICS, NO_BASIN, NO_STREAM],
    ),
    ("DELETE", "/v1/streams/{name}", "", [CODING, HEADER, STREAM_PATH, NEITHER, NO_STREAM]),
]


def request(s2: Api, method: str, path: str, shape: str, faults: list[Fault]) -> Reply:
    # The first fault of a part is the one that it has.
    bad = {fault.part: fault.bad for fault in reversed(faults)}
    name = bad.get("name", "new-basin" if "basin" in path else "x")
    leaves = {"retention_policy": {"age": bad.get("age", 1)}}
    document = (
        bad.get("document")
        or {
            "": ...,
            "leaves": leaves,
            "defaults": {"default_stream_config": leaves},
            "config": {"config": {"default_stream_config": leaves}},
            "basin": {"basin": name, "config": {"default_stream_config": leaves}},
            "stream": {"stream": name, "config": leaves},
        }[shape]
    )
    headers = {"content-encoding": bad.get("coding"), "s2-request-token": bad.get("token")}
    if "type" in bad:
        headers["content-type"] = bad["type"]
    target = path.format(name=name) + bad.get("query", "")
    return s2.within(bad.get("basin", BASIN)).call(method, target, document, headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "shape", "faults"), LADDERS, ids=lambda part: part or None
)
def test_first_fault_is_reported(
    s2: Api, method: str, path: str, shape: str, faults: list[Fault]
) -> None:
    s2.create_stream("taken")
    before = s2.everything()
    for rung, fault in enumerate(faults):
        reply = request(s2, method, path, shape, faults[rung:])
        assert fault.reported_by(reply), (fault, reply)
        assert s2.everything() == before


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        # Within a body it is the first in reading order, and what is missing comes last.
        ('{"stream":"","config":{"storage_class":1}}', "bad_json", "stream name must not be"),
        ('{"config":{"storage_class":1},"stream":""}', "bad_json", "invalid type: integer `1`"),
        ('{"config":{"timestamping":{"mode":"x","uncapped":1}}}', "bad_json", "unknown variant"),
        ('{"config":{"timestamping":{"uncapped":1,"mode":"x"}}}', "bad_json", "invalid type: int"),
        ('{"config":{"retention_policy":{"age":0}}}', "bad_json", "missing field `stream`"),
        ('{"config":{"storage_class":1}}', "bad_json", "invalid type: integer `1`"),
        (
            '{"stream":"s","config":{"storage_class":1,"retention_policy":{"age":true}}}',
            "bad_json",
            "invalid type: integer `1`",
        ),
        (
            '{"stream":"s","stream":"t","config":{"storage_class":1}}',
            "bad_json",
            "duplicate field `stream`",
        ),
        (
            '{"config":{"storage_class":1},"stream":"s","stream":"t"}',
            "bad_json",
            "invalid type: integer `1`",
        ),
    ],
)
def test_first_fault_of_a_body_is_reported(s2: Api, body: str, code: str, message: str) -> None:
    headers = {"content-type": "application/json"}
    reply = s2.call("POST", "/v1/streams", body=body.encode(), headers=headers)
    assert reply.refuses(400, code, message), reply
    assert s2.stream_names() == []
