"""Read and reconfigure a basin: GET and PATCH `/v1/basins/{basin}` (reference: control_plane §4.5).

In a reconfiguration an absent key keeps what is there, null clears it, a value sets it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.client import Answer, Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import AGE_OF_ZERO, basin_not_found

DEFAULTS: dict[str, Any] = {
    "storage_class": "standard",
    "retention_policy": {"age": 3600},
    "timestamping": {"mode": "arrival", "uncapped": True},
    "delete_on_empty": {"min_age_secs": 60},
}
CONFIG: dict[str, Any] = {
    "default_stream_config": DEFAULTS,
    "stream_cipher": "aegis-256",
    "create_stream_on_append": True,
    "create_stream_on_read": True,
}


@pytest.fixture
def configured(s2: Client) -> Client:
    """A client in a basin that has every setting."""
    assert s2.request("PUT", f"/v1/basins/{s2.basin}", {"config": CONFIG}).status == 200
    return s2


def patch(s2: Client, document: Any) -> Answer:
    """Reconfigure the client's basin."""
    return s2.request("PATCH", f"/v1/basins/{s2.basin}", document)


def config_of(s2: Client) -> Any:
    """The configuration that the client's basin has."""
    return s2.request("GET", f"/v1/basins/{s2.basin}").json


@control_case(24)
def test_a_missing_basin_has_no_configuration(target: Client, fresh: Callable[[], str]) -> None:
    """GET of a missing basin: 404 with its name (§4.5)."""
    basin = fresh()
    answer = target.request("GET", f"/v1/basins/{basin}")
    assert answer.error == basin_not_found(basin)


@control_case(26)
def test_defaults_and_flags(s2: Client) -> None:
    """A reconfiguration answers the whole new configuration, which GET then shows (§4.5)."""
    answer = patch(
        s2,
        {
            "default_stream_config": {
                "storage_class": "standard",
                "timestamping": {"uncapped": True},
            },
            "create_stream_on_append": True,
        },
    )
    assert answer.status == 200
    assert answer.result is None
    assert answer.json == {
        "default_stream_config": {
            "storage_class": "standard",
            "retention_policy": None,
            "timestamping": {"mode": None, "uncapped": True},
            "delete_on_empty": None,
        },
        "stream_cipher": None,
        "create_stream_on_append": True,
        "create_stream_on_read": False,
    }
    assert config_of(s2) == answer.json


@control_case(27)
@pytest.mark.parametrize(
    "document",
    [
        {},
        {"default_stream_config": {}},
        {"default_stream_config": {"timestamping": {}, "delete_on_empty": {}}},
        {"config": {"create_stream_on_append": False}},
    ],
    ids=str,
)
def test_what_is_not_mentioned_stays(configured: Client, document: Any) -> None:
    """Absent keys keep their values, at every level (§4.5, §5.6)."""
    answer = patch(configured, document)
    assert (answer.status, answer.json) == (200, CONFIG)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"storage_class": None}, {"storage_class": None}),
        ({"retention_policy": None}, {"retention_policy": None}),
        ({"retention_policy": {"infinite": {}}}, {"retention_policy": {"infinite": {}}}),
        ({"timestamping": None}, {"timestamping": None}),
        (
            {"timestamping": {"mode": None}},
            {"timestamping": {"mode": None, "uncapped": True}},
        ),
        (
            {"timestamping": {"uncapped": None}},
            {"timestamping": {"mode": "arrival", "uncapped": None}},
        ),
        ({"timestamping": {"mode": None, "uncapped": None}}, {"timestamping": None}),
        (
            {"timestamping": {"mode": "client-prefer"}},
            {"timestamping": {"mode": "client-prefer", "uncapped": True}},
        ),
        ({"delete_on_empty": None}, {"delete_on_empty": None}),
        ({"delete_on_empty": {"min_age_secs": None}}, {"delete_on_empty": None}),
        (
            {"delete_on_empty": {"min_age_secs": 0}},
            {"delete_on_empty": {"min_age_secs": 0}},
        ),
    ],
    ids=str,
)
def test_one_leaf_of_the_defaults(
    configured: Client, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A value sets one leaf, null makes it unset, the others stay (§4.5, §5.6)."""
    answer = patch(configured, {"default_stream_config": change})
    assert answer.json == {**CONFIG, "default_stream_config": {**DEFAULTS, **expected}}
    assert config_of(configured) == answer.json


@pytest.mark.parametrize(
    "cleared", [None, dict.fromkeys(DEFAULTS)], ids=["null", "every leaf null"]
)
@control_case(29)
def test_no_defaults_are_null(configured: Client, cleared: Any) -> None:
    """Defaults with no leaf set are null in the answer (§4.2, §4.5)."""
    answer = patch(configured, {"default_stream_config": cleared})
    assert (answer.status, answer.json) == (200, {**CONFIG, "default_stream_config": None})


@pytest.mark.parametrize("cipher", [None, "aes-256-gcm"])
def test_the_cipher(configured: Client, cipher: str | None) -> None:
    """The cipher of new streams can be changed and cleared (§4.5)."""
    answer = patch(configured, {"stream_cipher": cipher})
    assert (answer.status, answer.json) == (200, {**CONFIG, "stream_cipher": cipher})


@control_case(28)
@pytest.mark.parametrize("flag", ["create_stream_on_append", "create_stream_on_read"])
def test_a_flag_is_true_or_false(configured: Client, flag: str) -> None:
    """The flags can be set but not cleared: null is an error (§4.5)."""
    error = patch(configured, {flag: None}).error
    assert error == (400, "bad_json", "invalid type: null, expected a boolean")
    assert config_of(configured) == CONFIG
    assert patch(configured, {flag: False}).json == {**CONFIG, flag: False}


@control_case(30)
@pytest.mark.parametrize("document", [{}, {"create_stream_on_append": True}])
def test_a_missing_basin(target: Client, fresh: Callable[[], str], document: Any) -> None:
    """PATCH makes no basin (§4.5)."""
    basin = fresh()
    error = patch(target.in_basin(basin), document).error
    assert error == basin_not_found(basin)


@control_case(31)
def test_an_age_of_zero_is_invalid_and_changes_nothing(configured: Client) -> None:
    """422, and no part of the change happens (§4.5, §5.6)."""
    document = {
        "create_stream_on_append": False,
        "default_stream_config": {"retention_policy": {"age": 0}},
    }
    assert patch(configured, document).error == AGE_OF_ZERO
    assert config_of(configured) == CONFIG


def test_changed_defaults_are_for_streams_to_come(s2: Client) -> None:
    """A stream keeps the configuration that it was made with (§4.5, §5.4)."""
    s2.request("PUT", "/v1/streams/before")
    patch(s2, {"default_stream_config": {"storage_class": "standard"}})
    s2.request("PUT", "/v1/streams/after")
    classes = [
        s2.request("GET", f"/v1/streams/{stream}").json["storage_class"]
        for stream in ("before", "after")
    ]
    assert classes == ["express", "standard"]
