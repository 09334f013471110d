"""The table of faults: what each official SDK makes of each fault, and of the same by a TCP proxy.

A row is a fault and a kind of call. Beside the fault there is the place at which a proxy breaks the
connection, or the reason for which none can. A cell is the outcome of one SDK: the numbers of the
records that there are in the end, and the error that its user gets, if any. Where the proxy's
outcome is another, the cell has both and the reason.

`test_fault_table.py` runs it, and `docs/reference/sdk-faults.md` shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from s2mock import Answer, Cut, Delay, Drain, Drop, Fail, Fault, Late, Silence, Slow
from tests.sdk.breaking_proxy import DELAY, Break

Sdk = Literal["python", "typescript", "go", "rust"]
Call = Literal["append", "session", "read"]
Source = Literal["fault", "proxy"]

SDKS: Final[Sequence[Sdk]] = ("python", "typescript", "go", "rust")
SOURCES: Final[Sequence[Source]] = ("fault", "proxy")

OUTAGE: Final = "outage"


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
    rust: str | Differs
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


# The records that there are in the end: each once, and in order; the second batch twice; the second
# batch again after the third.
ONCE, TWICE, AFTERWARDS = "012", "0112", "0121"
ALL = "0123456789"

# The end of a response that breaks off is no error that this SDK tries again.
GO_CUT = "01 *fmt.wrapError: read proto response: unexpected EOF"
# This SDK takes the reset of an HTTP/2 stream as final, and survives the end of a connection.
TS_RESET = "S2Error: Stream closed with error code NGHTTP2_INTERNAL_ERROR"
TS_REFUSED = "S2Error: Stream closed with error code NGHTTP2_REFUSED_STREAM"
# So does this one, except for REFUSED_STREAM; it does not say that it was a reset.
RUST_SEND = "send error: client error (SendRequest)"
RUST_RESET = "receive error: error reading a body from connection"
# It tries again after an error of S2, which is JSON.
RUST_ANSWER = "response decode: "

NO_ANSWER = "a TCP proxy sends no response of its own"
NO_STREAM = "a TCP proxy knows no streams"

# What this SDK makes of a half-open link: it tries again on the same connection, up to 3 times, and
# each time the batch is appended.
PYTHON_SILENT = "0111 S2ClientError: Request timed out"
PYTHON_SILENT_SESSION = "0111 S2ClientError: Streaming request timed out"
PYTHON_SILENT_READ = "S2ClientError: Streaming request timed out"
PYTHON_SILENT_TAIL = "012 S2ClientError: Streaming request timed out"
GO_SILENT_SESSION = "0111 *fmt.wrapError: max attempts (3) exhausted, last error: S2 API"
RUST_SILENT = "0111 timeout"
# It sends nothing in a session whose response has not begun.
RUST_SILENT_SESSION = "01 timeout"
RUST_SILENT_READ = "timeout"
RUST_SILENT_TAIL = "012 timeout"
FOREVER = "After 60 s this SDK still waited for the response that is missing."
TS_SILENT = Differs(None, None, FOREVER)

TABLE: Final = [
    Row("append", Drop(), Break("request", "fin"), ONCE, ONCE, ONCE, ONCE),
    Row("append", Drop(connection="reset"), Break("request", "rst"), ONCE, ONCE, ONCE, ONCE),
    Row("append", Drop(connection=False), NO_STREAM, ONCE, ONCE, ONCE, f"0 {RUST_SEND}"),
    Row("append", Drop(committed=True), Break("answer", "fin"), TWICE, TWICE, TWICE, TWICE),
    Row(
        "append",
        Drop(committed=True, connection="reset"),
        Break("answer", "rst"),
        TWICE,
        TWICE,
        TWICE,
        TWICE,
    ),
    Row(
        "append",
        Drop(committed=True, connection=False),
        NO_STREAM,
        TWICE,
        TWICE,
        TWICE,
        f"01 {RUST_SEND}",
    ),
    Row("append", Drop(refused=True), NO_STREAM, ONCE, ONCE, ONCE, ONCE),
    Row("append", Cut(bytes=3), Break(3, "fin"), TWICE, TWICE, GO_CUT, TWICE),
    Row("append", Cut(bytes=3, connection="reset"), Break(3, "rst"), TWICE, TWICE, TWICE, TWICE),
    Row(
        "append",
        Cut(bytes=3, connection=False),
        NO_STREAM,
        TWICE,
        TWICE,
        GO_CUT,
        f"01 {RUST_RESET}",
    ),
    Row(
        "append",
        Silence(),
        Break("answer", "silence"),
        PYTHON_SILENT,
        TS_SILENT,
        TWICE,
        RUST_SILENT,
    ),
    Row(
        "append",
        Silence(bytes=3),
        Break(3, "silence"),
        PYTHON_SILENT,
        TS_SILENT,
        TWICE,
        RUST_SILENT,
    ),
    Row("append", Delay(DELAY), Break("request", "delay"), ONCE, ONCE, ONCE, ONCE),
    Row("append", Delay(DELAY, committed=True), Break("answer", "delay"), ONCE, ONCE, ONCE, ONCE),
    Row("append", Slow(chunk=1), Break("answer", "slow"), ONCE, ONCE, ONCE, ONCE),
    Row(
        "append",
        Late(60.0),
        Break("request", "late"),
        AFTERWARDS,
        AFTERWARDS,
        AFTERWARDS,
        AFTERWARDS,
    ),
    Row(
        "append",
        Late(60.0, code="unavailable"),
        NO_ANSWER,
        AFTERWARDS,
        AFTERWARDS,
        AFTERWARDS,
        AFTERWARDS,
    ),
    Row("append", OUTAGE, OUTAGE, ONCE, ONCE, ONCE, ONCE),
    Row("append", Fail("unavailable"), NO_ANSWER, ONCE, ONCE, ONCE, ONCE),
    Row("append", Fail("unavailable", committed=True), NO_ANSWER, TWICE, TWICE, TWICE, TWICE),
    Row("append", Fail("rate_limited"), NO_ANSWER, ONCE, ONCE, ONCE, ONCE),
    Row("append", Answer(502, b"<html>"), NO_ANSWER, ONCE, ONCE, ONCE, f"0 {RUST_ANSWER}"),
    Row("append", Drain(), NO_ANSWER, ONCE, ONCE, ONCE, ONCE),
    Row("session", Drop(), Break("request", "fin"), ONCE, ONCE, ONCE, ONCE),
    Row("session", Drop(connection="reset"), Break("request", "rst"), ONCE, ONCE, ONCE, ONCE),
    Row(
        "session", Drop(connection=False), NO_STREAM, ONCE, f"0 {TS_RESET}", ONCE, f"0 {RUST_RESET}"
    ),
    Row("session", Drop(committed=True), Break("answer", "fin"), TWICE, TWICE, TWICE, TWICE),
    Row(
        "session",
        Drop(committed=True, connection="reset"),
        Break("answer", "rst"),
        TWICE,
        TWICE,
        TWICE,
        TWICE,
    ),
    Row(
        "session",
        Drop(committed=True, connection=False),
        NO_STREAM,
        TWICE,
        f"01 {TS_RESET}",
        TWICE,
        f"01 {RUST_RESET}",
    ),
    Row(
        "session", Drop(refused=True), NO_STREAM, ONCE, TS_REFUSED, ONCE, ONCE, on="append-session"
    ),
    Row("session", Cut(bytes=3), Break(3, "fin"), TWICE, TWICE, TWICE, TWICE),
    Row("session", Cut(bytes=3, connection="reset"), Break(3, "rst"), TWICE, TWICE, TWICE, TWICE),
    Row(
        "session",
        Cut(bytes=3, connection=False),
        NO_STREAM,
        TWICE,
        f"01 {TS_RESET}",
        TWICE,
        f"01 {RUST_RESET}",
    ),
    Row(
        "session",
        Silence(),
        Break("answer", "silence"),
        PYTHON_SILENT_SESSION,
        TS_SILENT,
        GO_SILENT_SESSION,
        RUST_SILENT_SESSION,
    ),
    Row(
        "session",
        Silence(bytes=3),
        Break(3, "silence"),
        PYTHON_SILENT_SESSION,
        TS_SILENT,
        GO_SILENT_SESSION,
        RUST_SILENT_SESSION,
    ),
    Row("session", Delay(DELAY), Break("request", "delay"), ONCE, ONCE, ONCE, ONCE),
    Row("session", Delay(DELAY, committed=True), Break("answer", "delay"), ONCE, ONCE, ONCE, ONCE),
    Row("session", Slow(chunk=1), Break("answer", "slow"), ONCE, ONCE, ONCE, ONCE),
    Row(
        "session",
        Late(60.0),
        Break("request", "late"),
        AFTERWARDS,
        AFTERWARDS,
        AFTERWARDS,
        AFTERWARDS,
    ),
    Row(
        "session",
        Late(60.0, code="unavailable"),
        NO_ANSWER,
        AFTERWARDS,
        AFTERWARDS,
        AFTERWARDS,
        AFTERWARDS,
    ),
    Row("session", OUTAGE, OUTAGE, ONCE, ONCE, ONCE, ONCE),
    Row("session", Fail("unavailable"), NO_ANSWER, ONCE, ONCE, ONCE, ONCE),
    Row("session", Fail("unavailable", committed=True), NO_ANSWER, TWICE, TWICE, TWICE, TWICE),
    Row("session", Fail("rate_limited"), NO_ANSWER, ONCE, ONCE, ONCE, ONCE),
    Row(
        "session",
        Answer(502, b"<html>"),
        NO_ANSWER,
        ONCE,
        ONCE,
        ONCE,
        RUST_ANSWER,
        on="append-session",
    ),
    Row("session", Drain(), NO_ANSWER, ONCE, ONCE, ONCE, ONCE),
    Row("read", Drop(), Break("request", "fin"), ALL, ALL, ALL, ALL),
    Row("read", Drop(connection="reset"), Break("request", "rst"), ALL, ALL, ALL, ALL),
    Row("read", Drop(connection=False), NO_STREAM, ALL, TS_RESET, ALL, RUST_SEND),
    Row("read", Drop(refused=True), NO_STREAM, ALL, TS_REFUSED, ALL, ALL),
    Row("read", Cut(records=3), Break("record", "fin"), ALL, ALL, ALL, ALL),
    Row("read", Cut(records=3, connection="reset"), Break("record", "rst"), ALL, ALL, ALL, ALL),
    Row(
        "read",
        Cut(records=3, connection=False),
        NO_STREAM,
        ALL,
        f"012 {TS_RESET}",
        ALL,
        f"012 {RUST_RESET}",
    ),
    Row("read", Cut(bytes=20), Break(20, "fin"), ALL, ALL, ALL, ALL),
    Row("read", Cut(bytes=20, connection="reset"), Break(20, "rst"), ALL, ALL, ALL, ALL),
    Row("read", Cut(bytes=20, connection=False), NO_STREAM, ALL, TS_RESET, ALL, RUST_RESET),
    Row(
        "read",
        Silence(),
        Break("answer", "silence"),
        PYTHON_SILENT_READ,
        TS_SILENT,
        ALL,
        RUST_SILENT_READ,
    ),
    Row(
        "read",
        Silence(records=3),
        Break("record", "silence"),
        PYTHON_SILENT_TAIL,
        TS_SILENT,
        ALL,
        RUST_SILENT_TAIL,
    ),
    Row("read", Delay(DELAY), Break("request", "delay"), ALL, ALL, ALL, ALL),
    Row("read", Slow(chunk=1), Break("answer", "slow"), ALL, ALL, ALL, ALL),
    Row("read", OUTAGE, OUTAGE, ALL, ALL, ALL, ALL),
    Row("read", Fail("unavailable"), NO_ANSWER, ALL, ALL, ALL, ALL),
    Row("read", Fail("storage", records=3), NO_ANSWER, ALL, ALL, ALL, ALL),
    Row("read", Answer(502, b"<html>"), NO_ANSWER, ALL, ALL, ALL, RUST_ANSWER),
    Row("read", Drain(records=3), NO_ANSWER, ALL, ALL, ALL, ALL),
]
