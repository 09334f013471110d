"""A request to the API: headers, path parameters and bodies, checked on access.

A handler reads them in the order in which S2 checks, so that the first error is the one sent
(reference: control_plane §2.5).
"""

import logging
import re
from collections.abc import Callable, Generator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from s2mock.api.content_coding import (
    HEAVY_BODY_BYTES,
    BodyTooLong,
    CorruptBody,
    inflate,
    inflating,
)
from s2mock.api.responses import S2Response
from s2mock.json_bodies.decoder import decode, decode_in_slices
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Caller, Needs, Operation
from s2mock.registry.values.errors import Authn, BadHeader, BadJson, BadPath, InvalidName, S2Error
from s2mock.registry.values.names import BasinName, RequestToken, StreamName
from s2mock.runtime.conversation import READ, RunInThread, Step
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    from werkzeug.datastructures import Accept

_log = logging.getLogger("s2mock")

Name = TypeVar("Name", bound=str)
Result = TypeVar("Result")

# Both yield the steps that they need.
Answering = Generator[Step, Any, S2Response]
Asking = Generator[Step, Any, Result]

# Headers of S2; those of operations on records are in `records/headers.py`.
BASIN: Final = "s2-basin"
REQUEST_TOKEN: Final = "s2-request-token"

MAX_BODY_BYTES: Final = 2 * 1024 * 1024

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
    """Return the key of a header in the environ."""
    return f"HTTP_{header.upper().replace('-', '_')}"


class JsonBody(NamedTuple):
    """The JSON body of an operation: its schema, and True if it may be left out."""

    schema: str
    is_optional: bool = False


class RequestCall(Call):
    """A call that a request made.

    Of a batch of an append session, `payload` is its frame's, and `began` the time at which it was
    received, in seconds of `monotonic`.
    """

    request: "S2Request"
    payload: bytes | None = None
    began: float = 0.0


