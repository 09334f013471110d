"""Numbers that a test hands over in Python: every numeric parameter of every public name."""

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

import s2mock
from s2mock import (
    Account,
    Answer,
    AppendRecord,
    Crashes,
    Cut,
    Delay,
    Drain,
    Drop,
    Fail,
    Fault,
    FaultPlan,
    Late,
    ManualClock,
    Orders,
    PlannedFault,
    RemoteS2Mock,
    S2Mock,
    Silence,
    Slow,
    StreamConfig,
    Sweep,
)
from s2mock.handles.campaigns.driver import outside_pytest
from s2mock.handles.campaigns.sweep import sweep_fixture
from s2mock.registry.values.config import StreamConfigChanges
from s2mock.strategies import fault_plans
from tests.extremes.values import exercise, is_numeric, judge, made, meet, use
from tests.powers.conftest import BASIN, Started, Way

pytestmark = pytest.mark.slow

# What s2mock makes and a test only looks at, or what is for the parts of s2mock alone.
NOT_GIVEN = {
    *("Effect.__init__", "Exchange.__init__", "Response.__init__", "SeqNumMismatch.__init__"),
    *("Journal.since", "ManualClock.at", "ManualClock.begin_at", "ManualClock.call_at"),
    "ManualClock.waiters_pending",
    "CampaignReport.__init__",
}


class Prepared(NamedTuple):
    """A mock with something that has met a fault and a hold, and with a reader at a tail."""

    mock: S2Mock
    clock: ManualClock
    injection: Any
    held: Any


@pytest.fixture(scope="module")
def prepared() -> Iterator[Prepared]:
    clock = ManualClock()
    with closing(made(clock=clock)) as mock, closing(Way("http1", mock)) as way:
        injection = mock.inject(Fail("unavailable"), on="append")
        assert way.append("a").status == 503
        with mock.hold(on="append") as held:
            appending = Started(lambda: way.append("a"))
            held.wait()
        assert appending.result().status == 200
        reading = way.pieces("/v1/streams/log/records", {"accept": "text/event-stream"})
        next(reading)
        clock.wait_for_waiters()
        yield Prepared(mock, clock, injection, held)


def met(fault: Fault) -> None:
    """Meet it with each operation on which it means something."""
    on: str | tuple[str, ...] = ("append", "read")
    if getattr(fault, "records", None) is not None:
        on = "read"
    elif isinstance(fault, Late):
        on = "append"
    with closing(made()) as mock:
        mock.inject(fault, on=on, times=None, required=False)
        meet(mock)


def appended(*records: AppendRecord, **arguments: Any) -> None:
    for config in (StreamConfig(), StreamConfig(timestamping_uncapped=True)):
        with closing(made()) as mock:
            mock.stream(BASIN, "log").append(["a"])
            stream = mock.basin(BASIN).create_stream("other", config)
            stream.append(["a", *records], **arguments)
            stream.append(["b"])
            assert len(stream.records) <= 3 + len(records)
            exercise(mock)


def injected(inject: Callable[[S2Mock], object]) -> None:
    with closing(made()) as mock:
        inject(mock)
        meet(mock)


def configured(**given: Any) -> None:
    with closing(made()) as mock:
        stream = mock.basin(BASIN).create_stream("other", StreamConfig(**given))
        stream.append(["a", "b", AppendRecord.trim(1)])
        exercise(mock)


def reconfigured(**given: Any) -> None:
    with closing(made()) as mock:
        stream = mock.stream(BASIN, "log")
        stream.reconfigure(**given)
        stream.append(["a"])
        exercise(mock)


def swept(**given: Any) -> None:
    sweep = sweep_fixture(made)
    for attempt in sweep([Drop()], on="list-basins", **given):
        with attempt as mock, closing(Way("wsgi", mock)) as way:
            try:
                way("GET", "/v1/basins")
            except ConnectionError:
                assert attempt.point is not None


def crashed(make: Callable[..., Crashes], given: Mapping[str, Any]) -> None:
    campaign = make(on="append", **given)
    for attempt in campaign:
        with attempt:
            attempt.run(asyncio.sleep, 0)
    assert "no append of the worker arrived" in str(campaign.report())


def ordered(
    make: Callable[..., Orders],
    given: Mapping[str, Any],
    times: Mapping[str, Any] = MappingProxyType({}),
    *,
    is_async: bool = False,
) -> None:
    if given.get("max_faults"):
        given = {**given, "faults": [Drop()]}
    errors = []
    for run in make(**given):
        with run:
            run.actor("a", lambda _: None)
            try:
                if is_async:
                    asyncio.run(run.async_go(**times))
                else:
                    run.go(**times)
            except AssertionError as error:
                # A timeout of 0 is over before the actor has ended.
                assert "nothing has happened for" in str(error)  # noqa: PT017
            except Exception as error:  # noqa: BLE001  # of any kind: it is raised below
                errors.append(error)
    if errors:
        raise errors[0]


