"""PATCH: what is absent is kept, null clears, a value sets; at every level of a configuration.

Source: reference: control_plane §4.5, §5.6.
"""

from typing import Any

import pytest

from tests.calls import Api
from tests.conftest import BASIN

STREAM = "/v1/streams/s"

SYSTEM = {
    "storage_class": "express",
    "retention_policy": {"age": 604800},
    "timestamping": {"mode": "client-prefer", "uncapped": False},
    "delete_on_empty": {"min_age_secs": 0},
}
DEFAULTS = {
    "storage_class": "standard",
    "retention_policy": {"infinite": {}},
    "timestamping": {"mode": "client-require", "uncapped": True},
    "delete_on_empty": {"min_age_secs": 300},
}
STORED = {
    "storage_class": "mine",
    "retention_policy": {"age": 7},
    "timestamping": {"mode": "arrival", "uncapped": False},
    "delete_on_empty": {"min_age_secs": 60},
}

# The patch, and what the stream's configuration then has that STORED had not; "default" means
# what the basin, or else the system, has there.
STREAM_PATCHES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"unknown": {"x": None}}, {}),
    ({"storage_class": None}, {"storage_class": "default"}),
    ({"storage_class": "other"}, {"storage_class": "other"}),
    ({"retention_policy": None}, {"retention_policy": "default"}),
    ({"retention_policy": {"age": 1}}, {"retention_policy": {"age": 1}}),
    ({"retention_policy": {"infinite": {}}}, {"retention_policy": {"infinite": {}}}),
    ({"retention_policy": {"age": 2**64 - 1}}, {"retention_policy": {"age": 2**64 - 1}}),
    ({"timestamping": None}, {"timestamping": "default"}),
    ({"timestamping": {}}, {}),
    ({"timestamping": {"unknown": None}}, {}),
    ({"timestamping": {"mode": None}}, {"timestamping.mode": "default"}),
    ({"timestamping": {"mode": "client-prefer"}}, {"timestamping.mode": "client-prefer"}),
    ({"timestamping": {"uncapped": None}}, {"timestamping.uncapped": "default"}),
    ({"timestamping": {"uncapped": True}}, {"timestamping.uncapped": True}),
    ({"timestamping": {"uncapped": False}}, {"timestamping.uncapped": False}),
    (
        {"timestamping": {"mode": None, "uncapped": True}},
        {"timestamping.mode": "default", "timestamping.uncapped": True},
    ),
    ({"delete_on_empty": None}, {"delete_on_empty": "default"}),
    ({"delete_on_empty": {}}, {}),
    ({"delete_on_empty": {"min_age_secs": None}}, {"delete_on_empty": "default"}),
    ({"delete_on_empty": {"min_age_secs": 0}}, {"delete_on_empty": {"min_age_secs": 0}}),
    ({"delete_on_empty": {"min_age_secs": 3600}}, {"delete_on_empty": {"min_age_secs": 3600}}),
    (
        {
            "storage_class": None,
            "retention_policy": None,
            "timestamping": None,
            "delete_on_empty": None,
        },
        dict.fromkeys(STORED, "default"),
    ),
    (
        {"storage_class": "other", "retention_policy": None, "delete_on_empty": {}},
        {"storage_class": "other", "retention_policy": "default"},
    ),
]


def changed(
    stored: dict[str, Any], defaults: dict[str, Any], changes: dict[str, Any]
) -> dict[str, Any]:
    expected = {**stored, "timestamping": {**stored["timestamping"]}}
    for path, value in changes.items():
        target, source = expected, defaults
        *outer, leaf = path.split(".")
        for step in outer:
            target, source = target[step], source[step]
        target[leaf] = source[leaf] if value == "default" else value
    return expected


