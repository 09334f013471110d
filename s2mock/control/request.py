"""Routes of the control API, and a request as their handlers see it, which is checked strictly."""

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from s2mock.control.hosted_account import HostedAccount
from s2mock.control.hosted_accounts import HostedAccounts
from s2mock.control.response import JSON, ControlResponse, Refused
from s2mock.control.settings import NO_FIRST_ACCOUNT
from s2mock.options import BYTES, COUNT, FLAG, LATENCY, SECONDS, TEXT, Kind
from s2mock.runtime.conversation import READ, Step
from s2mock.runtime.near_names import suggest
from s2mock.runtime.notifier import MAX_HTTP_WAIT

PREFIX: Final = "/_s2mock"
MAX_BODY_BYTES: Final = 256 * 1024 * 1024
_MAX_DIGITS: Final = 18


class ControlRequest:
    """One request: the account that it acts on, its parameters and its body.

    `accounts` are all accounts of the server. `hosted` is None for a request that names no account,
    to a server without a first one. `parameters` are those in the path. All members raise `Refused`
    for a request that makes no sense.
    """

    def __init__(
        self,
        environ: dict[str, Any],
        accounts: HostedAccounts,
        hosted: HostedAccount | None,
        parameters: Mapping[str, str],
    ) -> None:
        self.environ = environ
        self.accounts = accounts
        self._hosted = hosted
        self.parameters = parameters
        self.body = b""
        # True once the head of a response has been sent; only its body may follow.
        self.is_answered = False

    @property
    def hosted(self) -> HostedAccount:
        """The account. Raises `Refused` (401) if the request names none, and there is no first."""
        return require_account(self._hosted)

    @property
    def number(self) -> int:
        """The number in the path."""
        return self.number_of("number")

    def number_of(self, name: str) -> int:
        """Return the number in the path at the parameter of that name."""
        text = self.parameters.get(name, "")
        if not is_whole(text):
            raise Refused(404, f"{text!r} is no number such as 1")
        return int(text)

    @property
    def wants_events(self) -> bool:
        """True if the client asks for server-sent events."""
        return "text/event-stream" in self.environ.get("HTTP_ACCEPT", "")

    def query(self, known: Iterable[str] = (), *, lists: Iterable[str] = ()) -> dict[str, Any]:
        """Return the parameters of the query; those of `lists` may be repeated."""
        found: dict[str, Any] = {}
        known = (*known, *lists)
        pairs = parse_qsl(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)
        for name, value in pairs:
            if name not in known:
                raise Refused(400, f"unknown parameter {name!r}: {_suggest(name, known)}")
            if name in lists:
                found.setdefault(name, []).extend(value.split(","))
            elif name in found:
                raise Refused(400, f"the parameter {name!r} is there twice: give one")
            else:
                found[name] = value
        return found

    def document(self, *known: str, required: Iterable[str] = ()) -> dict[str, Any]:
        """Return the body, a JSON object with no other members than these; {} without a body."""
        if not self.body:
            document: Any = {}
        else:
            try:
                document = json.loads(self.body, parse_constant=_refuse_constant)
            except (ValueError, RecursionError) as error:
                raise Refused(400, f"the body is no JSON: {error}") from None
            if not isinstance(document, dict):
                raise Refused(400, f"the body must be a JSON object, not {spell(document)}")
        for name in document:
            if name not in known:
                raise Refused(400, f"unknown member {name!r} of the body: {_suggest(name, known)}")
        for name in required:
            if name not in document:
                raise Refused(400, f"the body lacks {name!r}")
        checked: dict[str, Any] = document
        return checked

    def read(self) -> Generator[Step, Any, None]:
        """Read the body of the request. Raises `Refused` (413, 415)."""
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


HandlerResult = ControlResponse | Generator[Step, Any, ControlResponse | None]
"""A response, or the steps to it. Steps that have sent the response themselves return None."""


class ControlRoute(NamedTuple):
    """A method and a path below `/_s2mock`, and their handler.

    `{number}` in the path is a segment that the handler reads as `request.number`, any other such
    segment one of `request.parameters`.
    """

    method: str
    path: str
    handler: Callable[[ControlRequest], HandlerResult]

    def __str__(self) -> str:
        return f"{self.method} {PREFIX}{self.path}"


def require_account(hosted: HostedAccount | None) -> HostedAccount:
    """Return the account. Raises `Refused` (401) for None."""
    if hosted is None:
        raise Refused(401, NO_FIRST_ACCOUNT)
    return hosted


def seconds_of(query: dict[str, Any], name: str = "wait") -> float | None:
    """Return a number of seconds, or None if the query has no such parameter. Raises `Refused`."""
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


def required_of(query: dict[str, Any], name: str) -> str:
    """Return a parameter that the query must have. Raises `Refused`."""
    if name not in query:
        raise Refused(400, f"the parameter {name!r} is missing: add it, as in {name}=…")
    value: str = query[name]
    return value


def stream_of(query: dict[str, Any]) -> tuple[str, str]:
    """Return the names of a basin and a stream in it. Raises `Refused`."""
    return required_of(query, "basin"), required_of(query, "stream")


def is_whole(text: str) -> bool:
    """True if the text is a whole number of at most 18 digits."""
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


def whole_of(query: dict[str, Any], name: str, default: int | None = None) -> int | None:
    """Return a whole number of the query, or the default. Raises `Refused`."""
    if (text := query.get(name)) is None:
        return default
    if not is_whole(text):
        raise Refused(400, f"{name} must be a whole number from 0 to 10^18-1, not {text!r}")
    return int(text)


def count_of(query: dict[str, Any], wait: float | None, name: str = "count") -> int:
    """Return the number of things to wait for. Raises `Refused`."""
    count = whole_of(query, name, 1)
    assert count is not None
    if count < 1:
        raise Refused(400, f"{name} must be 1 or more, not {count}")
    if wait is None and name in query:
        raise Refused(400, f"{name} is how many to wait for: add wait, in seconds, as in wait=5")
    return count


def check_members(
    document: Mapping[str, Any], kinds: Mapping[str, Kind], *, optional: Iterable[str] = ()
) -> None:
    """Check the JSON types of these members; those of `optional` may be null. Raises `Refused`."""
    for name, kind in kinds.items():
        value = document.get(name)
        if name not in document or (value is None and name in optional) or kind not in _JSON_TYPES:
            continue
        expected, is_right = _JSON_TYPES[kind]
        if not is_right(value):
            raise Refused(400, f"{name} must be {expected}, not {spell(value)}")


def spell(value: Any) -> str:
    """Return a value as JSON, shortened, for a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _is_number(value: object, *types: type) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)


_JSON_TYPES: Final[dict[Kind, tuple[str, Callable[[Any], bool]]]] = {
    FLAG: ("true or false", lambda value: isinstance(value, bool)),
    COUNT: ("a whole number", lambda value: _is_number(value, int)),
    BYTES: ("a whole number", lambda value: _is_number(value, int)),
    SECONDS: ("a number of seconds", lambda value: _is_number(value, int, float)),
    LATENCY: (
        'a number of seconds, or "cloud"',
        lambda value: _is_number(value, int, float) or value == "cloud",
    ),
    TEXT: ("text", lambda value: isinstance(value, str)),
}


def _suggest(name: str, known: Iterable[str]) -> str:
    names = tuple(known)
    return suggest(name, names) if names else "there are none here"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