def swept_alone(**given: Any) -> None:
    sweep = Sweep([Drop()], on="list-basins", **given)
    for attempt in sweep:
        with attempt as mock, closing(Way("wsgi", mock)) as way, suppress(ConnectionError):
            way("GET", "/v1/basins")
    assert sweep.report().passed


def replayed(**given: Any) -> None:
    # A fault that nothing has met fails the test, when the block ends.
    sweep_fixture(made).replay("list-basins", **{"number": 1, "fault": Drop(), **given})


def turned(turn: Callable[[S2Mock], object]) -> None:
    with closing(made(clock="manual")) as mock:
        turn(mock)
        for _ in range(2):
            assert mock.client.get("/v1/basins").status_code == 200
        exercise(mock)


def issued(**given: Any) -> None:
    with closing(made()) as mock:
        token = mock.issue_token("x", basins="*", ops=["list-basins"], **given)
        assert token.info.id == "x"
        token.revoke()
        mock.issue_token("y", basins="*", ops=["list-basins"], **given)
        exercise(mock)


def accounted(**given: Any) -> None:
    account = Account(**given)
    basin = account.create_basin(BASIN)
    basin.create_stream("log").append(["a"])
    basin.stream("log").delete()
    basin.delete()
    assert set(account.basins) <= {BASIN}


def waited(wait: Any, given: dict[str, Any]) -> None:
    """Wait for what is there; or for more, for no time at all."""
    arguments = given if "timeout" in given else {"timeout": 0, **given}
    try:
        result = wait(**arguments)
        if inspect.isawaitable(result):
            asyncio.run(_awaited(result))
    except TimeoutError:
        assert arguments["timeout"] == 0


def served(**given: Any) -> None:
    async def serve() -> None:
        with closing(made()) as mock:
            async with await mock.serve(**given) as server:
                assert server.url.startswith("http://127.0.0.1:")

    asyncio.run(serve())


async def _awaited(result: Any) -> Any:
    return await result


