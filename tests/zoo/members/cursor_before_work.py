"""A cursor that is stored before the work is done.

A worker notes that a job is done, and then does it. If it crashes between the two, the job is never
done. The twin needs no cursor: the result of a job is at the position of the job.
"""

from typing import Any

import pytest

from tests.zoo.client import AsyncStream, Stream, shop
from tests.zoo.member import Member


async def do_jobs(s2_mock: Any) -> None:
    async with (
        AsyncStream(s2_mock, "jobs") as jobs,
        AsyncStream(s2_mock, "cursor") as cursor,
        AsyncStream(s2_mock, "results") as results,
    ):
        position = len(await cursor.bodies())
        for job in (await jobs.bodies())[position:]:
            await cursor.append("moved")
            await results.append(f"{job} is done")


async def do_jobs_repaired(s2_mock: Any) -> None:
    async with (
        AsyncStream(s2_mock, "jobs") as jobs,
        AsyncStream(s2_mock, "results") as results,
    ):
        position = len(await results.bodies())
        for number, job in enumerate((await jobs.bodies())[position:], position):
            await results.append(f"{job} is done", match_seq_num=number)


@pytest.mark.s2_mock(basins=shop("jobs", "cursor", "results"))
def test_each_job_is_done(s2_crash: Any, program: Any) -> None:
    for attempt in s2_crash(on="append"):
        with attempt as s2_mock:
            s2_mock.stream("shop-basin", "jobs").append(["bake", "brew"])
            attempt.run(program, s2_mock)
            # It starts again.
            attempt.run(program, s2_mock)
            assert len(Stream(s2_mock, "results").bodies()) == 2


MEMBER = Member(
    bug=do_jobs,
    twin=do_jobs_repaired,
    test=test_each_job_is_done,
    report="""\
s2_crash: 4 of 8 attempts failed

a crash after append 1 of 4: AssertionError: assert 1 == 2
    s2_crash.replay('after', 'append', 1)
""",
)
