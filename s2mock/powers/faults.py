"""The faults: values that describe how an operation fails, their checks, and their JSON.

As JSON, a fault is an object with one key, its name, and its arguments as in Python, such as
`{"Drop": {}}`. A body is text, or `{"base64": ...}` if it is not UTF-8; an infinite delay is
`"inf"`.

Sources: reference: account_services §4 (codes, and what they guarantee), data_plane §14 (a server
that drains).
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import inf, isinf
from typing import Any, Final, Literal

from s2mock.powers.operations import HAS_STREAM, WRITES
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
from s2mock.runtime.near_names import near_name, suggest

MAX_STATUS: Final = 599
# The header `retry-after-ms` has milliseconds.
_MAX_RETRY_AFTER: Final = U64_MAX // 1000


class Fault:
    """The base class of all faults: frozen values whose `repr` is the call that makes them."""

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
    """Answer with an error code of S2.

    `message` is the text beside the code. `retry_after` is in seconds, and is sent as the header
    `retry-after-ms`. With `committed`, the operation is applied, and this response replaces its
    own. With `records`, a read session fails after that number of records, with the terminal frame
    or the `error` event; if there are fewer, it fails at its end. A read without a session fails as
    a whole. Raises `TypeError`, and `ValueError` for a `committed` that S2 rules out: some codes
    guarantee that nothing has happened (reference: account_services §4).
    """

    code: str
    message: str | None = field(default=None, kw_only=True)
    retry_after: float | None = field(default=None, kw_only=True)
    committed: bool = field(default=False, kw_only=True)
    records: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_code("Fail", self.code)
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
                f"{self!r}: a read changes nothing, so committed=True has no meaning: leave it out"
            )
        if self.committed:
            _check_lossy(self.code, "committed=True contradicts that")

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return CODES[self.code].status


@dataclass(frozen=True, slots=True, repr=False)
class Drop(Fault):
    """Send no byte of a response, and end the TCP connection, as when a network fails.

    The connection ends with all other requests on it; with `connection="reset"` by RST, not by FIN.
    With `connection=False`, HTTP/2 resets the one stream with `INTERNAL_ERROR`; HTTP/1.1 closes the
    connection all the same. With `committed`, the operation is applied first. With `refused`, the
    one stream is reset with `REFUSED_STREAM`, which promises that nothing has happened; HTTP/1.1
    has no such promise, and closes the connection. `connection=None` is True without `refused`, and
    False with it. Raises `TypeError`, `ValueError`.
    """

    committed: bool = field(default=False, kw_only=True)
    connection: bool | Literal["reset"] | None = field(default=None, kw_only=True)
    refused: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        check_flag("committed", self.committed)
        if self.connection is not None:
            _check_connection(self.connection)
        check_flag("refused", self.refused)
        if self.refused and self.committed:
            raise ValueError(
                "Drop(refused=True) promises that nothing has happened, and committed=True "
                "contradicts that: leave one of them out"
            )
        if self.refused and self.connection:
            raise ValueError(
                "Drop(refused=True) refuses one stream, and a connection that ends refuses "
                "nothing: leave one of them out"
            )


@dataclass(frozen=True, slots=True, repr=False)
class Cut(Fault):
    """Apply the operation, and break its response off.

    It breaks off after a number of `records` (of a `read` only), or of `bytes` of the body, which
    may be in the middle of a frame, an event or a document. If the response is shorter, it breaks
    off at its end. The TCP connection ends once that has been sent, with all other requests on it;
    with `connection="reset"` by RST, not by FIN. With `connection=False`, HTTP/2 resets the one
    stream; HTTP/1.1 closes the connection all the same. Raises `TypeError`, `ValueError`.
    """

    records: int | None = field(default=None, kw_only=True)
    bytes: int | None = field(default=None, kw_only=True)
    connection: bool | Literal["reset"] = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        check_count("records", self.records, least=0, optional=True)
        check_count("bytes", self.bytes, least=0, optional=True)
        _check_connection(self.connection)
        if (self.records is None) == (self.bytes is None):
            raise ValueError(
                "Cut breaks a response off after a number of records or of bytes: give one of "
                "them, as in Cut(records=2) or Cut(bytes=0); Drop() sends no response at all"
            )


@dataclass(frozen=True, slots=True, repr=False)
class Delay(Fault):
    """Delay the response by a number of seconds of the account's clock.

    With `jitter`, up to that number of seconds more, drawn from the mock's seed. With `committed`,
    the operation is applied before the delay; without it, after, whether or not its client still
    waits. `inf` lasts until the test ends. Raises `TypeError`, `ValueError`.
    """

    seconds: float
    committed: bool = field(default=False, kw_only=True)
    jitter: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        check_delay("seconds", self.seconds)
        check_flag("committed", self.committed)
        check_delay("jitter", self.jitter, may_be_infinite=False)
        if self.jitter and isinf(self.seconds):
            raise ValueError(
                f"{self!r} lasts until the test ends, so jitter has no meaning: leave it out"
            )


@dataclass(frozen=True, slots=True, repr=False)
class Late(Fault):
    """Send no response, as `Drop()`, or an error; and apply the operation later.

    It is applied after a number of `seconds` of the account's clock, or right after that number of
    `reads` and tail checks of its stream were answered; a read session is answered when it has
    delivered the records that there were, or has ended. Direct calls of a test are not counted.
    With `code`, S2's error of that code is the response. S2 decides when the operation is applied:
    if it refuses it then, nothing is. What was not applied by the end of the test, or by `reset()`
    or `restore()`, never is. Raises `TypeError`, and `ValueError` for a `code` that promises that
    nothing happens (reference: account_services §4).
    """

    seconds: float | None = None
    reads: int | None = field(default=None, kw_only=True)
    code: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.seconds is not None:
            check_delay("seconds", self.seconds)
            # `isinf` takes no integer that is too large for a float.
            if self.seconds == inf:
                raise ValueError(
                    "seconds must be finite: an operation that is never applied is lost by Drop()"
                )
        check_count("reads", self.reads, optional=True)
        if (self.seconds is None) == (self.reads is None):
            raise ValueError(
                "Late applies an operation after a number of seconds or of reads: give one of "
                "them, as in Late(1.5) or Late(reads=1)"
            )
        if self.code is not None:
            _check_code("Late", self.code)
            _check_lossy(self.code, "an effect that comes later contradicts that")


@dataclass(frozen=True, slots=True, repr=False)
class Silence(Fault):
    """Apply the operation, and send nothing more after a part of its response: a half-open link.

    The part is a number of `records` (of a `read` only) or of `bytes` of the body; with neither,
    not even the head is sent. Nothing follows on the TCP connection: no response of another request
    on it, no heartbeat, and no frame of HTTP/2. The connection stays open until the client closes
    it, or the mock drops its connections. Requests and batches that still arrive on it take effect.
    By WSGI only the one call gets nothing more. Raises `TypeError`, `ValueError`.
    """

    records: int | None = field(default=None, kw_only=True)
    bytes: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_count("records", self.records, least=0, optional=True)
        check_count("bytes", self.bytes, least=0, optional=True)
        if self.records is not None and self.bytes is not None:
            raise ValueError(
                "Silence begins after a number of records or of bytes: give one of them, as in "
                "Silence(records=2) or Silence(bytes=10), or none: Silence()"
            )


@dataclass(frozen=True, slots=True, repr=False)
class Slow(Fault):
    """Apply the operation, and send its response in small pieces, or slowly, or both.

    Each piece has at most `chunk` bytes, and is a write or a DATA frame of its own. With
    `bytes_per_second` the pieces are sent at that pace by the account's clock; without `chunk`,
    there are ten in a second. Raises `TypeError`, `ValueError`.
    """

    bytes_per_second: float | None = field(default=None, kw_only=True)
    chunk: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.bytes_per_second is not None:
            check_delay("bytes_per_second", self.bytes_per_second, may_be_infinite=False)
            if not self.bytes_per_second:
                raise ValueError(
                    "bytes_per_second must be above 0; Silence(bytes=0) sends no byte of the body"
                )
        check_count("chunk", self.chunk, optional=True)
        if self.bytes_per_second is None and self.chunk is None:
            raise ValueError(
                "Slow sends in pieces, at a pace, or both: give chunk, as in Slow(chunk=1), or "
                "bytes_per_second"
            )


@dataclass(frozen=True, slots=True, repr=False)
class Answer(Fault):
    """Answer as a proxy in front of S2 would, byte for byte, without applying the operation.

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
    """Answer as a server that is shutting down.

    An S2S session gets the advice to reconnect, with its next frame. It is served until the client
    ends it, for at most 5 s of real time; then the terminal `server_draining` is sent. With
    `records`, a read gets that number of records first. Server-sent events get the `error` event.
    Every other operation is answered with 503 `server_draining` and is not applied. Then the
    connection ends: by GOAWAY on HTTP/2, by `connection: close` on HTTP/1.1. Raises `TypeError`,
    `ValueError`.
    """

    records: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_count("records", self.records, least=0, optional=True)


