"""What campaigns of all kinds have in common: a loop that is left, and the options of a replay."""

import http.client
from contextlib import suppress
from typing import Any

import pytest

from s2mock import Crashes, Drop, Orders, S2Mock, Sweep
from tests.campaigns.clients import SEEDS, Shop, append
from tests.plugin.conftest import Run

PLACE = {"basin": "shop-*", "stream": "orders", "limit": 7, "check": True}
# The arguments of a campaign of each kind, all of its options, and how many attempts are planned.
KINDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "s2_sweep": ('[Drop()], on="append"', PLACE, "3"),
    "s2_orders": (
        "",
        {"max_runs": 7, "max_faults": 1, "faults": [Drop()], "settle": 30, "seed": 8},
        "at least 2",
    ),
    "s2_crash": ('on="append"', PLACE, "5"),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def campaign_of(kind: str, **options: Any) -> Any:
    """Return a campaign of that kind, outside pytest."""
    if kind == "s2_sweep":
        return Sweep([Drop()], on="append", **options)
    return Orders(**options) if kind == "s2_orders" else Crashes(on="append", **options)


def run_scenario(kind: str, attempt: Any, mock: S2Mock) -> None:
    """Append two records: by a client, by two actors, or by a worker."""

    def sell(at: Any, *bodies: str) -> None:
        with suppress(OSError, http.client.HTTPException):
            for body in bodies:
                Shop(at).append(body)

    async def work() -> None:
        sell(mock, "tea", "cake")

    if kind == "s2_sweep":
        for body in ("tea", "cake"):
            sell(mock, body)
    elif kind == "s2_crash":
        attempt.run(work)
    else:
        attempt.actor("a", sell, "tea")
        attempt.actor("b", sell, "cake")
        attempt.go()


@each_kind
def test_campaign_that_was_left_early_or_never_begun_has_not_passed(kind: str) -> None:
    campaign = campaign_of(kind, basins=SEEDS)
    assert not campaign.report().passed
    assert str(campaign.report()).startswith(
        f"{kind}(...) was called, and none of its attempts was run: "
    )
    for attempt in campaign:
        with attempt as mock:
            run_scenario(kind, attempt, mock)
        break
    assert not campaign.report().passed
    assert str(campaign.report()) == (
        f"{kind} was left before its end: 1 of {KINDS[kind][2]} attempts were run"
    )


@pytest.mark.slow
@each_kind
def test_campaign_that_was_left_early_or_never_begun_fails_its_test(run: Run, kind: str) -> None:
    call = f"{kind}({KINDS[kind][0]})"
    result = run(
        f"""
        import pytest
        from s2mock import Drop
        from tests.campaigns.clients import SEEDS
        from tests.campaigns.test_every_kind import run_scenario

        @pytest.mark.s2_mock(basins=SEEDS)
        def test_left({kind}):
            for attempt in {call}:
                with attempt as s2_mock:
                    run_scenario({kind!r}, attempt, s2_mock)
                break

        def test_never_begun({kind}):
            {call}
        """
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            f"{kind} was left before its end: 1 of {KINDS[kind][2]} attempts were run",
            f"{kind}(...) was called, and none of its attempts was run: *",
        ]
    )


@each_kind
def test_line_to_replay_carries_every_option(kind: str) -> None:
    common = {"check": True, "basins": SEEDS, "auth": "required", "token": "own"}
    campaign = campaign_of(kind, **{**KINDS[kind][1], **common})
    for number, attempt in enumerate(campaign):
        with attempt as mock:
            run_scenario(kind, attempt, mock)
            # They differ, so that each is shown.
            assert not number, f"attempt {number}"
    text = str(campaign.report())
    place = "basin='shop-*', stream='orders', limit=7, "
    line = {
        "s2_sweep": f"'append', 1, Drop(), {place}",
        "s2_orders": "\"b1 a1\", max_runs=7, faults={'b1': Drop()}, settle=30, seed=8, ",
        "s2_crash": f"'before', 'append', 1, {place}",
    }[kind]
    rest = f"check=True, basins={SEEDS!r}, auth='required', token='own')"
    assert f"    {kind}.replay({line}{rest}" in text.splitlines(), text


def test_orders_of_the_same_seed_are_the_same() -> None:
    """Where there are more orders than `max_runs`, so that some are taken at random."""

    def orders_of(seed: int | None) -> tuple[list[str], str]:
        campaign, found = Orders(basins=SEEDS, max_runs=8, seed=seed), []
        for run in campaign:
            with run:
                for name in "abc":
                    run.actor(name, append, f"{name}1", f"{name}2")
                run.go()
            found.append(run._attempt.instructions.title)
        return found, str(campaign.report())

    found, report = orders_of(5)
    assert orders_of(5)[0] == found
    assert orders_of(6)[0] != found
    assert "there are more orders than max_runs=8: " in report
    assert "were taken at random, with seed=5" in report
