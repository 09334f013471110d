"""Each cell of the table of faults, run: by the fault, and by a TCP proxy that breaks the same.

An append, unary or in a session, is one of three batches, each sent when the one before is
acknowledged; the fault is that of the second. A read follows from the start: three records are
there, and seven more when it waits at the tail; the fault is that of its first request. Each SDK
tries again, up to 60 times; where it waits for an answer that does not come, up to 3 times.

`make test` runs a sample of the cells, and `make fault-table` all. Those of the Rust SDK, which
takes minutes to build, are run by `make fault-table-rust`.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from s2mock import Answer, Cut, Delay, Drain, Drop, Fail, Fault, Late, S2Mock, Silence, Slow
from tests.sampling import choose
from tests.sdk.breaking_proxy import DELAY, Break, BreakingProxy
from tests.sdk.fault_table import (
    ALL,
    ONCE,
    OUTAGE,
    SDKS,
    SOURCES,
    TABLE,
    TWICE,
    Call,
    Row,
    Sdk,
    Source,
)
from tests.sdk.rust_program import NEEDS_RUST, build_program
from tests.sdk.typescript_install import install

FOLDER = Path(__file__).parent

NEEDS_TIME = pytest.mark.skipif(
    not os.environ.get("S2MOCK_TEST_FAULT_TABLE"),
    reason="the whole table takes minutes: make fault-table",
)
# Each run of the tests has one in `SAMPLE` cells of an SDK.
SAMPLE = 6

# Far more than a busy machine needs, but where the SDK is to run into it.
PATIENCE, IMPATIENCE = 100, 3
ATTEMPTS, FEW_ATTEMPTS = 60, 3


async def outcome(mock: S2Mock, row: Row, command: tuple[str, ...], *, by_proxy: bool) -> str:
    """Return the records that are there after the call, and the error if it failed."""
    log = mock.create_basin("my-basin").create_stream("logs")
    is_read = row.call == "read"
    if is_read:
        log.append([f"record-{number}" for number in range(3)])
    place = row.proxy if by_proxy and isinstance(row.proxy, Break) else None
    async with BreakingProxy(mock.url, place, is_read=is_read) as proxy:
        injection = None
        if not by_proxy and isinstance(row.fault, Fault):
            on = row.on or ("read" if is_read else "append")
            skip = 0 if on != "append" else 1
            injection = mock.inject(row.fault, on=on, skip=skip)
        url = proxy.url if by_proxy else mock.url
        has_outage = row.fault == OUTAGE
        async with call_of(command, mock, url, row, pauses=has_outage and not is_read) as call:
            if is_read:
                await first(call.result, log.async_wait_for_readers(timeout=PATIENCE))
            else:
                await first(call.result, call.paused.wait())
            if has_outage:
                async with outage(mock, proxy if by_proxy else None):
                    if is_read:
                        log.append([f"record-{number}" for number in range(3, 10)])
                    call.go_on()
                    # The time in which it tries again; nothing waits for it.
                    await asyncio.sleep(DELAY)
            elif is_read:
                log.append([f"record-{number}" for number in range(3, 10)])
            result = await call.result
        if isinstance(row.fault, Late):
            await (proxy.land() if by_proxy else asyncio.to_thread(mock.advance, 60))
            await log.async_wait_for(4)
        assert place is None or proxy.is_broken
        assert injection is None or injection.hits == 1
    bodies = result["bodies"] if is_read else [one.body.decode() for one in log.records]
    numbers = "".join(body[-1] for body in bodies)
    return f"{numbers} {result['error']}".strip()


class RunningCall:
    """The program of an SDK that makes a call."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.paused = asyncio.Event()
        self.result = asyncio.create_task(self._read())

    async def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        last: dict[str, Any] = {}
        async for line in self._process.stdout:
            last = json.loads(line)
            if "paused" in last:
                self.paused.set()
        return last

    def go_on(self) -> None:
        """End the pause of the program."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")


@asynccontextmanager
async def call_of(
    command: tuple[str, ...], mock: S2Mock, url: str, row: Row, *, pauses: bool
) -> AsyncIterator[RunningCall]:
    """Run the program of an SDK until the block ends."""
    is_silent = isinstance(row.fault, Silence)
    process = await asyncio.create_subprocess_exec(
        *command,
        row.call,
        str(IMPATIENCE if is_silent else PATIENCE),
        str(FEW_ATTEMPTS if is_silent else ATTEMPTS),
        *(["pause"] if pauses else []),
        cwd=FOLDER / "typescript",
        env=os.environ | mock.env | {"S2_ACCOUNT_ENDPOINT": url, "S2_BASIN_ENDPOINT": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    call = RunningCall(process)
    try:
        yield call
    finally:
        if not call.result.done():
            call.result.cancel()
            process.kill()
        await process.wait()


async def first(result: asyncio.Task[Any], other: Coroutine[Any, Any, object]) -> None:
    """Wait for the other, or the end of the call if that is before it."""
    task = asyncio.ensure_future(other)
    await asyncio.wait((result, task), return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def outage(mock: S2Mock, proxy: BreakingProxy | None) -> AsyncIterator[None]:
    """Take the service away until the block ends: the mock's, or that behind the proxy."""
    if proxy is None:
        with mock.outage():
            yield
    else:
        await proxy.close()
        yield
        await proxy.listen()