def _check_code(fault: str, code: object) -> None:
    if not isinstance(code, str):
        raise TypeError(f"{fault} takes the code of an error, not {code!r}")
    if code not in CODES:
        near = near_name(code, CODES)
        hint = "" if near is None else f"did you mean {near!r}? "
        raise ValueError(
            f"{code!r} is no error code of S2: {hint}there are {', '.join(sorted(CODES))}"
        )


def _check_lossy(code: str, contradiction: str) -> None:
    """Raise `ValueError` for a code that promises that nothing has happened."""
    if CODES[code].promises_no_effect:
        lossy = ", ".join(repr(code) for code in CODES if not CODES[code].promises_no_effect)
        raise ValueError(
            f"{code!r} promises that nothing has happened, and {contradiction} "
            f"(reference: account_services §4); these codes leave it open: {lossy}"
        )


def _check_connection(value: object) -> None:
    if not isinstance(value, bool) and value != "reset":
        raise (TypeError if not isinstance(value, str) else ValueError)(
            f"connection must be True (the connection ends), 'reset' (by RST) or False (one HTTP/2 "
            f"stream is reset), not {value!r}"
        )


def is_answer_lost(status: int, fault: Fault | None) -> bool:
    """True if the client cannot know from the response whether its request took effect.

    `status` is that of the response, 0 for none.
    """
    if not status or isinstance(fault, Cut | Silence | Late):
        return True
    return isinstance(fault, Fail) and fault.committed


