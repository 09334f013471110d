"""Read and reconfigure a stream: GET and PATCH `/v1/streams/{stream}`.

In a reconfiguration an absent key keeps what is there, a value sets it, and null makes the leaf
fall back to the basin's default, else to the system's (reference: control_plane §5.6, §5.7).
"""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.client import Answer, Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import AGE_OF_ZERO, basin_not_found, stream_not_found
from s2mock.contract.streams import SYSTEM_DEFAULTS

CONFIG: dict[str, Any] = {
    "storage_class": "standard",
    "retention_policy": {"age": 3600},
    "timestamping": {"mode": "client-require", "uncapped": True},
    "delete_on_empty": {"min_age_secs": 60},
}
BASIN_DEFAULTS: dict[str, Any] = {
    "storage_class": "colder",
    "retention_policy": {"infinite": {}},
    "timestamping": {"mode": "arrival", "uncapped": True},
    "delete_on_empty": {"min_age_secs": 300},
}


@pytest.fixture
def configured(s2: Client) -> Client:
    """A client in a basin with a stream `s` that has every setting of its own."""
    assert s2.request("PUT", "/v1/streams/s", CONFIG).status == 201
    return s2


def patch(s2: Client, document: Any) -> Answer:
    """Reconfigure the stream `s`."""
    return s2.request("PATCH", "/v1/streams/s", document)


def config_of(s2: Client) -> Any:
    """The configuration that the stream `s` has."""
    return s2.request("GET", "/v1/streams/s").json


@control_case(60)
def test_a_missing_stream_has_no_configuration(s2: Client) -> None:
    """404, naming the stream and the basin (§5.7)."""
    assert s2.request("GET", "/v1/streams/missing").error == stream_not_found(s2.basin, "missing")


@control_case(61)
def test_a_missing_basin_is_a_missing_stream(target: Client, fresh: Callable[[], str]) -> None:
    """GET looks for the stream only, and reports that it is missing (§5.7)."""
    s2 = target.in_basin(fresh())
    assert s2.request("GET", "/v1/streams/x").error == stream_not_found(s2.basin, "x")


@control_case(66)
def test_all_at_once(s2: Client) -> None:
    """A reconfiguration answers the whole resolved configuration, which GET then shows (§5.6)."""
    s2.request("PUT", "/v1/streams/s")
    answer = patch(s2, CONFIG)
    assert (answer.status, answer.result, answer.json) == (200, None, CONFIG)
    assert list(answer.json) == list(CONFIG)
    assert config_of(s2) == CONFIG


@control_case(67)
def test_nulls_fall_back_to_the_basin(configured: Client) -> None:
    """Null clears a leaf: the basin's current default takes its place (§5.6)."""
    configured.request(
        "PATCH",
        f"/v1/basins/{configured.basin}",
        {"default_stream_config": BASIN_DEFAULTS},
    )
    answer = patch(configured, dict.fromkeys(CONFIG))
    assert (answer.status, answer.json) == (200, BASIN_DEFAULTS)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"storage_class": None}, {"storage_class": "express"}),
        ({"storage_class": "other"}, {"storage_class": "other"}),
        ({"retention_policy": None}, {"retention_policy": {"age": 604800}}),
        ({"retention_policy": {"age": 1}}, {"retention_policy": {"age": 1}}),
        ({"retention_policy": {"infinite": {}}}, {"retention_policy": {"infinite": {}}}),
        (
            {"timestamping": None},
            {"timestamping": {"mode": "client-prefer", "uncapped": False}},
        ),
        (
            {"timestamping": {"mode": None}},
            {"timestamping": {"mode": "client-prefer", "uncapped": True}},
        ),
        (
            {"timestamping": {"uncapped": None}},
            {"timestamping": {"mode": "client-require", "uncapped": False}},
        ),
        (
            {"timestamping": {"mode": "arrival", "uncapped": False}},
            {"timestamping": {"mode": "arrival", "uncapped": False}},
        ),
        ({"delete_on_empty": None}, {"delete_on_empty": {"min_age_secs": 0}}),
        ({"delete_on_empty": {"min_age_secs": None}}, {"delete_on_empty": {"min_age_secs": 0}}),
        ({"delete_on_empty": {"min_age_secs": 7}}, {"delete_on_empty": {"min_age_secs": 7}}),
    ],
    ids=str,
)
def test_one_leaf(configured: Client, change: Any, expected: dict[str, Any]) -> None:
    """A value sets one leaf, null brings its default back, the others stay (§5.6)."""
    answer = patch(configured, change)
    assert (answer.status, answer.json) == (200, {**CONFIG, **expected})
    assert config_of(configured) == answer.json


@control_case(68)
def test_the_mode_alone(configured: Client) -> None:
    """Next to a changed mode, retention and `uncapped` are kept (§5.6)."""
    answer = patch(configured, {"timestamping": {"mode": "arrival"}})
    assert answer.json == {**CONFIG, "timestamping": {"mode": "arrival", "uncapped": True}}


@control_case(69)
@pytest.mark.parametrize(
    "document",
    [
        {},
        {"timestamping": {}},
        {"delete_on_empty": {}},
        {"config": {"storage_class": "express"}},
    ],
    ids=str,
)
def test_what_is_not_mentioned_stays(configured: Client, document: Any) -> None:
    """Absent keys keep their values, independent of the basin's current defaults (§5.6)."""
    configured.request(
        "PATCH",
        f"/v1/basins/{configured.basin}",
        {"default_stream_config": BASIN_DEFAULTS},
    )
    answer = patch(configured, document)
    assert (answer.status, answer.json) == (200, CONFIG)


@control_case(70)
def test_delete_on_empty_can_be_switched_off(s2: Client) -> None:
    """0 seconds switches it off, and is kept as 0 (§5.6)."""
    s2.request("PUT", "/v1/streams/s", {"delete_on_empty": {"min_age_secs": 3600}})
    answer = patch(s2, {"delete_on_empty": {"min_age_secs": 0}})
    assert answer.json == {**SYSTEM_DEFAULTS, "delete_on_empty": {"min_age_secs": 0}}


@control_case(71)
@pytest.mark.parametrize("document", [{}, {"storage_class": "standard"}])
def test_a_missing_stream_and_a_missing_basin(
    s2: Client, fresh: Callable[[], str], document: Any
) -> None:
    """PATCH, unlike GET, tells a missing basin from a missing stream (§2.5)."""
    assert patch(s2, document).error == stream_not_found(s2.basin)
    elsewhere = s2.in_basin(fresh())
    assert patch(elsewhere, document).error == basin_not_found(elsewhere.basin)


def test_an_age_of_zero_is_invalid_and_changes_nothing(configured: Client) -> None:
    """422, and no part of the change happens (§5.6)."""
    document = {"storage_class": "express", "retention_policy": {"age": 0}}
    assert patch(configured, document).error == AGE_OF_ZERO
    assert config_of(configured) == CONFIG


@control_case(72)
def test_a_writer_meets_the_new_configuration(s2: Client) -> None:
    """A stream that is in use has its new configuration at once (§5.5)."""
    s2.request("PUT", "/v1/streams/s")
    records = {"records": [{"body": "x"}]}
    assert s2.request("POST", "/v1/streams/s/records", records).status == 200
    patch(s2, {"timestamping": {"mode": "client-require"}})
    assert s2.request("POST", "/v1/streams/s/records", records).error == (
        422,
        "invalid",
        "record timestamp was required but was missing",
    )
