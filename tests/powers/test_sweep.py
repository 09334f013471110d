"""`s2_sweep`: every fault at every operation of a scenario, one after the other."""

import re
from math import inf
from typing import Any

import pytest

# Loaded here: within a run of pytest in pytest it would be another module afterwards.
from s2mock import BasinConfig, Fail, Fault, S2Mock, StreamConfig
from s2mock.handles.campaigns.sweep import sweep_fixture
from tests.plugin.conftest import Run
from tests.powers.conftest import SEEDS, Way

pytestmark = pytest.mark.slow

# A producer that tries again, and the right one, which makes sure of what became of the first try.
PRODUCER = """
    import pytest
    from s2mock import Answer, Cut, Drop, Fail, ManualClock

    FAULTS = [Drop(), Drop(committed=True), Fail("unavailable", committed=True)]
    ORDERS = [f"order {number}" for number in range(20)]

    def append(s2, document):
        while True:
            try:
                answer = s2.client.post(
                    "/v1/streams/log/records", json=document, headers={"s2-basin": "my-basin"}
                )
            except ConnectionError:
                continue
            if answer.status_code != 503:
                return answer

    def sell(s2, orders, guarded):
        log = s2.basin("my-basin").create_stream("log")
        for number, order in enumerate(orders):
            document = {"records": [{"body": order}]}
            if guarded:
                document["match_seq_num"] = number
            answer = append(s2, document)
            assert answer.status_code == 200 or answer.json == {"seq_num_mismatch": number + 1}
        return [record.body.decode() for record in log.records]

    pytestmark = pytest.mark.s2_mock(basins=["my-basin"])
"""


def with_producer(test: str) -> str:
    return PRODUCER + test


SWEEP = """
    def test_no_order_is_lost_or_doubled(s2_sweep):
        for attempt in s2_sweep(FAULTS, on="append"):
            with attempt as s2_mock:
                assert sell(s2_mock, ORDERS, guarded={guarded}) == ORDERS
"""


def printed(result: pytest.RunResult) -> str:
    return result.stdout.str()


def test_finds_a_retry_that_doubles_and_its_replay_shows_it(run: Run) -> None:
    result = run(with_producer(SWEEP.format(guarded=False)))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "s2_sweep: 40 of 60 attempts failed",
            "Drop(committed=True) at append 1 of 20: AssertionError: *",
            "    s2_sweep.replay('append', 1, Drop(committed=True))",
            "*append*my-basin*log*---*1 record, 0..0  Drop(committed=True)",
            "*append*my-basin*log*200*1 record, 1..1  the same batch as 1",
            "Fail('unavailable', committed=True) at append 1 of 20: *",
            "Drop(committed=True) at append 2 of 20: *",
            "Drop(committed=True) at append 20: *",
        ]
    )
    # What is listed is not told once more.
    assert "s2mock: " not in printed(result)
    [call] = re.findall(
        r"^    (s2_sweep\.replay\('append', 3, Drop.*)$", printed(result), re.MULTILINE
    )
    again = f"""
    def test_again(s2_sweep):
        for attempt in {call}:
            with attempt as s2_mock:
                assert sell(s2_mock, ORDERS, guarded=False) == ORDERS
    """
    result = run(with_producer(again))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * assert *", "*--- s2mock: 21 exchanges, 1 fault ---*"])


def replays(text: str) -> list[str]:
    """The calls that a report says to paste."""
    return re.findall(r"^    (s2_sweep\.replay\(.*\))$", text, re.MULTILINE)


class Recorder:
    """Replaces `s2_sweep` where a printed line is carried out."""

    def replay(self, operation: str, number: int, fault: Fault, **given: Any) -> Any:
        return operation, number, fault, given


OPTIONS: list[dict[str, Any]] = [
    {},
    {"basin": "my-*"},
    {"stream": "log"},
    {"limit": 2},
    {"basin": "my-*", "stream": "lo?", "limit": 7, "clock": "manual"},
    {"deletion_delay": 0.5, "profile": "documented", "cors": False, "append_latency": 0},
    {"token": 'it\'s "one"\n', "auth": "required", "control": True, "locations": ["here", "there"]},
    {"journal_limit": 50, "journal_bytes": 2**20, "revocation_delay": inf},
    {
        "basins": (
            {"name": "my-basin", "config": BasinConfig(StreamConfig(retention_policy=60))},
            {"basin": "your-basin", "streams": ["a", {"stream": "b", "config": None}]},
        ),
    },
    {"basins": ("my-basin",), "snapshot": None},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: ",".join(options) or "none")
