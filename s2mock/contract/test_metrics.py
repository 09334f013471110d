"""Metrics: `/v1/metrics` (reference: control_plane §6.2).

s2-lite checks requests and serves none.
"""

import time

import pytest

from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import bad_path, bad_query
from s2mock.contract.unserved import assert_good, skip_if_unserved

ACCOUNT, BASIN, STREAM = "/v1/metrics", "/v1/metrics/abcdefgh", "/v1/metrics/abcdefgh/s"
SETS = {
    ACCOUNT: ["active-basins", "account-ops", "estimated-billable-usage"],
    BASIN: [
        "storage",
        "append-ops",
        "read-ops",
        "read-throughput",
        "append-throughput",
        "basin-ops",
    ],
    STREAM: ["storage"],
}


@control_case(87)
@pytest.mark.parametrize(("path", "name"), [(path, name) for path in SETS for name in SETS[path]])
def test_not_served(target: Client, path: str, name: str) -> None:
    """Each set, with and without the other parameters (§6.2)."""
    for more in ("", "&start=0&end=4294967295&interval=hour", "&start=5&end=1&unknown=x"):
        assert_good(target.request("GET", f"{path}?set={name}{more}"))


@pytest.mark.sample(4)
@pytest.mark.parametrize("path", SETS)
@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("", "missing field `set`"),
        ("start=1&end=2", "missing field `set`"),
        ("Set=storage", "missing field `set`"),
        ("set", "set: unknown variant ``, expected {sets}"),
        ("set=foo", "set: unknown variant `foo`, expected {sets}"),
        ("set=STORAGE&start=x", "set: unknown variant `STORAGE`, expected {sets}"),
        ("set={set}&set={set}", "duplicate field `set`"),
        ("start=x&set=foo", "start: invalid digit found in string"),
        ("set={set}&start=", "start: cannot parse integer from empty string"),
        ("set={set}&start=-1", "start: invalid digit found in string"),
        ("set={set}&end=4294967296", "end: number too large to fit in target type"),
        ("start=1&start=2", "duplicate field `start`"),
        ("interval=week", "interval: unknown variant `week`, expected {intervals}"),
        ("set={set}&interval=", "interval: unknown variant ``, expected {intervals}"),
        ("set={set}&interval=Hour", "interval: unknown variant `Hour`, expected {intervals}"),
    ],
)
def test_a_bad_query(target: Client, path: str, query: str, detail: str) -> None:
    """The set is required; times are u32, intervals one of three words (§6.2)."""
    sets = [f"`{name}`" for name in SETS[path]]
    words = {
        "set": SETS[path][0],
        "sets": sets[0] if len(sets) == 1 else f"one of {', '.join(sets)}",
        "intervals": "one of `minute`, `hour`, `day`",
    }
    answer = target.request("GET", f"{path}?{query.format(**words)}")
    assert answer.error == bad_query(detail.format(**words))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("short", "basin name should be at least 8 bytes in length"),
        ("short/.", "basin name should be at least 8 bytes in length"),
        ("abcdefgh/..", 'stream name must not be "." or ".."'),
        ("abcdefgh/%00", "stream name must not contain NUL bytes"),
    ],
)
def test_a_bad_path(target: Client, path: str, reason: str) -> None:
    """The names come before the query (§2.5)."""
    assert target.request("GET", f"/v1/metrics/{path}?set=foo").error == bad_path(reason)


@control_case(94)
@pytest.mark.parametrize(
    ("start", "end"),
    [(None, 0), (-3600, None), (0, -3600), (-86400 * 120, 0), (-3600, 600)],
    ids=["no start", "no end", "start after end", "120 days", "an end to come"],
)
def test_a_bad_time_range(target: Client, start: int | None, end: int | None) -> None:
    """422 where the server serves metrics; times relative to now, in seconds (§6.2)."""
    now = int(time.time())
    query = "".join(
        f"&{name}={now + offset}"
        for name, offset in (("start", start), ("end", end))
        if offset is not None
    )
    answer = target.request("GET", f"{ACCOUNT}?set=account-ops{query}")
    skip_if_unserved(answer)
    assert answer.error[:2] == (422, "invalid")
