"""`/v1/locations`, and where basins are. Source: reference: account_services §3."""

from typing import Any

import pytest

from s2mock import Invalid, S2Mock
from tests.calls import Api, over_wsgi
from tests.conftest import BASIN

DEFAULT = "/v1/locations/default"


def location(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "is_private": False,
        "storage_classes": ["standard", "express"],
        "default_storage_class": "express",
    }


EAST, WEST, NORTH = map(location, ("aws:us-east-1", "aws:us-west-2", "aws:eu-north-1"))


def test_those_that_are_known(api: Api) -> None:
    listed = api.call("GET", "/v1/locations")
    assert (listed.status, listed.json) == (200, [EAST, WEST, NORTH])
    default = api.call("GET", DEFAULT)
    assert (default.status, default.json) == (200, EAST)


def test_another_default_changes_no_existing_basin(api: Api, mock: S2Mock) -> None:
    made = api.create_basin("first-basin").json
    assert api.call("PUT", DEFAULT, "aws:eu-north-1").json == NORTH
    assert api.call("GET", DEFAULT).json == NORTH
    assert api.create_basin("second-basin").json["location"] == "aws:eu-north-1"
    assert mock.create_basin("third-basin").info.location == "aws:eu-north-1"
    listed = api.call("GET", "/v1/basins").json["basins"]
    assert listed[0] == made
    assert [info["location"] for info in listed] == [
        "aws:us-east-1",
        "aws:eu-north-1",
        "aws:eu-north-1",
    ]


def test_unknown_ones(api: Api, mock: S2Mock) -> None:
    before = mock.account.engine.state
    for method, target, document in (
        ("POST", "/v1/basins", {"basin": BASIN, "location": "aws:nowhere"}),
        ("PUT", f"/v1/basins/{BASIN}", {"location": "aws:nowhere"}),
        ("PUT", DEFAULT, "aws:nowhere"),
    ):
        reply = api.call(method, target, document)
        assert reply.error == (422, "invalid", "location `aws:nowhere` not found")
        assert mock.journal[-1].reason == (
            "there are the locations `aws:us-east-1`, `aws:us-west-2`, `aws:eu-north-1` "
            "(reference: account_services §3)"
        )
    assert mock.account.engine.state is before


def test_a_basin_that_is_elsewhere(api: Api, mock: S2Mock) -> None:
    api.create_basin(BASIN)
    before = mock.account.engine.state
    text = f"basin `{BASIN}` is in location `aws:us-east-1`"
    reply = api.call("PUT", f"/v1/basins/{BASIN}", {"location": "aws:us-west-2"})
    assert reply.error == (422, "invalid", text)
    assert mock.account.engine.state is before
    with pytest.raises(Invalid, match="is in location"):
        mock.ensure_basin(BASIN, location="aws:us-west-2")
    assert mock.ensure_basin(BASIN, location="aws:us-east-1").info.location == "aws:us-east-1"


def test_a_snapshot_holds_them(api: Api, mock: S2Mock) -> None:
    api.create_basin(BASIN)
    api.call("PUT", DEFAULT, "aws:us-west-2")
    before = mock.snapshot()
    api.call("PUT", DEFAULT, "aws:eu-north-1")
    with mock.fork() as fork:
        assert fork.create_basin("new-basin").info.location == "aws:eu-north-1"
    mock.restore(before)
    assert api.call("GET", DEFAULT).json == WEST
    with S2Mock(snapshot=before, locations=["here"]) as other:
        # It has no such location, and the basin is where it was.
        assert other.create_basin("new-basin").info.location == "here"
        assert other.basin(BASIN).info.location == "aws:us-east-1"
    mock.reset()
    assert api.call("GET", DEFAULT).json == EAST


def test_those_of_ones_own() -> None:
    private = {
        "name": "gcp:europe",
        "is_private": True,
        "storage_classes": ["standard"],
        "default_storage_class": "standard",
    }
    with S2Mock(locations=["home", private], basins=[BASIN]) as mock:
        api = Api(over_wsgi(mock.wsgi_app))
        assert api.call("GET", "/v1/locations").json == [location("home"), private]
        assert mock.basin(BASIN).info.location == "home"
        with mock.fork() as fork:
            assert fork.account.engine.settings.locations == mock.account.engine.settings.locations


@pytest.mark.parametrize(
    ("locations", "error", "text"),
    [
        ([], ValueError, "locations must name one location at least, and each once"),
        (["a", "a"], ValueError, "locations must name one location at least, and each once"),
        ("a", TypeError, "locations must be a list of names or mappings, not str: 'a'"),
        ([5], TypeError, "locations must be names or mappings with a name, not int: 5"),
        ([{}], TypeError, "locations must be names or mappings with a name"),
        (["a b"], ValueError, "locations: location name must comprise ASCII letters"),
        ([{"name": 5}], TypeError, "a location's name must be text, not int: 5"),
        ([{"name": "a", "public": True}], ValueError, "locations have name, is_private, "),
        (
            [{"name": "a", "storage_classes": [], "default_storage_class": "x"}],
            ValueError,
            "default_storage_class must be one of",
        ),
    ],
)
def test_what_makes_no_sense(locations: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        S2Mock(locations=locations)