def test_the_line_to_paste_has_every_option(options: dict[str, Any]) -> None:
    made = []

    def make(**given: Any) -> S2Mock:
        made.append(given)
        return S2Mock(basins=SEEDS)

    fault = Fail("unavailable", committed=True, message='it\'s "gone"')
    swept = sweep_fixture(make, print)

    def scenario() -> None:
        for attempt in swept([fault], on=["append", "read"], **options):
            with attempt as mock:
                answer = Way("wsgi", mock).append("a")
                assert answer.status == 200

    with pytest.raises(pytest.fail.Exception) as failure:
        scenario()
    [line] = replays(str(failure.value))
    names: dict[str, Any] = {}
    exec("from s2mock import *", names)
    names["s2_sweep"] = Recorder()
    exec(f"replayed = {line}", names)
    assert names["replayed"] == ("append", 1, fault, options)
    # What the sweep is given and the mock is not.
    of_the_mock = {name: options[name] for name in options.keys() - {"basin", "stream", "limit"}}
    assert made == [of_the_mock] * 2
    with swept.replay("append", 1, fault, **options) as mock:
        assert Way("wsgi", mock).append("a").status == 503
    assert made[2:] == [of_the_mock]


def test_what_cannot_be_written_is_named_beside_the_line(run: Run) -> None:
    module = """
    from s2mock import S2Mock

    def test_it(s2_sweep):
        with S2Mock(basins=["my-basin"]) as other:
            other.basin("my-basin").create_stream("log")
            snapshot = other.snapshot()
        clock = ManualClock()
        for attempt in {call}:
            with attempt as s2_mock:
                answer = append(s2_mock, {{"records": [{{"body": "one"}}]}})
                assert answer.json == {{"start": 0}}
    """
    call = 's2_sweep([Drop()], on="append", basins=[], snapshot=snapshot, clock=clock)'
    module = module.replace('assert answer.json == {{"start": 0}}', "assert not attempt.point")
    result = run(with_producer(module.format(call=call)))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "    s2_sweep.replay('append', 1, Drop(), basins=[[]], snapshot=snapshot, clock=clock)",
            "    where `snapshot` and `clock` are what s2_sweep was given: they cannot be *",
        ]
    )
    # Pasted where those names are, it runs, and fails as it did.
    [call] = replays(printed(result))
    result = run(with_producer(module.format(call=call)))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * assert not *", "*--- s2mock: 2 exchanges, 1 fault ---*"])


def test_a_stream_whose_name_is_a_glob_too_is_swept(run: Run) -> None:
    result = run(
        with_producer(
            """
    def test_it(s2_sweep):
        for attempt in s2_sweep([Drop()], on="append", stream="run[1]"):
            with attempt as s2_mock:
                s2_mock.basin("my-basin").create_stream("run[1]")
                answer = s2_mock.client.post(
                    "/v1/streams/run%5B1%5D/records", json={"records": [{"body": "one"}]},
                    headers={"s2-basin": "my-basin"})
                assert answer.status_code == 200
    """
        )
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["    s2_sweep.replay('append', 1, Drop(), stream='run[[]1]')"])


def test_the_right_producer_passes(run: Run) -> None:
    run(with_producer(SWEEP.format(guarded=True))).assert_outcomes(passed=1)


ADVISED = """
    def test_it(s2_sweep):
        for attempt in s2_sweep([Drop(committed=True)], on="append"):
            with attempt as s2_mock:
                s2_mock.client.get("/v1/basins?prefx=my")
                # Each attempt doubles another order, and that is all right here.
                assert len(sell(s2_mock, ORDERS[:4], guarded=False)) >= 4

    def test_after(s2_mock):
        s2_mock.client.get("/v1/basins")
"""


