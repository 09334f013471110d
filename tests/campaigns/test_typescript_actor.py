"""Orders of two actors, one in Python, and one in TypeScript with the official SDK."""

import shutil
from pathlib import Path

import pytest

from s2mock import Orders
from tests.campaigns.clients import BASIN, SEEDS, place_guarded, place_once
from tests.sdk.typescript_install import FOLDER, install

SCRIPT = Path(__file__).parent / "typescript_actor.mjs"

pytestmark = [
    pytest.mark.long,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None,
        reason="node and npm are not on the PATH: no actor in TypeScript can be run",
    ),
]


@pytest.mark.parametrize("how", ["unguarded", "guarded"])
def test_actor_in_typescript_races_with_one_in_python(how: str) -> None:
    install()
    command = ["node", str(SCRIPT), str(FOLDER), "b", how]
    campaign = Orders(basins=SEEDS)
    for run in campaign:
        with run as mock:
            run.actor("a", place_guarded if how == "guarded" else place_once, "a")
            run.actor("b", command)
            run.go(timeout=60)
            assert len(mock.stream(BASIN, "orders").bodies) == 1
    report = campaign.report()
    assert report.passed == (how == "guarded"), str(report)
    assert report.attempts == 4
    if how == "unguarded":
        assert report.complaint == (
            "s2_orders: 2 of 4 orders fail; the shortest: "
            "a check-tail, b check-tail, b append, a append"
        )
