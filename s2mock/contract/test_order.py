"""Of several faults in one request, which one is reported (reference: control_plane §2.5).

Content coding, method, headers, path, query, body, values, state: in this order. Each case has
two faults; the earlier one is the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import pytest

from s2mock.contract.basins import unused_name
from s2mock.contract.client import Answer, Client
from s2mock.contract.control_cases import control_case

MISSING_BASIN = unused_name()
ZERO = {"retention_policy": {"age": 0}}


@dataclass
class Draft:
    """A request that is right as long as no fault has been put into it."""

    header_basin: str | None
    path_basin: str | None
    stream: str = "s"
    query: str = ""
    config: Any = field(default_factory=dict)
    body: bytes | None = None
    headers: dict[str, str | None] = field(
        default_factory=lambda: {"content-type": "application/json"}
    )


class Fault(NamedTuple):
    """One thing that is wrong, and the status and beginning of the message that it causes."""

    name: str
    status: int
    reason: str
    put: Callable[[Draft], object]


def _set(**fields: Any) -> Callable[[Draft], None]:
    def put(draft: Draft) -> None:
        for name, value in fields.items():
            setattr(draft, name, value)

    return put


def _header(name: str, value: str) -> Callable[[Draft], None]:
    def put(draft: Draft) -> None:
        draft.headers[name] = value
        if value == "gzip":
            draft.body = b"not gzip"

    return put


BUFFER = "Failed to buffer the request body: "
CODING = Fault("coding", 415, "", _header("content-encoding", "br"))
TOKEN = Fault(
    "token", 400, "Invalid header `s2-request-token`", _header("s2-request-token", "t" * 37)
)
HEADER = Fault("header", 400, "Invalid header `s2-basin`", _set(header_basin="short"))
NO_HEADER = Fault("no header", 400, "Missing header `s2-basin`", _set(header_basin=None))
PATH = Fault("path", 400, "Invalid URL: ", _set(path_basin="short", stream=".."))
QUERY = Fault("query", 400, "Failed to deserialize query string: ", _set(query="?limit=x&set=x"))
TYPE = Fault(
    "type", 400, "Expected request with `Content-Type", _header("content-type", "text/plain")
)
LENGTH = Fault(
    "length", 400, f"{BUFFER}length limit exceeded", _set(body=b" " * (2 * 1024 * 1024 + 1))
)
CORRUPT = Fault("corrupt", 400, BUFFER, _header("content-encoding", "gzip"))
JSON = Fault("json", 400, "invalid type: ", _set(config=5))
AGE = Fault(
    "age",
    422,
    "age must be greater than 0 seconds",
    _set(config={**ZERO, "default_stream_config": ZERO}),
)
BASIN = Fault("basin", 404, "basin `", _set(header_basin=MISSING_BASIN, path_basin=MISSING_BASIN))
STREAM = Fault("stream", 404, "stream `", _set(stream="missing"))
# Both creates are of what is there: should a fault be missed, nothing is made.
EXISTS = Fault("exists", 409, "", _set())

BODY = [TYPE, LENGTH, CORRUPT, JSON, AGE]
# Each operation with its faults in the order in which S2 looks for them.
OPERATIONS: list[tuple[str, list[Fault]]] = [
    ("GET /v1/basins", [CODING, QUERY]),
    ("POST /v1/basins", [CODING, TOKEN, *BODY, EXISTS]),
    ("GET /v1/basins/{basin}", [CODING, PATH, BASIN]),
    ("PUT /v1/basins/{basin}", [CODING, PATH, *BODY]),
    ("PATCH /v1/basins/{basin}", [CODING, PATH, *BODY, BASIN]),
    ("DELETE /v1/basins/{basin}", [CODING, PATH, BASIN]),
    ("GET /v1/streams", [CODING, HEADER, NO_HEADER, QUERY, BASIN]),
    ("POST /v1/streams", [CODING, TOKEN, HEADER, NO_HEADER, *BODY, BASIN, EXISTS]),
    ("GET /v1/streams/{stream}", [CODING, HEADER, NO_HEADER, PATH, STREAM]),
    ("PUT /v1/streams/{stream}", [CODING, HEADER, NO_HEADER, PATH, *BODY, BASIN]),
    ("PATCH /v1/streams/{stream}", [CODING, HEADER, NO_HEADER, PATH, *BODY, BASIN, STREAM]),
    ("DELETE /v1/streams/{stream}", [CODING, HEADER, NO_HEADER, PATH, STREAM]),
    ("GET /v1/streams/{stream}/records/tail", [CODING, HEADER, NO_HEADER, PATH, STREAM]),
    ("POST /v1/access-tokens", [CODING, TYPE, LENGTH, CORRUPT]),
    ("GET /v1/metrics/{basin}", [CODING, PATH, QUERY]),
]
# One value cannot be wrong in two ways.
EXCLUSIVE = [
    {"header", "no header", "basin"},
    {"coding", "corrupt"},
    {"length", "corrupt", "json"},
    {"length", "corrupt", "age"},
    {"length", "corrupt", "exists"},
    {"json", "age"},
    {"path", "stream"},
    {"basin", "exists"},
]


def _possible(operation: str, first: Fault, second: Fault) -> bool:
    pair = {first.name, second.name}
    if pair == {"path", "basin"}:
        return "{basin}" not in operation
    return not any(pair <= group for group in EXCLUSIVE)


CASES = [
    pytest.param(operation, faults, id=f"{operation}: {' before '.join(f.name for f in faults)}")
    for operation, ordered in OPERATIONS
    for faults in [
        *((fault,) for fault in ordered),
        *(pair for pair in combinations(ordered, 2) if _possible(operation, *pair)),
    ]
]


def _send(s2: Client, operation: str, faults: tuple[Fault, ...]) -> Answer:
    draft = Draft(header_basin=s2.basin, path_basin=s2.basin)
    for fault in faults:
        fault.put(draft)
    method, path = operation.split()
    document = draft.config
    if operation == "POST /v1/basins":
        document = {"basin": s2.basin, "config": draft.config}
    elif operation == "POST /v1/streams":
        document = {"stream": "s", "config": draft.config}
    elif operation == "PUT /v1/basins/{basin}":
        document = {"config": draft.config}
    path = path.format(basin=draft.path_basin, stream=draft.stream) + draft.query
    s2 = s2.in_basin(draft.header_basin)
    if method in ("GET", "DELETE"):
        return s2.request(method, path, headers=draft.headers)
    if draft.body is not None:
        return s2.request(method, path, body=draft.body, headers=draft.headers)
    return s2.request(method, path, document, headers=draft.headers)


@pytest.mark.sample(4)
@control_case(56)
@pytest.mark.parametrize(("operation", "faults"), CASES)
def test_the_earlier_fault(shared: Client, operation: str, faults: tuple[Fault, ...]) -> None:
    """Alone or before another one, a fault is reported in its turn (§2.5)."""
    answer = _send(shared, operation, faults)
    first = faults[0]
    assert answer.status == first.status, answer
    if first is CODING:
        assert answer.body == b""
    else:
        assert answer.message.startswith(first.reason)


@pytest.mark.parametrize("path", ["/v1/streams", "/v1/basins"])
def test_the_method_comes_after_the_coding(shared: Client, path: str) -> None:
    """An unknown coding is found on a known path with any method; headers are not (§2.5)."""
    answer = shared.request("DELETE", path, headers={"content-encoding": "br"})
    assert (answer.status, answer.headers["allow"]) == (415, "GET,HEAD,POST")
    answer = shared.in_basin("short").request("DELETE", f"{path}?limit=x")
    assert (answer.status, answer.headers["allow"]) == (405, "GET,HEAD,POST")