def check_fault(fault: object) -> Fault:
    """Return the fault. Raises `TypeError` for anything else."""
    if isinstance(fault, Fault):
        return fault
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
    Late: "Late(reads=1)",
    Silence: "Silence(bytes=10)",
    Slow: "Slow(chunk=1)",
}


def check_place(fault: Fault, names: tuple[str, ...]) -> None:
    """Raise `ValueError` if the fault has no meaning on one of those operations."""
    if isinstance(fault, Late):
        _check_late_place(fault, names)
        return
    records = getattr(fault, "records", None)
    others = [name for name in names if name != "read"]
    if records is not None and others:
        instead = {
            Cut: "Cut(bytes=...) breaks off any answer",
            Silence: "Silence(bytes=...) ends in any answer",
            Fail: f"Fail({getattr(fault, 'code', '')!r}) fails any operation",
        }.get(type(fault), "Drain() drains any operation")
        raise ValueError(
            f"{fault!r} on {others[0]!r}: only the answer to a read is counted in records; "
            f"{instead}"
        )


def _check_late_place(fault: Late, names: tuple[str, ...]) -> None:
    for name in names:
        if name == "append-session":
            raise ValueError(
                f"{fault!r} on 'append-session': a session that has no response gets no batch, so "
                "its opening leaves nothing to apply later; on='append' applies a batch of the "
                "session later"
            )
        if name not in WRITES:
            raise ValueError(
                f"{fault!r} on {name!r}: that changes nothing, so there is nothing to apply later; "
                "Drop() loses its answer"
            )
        if fault.reads is not None and name not in HAS_STREAM:
            raise ValueError(
                f"{fault!r} on {name!r}: there is no stream whose reads could be counted; "
                "Late(seconds) applies it after a time"
            )


