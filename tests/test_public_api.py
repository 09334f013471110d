"""Tests of the public names and of their types, as a type checker sees them."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import s2mock

NAMES = [
    "AccessTokenNotFound",
    "Account",
    "Actor",
    "Answer",
    "AppendAck",
    "AppendConditionFailed",
    "AppendRecord",
    "BadHeader",
    "Basin",
    "BasinConfig",
    "BasinDeletionPending",
    "BasinInfo",
    "BasinNotFound",
    "CampaignReport",
    "Clock",
    "Crashes",
    "Cut",
    "Delay",
    "Drain",
    "Drop",
    "Effect",
    "Exchange",
    "Fail",
    "Fault",
    "FaultPlan",
    "FencingTokenMismatch",
    "Hold",
    "Hook",
    "Injection",
    "Invalid",
    "InvalidConfig",
    "InvalidName",
    "Journal",
    "Late",
    "ManualClock",
    "NotOnTarget",
    "Orders",
    "Page",
    "PlannedFault",
    "RemoteS2Mock",
    "Request",
    "ResourceAlreadyExists",
    "ResourceSet",
    "Response",
    "Run",
    "S2Advice",
    "S2Error",
    "S2Mock",
    "Scope",
    "SeqNumMismatch",
    "SequencedRecord",
    "Silence",
    "Slow",
    "Snapshot",
    "StaleHandle",
    "Stream",
    "StreamConfig",
    "StreamDeletionPending",
    "StreamInfo",
    "StreamNotFound",
    "StreamPosition",
    "Sweep",
    "SystemClock",
    "TargetError",
    "Token",
    "TokenInfo",
    "UnusedFault",
]


def test_names_are_these() -> None:
    assert s2mock.__all__ == dir(s2mock) == NAMES
    namespace: dict[str, object] = {}
    exec("from s2mock import *", namespace)
    assert sorted(namespace.keys() - {"__builtins__"}) == NAMES
    with pytest.raises(AttributeError, match="module 's2mock' has no attribute 'nope'"):
        _ = s2mock.nope


@pytest.mark.parametrize("name", NAMES)
def test_each_is_documented_with_its_members(name: str) -> None:
    thing = getattr(s2mock, name)
    # An inherited docstring would speak of something else.
    assert vars(thing).get("__doc__"), name
    for member, value in vars(thing).items():
        function = value.fget if isinstance(value, property) else value
        if not member.startswith("_") and inspect.isfunction(function):
            assert function.__doc__, f"{name}.{member}"
            assert "return" in function.__annotations__, f"{name}.{member}"


GOOD = '''
"""A user's module: everything here is meant to be as typed as it looks."""

from pathlib import Path
from typing import assert_type

import pytest

from s2mock import (
    Account,
    Actor,
    Answer,
    AppendAck,
    Basin,
    BasinConfig,
    BasinInfo,
    CampaignReport,
    Clock,
    Crashes,
    Cut,
    Delay,
    Drain,
    Drop,
    Exchange,
    Fail,
    Fault,
    FaultPlan,
    Hold,
    Hook,
    Injection,
    Journal,
    ManualClock,
    Orders,
    Page,
    PlannedFault,
    ResourceAlreadyExists,
    Run,
    S2Error,
    S2Mock,
    SequencedRecord,
    Snapshot,
    Stream,
    StreamConfig,
    StreamInfo,
    Sweep,
    SystemClock,
    Token,
    TokenInfo,
)


