"""The app of S2's API: from a request to a response, also for errors.

Sources: reference: control_plane §1 (routing and transport), §3 (errors).
"""

import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from s2mock.api.content_coding import MIN_COMPRESSED_BYTES, REQUEST_CODINGS, negotiate
from s2mock.api.hosts import is_own_host
from s2mock.api.operations import OPERATIONS
from s2mock.api.requests import Answering, S2Request
from s2mock.api.responses import S2Response, empty_response, error_response
from s2mock.api.routing import OperationRow, Router
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Caller, Interrupted
from s2mock.registry.values.errors import Authn, InternalError, InvalidConfig, S2Error
from s2mock.runtime import failures, mock_tokens
from s2mock.runtime.conversation import Outlast
from s2mock.runtime.environ import bearer, path_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_log = logging.getLogger("s2mock")

ROUTER: Final = Router(OPERATIONS)

_VARY = ("vary", "origin, access-control-request-method, access-control-request-headers")


class App:
    """S2's HTTP API over one account, without I/O and without the powers of a mock.

    With `own_hosts_only` a request whose Host is neither an address nor a name of `localhost` is
    refused: a browser sends one where a page of another site has got it to take this machine for
    that site. With a `refusal` no operation is carried out: each is refused with 401 and that.

    A request passes these parts, from the outermost: the headers for browsers (CORS); the choice of
    the response's content coding; routing; the access token, with its prefix of stream names; the
    operation. Around them is what `powers/middleware.py` has.
    """

    def __init__(
        self,
        account: Engine,
        *,
        cors: bool = True,
        own_hosts_only: bool = False,
        refusal: str | None = None,
    ) -> None:
        self.account = account
        self.cors = cors
        self._own_hosts_only = own_hosts_only
        self._refusal = refusal

    def respond(self, request: S2Request) -> Answering:
        """Return the response to a request, which is not sent yet. Raises `Interrupted`."""
        response = yield from self._respond(request)
        if self.cors:
            allow_cross_origin(request, response)
        return response

    def _respond(self, request: S2Request) -> Answering:
        path = request.raw_path = raw_path_of(request.environ)
        if self._own_hosts_only and not is_own_host(request.environ.get("HTTP_HOST", "")):
            return S2Response(
                403,
                [("content-type", "text/plain")],
                b"without CORS, s2mock answers to addresses and to localhost only: name it so\n",
            )
        matched = ROUTER.match(path)
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


def raw_path_of(environ: "WSGIEnvironment") -> str:
    """Return the path as it was sent, percent-encoded."""
    target: str | None = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if target is None:
        return _encoded_again(environ["PATH_INFO"])
    return path_of(target)


def _encoded_again(path: str) -> str:
    """Return the likely path as sent, for a caller that passes only the decoded one.

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


def allow_cross_origin(request: S2Request, response: S2Response) -> None:
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
