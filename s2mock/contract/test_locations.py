"""Locations: `/v1/locations` (reference: control_plane §6.3).

s2-lite checks requests and serves none.
"""

import pytest

from s2mock.contract.bodies import JSON
from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import bad_json
from s2mock.contract.unserved import assert_good

pytestmark = pytest.mark.account

DEFAULT = "/v1/locations/default"


@control_case(87)
@pytest.mark.parametrize("path", ["/v1/locations", "/v1/locations?x=1", DEFAULT])
def test_not_served(target: Client, path: str) -> None:
    """The list, and the default (§6.3)."""
    assert_good(target.request("GET", path))


@pytest.mark.parametrize("location", ["aws:us-east-1", "a", "x" * 64, ".:-A9"])
def test_setting_the_default_is_not_served(target: Client, location: str) -> None:
    """The body is a bare JSON string (§6.3)."""
    assert_good(target.request("PUT", DEFAULT, location))
    padded = f' "{location}"\n'.encode()
    assert_good(target.request("PUT", DEFAULT, body=padded, headers=JSON))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('""', "location name must be at least 1 character in length"),
        (f'"{"x" * 65}"', "location name must be at most 64 characters in length"),
        (f'"{"é" * 65}"', "location name must be at most 64 characters in length"),
        (
            '"a b"',
            "location name must comprise ASCII letters, numbers, colons, hyphens, and periods",
        ),
        (
            '"é"',
            "location name must comprise ASCII letters, numbers, colons, hyphens, and periods",
        ),
        ("5", "invalid type: integer `5`, expected a string"),
        ("1.5", "invalid type: floating point `1.5`, expected a string"),
        ("true", "invalid type: boolean `true`, expected a string"),
        ("null", "invalid type: null, expected a string"),
        ('{"location":"a"}', "invalid type: map, expected a string"),
        ('["a"]', "invalid type: sequence, expected a string"),
        ("", "EOF while parsing a value"),
    ],
    ids=lambda text: text[:30],
)
def test_a_bad_default(target: Client, body: str, reason: str) -> None:
    """No object, no array, no null; and the rules of location names (§6.3, §4.2)."""
    answer = target.request("PUT", DEFAULT, body=body.encode(), headers=JSON)
    assert answer.error == bad_json(reason)


@pytest.mark.parametrize("body", [b'"a" x', b'"a', b'"\xff"', b'"\\ud800"', b"a"])
def test_what_is_no_json(target: Client, body: bytes) -> None:
    """Refused, in the words of the JSON parser (§2.2)."""
    answer = target.request("PUT", DEFAULT, body=body, headers=JSON)
    assert answer.error[:2] == (400, "bad_json")
