"""A request as the handlers see it: headers, path parameters and bodies, checked when asked for.

A handler asks in the order in which S2 checks, so that the first fault is the one reported
(reference: control_plane §2.5).
"""

import logging
import re
from collections.abc import Callable, Generator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from s2mock.api.content_coding import BodyTooLong, CorruptBody, inflate, inflating
from s2mock.api.responses import S2Response
from s2mock.json_bodies.parsing import decode, decode_in_slices
from s2mock.powers.recorder import SessionRecorder
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Operation
from s2mock.registry.rules.permission import Caller, Needs
from s2mock.registry.values.errors import Authn, BadHeader, BadJson, BadPath, InvalidName, S2Error
from s2mock.registry.values.names import BasinName, RequestToken, StreamName
from s2mock.runtime.conversation import READ, RunInThread, Step

if TYPE_CHECKING:
    from werkzeug.datastructures import Accept

_log = logging.getLogger("s2mock")

Name = TypeVar("Name", bound=str)
Result = TypeVar("Result")

# Both yield the steps that they need.
Answering = Generator[Step, Any, S2Response]
Asking = Generator[Step, Any, Result]

# Headers of S2's own; those of records are in `records/headers.py`.
BASIN: Final = "s2-basin"
REQUEST_TOKEN: Final = "s2-request-token"

MAX_BODY_BYTES: Final = 2 * 1024 * 1024
# In bytes, inflated. Longer ones should not be decoded where others wait meanwhile: the worst
# that was found, a protobuf batch of records of unknown fields, takes a microsecond for each byte,
# so 0.07 seconds here; a batch of plain records of this length takes 0.2 milliseconds.
HEAVY_BODY_BYTES: Final = 64 * 1024

# As strict as the real server's parser, which takes `application/json+x` for JSON and stumbles
# over a space before a semicolon.
_PLAIN = r"!#$%&'*.^_`|~0-9A-Za-z-"
_TOKEN = rf"[+{_PLAIN}]"
_PARAMETER = rf'; *{_TOKEN}+=(?:{_TOKEN}*|"[ !#-~]+")'
_JSON = re.compile(
    rf"application/(?:json(?:\+[{_PLAIN}]*)?|{_TOKEN}+\+json)(?:{_PARAMETER})*(?:; *)?",
    re.IGNORECASE,
)
MEDIA_TYPE: Final = re.compile(
    rf"({_TOKEN}+/{_TOKEN}+?)(?:\+[{_PLAIN}]*)?(?:{_PARAMETER})*(?:; *)?"
)
_BASIN_HOST = re.compile(r"(?P<basin>[^.]+)\.b\..+")


@cache
def _variable(header: str) -> str:
    """What the environ calls a header."""
    return f"HTTP_{header.upper().replace('-', '_')}"


class JsonBody(NamedTuple):
    """What the JSON body of an operation has to be: its schema, and whether it may be left out."""

    schema: str
    is_optional: bool = False


