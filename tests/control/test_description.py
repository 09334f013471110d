"""`/_s2mock/openapi.json` and what is served: each has what the other has."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest

from s2mock.control.account_options import MEMBERS
from s2mock.powers.faults import Fault
from s2mock.powers.operations import OPERATION_NAMES
from s2mock.registry.values.codes import CODES
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
    path = re.sub(r"\{\w+\}", "1", path.removeprefix("/_s2mock"))
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
    path = re.sub(r"\{\w+\}", "1", path.removeprefix("/_s2mock"))
    schema = resolved(OPERATIONS[name]["requestBody"]["content"]["application/json"]["schema"])
    for form in map(resolved, schema.get("oneOf", [schema])):
        kind = form["properties"].get("kind", {"enum": []})["enum"]
        given = {"kind": kind[0]} if kind else {}
        status, message = control.refused(method, path, {**given, "zzzzzz": 1})
        assert status == 400
        if "oneOf" in schema:
            # The members of all forms are checked first.
            others = {member for one in schema["oneOf"] for member in resolved(one)["properties"]}
            wrong = min(others - form["properties"].keys())
            status, message = control.refused(method, path, {**given, wrong: 1})
            assert status == 400
        there = re.search(r"there are (.*)$", message)
        assert there is not None
        assert sorted(there[1].split(", ")) == sorted(form["properties"])


def test_names_are_those_of_the_product() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    assert schemas["Operation"]["enum"] == list(OPERATION_NAMES)
    assert schemas["S2ErrorCode"]["enum"] == list(CODES)
    assert sorted(schemas["AccountRequest"]["properties"]) == sorted(MEMBERS)
    faults = [kind["$ref"].rpartition("/")[2] for kind in schemas["Fault"]["oneOf"]]
    assert sorted(faults) == sorted({f"{fault.__name__}Fault" for fault in Fault.__subclasses__()})


# What both openapi-typescript and oapi-codegen turn into types: the schemas of OpenAPI 3.0, without
# `default`, which makes a member of a request required in TypeScript.
KEYWORDS = {
    "$ref", "additionalProperties", "allOf", "description", "enum", "exclusiveMinimum", "format",
    "items", "maxItems", "maximum", "maxProperties", "minItems", "minProperties", "minimum",
    "nullable", "oneOf", "properties", "required", "type", "x-go-type", "x-go-type-import",
    "x-go-type-skip-optional-pointer",
}  # fmt: skip
TYPES = {"array", "boolean", "integer", "number", "object", "string"}


def _schemas(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a schema and all schemas in it, with the place of each."""
    yield name, schema
    for member, part in schema.get("properties", {}).items():
        yield from _schemas(f"{name}.{member}", part)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from _schemas(f"{name}.{keyword}", schema[keyword])
    for keyword in ("allOf", "oneOf"):
        for number, part in enumerate(schema.get(keyword, ())):
            yield from _schemas(f"{name}.{keyword}.{number}", part)


SCHEMAS = [
    pair
    for name, schema in DESCRIPTION["components"]["schemas"].items()
    for pair in _schemas(name, schema)
]


def test_schemas_can_be_turned_into_types() -> None:
    assert DESCRIPTION["openapi"] == "3.0.3"
    for name, schema in SCHEMAS:
        assert schema.keys() <= KEYWORDS, name
        if "$ref" in schema:
            # What is beside a reference does not count in OpenAPI 3.0.
            assert schema.keys() == {"$ref"}, name
        elif "oneOf" in schema or "allOf" in schema:
            # Each form of a union has a name, by which a program in Go calls it.
            forms = schema.get("oneOf", schema.get("allOf"))
            assert all(form.keys() == {"$ref"} for form in forms), name
            assert "oneOf" in schema or len(forms) == 1, name
        elif "type" not in schema:
            # Anything: a decoded body.
            assert schema.keys() == {"description"}, name
        else:
            assert schema["type"] in TYPES, name
            # A number is of 32 bits in Go without a format.
            assert schema["type"] != "number" or schema["format"] == "double", name
            assert schema["type"] != "array" or "items" in schema, name
            assert schema["type"] != "object" or "additionalProperties" in schema, name
            assert None not in schema.get("enum", ()), name


def test_objects_have_names() -> None:
    for name, schema in SCHEMAS:
        is_nested = name not in DESCRIPTION["components"]["schemas"]
        assert not (is_nested and "properties" in schema), name
    for name, operation in OPERATIONS.items():
        responses = [resolved(response) for response in operation["responses"].values()]
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for message in (*bodies, *responses):
            for kind, content in message.get("content", {}).items():
                assert kind != "application/json" or content["schema"].keys() == {"$ref"}, name


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
        [(name, arguments)] = resolved(kind)["properties"].items()
        values = {"code": "unavailable", "seconds": 1, "status": 502, "bytes": 1, "chunk": 1}
        given = {key: values[key] for key in resolved(arguments)["properties"] if key in values}
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
