"""`s2mock.strategies`: what they give is taken, or refused as it says.

`make test` asks 150 times for each, `make whole` a thousand times.

`python -m tests.strategies URL` asks a real server the same.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from s2mock import (
    Answer,
    AppendRecord,
    BasinConfig,
    Cut,
    Delay,
    Drain,
    Drop,
    Fail,
    FaultPlan,
    Late,
    PlannedFault,
    S2Mock,
    StreamConfig,
    strategies,
)
from s2mock.json_bodies.control_plane import basin_config_to_json, stream_config_to_json
from s2mock.powers.operations import CODES_OF, OPERATION_NAMES
from s2mock.registry.values.codes import TRANSIENT
from tests.sampling import IS_WHOLE
from tests.strategies.asking import BASIN, REFUSED, with_basin_config, with_stream_config

pytestmark = [pytest.mark.slow, pytest.mark.whole()]

MANY = settings(
    max_examples=1000 if IS_WHOLE else 150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def mock() -> Any:
    with S2Mock(basins=[{"name": BASIN, "streams": [{"name": "log"}]}], journal_limit=0) as mock:
        yield mock


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_refused_as_it_says(mock: S2Mock, name: str) -> None:
    values, request = REFUSED[name]
    client, before = mock.client, mock.snapshot()

    @MANY
    @given(values)
    def check(refused: strategies.Refused) -> None:
        method, path, headers, document = request(refused.value)
        answer = client.open(path, method=method, headers=headers, json=document)
        got = (answer.status_code, json.loads(answer.data)["code"])
        assert got == (refused.status, refused.code)

    check()
    assert mock.basins == (BASIN,)
    assert mock.basin(BASIN).streams == ("log",)
    assert mock.basin(BASIN).stream("log").records == ()
    assert before.time


@pytest.mark.parametrize("name", REFUSED)
def test_they_refuse_in_more_ways_than_one(name: str) -> None:
    values: set[str] = set()

    @settings(max_examples=200, deadline=None, database=None)
    @given(REFUSED[name][0])
    def note(refused: strategies.Refused) -> None:
        values.add(repr(refused))

    note()
    assert len(values) > 20


class TestWhatIsTaken:
    @MANY
    @given(strategies.basin_names(), strategies.stream_names())
    def test_names(self, basin: str, stream: str) -> None:
        with S2Mock() as mock:
            assert mock.create_basin(basin).create_stream(stream).name == stream

    @MANY
    @given(token=strategies.request_tokens())
    def test_request_tokens(self, mock: S2Mock, token: str) -> None:
        basin = mock.basin(BASIN)
        basin.create_stream(f"of-{token}", request_token=token)
        headers = {"s2-basin": BASIN, "s2-request-token": token}
        again = mock.client.post("/v1/streams", json={"stream": f"of-{token}"}, headers=headers)
        assert again.status_code == 201

    @MANY
    @given(config=strategies.stream_configs())
    def test_stream_configs(self, mock: S2Mock, config: StreamConfig) -> None:
        _, path, headers, document = with_stream_config(stream_config_to_json(config))
        with mock.fork() as fork:
            assert fork.client.post(path, json=document, headers=headers).status_code == 201

    @MANY
    @given(config=strategies.basin_configs())
    def test_basin_configs(self, mock: S2Mock, config: BasinConfig) -> None:
        _, path, headers, document = with_basin_config(basin_config_to_json(config))
        with mock.fork() as fork:
            assert fork.client.post(path, json=document, headers=headers).status_code == 201
            assert fork.basin("another-basin").config == config

    @MANY
    @given(batch=strategies.batches(), record=strategies.append_records())
    def test_batches(self, mock: S2Mock, batch: list[AppendRecord], record: AppendRecord) -> None:
        # A stream of its own: one for all would be longer with each.
        with mock.fork() as fork:
            stream = fork.basin(BASIN).stream("log")
            first = stream.append([*batch, record]).start.seq_num
            kept = stream.records[first:]
        assert [(one.body, one.headers) for one in kept] == [
            (one.body, one.headers) for one in [*batch, record]
        ]


def drawn(values: st.SearchStrategy[Any], count: int = 1000) -> list[Any]:
    """What a test is given of these, the same in each run."""
    found = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(values)
    def note(value: Any) -> None:
        found.append(value)

    note()
    return found


def plainest(values: st.SearchStrategy[Any], fails: Callable[[Any], bool]) -> Any:
    """What a test that fails for these is told."""
    quiet = settings(max_examples=1000, derandomize=True, database=None, deadline=None)
    return find(values, fails, settings=quiet)


KINDS = (Drop, Fail, Cut, Delay, Answer, Drain, Late)
# An operation without an effect has none to apply later.
KINDS_OF_READS = KINDS[:-1]


class TestFaults:
    @pytest.mark.parametrize("on", OPERATION_NAMES)
    def test_codes_are_transient_ones_that_the_operation_gives(self, on: str) -> None:
        codes = {fault.code for fault in drawn(strategies.faults(on=on, kinds=[Fail]))}
        assert codes == TRANSIENT & CODES_OF[on]

    def test_codes_of_several_are_those_that_each_gives(self) -> None:
        both = strategies.faults(on=["create-stream", "list-streams"], kinds=[Fail])
        codes = {fault.code for fault in drawn(both)}
        assert codes == TRANSIENT - {"transaction_conflict"}

    def test_other_codes_are_asked_for(self) -> None:
        codes = ["stream_not_found", "unavailable"]
        assert set(drawn(strategies.faults(on="append", kinds=[Fail], codes=codes))) == {
            Fail("stream_not_found"),
            Fail("unavailable"),
            Fail("unavailable", committed=True),
        }
        [plan, *_] = drawn(
            strategies.fault_plans(on="append", kinds=[Fail], codes=["invalid"]).filter(len)
        )
        assert {one.fault for one in plan} == {Fail("invalid")}

    @pytest.mark.parametrize("on", ["append", "read", ["append", "read"]])
    def test_all_kinds_come_about_as_often(self, on: Any) -> None:
        kinds = KINDS if on == "append" else KINDS_OF_READS
        for count in (30, 1000):
            self.are_balanced(drawn(strategies.faults(on=on), count), kinds)

    def are_balanced(self, found: list[Any], kinds: tuple[type[Any], ...] = KINDS) -> None:
        counts = Counter(map(type, found))
        assert counts.keys() == set(kinds)
        for kind in kinds:
            assert 0.2 < counts[kind] * len(kinds) / len(found) < 3, kind

    def test_late_is_for_operations_with_an_effect(self) -> None:
        with pytest.raises(ValueError, match=r"Late\(reads=1\) on 'read': that changes nothing"):
            strategies.faults(on=["append", "read"], kinds=["Late"])
        with pytest.raises(ValueError, match=r"Late\(reads=1\) on 'check-tail'"):
            strategies.fault_plans(on=["check-tail", "read"], kinds=[Late])
        assert set(drawn(strategies.faults(on="create-basin", kinds=[Late]))) == {
            Late(0.001),
            Late(0),
        }
        plans = drawn(strategies.fault_plans(kinds=[Late]), 200)
        assert {one.on for plan in plans for one in plan} == {"append"}

    def test_in_plans_all_kinds_come_about_as_often(self) -> None:
        for on in ("append", ("append", "read", "check-tail")):
            plans = drawn(strategies.fault_plans(on=on), 300)
            assert len(plans) == 300
            self.are_balanced([one.fault for plan in plans for one in plan])

    @pytest.mark.parametrize("kinds", [[Drop, Cut], ["Drop", "Cut"], ("Cut", Drop)])
    def test_kinds(self, kinds: Any) -> None:
        assert {type(fault) for fault in drawn(strategies.faults(kinds=kinds))} == {Drop, Cut}
        plans = drawn(strategies.fault_plans(kinds=kinds), 200)
        assert {type(one.fault) for plan in plans for one in plan} == {Drop, Cut}

    @pytest.mark.parametrize(
        ("arguments", "error", "reason"),
        [
            ({"kinds": []}, ValueError, "kinds must name a kind of fault: there are Drop, Fail"),
            ({"kinds": Drop}, TypeError, "kinds must be a list of classes of faults"),
            ({"kinds": "Drop"}, TypeError, "kinds must be a list of classes of faults"),
            ({"kinds": 5}, TypeError, "kinds must be a list of classes of faults"),
            (
                {"kinds": ["Dorp"]},
                ValueError,
                "'Dorp' is not a kind of fault: there are Drop, Fail",
            ),
            ({"kinds": [Drop()]}, ValueError, r"Drop\(\) is not a kind of fault: there are Drop"),
            ({"kinds": [int]}, ValueError, "is not a kind of fault: there are Drop, Fail"),
            ({"codes": []}, ValueError, "codes must name a code: there are authn,"),
            ({"codes": "storage"}, TypeError, "codes must be a list of error codes"),
            ({"codes": ["unavailble"]}, ValueError, "did you mean 'unavailable'"),
            (
                {"codes": ["decryption_failed"]},
                ValueError,
                "append is never answered with 'decryption_failed', but with authn, ",
            ),
        ],
    )
    def test_what_makes_no_sense_is_said(
        self, arguments: Any, error: type[Exception], reason: str
    ) -> None:
        with pytest.raises(error, match=reason):
            strategies.faults(**arguments)
        with pytest.raises(error, match=reason):
            strategies.fault_plans(on="append", **arguments)

    def test_they_shrink_to_the_plainest(self) -> None:
        assert plainest(strategies.faults(), bool) == Drop()
        failing = plainest(strategies.faults(), lambda fault: isinstance(fault, Fail))
        assert failing == Fail("unavailable", committed=True)


class TestFaultPlans:
    @pytest.mark.parametrize(("arguments", "most"), [({}, 2), ({"max_skip": 0}, 0)])
    def test_skip_stays_within_the_scenario(self, arguments: Any, most: int) -> None:
        plans = drawn(strategies.fault_plans(**arguments), 300)
        assert {one.skip for plan in plans for one in plan} == set(range(most + 1))

    def test_there_are_no_more_faults_than_places(self) -> None:
        plans = drawn(strategies.fault_plans(5, on="append", max_skip=1), 300)
        assert {len(plan) for plan in plans} == {0, 1, 2}

    def test_they_shrink_to_the_fewest_and_the_earliest(self) -> None:
        plans = strategies.fault_plans()
        assert plainest(plans, lambda _: True) == FaultPlan()
        assert plainest(plans, len) == FaultPlan([PlannedFault(Drop(), "append")])
        late = plainest(plans, lambda plan: any(one.skip and one.on == "read" for one in plan))
        assert late == FaultPlan([PlannedFault(Drop(), "read", skip=1)])
        two = plainest(
            strategies.fault_plans(on="append"),
            lambda plan: sum(getattr(one.fault, "committed", False) for one in plan) == 2,
        )
        assert {(one.fault, one.skip) for one in two} == {
            (Drop(committed=True), 0),
            (Drop(committed=True), 1),
        }

    @settings(max_examples=200, deadline=None)
    @given(plan=strategies.fault_plans())
    def test_each_can_be_applied_and_pasted(self, plan: Any) -> None:
        with S2Mock() as s2_mock:
            applied = s2_mock.apply(plan)
            assert len(applied) == len(plan) <= 3
        if not plan:
            return
        with S2Mock() as s2_mock:
            names: dict[str, Any] = {"s2_mock": s2_mock}
            exec("from s2mock import *", names)
            for line in repr(plan).splitlines():
                names["injection"] = None
                exec(f"injection = {line}", names)
                names["injection"].remove()

    @settings(max_examples=100, deadline=None)
    @given(fault=st.data())
    def test_of_a_read_they_count_records(self, fault: Any) -> None:
        with S2Mock() as mock:
            mock.inject(fault.draw(strategies.faults(on="read")), on="read").remove()
            both = ["append", "read"]
            mock.inject(fault.draw(strategies.faults(on=both)), on=both).remove()

    def test_what_is_no_plan(self) -> None:
        plan: Any = []
        with S2Mock() as mock, pytest.raises(TypeError, match=r"apply\(\) takes a FaultPlan"):
            mock.apply(plan)

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"max_faults": 0}, ValueError),
            ({"on": "apend"}, ValueError),
            ({"max_skip": -1}, ValueError),
        ],
    )
    def test_what_makes_no_sense_is_said(self, arguments: Any, error: type[Exception]) -> None:
        with pytest.raises(error):
            strategies.fault_plans(**arguments)

    def test_a_bug_that_needs_two_faults_is_reported_with_two(
        self, pytester: pytest.Pytester
    ) -> None:
        """A client that remembers one lost answer, and not a second one."""
        pytester.makepyfile(
            """
            from hypothesis import Phase, given, settings
            from s2mock import S2Mock
            from s2mock.strategies import fault_plans

            # Not the phase that explains, which takes as long as the two together.
            QUICK = settings(
                max_examples=2000, deadline=None, database=None, derandomize=True,
                phases=[Phase.generate, Phase.shrink], report_multiple_bugs=False,
            )

            def append(s2, body, number):
                lost = 0
                while True:
                    document = {"records": [{"body": body}]}
                    if lost < 2:
                        document["match_seq_num"] = number
                    try:
                        answer = s2.client.post("/v1/streams/log/records", json=document,
                            headers={"s2-basin": "my-basin"})
                    except ConnectionError:
                        lost += 1
                        continue
                    if answer.status_code in (200, 412):
                        return
                    lost += answer.status_code >= 500

            @QUICK
            @given(plan=fault_plans(on="append"))
            def test_it(plan):
                with S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}]) as s2:
                    s2.apply(plan)
                    for number in range(5):
                        append(s2, str(number), number)
                    records = s2.basin("my-basin").stream("log").records
                    assert [record.body for record in records] == [b"0", b"1", b"2", b"3", b"4"]
            """
        )
        # Schemathesis changes how Hypothesis prints, for all of the process.
        result = pytester.runpytest_subprocess("-p", "no:schemathesis", "-p", "no:asyncio")
        result.assert_outcomes(failed=1)
        # The fewest, the plainest, and the earliest.
        result.stdout.fnmatch_lines(
            [
                "E *plan=s2_mock.inject(Drop(*), on='append')",
                "E * s2_mock.inject(Drop(*), on='append', skip=1),",
                "E *)",
            ]
        )


def test_without_hypothesis_it_says_what_to_install(pytester: pytest.Pytester) -> None:
    result = pytester.run(
        sys.executable,
        "-c",
        "import sys; sys.modules['hypothesis'] = None; import s2mock; s2mock.S2Mock().close()\n"
        "import s2mock.strategies",
    )
    result.stderr.fnmatch_lines(["ImportError: *needs Hypothesis: pip install 's2mock*hypothesis*"])
