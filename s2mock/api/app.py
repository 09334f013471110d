"""The WSGI app: from an environ to a response, also for errors.

Sources: reference: control_plane §1 (routing and transport), §3 (errors).
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from s2mock.api.content_coding import MIN_COMPRESSED_BYTES, REQUEST_CODINGS, negotiate
from s2mock.api.hosts import is_own_host
from s2mock.api.operations import OPERATIONS
from s2mock.api.requests import Answering, RequestCall, S2Request
from s2mock.api.responses import S2Response, empty_response, error_response
from s2mock.api.routing import OperationRow, Router
from s2mock.api.wsgi import Answered
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Caller, Dropped, Interrupted
from s2mock.registry.values.errors import Authn, InternalError, InvalidConfig, S2Error
from s2mock.runtime import failures, mock_tokens
from s2mock.runtime.conversation import Conversation, Outlast
from s2mock.runtime.environ import bearer, path_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = logging.getLogger("s2mock")

_router = Router(OPERATIONS)

_VARY = ("vary", "origin, access-control-request-method, access-control-request-headers")


Handler = Callable[[S2Request], Answering]
"""A function that answers a request, in steps. Raises `Interrupted`."""


class Middleware(Protocol):
    """A part around the API that sees each request, and may change the response."""

    def respond(self, request: S2Request, handler: Handler) -> Answering:
        """Return the response to the request, which is not sent yet: as `handler` does, or another.

        It may replace the pieces of a session (`S2Response.session`) and the steps by which the
        response is sent (`S2Response.transform`).
        """


class App:
    """S2's HTTP API over one account.

    It is a WSGI app; `converse` is the same without I/O, for a server that drives it. With
    `own_hosts_only` a request whose Host is neither an address nor a name of `localhost` is
    refused: a browser sends one where a page of another site has got it to take this machine for
    that site. With a `refusal` no operation is carried out: each is refused with 401 and that.

    A request passes these parts, from the outermost: each `middleware`, in order; the headers for
    browsers (CORS); the choice of the response's content coding; routing; the access token, with
    its prefix of stream names; the operation. Its calls are of type `call_type`.

    `is_own_thread` returns True in the thread that runs the test: if a WSGI call waits there for
    what only that thread can do, it fails.
    """

    def __init__(
        self,
        account: Engine,
        *,
        cors: bool = True,
        own_hosts_only: bool = False,
        refusal: str | None = None,
        middleware: Sequence[Middleware] = (),
        call_type: type[RequestCall] = RequestCall,
        is_own_thread: Callable[[], bool] = bool,
    ) -> None:
        self.account = account
        self.cors = cors
        self._own_hosts_only = own_hosts_only
        self._refusal = refusal
        self._call_type = call_type
        self._is_own_thread = is_own_thread
        # The calls by WSGI that are in progress.
        self.calls: set[Answered] = set()
        self._handler: Handler = self._answer
        for part in reversed(middleware):
            self._handler = partial(part.respond, handler=self._handler)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333).

        Raises `ConnectionRefusedError` while the service is gone, `ConnectionResetError` where it
        drops the request.
        """
        environ["PATH_INFO"] = _bytes_as_latin_1(environ["PATH_INFO"])
        conversation, is_own = self.converse(environ), self._is_own_thread()
        answered = Answered(conversation, environ, self.calls, in_own_thread=is_own)
        return answered.start(start_response)

    def drop_calls(self) -> None:
        """End the calls by WSGI in progress, as a lost connection ends others."""
        for call in list(self.calls):
            call.drop()

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""
        request = S2Request(environ, self.account, self._call_type)
        try:
            response = yield from self._handler(request)
            if response.session is None:
                # The two would refer to each other until a garbage collection.
                request.call = None
            if response.is_plain:
                yield response.head
            else:
                yield from response.steps()
        except Dropped as dropped:
            yield dropped.reset

    def _answer(self, request: S2Request) -> Answering:
        """Return the response of the API by itself, with the headers for browsers."""
        response = yield from self._respond(request)
        if self.cors:
            _allow_cross_origin(request, response)
        return response

    def _respond(self, request: S2Request) -> Answering:
        path = request.raw_path = _raw_path(request.environ)
        if self._own_hosts_only and not is_own_host(request.environ.get("HTTP_HOST", "")):
            return S2Response(
                403,
                [("content-type", "text/plain")],
                b"without CORS, s2mock answers to addresses and to localhost only: name it so\n",
            )
        matched = _router.match(path)
        preflight = self.cors and request.method == "OPTIONS"
        if matched is None:
            response = empty_response(200 if preflight else 404)
            # As the real server's fallback, which is for paths only: without a length of its own.
            response.has_length = not path.startswith("/")
            return response
        route, request.path_parameters = matched
        if preflight:
            return empty_response(200, allow=route.allow)
        row = route.row(request.method)
        is_v1 = path.startswith("/v1/")
        if (
            is_v1
            and request.environ.get("HTTP_CONTENT_ENCODING", "identity") not in REQUEST_CODINGS
        ):
            response = empty_response(415, accept_encoding="zstd,gzip")
        elif row is None:
            response = empty_response(405)
        else:
            request.route_name = row.name
            request.body_spec = row.body
            response = yield from self._perform(row, request)
        if row is None:
            response.headers.append(("allow", route.allow))
        if is_v1:
            _choose_coding(request, response)
        return response

    def _perform(self, row: OperationRow, request: S2Request) -> Answering:
        try:
            token = bearer(request.environ)
            if mock_tokens.is_ended(token):
                advice = mock_tokens.note_late(token, request.method, request.raw_path)
                request.advice = (advice,)
                raise Authn("the access token is that of a test that has ended")
            if row.needs is not None:
                if self._refusal is not None:
                    raise Authn(self._refusal)
                request.caller = tuple.__new__(Caller, (token, row.needs))  # at half the cost
                if self.account.store.state.tokens is not None:
                    request.authenticate()
            asked = row.handler(request)
            if isinstance(asked, S2Response):
                return asked
            operation, answer = asked if isinstance(asked, tuple) else (yield from asked)
            call = request.call = request.make_call(operation)
            if self.account.observers and request.method != "GET":
                # A write that was permitted takes effect, also if the client stops waiting.
                request.has_left = yield Outlast(lambda: not call.is_decided)
            return answer(request, (yield from self.account.perform(call)))
        except InvalidConfig as error:
            return self._refused(
                request, request.account.settings.profile.invalid_config(error.message)
            )
        except S2Error as error:
            return self._refused(request, error)
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001  # a bug of s2mock must reach the user as one
            _log.exception("s2mock failed on %s %s", request.method, request.raw_path)
            failures.note(error)
            return error_response(InternalError(f"s2mock failed, please report it: {error!r}"))

    def _refused(self, request: S2Request, error: S2Error) -> S2Response:
        if request.call is None and not isinstance(error, Authn):
            error = request.error_to_send(error)
        request.prepare_error(error)
        request.failure = error
        return error_response(error)