def test_attempts_that_pass_advise_once_of_each_thing(run: Run) -> None:
    result = run(with_producer(ADVISED), "-Wdefault::s2mock.S2Advice")
    result.assert_outcomes(passed=2, warnings=2)
    text = printed(result)
    assert text.count("did you mean `prefix`? (exchange 1, list-basins, and 4 more)") == 1
    [(first, more)] = re.findall(
        r"the same batch as that of exchange (\d), whose .* \(exchange 3, .* and (\d) more\)", text
    )
    assert (first, more) == ("2", "3")
    # As errors they fail the test, and no other.
    result = run(None, "-Werror::s2mock.S2Advice")
    result.assert_outcomes(passed=1, failed=1)
    assert printed(result).count("S2Advice: ") == 2


def test_each_attempt_has_an_account_of_its_own_with_all_options(run: Run) -> None:
    run(
        with_producer(
            """
    def test_it(s2_sweep):
        seen = []
        for attempt in s2_sweep([Drop()], on="append", clock="manual"):
            with attempt as s2_mock:
                s2_mock.advance(60)
                assert s2_mock.clock.now() == (1_704_067_200 + 60) * 10**9
                sell(s2_mock, ORDERS[:3], guarded=True)
                seen.append(s2_mock)
        assert len(set(seen)) == 4

    @pytest.mark.parametrize("count", [2])
    def test_a_snapshot_to_begin_with(s2_sweep, s2_mock, count):
        s2_mock.basin("my-basin").create_stream("other")
        snapshot = s2_mock.snapshot()
        number = 0
        for attempt in s2_sweep([Drop()], on="append", basins=[], snapshot=snapshot):
            with attempt as mock:
                assert mock.basin("my-basin").streams == ("other",)
                assert mock.url != s2_mock.url
                sell(mock, ORDERS[:count], guarded=True)
                number += 1
        assert number == count + 1
    """
        )
    ).assert_outcomes(passed=2)


def test_several_operations_are_counted_by_name(run: Run) -> None:
    result = run(
        with_producer(
            """
    def test_it(s2_sweep):
        for attempt in s2_sweep([Drop()], on=["append", "create-stream"], basin="my-*"):
            with attempt as s2_mock:
                for name in ("a", "b"):
                    s2_mock.client.post("/v1/streams", json={"stream": name},
                        headers={"s2-basin": "my-basin"})
                    append(s2_mock, {"records": [{"body": "x"}]})
                s2_mock.basin("my-basin").create_stream("log")
                append(s2_mock, {"records": [{"body": "x"}]})
    """
        )
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "s2_sweep: 2 of 5 attempts failed",
            "Drop() at create-stream 1 of 2: ConnectionResetError: the connection was reset",
            "    s2_sweep.replay('create-stream', 1, Drop(), basin='my-[*]')",
            "    1 equal failure: at create-stream 2",
        ]
    )


def test_where_the_first_fails_that_is_the_failure(run: Run) -> None:
    result = run(
        with_producer(
            """
    attempts = []

    def test_it(s2_sweep):
        for attempt in s2_sweep(FAULTS, on="append"):
            with attempt as s2_mock:
                attempts.append(1)
                sell(s2_mock, ORDERS[:2], guarded=True)
                raise ValueError("by itself")

    def test_after():
        assert len(attempts) == 1
    """
        )
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["E * ValueError: by itself", "*--- s2mock: 2 exchanges ---*"])
    assert "s2_sweep:" not in printed(result)


def test_what_counts_as_a_failure(run: Run) -> None:
    """`pytest.fail` does, and a fault of the test's own that is not used; a skip passes through."""
    result = run(
        with_producer(
            """
    def scenario(s2_sweep, then):
        for number, attempt in enumerate(s2_sweep([Drop()], on="append")):
            with attempt as s2_mock:
                sell(s2_mock, ORDERS[:1], guarded=True)
                if number:
                    then(s2_mock)

    def test_fail(s2_sweep):
        scenario(s2_sweep, lambda _: pytest.fail("on purpose"))

    def test_unused(s2_sweep):
        scenario(s2_sweep, lambda s2_mock: s2_mock.inject(Drop(), on="read"))

    def test_skip(s2_sweep):
        scenario(s2_sweep, lambda _: pytest.skip("not here"))

    def test_xfail(s2_sweep):
        scenario(s2_sweep, lambda _: pytest.xfail("not yet"))
    """
        )
    )
    result.assert_outcomes(failed=2, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "Drop() at append 1 of 1: Failed: on purpose",
            "Drop() at append 1 of 1: UnusedFault: a fault never fired: *",
        ]
    )


