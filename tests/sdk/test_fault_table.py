"""The table of faults: what each official SDK makes of each fault, and of the same by a TCP proxy.

A row is a fault and a kind of call. Beside the fault there is the place at which a proxy breaks the
connection, or the reason for which none can. A cell is the outcome of one SDK: the numbers of the
records that there are in the end, and the error that its user gets, if any. Where the proxy's
outcome is another, the cell has both and the reason.

An append, unary or in a session, is one of three batches, each sent when the one before is
acknowledged; the fault is that of the second. A read follows from the start: three records are
there, and seven more when it waits at the tail; the fault is that of its first request. Each SDK
tries again, up to 60 times; where it waits for an answer that does not come, up to 3 times.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from s2mock import Answer, Cut, Delay, Drain, Drop, Fail, Fault, Late, S2Mock, Silence, Slow
from tests.sdk.breaking_proxy import DELAY, Break, BreakingProxy
from tests.sdk.typescript_install import install

FOLDER = Path(__file__).parent

Sdk = Literal["python", "typescript", "go"]
Call = Literal["append", "session", "read"]
Source = Literal["fault", "proxy"]

OUTAGE: Final = "outage"

# Far more than a busy machine needs, but where the SDK is to run into it.
PATIENCE, IMPATIENCE = 100, 3
ATTEMPTS, FEW_ATTEMPTS = 60, 3


@dataclass(frozen=True)
class Differs:
    """The outcome of a fault and that of the proxy, which differs, with the reason.

    None is an outcome that no test can wait for.
    """

    fault: str | None
    proxy: str | None
    reason: str


@dataclass(frozen=True)
class Row:
    """A fault, a kind of call, what a proxy does or why it cannot, and the cell of each SDK.

    The fault hits the operation `on`, which is the append or the read if it is None.
    """

    call: Call
    fault: Fault | Literal["outage"]
    proxy: Break | str
    python: str | Differs
    typescript: str | Differs
    go: str | Differs
    on: str | None = None

    @property
    def has_proxy(self) -> bool:
        """True if a proxy can do the same."""
        return isinstance(self.proxy, Break) or self.proxy == OUTAGE

    def expected(self, sdk: Sdk, source: Source) -> str | None:
        """Return the outcome for that SDK; None if there is nothing to run."""
        if source == "proxy" and not self.has_proxy:
            return None
        cell: str | Differs = getattr(self, sdk)
        if isinstance(cell, str):
            return cell
        return cell.fault if source == "fault" else cell.proxy


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


# The records that there are in the end: each once, and in order; the second batch twice; the second
# batch again after the third.
ONCE, TWICE, AFTERWARDS = "012", "0112", "0121"
ALL = "0123456789"

# The end of a response that breaks off is no error that this SDK tries again.
GO_CUT = "01 *fmt.wrapError: read proto response: unexpected EOF"
# This SDK takes the reset of an HTTP/2 stream as final, and survives the end of a connection.
TS_RESET = "S2Error: Stream closed with error code NGHTTP2_INTERNAL_ERROR"
TS_REFUSED = "S2Error: Stream closed with error code NGHTTP2_REFUSED_STREAM"

NO_ANSWER = "A TCP proxy sends no answer of its own."
NO_STREAM = "A TCP proxy knows no streams, so it cannot reset one of them."

# What this SDK makes of a half-open link: it tries again on the same connection, up to 3 times, and
# each time the batch is appended.
PYTHON_SILENT = "0111 S2ClientError: Request timed out"
PYTHON_SILENT_SESSION = "0111 S2ClientError: Streaming request timed out"
PYTHON_SILENT_READ = "S2ClientError: Streaming request timed out"
PYTHON_SILENT_TAIL = "012 S2ClientError: Streaming request timed out"
GO_SILENT_SESSION = "0111 *fmt.wrapError: max attempts (3) exhausted, last error: S2 API"
FOREVER = "After 60 s this SDK still waited for the response that is missing."
TS_SILENT = Differs(None, None, FOREVER)

TABLE: Final = [
    Row("append", Drop(), Break("request", "fin"), ONCE, ONCE, ONCE),
    Row("append", Drop(connection="reset"), Break("request", "rst"), ONCE, ONCE, ONCE),
    Row("append", Drop(connection=False), NO_STREAM, ONCE, ONCE, ONCE),
    Row("append", Drop(committed=True), Break("answer", "fin"), TWICE, TWICE, TWICE),
    Row(
        "append",
        Drop(committed=True, connection="reset"),
        Break("answer", "rst"),
        TWICE,
        TWICE,
        TWICE,
    ),
    Row("append", Drop(committed=True, connection=False), NO_STREAM, TWICE, TWICE, TWICE),
    Row("append", Drop(refused=True), NO_STREAM, ONCE, ONCE, ONCE),
    Row("append", Cut(bytes=3), Break(3, "fin"), TWICE, TWICE, GO_CUT),
    Row("append", Cut(bytes=3, connection="reset"), Break(3, "rst"), TWICE, TWICE, TWICE),
    Row("append", Cut(bytes=3, connection=False), NO_STREAM, TWICE, TWICE, GO_CUT),
    Row("append", Silence(), Break("answer", "silence"), PYTHON_SILENT, TS_SILENT, TWICE),
    Row("append", Silence(bytes=3), Break(3, "silence"), PYTHON_SILENT, TS_SILENT, TWICE),
    Row("append", Delay(DELAY), Break("request", "delay"), ONCE, ONCE, ONCE),
    Row("append", Delay(DELAY, committed=True), Break("answer", "delay"), ONCE, ONCE, ONCE),
    Row("append", Slow(chunk=1), Break("answer", "slow"), ONCE, ONCE, ONCE),
    Row("append", Late(60.0), Break("request", "late"), AFTERWARDS, AFTERWARDS, AFTERWARDS),
    Row("append", Late(60.0, code="unavailable"), NO_ANSWER, AFTERWARDS, AFTERWARDS, AFTERWARDS),
    Row("append", OUTAGE, OUTAGE, ONCE, ONCE, ONCE),
    Row("append", Fail("unavailable"), NO_ANSWER, ONCE, ONCE, ONCE),
    Row("append", Fail("unavailable", committed=True), NO_ANSWER, TWICE, TWICE, TWICE),
    Row("append", Fail("rate_limited"), NO_ANSWER, ONCE, ONCE, ONCE),
    Row("append", Answer(502, b"<html>"), NO_ANSWER, ONCE, ONCE, ONCE),
    Row("append", Drain(), NO_ANSWER, ONCE, ONCE, ONCE),
    Row("session", Drop(), Break("request", "fin"), ONCE, ONCE, ONCE),
    Row("session", Drop(connection="reset"), Break("request", "rst"), ONCE, ONCE, ONCE),
    Row("session", Drop(connection=False), NO_STREAM, ONCE, f"0 {TS_RESET}", ONCE),
    Row("session", Drop(committed=True), Break("answer", "fin"), TWICE, TWICE, TWICE),
    Row(
        "session",
        Drop(committed=True, connection="reset"),
        Break("answer", "rst"),
        TWICE,
        TWICE,
        TWICE,
    ),
    Row(
        "session", Drop(committed=True, connection=False), NO_STREAM, TWICE, f"01 {TS_RESET}", TWICE
    ),
    Row("session", Drop(refused=True), NO_STREAM, ONCE, TS_REFUSED, ONCE, on="append-session"),
    Row("session", Cut(bytes=3), Break(3, "fin"), TWICE, TWICE, TWICE),
    Row("session", Cut(bytes=3, connection="reset"), Break(3, "rst"), TWICE, TWICE, TWICE),
    Row("session", Cut(bytes=3, connection=False), NO_STREAM, TWICE, f"01 {TS_RESET}", TWICE),
    Row(
        "session",
        Silence(),
        Break("answer", "silence"),
        PYTHON_SILENT_SESSION,
        TS_SILENT,
        GO_SILENT_SESSION,
    ),
    Row(
        "session",
        Silence(bytes=3),
        Break(3, "silence"),
        PYTHON_SILENT_SESSION,
        TS_SILENT,
        GO_SILENT_SESSION,
    ),
    Row("session", Delay(DELAY), Break("request", "delay"), ONCE, ONCE, ONCE),
    Row("session", Delay(DELAY, committed=True), Break("answer", "delay"), ONCE, ONCE, ONCE),
    Row("session", Slow(chunk=1), Break("answer", "slow"), ONCE, ONCE, ONCE),
    Row("session", Late(60.0), Break("request", "late"), AFTERWARDS, AFTERWARDS, AFTERWARDS),
    Row("session", Late(60.0, code="unavailable"), NO_ANSWER, AFTERWARDS, AFTERWARDS, AFTERWARDS),
    Row("session", OUTAGE, OUTAGE, ONCE, ONCE, ONCE),
    Row("session", Fail("unavailable"), NO_ANSWER, ONCE, ONCE, ONCE),
    Row("session", Fail("unavailable", committed=True), NO_ANSWER, TWICE, TWICE, TWICE),
    Row("session", Fail("rate_limited"), NO_ANSWER, ONCE, ONCE, ONCE),
    Row("session", Answer(502, b"<html>"), NO_ANSWER, ONCE, ONCE, ONCE, on="append-session"),
    Row("session", Drain(), NO_ANSWER, ONCE, ONCE, ONCE),
    Row("read", Drop(), Break("request", "fin"), ALL, ALL, ALL),
    Row("read", Drop(connection="reset"), Break("request", "rst"), ALL, ALL, ALL),
    Row("read", Drop(connection=False), NO_STREAM, ALL, TS_RESET, ALL),
    Row("read", Drop(refused=True), NO_STREAM, ALL, TS_REFUSED, ALL),
    Row("read", Cut(records=3), Break("record", "fin"), ALL, ALL, ALL),
    Row("read", Cut(records=3, connection="reset"), Break("record", "rst"), ALL, ALL, ALL),
    Row("read", Cut(records=3, connection=False), NO_STREAM, ALL, f"012 {TS_RESET}", ALL),
    Row("read", Cut(bytes=20), Break(20, "fin"), ALL, ALL, ALL),
    Row("read", Cut(bytes=20, connection="reset"), Break(20, "rst"), ALL, ALL, ALL),
    Row("read", Cut(bytes=20, connection=False), NO_STREAM, ALL, TS_RESET, ALL),
    Row(
        "read",
        Silence(),
        Break("answer", "silence"),
        PYTHON_SILENT_READ,
        TS_SILENT,
        ALL,
    ),
    Row(
        "read",
        Silence(records=3),
        Break("record", "silence"),
        PYTHON_SILENT_TAIL,
        TS_SILENT,
        ALL,
    ),
    Row("read", Delay(DELAY), Break("request", "delay"), ALL, ALL, ALL),
    Row("read", Slow(chunk=1), Break("answer", "slow"), ALL, ALL, ALL),
    Row("read", OUTAGE, OUTAGE, ALL, ALL, ALL),
    Row("read", Fail("unavailable"), NO_ANSWER, ALL, ALL, ALL),
    Row("read", Fail("storage", records=3), NO_ANSWER, ALL, ALL, ALL),
    Row("read", Answer(502, b"<html>"), NO_ANSWER, ALL, ALL, ALL),
    Row("read", Drain(records=3), NO_ANSWER, ALL, ALL, ALL),
]

SDKS: Final[Sequence[Sdk]] = ("python", "typescript", "go")
SOURCES: Final[Sequence[Source]] = ("fault", "proxy")


def cases() -> Iterator[Any]:
    """Yield each row for each SDK, by the fault and by the proxy, as a case of pytest."""
    for sdk in SDKS:
        for row in TABLE:
            for source in SOURCES:
                if row.expected(sdk, source) is not None:
                    is_long = sdk != "python" or isinstance(row.fault, Silence)
                    yield pytest.param(
                        sdk,
                        row,
                        source,
                        id=f"{sdk}-{row.call}-{row.fault}-{source}",
                        marks=[pytest.mark.slow, *([pytest.mark.long] if is_long else [])],
                    )


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


@pytest.fixture
def command(sdk: Sdk, request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The command that runs the program of an SDK."""
    if sdk == "python":
        return sys.executable, str(FOLDER / "scenario.py")
    program: str = request.getfixturevalue(f"{sdk}_program")
    return ("node", program) if sdk == "typescript" else (program,)


@pytest.mark.asyncio
@pytest.mark.timeout(300)
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


def test_typescript_survives_each_end_of_a_connection() -> None:
    """Not one of these cells is an error: neither in a session nor in a read."""
    ends = [
        row
        for row in TABLE
        if row.call != "append"
        and (row.proxy == OUTAGE or getattr(row.proxy, "action", "") in {"fin", "rst"})
    ]
    assert len(ends) == 14
    assert {row.typescript for row in ends} <= {ONCE, TWICE, ALL}
