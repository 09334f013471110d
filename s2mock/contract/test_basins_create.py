"""Create a basin: `POST /v1/basins` (reference: control_plane §4.3)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.basins import DEFAULT_LOCATIONS
from s2mock.contract.client import Answer, Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import AGE_OF_ZERO, basin_exists
from s2mock.contract.passing_time import PassingTime

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"
TOKEN, OTHER_TOKEN = "create-once", "create-twice"

FULL_CONFIG: dict[str, Any] = {
    "default_stream_config": {
        "storage_class": "standard",
        "retention_policy": {"age": 86400},
        "timestamping": {"mode": "client-require", "uncapped": True},
        "delete_on_empty": {"min_age_secs": 3600},
    },
    "stream_cipher": "aegis-256",
    "create_stream_on_append": True,
    "create_stream_on_read": True,
}


def create(s2: Client, basin: str, config: Any = ..., *, token: str | None = None) -> Answer:
    """Create a basin."""
    document = {"basin": basin} if config is ... else {"basin": basin, "config": config}
    return s2.request("POST", "/v1/basins", document, headers={"s2-request-token": token})


@control_case(1)
def test_a_new_basin_is_described_with_all_its_keys(
    target: Client, fresh: Callable[[], str]
) -> None:
    """A create answers 201, says `created`, and describes the basin (§4.2, §4.3)."""
    basin = fresh()
    answer = create(target, basin)
    assert (answer.status, answer.result) == (201, "created")
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["name", "location", "created_at", "deleted_at", "state"]
    assert answer.json["location"] in DEFAULT_LOCATIONS
    expected = {"name": basin, "deleted_at": None, "state": "active"}
    assert answer.json == {**answer.json, **expected}


def test_times_are_rfc_3339_in_utc_without_trailing_zeros(s2: Client) -> None:
    """`created_at` has up to nine digits of a second, the last of them not a zero (§5.8)."""
    info = s2.request("PUT", f"/v1/basins/{s2.basin}").json
    assert re.fullmatch(TIME, info["created_at"]), info


def test_a_fraction_of_a_second_has_no_trailing_zeros(timed: PassingTime) -> None:
    """Half a second is `.5`, where the clock can be set to it (§5.8)."""
    timed.advance(1.5)
    info = timed.s2.request("PUT", "/v1/streams/s").json
    assert re.fullmatch(TIME, info["created_at"]), info


def test_json_answers_are_compact(target: Client, fresh: Callable[[], str]) -> None:
    """JSON bodies have no spaces, and a length (§1.5)."""
    answer = create(target, fresh())
    assert b" " not in answer.body
    assert answer.headers["content-length"] == str(len(answer.body))


@control_case(2)
def test_a_name_that_is_taken(s2: Client) -> None:
    """A second create without a token is a conflict (§4.3)."""
    assert create(s2, s2.basin or "").error == basin_exists(s2.basin)


@control_case(3)
def test_a_replay_answers_the_basin_that_was_made(target: Client, fresh: Callable[[], str]) -> None:
    """The same token and configuration again: 201, `noop`, the original times (§4.3)."""
    basin = fresh()
    first = create(target, basin, FULL_CONFIG, token=TOKEN)
    again = create(target, basin, FULL_CONFIG, token=TOKEN)
    assert (first.status, first.result) == (201, "created")
    assert (again.status, again.result) == (201, "noop")
    assert again.json == first.json


@control_case(4, 5)
@pytest.mark.parametrize(
    ("token", "config"),
    [
        pytest.param(OTHER_TOKEN, FULL_CONFIG, id="another token"),
        pytest.param(None, FULL_CONFIG, id="no token"),
        pytest.param(TOKEN, {**FULL_CONFIG, "create_stream_on_read": False}, id="another config"),
        pytest.param(TOKEN, None, id="no config"),
    ],
)
def test_what_is_no_replay(
    target: Client, fresh: Callable[[], str], token: str | None, config: Any
) -> None:
    """Another token, no token or another configuration: a conflict, nothing changes (§4.3)."""
    basin = fresh()
    create(target, basin, FULL_CONFIG, token=TOKEN)
    assert create(target, basin, config, token=token).error == basin_exists(basin)
    assert target.request("GET", f"/v1/basins/{basin}").json == FULL_CONFIG


@control_case(6)
def test_a_replay_after_a_change_finds_the_basin_and_keeps_the_change(
    target: Client, fresh: Callable[[], str]
) -> None:
    """The token remembers the original configuration, through PUT and PATCH (§4.3)."""
    basin = fresh()
    first = create(target, basin, FULL_CONFIG, token=TOKEN)
    target.request("PUT", f"/v1/basins/{basin}", {"config": {"create_stream_on_append": True}})
    target.request("PATCH", f"/v1/basins/{basin}", {"create_stream_on_read": True})
    changed = target.request("GET", f"/v1/basins/{basin}").json
    again = create(target, basin, FULL_CONFIG, token=TOKEN)
    assert (again.status, again.result, again.json) == (201, "noop", first.json)
    assert target.request("GET", f"/v1/basins/{basin}").json == changed


@control_case(7)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_basin_made_without_a_token_has_no_replay(
    target: Client, fresh: Callable[[], str], method: str
) -> None:
    """A token later on is no replay of a create without one, nor of an ensure (§4.3)."""
    basin = fresh()
    if method == "POST":
        create(target, basin)
    else:
        target.request("PUT", f"/v1/basins/{basin}", headers={"s2-request-token": TOKEN})
    assert create(target, basin, token=TOKEN).error == basin_exists(basin)


@control_case(8)
@pytest.mark.parametrize(
    "config",
    [
        None,
        {},
        {"create_stream_on_append": False},
        {"create_stream_on_append": False, "create_stream_on_read": False},
        {"stream_cipher": None},
        {"default_stream_config": None},
        {"default_stream_config": {}},
        {"default_stream_config": {"timestamping": {}}},
        {"default_stream_config": {"timestamping": {"mode": None, "uncapped": None}}},
        {"default_stream_config": {"storage_class": None, "delete_on_empty": None}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_configurations_that_say_nothing_are_equal(
    target: Client, fresh: Callable[[], str], config: Any
) -> None:
    """Absent, null, empty and default flags are one configuration to a replay (§4.3)."""
    basin = fresh()
    create(target, basin, token=TOKEN)
    assert create(target, basin, config, token=TOKEN).result == "noop"


@control_case(9)
@pytest.mark.parametrize(
    "defaults",
    [
        {"storage_class": "express"},
        {"retention_policy": {"age": 604800}},
        {"timestamping": {"mode": "client-prefer"}},
        {"timestamping": {"uncapped": False}},
        {"delete_on_empty": {}},
        {"delete_on_empty": {"min_age_secs": 0}},
    ],
    ids=str,
)
def test_a_default_that_is_spelled_out_is_another_configuration(
    target: Client, fresh: Callable[[], str], defaults: Any
) -> None:
    """To a replay, an explicit value differs from an absent one (§4.3)."""
    basin = fresh()
    create(target, basin, token=TOKEN)
    config = {"default_stream_config": defaults}
    assert create(target, basin, config, token=TOKEN).error == basin_exists(basin)


def test_one_token_makes_many_basins(target: Client, fresh: Callable[[], str]) -> None:
    """A token belongs to the name that it was used with (§4.3)."""
    for basin in (fresh(), fresh()):
        assert create(target, basin, token=TOKEN).result == "created"


def test_a_location_is_no_part_of_the_replay(target: Client, fresh: Callable[[], str]) -> None:
    """s2-lite checks a location and drops it, others keep it (§4.2, §4.3)."""
    for location, result in (("aws:us-east-1", "created"), ("aws:us-west-2", "noop")):
        document = {"basin": (basin := fresh()), "location": location}
        first = target.request("POST", "/v1/basins", document, headers={"s2-request-token": result})
        assert (first.status, first.json["location"] in (None, location)) == (201, True)
        again = create(target, basin, token=result)
        assert (again.status, again.result) == (201, "noop")


@control_case(13)
def test_a_full_configuration_comes_back(target: Client, fresh: Callable[[], str]) -> None:
    """GET answers every leaf as it was set, in the documented order (§4.2)."""
    basin = fresh()
    assert create(target, basin, FULL_CONFIG).status == 201
    config = target.request("GET", f"/v1/basins/{basin}").json
    assert config == FULL_CONFIG
    assert list(config) == list(FULL_CONFIG)
    assert list(config["default_stream_config"]) == list(FULL_CONFIG["default_stream_config"])


@control_case(16)
@pytest.mark.parametrize(
    "more",
    [
        {"config": None},
        {"config": {}},
        {"location": None},
        {"scope": "aws:us-east-1", "config": {"unknown": {"deep": [1, None]}}},
    ],
    ids=str,
)
def test_nothing_and_unknown_keys_are_fine(
    target: Client, fresh: Callable[[], str], more: dict[str, Any]
) -> None:
    """Null means absent, and keys that S2 does not know are ignored (§2.2)."""
    answer = target.request("POST", "/v1/basins", {"basin": fresh(), **more})
    assert (answer.status, answer.result) == (201, "created")


@control_case(12)
def test_an_age_of_zero_is_invalid_and_makes_nothing(
    target: Client, fresh: Callable[[], str]
) -> None:
    """The one configuration of the right form that is refused: 422 (§4.2)."""
    basin = fresh()
    config = {"default_stream_config": {"retention_policy": {"age": 0}}}
    assert create(target, basin, config).error == AGE_OF_ZERO
    assert target.request("GET", f"/v1/basins/{basin}").status == 404


@pytest.mark.parametrize("age", [1, 2**32, 2**64 - 1])
def test_any_other_age_is_taken(target: Client, fresh: Callable[[], str], age: int) -> None:
    """Ages go up to 2^64-1 seconds (§4.2)."""
    basin, defaults = fresh(), {"retention_policy": {"age": age}}
    assert create(target, basin, {"default_stream_config": defaults}).status == 201
    config = target.request("GET", f"/v1/basins/{basin}").json
    assert config["default_stream_config"]["retention_policy"] == {"age": age}