def test_a_fault_that_was_not_reached_is_listed(run: Run) -> None:
    result = run(
        with_producer(
            """
    def test_it(s2_sweep):
        for number, attempt in enumerate(s2_sweep([Drop(committed=True)], on="append")):
            with attempt as s2_mock:
                sell(s2_mock, ORDERS[: 1 if number else 2], guarded=True)
    """
        )
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "s2_sweep: 1 of 2 attempts failed",
            "Drop(committed=True) at append 2 of 2: the fault affected no operation: 1 append *",
        ]
    )


def test_more_than_the_limit_fails_and_says_how_many_were_left(run: Run) -> None:
    result = run(
        with_producer(
            """
    attempts = []

    def test_it(s2_sweep):
        for attempt in s2_sweep([Drop(), Cut(bytes=0)], on="append", limit=5):
            with attempt as s2_mock:
                attempts.append(attempt.point)
                sell(s2_mock, ORDERS, guarded=True)

    def test_after():
        assert [(point.number, point.fault) for point in attempts[1:]] == [
            (1, Drop()), (1, Cut(bytes=0)), (2, Drop()), (2, Cut(bytes=0)), (3, Drop())
        ]
    """
        )
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["s2_sweep: 0 of 5 attempts failed; 35 more were left out: there are 40, and limit=5 *"]
    )


def test_shows_how_it_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2mock.handles.campaigns.driver._PROGRESS_SECONDS", 0.0)
    module = with_producer(SWEEP.format(guarded=False).replace("ORDERS", "ORDERS[:2]"))
    assert ",uu,uuF" in printed(run(module))
    assert ",uu,uuF" not in printed(run(module, "-q", "-q"))


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ('[], on="append"', "ValueError: s2_sweep needs a fault at least"),
        ('Drop(), on="append"', r"TypeError: s2_sweep takes a list of faults: try \[Drop\(\)\]"),
        ('5, on="append"', "TypeError: s2_sweep takes a list of faults, not 5"),
        ('[Drop], on="append"', "TypeError: Drop is a kind of fault"),
        ('[Cut(records=1)], on="append"', "ValueError: .*only the answer to a read is counted"),
        ('[Drop()], on="apend"', "ValueError: on='apend' is no operation: did you mean 'append'"),
        ('[Drop()], on="append", limit=0', "ValueError: limit must be 1 or more, not 0"),
        ('[Drop()], on="append", no_option=1', "TypeError: .*no_option"),
    ],
)
def test_what_makes_no_sense_is_said(run: Run, call: str, reason: str) -> None:
    result = run(
        with_producer(
            f"""
    def test_it(s2_sweep):
        for attempt in s2_sweep({call}):
            with attempt as s2_mock:
                pass
    """
        )
    )
    result.assert_outcomes(failed=1)
    assert re.search(reason, printed(result))


def test_a_scenario_that_nothing_can_meet(run: Run) -> None:
    result = run(
        with_producer(
            """
    def test_nothing_comes(s2_sweep):
        for attempt in s2_sweep([Drop()], on="append"):
            with attempt:
                pass

    def test_not_run(s2_sweep):
        for attempt in s2_sweep([Drop()], on="append"):
            pass

    def test_replay_of_nothing(s2_sweep):
        with s2_sweep.replay("append", 3, Drop()) as s2_mock:
            sell(s2_mock, ORDERS[:2], guarded=True)
    """
        )
    )
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "s2_sweep: no append arrived, so there is no place for the faults",
            "E * RuntimeError: an attempt was not run: `with attempt as s2_mock:` runs it",
            "*the fault affected no operation: 2 appends arrived*",
        ]
    )


LEFT = """
    def test_it(s2_sweep):
        for number, attempt in enumerate(s2_sweep([Drop(), Cut(bytes=0)], on="append")):
            {before}
            with attempt as s2_mock:
                sell(s2_mock, ORDERS[:8], guarded=True)
                {within}
            {after}

    def test_after(s2_mock):
        assert s2_mock.basins == ("my-basin",)
"""


