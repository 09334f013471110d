"""The arguments of `inject`, `hold` and `Journal.of` as values: their checks, JSON and texts."""

import json
from typing import Any

import pytest

from s2mock import Cut, Delay, Drop, Fail
from s2mock.powers.exchange_filter import ExchangeFilter
from s2mock.powers.hold import HoldArguments
from s2mock.powers.injection import InjectArguments

INJECTED: list[tuple[Any, dict[str, Any], str]] = [
    (Drop(), {"on": "append"}, "inject(Drop(), on='append')"),
    (
        Fail("unavailable", committed=True),
        {"on": ["append", "trim"], "basin": "my-*", "stream": "log", "skip": 2, "times": None},
        (
            "inject(Fail('unavailable', committed=True), on=('append', 'trim'), basin='my-*', "
            "stream='log', skip=2, times=None)"
        ),
    ),
    (
        Delay(float("inf")),
        {"on": "read", "times": 3, "required": False},
        "inject(Delay(inf), on='read', times=3)",
    ),
]


@pytest.mark.parametrize(("fault", "given", "text"), INJECTED)
def test_arguments_of_inject_survive_json(fault: Any, given: dict[str, Any], text: str) -> None:
    arguments = InjectArguments.make(fault, **given)
    document = json.loads(json.dumps(arguments.to_json()))
    assert InjectArguments.from_json(document) == arguments
    assert {*document} == {"fault", "on", "basin", "stream", "skip", "times", "required"}
    assert arguments.text == text
    assert arguments != InjectArguments.make(Cut(bytes=1), **given)


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_faults_affects_as_many_operations(kind: type) -> None:
    arguments = InjectArguments.make(kind([Drop(), None, Drop()]), on="append")
    assert arguments.text == "inject([Drop(), None, Drop()], on='append')"
    document = arguments.to_json()
    assert document["fault"] == [{"Drop": {}}, None, {"Drop": {}}]
    assert document.pop("times") == 3
    assert InjectArguments.from_json(document) == arguments


def test_arguments_of_inject_are_values() -> None:
    """They do not change with the list from which they were made."""
    faults = [Drop(), None]
    arguments = InjectArguments.make(faults, on="append")
    faults.append(Drop())
    assert arguments == InjectArguments.make([Drop(), None], on="append")
    assert hash(arguments) == hash(InjectArguments.make([Drop(), None], on="append"))


@pytest.mark.parametrize(
    "given",
    [
        {"on": "append"},
        {"on": ["read"], "basin": "my-*", "stream": "log", "skip": 1, "times": None},
        {"on": "append", "at": "arrival", "times": 2, "required": False},
    ],
)
def test_arguments_of_hold_survive_json(given: dict[str, Any]) -> None:
    arguments = HoldArguments.make(**given)
    document = json.loads(json.dumps(arguments.to_json()))
    assert HoldArguments.make(**document) == arguments
    assert arguments.text.endswith(f", at={given.get('at', 'commit')!r})")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "exchanges"),
        ({"operation": "append", "basin": "my-*", "status": 200}, "append in my-* with status 200"),
        ({"operation": ["read", "append"], "stream": "log", "after": 3}, "read/append on log"),
    ],
)
def test_a_filter_survives_its_query(given: dict[str, Any], text: str) -> None:
    chosen = ExchangeFilter.make(**given)
    assert ExchangeFilter.make(**chosen.to_query()) == chosen
    assert str(chosen) == text


def test_an_unknown_operation_of_a_filter_is_named_as_the_argument() -> None:
    with pytest.raises(ValueError, match=r"^operation='apend' is no operation: did you mean"):
        ExchangeFilter.make("apend")
