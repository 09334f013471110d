"""Members of the zoo that are asyncio programs: worlds find each bug, and accuse no twin.

`make test` runs a fixed sample of the twins' seeds, `make simulation` 2,000 of each.
"""

import asyncio
import contextlib
import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from s2mock import S2Mock
from tests.simulation.worlds import Main, run
from tests.zoo.client import BASIN, AsyncStream, Refused
from tests.zoo.member import Member

Program = Callable[..., Awaitable[Any]]
SEEDS_OF_A_BUG = 200
SEEDS_OF_A_TWIN = 2000
SAMPLE = 20
SECONDS = 120.0


@dataclass(frozen=True)
class Scenario:
    """What a world does with the program of a member, and what has to be true at its end."""

    play: Callable[[Any, S2Mock, Program], Awaitable[None]]
    check: Callable[[S2Mock], Awaitable[None] | None]


async def crash_once(world: Any, mock: S2Mock, program: Program) -> None:
    """Crash the host of the program at a time of the tape, and start it again until it ends."""
    import simloom

    worker = world.host("worker")
    ended = []

    async def work() -> None:
        await program(mock)
        ended.append(worker.generation)

    worker.spawn(work)
    await world.sleep(simloom.draw("crash", 40) / 200)
    worker.crash()
    # simloom runs the callbacks of a host's earlier life if it starts again in the same instant.
    await world.sleep(0.01)
    worker.restart()
    await world.until(lambda: 1 in ended, timeout=SECONDS)


async def crash_once_with_jobs(world: Any, mock: S2Mock, program: Program) -> None:
    """Do the same, with jobs to do."""
    mock.stream(BASIN, "jobs").append(["bake", "brew"])
    await crash_once(world, mock, program)


async def crash_once_with_token(world: Any, mock: S2Mock, program: Program) -> None:
    """Do the same, with a token of a tenant; then use the token on its next stream."""
    token = mock.issue_token("tenant", basins=BASIN, streams="tenant", ops=["append"]).secret
    await crash_once(world, mock, program)
    mock.basin(BASIN).create_stream("tenant")
    late = SimpleNamespace(url=mock.url, token=token)
    async with AsyncStream(late, "tenant") as tenant:
        with contextlib.suppress(Refused):
            await tenant.append("from the old tenant")


async def two_at_once(world: Any, mock: S2Mock, program: Program) -> None:
    """Run the program on two hosts at once."""
    actors = [SimpleNamespace(name=name, url=mock.url, token=mock.token) for name in ("a", "b")]
    await asyncio.gather(
        *(world.host(one.name).spawn(lambda one=one: program(one)) for one in actors)
    )


async def reset_once(world: Any, mock: S2Mock, program: Program) -> None:
    """Reset the connections of the program at a time of the tape."""
    import simloom

    worker = world.host("worker")
    working = worker.spawn(lambda: program(mock, [b"tea", b"cake"]))
    await world.sleep(simloom.draw("reset", 40) / 200)
    world.net.reset_connections(worker, world.host("s2.test"))
    await working


def bodies(mock: S2Mock, stream: str) -> list[str]:
    return [body.decode() for body in mock.stream(BASIN, stream).bodies]


def holder_has_written(mock: S2Mock) -> None:
    holder = ""
    # With the commands, whose bodies are the fencing tokens.
    for body in [record.body.decode() for record in mock.stream(BASIN, "log").records]:
        if body.startswith("the work of "):
            assert body == f"the work of {holder}"
        else:
            holder = body


def has_count(stream: str, count: int, without: str = "") -> Callable[[S2Mock], None]:
    def check(mock: S2Mock) -> None:
        assert len([body for body in bodies(mock, stream) if body != without]) == count

    return check


def money_is_there(mock: S2Mock) -> None:
    assert sum(int(body.split()[1]) for body in bodies(mock, "ledger")) == 0


def is_kept_for_a_year(mock: S2Mock) -> None:
    assert mock.stream(BASIN, "orders").config.retention_policy == 365 * 24 * 60 * 60


SCENARIOS = {
    "created_not_configured": Scenario(crash_once, is_kept_for_a_year),
    "cursor_after_work": Scenario(crash_once_with_jobs, has_count("log", 2, without="moved")),
    "cursor_before_work": Scenario(crash_once_with_jobs, has_count("results", 2)),
    "lease_without_fence": Scenario(two_at_once, holder_has_written),
    "sdk_retries": Scenario(reset_once, has_count("orders", 2)),
    "token_outlives_tenant": Scenario(crash_once_with_token, has_count("tenant", 0)),
    "two_appends_belong_together": Scenario(crash_once, money_is_there),
}


def member_of(name: str) -> Member:
    member: Member = importlib.import_module(f"tests.zoo.members.{name}").MEMBER
    return member


def world_of(name: str, program: Program) -> Main:
    scenario, options = SCENARIOS[name], member_of(name).options

    async def main(world: Any) -> bool:
        from s2mock.simulation import start_s2

        mock = await start_s2(world, **options)
        await scenario.play(world, mock, program)
        scenario.check(mock)
        return True

    return main


def accusation(main: Main, seed: int) -> BaseException | None:
    """Return the failure of the world of a seed, None if the program has passed.

    simloom 0.5 drops the callbacks of a host that crashes, also those by which a task group of
    anyio learns that a task has ended. If the host has crashed right then, under httpx, simloom
    cannot end its task after the world, and fails a world that has passed.
    """
    result = run(main, seed)
    error: BaseException | None = result.error
    if result.value is True and error is not None and _is_of_a_crashed_task_group(error):
        assert [one for one in result.log.events if one["kind"] == "host_crash"]
        return None
    assert error is not None or result.value is True
    return error


def _is_of_a_crashed_task_group(error: BaseException) -> bool:
    """True for the failures of simloom when it ends a task that waits in a group of anyio."""
    import simloom

    if isinstance(error, simloom.SimDeadlockError):
        return True
    is_unhandled = isinstance(error, simloom.UnhandledExceptionError)
    return is_unhandled and "CancelScope._deliver_cancellation" in str(error)


each = pytest.mark.parametrize("name", SCENARIOS)
# Of a task that a crash has ended before its first step; simloom closes it at no time.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine 'connect_tcp.* was never awaited")


def first_seed_that_fails(name: str, program: Program) -> int | None:
    main = world_of(name, program)
    for seed in range(SEEDS_OF_A_BUG):
        error = accusation(main, seed)
        if error is not None:
            # The check has failed, not the world.
            assert type(error) is AssertionError, error
            return seed
    return None


@each
def test_bug_is_found_and_found_again_by_its_seed(name: str) -> None:
    bug = member_of(name).bug
    seed = first_seed_that_fails(name, bug)
    assert seed is not None
    assert type(accusation(world_of(name, bug), seed)) is AssertionError


@pytest.mark.timeout(3600)
@each
def test_twin_is_never_accused(name: str, is_whole: bool) -> None:
    main = world_of(name, member_of(name).twin)
    for seed in range(SEEDS_OF_A_TWIN if is_whole else SAMPLE):
        if error := accusation(main, seed):
            raise AssertionError(f"the twin is accused by seed {seed}") from error


def test_there_are_enough_members() -> None:
    assert len(SCENARIOS) >= 6


@pytest.mark.slow
class TestNegativeControls:
    @pytest.mark.parametrize("name", ["cursor_after_work", "sdk_retries"])
    def test_a_world_without_its_fault_finds_no_bug(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import simloom

        # After the program has ended.
        monkeypatch.setattr(simloom, "draw", lambda *_: 10_000)
        assert first_seed_that_fails(name, member_of(name).bug) is None
