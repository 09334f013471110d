"""Numbers over HTTP: each that the description of `/_s2mock` or S2's table of operations has."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

import s2mock.control
from s2mock import ManualClock, S2Mock
from s2mock.api.operations import OPERATIONS
from s2mock.api.records.limits import END
from s2mock.json_bodies.validators import schema_node
from s2mock.powers.faults import _KINDS
from s2mock.runtime import failures
from s2mock.runtime.http_client import Answer, Client
from tests.extremes.values import (
    EVENTS,
    PATIENCE,
    VALUES,
    ask,
    exercise,
    is_numeric,
    made,
    meet,
    settle,
)
from tests.powers.conftest import BASIN, RECORDS, Started, Way

pytestmark = [
    pytest.mark.slow,
    pytest.mark.openapi_unchecked("faults answer what S2 does not"),
]

DESCRIPTION: dict[str, Any] = json.loads(
    (Path(s2mock.control.__file__).parent / "openapi.json").read_text("utf-8")
)
Steps = tuple[str | int, ...]


class Slot(NamedTuple):
    """A place for a number in a request."""

    method: str
    path: str
    # "path", "query" or "body"; and the name there, or the way through the document.
    where: str
    steps: Steps

    def __str__(self) -> str:
        return f"{self.method} {self.path} {'.'.join(map(str, self.steps))}"


def referred(reference: str) -> tuple[str, Any]:
    """A part of the description."""
    found: Any = DESCRIPTION
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return reference, found


def numbers(schema: Mapping[str, Any], seen: tuple[str, ...] = ()) -> Iterator[Steps]:
    """The ways to the numbers of a document."""
    if "$ref" in schema:
        name, found = referred(schema["$ref"])
        if name not in seen:
            yield from numbers(found, (*seen, name))
        return
    kinds = schema.get("type", ())
    if {"integer", "number"}.intersection([kinds] if isinstance(kinds, str) else kinds):
        yield ()
    for part in [one for kind in ("oneOf", "anyOf", "allOf") for one in schema.get(kind, ())]:
        yield from numbers(part, seen)
    for name, part in schema.get("properties", {}).items():
        yield from ((name, *rest) for rest in numbers(part, seen))
    if isinstance(schema.get("items"), dict):
        yield from ((0, *rest) for rest in numbers(schema["items"], seen))


def control_slots() -> Iterator[Slot]:
    for path, operations in DESCRIPTION["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                if [*numbers(parameter["schema"])]:
                    yield Slot(method.upper(), path, parameter["in"], (parameter["name"],))
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for steps in numbers(content["schema"]):
                    yield Slot(method.upper(), path, "body", steps)


def s2_slots() -> Iterator[Slot]:
    for row in OPERATIONS:
        for name, read in row.query.items():
            if "unsigned" in read.__qualname__:
                yield Slot(row.method, row.path, "query", (name,))
        if row.body is not None:
            for steps in numbers(schema_node(row.body.schema).schema):
                yield Slot(row.method, row.path, "body", steps)
    yield Slot("GET", "/v1/streams/<stream>/records", "header", ("last-event-id",))


# A basin may be in two forms, which have the same numbers.
CONTROL, S2 = [*dict.fromkeys(control_slots())], [*s2_slots()]
# In the form of S2's own requests, which has the numbers.
SEEDED = {"basins": [{"basin": BASIN, "streams": [{"stream": "log"}]}]}
RELEASE = "/_s2mock/holds/{number}/release"
CAMPAIGNS = "/_s2mock/campaigns"
ATTEMPT = "/_s2mock/campaigns/{number}/attempts/{attempt}"


def put(steps: Steps, value: Any) -> Any:
    """A document with the value in that place."""
    if not steps:
        return value
    first, *rest = steps
    inner = put(tuple(rest), value)
    return [inner] if first == 0 else {first: inner}


def filled(slot: Slot, document: Any) -> Any:
    """Return the document with all else that a request needs, so that the number has a meaning."""
    needed = {"Fail": {"code": "unavailable"}, "Delay": {"seconds": 0}}
    if slot.path == CAMPAIGNS:
        return campaign_with(document, needed)
    if slot.path == RELEASE:
        for name, arguments in document.get("fault", {}).items():
            document["fault"] = {name: needed.get(name, {}) | arguments}
        return document
    for fault in [document, *document.get("faults", ())]:
        if "fault" in fault or fault is not document:
            fault.setdefault("fault", {"Drop": {}})
            fault["required"] = False
            for kind in fault["fault"] if isinstance(fault["fault"], list) else [fault["fault"]]:
                [(name, arguments)] = kind.items()
                for other, value in needed.get(name, {}).items():
                    arguments.setdefault(other, value)
                fault["on"] = "read" if "records" in arguments else "append"
    return document


def campaign_with(document: Any, needed: Mapping[str, Any]) -> Any:
    """Return the request for a campaign in which the number of the document has a meaning."""
    given: dict[str, Any] = {"clock": "manual"} | SEEDED
    options = document.get("options", {})
    for fault in options.get("faults", ()):
        fault |= {"on": "append", "required": False}
        kinds = fault.setdefault("fault", {"Drop": {}})
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            for name, arguments in kind.items():
                arguments |= {**needed.get(name, {}), **arguments}
                fault["on"] = "read" if "records" in arguments else "append"
    document["options"] = merged(given, options)
    replayed = document.get("replay", {}).get("fault")
    for fault in [*document.get("faults", ()), *([] if replayed is None else [replayed])]:
        [(name, arguments)] = fault.items()
        arguments |= {**needed.get(name, {}), **arguments}
        document["on"] = "read" if "records" in arguments else "append"
    if "replay" in document:
        on = document.pop("on", "append")
        replay = {"operation": on, "number": 1, "fault": {"Drop": {}}}
        return document | {"kind": "sweep", "replay": replay | document["replay"]}
    if "faults" in document or "limit" in document:
        return {"kind": "sweep", "faults": [{"Drop": {}}], "on": "append"} | document
    if "max_faults" in document:
        document["faults"] = [{"Drop": {}}]
    return {"kind": "orders", "actors": ["a"]} | document


def run_campaign(mock: S2Mock, client: Client, number: int) -> None:
    """Run all attempts of a campaign, each with appends and reads."""
    campaign = f"{CAMPAIGNS}/{number}"
    assert mock._connections.router is not None
    accounts = mock._connections.router.accounts
    try:
        while (begun := client.request("POST", f"{campaign}/attempts", {})).status != 204:
            assert begun.status == 201, begun
            attempt = f"{campaign}/attempts/{begun.json['number']}"
            calls: list[Started] = []
            for actor in begun.json["actors"]:
                acting = Client(mock.url, token=actor["token"], basin=BASIN)
                calls.append(ask(acting, "POST", RECORDS, {"records": [{"body": "a"}]}))
                settle(accounts.mocks[-1], calls)
                ending = client.request("POST", f"{attempt}/actors/{actor['name']}/end", {})
                assert ending.status == 200, ending
            meet(accounts.mocks[-1], *calls)
            passed = {"outcome": "passed"}
            answer = client.request("POST", f"{attempt}/end", passed, timeout=PATIENCE)
            assert answer.status == 200, answer
        assert client.request("GET", campaign).status == 200
    finally:
        assert client.request("DELETE", campaign).status == 204


class Prepared(NamedTuple):
    """A mock with a fault and a hold that were met, a snapshot, and a reader at a tail."""

    mock: S2Mock
    client: Client


@pytest.fixture(scope="module")
def prepared() -> Iterator[Prepared]:
    clock = ManualClock()
    with closing(made(clock=clock)) as mock, closing(Way("http1", mock)) as way:
        client = Client(mock.url, token=mock.token, basin=BASIN)
        posted = {"on": "append", "fault": {"Fail": {"code": "unavailable"}}}
        assert client.request("POST", "/_s2mock/faults", posted).status == 201
        assert way.append("a").status == 503
        assert client.request("POST", "/_s2mock/holds", {"on": "append"}).status == 201
        appending = Started(lambda: way.append("a"))
        assert client.request("GET", "/_s2mock/holds/1?wait=30", timeout=PATIENCE).status == 200
        assert client.request("POST", "/_s2mock/holds/1/release").status == 200
        assert appending.result().status == 200
        assert client.request("POST", "/_s2mock/snapshots").status == 201
        reading = way.pieces("/v1/streams/log/records", EVENTS)
        next(reading)
        clock.wait_for_waiters()
        yield Prepared(mock, client)


def begin_attempt(client: Client) -> str:
    """Return the path of an attempt that waits for nothing, since its worker has ended."""
    crashes = client.request("POST", CAMPAIGNS, {"kind": "crash", "on": "append"})
    campaign = f"{CAMPAIGNS}/{crashes.json['number']}"
    attempt = f"{campaign}/attempts/{client.request('POST', f'{campaign}/attempts').json['number']}"
    assert client.request("POST", f"{attempt}/actors/worker/end", {}).status == 200
    return attempt


def send(client: Client, slot: Slot, value: float, base: Any) -> Answer:
    """The request with that number in it."""
    path, query = slot.path, ""
    if path == ATTEMPT and slot.where == "query":
        path = begin_attempt(client)
    path = path.replace("<basin>", BASIN).replace("<stream>", "log")
    headers: dict[str, str] = {}
    body: bytes | None = None
    [name] = slot.steps if slot.where != "body" else [""]
    if slot.where == "path":
        path = path.replace(f"{{{name}}}", quote(str(value)))
    elif slot.where == "query":
        given = base | {name: value}
        query = "&".join(f"{key}={quote(str(one))}" for key, one in given.items())
    elif slot.where == "header":
        headers = {name: f"{value},{value},{value}", **EVENTS}
        query = "seq_num=0&count=1"
    path = path.replace("{number}", "1").replace("{attempt}", "1").replace("{actor}", "a")
    if slot.where == "body":
        document = put(slot.steps, value)
        # Python's own spelling of what is not finite is no JSON, and has to be refused as such.
        body = json.dumps(merged(base, filled(slot, document))).encode()
        headers["content-type"] = "application/json"
    target = f"{path}?{query}" if query else path
    answer = client.request(slot.method, target, body=body, headers=headers, timeout=PATIENCE)
    if slot.path == ATTEMPT and slot.where == "query":
        assert client.request("DELETE", path.partition("/attempts")[0]).status == 204
    return answer


def merged(base: Any, document: Any) -> Any:
    """The document, laid over another."""
    if isinstance(base, dict) and isinstance(document, dict):
        return base | {key: merged(base.get(key), value) for key, value in document.items()}
    if isinstance(base, list) and isinstance(document, list):
        return [merged(*pair) for pair in zip(base, document, strict=True)]
    return document


def told(what: str, slot: Slot, value: float, answer: Answer) -> list[str]:
    """What is wrong with the answer."""
    wrong = [f"{what}: {trace[-500:]}" for trace in failures.take()]
    if answer.status >= 500 and b"unavailable" not in answer.body:
        wrong.append(f"{what}: {answer}"[:500])
    if not slot.path.startswith("/_s2mock"):
        return wrong
    if answer.status >= 400:
        message = json.loads(answer.body)["message"]
        is_json = slot.where != "body" or isinstance(value, int) or isfinite(value)
        name = str(slot.steps[-1]) if slot.where != "path" else ""
        known = (name, "within 0 s", "a clock only goes") if is_json else ("no JSON",)
        if name.endswith("incarnation"):
            # There is none of that number, or none any more.
            known += ("not found", "is from before")
        if not any(text in message for text in known):
            wrong.append(f"{what}: an unclear refusal: {message}"[:500])
    return wrong


QUERY_BASES: dict[str, dict[str, Any]] = {
    "/_s2mock/look/basin": {"basin": BASIN},
    "/_s2mock/look/records": {"basin": BASIN, "stream": "log"},
    "/_s2mock/look/stream": {"basin": BASIN, "stream": "log"},
    "/_s2mock/readers": {"basin": BASIN, "stream": "log"},
    "/_s2mock/streams/records": {"basin": BASIN, "stream": "log"},
}
BODY_BASES: dict[str, dict[str, Any]] = {
    "/_s2mock/faults": {"fault": {"Drop": {}}, "on": "append", "required": False},
    "/_s2mock/holds": {"on": "append", "required": False},
}
COUNTS = ("hits", "count", "readers", "waiters")


def hold(client: Client, operation: str) -> None:
    """Have one operation of a new account held, by hold 1."""
    held = {"on": operation, "times": 1}
    assert client.request("POST", "/_s2mock/holds", held).status == 201
    if operation == "append":
        ask(client, "POST", RECORDS, {"records": [{"body": "a"}]})
    else:
        ask(client, "GET", f"{RECORDS}?seq_num=0", **EVENTS)
    assert client.request("GET", "/_s2mock/holds/1?count=1&wait=30", timeout=PATIENCE).status == 200


@pytest.mark.whole(4)
@pytest.mark.parametrize("slot", CONTROL, ids=map(str, CONTROL))
def test_a_number_at_s2mock_is_refused_or_works(prepared: Prepared, slot: Slot) -> None:
    wrong: list[str] = []
    mock, client = prepared
    for what, value in VALUES.items():
        base = QUERY_BASES.get(slot.path, {})
        if slot.steps[-1] in COUNTS and slot.path != "/_s2mock/streams/records":
            base = base | {"wait": 0}
        if slot.where == "body":
            base = {} if slot.steps[0] == "fault" else BODY_BASES.get(slot.path, {})
            if slot.steps[0] == "basins":
                base = SEEDED
            account = client.request("POST", "/_s2mock/accounts", {"clock": "manual"} | SEEDED)
            own = Client(mock.url, token=account.json["token"], basin=BASIN)
            if slot.path == RELEASE:
                hold(own, "read" if slot.steps[-1] == "records" else "append")
            answer = send(own, slot, value, base)
            wrong += told(what, slot, value, answer)
            assert mock._connections.router is not None
            if answer.status < 300 and slot.path == CAMPAIGNS:
                run_campaign(mock, client, answer.json["number"])
                wrong += [f"{what}: {trace[-500:]}" for trace in failures.take()]
            elif answer.status < 300:
                used = mock._connections.router.accounts.mocks[-1]
                (exercise if slot.path.endswith(("/accounts", "/advance")) else meet)(used)
                wrong += [f"{what}: {trace[-500:]}" for trace in failures.take()]
            for one in [*mock._connections.router.accounts.mocks]:
                ending = Client(mock.url, token=one.token)
                assert ending.request("DELETE", "/_s2mock/accounts").status == 204
        else:
            wrong += told(what, slot, value, send(client, slot, value, base))
        assert client.request("GET", "/_s2mock/clock").status == 200
    assert not wrong, "\n".join(wrong)


S2_BASES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/basins"): {"basin": "other-basin"},
    ("POST", "/v1/streams"): {"stream": "other"},
    ("POST", "/v1/streams/<stream>/records"): {"records": [{"body": "a"}]},
}
SETS = {"/v1/metrics": "account-ops", "/v1/metrics/<basin>": "storage"}


@pytest.mark.whole(3)
@pytest.mark.parametrize("slot", S2, ids=map(str, S2))
def test_a_number_of_s2s_own_api_is_refused_or_works(slot: Slot) -> None:
    wrong: list[str] = []
    for what, value in VALUES.items():
        with closing(made(clock="manual")) as mock:
            mock.stream(BASIN, "log").append(["a", "b"])
            client = Client(mock.url, token=mock.token, basin=BASIN)
            base = S2_BASES.get((slot.method, slot.path), {})
            if slot.where == "query":
                base = {"seq_num": 0} if slot.steps[0] in END else {}
                if "metrics" in slot.path:
                    now = mock.clock.now() // 10**9
                    which = SETS.get(slot.path, "storage")
                    base = {"set": which, "start": now - 60, "end": now}
            wrong += told(what, slot, value, send(client, slot, value, base))
            exercise(mock)
            wrong += [f"{what}: {trace[-500:]}" for trace in failures.take()]
    assert not wrong, "\n".join(wrong)


def test_the_table_has_the_numbers_of_all_faults() -> None:
    there = {slot.steps[-2:] for slot in CONTROL if slot.path == "/_s2mock/faults"}
    for name, kind in _KINDS.items():
        for field in fields(kind):
            if is_numeric(field.type):
                assert (name, field.name) in there