# How each is called, by the class and the name of the method; the arguments of the base are there
# so that the others have a meaning.
CALLS: dict[str, Callable[[Prepared, dict[str, Any]], object]] = {
    "Account.__init__": lambda _, given: accounted(**given),
    "Account.list_basins": lambda at, given: at.mock.account.list_basins(**given),
    "Answer.__init__": lambda _, given: met(Answer(**{"status": 502, **given})),
    "AppendRecord.__init__": lambda _, given: appended(AppendRecord("x", **given)),
    "AppendRecord.fence": lambda _, given: appended(AppendRecord.fence("x", **given)),
    "AppendRecord.trim": lambda _, given: appended(AppendRecord.trim(**{"seq_num": 1, **given})),
    "Basin.list_streams": lambda at, given: at.mock.basin(BASIN).list_streams(**given),
    "Cut.__init__": lambda _, given: met(Cut(**given)),
    "Delay.__init__": lambda _, given: met(Delay(**{"seconds": 0, **given})),
    "Drain.__init__": lambda _, given: met(Drain(**given)),
    "Fail.__init__": lambda _, given: met(Fail("unavailable", **given)),
    "Late.__init__": lambda _, given: met(
        Late(**({} if "seconds" in given else {"reads": 1}) | given)
    ),
    "Silence.__init__": lambda _, given: met(Silence(**given)),
    "Slow.__init__": lambda _, given: met(Slow(**given)),
    "Hold.wait": lambda at, given: waited(at.held.wait, given),
    "Hold.async_wait": lambda at, given: waited(at.held.async_wait, given),
    "Injection.wait": lambda at, given: waited(at.injection.wait, given),
    "Injection.async_wait": lambda at, given: waited(at.injection.async_wait, given),
    "Journal.of": lambda at, given: at.mock.journal.of(**given),
    "Journal.wait_for": lambda at, given: waited(at.mock.journal.wait_for, given),
    "Journal.async_wait_for": lambda at, given: waited(at.mock.journal.async_wait_for, given),
    "ManualClock.__init__": lambda _, given: use(clock=ManualClock(**given)),
    "ManualClock.advance": lambda _, given: turned(lambda mock: mock.clock.advance(**given)),  # type: ignore[attr-defined]
    "ManualClock.wait_for_waiters": lambda at, given: waited(at.clock.wait_for_waiters, given),
    "ManualClock.async_wait_for_waiters": lambda at, given: waited(
        at.clock.async_wait_for_waiters, given
    ),
    "PlannedFault.__init__": lambda _, given: injected(
        lambda mock: mock.apply(FaultPlan([PlannedFault(Drop(), "append", **given)]))
    ),
    "S2Mock.__init__": lambda _, given: use(**given),
    "S2Mock.advance": lambda _, given: turned(lambda mock: mock.advance(**given)),
    "S2Mock.hold": lambda _, given: injected(
        lambda mock: mock.hold(on="append", required=False, **given)
    ),
    "S2Mock.inject": lambda _, given: injected(
        lambda mock: mock.inject(Drop(), on="append", required=False, **given)
    ),
    "S2Mock.on": lambda _, given: injected(lambda mock: mock.on("append", lambda _: None, **given)),
    "S2Mock.issue_token": lambda _, given: issued(**given),
    "S2Mock.serve": lambda _, given: served(**given),
    "S2Mock.wait_for_waiters": lambda at, given: waited(at.mock.wait_for_waiters, given),
    "S2Mock.async_wait_for_waiters": lambda at, given: waited(
        at.mock.async_wait_for_waiters, given
    ),
    "Stream.append": lambda _, given: turned(
        lambda mock: mock.stream(BASIN, "log").append(["x"], **given)
    ),
    "Stream.trim": lambda _, given: turned(lambda mock: mock.stream(BASIN, "log").trim(**given)),
    "Stream.wait_for": lambda at, given: waited(at.mock.stream(BASIN, "log").wait_for, given),
    "Stream.async_wait_for": lambda at, given: waited(
        at.mock.stream(BASIN, "log").async_wait_for, given
    ),
    "Stream.wait_for_readers": lambda at, given: waited(
        at.mock.stream(BASIN, "log").wait_for_readers, given
    ),
    "Stream.async_wait_for_readers": lambda at, given: waited(
        at.mock.stream(BASIN, "log").async_wait_for_readers, given
    ),
    "Stream.reconfigure": lambda _, given: reconfigured(**given),
    "StreamConfig.__init__": lambda _, given: configured(**given),
    "Crashes.__call__": lambda _, given: crashed(Crashes.for_fixture(outside_pytest()), given),
    "Crashes.__init__": lambda _, given: crashed(Crashes, given),
    "Crashes.replay": lambda _, given: Crashes.for_fixture(outside_pytest()).replay(
        "after", "append", **{"number": 1, **given}
    ),
    "Orders.__call__": lambda _, given: ordered(Orders.for_fixture(outside_pytest()), given),
    "Orders.__init__": lambda _, given: ordered(Orders, given),
    "Orders.replay": lambda _, given: Orders.for_fixture(outside_pytest()).replay("a1", **given),
    "Run.go": lambda _, given: ordered(Orders, {}, given),
    "Run.async_go": lambda _, given: ordered(Orders, {}, given, is_async=True),
    "Sweep.__init__": lambda _, given: swept_alone(**given),
    "Sweep.__call__": lambda _, given: swept(**given),
    "Sweep.replay": lambda _, given: replayed(**given),
    "strategies.fault_plans": lambda _, given: fault_plans(**given),
}
# What else an error calls it: in S2's own words, or in what it says of a clock.
CALLED = {
    "retention_policy": "age",
    "match_seq_num": "sequence number",
    "seconds": "a clock only goes forward",
}


def numeric_parameters() -> Iterator[tuple[str, str]]:
    """The method and the parameter, of all that is public."""
    for name in s2mock.__all__:
        public = getattr(s2mock, name)
        if not inspect.isclass(public) or getattr(public, "_is_protocol", False):
            continue
        for method, function in inspect.getmembers(public, callable):
            if method.startswith("_") and method not in ("__init__", "__call__"):
                continue
            if not (getattr(function, "__module__", None) or "").startswith("s2mock."):
                continue
            if public is RemoteS2Mock and function is getattr(S2Mock, method, None):
                continue
            for parameter in inspect.signature(function).parameters.values():
                if is_numeric(parameter.annotation):
                    yield f"{name}.{method}", parameter.name
    for leaf, annotation in StreamConfigChanges.__annotations__.items():
        if is_numeric(annotation):
            yield "Stream.reconfigure", leaf
    yield "strategies.fault_plans", "max_faults"
    yield "strategies.fault_plans", "max_skip"


# A clock of the user's own is what `wait` is for, which s2mock calls.
GIVEN = [
    (method, parameter)
    for method, parameter in numeric_parameters()
    if method not in NOT_GIVEN and not (method.endswith("Clock.wait") and parameter == "until")
]


def test_each_method_with_numbers_is_known() -> None:
    assert {method for method, _ in GIVEN} == set(CALLS)
    everything = {method for method, _ in numeric_parameters()}
    assert everything >= NOT_GIVEN


@pytest.mark.openapi_unchecked("faults answer what S2 does not")
@pytest.mark.parametrize(("method", "parameter"), GIVEN, ids=map(".".join, GIVEN))
def test_a_number_is_refused_or_works(prepared: Prepared, method: str, parameter: str) -> None:
    names = {parameter, CALLED.get(parameter, parameter)}
    judge(names, lambda value: CALLS[method](prepared, {parameter: value}))
    assert prepared.mock.client.get("/v1/basins").status_code == 200
