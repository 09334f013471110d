"""When an access token expires: an RFC 3339 timestamp (reference: control_plane §6.1)."""

from typing import Any

import pytest

from s2mock.contract.client import Client
from s2mock.contract.errors import bad_json
from s2mock.contract.tokens import issue
from s2mock.contract.unserved import assert_good

pytestmark = pytest.mark.account

EXPIRY_RFC = "invalid type: {}, expected an RFC3339-formatted `OffsetDateTime`"
PART = "the '{}' component could not be parsed".format
RANGE = "{} was not in range".format
LITERAL = "a character literal was not valid"


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("expires_at", "reason"),
    [
        (5, EXPIRY_RFC.format("integer `5`")),
        (True, EXPIRY_RFC.format("boolean `true`")),
        ([2030], EXPIRY_RFC.format("sequence")),
        ({}, EXPIRY_RFC.format("map")),
        ("", PART("year")),
        ("tomorrow", PART("year")),
        ("203-01-01T00:00:00Z", PART("year")),
        ("2030", LITERAL),
        ("2030/01/01T00:00:00Z", LITERAL),
        ("2030-1-01T00:00:00Z", PART("month")),
        ("2030-00-01T00:00:00Z", PART("month")),
        ("2030-01-01", PART("separator")),
        ("2030-01-01T", PART("hour")),
        ("2030-01-01é00:00:00Z", PART("hour")),
        ("2030-01-01T00:0:00Z", PART("minute")),
        ("2030-01-01T00:00Z", LITERAL),
        ("2030-01-01T00:00:0Z", PART("second")),
        ("2030-01-01T00:00:00.Z", PART("subsecond")),
        ("2030-01-01T00:00:00", PART("offset hour")),
        ("2030-01-01T00:00:00 Z", PART("offset hour")),
        ("2030-01-01T00:00:00+24:00", PART("offset hour")),
        ("2030-01-01T00:00:00+0200", LITERAL),
        ("2030-01-01T00:00:00+02:0", PART("offset minute")),
        (
            "2030-01-01T00:00:00Zx",
            "unexpected trailing characters; the end of input was expected",
        ),
        ("2030-13-32T25:61:61+00:60", RANGE("offset minute")),
        ("2030-13-32T25:61:61Z", RANGE("month")),
        ("2030-02-29T25:61:61Z", RANGE("day")),
        ("2030-01-00T25:61:61Z", RANGE("day")),
        ("2030-01-01T24:61:61Z", RANGE("hour")),
        ("2030-01-01T23:60:61Z", RANGE("minute")),
        ("2030-01-01T23:59:61Z", RANGE("second")),
        ("2030-01-01T23:59:60Z", RANGE("second")),
        ("2030-12-31T22:59:60Z", RANGE("second")),
    ],
    ids=str,
)
def test_a_bad_expiry(target: Client, expires_at: Any, reason: str) -> None:
    """RFC 3339, part by part; then the ranges, the offset's first (§6.1)."""
    assert issue(target, expires_at=expires_at).error == bad_json(reason)


@pytest.mark.parametrize(
    "expires_at",
    [
        None,
        "2030-01-01T00:00:00Z",
        "2030-01-01t00:00:00z",
        "2030-01-01 00:00:00Z",
        "2030-01-01_00:00:00.123456789012Z",
        "2030-01-01T00:00:00+23:59",
        "2030-01-01T00:00:00-00:00",
        "2028-02-29T00:00:00Z",
        "0000-02-29T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "2016-12-31T23:59:60Z",
        "2017-01-01T01:59:60+02:00",
    ],
)
def test_a_good_expiry(target: Client, expires_at: str | None) -> None:
    """Any separator, any offset, and the leap seconds that there can be (§6.1)."""
    assert_good(issue(target, expires_at=expires_at))
