"""Ensure a basin: `PUT /v1/basins/{basin}` (reference: control_plane §4.4)."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.basins import DEFAULT_LOCATIONS
from s2mock.contract.client import Answer, Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import AGE_OF_ZERO

DEFAULT_CONFIG: dict[str, Any] = {
    "default_stream_config": None,
    "stream_cipher": None,
    "create_stream_on_append": False,
    "create_stream_on_read": False,
}


def ensure(s2: Client, basin: str, config: Any = ...) -> Answer:
    """Ensure a basin, by default without a body."""
    document = ... if config is ... else {"config": config}
    return s2.request("PUT", f"/v1/basins/{basin}", document)


def config_of(s2: Client, basin: str) -> Any:
    """The configuration that the basin has."""
    return s2.request("GET", f"/v1/basins/{basin}").json


@control_case(18, 25)
def test_a_new_basin_without_a_body(target: Client, fresh: Callable[[], str]) -> None:
    """Without a body a basin of default configuration is made: 201 `created` (§4.4)."""
    basin = fresh()
    answer = ensure(target, basin)
    assert (answer.status, answer.result) == (201, "created")
    assert list(answer.json) == ["name", "location", "created_at", "deleted_at", "state"]
    assert (answer.json["name"], answer.json["state"]) == (basin, "active")
    assert config_of(target, basin) == DEFAULT_CONFIG


@control_case(19)
def test_the_configuration_that_it_has(target: Client, fresh: Callable[[], str]) -> None:
    """What GET answers can be put back: 200 `noop`, the same times (§4.4)."""
    basin = fresh()
    config = {
        "default_stream_config": {"timestamping": {"mode": "arrival"}, "delete_on_empty": {}},
        "stream_cipher": "aes-256-gcm",
        "create_stream_on_read": True,
    }
    first = ensure(target, basin, config)
    again = ensure(target, basin, config_of(target, basin))
    assert (again.status, again.result, again.json) == (200, "noop", first.json)


@control_case(20)
def test_a_changed_flag(target: Client, fresh: Callable[[], str]) -> None:
    """Another configuration: 200 `updated`, and GET shows it; `created_at` stays (§4.4)."""
    basin = fresh()
    first = ensure(target, basin)
    again = ensure(target, basin, {"create_stream_on_append": True})
    assert (again.status, again.result, again.json) == (200, "updated", first.json)
    assert config_of(target, basin) == {**DEFAULT_CONFIG, "create_stream_on_append": True}


@control_case(21)
def test_the_whole_configuration_is_replaced(target: Client, fresh: Callable[[], str]) -> None:
    """An ensure does not merge: what it leaves out goes back to unset (§4.4)."""
    basin = fresh()
    defaults = {"storage_class": "standard", "retention_policy": {"infinite": {}}}
    ensure(target, basin, {"default_stream_config": defaults, "create_stream_on_append": True})
    assert ensure(target, basin, {"create_stream_on_read": True}).result == "updated"
    assert config_of(target, basin) == {**DEFAULT_CONFIG, "create_stream_on_read": True}


@control_case(22)
def test_an_explicit_zero_is_kept(target: Client, fresh: Callable[[], str]) -> None:
    """`delete_on_empty` of 0 seconds is a value, not an absence (§4.2, §4.4)."""
    basin = fresh()
    config: dict[str, Any] = {"default_stream_config": {"delete_on_empty": {"min_age_secs": 0}}}
    assert ensure(target, basin, config).result == "created"
    assert ensure(target, basin, config).result == "noop"
    stored = config_of(target, basin)["default_stream_config"]
    assert stored == {
        "storage_class": None,
        "retention_policy": None,
        "timestamping": None,
        "delete_on_empty": {"min_age_secs": 0},
    }
    assert ensure(target, basin, {}).result == "updated"
    for spelling, result in (({}, "updated"), ({"unknown": 60}, "noop"), (None, "updated")):
        config = {"default_stream_config": {"delete_on_empty": spelling}}
        assert ensure(target, basin, config).result == result
    config = {"default_stream_config": {"delete_on_empty": {"unknown": 60}}}
    assert ensure(target, basin, config).result == "updated"
    assert config_of(target, basin)["default_stream_config"] == stored


@control_case(23)
def test_a_body_without_a_content_type_is_no_body(target: Client, fresh: Callable[[], str]) -> None:
    """Where a body is optional, one without a content type is not looked at (§2.2)."""
    basin = fresh()
    for body in (b'{"config":{"create_stream_on_append":true}}', b"\xff not JSON"):
        answer = target.request("PUT", f"/v1/basins/{basin}", body=body)
        assert answer.status in (200, 201), answer
    assert config_of(target, basin) == DEFAULT_CONFIG


@pytest.mark.parametrize("config", [None, {}, {"default_stream_config": {"timestamping": {}}}])
def test_configurations_that_say_nothing(s2: Client, config: Any) -> None:
    """Absent, null and empty are the default configuration (§4.4)."""
    assert ensure(s2, s2.basin or "", config).result == "noop"


@pytest.mark.parametrize("document", [{}, {"config": None}, {"basin": "x", "unknown": [1]}])
def test_documents_without_a_configuration(s2: Client, document: Any) -> None:
    """A `basin` key is an unknown one here, and ignored (§4.2)."""
    answer = s2.request("PUT", f"/v1/basins/{s2.basin}", document)
    assert (answer.status, answer.result) == (200, "noop")


def test_a_location_changes_nothing(s2: Client) -> None:
    """s2-lite checks a location and drops it; others refuse one that is not the basin's (§4.4)."""
    path = f"/v1/basins/{s2.basin}"
    answer = s2.request("PUT", path, {"location": "aws:eu-west-1"})
    assert answer.status == 422 or (answer.status, answer.result) == (200, "noop")
    assert s2.request("PUT", path, {}).json["location"] in DEFAULT_LOCATIONS


def test_the_configuration_is_at_the_key_config(s2: Client) -> None:
    """Flags at the top level are unknown keys (§4.2)."""
    answer = s2.request("PUT", f"/v1/basins/{s2.basin}", {"create_stream_on_append": True})
    assert answer.result == "noop"
    assert config_of(s2, s2.basin or "") == DEFAULT_CONFIG


def test_an_age_of_zero_is_invalid_and_changes_nothing(s2: Client) -> None:
    """422, on a basin that exists too (§4.2)."""
    config = {
        "default_stream_config": {"retention_policy": {"age": 0}},
        "create_stream_on_append": True,
    }
    assert ensure(s2, s2.basin or "", config).error == AGE_OF_ZERO
    assert config_of(s2, s2.basin or "") == DEFAULT_CONFIG
