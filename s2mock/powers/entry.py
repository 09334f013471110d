"""Notes and entries: the records of exchanges, from which `Exchange` values are made.

A record is taken of every exchange, so it refers only to objects that exist already. Its
interpretation (documents, reasons, advice) is computed when the journal is read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import unquote

from s2mock.registry.state import AccountState
from s2mock.registry.state import Effect as OperationEffect
from s2mock.registry.values.records import AppendInput
from s2mock.runtime.environ import Fields, bearer, fields_of, path_of, rebuild_environ

if TYPE_CHECKING:
    from s2mock.powers.advice_history import AdviceHistory, FullRead
    from s2mock.powers.exchange import Decode, Effect, Exchange, Request, Response
    from s2mock.powers.faults import Fault

# The keys of an environ that an entry keeps beside the headers.
_KEPT_KEYS: Final = (
    "REQUEST_METHOD",
    "REQUEST_URI",
    "PATH_INFO",
    "QUERY_STRING",
    "SERVER_PROTOCOL",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "s2mock.connection",
    "wsgi.url_scheme",
)
_HTTP2_NAMES: Final = {"HTTP/2": "h2c", "HTTP/2 over TLS": "h2"}
# A request target and its header fields with more bytes than this count as a body. When bodies are
# dropped, the longest fields are dropped too, until this many bytes are left.
LONG_HEAD: Final = 4096
_LEFT: Final = "its client closed the connection before the response"
# Other long texts are cut to this length then.
_SHORT_TEXT: Final = 1024


NOT_YET: Final = "not applied yet"
"""The value of `Entry.late` until the operation was applied, was refused, or was dropped."""


def protocol_of(environ: dict[str, Any]) -> str:
    """Return the protocol of a request, and whether it is over TLS: "HTTP/1.1", "HTTP/2 over TLS".

    An environ that `rebuild_environ` has made has that as its protocol already.
    """
    protocol: str = environ.get("SERVER_PROTOCOL", "")
    return f"{protocol} over TLS" if environ.get("wsgi.url_scheme") == "https" else protocol


class ExchangeHead(NamedTuple):
    """The part of a note that successive exchanges often share; equal ones are kept once."""

    method: str
    target: str
    fields: Fields
    """Header fields of the request."""
    protocol: str
    connection: int | None
    operation: str
    basin: str | None
    status: int
    headers: tuple[tuple[str, str], ...]
    """Header fields of the response."""


class Note(NamedTuple):
    """The record of an exchange that succeeded, as cheap to take as possible.

    Its `Entry` is made when the journal is read. For a batch of an append session, `body` is the
    batch, `head` is the entry of the session, and `began` is unused. Bodies are None once the
    journal has dropped them.
    """

    body: bytes | AppendInput | None
    response_body: bytes | None
    head: "ExchangeHead | Entry"
    stream: str | None
    at: int
    effect: Any
    """An `Effect`, or its members as a plain tuple."""
    began: float
    ended: float
    delivered: tuple[int, int] | None
    """The first and the last sequence number that a read returned."""
    size: int
    """Bytes of both bodies, and of the head if it is long."""


class Failure(NamedTuple):
    """The error that ended an exchange; not the exception, which refers to its frames."""

    kind: type[BaseException]
    rule: str
    """The reference for the rule, such as `control_plane §5.4`."""
    message: str
    explanation: str | None
    """What the message leaves out."""


def head_size(target: str, fields: Fields) -> int:
    """Return the bytes of a target and of header fields; 0 if they are not long."""
    size = len(target) + sum(map(len, chain.from_iterable(fields)))
    return size if size > LONG_HEAD else 0


def shorten_head(head: ExchangeHead) -> ExchangeHead:
    """Return the head without long texts and long header fields."""
    return head._replace(target=_cut(head.target), fields=_shorten_fields(head.fields))


def _shorten_fields(fields: Fields) -> Fields:
    room, kept = LONG_HEAD, []
    for number in sorted(range(len(fields)), key=lambda number: sum(map(len, fields[number]))):
        room -= sum(map(len, fields[number]))
        if room < 0:
            break
        kept.append(number)
    return tuple(fields[number] for number in sorted(kept))


def _cut(text: str) -> str:
    return text if len(text) <= _SHORT_TEXT else f"{text[:_SHORT_TEXT]}..."


class Entry:
    """The record of one exchange. It may change until the exchange has ended."""

    __slots__ = (
        "_exchange",
        "advice",
        "at",
        "basin",
        "batch",
        "began",
        "body",
        "code",
        "effect",
        "ended",
        "environ",
        "failure",
        "fault",
        "first_seq_num",
        "headers",
        "held",
        "held_at",
        "is_injected",
        "is_left",
        "is_operation",
        "last_seq_num",
        "late",
        "long_size",
        "lost_with",
        "name",
        "number",
        "parameters",
        "path",
        "recording_error",
        "response_body",
        "session",
        "status",
        "stream",
    )

    count: Final = 1
    """The number of exchanges, as of a `Bundle`."""

    def __init__(
        self,
        environ: dict[str, Any],
        path: str,
        parameters: dict[str, str],
        name: str | None,
        began: float,
    ) -> None:
        self.environ: dict[str, Any] = environ
        # As it was sent (percent-encoded), and its values for `<basin>` and the like.
        self.path: str = path
        self.parameters: dict[str, str] = parameters
        self.name = name
        self.began: float = began
        self.number: int = 0
        # False if the request was refused before an operation was made of it.
        self.is_operation: bool = False
        self.ended: float | None = None
        self.at: int | None = None
        self.basin: str | None = None
        self.stream: str | None = None
        self.effect: Any = None
        self.fault: Fault | None = None
        # What has become of a call that a `Late` has taken: known after the exchange has ended.
        self.late: str | None = None
        self.held: int | None = None
        # The point at which a hold has held it.
        self.held_at: str | None = None
        # True if its client closed the connection before it had the response.
        self.is_left: bool = False
        # True if the fault decided the response, and not S2.
        self.is_injected: bool = False
        self.failure: Failure | None = None
        self.code: str | None = None
        # The batch and its size, if its bytes are not kept: the log has its records.
        self.batch: tuple[AppendInput, int] | None = None
        self.body: bytes | None = b""
        # Bytes of the head and of the error's texts, if these are long.
        self.long_size: int = 0
        # The response; a status of 0 if there is none.
        self.status: int = 0
        self.headers: Sequence[tuple[str, str]] = ()
        self.response_body: bytes | None = b""
        # The session of the exchange; the entry itself if it is one.
        self.session: Entry | None = None
        self.first_seq_num: int | None = None
        self.last_seq_num: int | None = None
        self.advice: tuple[str, ...] = ()
        # Text about the error by which recording failed; little else is known then.
        self.recording_error: str | None = None
        # Text about the fault of another exchange that has ended the connection.
        self.lost_with: str | None = None
        self._exchange: Exchange | None = None

    @classmethod
    def from_note(cls, note: Note, number: int) -> "Entry":
        """Return the entry of a note, with that number."""
        head, body, size = note.head, note.body, note.size
        if isinstance(head, Entry):
            entry = cls(head.environ, head.path, head.parameters, "append", note.ended)
            entry.session, entry.basin = head, head.basin
            entry.status, entry.headers = 200, head.headers
        else:
            environ = rebuild_environ(
                head.method, head.target, head.fields, head.protocol, head.connection
            )
            entry = cls(environ, path_of(head.target), {}, head.operation, note.began)
            entry.basin = head.basin
            entry.status, entry.headers = head.status, head.headers
        if isinstance(body, AppendInput):
            entry.batch = (body, size)
        else:
            entry.body = body
            entry.long_size = size - len(body or b"") - len(note.response_body or b"")
        entry.response_body = note.response_body
        entry.number = number
        entry.is_operation = True
        entry.stream, entry.at, entry.ended = note.stream, note.at, note.ended
        effect = note.effect
        entry.effect = OperationEffect(*effect) if type(effect) is tuple else effect
        if note.delivered is not None:
            entry.first_seq_num, entry.last_seq_num = note.delivered
        return entry

    def set_recording_error(self, error: BaseException) -> None:
        """Mark the exchange as one that could not be recorded because of that error."""
        self.recording_error = f"s2mock failed to record this exchange, please report it: {error!r}"
        self._exchange = None

    def end(self, ended: float) -> None:
        """Note that the session that this entry describes has ended."""
        self.ended = ended
        self._exchange = None

    def reduce_environ(self) -> None:
        """Keep only the keys that are read here: a WSGI environ refers to large objects."""
        environ = self.environ
        self.environ = {
            key: value
            for key, value in environ.items()
            if key in _KEPT_KEYS or (key.startswith("HTTP_") and isinstance(value, str))
        }

    @property
    def size(self) -> int:
        """Bytes of the bodies that are kept, and of the head if it is long."""
        if self.batch is not None:
            return self.batch[1]
        return len(self.body or b"") + len(self.response_body or b"") + self.long_size

    def measure(self) -> None:
        """Set `long_size`, from the head and the texts of the error."""
        fields = (*self._fields, *self.parameters.items())
        self.long_size = head_size(self._target, fields)
        if self.failure is not None:
            length = len(self.failure.message) + len(self.failure.explanation or "")
            self.long_size += length if length > LONG_HEAD else 0

    def drop_bodies(self) -> None:
        """Drop the bodies, and all other long texts."""
        self.body = self.response_body = self.batch = None
        self._exchange = None
        # `long_size` may be 0 for a long head that is shared: it is counted with another exchange.
        if head_size(self._target, self._fields):
            environ = self.environ
            self.environ = rebuild_environ(
                environ.get("REQUEST_METHOD", ""),
                _cut(self._target),
                _shorten_fields(self._fields),
                protocol_of(environ),
                environ.get("s2mock.connection"),
            )
            self.path = _cut(self.path)
            self.parameters = {name: _cut(text) for name, text in self.parameters.items()}
        if self.failure is not None:
            message, explanation = self.failure.message, self.failure.explanation
            self.failure = self.failure._replace(
                message=_cut(message), explanation=explanation and _cut(explanation)
            )
        self.long_size = 0

    @property
    def _target(self) -> str:
        query = self.environ.get("QUERY_STRING")
        return f"{self.path}?{query}" if query else self.path

    @property
    def _fields(self) -> Fields:
        fields: Fields | None = self.environ.get("s2mock.fields")
        return fields_of(self.environ) if fields is None else fields

    def add_advice(self, texts: "tuple[str, ...]") -> None:
        """Add these texts to the advice."""
        if texts:
            self.advice += texts
            self._exchange = None

    @property
    def operation(self) -> str | None:
        """The name of the operation, as a test writes it; None if no route matched."""
        if self.name == "append" and self.session is None and self._is_s2s:
            return "append-session"
        return self.name

    @property
    def place(self) -> tuple[str | None, str | None]:
        """Basin and stream; of a request that was refused early, as far as it named them."""
        basin, stream = self.basin, self.stream
        if self.name is not None and not self.is_operation:
            parameters = self.parameters
            basin = basin or _decoded(parameters.get("basin"))
            stream = stream or _decoded(parameters.get("stream"))
            if "basin" not in parameters and "-basin" not in self.name:
                basin = basin or self.environ.get("HTTP_S2_BASIN")
        return basin, stream

    @property
    def _is_s2s(self) -> bool:
        return bool(self.environ.get("CONTENT_TYPE", "").startswith("s2s/"))

    def to_exchange(
        self, diagnostics: "Diagnostics", before: "Callable[[Entry], Iterator[Entry]]"
    ) -> "Exchange":
        """Return the exchange. `before` gives the entries before this one, the latest first."""
        known = self._exchange
        if known is None:
            known = self.to_exchange_without_reason(diagnostics)
            if self.recording_error is not None:
                known = replace(known, reason=self.recording_error)
            elif self.lost_with is not None:
                known = replace(known, reason=self.lost_with)
            elif self.failure is not None or self.status >= 400 or self.is_injected:
                known = replace(known, reason=diagnostics.explain_error(self, known, before(self)))
            elif self.is_left:
                known = replace(known, reason=_LEFT)
            if self.number and self.ended is not None and self.late is None:
                self._exchange = known
        return known

    def to_exchange_without_reason(self, diagnostics: "Diagnostics") -> "Exchange":
        """Return the exchange, with None as its reason."""
        # Imported late, here and below: a suite without failures does not need it.
        from s2mock.powers.exchange import Exchange, Request

        environ, operation = self.environ, self.operation
        basin, stream = self.place
        headers = _headers(environ)
        request = Request(
            environ.get("REQUEST_METHOD", ""),
            self.path,
            environ.get("QUERY_STRING", ""),
            headers,
            self.body if self.batch is None else diagnostics.encode_batch(self.batch[0]),
            partial(diagnostics.decode_request, operation),
        )
        protocol, connection = protocol_of(environ), environ.get("s2mock.connection")
        if connection is None:
            protocol = "wsgi"
        return Exchange(
            number=self.number,
            operation=operation,
            basin=basin,
            stream=stream,
            token_id=diagnostics.find_token_id(bearer(environ)),
            request=request,
            response=self._response(
                partial(diagnostics.decode_response, operation, headers.get("s2-format", "raw"))
            ),
            effect=self._effect(basin, stream),
            session=None if self.session is None else self.session.number,
            protocol=_HTTP2_NAMES.get(protocol, protocol),
            connection=connection,
            at=self.at,
            began=self.began,
            ended=self.ended,
            fault=self.fault,
            reason=None,
            advice=self.advice,
            held=self.held,
            held_at=self.held_at,
        )

    def _response(self, decode: "Decode[Response]") -> "Response | None":
        from s2mock.powers.exchange import Response

        if not self.status:
            return None
        headers: dict[str, str] = {}
        for name, value in self.headers:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        # Of a session: those of its terminal frame.
        code, message = (None, None) if self.failure is None else (self.code, self.failure.message)
        return Response(self.status, code, message, headers, self.response_body, decode)

    def _effect(self, basin: str | None, stream: str | None) -> "Effect":
        from s2mock.powers.exchange import Effect

        effect = self.effect
        if effect is None:
            if self.first_seq_num is None:
                return Effect()
            return Effect(first_seq_num=self.first_seq_num, last_seq_num=self.last_seq_num)
        name = None if effect.kind == "appended" else (stream or basin)
        first, last = effect.first_seq_num, effect.last_seq_num
        if first is None:
            first, last = self.first_seq_num, self.last_seq_num
        return Effect(True, effect.kind, name, first, last)


class AccountView(Protocol):
    """The parts of an account that diagnostics read."""

    lock: Any
    """Its member `mutex` guards the state."""

    @property
    def state(self) -> AccountState:
        """The state of the account."""

    @property
    def own_secret(self) -> str | None:
        """The secret of the account's own token."""

    @property
    def tails(self) -> "Mapping[tuple[str | None, str | None], int] | None":
        """How far each stream goes at an upstream, as far as it is known; None without one."""