def cases() -> Iterator[Any]:
    """Yield each row for each SDK, by the fault and by the proxy, as a case of pytest."""
    for sdk in SDKS:
        cells = {
            f"{sdk}-{row.call}-{row.fault}-{source}": (row, source)
            for row in TABLE
            for source in SOURCES
            if row.expected(sdk, source) is not None
        }
        chosen = choose(cells, SAMPLE)
        for name, (row, source) in cells.items():
            marks = [pytest.mark.slow]
            if sdk != "python" or isinstance(row.fault, Silence):
                marks.append(pytest.mark.long)
            # The first test of an SDK compiles its program.
            marks.append(pytest.mark.timeout(1800 if sdk == "rust" else 300))
            if sdk == "rust":
                marks.append(NEEDS_RUST)
            elif name not in chosen:
                marks.append(NEEDS_TIME)
            yield pytest.param(sdk, row, source, id=name, marks=marks)


@pytest.fixture(scope="session")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program of the Go SDK, compiled."""
    if shutil.which("go") is None:
        pytest.skip("go is not on the PATH: the Go SDK cannot be run")
    program = tmp_path_factory.mktemp("go") / "scenario"
    subprocess.run(["go", "build", "-o", program, "./scenario"], cwd=FOLDER / "go", check=True)
    return str(program)


@pytest.fixture(scope="session")
def typescript_program() -> str:
    """The program of the TypeScript SDK, which is installed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not on the PATH: the TypeScript SDK cannot be run")
    install()
    return "scenario.mjs"


@pytest.fixture(scope="session")
def rust_program() -> str:
    """The program of the Rust SDK, compiled."""
    return build_program()


@pytest.fixture
def command(sdk: Sdk, request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The command that runs the program of an SDK."""
    if sdk == "python":
        return sys.executable, str(FOLDER / "scenario.py")
    program: str = request.getfixturevalue(f"{sdk}_program")
    return ("node", program) if sdk == "typescript" else (program,)


@pytest.mark.asyncio
@pytest.mark.openapi_unchecked("faults answer what S2 does not")
@pytest.mark.parametrize(("sdk", "row", "source"), list(cases()))
async def test_each_cell_of_the_table(
    sdk: Sdk, row: Row, source: Source, command: tuple[str, ...]
) -> None:
    with S2Mock(clock="manual" if isinstance(row.fault, Late) else None) as mock:
        found = await outcome(mock, row, command, by_proxy=source == "proxy")
    expected = row.expected(sdk, source)
    assert expected is not None
    # An error may go on with the address, or the name of the request.
    assert found == expected if " " not in expected else found.startswith(expected)


KINDS = (Answer, Cut, Delay, Drain, Drop, Fail, Late, Silence, Slow)


@pytest.mark.parametrize("call", ["append", "session", "read"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_has_a_row_for_each_kind_of_call(
    s2_mock: S2Mock, kind: type[Fault], call: Call
) -> None:
    assert {one.__name__ for one in Fault.__subclasses__()} == {one.__name__ for one in KINDS}
    has_row = any(isinstance(row.fault, kind) and row.call == call for row in TABLE)
    if (kind, call) == (Late, "read"):
        with pytest.raises(ValueError, match="changes nothing"):
            s2_mock.inject(Late(60.0), on="read")
        assert not has_row
    else:
        assert has_row


def test_a_silence_is_that_of_a_half_open_link() -> None:
    """No SDK can tell the fault from the proxy."""
    silent = [row for row in TABLE if isinstance(row.fault, Silence)]
    assert len(silent) == 6
    for row in silent:
        for sdk in SDKS:
            assert row.expected(sdk, "fault") == row.expected(sdk, "proxy")


@pytest.mark.parametrize("sdk", ["typescript", "rust"])
def test_an_sdk_survives_each_end_of_a_connection(sdk: Sdk) -> None:
    """Not one of these cells is an error: neither in an append, nor in a session, nor in a read."""
    ends = [
        row
        for row in TABLE
        if row.proxy == OUTAGE or getattr(row.proxy, "action", "") in {"fin", "rst"}
    ]
    assert len(ends) == 21
    assert {row.expected(sdk, source) for row in ends for source in SOURCES} <= {ONCE, TWICE, ALL}
