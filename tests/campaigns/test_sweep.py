"""What a sweep has as a campaign: outside pytest, one URL, subtests, equal failures once."""

import http.client
import json
import re
from contextlib import suppress
from typing import Any

import httpx
import pytest

from s2mock import Answer, Drop, Fail, Late, Sweep
from s2mock.handles.campaigns.sweep import Attempt
from s2mock.powers import teardown_report
from tests.campaigns.clients import BASIN, SEEDS, Shop
from tests.plugin.conftest import Run
from tests.powers.conftest import FRAMES
from tests.powers.frames import append_frame


def place_all(mock: Any, count: int = 2) -> None:
    for number in range(count):
        while True:
            try:
                Shop(mock).append(f"order {number}")
                break
            except (OSError, http.client.HTTPException):
                continue


def bodies(mock: Any) -> list[bytes]:
    return list(mock.stream(BASIN, "orders").bodies)


class TestOutsidePytest:
    def test_a_report_has_the_failures_shortest_first(self) -> None:
        sweep = Sweep([Drop(), Drop(committed=True)], on="append", basins=SEEDS)
        for attempt in sweep:
            with attempt as mock:
                place_all(mock)
                assert len(bodies(mock)) == 2
        report = sweep.report()
        assert not report.passed
        assert (report.attempts, report.planned) == (5, 5)
        text = str(report)
        assert text.startswith("s2_sweep: 2 of 4 attempts failed")
        assert "Drop(committed=True) at append 1 of 2: AssertionError" in text
        assert "s2_sweep.replay('append', 1, Drop(committed=True), basins=[" in text
        json.dumps(report.to_json())

    def test_a_sweep_without_failures_passes(self) -> None:
        sweep = Sweep([Drop()], on="append", basins=SEEDS)
        for attempt in sweep:
            with attempt as mock:
                place_all(mock)
        assert sweep.report().passed
        assert str(sweep.report()) == "s2_sweep: 3 attempts passed"

    def test_a_sweep_that_was_left_or_never_begun_has_not_passed(self) -> None:
        sweep = Sweep([Drop()], on="append", basins=SEEDS)
        assert not sweep.report().passed
        for attempt in sweep:
            with attempt as mock:
                place_all(mock)
            break
        assert not sweep.report().passed
        assert str(sweep.report()) == ("s2_sweep was left before its end: 1 of 3 attempts were run")

    def test_a_first_attempt_that_fails_ends_it(self) -> None:
        sweep = Sweep([Drop()], on="append", basins=SEEDS)
        with pytest.raises(ZeroDivisionError):
            self.fail_at_once(sweep)
        assert "the attempt without a fault failed" in str(sweep.report())

    def fail_at_once(self, sweep: Sweep) -> None:
        for attempt in sweep:
            with attempt as mock:
                place_all(mock)
                _ = 1 / 0

    def test_it_is_run_once(self) -> None:
        sweep = Sweep([Drop()], on="append", basins=SEEDS)
        for attempt in sweep:
            with attempt as mock:
                place_all(mock, 1)
        with pytest.raises(RuntimeError, match="run once"):
            iter(sweep)

    def test_the_next_attempt_needs_the_end_of_the_one_before(self) -> None:
        attempts = iter(Sweep([Drop()], on="append", basins=SEEDS))
        next(attempts)
        with pytest.raises(RuntimeError, match="an attempt was not run"):
            next(attempts)


class TestAttempts:
    def test_they_share_one_url_and_have_a_token_each(self) -> None:
        seen = []
        for attempt in Sweep([Drop()], on="append", basins=SEEDS):
            with attempt as mock:
                place_all(mock)
                seen.append((mock.url, mock.token))
        assert len({url for url, _ in seen}) == 1
        assert len({token for _, token in seen}) == 3

    def test_a_client_made_once_lives_through_all_with_a_pinned_token(self) -> None:
        clients: list[httpx.Client] = []
        counts = []
        for attempt in Sweep([Drop()], on="append", basins=SEEDS, token="pinned"):
            with attempt as mock:
                if not clients:
                    headers = {"authorization": "Bearer pinned", "s2-basin": BASIN}
                    clients.append(httpx.Client(base_url=mock.url, headers=headers))
                with suppress(httpx.TransportError):
                    clients[0].post("/v1/streams/orders/records", json={"records": [{"body": "a"}]})
                counts.append(len(bodies(mock)))
        clients[0].close()
        assert counts == [1, 0]

    def test_connections_of_the_attempt_before_are_closed(self) -> None:
        before: list[Shop] = []
        for attempt in Sweep([Drop()], on="append", basins=SEEDS):
            with attempt as mock:
                if before:
                    # On its connection, which was closed.
                    sock = before[0].connection.sock
                    assert sock is not None
                    assert sock.recv(1) == b""
                    # And on a new one, with its token.
                    before[0].connection.close()
                    assert before[0].append("late")[0] == 401
                    assert bodies(mock) == []
                shop = Shop(mock)
                with suppress(OSError, http.client.HTTPException):
                    shop.append("a")
                before[:] = [shop] if not before else []
                if not before:
                    break