@pytest.mark.s2_mock(basins=["my-basin"], deletion_delay=5)
def test_it(s2_mock: S2Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_type(s2_mock.url, str)
    assert_type(s2_mock.env, dict[str, str])
    assert_type(s2_mock.basins, tuple[str, ...])
    assert_type(s2_mock.account, Account)
    s2_mock.use_env(monkeypatch)
    basin = s2_mock.create_basin("my-basin", BasinConfig(), request_token="t")
    assert_type(basin, Basin)
    assert_type(basin.info, BasinInfo)
    assert_type(basin.info.deleted_at, int | None)
    assert_type(basin.streams, tuple[str, ...])
    assert_type(basin.list_streams(prefix="a", limit=5), Page[StreamInfo])
    stream = basin.create_stream("s", StreamConfig(retention_policy="infinite"))
    assert_type(stream, Stream)
    assert_type(s2_mock.stream("my-basin", "s"), Stream)
    assert_type(stream.bodies, tuple[bytes, ...])
    assert_type(stream.wait_for(2, timeout=1), tuple[SequencedRecord, ...])
    assert_type(stream.fence("token"), AppendAck)
    assert_type(stream.config, StreamConfig)
    assert_type(stream.reconfigure(retention_policy=60, storage_class=None), StreamConfig)
    assert_type(
        basin.reconfigure(default_stream_config={"timestamping_mode": "arrival"}), BasinConfig
    )
    assert_type(s2_mock.client.get("/health").status_code, int)
    try:
        s2_mock.create_basin("my-basin")
    except ResourceAlreadyExists as error:
        assert_type(error.code, str)
        assert_type(error.status, int)
        assert isinstance(error, S2Error)


@pytest.mark.s2_mock(auth="required", revocation_delay=60, locations=["here"])
def test_tokens(s2_mock: S2Mock) -> None:
    token = s2_mock.issue_token(
        "svc",
        basins="my-basin",
        streams={"prefix": "a/"},
        ops=["append"],
        op_groups={"stream": {"read": True}, "basin": "read-write"},
        expires_in=3600,
        auto_prefix_streams=True,
    )
    assert_type(token, Token)
    assert_type(token.secret, str)
    assert_type(token.env, dict[str, str])
    assert_type(token.info, TokenInfo)
    assert_type(token.info.scope.ops, tuple[str, ...])
    assert_type(s2_mock.tokens, tuple[str, ...])
    assert_type(s2_mock.create_basin("my-basin", location="here").info.location, str)
    token.revoke()


class Stopped:
    """A clock of the user's own."""

    def now(self) -> int:
        return 0


def clocks() -> list[Clock]:
    return [ManualClock(), SystemClock()]


FAULTS: list[Fault] = [
    Fail("unavailable", retry_after=1, committed=True),
    Drop(refused=True),
    Cut(bytes=5),
    Delay(float("inf")),
    Answer(502, b"<html>", headers={"content-type": "text/html"}),
    Drain(records=2),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_powers(s2_mock: S2Mock, fault: Fault) -> None:
    assert_type(s2_mock.inject(fault, on=["append", "read"], times=None), Injection)
    with s2_mock.inject([*FAULTS, None], on="append", stream="a/*", required=False) as injected:
        assert_type(injected.hits, int)
        assert_type(injected.exchanges, tuple[Exchange, ...])
    with s2_mock.outage(), s2_mock.hold(on="append", at="answer") as held:
        assert_type(held, Hold)
        assert_type(held.wait(2, timeout=1.5), tuple[Exchange, ...])
        held.release(exchange=held.exchanges[0], fault=fault)
    stream = s2_mock.stream("my-basin", "s")
    with s2_mock.on("append", lambda exchange: stream.append(["a"]), at="commit") as hook:
        assert_type(hook, Hook)
        assert_type(hook.calls, int)
        assert_type(hook.exchanges, tuple[Exchange, ...])
    plan = FaultPlan([PlannedFault(fault, on="append", stream="orders/*", skip=2)])
    assert_type(s2_mock.apply(plan), tuple[Injection, ...])
    assert_type(s2_mock.journal, Journal)
    assert_type(s2_mock.journal[0], Exchange)
    assert_type(s2_mock.journal[1:], tuple[Exchange, ...])
    [exchange] = s2_mock.journal.of("append", stream="a", status=200)
    assert_type(exchange.fault, Fault | None)
    assert_type(exchange.curl(), str)
    if exchange.response is not None:
        assert_type(exchange.response.status, int)


def test_sweep(s2_sweep: Sweep) -> None:
    for attempt in s2_sweep([Drop()], on="append", basins=["my-basin"]):
        with attempt as s2:
            assert_type(s2, S2Mock)
    with s2_sweep.replay("append", 3, Drop(committed=True)) as again:
        assert_type(again, S2Mock)
    sweep = Sweep([Drop()], on="append", limit=5, check=True, basins=["my-basin"])
    assert_type(sweep.report(), CampaignReport)
    assert_type(sweep.report().passed, bool)


def place(actor: Actor, body: str) -> None:
    assert_type(actor.token, str)
    assert_type(actor.env, dict[str, str])


async def work(actor: Actor) -> None:
    assert_type(actor.url, str)


def test_orders(s2_orders: Orders) -> None:
    for run in s2_orders(max_runs=10, max_faults=1, faults=[Drop()], basins=["my-basin"]):
        assert_type(run, Run)
        with run as s2:
            assert_type(s2, S2Mock)
            assert_type(run.actor("a", place, "tea"), Actor)
            run.actor("b", work)
            run.actor("c", ["true"])
            run.go(timeout=5)
    with s2_orders.replay("a1 b1", faults={"a1": Drop()}) as again:
        assert_type(again, S2Mock)
    assert_type(Orders(seed=5).report(), CampaignReport)


def test_crashes(s2_crash: Crashes) -> None:
    for attempt in s2_crash(on=["append"], basins=["my-basin"]):
        with attempt as s2:
            assert_type(s2, S2Mock)
            attempt.run(["true"])
    with s2_crash.replay("after", "append", 1) as again:
        assert_type(again, S2Mock)
    assert_type(Crashes(on="append").report(), CampaignReport)


async def waits(mock: S2Mock) -> None:
    assert_type(await mock.journal.async_wait_for("append", 2), tuple[Exchange, ...])
    await mock.basin("my-basin").stream("s").async_wait_for_readers(timeout=1)
    await mock.stream("my-basin", "s").async_wait_for(timeout=1)
    await mock.async_wait_for_waiters(timeout=1)
    async with await mock.serve(host="127.0.0.1", port=0) as server:
        assert_type(server.url, str)
    await server.close()


with S2Mock(profile="documented", clock=ManualClock(0)) as mock:
    assert_type(mock, S2Mock)
    mock.advance(1.5)
    its_clock: Clock = mock.clock
    with mock.clock.stopped():
        assert_type(its_clock.now(), int)
    assert_type(mock.clock.now(), int)
    mock.wait_for_waiters(2, timeout=1)
    S2Mock(clock="manual", append_latency=0.005)
    before = mock.snapshot()
    assert_type(before, Snapshot)
    before.save("account.jsonl")
    assert_type(Snapshot.load(Path("account.jsonl")), Snapshot)
    mock.reset()
    mock.restore(before)
    with mock.fork() as fork:
        assert_type(fork, S2Mock)
    assert_type(S2Mock(snapshot=before), S2Mock)
'''

# Each line is wrong, and this is what is wrong with it.
BAD = {
    's2.create_basin(b"my-basin")': "arg-type",
    's2.create_basin("my-basin", {"stream_cipher": None})': "arg-type",
    's2.create_basin("my-basin", token="t")': "call-arg",
    's2.create_basin("my-basin", request_token=1)': "arg-type",
    's2.basin("my-basin").create_stream("s", BasinConfig())': "arg-type",
    's2.basin("my-basin").streams.append("s")': "attr-defined",
    's2.basin("my-basin").reconfigure(storage_class="x")': "call-arg",
    'StreamConfig(retention_policy="forever")': "arg-type",
    'StreamConfig(timestamping_mode="Arrival")': "arg-type",
    'StreamConfig("x").storage_class = "y"': "misc",
    'BasinConfig(stream_cipher="rot13")': "arg-type",
    'S2Mock(profile="Real")': "arg-type",
    "S2Mock(clock=5)": "arg-type",
    'S2Mock(clock="Manual")': "arg-type",
    # Not every clock can be turned, so it is the mock that is asked.
    "s2.clock.advance(1)": "attr-defined",
    "S2Mock(delay=5)": "call-arg",
    "S2Mock(snapshot=S2Mock())": "arg-type",
    "s2.restore(s2)": "arg-type",
    's2.issue_token("svc", ops="read", expires_in="1h")': "arg-type",
    's2.issue_token("svc", "my-basin")': "call-arg",
    'S2Mock(auth="closed")': "arg-type",
    's2.inject("Drop()", on="append")': "arg-type",
    's2.inject(Drop(), "append")': "call-arg",
    's2.hold(on="append", at="comit")': "arg-type",
    's2.on("append", lambda: None)': "arg-type",
    "Drop(True)": "call-arg",
    "Fail()": "call-arg",
    "s2.journal[0].number = 5": "misc",
    "s2.no_such_thing": "attr-defined",
    "from s2mock import NoSuchThing": "attr-defined",
}


def mypy(module: str, directory: Path) -> list[str]:
    """What mypy, as strict as it gets, says about a user's module."""
    (directory / "user.py").write_text(module)
    cache = directory / "cache"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={cache}", "user.py"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not checked.stderr, checked.stderr
    return checked.stdout.splitlines()


@pytest.mark.slow
def test_type_checker_accepts_and_refuses_what_it_should(tmp_path: Path) -> None:
    """In one run, since most of its time goes into what both import."""
    bad = ["", "", "s2 = S2Mock()", *BAD]
    report = mypy(GOOD + "\n".join(bad) + "\n", tmp_path)
    first = GOOD.count("\n") + 4
    found = {}
    for line in report[:-1]:
        where, _, what = line.partition(": error: ")
        if what:
            found[int(where.split(":")[1])] = what.rpartition("[")[2].rstrip("]")
    assert found == {first + number: code for number, code in enumerate(BAD.values())}, report