def has_place(fault: Fault, name: str) -> bool:
    """True if the fault has a meaning on the operation of that name."""
    try:
        check_place(fault, (name,))
    except ValueError:
        return False
    return True


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


# JSON.

_KINDS: Final[dict[str, type[Fault]]] = {
    kind.__name__: kind for kind in (Answer, Cut, Delay, Drain, Drop, Fail, Late, Silence, Slow)
}
_EXAMPLE: Final = 'as in {"Fail": {"code": "unavailable"}}'


def fault_to_json(fault: Fault) -> dict[str, Any]:
    """Return the fault as JSON, without arguments that have their default values."""
    arguments: dict[str, Any] = {}
    for one in fields(fault):  # type: ignore[arg-type]  # each is a dataclass
        value = getattr(fault, one.name)
        if value == one.default:
            continue
        if isinstance(value, bytes) and one.name == "body":
            value = bytes_to_json(value)
        elif one.name == "headers":
            value = [list(pair) for pair in value]
        elif isinstance(value, float) and isinf(value):
            value = "inf"
        arguments[one.name] = value
    return {type(fault).__name__: arguments}


def fault_from_json(document: Any) -> Fault:
    """Return the fault that a JSON document describes. Raises `TypeError`, `ValueError`."""
    if not isinstance(document, dict) or len(document) != 1:
        raise TypeError(
            f"a fault is an object of one key, its name, {_EXAMPLE}; not {_spell(document)}"
        )
    [(name, arguments)] = document.items()
    kind = _KINDS.get(name)
    if kind is None:
        raise ValueError(f"{name!r} is no fault: {suggest(name, _KINDS)}")
    if not isinstance(arguments, dict):
        raise TypeError(
            f"{name} takes an object of its arguments, {_EXAMPLE}; not {_spell(arguments)}"
        )
    known = [one.name for one in fields(kind)]  # type: ignore[arg-type]  # each is a dataclass
    for argument in arguments:
        if argument not in known:
            hint = suggest(argument, known, "it takes")
            raise ValueError(f"{name} takes no {argument!r}: {hint}")
    given = dict(arguments)
    if "body" in given:
        given["body"] = bytes_from_json("body", given["body"])
    if given.get("seconds") == "inf":
        given["seconds"] = inf
    missing = [need for need in _NEEDED.get(name, ()) if need not in given]
    if missing:
        raise ValueError(f"{name} needs {missing[0]!r}")
    return kind(**given)


_NEEDED: Final = {"Fail": ("code",), "Delay": ("seconds",), "Answer": ("status",)}


def faults_to_json(fault: Fault | Sequence[Fault | None]) -> Any:
    """Return a fault as JSON, or a list of faults and None."""
    if isinstance(fault, Fault):
        return fault_to_json(fault)
    return [None if one is None else fault_to_json(one) for one in fault]


def faults_from_json(document: Any) -> Fault | list[Fault | None]:
    """Return the fault, or the list, that JSON describes. Raises `TypeError`, `ValueError`."""
    if isinstance(document, list):
        return [None if one is None else fault_from_json(one) for one in document]
    return fault_from_json(document)


def bytes_to_json(data: bytes) -> Any:
    """Return the bytes as text if they are UTF-8, else as `{"base64": ...}`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def bytes_from_json(what: str, value: Any) -> bytes:
    """Return the bytes that `bytes_to_json` has encoded. Raises `TypeError`, `ValueError`."""
    if isinstance(value, str):
        return encoded(what, value)
    if isinstance(value, dict) and list(value) == ["base64"] and isinstance(value["base64"], str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except ValueError as error:
            raise ValueError(f"{what} is no base64: {error}") from None
    raise TypeError(f'{what} must be text, or {{"base64": ...}}, not {_spell(value)}')


def _spell(value: Any) -> str:
    """Return a JSON value as text."""
    return json.dumps(value, ensure_ascii=False)