class S2Request:
    """One request to the account.

    `path_parameters` holds the path's parameters, still percent-encoded. `began` is the time at
    which the request was received, in seconds of `monotonic`. Its calls are of type `call_type`.
    """

    path_parameters: dict[str, str] = {}  # noqa: RUF012  # replaced, never changed
    # The access token that it carries, and what its operation needs of that.
    caller: Caller = Caller("", Needs())
    # A prefix of the names of streams: put before those in the request, and cut from those in the
    # response.
    prefix: str = ""
    # The JSON body of its operation, for an operation that has one.
    body_spec: JsonBody | None = None
    # The call that it made; and of an append session, that of the batch in progress.
    call: RequestCall | None = None
    batch: RequestCall | None = None
    # The name of the route, the path as it was sent, the body as far as it was read, and the same
    # inflated.
    route_name: str | None = None
    raw_path: str = ""
    raw_body: bytes = b""
    sent_body: bytes | None = None
    # True if the body broke off, or broke the rules of its coding, while it was read.
    is_body_cut: bool = False
    # Advice for the test about this request.
    advice: tuple[str, ...] = ()
    # The error that it was refused with, or that replaced its response.
    failure: Exception | None = None
    # Returns True if its client has left, which `bool()` never does.
    has_left: Callable[[], bool] = bool
    _decoded: dict[str, str] | None = None

    def __init__(
        self,
        environ: dict[str, Any],
        account: Engine,
        call_type: type[RequestCall] = RequestCall,
    ) -> None:
        self.environ = environ
        self.account = account
        self.began: float = monotonic()
        self._call_type = call_type
        # As it was sent, since methods are case-sensitive.
        self.method: str = environ["REQUEST_METHOD"]

    def header(self, name: str) -> str | None:
        """Return the value of a header, `None` if it is absent. Raises `BadHeader`.

        Source: reference: control_plane §2.1.
        """
        value: str | None = self.environ.get(_variable(name))
        # A tab is allowed.
        if value is not None and not (value.isascii() and value.replace("\t", " ").isprintable()):
            raise BadHeader(f"Invalid header `{name}`: not UTF-8")
        return value

    @property
    def accept_encodings(self) -> "Accept":
        """The content codings that the client accepts, with their qualities."""
        # Imported on demand: it is a third of what a server imports until it is healthy.
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
        """Return a path parameter as a checked name. Raises `BadPath`.

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
        """Find the access token that it carries, and its prefix. Raises `Authn`.

        The token may have ended: the operation checks that at its own moment.
        """
        token = self.account.authorization.authenticate(self.caller.secret)
        if token is not None:
            self.prefix = token.prefix

    def error_to_send(self, error: S2Error) -> S2Error:
        """Return the error to send. An expired token takes precedence over any other.

        Source: reference: account_services §1.3.
        """
        try:
            self.account.authorization.check_end(self.caller.secret)
        except Authn as ended:
            return ended
        return error

    def make_call(self, operation: Operation) -> RequestCall:
        """Return a call of that operation, by the caller of this request."""
        call = self._call_type(operation, self.caller, self.environ.get("s2mock.connection"))
        call.request = self
        return call

    def make_batch_call(self, operation: Operation, payload: bytes) -> RequestCall:
        """Return a call for a batch of an append session, from a frame with that payload."""
        call = self.make_call(operation)
        call.payload = payload
        call.began = monotonic()
        return call

    def prepare_error(self, error: S2Error) -> None:
        """Cut the prefix from the error's message, and log what would have been right."""
        named = f"stream `{self.prefix}"
        if self.prefix and error.message.startswith(named):
            error.message = f"stream `{error.message.removeprefix(named)}"
        if error.explanation is not None:
            _log.warning("%s %s: %s", self.method, self.raw_path, error.explanation)

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
        """Return the body, validated by its schema, or what `build` returns for it.

        None for an optional body that is missing; without a content type there is no body.
        Raises `BadJson`, and what `build` raises. Source: reference: control_plane §2.2.
        """
        spec = self.body_spec
        assert spec is not None, "an operation with a body"
        if spec.is_optional:
            if "CONTENT_TYPE" not in self.environ:
                return None
            if self._is_json and not (yield from self.body()):
                return None
        if not self._is_json:
            raise BadJson("Expected request with `Content-Type: application/json`")
        body = yield from self.body()

        if len(body) > HEAVY_BODY_BYTES:

            def read() -> Generator[None, None, Any]:
                document = yield from decode_in_slices(body, spec.schema)
                return document if build is None else build(document)

            return (yield from _in_slices(read()))
        document = decode(body, spec.schema)
        return document if build is None else build(document)

    @property
    def _is_json(self) -> bool:
        content_type = self.environ.get("CONTENT_TYPE", "")
        if content_type == "application/json":
            return True
        return _JSON.fullmatch(content_type.partition(",")[0].strip()) is not None

    def body(self, failure: type[S2Error] = BadJson) -> Asking[bytes]:
        """Return the whole body, inflated. Raises `failure` if that is not possible."""
        if self.sent_body is None:
            try:
                sent = self.raw_body = yield from self._read()
                coding = self.environ.get("HTTP_CONTENT_ENCODING", "identity")
                if coding != "identity" and len(sent) > HEAVY_BODY_BYTES:
                    # A hundred thousand empty frames take seconds.
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
        try:
            while size <= MAX_BODY_BYTES and size != whole and (piece := (yield READ)):
                pieces.append(piece)
                size += len(piece)
        except OSError:
            self.is_body_cut, self.raw_body = True, b"".join(pieces)
            raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def _known_length(self) -> int:
        """The length of the body in bytes; -1 if only its end tells."""
        length = self.environ.get("CONTENT_LENGTH", "")
        # On HTTP/2 the end is a flag, and a response before it resets the stream.
        if self.environ["SERVER_PROTOCOL"] == "HTTP/2":
            return -1
        return int(length) if length.isascii() and length.isdigit() and len(length) < 10 else -1


def _in_slices(work: Generator[None, None, Result]) -> Asking[Result]:
    """Return the result of long work, each slice of which runs in a thread.

    Between two slices the thread serves other requests.
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


# The operation of a request, and the function from its result to the response.
HandlerResult = tuple[Operation, Callable[[S2Request, Any], S2Response]]
