"""Campaigns in front of an upstream: each attempt has basins of its own, which go with it."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from s2mock import Crashes, Drop, Fail, Late, Orders, S2Mock, Sweep
from tests.plugin.conftest import run
from tests.powers.conftest import BASIN, RECORDS

__all__ = ["run"]

BASINS = [{"name": BASIN, "streams": ["log"]}]
HERE = Path(__file__).parent


def client_of(mock: Any) -> httpx.Client:
    return httpx.Client(
        base_url=mock.url,
        headers={"authorization": f"Bearer {mock.token}", "s2-basin": BASIN},
        trust_env=False,
    )


def append(client: httpx.Client, body: str, **conditions: Any) -> httpx.Response:
    return client.post(RECORDS, json={"records": [{"body": body}], **conditions})


def place(mock: Any, body: str, *, is_careful: bool) -> None:
    """Append a record; after a lost answer, look for it first if `is_careful`."""
    with client_of(mock) as client:
        for _ in range(3):
            try:
                # With a condition a record cannot be there twice.
                answer = append(client, body, **({"match_seq_num": 0} if is_careful else {}))
            except httpx.TransportError:
                continue
            if answer.status_code < 500:
                return
        raise AssertionError("three attempts failed")


@pytest.mark.parametrize("is_careful", [False, True])
def test_a_sweep_finds_a_duplicate_at_the_upstream(real: S2Mock, is_careful: bool) -> None:
    faults = [Drop(), Drop(committed=True), Fail("unavailable"), Late(reads=1)]
    sweep = Sweep(faults, on="append", upstream=real.url, basins=BASINS)
    names: list[str] = []
    for attempt in sweep:
        with attempt as mock:
            names += real.basins
            place(mock, "order", is_careful=is_careful)
            with client_of(mock) as client:
                client.get(f"{RECORDS}/tail")
            assert [record.body for record in mock.stream(BASIN, "log").records] == [b"order"]
    report = sweep.report()

    assert report.passed is is_careful
    assert len(names) == len(set(names)) == 5
    assert real.basins == ()


def test_orders_of_two_writers_are_those_of_the_upstream(real: S2Mock) -> None:
    """Two appends to one stream: two orders; which one is first is seen at the upstream."""
    found = set()
    orders = Orders(upstream=real.url, basins=BASINS)
    for attempt in orders:
        with attempt as mock:

            def write(actor: Any) -> None:
                with client_of(actor) as client:
                    append(client, actor.name)

            attempt.actor("a", write)
            attempt.actor("b", write)
            attempt.go()
            found.add(tuple(record.body for record in mock.stream(BASIN, "log").records))
    report = orders.report()

    assert report.passed
    assert (report.attempts, found) == (2, {(b"a", b"b"), (b"b", b"a")})
    assert real.basins == ()


def test_orders_of_a_reader_that_waits_in_the_service(real: S2Mock) -> None:
    orders = Orders(upstream=real.url, basins=BASINS)
    for attempt in orders:
        with attempt:

            def write(actor: Any) -> None:
                with client_of(actor) as client:
                    append(client, "a")

            def read(actor: Any) -> None:
                with client_of(actor) as client:
                    answer = client.get(f"{RECORDS}?seq_num=0&wait=30", timeout=60)
                    assert [one["body"] for one in answer.json()["records"]] == ["a"]

            attempt.actor("w", write)
            attempt.actor("r", read)
            attempt.go()
    report = orders.report()

    assert report.passed, str(report)
    assert report.attempts == 2


WORKER = """
import os, httpx
with httpx.Client(
    base_url=os.environ["S2_ACCOUNT_ENDPOINT"],
    headers={"authorization": "Bearer " + os.environ["S2_ACCESS_TOKEN"], "s2-basin": "my-basin"},
    trust_env=False,
) as client:
    for body in ("a", "b"):
        client.post("/v1/streams/log/records", json={"records": [{"body": body}]})
"""


@pytest.mark.slow
def test_crashes_stop_a_worker_before_and_behind_each_effect_at_the_upstream(
    real: S2Mock,
) -> None:
    import sys

    found = []
    crashes = Crashes(on="append", upstream=real.url, basins=BASINS)
    for attempt in crashes:
        with attempt as mock:
            attempt.run([sys.executable, "-c", WORKER])
            found.append([record.body for record in mock.stream(BASIN, "log").records])
    report = crashes.report()

    assert report.passed, str(report)
    assert found == [[b"a", b"b"], [], [b"a"], [b"a"], [b"a", b"b"]]
    assert real.basins == ()
