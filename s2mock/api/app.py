"""The WSGI app: from an environ to a response, whatever happens on the way.

Sources: reference: control_plane §1 (routing and transport), §3 (errors).
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from s2mock import failures, own_tokens
from s2mock.api.content_coding import (
    MIN_COMPRESSED_BYTES,
    REQUEST_CODINGS,
    compress,
    negotiate,
)
from s2mock.api.hosts import is_own_host
from s2mock.api.operations import OPERATIONS
from s2mock.api.requests import HEAVY_BODY_BYTES, Answering, S2Request
from s2mock.api.responses import S2Response, empty_response, error_response
from s2mock.api.routing import Handler, Router
from s2mock.api.wsgi import Answered
from s2mock.conversation import Conversation, Head, Offload
from s2mock.registry.engine import Engine
from s2mock.registry.errors import Authn, InternalError, InvalidConfig, S2Error

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = logging.getLogger("s2mock")

_router = Router(OPERATIONS)

_CORS_VARY = "origin, access-control-request-method, access-control-request-headers"


class App:
    """S2's HTTP API over one account.

    It is a WSGI app; `converse` is the same without I/O, for a server that drives it. With
    `own_hosts_only` a request whose Host is neither an address nor a name of `localhost` is
    refused: a browser sends one where a page of another site has got it to take this machine for
    that site.
    """

    def __init__(
        self,
        account: Engine,
        *,
        cors: bool = True,
        own_hosts_only: bool = False,
    ) -> None:
        self.account = account
        self.cors = cors
        self._own_hosts_only = own_hosts_only

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        environ["PATH_INFO"] = _bytes_as_latin_1(environ["PATH_INFO"])
        return Answered(self.converse(environ), environ).start(start_response)

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""
        # Not noted in the environ: the two would hold each other until the next collection.
        request = S2Request(environ, populate_request=False)
        request.account = self.account
        # As it was sent, since methods are case-sensitive; Werkzeug has put it in upper case.
        request.method = environ["REQUEST_METHOD"]
        response = yield from self._respond(request)
        if self.cors:
            _allow_cross_origin(request, response)
        if response.session is None:
            yield Head(response.status, response.headers, response.body)
            return
        try:
            yield Head(response.status, response.headers)
            yield from response.session
        finally:
            if response.release is not None:
                response.release()

    def _respond(self, request: S2Request) -> Answering:
        path = _raw_path(request.environ)
        if self._own_hosts_only and not is_own_host(request.environ.get("HTTP_HOST", "")):
            return S2Response(
                403,
                [("content-type", "text/plain")],
                b"without CORS, s2mock answers to addresses and to localhost only: name it so\n",
            )
        matched = _router.match(path)
        preflight = self.cors and request.method == "OPTIONS"
        if matched is None:
            return empty_response(200 if preflight else 404)
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
            response = yield from self._answer(row.handler, request)
        if row is None:
            response.headers.append(("allow", route.allow))
        if is_v1:
            yield from _encode(request, response)
        return response

    def _answer(self, handler: Handler, request: S2Request) -> Answering:
        try:
            if own_tokens.is_ended(own_tokens.bearer(request.environ)):
                raise Authn("the access token is that of a test that has ended")
            answering = handler(request)
            if isinstance(answering, S2Response):
                return answering
            return (yield from answering)
        except InvalidConfig as error:
            return error_response(request.account.profile.invalid_config(error.message))
        except S2Error as error:
            return error_response(error)
        except Exception as error:  # noqa: BLE001  # a fault of ours must reach the user as one
            _log.exception("s2mock failed on %s %s", request.method, request.path)
            failures.note(error)
            return error_response(InternalError(f"s2mock failed, please report it: {error!r}"))


def _raw_path(environ: "WSGIEnvironment") -> str:
    """The path as it was sent, percent-encoded."""
    target: str | None = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if target is None:
        return _encoded_again(environ["PATH_INFO"])
    if not target.startswith("/"):
        target = urlsplit(target).path
    return target.partition("?")[0].partition("#")[0]


def _bytes_as_latin_1(path: str) -> str:
    """The decoded path as WSGI wants it; httpx hands over text as it is."""
    try:
        path.encode("latin-1").decode()
    except UnicodeError:
        return path.encode("utf-8", "replace").decode("latin-1")
    return path


def _encoded_again(path: str) -> str:
    """The best guess at the path as sent, for a caller that only passes the decoded one.

    In it `a%2Fb` and `a/b` look alike; what stands where a stream's name belongs is taken as one.
    """
    head, name, tail = "/v1/streams/", path.removeprefix("/v1/streams/"), ""
    if name == path:
        return quote(path.encode("latin-1"))
    for tail in ("/records/tail", "/records", ""):
        if name.endswith(tail):
            break
    name = name.removesuffix(tail)
    return head + quote(name.encode("latin-1"), safe="") + tail


def _encode(request: S2Request, response: S2Response) -> Answering:
    """Compress the body if the client asks for it and it is worth it; never that of a session."""
    accepted = request.environ.get("HTTP_ACCEPT_ENCODING", "")
    body = response.body
    is_long = len(body) >= MIN_COMPRESSED_BYTES
    if not is_long and ";" not in accepted:
        # Without a quality nothing is refused, so there is nothing to negotiate.
        return response
    coding = negotiate(accepted)
    if is_long or coding is None:
        response.headers.append(("vary", "accept-encoding"))
    if coding is None:
        # The real server has carried the request out by now, and answers so all the same.
        response.status = 406
    elif is_long and coding != "identity":
        if len(body) > HEAVY_BODY_BYTES:
            response.body = yield Offload(lambda: compress(body, coding))
        else:
            response.body = compress(body, coding)
        response.headers.append(("content-encoding", coding))
    return response


def _allow_cross_origin(request: S2Request, response: S2Response) -> None:
    """Let a browser on any origin use the API (reference: control_plane §1.4)."""
    headers, environ = response.headers, request.environ
    headers.append(("vary", _CORS_VARY))
    headers.append(("access-control-allow-credentials", "true"))
    if origin := environ.get("HTTP_ORIGIN"):
        headers.append(("access-control-allow-origin", origin))
    if request.method == "OPTIONS":
        if method := environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"):
            headers.append(("access-control-allow-methods", method))
        if fields := environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"):
            headers.append(("access-control-allow-headers", fields))
