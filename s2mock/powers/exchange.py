"""The exchange: one operation with its request, its response and its effect.

Source: reference: account_services §1.2 (names of operations).
"""

import base64
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from s2mock.powers.faults import Fault
from s2mock.powers.redaction import redact_headers, redact_issued_tokens, redact_target

Message = TypeVar("Message")
# Returns the body of a message as a document.
Decode = Callable[[Message], Any]

# Headers that curl sends by itself, or that concern the connection.
_OMITTED_HEADERS: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "te",
        "transfer-encoding",
        "user-agent",
    }
)
# Before the target in the place of a server. No argument begins with it.
_BASE: Final = "\0"
# A longer body would hide the rest of the command.
_MAX_CURL_BODY_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Request:
    """The request of an exchange.

    Header names are in lower case. `path` is as it was sent, percent-encoded. `body` is
    decompressed. It is None if the journal no longer keeps it, and `b""` if the request was refused
    before its body was read. For a batch in a session, it is the message in the frame.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str] = field(hash=False)
    body: bytes | None
    _decode: "Decode[Request]" = field(repr=False, compare=False)

    def __repr__(self) -> str:
        target = redact_target(self.path, self.query)
        return (
            f"<Request {self.method} {target} {redact_headers(self.headers)} {_short(self.body)}>"
        )

    @property
    def document(self) -> Any:
        """The decoded body, the same for JSON and protobuf; None for a body that has no document.

        Bodies and headers of records are `str` if they are UTF-8, else `bytes`.
        """
        return self._decode(self)


@dataclass(frozen=True, slots=True)
class Response:
    """The response of an exchange.

    `code` and `message` are those of an error, else None. Header names are in lower case. `body`
    is not compressed. It is None if the journal no longer keeps it, and for a session, whose bodies
    are never kept.
    """

    status: int
    code: str | None
    message: str | None
    headers: dict[str, str] = field(hash=False)
    body: bytes | None
    _decode: "Decode[Response]" = field(repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Response {self.status} {redact_headers(self.headers)} {_short(self.body)}>"

    @property
    def document(self) -> Any:
        """The decoded body, the same for JSON and protobuf; None if there is none."""
        return self._decode(self)


@dataclass(frozen=True, slots=True)
class Effect:
    """The change that an operation made, or the records that it read.

    `committed` is True if anything changed. `kind` is "created", "updated", "deleted" or
    "appended", else None; `name` is that of the basin, stream or token that was created, updated or
    deleted. The sequence numbers are those of the first and the last record that was appended or,
    by a read, delivered.
    """

    committed: bool = False
    kind: str | None = None
    name: str | None = None
    first_seq_num: int | None = None
    last_seq_num: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One operation with its request, its response and its effect. It never changes.

    - `number` counts the exchanges of a mock from 1. It is 0 for an operation that is held and has
      no response yet.
    - `operation` is S2's name for it, or None if no route matched. `basin` and `stream` are the
      names in the request. `token_id` is the id of the request's access token, if it has one.
    - `response` is None after a drop.
    - `session` is the number of the session to which it belongs; its own if it opened a session.
    - `protocol` is "HTTP/1.1", "HTTP/1.0", "h2c" or "wsgi", and over TLS "HTTP/1.1 over TLS",
      "HTTP/1.0 over TLS" or "h2". `connection` is the number of the connection, or None.
    - `at` is the moment of the operation, in nanoseconds of the account's clock. It is None if the
      request was refused before it reached the account.
    - `began` and `ended` are in seconds of monotonic time, for durations. `ended` is None while a
      session is open.
    - `fault` is the fault that was injected into it, or None.
    - `reason` names the rule that decided an error, and what would have been right. It is computed
      from the state that the account has when you first read the exchange.
    - `advice` lists likely mistakes in the request that S2 accepts.
    - `held` is its number among the operations that a hold or a hook has held, or None. Over HTTP
      it names the operation that is to be released.
    - `held_at` is the point at which a hold has held it: "arrival", "commit" or "answer", or None.
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
    held: int | None = None
    held_at: str | None = None

    def __repr__(self) -> str:
        about = " ".join(part for part in (self.basin, self.stream) if part)
        outcome = self.response.status if self.response else "no answer"
        fault = f" {self.fault!r}" if self.fault else ""
        return f"<Exchange {self.number}: {self.operation} {about} -> {outcome}{fault}>"

    def curl(self, base: str | None = None) -> str:
        """Return the command that sends the request again, without its secrets.

        `base` is the server to send it to, such as a variable of the shell; by default that of the
        request.
        """
        return _curl_command(self.request, self.protocol, base)


def error_code(response: Response) -> str | None:
    """Return the code of an error, or the mismatch for which an append was refused, else None."""
    if response.code is None and response.status == 412:
        document = response.document
        keys = document if isinstance(document, dict) else ()
        return next((key for key in keys if key.endswith("_mismatch")), None)
    return response.code


def _short(body: bytes | None) -> str:
    text = redact_issued_tokens(repr(body))
    return text if len(text) <= 80 else text[:77] + "..."


def _curl_command(request: Request, protocol: str, base: str | None) -> str:
    headers, body = request.headers, request.body or b""
    target = redact_target(request.path, request.query)
    is_encrypted = protocol == "h2" or protocol.endswith(" over TLS")
    scheme = "https" if is_encrypted else "http"
    url = target if "://" in target else f"{scheme}://{headers.get('host', 'localhost')}{target}"
    words = ["curl"]
    if is_encrypted and base is None:
        # curl knows the certificate authority no better than its user does.
        words.append("--insecure")
    if protocol == "h2c":
        words.append("--http2-prior-knowledge")
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != ("POST" if body else "GET"):
        words += ["-X", request.method]
    without_server = urlsplit(url)._replace(scheme="", netloc="").geturl()
    words.append(url if base is None else _BASE + without_server)
    words += _header_words(headers)
    join = partial(_join, base=base)
    if not body:
        return join(words)
    if "content-type" not in headers:
        words += ["-H", "content-type:"]
    if len(body) > _MAX_CURL_BODY_BYTES:
        return f"{join(words)} --data-binary @...  # {len(body)} bytes"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if text.isprintable() and not text.startswith("@"):
        return join([*words, "--data-binary", text])
    encoded = base64.b64encode(body).decode()
    return f"echo {encoded} | base64 -d | {join([*words, '--data-binary', '@-'])}"


def _header_words(headers: dict[str, str]) -> list[str]:
    words = []
    for name, value in redact_headers(headers).items():
        if name in _OMITTED_HEADERS or (name == "accept" and value == "*/*"):
            continue
        # A mock's own token ends with the mock, and by default a mock requires none.
        if name == "authorization":
            continue
        words += ["-H", f"{name}: {value}"]
    return words


def _join(words: list[str], base: str | None) -> str:
    """Return the words as a command, with the base in double quotes, which expand variables."""
    return " ".join(
        f'"{base}"{shlex.quote(word.removeprefix(_BASE))}'
        if word.startswith(_BASE)
        else shlex.quote(word)
        for word in words
    )
