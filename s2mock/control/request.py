"""A request to the control API as its handlers see it: path, query and body, checked strictly."""

import json
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from s2mock.control.answers import JSON, Refused
from s2mock.control.hosted_account import HostedAccount
from s2mock.runtime.conversation import READ, Step
from s2mock.runtime.near_names import suggest
from s2mock.runtime.notifier import MAX_HTTP_WAIT

if TYPE_CHECKING:
    from s2mock.powers.powers import Powers

MAX_BODY_BYTES: Final = 256 * 1024 * 1024
MAKES_ONE: Final = "POST /_s2mock/accounts makes one, and answers its token"
NO_FIRST: Final = f"this server has no first account (--accounts-only): {MAKES_ONE}"


class ControlRequest:
    """One request: the account that it acts on, and what it says. Raises `Refused`."""

    def __init__(
        self, environ: dict[str, Any], seat: HostedAccount | None, number: str | None
    ) -> None:
        self.environ = environ
        self._seat = seat
        self._number = number
        self.body = b""
        # True once the head of an answer has been sent, behind which only its body may follow.
        self.is_answered = False

    @property
    def seat(self) -> HostedAccount:
        """The account. Raises `Refused` (401) where the request names none, and none is first."""
        return seat_of(self._seat)

    @property
    def mock(self) -> Any:
        """The mock of the account."""
        return self.seat.mock

    @property
    def powers(self) -> "Powers":
        """The powers of that mock."""
        powers: Powers = self.mock._powers  # noqa: SLF001  # no user's
        return powers

    @property
    def number(self) -> int:
        """The number in the path."""
        text = self._number or ""
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise Refused(404, f"{text!r} is no number such as 1")
        return int(text)

    def query(self, known: Iterable[str], *, lists: Iterable[str] = ()) -> dict[str, Any]:
        """The parameters of the query; those of `lists` may come several times."""
        found: dict[str, Any] = {}
        known = (*known, *lists)
        pairs = parse_qsl(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)
        for name, value in pairs:
            if name not in known:
                raise Refused(400, f"unknown parameter {name!r}: {_near(name, known)}")
            if name in lists:
                found.setdefault(name, []).extend(value.split(","))
            elif name in found:
                raise Refused(400, f"the parameter {name!r} stands there twice: give one")
            else:
                found[name] = value
        return found

    def document(self, *known: str, required: Iterable[str] = ()) -> dict[str, Any]:
        """The body as a JSON object with no other members than these; without a body, empty."""
        if not self.body:
            document: Any = {}
        else:
            try:
                document = json.loads(self.body, parse_constant=_no_constant)
            except (ValueError, RecursionError) as error:
                raise Refused(400, f"the body is no JSON: {error}") from None
            if not isinstance(document, dict):
                raise Refused(400, f"the body must be a JSON object, not {_short(document)}")
        for name in document:
            if name not in known:
                raise Refused(400, f"unknown member {name!r} of the body: {_near(name, known)}")
        for name in required:
            if name not in document:
                raise Refused(400, f"the body lacks {name!r}")
        checked: dict[str, Any] = document
        return checked

    def read(self) -> Generator[Step, Any, None]:
        """Take in the body."""
        pieces, size = [], 0
        while piece := (yield READ):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise Refused(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
        self.body = b"".join(pieces)
        if self.body:
            kind = self.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
            if kind != JSON:
                raise Refused(
                    415, f"a body needs the content type {JSON}, not {kind or 'none at all'}"
                )


def seat_of(seat: HostedAccount | None) -> HostedAccount:
    """The account. Raises `Refused` (401) for None."""
    if seat is None:
        raise Refused(401, NO_FIRST)
    return seat


def seconds_of(query: dict[str, Any], name: str = "wait") -> float | None:
    """So many seconds, or None where there is nothing of it. Raises `Refused`."""
    if (text := query.get(name)) is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise Refused(400, f"{name} must be a number of seconds such as 5, not {text!r}")
    if seconds > MAX_HTTP_WAIT:
        raise Refused(
            400, f"{name} must be at most {MAX_HTTP_WAIT:.0f} seconds, a day, not {text!r}"
        )
    return seconds


def stream_of(query: dict[str, Any]) -> tuple[str, str]:
    """The names of a basin and a stream in it. Raises `Refused`."""
    for name in ("basin", "stream"):
        if name not in query:
            raise Refused(400, f"say which stream: {name} is missing, as in ?basin=…&stream=…")
    return query["basin"], query["stream"]


def whole_of(query: dict[str, Any], name: str, default: int | None = None) -> int | None:
    """A whole number. Raises `Refused`."""
    if (text := query.get(name)) is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, f"{name} must be a whole number from 0 to 10^18-1, not {text!r}")
    return int(text)


def count_of(query: dict[str, Any], wait: float | None, name: str = "count") -> int:
    """How many to wait for. Raises `Refused`."""
    count = whole_of(query, name, 1)
    assert count is not None
    if count < 1:
        raise Refused(400, f"{name} must be 1 or more, not {count}")
    if wait is None and name in query:
        raise Refused(400, f"{name} is how many to wait for: add wait, in seconds, as in wait=5")
    return count


def _near(name: str, known: Iterable[str]) -> str:
    names = tuple(known)
    return suggest(name, names) if names else "there are none here"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
