"""The note of an exchange, as it is taken: what it means is worked out when somebody looks.

It is taken of every exchange, so it only keeps what is there anyway.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote

from s2mock.registry.state import AccountState
from s2mock.registry.state import Effect as Change
from s2mock.registry.values.records import AppendInput
from s2mock.runtime.environ import Fields, bearer, fields_of, path_of, rebuild_environ

if TYPE_CHECKING:
    from s2mock.powers.call import RequestCall
    from s2mock.powers.exchange import Decode, Effect, Exchange, Request, Response
    from s2mock.powers.faults import Fault

# What an environ has beside headers that a note keeps.
_KEPT: Final = (
    "REQUEST_METHOD",
    "REQUEST_URI",
    "PATH_INFO",
    "QUERY_STRING",
    "SERVER_PROTOCOL",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "s2mock.connection",
)
# A request target with its header fields is long from this number of bytes on. It counts as a body
# then, and when bodies go, the longest fields go until no more than this is left.
LONG_HEAD: Final = 4096
# Where a text that is no field has to be shorter, so much of it stays.
_SHORT_TEXT: Final = 1024


# The same as parts, which is what most notes are until somebody looks: what is taken of every
# operation is to cost next to nothing.
AnswerForm = tuple[
    str,
    str,
    tuple[tuple[str, str], ...],
    str,
    int | None,
    str,
    str | None,
    int,
    tuple[tuple[str, str], ...],
]
"""Method, target, header fields, protocol, connection, operation, basin, status, headers of the
answer."""
Note = tuple[
    bytes | AppendInput | None,
    bytes | None,
    "AnswerForm | Entry",
    str | None,
    int,
    Any,
    float,
    float,
    tuple[int, int] | None,
    int,
]
"""Body, answer, what others have too, stream, moment, effect, when it began and when it ended,
first and last record that was read, size of both bodies, which are None where they are not kept
any longer. Of a batch in a session: the batch and the session instead of the body and what others
have too, and no beginning."""
NOTE_PARTS: Final = 10


def head_size(target: str, fields: Fields) -> int:
    """The bytes of a target and of header fields that count; 0 where they are not long."""
    size = len(target) + sum(map(len, chain.from_iterable(fields)))
    return size if size > LONG_HEAD else 0


def without_long(form: AnswerForm) -> AnswerForm:
    """The same without what is long in its head."""
    method, target, fields, *rest = form
    return (method, _cut(target), _short_fields(fields), *rest)  # type: ignore[return-value]


def _short_fields(fields: Fields) -> Fields:
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
    """One exchange."""

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
        "is_injected",
        "is_operation",
        "last_seq_num",
        "long_size",
        "name",
        "number",
        "parameters",
        "path",
        "said",
        "session",
        "status",
        "stream",
        "unkept",
    )

    # It counts as one.
    count: Final = 1

    def __init__(
        self,
        environ: dict[str, Any],
        path: str,
        parameters: dict[str, str],
        name: str | None,
        began: float,
    ) -> None:
        self.environ: dict[str, Any] = environ
        # As it was sent, and what it has instead of `<basin>` and the like.
        self.path: str = path
        self.parameters: dict[str, str] = parameters
        self.name = name
        self.began: float = began
        self.number: int = 0
        # Whether it came as far as to be one: else it was refused as it stood.
        self.is_operation: bool = False
        self.ended: float | None = None
        self.at: int | None = None
        self.basin: str | None = None
        self.stream: str | None = None
        self.effect: Any = None
        self.fault: Fault | None = None
        # Whether the fault, and not S2, has decided what the answer is.
        self.is_injected: bool = False
        # Why it was refused: the rule, what the error says, and what it does not say.
        self.failure: tuple[type[BaseException], str, str, str | None] | None = None
        self.code: str | None = None
        # What was appended, of a batch whose body is not kept: the log has its records anyway.
        self.batch: tuple[AppendInput, int] | None = None
        self.body: bytes | None = b""
        # Bytes of its head, and of what an error said, where these are long.
        self.long_size: int = 0
        # The answer; a status of 0 is none.
        self.status: int = 0
        self.headers: Sequence[tuple[str, str]] = ()
        self.said: bytes | None = b""
        # Of which session it is: itself, where it is one.
        self.session: Entry | None = None
        self.first_seq_num: int | None = None
        self.last_seq_num: int | None = None
        self.advice: tuple[str, ...] = ()
        # Why nothing more is known of it, where recording it has failed.
        self.unkept: str | None = None
        self._exchange: Exchange | None = None

    @classmethod
    def of(cls, note: Note, number: int) -> "Entry":
        """The entry that such a note is."""
        body, said, form, stream, at, effect, began, ended, delivered, size = note
        if isinstance(form, Entry):
            entry = cls(form.environ, form.path, form.parameters, "append", ended)
            entry.session, entry.basin = form, form.basin
            entry.status, entry.headers = 200, form.headers
        else:
            method, target, fields, protocol, connection, name, basin, status, headers = form
            environ = rebuild_environ(method, target, fields, protocol, connection)
            entry = cls(environ, path_of(target), {}, name, began)
            entry.basin = basin
            entry.status, entry.headers = status, headers
        if isinstance(body, AppendInput):
            entry.batch = (body, size)
        else:
            entry.body = body
            entry.long_size = size - len(body or b"") - len(said or b"")
        entry.said = said
        entry.number = number
        entry.is_operation = True
        entry.stream, entry.at, entry.ended = stream, at, ended
        entry.effect = Change(*effect) if type(effect) is tuple else effect
        if delivered is not None:
            entry.first_seq_num, entry.last_seq_num = delivered
        return entry

    def lose(self, error: BaseException) -> None:
        """Say that recording the exchange has failed with that error."""
        self.unkept = f"s2mock failed to record this exchange, please report it: {error!r}"
        self._exchange = None

    def take(self, call: "RequestCall") -> None:
        """Note the operation of a call, and what became of it."""
        operation = call.operation
        self.is_operation = True
        self.name = operation.name
        self.basin = operation.basin
        self.stream = operation.stream
        self.at = call.at
        self.effect = call.effect
        self.fault = call.fault

    def changed(self) -> None:
        """Something is known now that was not."""
        self._exchange = None

    def keep_little(self) -> None:
        """Of a WSGI environ, keep what is asked for here: the rest holds on to much."""
        environ = self.environ
        self.environ = {
            key: value
            for key, value in environ.items()
            if key in _KEPT or (key.startswith("HTTP_") and isinstance(value, str))
        }

    @property
    def size(self) -> int:
        """Bytes that it keeps of bodies, and of a long head."""
        if self.batch is not None:
            return self.batch[1]
        return len(self.body or b"") + len(self.said or b"") + self.long_size

    def measure(self) -> None:
        """Find out whether its head, or what its error said, is long."""
        fields = (*self._fields, *self.parameters.items())
        self.long_size = head_size(self._target, fields)
        if self.failure is not None:
            said = len(self.failure[2]) + len(self.failure[3] or "")
            self.long_size += said if said > LONG_HEAD else 0

    def forget_bodies(self) -> None:
        """Keep no bodies any longer, and nothing else that is long."""
        self.body = self.said = self.batch = None
        self._exchange = None
        # Others may have counted the head that it has in common with them.
        if head_size(self._target, self._fields):
            environ = self.environ
            self.environ = rebuild_environ(
                environ.get("REQUEST_METHOD", ""),
                _cut(self._target),
                _short_fields(self._fields),
                environ.get("SERVER_PROTOCOL", ""),
                environ.get("s2mock.connection"),
            )
            self.path = _cut(self.path)
            self.parameters = {name: _cut(text) for name, text in self.parameters.items()}
        if self.failure is not None:
            kind, rule, message, explanation = self.failure
            self.failure = (kind, rule, _cut(message), explanation and _cut(explanation))
        self.long_size = 0

    @property
    def _target(self) -> str:
        query = self.environ.get("QUERY_STRING")
        return f"{self.path}?{query}" if query else self.path

    @property
    def _fields(self) -> Fields:
        fields: Fields | None = self.environ.get("s2mock.fields")
        return fields_of(self.environ) if fields is None else fields

    # What it means.

    def advise(self, texts: "tuple[str, ...]") -> None:
        """Say these things, too."""
        if texts:
            self.advice += texts
            self._exchange = None

    @property
    def operation(self) -> str | None:
        """The name of the operation."""
        if self.name == "append" and self.session is None and self._is_s2s:
            return "append-session"
        return self.name

    @property
    def place(self) -> tuple[str | None, str | None]:
        """Basin and stream; of a request that was refused as it stood, as far as it said."""
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

    def exchange(
        self, insight: "Insight", before: "Callable[[Entry], Iterator[Entry]]"
    ) -> "Exchange":
        """The exchange; `before` gives the entries before this one, the latest first."""
        known = self._exchange
        if known is None:
            known = self.unexplained(insight)
            if self.unkept is not None:
                known = replace(known, reason=self.unkept)
            elif self.failure is not None or self.status >= 400 or self.is_injected:
                known = replace(known, reason=insight.reason(self, known, before(self)))
            if self.number and self.ended is not None:
                self._exchange = known
        return known

    def unexplained(self, insight: "Insight") -> "Exchange":
        """The exchange, without a reason."""
        # Which a suite that passes does without, as the others below.
        from s2mock.powers.exchange import Exchange, Request

        environ, operation = self.environ, self.operation
        basin, stream = self.place
        headers = _headers(environ)
        request = Request(
            environ.get("REQUEST_METHOD", ""),
            self.path,
            environ.get("QUERY_STRING", ""),
            headers,
            self.body if self.batch is None else insight.encoded(self.batch[0]),
            partial(insight.request_document, operation),
        )
        protocol, connection = environ.get("SERVER_PROTOCOL", ""), environ.get("s2mock.connection")
        if connection is None:
            protocol = "wsgi"
        return Exchange(
            number=self.number,
            operation=operation,
            basin=basin,
            stream=stream,
            token_id=insight.token_id(bearer(environ)),
            request=request,
            response=self._response(
                partial(insight.response_document, operation, headers.get("s2-format", "raw"))
            ),
            effect=self._effect(basin, stream),
            session=None if self.session is None else self.session.number,
            protocol="h2c" if protocol == "HTTP/2" else protocol,
            connection=connection,
            at=self.at,
            began=self.began,
            ended=self.ended,
            fault=self.fault,
            reason=None,
            advice=self.advice,
        )

    def _response(self, decode: "Decode[Response]") -> "Response | None":
        from s2mock.powers.exchange import Response

        if not self.status:
            return None
        headers: dict[str, str] = {}
        for name, value in self.headers:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        code, message = self._error()
        return Response(self.status, code, message, headers, self.said, decode)

    def _error(self) -> tuple[str | None, str | None]:
        """Code and message of an error; those of the terminal frame where a session ended so."""
        if self.failure is not None:
            return self.code, self.failure[2]
        return None, None

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
    """An account, as far as it is looked at for what may have been meant."""

    lock: Any
    """Its mutex is `lock.mutex`."""

    @property
    def state(self) -> AccountState:
        """The state of the account."""

    @property
    def own_secret(self) -> str | None:
        """The secret of the account's own token."""


class Ended:
    """What there was in an account that has ended."""

    def __init__(self, state: AccountState, own_secret: str | None) -> None:
        self.state = state
        self.own_secret: str | None = own_secret
        self.mutex: nullcontext[None] = nullcontext()
        self.lock = self


class Insight(Protocol):
    """Somebody who knows what the notes mean: all of the API."""

    def advice(self, entry: Entry, lost: list[Any], /) -> tuple[str, ...]:
        """What may have been meant otherwise in an exchange that is over.

        `lost` are the appends before it whose answers were lost, of which it may be one.
        """

    def reason(self, entry: Entry, exchange: "Exchange", before: Iterator[Entry], /) -> str | None:
        """Why the exchange ended in an error; `before` are those before it, the latest first."""

    def token_id(self, secret: str, /) -> str | None:
        """The id of the access token with that secret, None where it has none."""

    def encoded(self, batch: AppendInput, /) -> bytes:
        """A batch as its session has sent it."""

    def request_document(self, operation: str | None, request: "Request", /) -> Any:
        """What a request said."""

    def response_document(self, operation: str | None, form: str, response: "Response", /) -> Any:
        """What an answer said, to a request with that `S2-Format`."""


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
