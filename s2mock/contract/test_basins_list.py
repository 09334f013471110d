"""List basins: `GET /v1/basins` (reference: control_plane §4.7)."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.basins import DEFAULT_LOCATIONS
from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case

NAMES = ("alpha", "alphb", "beta-1", "beta-2", "gamma")


@pytest.fixture
def family(target: Client, fresh: Callable[[], str]) -> str:
    """Return an unused prefix with a few basins, created in no order."""
    prefix = fresh()[:24]
    for name in sorted(NAMES, key=lambda name: name[::-1]):
        made = target.request("POST", "/v1/basins", {"basin": f"{prefix}-{name}"})
        assert made.status == 201, made
    return prefix


@pytest.fixture(autouse=True)
def _clean(target: Client, family: str) -> Any:
    yield
    for name in NAMES:
        target.request("DELETE", f"/v1/basins/{family}-{name}")


def pages(target: Client, query: str, limit: int) -> list[tuple[list[str], bool]]:
    """Every page, each with what `has_more` said of it."""
    found, after = [], ""
    while True:
        path = f"/v1/basins?{query}&limit={limit}&start_after={after}"
        document = target.request("GET", path).json
        found.append(([info["name"] for info in document["basins"]], document["has_more"]))
        if not document["has_more"]:
            return found
        after = found[-1][0][-1]


@control_case(37)
def test_in_name_order(target: Client, family: str) -> None:
    """One document of basins, sorted by name, and whether there are more (§4.7)."""
    answer = target.request("GET", f"/v1/basins?prefix={family}-")
    assert list(answer.json) == ["basins", "has_more"]
    assert [info["name"] for info in answer.json["basins"]] == [
        f"{family}-{name}" for name in NAMES
    ]
    assert answer.json["has_more"] is False
    info = answer.json["basins"][0]
    assert list(info) == ["name", "location", "created_at", "deleted_at", "state"]
    assert info["location"] in DEFAULT_LOCATIONS
    assert (info["deleted_at"], info["state"]) == (None, "active")


@control_case(38)
@pytest.mark.parametrize(("limit", "sizes"), [(2, [2, 2, 1]), (4, [4, 1]), (5, [5]), (1, [1] * 5)])
def test_page_after_page(target: Client, family: str, limit: int, sizes: list[int]) -> None:
    """`start_after` is exclusive, `has_more` exact: no page is empty (§4.7)."""
    found = pages(target, f"prefix={family}-", limit)
    assert [len(names) for names, _ in found] == sizes
    assert [more for _, more in found] == [True] * (len(sizes) - 1) + [False]
    names = [name for page, _ in found for name in page]
    assert names == [f"{family}-{name}" for name in NAMES]


@control_case(39)
def test_a_prefix_and_pages(target: Client, family: str) -> None:
    """A prefix restricts the pages (§4.7)."""
    assert pages(target, f"prefix={family}-alph", 1) == [
        ([f"{family}-alpha"], True),
        ([f"{family}-alphb"], False),
    ]


@control_case(40)
@pytest.mark.parametrize("limit", ["0", "1000", "1001", "1500", "18446744073709551615"])
def test_limits_beyond_the_maximum(target: Client, family: str, limit: str) -> None:
    """0 and more than 1000 mean 1000 (§4.7)."""
    answer = target.request("GET", f"/v1/basins?prefix={family}-&limit={limit}")
    assert (answer.status, len(answer.json["basins"])) == (200, len(NAMES))


@control_case(42)
@pytest.mark.parametrize(
    ("prefix", "start_after", "found"),
    [
        ("", "-gamma", 0),
        ("-beta", "-alpha", 2),
        ("-beta", "-beta", 2),
        ("-beta", "-beta-1", 1),
        ("-beta", "-beta-1zz", 1),
        ("-beta", "-gamma", 0),
        ("-nothing", "", 0),
        ("-gamma-but-longer", "", 0),
    ],
)
def test_prefix_and_start_after(
    target: Client, family: str, prefix: str, start_after: str, found: int
) -> None:
    """The two need not fit together: what matches both is listed (§4.7)."""
    after = f"{family}{start_after}" if start_after else ""
    answer = target.request("GET", f"/v1/basins?prefix={family}{prefix}&start_after={after}")
    assert (answer.status, len(answer.json["basins"])) == (200, found)
    assert answer.json["has_more"] is False
