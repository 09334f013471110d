"""Locations on a server that serves them (reference: account_services §3).

s2-lite does not: there these cases are skipped.
"""

from collections.abc import Callable

import pytest

from s2mock.contract.client import Client
from s2mock.contract.unserved import skip_if_unserved

pytestmark = pytest.mark.account

DEFAULT = "/v1/locations/default"


def test_the_locations_and_the_default(target: Client) -> None:
    """A bare array of locations, and the one of basins without a choice (account_services §3)."""
    listed = target.request("GET", "/v1/locations")
    skip_if_unserved(listed)
    assert listed.status == 200
    for location in listed.json:
        assert list(location) == [
            "name",
            "is_private",
            "storage_classes",
            "default_storage_class",
        ]
        assert location["default_storage_class"] in location["storage_classes"]
    assert "aws:us-east-1" in [location["name"] for location in listed.json]
    default = target.request("GET", DEFAULT)
    assert default.status == 200
    assert default.json in listed.json


def test_a_basin_is_where_it_was_made(target: Client, fresh: Callable[[], str]) -> None:
    """Every answer has its location, and a new default moves no basin (account_services §3)."""
    listed = target.request("GET", "/v1/locations")
    skip_if_unserved(listed)
    default = target.request("GET", DEFAULT).json
    other = next(location for location in listed.json if location != default)
    try:
        basin, elsewhere = fresh(), fresh()
        made = target.request("POST", "/v1/basins", {"basin": basin})
        assert made.json["location"] == default["name"]
        assert target.request("PUT", DEFAULT, other["name"]).json == other
        assert target.request("GET", DEFAULT).json == other
        made = target.request("PUT", f"/v1/basins/{elsewhere}", {})
        assert made.json["location"] == other["name"]
        infos = target.request("GET", f"/v1/basins?prefix={basin}").json["basins"]
        assert [info["location"] for info in infos] == [default["name"]]
    finally:
        target.request("PUT", DEFAULT, default["name"])


def test_a_location_that_there_is_not(target: Client, fresh: Callable[[], str]) -> None:
    """422, and nothing is made; so for a basin that is elsewhere (account_services §3)."""
    skip_if_unserved(target.request("GET", "/v1/locations"))
    basin, nowhere = fresh(), "aws:nowhere-1"
    path = f"/v1/basins/{basin}"
    for answer in (
        target.request("POST", "/v1/basins", {"basin": basin, "location": nowhere}),
        target.request("PUT", path, {"location": nowhere}),
        target.request("PUT", DEFAULT, nowhere),
    ):
        assert answer.error[:2] == (422, "invalid")
    assert target.request("GET", path).status == 404
    assert target.request("PUT", path, {"location": "aws:us-west-2"}).status == 201
    assert target.request("PUT", path, {"location": "aws:us-west-2"}).result == "noop"
    assert target.request("PUT", path, {"location": "aws:us-east-1"}).error[:2] == (422, "invalid")
    assert target.request("PUT", path, {}).json["location"] == "aws:us-west-2"
