"""`/_s2mock/openapi.json` and what is served: each has what the other has."""

import re
from importlib.metadata import version
from typing import Any

import pytest

from s2mock.options import ACCOUNT_MEMBERS
from s2mock.powers.operations import OPERATION_NAMES
from tests.control.conftest import DESCRIPTION, Control, against, resolved

METHODS = {"get", "put", "post", "patch", "delete"}
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DESCRIPTION["paths"].items()
    for method, operation in operations.items()
}


def test_it_describes_what_is_served_and_nothing_else(control: Control) -> None:
    told = control("GET", "").json()
    assert (told["name"], told["version"]) == ("s2mock", version("s2mock"))
    *served, direct = told["serves"]
    assert set(served) == OPERATIONS.keys()
    assert direct.startswith("* /_s2mock/v1/...")
    assert control("GET", "/openapi.json").json() == DESCRIPTION


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_parameters_are_described(control: Control, name: str) -> None:
    """Asked with one that there is none of, each says which there are."""
    method, _, path = name.partition(" ")
    path = path.removeprefix("/_s2mock").replace("{number}", "1")
    _prepare(control)
    body = _example(OPERATIONS[name])
    status, message = control.refused(method, f"{path}?zzzzzz=1", *body)
    assert status == 400
    there = re.search(r"there are (.*)$", message)
    said = [p for p in OPERATIONS[name].get("parameters", ()) if p["in"] == "query"]
    assert sorted(there[1].split(", ") if there and said else ()) == sorted(p["name"] for p in said)


@pytest.mark.parametrize("name", sorted(n for n in OPERATIONS if "requestBody" in OPERATIONS[n]))
def test_members_of_bodies_are_described(control: Control, name: str) -> None:
    method, _, path = name.partition(" ")
    if "snapshots" in path:
        return
    schema = resolved(OPERATIONS[name]["requestBody"]["content"]["application/json"]["schema"])
    status, message = control.refused(method, path.removeprefix("/_s2mock"), {"zzzzzz": 1})
    assert status == 400
    there = re.search(r"there are (.*)$", message)
    assert there is not None
    assert sorted(there[1].split(", ")) == sorted(schema["properties"])


def test_names_are_those_of_the_product() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    assert schemas["Operation"]["enum"] == list(OPERATION_NAMES)
    request = OPERATIONS["POST /_s2mock/accounts"]["requestBody"]["content"]["application/json"]
    assert sorted(request["schema"]["properties"]) == sorted(ACCOUNT_MEMBERS)


def test_every_reference_leads_somewhere_and_all_are_used() -> None:
    used = set(re.findall(r"'#/components/(\w+/\w+)'", str(DESCRIPTION)))
    there = {
        f"{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in DESCRIPTION["components"][kind]
    }
    assert used == there


def test_faults_are_described() -> None:
    for fault in (
        {"Fail": {"code": "unavailable", "retry_after": 1.5, "committed": True}},
        {"Drop": {"connection": True}},
        {"Cut": {"bytes": 3}},
        {"Delay": {"seconds": "inf"}},
        {"Answer": {"status": 502, "body": {"base64": "/w=="}, "headers": {"a": "b"}}},
        {"Drain": {"records": 2}},
        {"Drop": {"connection": "reset"}},
        {"Cut": {"records": 1, "connection": False}},
        {"Delay": {"seconds": 1, "jitter": 0.5}},
        {"Silence": {}},
        {"Slow": {"bytes_per_second": 10.5, "chunk": 3}},
    ):
        against({"$ref": "#/components/schemas/Fault"}, fault)


def test_each_fault_that_is_described_can_be_injected(control: Control) -> None:
    for kind in DESCRIPTION["components"]["schemas"]["Fault"]["oneOf"]:
        [(name, arguments)] = kind["properties"].items()
        values = {"code": "unavailable", "seconds": 1, "status": 502, "bytes": 1, "chunk": 1}
        given = {key: values[key] for key in arguments["properties"] if key in values}
        made = control(
            "POST", "/faults", {"on": "append", "required": False, "fault": {name: given}}
        )
        assert made.status_code == 201, made.text


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/fault", 404, "nothing is served at /_s2mock/fault: there are GET /_s2mock, "),
        ("GET", "/faults/1/2", 404, "nothing is served at"),
        ("GET", "/faults/1/release", 404, "nothing is served at"),
        ("PUT", "/faults", 405, "/_s2mock/faults takes GET, POST, not PUT"),
        ("GET", "/reset", 405, "takes POST, not GET"),
    ],
)
def test_what_is_not_there(
    control: Control, method: str, path: str, status: int, reason: str
) -> None:
    found, message = control.refused(method, path)
    assert found == status
    assert reason in message


def test_a_body_that_is_no_json(control: Control) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    for text in ("{", "[" * 100_000, "\xff", "NaN"):
        status, message = control.refused("POST", "/faults", content=text, headers=headers)
        assert status == 400
        assert "no JSON" in message or "must be a JSON object" in message


def _prepare(control: Control) -> None:
    control("POST", "/faults", {"on": "append", "fault": {"Drop": {}}, "required": False})
    control("POST", "/holds", {"on": "append", "required": False})
    control("POST", "/snapshots")


def _example(operation: dict[str, Any]) -> tuple[Any, ...]:
    return ({},) if operation.get("requestBody", {}).get("required") else ()
