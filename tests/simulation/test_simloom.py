"""What simloom 0.5 does by itself, as the page "Simulate hours in seconds" says: no S2 is in here.

A test that fails with a later version means that the page, and what works around it in
`test_zoo.py`, has to change.
"""

import asyncio
from typing import Any

import anyio
import pytest

from tests.simulation.worlds import check, run

SEEDS = 40


def errors_of(main: Any) -> set[str]:
    return {type(run(main, seed).error).__name__ for seed in range(SEEDS)}


def crash_while_a_task_group_ends(*, is_of_anyio: bool) -> Any:
    """A world whose host crashes in the instant in which a task of a group ends."""

    async def main(world: Any) -> None:
        host = world.host("worker")

        async def work() -> None:
            if is_of_anyio:
                async with anyio.create_task_group() as group:
                    group.start_soon(world.sleep, 1)
            else:
                await world.sleep(1)

        host.spawn(work)
        await world.sleep(1)
        host.crash()

    return main


def test_crash_drops_the_callback_by_which_a_task_group_knows_that_it_has_ended() -> None:
    """The task of the group, which simloom cancels after the world, then never ends."""
    assert errors_of(crash_while_a_task_group_ends(is_of_anyio=True)) - {"NoneType"}
    # Without a group, each world passes.
    assert errors_of(crash_while_a_task_group_ends(is_of_anyio=False)) == {"NoneType"}


@pytest.mark.parametrize(("seconds_down", "called"), [(0, [0]), (0.3, [0]), (1, [])])
def test_callback_of_an_earlier_life_runs_if_the_host_is_up_by_then(
    seconds_down: float, called: list[int]
) -> None:
    """simloom drops what is due while the host is down; tasks of an earlier life never go on."""

    async def main(world: Any) -> list[int]:
        host, seen = world.host("worker"), []

        async def work() -> None:
            if host.generation == 0:
                asyncio.get_running_loop().call_later(1, seen.append, 0)
                await world.sleep(1)
                seen.append(1)

        host.spawn(work)
        await world.sleep(0.5)
        host.crash()
        if seconds_down:
            await world.sleep(seconds_down)
        host.restart()
        await world.sleep(2)
        return seen

    assert check(main, 1) == called