class EndedAccount:
    """The state that an account had when its mock was closed, as an `AccountView`."""

    def __init__(
        self,
        state: AccountState,
        own_secret: str | None,
        tails: "Mapping[tuple[str | None, str | None], int] | None",
    ) -> None:
        self.state = state
        self.tails: Mapping[tuple[str | None, str | None], int] | None = tails
        self.own_secret: str | None = own_secret
        self.mutex: nullcontext[None] = nullcontext()
        self.lock = self


class Diagnostics(Protocol):
    """The functions that interpret entries; `s2mock.diagnostics`, which knows the API, has them."""

    def find_advice(self, entry: Entry, history: "AdviceHistory", /) -> tuple[str, ...]:
        """Return advice on an exchange that has ended, and add it to the history."""

    def find_open_advice(self, entry: Entry, /) -> tuple[str, ...]:
        """Return advice on an exchange that is open at the end of the test."""

    def find_end_advice(
        self, entry: Entry, full: "FullRead", history: "AdviceHistory", /
    ) -> tuple[str, ...]:
        """Return advice on a full read that is only known at the end of the test."""

    def explain_error(
        self, entry: Entry, exchange: "Exchange", before: Iterator[Entry], /
    ) -> str | None:
        """Return why the exchange ended in an error.

        `before` are the entries before it, the latest first.
        """

    def find_token_id(self, secret: str, /) -> str | None:
        """Return the id of the access token with that secret, or None."""

    def encode_batch(self, batch: AppendInput, /) -> bytes:
        """Return a batch as the message in its session's frame."""

    def decode_request(self, operation: str | None, request: "Request", /) -> Any:
        """Return the body of a request as a document."""

    def decode_response(self, operation: str | None, form: str, response: "Response", /) -> Any:
        """Return the body of a response as a document, to a request with that `S2-Format`."""


def _decoded(segment: str | None) -> str | None:
    return segment and unquote(segment)


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    headers = {}
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            headers[key[5:].replace("_", "-").lower()] = value
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            headers[key.replace("_", "-").lower()] = value
    return headers