@pytest.mark.parametrize(("patch", "changes"), STREAM_PATCHES, ids=lambda part: str(part)[:60])
@pytest.mark.parametrize("basin_defaults", [None, DEFAULTS], ids=["system", "basin"])
def test_stream(
    s2: Api,
    basin_defaults: dict[str, Any] | None,
    patch: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    s2.call("PATCH", f"/v1/basins/{BASIN}", {"default_stream_config": basin_defaults})
    made = s2.create_stream("s", STORED)
    reply = s2.call("PATCH", STREAM, patch)
    expected = changed(STORED, basin_defaults or SYSTEM, changes)
    assert (reply.status, reply.json, reply.result) == (200, expected, None)
    assert list(reply.json) == list(SYSTEM)
    assert s2.stream_config("s") == expected
    assert s2.call("GET", "/v1/streams").json["streams"] == [made.json]


def test_null_takes_the_defaults_of_now(s2: Api) -> None:
    s2.create_stream("s", STORED)
    s2.call("PATCH", f"/v1/basins/{BASIN}", {"default_stream_config": DEFAULTS})
    assert s2.call("PATCH", STREAM, {}).json == STORED
    assert s2.call("PATCH", STREAM, dict.fromkeys(STORED)).json == DEFAULTS
    s2.call("PATCH", f"/v1/basins/{BASIN}", {"default_stream_config": None})
    # What was filled in is now the stream's own.
    assert s2.call("PATCH", STREAM, {}).json == DEFAULTS
    assert s2.call("PATCH", STREAM, dict.fromkeys(STORED)).json == SYSTEM


FLAGS = {"create_stream_on_append": True, "create_stream_on_read": True}
BASIN_STORED = {"default_stream_config": STORED, "stream_cipher": "aegis-256", **FLAGS}

BASIN_PATCHES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"unknown": None, "config": {"stream_cipher": None}}, {}),
    ({"default_stream_config": None}, {"default_stream_config": None}),
    ({"default_stream_config": {}}, {}),
    ({"stream_cipher": None}, {"stream_cipher": None}),
    ({"stream_cipher": "aes-256-gcm"}, {"stream_cipher": "aes-256-gcm"}),
    ({"create_stream_on_append": False}, {"create_stream_on_append": False}),
    ({"create_stream_on_read": False}, {"create_stream_on_read": False}),
    # Here nothing falls back to anything: what is cleared is unset.
    (
        {"default_stream_config": {"storage_class": None}},
        {"default_stream_config": {**STORED, "storage_class": None}},
    ),
    (
        {"default_stream_config": {"retention_policy": None}},
        {"default_stream_config": {**STORED, "retention_policy": None}},
    ),
    (
        {"default_stream_config": {"timestamping": {"mode": None}}},
        {"default_stream_config": {**STORED, "timestamping": {"mode": None, "uncapped": False}}},
    ),
    (
        {"default_stream_config": {"timestamping": {"mode": None, "uncapped": None}}},
        {"default_stream_config": {**STORED, "timestamping": None}},
    ),
    (
        {"default_stream_config": {"timestamping": None}},
        {"default_stream_config": {**STORED, "timestamping": None}},
    ),
    (
        {"default_stream_config": {"delete_on_empty": {"min_age_secs": None}}},
        {"default_stream_config": {**STORED, "delete_on_empty": None}},
    ),
    (
        {"default_stream_config": {"delete_on_empty": {"min_age_secs": 0}}},
        {"default_stream_config": {**STORED, "delete_on_empty": {"min_age_secs": 0}}},
    ),
    ({"default_stream_config": dict.fromkeys(STORED)}, {"default_stream_config": None}),
    (
        {"default_stream_config": {"storage_class": "x"}, "create_stream_on_read": False},
        {
            "default_stream_config": {**STORED, "storage_class": "x"},
            "create_stream_on_read": False,
        },
    ),
]


@pytest.mark.parametrize(("patch", "changes"), BASIN_PATCHES, ids=lambda part: str(part)[:60])
def test_basin(api: Api, patch: dict[str, Any], changes: dict[str, Any]) -> None:
    made = api.create_basin("new-basin", BASIN_STORED)
    reply = api.call("PATCH", "/v1/basins/new-basin", patch)
    expected = BASIN_STORED | changes
    assert (reply.status, reply.json, reply.result) == (200, expected, None)
    assert list(reply.json) == list(BASIN_STORED)
    assert api.basin_config("new-basin") == expected
    assert api.call("GET", "/v1/basins").json["basins"] == [made.json]


def test_basin_defaults_are_shown_as_they_were_set(s2: Api) -> None:
    nothing = {
        "default_stream_config": None,
        "stream_cipher": None,
        "create_stream_on_append": False,
        "create_stream_on_read": False,
    }
    assert s2.basin_config(BASIN) == nothing
    patch = {"default_stream_config": {"timestamping": {"uncapped": True}}}
    assert s2.call("PATCH", f"/v1/basins/{BASIN}", patch).json["default_stream_config"] == {
        "storage_class": None,
        "retention_policy": None,
        "timestamping": {"mode": None, "uncapped": True},
        "delete_on_empty": None,
    }


@pytest.mark.parametrize("flag", FLAGS)
def test_flag_cannot_be_cleared(s2: Api, flag: str) -> None:
    before = s2.everything()
    reply = s2.call("PATCH", f"/v1/basins/{BASIN}", {"stream_cipher": "aegis-256", flag: None})
    assert reply.refuses(400, "bad_json", "invalid type: null, expected a boolean")
    assert s2.everything() == before


@pytest.mark.parametrize(
    ("path", "patch"),
    [
        (STREAM, {"storage_class": "x", "retention_policy": {"age": 0}}),
        (f"/v1/basins/{BASIN}", {"default_stream_config": {"retention_policy": {"age": 0}}}),
    ],
    ids=["stream", "basin"],
)
def test_invalid_value_changes_nothing(s2: Api, path: str, patch: dict[str, Any]) -> None:
    s2.create_stream("s", STORED)
    before = s2.everything()
    reply = s2.call("PATCH", path, patch)
    assert reply.refuses(422, "invalid", "age must be greater than 0 seconds")
    assert s2.everything() == before
