"""Unusual spellings that S2 accepts (reference: control_plane §2.2).

An object may be an array of its values, in field order; a word may be an object of one null.
"""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.client import Client
from s2mock.contract.errors import bad_json
from s2mock.contract.streams import SYSTEM_DEFAULTS


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ([None, None, None], {}),
        ([None, None, None, None], {}),
        (["standard", {"age": 5}, None, None], {"storage_class": "standard", "age": 5}),
        (["standard", None, ["arrival", True], [7]], {"storage_class": "standard", "deep": True}),
        ({"retention_policy": {"infinite": []}}, {"infinite": True}),
        ({"timestamping": {"mode": {"arrival": None}}}, {"mode": "arrival"}),
        ({"delete_on_empty": []}, {}),
    ],
    ids=str,
)
def test_what_is_taken(s2: Client, config: Any, expected: dict[str, Any]) -> None:
    """The spelling makes no difference to the configuration (§2.2)."""
    wanted = {**SYSTEM_DEFAULTS}
    if "storage_class" in expected:
        wanted["storage_class"] = expected["storage_class"]
    if "age" in expected:
        wanted["retention_policy"] = {"age": expected["age"]}
    if "infinite" in expected:
        wanted["retention_policy"] = {"infinite": {}}
    if "mode" in expected:
        wanted["timestamping"] = {"mode": expected["mode"], "uncapped": False}
    if "deep" in expected:
        wanted["timestamping"] = {"mode": "arrival", "uncapped": True}
        wanted["delete_on_empty"] = {"min_age_secs": 7}
    for answer in (
        s2.request("POST", "/v1/streams", {"stream": "object", "config": config}),
        s2.request("POST", "/v1/streams", ["array", config]),
        s2.request("PUT", "/v1/streams/put", config),
    ):
        assert (answer.status, answer.result) == (201, "created"), answer
        stored = s2.request("GET", f"/v1/streams/{answer.json['name']}").json
        assert stored == wanted


@pytest.mark.parametrize(
    "document",
    [
        [],
        [None],
        ["standard"],
        ["standard", {"age": 5}, ["arrival"], []],
        [None, None, [], [None]],
    ],
    ids=str,
)
def test_a_reconfiguration_may_be_an_array_of_any_length(s2: Client, document: Any) -> None:
    """What the array does not reach is not mentioned (§2.2)."""
    s2.request("PUT", "/v1/streams/s", {"storage_class": "x", "retention_policy": {"age": 9}})
    answer = s2.request("PATCH", "/v1/streams/s", document)
    assert answer.status == 200
    mentioned = len(document) > 0
    assert answer.json["storage_class"] == ("x" if not mentioned else document[0] or "express")
    age = {"age": 9} if len(document) < 2 else document[1] or {"age": 604800}
    assert answer.json["retention_policy"] == age


@pytest.mark.parametrize(
    ("config", "cipher", "on_append"),
    [
        ([None, None], None, False),
        ([None, "aegis-256"], "aegis-256", False),
        ([None, {"aes-256-gcm": None}, True], "aes-256-gcm", True),
        ([[None, None, None], None, True, False], None, True),
        ({"stream_cipher": {"aegis-256": None}}, "aegis-256", False),
    ],
    ids=str,
)
def test_a_basin(
    target: Client, fresh: Callable[[], str], config: Any, cipher: str | None, *, on_append: bool
) -> None:
    """A basin's configuration has the same freedom (§2.2)."""
    by_create, by_ensure = fresh(), fresh()
    created = target.request("POST", "/v1/basins", [by_create, config, None])
    ensured = target.request("PUT", f"/v1/basins/{by_ensure}", [config, None])
    for answer, basin in ((created, by_create), (ensured, by_ensure)):
        assert (answer.status, answer.result) == (201, "created"), answer
        assert target.request("GET", f"/v1/basins/{basin}").json == {
            "default_stream_config": None,
            "stream_cipher": cipher,
            "create_stream_on_append": on_append,
            "create_stream_on_read": False,
        }


@pytest.mark.parametrize(
    ("method", "path", "document", "reason"),
    [
        ("POST", "basins", ["abcdefgh", None], "2, expected struct CreateBasinRequest with 3"),
        ("POST", "basins", [], "0, expected struct CreateBasinRequest with 3"),
        ("PUT", "basins/{basin}", [None], "1, expected struct EnsureBasinRequest with 2"),
        ("PUT", "basins/{basin}", [[None], None], "1, expected struct BasinConfig with 4"),
        ("POST", "streams", ["s"], "1, expected struct CreateStreamRequest with 2"),
        ("PUT", "streams/s", [None, None], "2, expected struct StreamConfig with 4"),
        ("PUT", "streams/s", [None, None, [None]], "1, expected struct TimestampingConfig with 2"),
    ],
    ids=str,
)
def test_an_array_that_is_too_short(
    s2: Client, method: str, path: str, document: Any, reason: str
) -> None:
    """Only fields that have a default may be missing at its end (§2.2)."""
    answer = s2.request(method, f"/v1/{path.format(basin=s2.basin)}", document)
    assert answer.error == bad_json(f"invalid length {reason} elements")


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", "streams", ["s", None, None]),
        ("PUT", "streams/s", [None] * 5),
        ("PATCH", "streams/s", [None] * 5),
        ("PUT", "streams/s", {"delete_on_empty": [5, 6]}),
        ("PUT", "streams/s", {"retention_policy": {"infinite": [1]}}),
        ("PATCH", "basins/{basin}", [None, None, True, False, 5]),
    ],
    ids=str,
)
def test_an_array_that_is_too_long(s2: Client, method: str, path: str, document: Any) -> None:
    """There is no field for what is left over (§2.2)."""
    error = s2.request(method, f"/v1/{path.format(basin=s2.basin)}", document).error
    assert error[:2] == (400, "bad_json")
    assert error.reason.startswith("trailing characters")


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (
            {"foo": None},
            "unknown variant `foo`, expected one of `client-prefer`, `client-require`, `arrival`",
        ),
        ({"arrival": 5}, "invalid type: integer `5`, expected unit"),
        ({"arrival": {}}, "invalid type: map, expected unit"),
    ],
    ids=str,
)
def test_a_word_that_is_spelled_as_an_object(s2: Client, mode: Any, reason: str) -> None:
    """It has to be one of the words, and its value null (§2.2)."""
    answer = s2.request("PUT", "/v1/streams/s", {"timestamping": {"mode": mode}})
    assert answer.error == bad_json(reason)
