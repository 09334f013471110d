"""The WSGI app: from an environ to a response, whatever happens on the way.

Sources: reference: control_plane §1 (routing and transport), §3 (errors).
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from s2mock.api import access_tokens, basins, health, locations, metrics, records, streams
from s2mock.api.content_coding import (
    MIN_COMPRESSED_BYTES,
    REQUEST_CODINGS,
    compress,
    negotiate,
)
from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response, empty_response, error_response
from s2mock.api.routing import Handler, Router
from s2mock.registry.account import Account
from s2mock.registry.errors import InternalError, InvalidConfig, S2Error

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = logging.getLogger("s2mock")

_router = Router(
    [
        *basins.ROUTES,
        *streams.ROUTES,
        *records.ROUTES,
        *access_tokens.ROUTES,
        *metrics.ROUTES,
        *locations.ROUTES,
        *health.ROUTES,
    ]
)

_CORS_VARY = "origin, access-control-request-method, access-control-request-headers"


class App:
    """S2's HTTP API over one account, which may be exchanged at any time."""

    def __init__(self, account: Account, *, cors: bool = True) -> None:
        self.account = account
        self.cors = cors

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        environ["PATH_INFO"] = _bytes_as_latin_1(environ["PATH_INFO"])
        # Not noted in the environ: the two would hold each other until the next collection.
        request = S2Request(environ, populate_request=False)
        request.account = self.account
        # As it was sent, since methods are case-sensitive; Werkzeug has put it in upper case.
        request.method = environ["REQUEST_METHOD"]
        response = self._respond(request)
        if self.cors:
            _allow_cross_origin(request, response)
        return response(environ, start_response)

    def may_block(self, environ: "WSGIEnvironment") -> bool:
        """Whether the call may wait for something to happen, and needs a thread of its own."""
        return records.may_block(environ, _raw_path(environ))

    def _respond(self, request: S2Request) -> S2Response:
        path = _raw_path(request.environ)
        matched = _router.match(path)
        preflight = self.cors and request.method == "OPTIONS"
        if matched is None:
            return empty_response(200 if preflight else 404)
        route, request.path_parameters = matched
        if preflight:
            return empty_response(200, allow=route.allow)
        handler = route.handler(request.method)
        is_v1 = path.startswith("/v1/")
        if (
            is_v1
            and request.environ.get("HTTP_CONTENT_ENCODING", "identity") not in REQUEST_CODINGS
        ):
            response = empty_response(415, accept_encoding="zstd,gzip")
        else:
            response = empty_response(405) if handler is None else _answer(handler, request)
        if handler is None:
            response.headers["allow"] = route.allow
        if is_v1:
            _encode(request, response)
        return response


def _answer(handler: Handler, request: S2Request) -> S2Response:
    try:
        return handler(request)
    except InvalidConfig as error:
        return error_response(request.account.profile.invalid_config(error.message))
    except S2Error as error:
        return error_response(error)
    except Exception as error:  # noqa: BLE001  # a fault of ours must reach the user as one
        _log.exception("s2mock failed on %s %s", request.method, request.path)
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


def _encode(request: S2Request, response: S2Response) -> None:
    """Compress the body if the client asks for it and it is worth it; never that of a session."""
    accepted = request.environ.get("HTTP_ACCEPT_ENCODING", "")
    is_long = not response.is_streamed and len(response.get_data()) >= MIN_COMPRESSED_BYTES
    if not is_long and ";" not in accepted:
        # Without a quality nothing is refused, so there is nothing to negotiate.
        return
    coding = negotiate(accepted)
    if is_long or coding is None:
        response.headers.add("vary", "accept-encoding")
    if coding is None:
        # The real server has carried the request out by now, and answers so all the same.
        response.status_code = 406
    elif is_long and coding != "identity":
        response.set_data(compress(response.get_data(), coding))
        response.headers["content-encoding"] = coding


def _allow_cross_origin(request: S2Request, response: S2Response) -> None:
    """Let a browser on any origin use the API (reference: control_plane §1.4)."""
    headers, asked = response.headers, request.headers
    headers.add("vary", _CORS_VARY)
    headers.add("access-control-allow-credentials", "true")
    if origin := request.environ.get("HTTP_ORIGIN"):
        headers["access-control-allow-origin"] = origin
    if request.method == "OPTIONS":
        if method := asked.get("access-control-request-method"):
            headers["access-control-allow-methods"] = method
        if fields := asked.get("access-control-request-headers"):
            headers["access-control-allow-headers"] = fields
