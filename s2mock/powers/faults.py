"""The faults: values that say what goes wrong with an operation.

Sources: reference: account_services §4 (codes, and what they guarantee), data_plane §14 (a server
that drains).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from s2mock.registry.values.codes import CODES
from s2mock.registry.values.config import U64_MAX
from s2mock.runtime.arguments import (
    check_count,
    check_delay,
    check_flag,
    check_name,
    check_number,
    encoded,
)
from s2mock.runtime.near_names import near_name

MAX_STATUS: Final = 599
# The header has milliseconds.
_MAX_RETRY_AFTER: Final = U64_MAX // 1000


class Fault:
    """What all faults have in common: frozen, compared by value, printed as one would type it."""

    __slots__ = ()

    def __repr__(self) -> str:
        parts = []
        for one in fields(self):  # type: ignore[arg-type]  # each is a dataclass
            value = getattr(self, one.name)
            if value == one.default:
                continue
            parts.append(f"{one.name}={value!r}" if one.kw_only else repr(value))
        return f"{type(self).__name__}({', '.join(parts)})"


@dataclass(frozen=True, slots=True, repr=False)
class Fail(Fault):
    """S2's answer for an error code.

    `message` is the text beside the code. `retry_after` is in seconds, and goes out as the header
    `retry-after-ms`. With `committed`, the operation was carried out, and this answer takes the
    place of its own. With `records`, a read session fails after so many records, by the terminal
    frame or the `error` event; if there are fewer, it fails at its end. A read without a session
    fails as a whole. Raises `TypeError`, and `ValueError` for a `committed` that S2 rules out: for
    some codes, it guarantees that nothing has happened (reference: account_services §4).
    """

    code: str
    message: str | None = field(default=None, kw_only=True)
    retry_after: float | None = field(default=None, kw_only=True)
    committed: bool = field(default=False, kw_only=True)
    records: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.code, str):
            raise TypeError(f"Fail takes the code of an error, not {self.code!r}")
        if self.code not in CODES:
            near = near_name(self.code, CODES)
            hint = "" if near is None else f"did you mean {near!r}? "
            raise ValueError(
                f"{self.code!r} is no error code of S2: {hint}there are {', '.join(sorted(CODES))}"
            )
        if self.message is not None:
            encoded("message", check_name("message", self.message))
        if self.retry_after is not None:
            check_delay("retry_after", self.retry_after, may_be_infinite=False)
            if self.retry_after > _MAX_RETRY_AFTER:
                raise ValueError(
                    f"retry_after must be at most {_MAX_RETRY_AFTER} seconds, whose milliseconds "
                    f"are a number of 64 bits, not {self.retry_after!r}"
                )
        check_flag("committed", self.committed)
        check_count("records", self.records, least=0, optional=True)
        if self.committed and self.records is not None:
            raise ValueError(
                f"{self!r}: a read changes nothing, so committed=True says nothing of it: leave "
                "it out"
            )
        if self.committed and CODES[self.code].promises_no_effect:
            lossy = ", ".join(repr(code) for code in CODES if not CODES[code].promises_no_effect)
            raise ValueError(
                f"{self.code!r} promises that nothing has happened, so committed=True would be a "
                f"lie that S2 never tells (reference: account_services §4); these codes leave it "
                f"open: {lossy}"
            )

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return CODES[self.code].status


@dataclass(frozen=True, slots=True, repr=False)
class Drop(Fault):
    """No byte of an answer: HTTP/2 resets the stream, HTTP/1.1 closes the connection.

    With `committed`, the operation was carried out. With `connection`, HTTP/2 cuts the TCP
    connection as well, with everything else on it, as when a network fails. With `refused`, the
    reset is `REFUSED_STREAM`, the promise that nothing has happened. HTTP/1.1 has no such promise,
    so `refused` changes nothing there. Raises `TypeError`, `ValueError`.
    """

    committed: bool = field(default=False, kw_only=True)
    connection: bool = field(default=False, kw_only=True)
    refused: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        check_flag("committed", self.committed)
        check_flag("connection", self.connection)
        check_flag("refused", self.refused)
        if self.refused and self.committed:
            raise ValueError(
                "Drop(refused=True) promises that nothing has happened, so committed=True would be "
                "a lie that no server tells: leave one of them out"
            )
        if self.refused and self.connection:
            raise ValueError(
                "Drop(refused=True) refuses one stream, and a connection that is cut refuses "
                "nothing: leave one of them out"
            )


@dataclass(frozen=True, slots=True, repr=False)
class Cut(Fault):
    """An answer that begins and breaks off. The operation was carried out.

    It breaks off after so many `records` (of a `read` only), or after so many `bytes` of the body,
    which may be in the middle of a frame, an event or a document. If the answer is shorter, it
    breaks off at its end. HTTP/2 resets the stream, HTTP/1.1 closes the connection. Raises
    `TypeError`, `ValueError`.
    """

    records: int | None = field(default=None, kw_only=True)
    bytes: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_count("records", self.records, least=0, optional=True)
        check_count("bytes", self.bytes, least=0, optional=True)
        if (self.records is None) == (self.bytes is None):
            raise ValueError(
                "Cut breaks an answer off after so many records or so many bytes: give one of "
                "them, as in Cut(records=2) or Cut(bytes=0); Drop() is no answer at all"
            )


@dataclass(frozen=True, slots=True, repr=False)
class Delay(Fault):
    """An answer that comes late, by so many seconds of the account's clock.

    With `committed`, the operation is carried out before the delay; without it, after. `inf` means
    not before the test ends. Raises `TypeError`, `ValueError`.
    """

    seconds: float
    committed: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        check_delay("seconds", self.seconds)
        check_flag("committed", self.committed)


@dataclass(frozen=True, slots=True, repr=False)
class Answer(Fault):
    """What a proxy in the way would say, byte for byte. S2 never hears of the request.

    `headers` are a mapping, or pairs of names and values; they are kept as pairs. Raises
    `TypeError`, `ValueError`.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        check_number("status", self.status, optional=False)
        if not 200 <= self.status <= MAX_STATUS:
            raise ValueError(f"status must be from 200 to {MAX_STATUS}, not {self.status!r}")
        if isinstance(self.body, str):
            raise TypeError(f"body must be bytes, not text: try b{self.body!r}")
        if not isinstance(self.body, bytes):
            raise TypeError(f"body must be bytes, not {self.body!r}")
        if self.body and self.status in (204, 304):
            raise ValueError(f"an answer with status {self.status} has no body")
        object.__setattr__(self, "headers", _checked_headers(self.headers))


