"""The WSGI app: from an environ to a response, also for errors.

Sources: reference: control_plane §1 (routing and transport), §3 (errors).
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from s2mock.api.content_coding import (
    MIN_COMPRESSED_BYTES,
    REQUEST_CODINGS,
    compress,
    negotiate,
)
from s2mock.api.hosts import is_own_host
from s2mock.api.operations import OPERATIONS
from s2mock.api.requests import HEAVY_BODY_BYTES, Answering, S2Request
from s2mock.api.responses import Headers, S2Response, empty_response, error_response
from s2mock.api.routing import OperationRow, Router
from s2mock.api.shaping import cut_session, in_pieces, shorten
from s2mock.api.wsgi import Answered
from s2mock.powers.faults import Cut
from s2mock.powers.outcomes import Dropped, InjectedError, Replaced
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Caller
from s2mock.registry.values.errors import Authn, InternalError, InvalidConfig, S2Error
from s2mock.runtime import failures, mock_tokens
from s2mock.runtime.conversation import (
    CloseAfterResponse,
    Conversation,
    Head,
    Outlast,
    Reset,
    RunInThread,
)
from s2mock.runtime.environ import bearer, path_of
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from s2mock.powers.entry import Entry
    from s2mock.powers.powers import Powers

_log = logging.getLogger("s2mock")

_router = Router(OPERATIONS)

_VARY = ("vary", "origin, access-control-request-method, access-control-request-headers")


class App:
    """S2's HTTP API over one account.

    It is a WSGI app; `converse` is the same without I/O, for a server that drives it. With
    `own_hosts_only` a request whose Host is neither an address nor a name of `localhost` is
    refused: a browser sends one where a page of another site has got it to take this machine for
    that site. With a `refusal` no operation is carried out: each is refused with 401 and that.
    """

    def __init__(
        self,
        account: Engine,
        *,
        cors: bool = True,
        own_hosts_only: bool = False,
        refusal: str | None = None,
        powers: "Powers | None" = None,
    ) -> None:
        self.account = account
        self.cors = cors
        self._own_hosts_only = own_hosts_only
        self._refusal = refusal
        self._powers = powers
        self._recorder = None if powers is None else powers.recorder
        # The calls by WSGI that are in progress.
        self.calls: set[Answered] = set()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333).

        Raises `ConnectionRefusedError` while the service is gone, `ConnectionResetError` where it
        drops the request.
        """
        powers = self._powers
        if powers is not None and powers.is_out:
            raise ConnectionRefusedError("the service is gone: s2_mock.outage()")
        environ["PATH_INFO"] = _bytes_as_latin_1(environ["PATH_INFO"])
        is_own = powers is not None and powers.is_own_thread
        answered = Answered(self.converse(environ), environ, self.calls, in_own_thread=is_own)
        return answered.start(start_response)

    def drop_calls(self) -> None:
        """End the calls by WSGI in progress, as a lost connection ends others."""
        for call in list(self.calls):
            call.drop()

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""
        request = S2Request(environ, self.account)
        recorder = self._recorder
        if recorder is not None:
            request.began = monotonic()
        try:
            response = yield from self._respond(request)
        except Dropped as dropped:
            if recorder is not None:
                recorder.record(request, None, dropped)
            yield Reset(dropped.refused, dropped.connection)
            return
        except Replaced as replaced:
            response = S2Response(
                replaced.status, replaced.headers, replaced.body, has_length=False
            )
            request.failure = replaced
        except GeneratorExit:
            if recorder is not None:
                recorder.record(request, None, None)
            raise
        else:
            if self.cors:
                _allow_cross_origin(request, response)
        entry = self._noted(request, response)
        if response.retires:
            yield CloseAfterResponse()
        if response.session is not None:
            yield from self._session(request, response, entry)
        elif response.cut_at is not None or response.plain is not None:
            yield from in_pieces(response)
        else:
            headers = response.headers if response.body else _with_length(response)
            yield Head(response.status, headers, response.body)

    def _noted(self, request: S2Request, response: S2Response) -> "Entry | None":
        """Record a response before it is sent; return the entry of a session."""
        recorder, entry = self._recorder, None
        if recorder is not None:
            entry = (
                recorder.record(request, None, request.failure)
                if request.has_left()
                else recorder.record_response(request, response)
            )
        if response.session is None:
            # It is read no more, and the two would refer to each other until a garbage collection.
            request.call = None
        return entry

    def _session(
        self, request: S2Request, response: S2Response, entry: "Entry | None"
    ) -> Conversation:
        session = response.session
        assert session is not None
        notes = None
        if entry is not None and self._recorder is not None:
            notes = request.notes = self._recorder.start_session(entry)
        if response.cut_at is not None:
            session = cut_session(session, response.cut_at)
        try:
            yield Head(response.status, response.headers)
            yield from session
        except Dropped as dropped:
            if notes is not None:
                notes.record_error(dropped)
            yield Reset(dropped.refused, dropped.connection)
        finally:
            session.close()
            if response.release is not None:
                response.release()
            if notes is not None:
                notes.record_end()

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
            response = yield from self._answer(row, request)
        if row is None:
            response.headers.append(("allow", route.allow))
        fault = None if request.call is None else request.call.fault
        if isinstance(fault, Cut):
            shorten(response, fault)
        elif is_v1:
            yield from _encode(request, response)
        return response

    def _answer(self, row: OperationRow, request: S2Request) -> Answering:
        try:
            token = bearer(request.environ)
            if mock_tokens.is_ended(token):
                request.is_late = mock_tokens.note_late(token, request.method, request.raw_path)
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
                row, request, request.account.settings.profile.invalid_config(error.message)
            )
        except S2Error as error:
            return self._refused(row, request, error)
        except (Dropped, Replaced):
            raise
        except Exception as error:  # noqa: BLE001  # a bug of s2mock must reach the user as one
            _log.exception("s2mock failed on %s %s", request.method, request.raw_path)
            failures.note(error)
            return error_response(InternalError(f"s2mock failed, please report it: {error!r}"))

    def _refused(self, row: OperationRow, request: S2Request, error: S2Error) -> S2Response:
        if request.call is None and not isinstance(error, Authn):
            error = request.error_to_send(error)
        request.prepare_error(error)
        request.failure = error
        if request.call is None and self._powers is not None:
            self._powers.injector.count_refused(row.name)
        response = error_response(error)
        if isinstance(error, InjectedError):
            response.headers += error.headers
            response.retires = error.retires
        return response


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
        response.plain = body
        if len(body) > HEAVY_BODY_BYTES:
            response.body = yield RunInThread(lambda: compress(body, coding))
        else:
            response.body = compress(body, coding)
        response.headers.append(("content-encoding", coding))
    return response


def _with_length(response: S2Response) -> Headers:
    """Return the headers of an answer with an empty body, whose length the framing does not add."""
    if not response.has_length or response.status == 204:
        return response.headers
    return [*response.headers, ("content-length", "0")]


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