class S2Request:
    """One request to the account.

    `path_parameters` holds the path's parameters, still percent-encoded.
    """

    path_parameters: dict[str, str] = {}  # noqa: RUF012  # replaced, never changed
    # The secret of the access token that it brings, what the operation needs of that, and what goes
    # before each stream's name that it says, and is taken off those that it is told.
    secret: str = ""
    needs: Needs = Needs()
    prefix: str = ""
    # What its JSON body has to be, of an operation that takes one.
    takes: JsonBody | None = None
    # By what metrics know it again.
    counted_as: object = None
    # What was asked for last, and who takes notes of it, if anybody does.
    operation: Operation | None = None
    notes: SessionRecorder | None = None
    # For those notes: what the route is called, the path as it was sent, when it began, the body
    # as it came, as far as it was read, the same inflated, and the batch of a session. Who is told
    # that it is late.
    route_name: str | None = None
    raw_path: str = ""
    began: float = 0.0
    raw_body: bytes = b""
    sent_body: bytes | None = None
    payload: bytes = b""
    # First and last of the records that it reads.
    delivered: tuple[int, int] | None = None
    is_late: str | None = None
    # Why it was refused, or not answered.
    failure: Exception | None = None
    # Returns True if its client has left, which `bool()` never does.
    has_left: Callable[[], bool] = bool
    _decoded: dict[str, str] | None = None

    def __init__(self, environ: dict[str, Any], account: Engine) -> None:
        self.environ = environ
        self.account = account
        # As it was sent: methods are case-sensitive.
        self.method: str = environ["REQUEST_METHOD"]

    def header(self, name: str) -> str | None:
        """The value of a header, `None` if it is absent. Raises `BadHeader`.

        Source: reference: control_plane §2.1.
        """
        value: str | None = self.environ.get(_variable(name))
        # A tab is fine, though hardly on purpose.
        if value is not None and not (value.isascii() and value.replace("\t", " ").isprintable()):
            raise BadHeader(f"Invalid header `{name}`: not UTF-8")
        return value

    @property
    def connection(self) -> int | None:
        """The number of the connection that it came over, if it came over one."""
        number: int | None = self.environ.get("s2mock.connection")
        return number

    @property
    def accept_encodings(self) -> "Accept":
        """The codings that the client takes, with their qualities."""
        # Loaded for those who ask: it is a third of what a server loads until it is healthy.
        from werkzeug.wrappers import Request

        return Request(self.environ, populate_request=False).accept_encodings

    @property
    def request_token(self) -> RequestToken | None:
        """The idempotency token, if there is one. Raises `BadHeader`."""
        value = self.header(REQUEST_TOKEN)
        try:
            return None if value is None else RequestToken(value)
        except InvalidName as error:
            raise BadHeader(f"Invalid header `{REQUEST_TOKEN}`: {error}") from None

    @property
    def basin(self) -> BasinName:
        """The basin, from the `S2-Basin` header or else a `{basin}.b.` host. Raises `BadHeader`.

        Source: reference: control_plane §1.3.
        """
        name, value = BASIN, self.header(BASIN)
        if value is None and (host := _BASIN_HOST.fullmatch(self.environ.get("HTTP_HOST", ""))):
            name, value = "host", host["basin"]
        if value is None:
            raise BadHeader(f"Missing header `{BASIN}`")
        try:
            return BasinName(value)
        except InvalidName as error:
            raise BadHeader(f"Invalid header `{name}`: {error}") from None

    def path_name(self, parameter: str, name_type: Callable[[str], Name]) -> Name:
        """The path parameter as a checked name. Raises `BadPath`.

        Source: reference: control_plane §1.2.
        """
        try:
            return name_type(self._decoded_path[parameter])
        except InvalidName as error:
            raise BadPath(f"Invalid URL: {error}") from None

    @property
    def stream_name(self) -> StreamName:
        """The stream that the path names, in full. Raises `BadPath`."""
        name = self.path_name("stream", StreamName)
        if not self.prefix:
            return name
        try:
            return StreamName(self.prefix + name)
        except InvalidName as error:
            raise BadPath(f"Invalid URL: {error}") from None

    def authenticate(self) -> None:
        """Find out whose token it brings, of an account that looks at them. Raises `Authn`.

        The token may have ended: the operation looks at that in its own moment.
        """
        token = self.account.authenticate(self.secret)
        if token is not None:
            self.prefix = token.prefix

    def first_fault(self, error: S2Error) -> S2Error:
        """What it is told, which is refused for what it says: its token comes first, if that ended.

        Source: reference: account_services §1.3.
        """
        try:
            self.account.check_end(self.secret)
        except Authn as ended:
            return ended
        return error

    def claim(self, operation: Operation) -> None:
        """Let the account ask whether this request may have that."""
        if self.account.state.tokens is not None:
            operation.caller = Caller(self.secret, self.needs)

    def refuse(self, error: S2Error) -> None:
        """Let the error be as whoever asks is told it, and note it where a session ends with it."""
        named = f"stream `{self.prefix}"
        if self.prefix and error.message.startswith(named):
            error.message = f"stream `{error.message.removeprefix(named)}"
        if error.explanation is not None:
            _log.warning("%s %s: %s", self.method, self.raw_path, error.explanation)
        if self.notes is not None:
            self.notes.record_error(error)

    @property
    def _decoded_path(self) -> dict[str, str]:
        if self._decoded is not None:
            return self._decoded
        # All are decoded before any is checked.
        self._decoded = decoded = {}
        for parameter, raw in self.path_parameters.items():
            try:
                decoded[parameter] = unquote_to_bytes(raw.encode("latin-1")).decode()
            except UnicodeDecodeError:
                raise BadPath(f"Invalid URL: Invalid UTF-8 in `{parameter}`") from None
        return decoded

    @property
    def raw_query(self) -> str:
        """The query string as sent."""
        query: str = self.environ.get("QUERY_STRING", "")
        return query

    def json_body(self, build: Callable[[Any], Result] | None = None) -> Asking[Any]:
        """The body, accepted by its schema; or what `build` makes of it. None where none is needed.

        Without a content type, whatever was sent is no body. Raises `BadJson`, and what `build`
        raises. Source: reference: control_plane §2.2.
        """
        takes = self.takes
        assert takes is not None, "an operation with a body"
        if takes.is_optional:
            if "CONTENT_TYPE" not in self.environ:
                return None
            if self._is_json and not (yield from self.body()):
                return None
        if not self._is_json:
            raise BadJson("Expected request with `Content-Type: application/json`")
        body = yield from self.body()

        if len(body) > HEAVY_BODY_BYTES:

            def read() -> Generator[None, None, Any]:
                document = yield from decode_in_slices(body, takes.schema)
                return document if build is None else build(document)

            return (yield from _in_slices(read()))
        document = decode(body, takes.schema)
        return document if build is None else build(document)

    @property
    def _is_json(self) -> bool:
        content_type = self.environ.get("CONTENT_TYPE", "")
        if content_type == "application/json":
            return True
        return _JSON.fullmatch(content_type.partition(",")[0].strip()) is not None

    def body(self, failure: type[S2Error] = BadJson) -> Asking[bytes]:
        """The whole body, inflated. Raises `failure` where that is not possible."""
        if self.sent_body is None:
            try:
                sent = self.raw_body = yield from self._read()
                coding = self.environ.get("HTTP_CONTENT_ENCODING", "identity")
                if coding != "identity" and len(sent) > HEAVY_BODY_BYTES:
                    # Frames of nothing, by the hundred thousand, take seconds.
                    self.sent_body = yield from _in_slices(inflating(sent, coding, MAX_BODY_BYTES))
                else:
                    self.sent_body = inflate(sent, coding, MAX_BODY_BYTES)
            except (BodyTooLong, CorruptBody) as error:
                raise failure(f"Failed to buffer the request body: {error}") from None
            except OSError:
                reason = "error reading a body from connection"
                raise failure(f"Failed to buffer the request body: {reason}") from None
        return self.sent_body

    def _read(self) -> Asking[bytes]:
        # One byte more than allowed is enough to know that it is too long.
        pieces: list[bytes] = []
        size, whole = 0, self._known_length
        while size <= MAX_BODY_BYTES and size != whole and (piece := (yield READ)):
            pieces.append(piece)
            size += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def _known_length(self) -> int:
        """The bytes after which a body is complete; -1 where its end has to be waited for."""
        length = self.environ.get("CONTENT_LENGTH", "")
        # On HTTP/2 the end is said once more, and an answer before that resets the stream.
        if self.environ["SERVER_PROTOCOL"] == "HTTP/2":
            return -1
        return int(length) if length.isascii() and length.isdigit() and len(length) < 10 else -1


def _in_slices(work: Generator[None, None, Result]) -> Asking[Result]:
    """Return the result of work that takes long, each slice of which is a call elsewhere.

    Between two slices the calls of others have their turn.
    """

    def slice_of_it() -> tuple[Result] | None:
        try:
            next(work)
        except StopIteration as done:
            return (done.value,)
        return None

    while (result := (yield RunInThread(slice_of_it))) is None:
        pass
    whole: Result = result[0]
    return whole


# The operation that a request asks for, and what makes its result the answer.
HandlerResult = tuple[Operation, Callable[[S2Request, Any], S2Response]]