@dataclass(frozen=True, slots=True, repr=False)
class Drain(Fault):
    """A server that is going away.

    An S2S session gets the advice to reconnect, with its next frame. It is served until the client
    ends it, for at most 5 s of real time; then comes the terminal `server_draining`. With
    `records`, a read gets so many first. Server-sent events get the `error` event. Everything else
    is answered with 503 `server_draining` and is not carried out. Then the connection ends: by
    GOAWAY on HTTP/2, by `connection: close` on HTTP/1.1. Raises `TypeError`, `ValueError`.
    """

    records: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_count("records", self.records, least=0, optional=True)


def is_answer_lost(status: int, fault: Fault | None) -> bool:
    """True if a client that got this cannot know whether its request took effect.

    `status` is that of the answer, 0 for none.
    """
    if not status or isinstance(fault, Cut):
        return True
    return isinstance(fault, Fail) and fault.committed


def check_fault(fault: object) -> None:
    """Raises `TypeError` for anything but a fault."""
    if isinstance(fault, Fault):
        return
    if isinstance(fault, type) and issubclass(fault, Fault):
        raise TypeError(f"{fault.__name__} is a kind of fault: make one, as in {_EXAMPLES[fault]}")
    raise TypeError(f"a fault is one of {', '.join(sorted(_EXAMPLES.values()))}, not {fault!r}")


_EXAMPLES: Final[dict[type, str]] = {
    Fail: "Fail('unavailable')",
    Drop: "Drop()",
    Cut: "Cut(bytes=10)",
    Delay: "Delay(1.5)",
    Answer: "Answer(502, b'<html>')",
    Drain: "Drain()",
}


def check_place(fault: Fault, names: tuple[str, ...]) -> None:
    """Raises `ValueError` where the fault means nothing on those operations, and what would."""
    records = getattr(fault, "records", None)
    others = [name for name in names if name != "read"]
    if records is not None and others:
        instead = {
            Cut: "Cut(bytes=...) breaks off any answer",
            Fail: f"Fail({getattr(fault, 'code', '')!r}) fails any operation",
        }.get(type(fault), "Drain() drains any operation")
        raise ValueError(
            f"{fault!r} on {others[0]!r}: only the answer to a read is counted in records; "
            f"{instead}"
        )


def _checked_headers(headers: object) -> tuple[tuple[str, str], ...]:
    if isinstance(headers, Mapping):
        headers = headers.items()
    if isinstance(headers, str | bytes) or not isinstance(headers, Iterable):
        raise TypeError(f"headers must be pairs of names and values, not {headers!r}")
    checked = []
    for pair in headers:
        if isinstance(pair, str | bytes) or not isinstance(pair, Iterable):
            raise TypeError(f"headers must be pairs of names and values, not {pair!r}")
        parts = tuple(pair)
        if len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            raise TypeError(f"headers must be pairs of names and values, not {pair!r}")
        name, value = parts
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ValueError(f"{name!r} is no name of a header")
        if not (value.isascii() and (value.isprintable() or not value)):
            raise ValueError(f"{value!r} is no value of a header")
        checked.append((name.lower(), value))
    return tuple(checked)