def test_an_answer_on_a_batch_in_a_session_is_left_out_and_counted() -> None:
    points = []
    sweep = Sweep([Drop(), Answer(502)], on="append", basins=SEEDS)
    for attempt in sweep:
        with attempt as mock:
            with httpx.Client(base_url=mock.url) as client, suppress(httpx.TransportError):
                frames = append_frame("a")
                client.post(
                    "/v1/streams/orders/records",
                    content=frames,
                    headers={**FRAMES, "s2-basin": BASIN},
                )
            with suppress(OSError, http.client.HTTPException):
                Shop(mock).append("b")
            points.append(str(attempt.point))
            assert attempt.point is None
    assert points == ["None", "Drop() at append 1", "Drop() at append 2", "Answer(502) at append 2"]
    assert "; 1 were left out, at operations on which their faults have no meaning" in str(
        sweep.report()
    )


def test_operations_that_end_with_the_connection_of_a_fault_are_listed() -> None:
    sweep = Sweep([Drop()], on="check-tail", basins=SEEDS)
    for attempt in sweep:
        with attempt as mock:
            stream = mock.stream(BASIN, "orders")
            tail = "/v1/streams/orders/records/tail"
            headers = {"s2-basin": BASIN}
            with (
                httpx.Client(base_url=mock.url, http1=False, http2=True, headers=headers) as client,
                suppress(httpx.TransportError),
                client.stream(
                    "GET",
                    "/v1/streams/orders/records?seq_num=0",
                    headers={"accept": "text/event-stream"},
                ),
            ):
                stream.wait_for_readers()
                client.get(tail)
            assert attempt.point is None
    assert "    ended with its connection: 1 read" in str(sweep.report()).splitlines()


SUBTESTS = """
    import pytest
    from s2mock import Drop

    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_sweep):
        for attempt in s2_sweep([Drop(), Drop(committed=True)], on="append"):
            with attempt as s2_mock:
                for _ in range(3):
                    answer = s2_mock.client.post(
                        "/v1/streams/log/records", json={"records": [{"body": "a"}]},
                        headers={"s2-basin": "my-basin"})
"""


def test_failures_that_differ_in_the_address_of_an_object_are_equal() -> None:
    campaign = Sweep([Drop()], on="append", basins=SEEDS)
    for attempt in campaign:
        with attempt as mock:
            for body in ("tea", "cake"):
                with suppress(OSError, http.client.HTTPException):
                    Shop(mock).append(body)
            kept = [object(), Shop(mock)]
            if attempt.point is not None:
                raise AssertionError(f"{kept[0]} and {kept[1]}")
    [group] = campaign.report().groups
    assert group.count == 2
    assert group.first.text.startswith("AssertionError: <object object at 0x...> and <tests.")
    assert re.search("0x[0-9a-f]", str(campaign.report())) is None


@pytest.mark.slow
def test_each_failure_is_a_subtest_and_equal_ones_are_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUBTESTS)
    others = ("asyncio", "schemathesis", "xdist", "anyio")
    without = [part for name in others for part in ("-p", f"no:{name}")]
    result = pytester.runpytest_subprocess(*without)
    # Two kinds of failures, and the test.
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_it [[]Drop() at append 1 and 2 equal[]] _*",
            "E * ConnectionResetError*",
            "*_ test_it [[]Drop(committed=True) at append 1 and 2 equal[]] _*",
            "s2_sweep: 6 of 6 attempts failed",
            "    2 equal failures: at append 2; at append 3",
        ]
    )


@pytest.mark.slow
def test_a_test_with_all_fixtures_has_a_server_for_each(run: Run) -> None:
    run(
        """
        import pytest
        from s2mock import Drop

        @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
        def test_it(s2_mock, s2_sweep):
            urls = set()
            for attempt in s2_sweep([Drop()], on="append"):
                with attempt as mock:
                    urls.add(mock.url)
                    try:
                        mock.client.post("/v1/streams/log/records",
                            json={"records": [{"body": "a"}]}, headers={"s2-basin": "my-basin"})
                    except ConnectionError:
                        pass
            assert len(urls) == 1
            assert s2_mock.url not in urls
        """
    ).assert_outcomes(passed=1)


def test_late_is_applied_before_the_checks_of_other_reads() -> None:
    """`Late(reads=1)` belongs into every list, and finds what sends again what is missing."""

    def run_once(attempt: Attempt) -> None:
        with attempt as mock:
            shop = Shop(mock)
            with suppress(OSError, http.client.HTTPException):
                shop.append("a")
            if "a" not in Shop(mock).bodies():
                Shop(mock).append("a")
            assert bodies(mock) == [b"a"]

    sweep = Sweep([Late(reads=1)], on="append", basins=SEEDS)
    for attempt in sweep:
        run_once(attempt)
    assert "Late(reads=1) at append 1 of 1" in str(sweep.report())


def test_advice_on_attempts_is_kept_only_for_a_test_that_reports_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A standalone server, whose campaigns have thousands of attempts, reports none."""
    for in_a_test in (True, False):
        if not in_a_test:
            monkeypatch.delenv("PYTEST_CURRENT_TEST")
        teardown_report.take_advice()
        for attempt in Sweep([Fail("unavailable")], on="append", basins=SEEDS):
            with attempt as mock:
                # A member that S2 does not know.
                mock.client.post(
                    "/v1/streams/orders/records",
                    headers={"s2-basin": BASIN},
                    json={"records": [{"body": "tea"}], "match_seqnum": 0},
                )
        assert bool(teardown_report.take_advice()) == in_a_test
