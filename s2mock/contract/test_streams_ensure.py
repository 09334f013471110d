"""Ensure a stream: `PUT /v1/streams/{stream}` (reference: control_plane §5.5)."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.client import Answer, Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import AGE_OF_ZERO, basin_not_found
from s2mock.contract.streams import SYSTEM_DEFAULTS


def ensure(s2: Client, config: Any = ...) -> Answer:
    """Ensure the stream `s`, by default without a body."""
    return s2.request("PUT", "/v1/streams/s", config)


def config_of(s2: Client) -> Any:
    """The configuration that the stream `s` has."""
    return s2.request("GET", "/v1/streams/s").json


@control_case(62)
def test_created_then_noop_then_updated(s2: Client) -> None:
    """201 for a new stream, 200 with or without a change; always the stream's info (§5.5)."""
    config = {"retention_policy": {"age": 60}}
    first = ensure(s2, config)
    assert (first.status, first.result) == (201, "created")
    assert list(first.json) == ["name", "created_at", "deleted_at", "cipher"]
    same = ensure(s2, config)
    assert (same.status, same.result, same.json) == (200, "noop", first.json)
    changed = ensure(s2, {"retention_policy": {"age": 61}})
    assert (changed.status, changed.result, changed.json) == (200, "updated", first.json)
    assert config_of(s2)["retention_policy"] == {"age": 61}


def test_what_get_answers_can_be_put_back(s2: Client) -> None:
    """The resolved configuration is a configuration (§5.5)."""
    ensure(s2, {"timestamping": {"mode": "arrival"}})
    assert ensure(s2, config_of(s2)).result == "noop"


@control_case(63)
def test_the_whole_configuration_is_replaced(s2: Client) -> None:
    """What the body leaves out goes back to the defaults (§5.5)."""
    ensure(s2, {"storage_class": "standard", "delete_on_empty": {"min_age_secs": 9}})
    assert ensure(s2, {"timestamping": {"mode": "arrival"}}).result == "updated"
    assert config_of(s2) == {
        **SYSTEM_DEFAULTS,
        "timestamping": {"mode": "arrival", "uncapped": False},
    }
    assert ensure(s2).result == "updated"
    assert config_of(s2) == SYSTEM_DEFAULTS


@control_case(64)
def test_explicit_values_that_the_stream_has(s2: Client) -> None:
    """The result depends on what is stored, not on the basin's defaults (§5.5)."""
    ensure(s2)
    s2.request(
        "PATCH",
        f"/v1/basins/{s2.basin}",
        {
            "default_stream_config": {
                "storage_class": "standard",
                "retention_policy": {"infinite": {}},
                "timestamping": {"mode": "arrival", "uncapped": True},
                "delete_on_empty": {"min_age_secs": 60},
            }
        },
    )
    assert ensure(s2, SYSTEM_DEFAULTS).result == "noop"
    assert ensure(s2).result == "updated"
    assert config_of(s2)["storage_class"] == "standard"


@control_case(65)
def test_the_configuration_is_the_body(s2: Client) -> None:
    """There is no key `config` around it: that is an unknown key, and ignored (§5.2)."""
    answer = ensure(s2, {"config": {"storage_class": "standard"}})
    assert (answer.status, answer.result) == (201, "created")
    assert config_of(s2) == SYSTEM_DEFAULTS


@pytest.mark.parametrize("body", [b'{"storage_class":"standard"}', b"\xff not JSON", b""])
def test_a_body_without_a_content_type_is_no_body(s2: Client, body: bytes) -> None:
    """Where a body is optional, one without a content type is not looked at (§2.2)."""
    answer = s2.request("PUT", "/v1/streams/s", body=body)
    assert (answer.status, answer.result) == (201, "created")
    assert config_of(s2) == SYSTEM_DEFAULTS


def test_a_missing_basin(target: Client, fresh: Callable[[], str]) -> None:
    """404, naming the basin (§5.5)."""
    s2 = target.in_basin(fresh())
    assert ensure(s2).error == basin_not_found(s2.basin)


@pytest.mark.parametrize("existing", [True, False])
def test_an_age_of_zero_is_invalid_and_changes_nothing(s2: Client, *, existing: bool) -> None:
    """422, whether the stream exists or not (§5.3)."""
    if existing:
        ensure(s2)
    config = {"storage_class": "standard", "retention_policy": {"age": 0}}
    assert ensure(s2, config).error == AGE_OF_ZERO
    answer = s2.request("GET", "/v1/streams/s")
    assert answer.json == SYSTEM_DEFAULTS if existing else answer.status == 404


def test_the_token_of_a_create_survives(s2: Client) -> None:
    """An ensure leaves the replay of the original create alone (§5.5)."""
    token = {"s2-request-token": "once"}
    first = s2.request("POST", "/v1/streams", {"stream": "s"}, headers=token)
    ensure(s2, {"storage_class": "standard"})
    again = s2.request("POST", "/v1/streams", {"stream": "s"}, headers=token)
    assert (again.status, again.result, again.json) == (201, "noop", first.json)
