"""The compiled schemas accept what the schema library accepts, one by one and all together."""

import copy
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend

from s2mock.json_bodies.serde_forms import normalize
from s2mock.json_bodies.validators import FORMATS, SchemaNode, schema_node
from s2mock.registry.values.errors import BadJson, S2Error

SCHEMAS = sorted(
    file.name.removesuffix(".json") for file in (files("s2mock.json_bodies") / "schemas").iterdir()
)
JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**64 - 1, 2**64, 1.0, 1.5, "", "x", "\ud800", "\0", "x" * 600),
    *([], {}, [None], [[]], ["a", "b"], {"x": 1}, {"\udfff": 1}, {"arrival": None}),
)
TEXTS = {
    "basin-name": ["my-basin", "short"],
    "rfc3339": ["2030-01-01T00:00:00Z", "2030-13-01T00:00:00Z"],
    "location-name": ["aws:us-east-1", "no spaces"],
    "fencing-token": ["", "x" * 36, "x" * 37, "é" * 19],
}


def documents(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What the schema accepts, nearly."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    right: st.SearchStrategy[Any]
    match kinds[0]:
        case "object":
            fields = {name: documents(below) for name, below in schema["properties"].items()}
            right = st.fixed_dictionaries({}, optional=fields)
            right |= st.tuples(right, st.sampled_from(["x", "\ud800"])).map(
                lambda pair: {**pair[0], pair[1]: 1}
            )
            if "maxProperties" in schema:
                right |= st.sampled_from(sorted(fields)).flatmap(
                    lambda name: st.fixed_dictionaries({name: fields[name]})
                )
            if "required" in schema:
                right |= st.fixed_dictionaries(fields)
        case "array" if "items" in schema:
            right = st.lists(documents(schema["items"]), max_size=3)
        case "array":
            right = st.lists(st.sampled_from(["a", "", "é"]), min_size=1, max_size=3)
        case "string":
            known = schema.get("enum") or TEXTS.get(schema.get("format", ""), ["a", "é", ""])
            right = st.sampled_from(known)
        case "integer":
            right = st.sampled_from([0, 1, 2**64 - 1])
        case _:
            right = st.booleans()
    # One in eight is anything, so that most are nearly right.
    return st.integers(0, 7).flatmap(lambda n: right if n else st.sampled_from(JUNK))


def loaded(name: str) -> dict[str, Any]:
    def plain(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: plain(value) for key, value in node.items() if key != "$schema"}
        return node

    schema: dict[str, Any] = plain(schema_node(name).schema)
    return schema


def is_text(text: str) -> bool:
    return text.encode("utf-8", "replace").decode() == text


def names_are_text(_: Any, properties: Any, instance: Any, schema: Any) -> Any:
    """The keyword of the library, and our own rule for the names of fields."""
    yield from Draft202012Validator.VALIDATORS["properties"](_, properties, instance, schema)
    if isinstance(instance, dict) and not all(map(is_text, instance)):
        yield from _.descend(1, False)


formats = FormatChecker(formats=())
for known_format, check in FORMATS.items():

    def is_valid(value: object, check: Any = check) -> bool:
        if isinstance(value, str) and is_text(value):
            check(value)
        return True

    formats.checks(known_format, raises=(S2Error, ValueError))(is_valid)

Validator: Any = extend(
    Draft202012Validator,
    {"properties": names_are_text},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: type(value) is int and value < 2**64,
            "string": lambda _, value: isinstance(value, str) and is_text(value),
        }
    ),
)
VALIDATORS = {name: Validator(loaded(name), format_checker=formats) for name in SCHEMAS}
DOCUMENTS = {name: documents(loaded(name)) for name in SCHEMAS}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS)
def test_as_the_library_does(name: str) -> None:
    validator, expected = VALIDATORS[name], schema_node(name)

    @settings(max_examples=50)
    @given(st.lists(DOCUMENTS[name], min_size=1, max_size=4))
    def check(drawn: list[Any]) -> None:
        each = [validator.is_valid(document) for document in drawn]
        assert [expected.accepts([document]) for document in drawn] == each
        assert expected.accepts(drawn) == all(each)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS)
def test_both_are_drawn(name: str) -> None:
    """What is compared above is now accepted and now refused."""
    is_valid = VALIDATORS[name].is_valid
    same_each_time = settings(max_examples=2000, derandomize=True, database=None)
    accepted = find(DOCUMENTS[name], is_valid, settings=same_each_time)
    refused = find(DOCUMENTS[name], lambda drawn: not is_valid(drawn), settings=same_each_time)
    assert schema_node(name).accepts([accepted])
    assert not schema_node(name).accepts([refused])


def outcome_of(document: Any, expected: SchemaNode) -> Any:
    try:
        return normalize(document, expected)
    except BadJson as error:
        return error


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_spelled_out_is_accepted(name: str) -> None:
    """And what is not is `bad_json`, in words that UTF-8 can hold."""

    @settings(max_examples=50)
    @given(DOCUMENTS[name])
    def check(document: Any) -> None:
        outcome = outcome_of(document, schema_node(name))
        if isinstance(outcome, BadJson):
            assert outcome.message.encode()
            assert not VALIDATORS[name].is_valid(document)
        else:
            assert VALIDATORS[name].is_valid(outcome)

    check()


@pytest.mark.sample(6)
@pytest.mark.parametrize("value", JUNK, ids=repr)
@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("append_input", lambda value: {"records": [{"timestamp": value}]}),
        ("append_input", lambda value: {"records": [{"headers": [["a", value]]}]}),
        ("append_input", lambda value: {"records": [{"headers": [value]}]}),
        ("append_input", lambda value: {"records": [], "fencing_token": value}),
        ("create_basin", lambda value: {"basin": value}),
        ("create_basin", lambda value: {"basin": "my-basin", "config": {"stream_cipher": value}}),
        ("stream_config", lambda value: {"retention_policy": value}),
        ("stream_config", lambda value: {"retention_policy": {"infinite": value}}),
        ("stream_config", lambda value: {"timestamping": {"uncapped": value}}),
        ("stream_config", lambda value: value),
        ("set_default_location", lambda value: value),
    ],
)
def test_anything_in_a_place(name: str, document: Callable[[Any], Any], value: Any) -> None:
    """Accepted, or refused in words that UTF-8 can hold."""
    outcome = outcome_of(document(copy.deepcopy(value)), schema_node(name))
    if isinstance(outcome, BadJson):
        assert outcome.message.encode()
    else:
        assert VALIDATORS[name].is_valid(outcome)


def test_schema_based_on_another_differs_by_its_own_members_only() -> None:
    """A field of a stream's configuration is in one file, and in all that are based on it."""
    complete, changes = loaded("stream_config"), loaded("stream_reconfiguration")
    assert complete["x-min-items"] == 3
    assert "x-min-items" not in changes
    assert list(changes["properties"]) == list(complete["properties"])
    assert changes["properties"]["retention_policy"] == complete["properties"]["retention_policy"]
    ages = [
        one["properties"]["delete_on_empty"]["properties"]["min_age_secs"]
        for one in (complete, changes)
    ]
    assert ages == [
        {"type": kinds, "minimum": 0, "description": "seconds"}
        for kinds in ("integer", ["integer", "null"])
    ]
    resource = loaded("resource_stream_config")["properties"]
    assert list(resource) == list(complete["properties"])
    assert list(resource["delete_on_empty"]["properties"]) == ["min_age"]
    assert loaded("basin_reconfiguration")["properties"]["default_stream_config"] == changes
    assert list(loaded("ensure_basin")["properties"]) == ["config", "location"]