@pytest.mark.parametrize(
    ("place", "leaves", "count"),
    [
        ("after", "break", 1),
        ("after", "return", 1),
        ("within", "break", 1),
        ("within", "return", 1),
        ("before", "if number == 1: break", 1),
        ("after", "if number == 3: break", 4),
        ("after", "if number == 15: break", 16),
    ],
)
def test_a_loop_that_is_left_fails_its_test(run: Run, place: str, leaves: str, count: int) -> None:
    places = {"before": "", "within": "", "after": ""} | {place: leaves}
    result = run(with_producer(LEFT.format(**places)))
    # In the call phase, as the test's own failure, and the next test knows nothing of it.
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [f"s2_sweep was left before its end: {count} of 17 attempts were run"]
    )


def test_a_loop_that_is_left_after_all_were_run_passes(run: Run) -> None:
    module = LEFT.format(before="", within="", after="if number == 16: break")
    run(with_producer(module)).assert_outcomes(passed=2)


def test_a_sweep_that_never_began_fails_its_test(run: Run) -> None:
    result = run(
        with_producer(
            """
    def test_called(s2_sweep):
        s2_sweep(FAULTS, on="append")

    def test_called_and_kept(s2_sweep):
        attempts = s2_sweep(FAULTS, on="append")
        assert attempts

    def test_left_before_the_first_was_run(s2_sweep):
        for attempt in s2_sweep(FAULTS, on="append"):
            break

    def test_one_of_two(s2_sweep):
        s2_sweep(FAULTS, on="append")
        for attempt in s2_sweep([Drop()], on="append"):
            with attempt as s2_mock:
                sell(s2_mock, ORDERS[:1], guarded=True)
    """
        )
    )
    result.assert_outcomes(failed=4)
    text = printed(result)
    assert text.count("s2_sweep(...) was called, and none of its attempts was run: ") == 4


def test_what_is_no_sweep_that_was_left(run: Run) -> None:
    """A fixture that is requested and not called, and a replay with any result."""
    run(
        with_producer(
            """
    def test_not_called(s2_sweep):
        pass

    def test_refused(s2_sweep):
        with pytest.raises(ValueError):
            s2_sweep([], on="append")

    def test_replay_not_begun(s2_sweep):
        s2_sweep.replay("append", 1, Drop())

    def test_replay_left(s2_sweep):
        for attempt in s2_sweep.replay("append", 1, Drop()):
            break
    """
        )
    ).assert_outcomes(passed=4)


def test_a_test_that_ends_otherwise_ends_so(run: Run) -> None:
    """What it fails with, skips for or is expected to fail with stays the outcome."""
    result = run(
        with_producer(
            """
    def scenario(s2_sweep, then):
        for attempt in s2_sweep([Drop()], on="append"):
            with attempt as s2_mock:
                sell(s2_mock, ORDERS[:3], guarded=True)
            then()

    def fail():
        raise ValueError("by itself")

    def test_failed(s2_sweep):
        scenario(s2_sweep, fail)

    def test_skipped(s2_sweep):
        scenario(s2_sweep, lambda: pytest.skip("not here"))

    def test_xfailed(s2_sweep):
        scenario(s2_sweep, lambda: pytest.xfail("not yet"))

    @pytest.mark.xfail(strict=True)
    def test_left(s2_sweep):
        for attempt in s2_sweep([Drop()], on="append"):
            break
    """
        )
    )
    result.assert_outcomes(failed=1, skipped=1, xfailed=2)
    result.stdout.fnmatch_lines(["E * ValueError: by itself"])
    assert "s2_sweep was left" not in printed(result)


DOUBLES = """
    def test_it(s2_sweep):
        for number, attempt in enumerate(s2_sweep([Drop(committed=True)], on="append")):
            with attempt as s2_mock:
                assert sell(s2_mock, ORDERS[:3], guarded=False) == ORDERS[:3]
            if number == 2:
                {leaves}
"""


def test_a_loop_that_is_left_says_what_failed_until_then(run: Run) -> None:
    result = run(with_producer(DOUBLES.format(leaves="break")))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "s2_sweep was left before its end: 3 of 4 attempts were run, and 2 failed",
            "Drop(committed=True) at append 1 of 3: AssertionError: *",
            "    s2_sweep.replay('append', 1, Drop(committed=True))",
            "Drop(committed=True) at append 2 of 3: AssertionError: *",
        ]
    )


