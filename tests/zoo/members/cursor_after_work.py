"""A cursor that is stored after the work was done.

A worker does a job, and then notes that it is done. If it crashes between the two, it does the job
again. The twin writes the result and the cursor in one batch, of which S2 writes all or nothing.
"""

from typing import Any

import pytest

from tests.zoo.client import AsyncStream, Stream, shop
from tests.zoo.member import Member


async def do_jobs(s2_mock: Any) -> None:
    async with (
        AsyncStream(s2_mock, "jobs") as jobs,
        AsyncStream(s2_mock, "log") as log,
    ):
        position = (await log.bodies()).count("moved")
        for job in (await jobs.bodies())[position:]:
            await log.append(f"{job} is done")
            await log.append("moved")


async def do_jobs_repaired(s2_mock: Any) -> None:
    async with (
        AsyncStream(s2_mock, "jobs") as jobs,
        AsyncStream(s2_mock, "log") as log,
    ):
        position = (await log.bodies()).count("moved")
        for job in (await jobs.bodies())[position:]:
            await log.append(f"{job} is done", "moved")


@pytest.mark.s2_mock(basins=shop("jobs", "log"))
def test_each_job_is_done_once(s2_crash: Any, program: Any) -> None:
    for attempt in s2_crash(on="append"):
        with attempt as s2_mock:
            s2_mock.stream("shop-basin", "jobs").append(["bake", "brew"])
            attempt.run(program, s2_mock)
            # It starts again.
            attempt.run(program, s2_mock)
            results = [body for body in Stream(s2_mock, "log").bodies() if body != "moved"]
            assert len(results) == 2


MEMBER = Member(
    bug=do_jobs,
    twin=do_jobs_repaired,
    test=test_each_job_is_done_once,
    report="""\
s2_crash: 4 of 8 attempts failed

a crash after append 1 of 4: AssertionError: assert 3 == 2
    s2_crash.replay('after', 'append', 1)
""",
)
