"""One operation as it went over the wire: what was asked, what was answered, what it changed.

Source: reference: account_services §1.2 (names of operations).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from s2mock.powers.faults import Fault
from s2mock.powers.redaction import in_text, target_in_text, without_issued

Message = TypeVar("Message")
# What makes a document of a body, with all that is said of it.
Decode = Callable[[Message], Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked.

    Header names are in lower case. `path` is as it was sent, percent-encoded. `body` is what came,
    inflated. It is None if it is no longer kept, and `b""` if the request was refused before
    anybody read it. For a batch in a session, it is the message in the frame.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str] = field(hash=False)
    body: bytes | None
    _decode: "Decode[Request]" = field(repr=False, compare=False)

    def __repr__(self) -> str:
        target = target_in_text(self.path, self.query)
        return f"<Request {self.method} {target} {in_text(self.headers)} {_short(self.body)}>"

    @property
    def document(self) -> Any:
        """The body decoded, the same whatever form it came in; None if there is nothing to decode.

        Bytes of records are text where they are UTF-8, else bytes.
        """
        return self._decode(self)


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered.

    `code` and `message` are those of an error, else None. Header names are in lower case. `body`
    is not compressed yet. It is None if it is no longer kept, and for a session, whose bodies are
    never kept.
    """

    status: int
    code: str | None
    message: str | None
    headers: dict[str, str] = field(hash=False)
    body: bytes | None
    _decode: "Decode[Response]" = field(repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Response {self.status} {in_text(self.headers)} {_short(self.body)}>"

    @property
    def document(self) -> Any:
        """The body decoded, the same whatever form it went in; None for nothing to decode."""
        return self._decode(self)


@dataclass(frozen=True, slots=True)
class Effect:
    """What an operation changed, or read.

    `committed` is whether anything changed. `kind` is "created", "updated", "deleted" or
    "appended", else None; `name` is that of what was created, updated or deleted. The sequence
    numbers are of the first and last record that was appended or, by a read, delivered.
    """

    committed: bool = False
    kind: str | None = None
    name: str | None = None
    first_seq_num: int | None = None
    last_seq_num: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One operation with its request, its answer and its effect. It never changes.

    - `number` counts the exchanges of a mock from 1. An operation that is held and has no answer
      yet has 0.
    - `operation` is S2's name for it, or None if no route matched. `basin` and `stream` are what it
      is about. `token_id` is the id of the access token that asked, if it has one.
    - `response` is None after a drop.
    - `session` is the number of the session that it came in, or that it is.
    - `protocol` is "HTTP/1.1", "HTTP/1.0", "h2c" or "wsgi". `connection` is the number of the
      connection, or None.
    - `at` is the operation's moment, in nanoseconds of the account's clock. It is None if the
      request was refused before the account was asked.
    - `began` and `ended` are in seconds of monotonic time, for durations. `ended` is None while a
      session goes on.
    - `fault` is what went wrong on purpose.
    - `reason` is the rule that decided an error, with what would have been right. It looks at the
      account as it is when you first read it.
    - `advice` is what you may have meant otherwise.
    """

    number: int
    operation: str | None
    basin: str | None
    stream: str | None
    token_id: str | None
    request: Request
    response: Response | None
    effect: Effect
    session: int | None
    protocol: str
    connection: int | None
    at: int | None
    began: float
    ended: float | None
    fault: Fault | None
    reason: str | None
    advice: tuple[str, ...]

    def __repr__(self) -> str:
        about = " ".join(part for part in (self.basin, self.stream) if part)
        outcome = self.response.status if self.response else "no answer"
        fault = f" {self.fault!r}" if self.fault else ""
        return f"<Exchange {self.number}: {self.operation} {about} -> {outcome}{fault}>"

    def curl(self) -> str:
        """The command that sends the request again. Secrets in it are blacked out."""
        from s2mock.powers.curl import curl  # which a suite that passes does without

        asked = self.request
        return curl(
            asked.method, asked.path, asked.query, asked.headers, asked.body or b"", self.protocol
        )


def _short(body: bytes | None) -> str:
    text = without_issued(repr(body))
    return text if len(text) <= 80 else text[:77] + "..."