def _raw_path(environ: "WSGIEnvironment") -> str:
    """The path as it was sent, percent-encoded."""
    target: str | None = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if target is None:
        return _encoded_again(environ["PATH_INFO"])
    return path_of(target)


def _bytes_as_latin_1(path: str) -> str:
    """The decoded path as WSGI wants it; httpx hands over text as it is."""
    try:
        path.encode("latin-1").decode()
    except UnicodeError:
        return path.encode("utf-8", "replace").decode("latin-1")
    return path


def _encoded_again(path: str) -> str:
    """The best guess at the path as sent, for a caller that only passes the decoded one.

    In it `a%2Fb` and `a/b` look alike; the text in the place of a stream's name is taken as one.
    """
    head, name, tail = "/v1/streams/", path.removeprefix("/v1/streams/"), ""
    if name == path:
        return quote(path.encode("latin-1"))
    for tail in ("/records/tail", "/records", ""):
        if name.endswith(tail):
            break
    name = name.removesuffix(tail)
    return head + quote(name.encode("latin-1"), safe="") + tail


def _choose_coding(request: S2Request, response: S2Response) -> None:
    """Have the body compressed if the client asks for it and it is long; never that of a session.

    It is compressed when it is sent.
    """
    accepted = request.environ.get("HTTP_ACCEPT_ENCODING", "")
    is_long = len(response.body) >= MIN_COMPRESSED_BYTES
    if not is_long and ";" not in accepted:
        # Without a quality nothing is refused, so there is nothing to negotiate.
        return
    coding = negotiate(accepted)
    if is_long or coding is None:
        response.headers.append(("vary", "accept-encoding"))
    if coding is None:
        # The real server has carried the request out by now, and answers so all the same.
        response.status = 406
    elif is_long and coding != "identity":
        response.coding = coding
        response.headers.append(("content-encoding", coding))


def _allow_cross_origin(request: S2Request, response: S2Response) -> None:
    """Let a browser on any origin use the API (reference: control_plane §1.4)."""
    headers, environ = response.headers, request.environ
    headers.append(_VARY)
    headers.append(("access-control-allow-credentials", "true"))
    if (origin := environ.get("HTTP_ORIGIN")) is not None:
        headers.append(("access-control-allow-origin", origin))
    if request.method == "OPTIONS":
        if (method := environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")) is not None:
            headers.append(("access-control-allow-methods", method))
        if (fields := environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")) is not None:
            headers.append(("access-control-allow-headers", fields))