@pytest.mark.parametrize(
    ("leaves", "outcome"), [("pytest.skip('not here')", "skipped"), ("assert 0", "failed")]
)
def test_what_failed_before_a_test_ends_otherwise_is_told(
    run: Run, leaves: str, outcome: str
) -> None:
    result = run(with_producer(DOUBLES.format(leaves=leaves)))
    result.assert_outcomes(**{outcome: 1, "errors": 1})
    result.stdout.fnmatch_lines(
        ["s2_sweep was left before its end: 3 of 4 attempts were run, and 2 failed"]
    )


def test_a_test_of_unittest_fails_too(run: Run) -> None:
    result = run(
        """
        import unittest
        import pytest
        from s2mock import Drop

        class TestIt(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def take(self, s2_sweep):
                self.s2_sweep = s2_sweep

            def test_left(self):
                self.s2_sweep([Drop()], on="append")

            def test_failed(self):
                self.s2_sweep([Drop()], on="append")
                assert 0
        """
    )
    result.assert_outcomes(failed=2)
    assert printed(result).count("s2_sweep(...) was called, and none of its attempts") == 1


def test_with_xdist_a_loop_that_is_left_fails_its_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(with_producer(LEFT.format(before="", within="", after="break")))
    result = plain(pytester, "-n", "1")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["s2_sweep was left before its end: 1 of 17 attempts were run"])


def test_use_env_is_of_each_attempt(run: Run) -> None:
    run(
        """
        import os
        import httpx
        import pytest
        from s2mock import Drop

        @pytest.mark.s2_mock(use_env=True)
        def test_it(s2_sweep):
            for attempt in s2_sweep([Drop()], on="create-basin"):
                with attempt as s2_mock:
                    assert os.environ["S2_ACCESS_TOKEN"] == s2_mock.token
                    try:
                        url = os.environ["S2_ACCOUNT_ENDPOINT"]
                        httpx.post(url + "/v1/basins", json={"basin": "my-basin"})
                    except httpx.TransportError:
                        assert s2_mock.basins == ()
                    else:
                        assert s2_mock.basins == ("my-basin",)
        """
    ).assert_outcomes(passed=1)


def test_a_real_server_has_no_sweep(run: Run) -> None:
    suite = "def test_it(s2_sweep):\n    pass"
    result = run(suite, "--s2mock-target=http://127.0.0.1:9")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*NotOnTarget: s2_sweep is a power of the fake*"])


WITHOUT = [
    part for name in ("asyncio", "schemathesis", "subtests") for part in ("-p", f"no:{name}")
]


def plain(pytester: pytest.Pytester, *arguments: str) -> Any:
    return pytester.runpytest_subprocess(*WITHOUT, *arguments)


def test_with_xdist_it_is_one_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(with_producer(SWEEP.format(guarded=False)))
    result = plain(pytester, "-n", "1")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["s2_sweep: 40 of 60 attempts failed"])


def test_that_takes_too_long_ends(pytester: pytest.Pytester) -> None:
    """By pytest-timeout, in its second attempt, and the others are not tried."""
    pytester.makepyfile(
        with_producer(
            """
    import signal
    attempts = []

    # Its limit is over when it says so, which needs no time.
    @pytest.mark.timeout(600, method="signal")
    def test_it(s2_sweep):
        for attempt in s2_sweep([Drop()], on="append"):
            with attempt as s2_mock:
                attempts.append(attempt)
                sell(s2_mock, ORDERS[:5], guarded=True)
                if attempt.point is not None:
                    signal.raise_signal(signal.SIGALRM)

    def test_after():
        assert len(attempts) == 2
    """
        )
    )
    result = plain(pytester)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*Timeout *>600.0s*"])


def test_a_scenario_of_a_thousand_operations_says_how_many_were_left(run: Run) -> None:
    result = run(
        with_producer(
            """
    def test_it(s2_sweep):
        for attempt in s2_sweep([Drop()], on="read", limit=2):
            with attempt as s2_mock:
                s2_mock.basin("my-basin").create_stream("log").append(["a"])
                for _ in range(1000):
                    try:
                        s2_mock.client.get("/v1/streams/log/records?seq_num=0",
                            headers={"s2-basin": "my-basin"})
                    except ConnectionError:
                        pass
    """
        )
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["s2_sweep: 0 of 2 attempts failed; 998 more were left out: *"])
