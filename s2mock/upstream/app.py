"""S2's API in front of an upstream: each request is understood, and forwarded as it came."""

import logging
from typing import Any, Final

from s2mock.api.app import ROUTER, allow_cross_origin, raw_path_of
from s2mock.api.content_coding import REQUEST_CODINGS
from s2mock.api.records.headers import (
    EVENT_STREAM,
    S2S,
    frame_coding,
    json_format,
    last_event_id,
    media_type,
)
from s2mock.api.requests import Answering, Asking, S2Request
from s2mock.api.responses import S2Response, error_response
from s2mock.api.routing import OperationRow
from s2mock.api.session import Session
from s2mock.api.wire.sse import EventId
from s2mock.registry.operation import Caller, Interrupted, Operation
from s2mock.registry.rules.append import OpenAppendSession
from s2mock.registry.rules.read import Read
from s2mock.registry.values.errors import Authn, InternalError, S2Error
from s2mock.runtime import failures, mock_tokens
from s2mock.runtime.conversation import RETIRE_HANDLE, STAY, Outlast, ReadUnless
from s2mock.runtime.environ import bearer
from s2mock.runtime.monotonic import monotonic
from s2mock.upstream.append_session import AppendSession
from s2mock.upstream.dialog import UNREAD_SECONDS, Dialog, UpstreamBroke
from s2mock.upstream.errors import UpstreamFailed, answered_error, quote_body
from s2mock.upstream.exchange import ResponseHead
from s2mock.upstream.forms import UpstreamEvents, UpstreamFrames
from s2mock.upstream.read_session import read_pieces
from s2mock.upstream.request import ForwardedRequest, forwarded_fields
from s2mock.upstream.response import ForwardedResponse
from s2mock.upstream.results import batch_read, decoded_body, effect_of
from s2mock.upstream.upstream import Upstream

_log = logging.getLogger("s2mock")

_SMALL_BYTES: Final = 64 * 1024
_HTML: Final = "text/html"
_ATTEMPTS: Final = 2


class _Now:
    """A wait that is over at once."""

    timeout: Final = 0.0

    def subscribe(self, wake: Any) -> None:
        """Call `wake`."""
        wake()


_NOW: Final = _Now()


class UpstreamApp:
    """S2's HTTP API, answered by an upstream, without the powers of a mock.

    It has the place of `App`. A request is read by the handler of its operation, for the points of
    its call, and forwarded as it came, also if that handler would refuse it: what S2 accepts, only
    S2 decides. With a `refusal` no operation is forwarded: each is refused with 401 and that.
    """

    def __init__(self, upstream: Upstream, *, cors: bool, refusal: str | None = None) -> None:
        self.account = upstream.engine
        self._upstream = upstream
        self._cors = cors
        self._refusal = refusal

    def respond(self, request: S2Request) -> Answering:
        """Return the response to a request, which is not sent yet. Raises `Interrupted`."""
        request.raw_path = raw_path_of(request.environ)
        token = bearer(request.environ)
        if mock_tokens.is_ended(token):
            advice = mock_tokens.note_late(token, request.method, request.raw_path)
            request.advice = (advice,)
            return self._refused(
                request, Authn("the access token is that of a test that has ended")
            )
        row = self._route(request)
        if row is not None and self._refusal is not None:
            return self._refused(request, Authn(self._refusal))
        try:
            operation = None if row is None else (yield from self._operation(row, request, token))
            if operation is None:
                return (yield from self._forward_unknown(request))
            return (yield from self._perform(operation, request))
        except S2Error as error:
            return self._refused(request, error)
        except (Interrupted, ConnectionAbortedError):
            raise
        except Exception as error:  # noqa: BLE001  # a bug of s2mock must reach the user as one
            _log.exception("s2mock failed on %s %s", request.method, request.raw_path)
            failures.note(error)
            return error_response(InternalError(f"s2mock failed, please report it: {error!r}"))

    def _route(self, request: S2Request) -> OperationRow | None:
        """Return the row of the operation that a request asks for; None for no operation."""
        matched = ROUTER.match(request.raw_path)
        if matched is None or (self._cors and request.method == "OPTIONS"):
            return None
        route, request.path_parameters = matched
        row = route.row(request.method)
        if row is None or row.name is None or row.needs is None:
            return None
        if request.environ.get("HTTP_CONTENT_ENCODING", "identity") not in REQUEST_CODINGS:
            return None
        request.route_name, request.body_spec = row.name, row.body
        return row

    def _operation(
        self, row: OperationRow, request: S2Request, token: str
    ) -> Asking[Operation | None]:
        """Return the operation of a request; None if S2 refuses it before it is one."""
        assert row.needs is not None, "of an operation"
        request.caller = Caller(token, row.needs)
        try:
            asked = row.handler(request)
            if isinstance(asked, S2Response):
                return None
            operation, _ = asked if isinstance(asked, tuple) else (yield from asked)
        except S2Error:
            return None
        return operation

    def _perform(self, operation: Operation, request: S2Request) -> Answering:
        engine = self._upstream.engine
        call = request.call = request.make_call(operation)
        if request.method != "GET":
            # A write that was permitted is forwarded and answered, also if its client leaves.
            request.has_left = yield Outlast(lambda: not call.is_decided)
        yield from engine.arrive(call)
        dialog = follower = None
        try:
            try:
                if engine.waits_at_tail(operation):
                    # For those that wait for it; S2 answers when there is a record, or in time.
                    follower = engine.follower(str(operation.basin), str(operation.stream))
                    follower.begin()
                dialog, head = yield from self._begin(request)
                if _is_session(operation, request, head):
                    engine.apply(call, None)
                    response = self._session(operation, request, dialog, head)
                    yield from engine.pass_point("answer", call)
                    return response
                response = yield from self._whole_response(request, dialog, head)
            except (S2Error, Interrupted) as error:
                if not call.is_decided:
                    request.failure = error
                    yield from engine.refuse(call, error)
                raise
            yield from self._answer(operation, request, response)
        except BaseException:
            if dialog is not None:
                dialog.exchange.cancel()
            call.is_decided = True
            raise
        finally:
            if follower is not None:
                follower.end()
        return response

    def _answer(
        self, operation: Operation, request: S2Request, response: ForwardedResponse
    ) -> Asking[None]:
        """Note what the upstream's answer says of a call, which then passes its answer."""
        engine, call = self._upstream.engine, request.call
        assert call is not None, "the call of the operation"
        headers = dict(response.headers)
        if response.status < 400:
            effect = effect_of(operation, headers, response.body)
            engine.apply(call, effect)
            if effect is not None and effect.last_seq_num is not None:
                engine.note_tail(operation, effect.last_seq_num + 1)
            if isinstance(operation, Read) and request.method == "GET":
                response.read = batch_read(headers, response.body, json_format(request))
            yield from engine.pass_point("answer", call)
        else:
            error = _error_in(response)
            request.failure = error
            yield from engine.refuse(call, error)
        yield from engine.landed()

    def _forward_unknown(self, request: S2Request) -> Answering:
        """Forward a request of no operation, or one that S2 refuses before it is one."""
        if request.method not in ("GET", "HEAD"):
            request.has_left = yield Outlast(bool)
        dialog, head = yield from self._begin(request)
        try:
            response = yield from self._whole_response(request, dialog, head)
        except BaseException:
            dialog.exchange.cancel()
            raise
        if response.status >= 400 and request.route_name is not None:
            request.failure = _error_in(response)
        return response

    # Forwarding.

    def _begin(self, request: S2Request) -> Asking[tuple[Dialog, ResponseHead]]:
        """Send a request to the upstream, and return the head of its response.

        Raises `UpstreamFailed`, `Dropped`.
        """
        is_append_session = request.call is not None and isinstance(
            request.call.operation, OpenAppendSession
        )
        begun = request.raw_body
        is_unread = _is_unread(request)
        rest: bytes | None = None
        if request.is_body_cut:
            # The upstream is to answer that, also if its client has ended its side of a connection.
            yield STAY
            rest = b""
        elif not is_append_session and not (is_unread and _expects_continue(request)):
            # What has arrived with the head: a small body that S2 skips keeps the connection open.
            rest = yield ReadUnless(_NOW)
            while rest and len(begun) < _SMALL_BYTES:
                begun += rest
                rest = yield ReadUnless(_NOW)
        has_body = bool(begun or rest or rest is None or request.is_body_cut)
        forwarded, sent = self._upstream.prefixed(
            self._forwarded(request, is_append_session=is_append_session, has_body=has_body),
            request,
            begun + (rest or b""),
        )
        forwarded, connections = self._upstream.routed(forwarded)
        pair = connections.pair_of(request.environ)
        if pair.retire_client is None:
            pair.retire_client = yield RETIRE_HANDLE
        attempt = 1
        while True:
            exchange = connections.exchange(request.environ, forwarded)
            if sent:
                exchange.send(sent)
            # `b""` is the end of the body.
            dialog = Dialog(
                exchange,
                connections.address.url,
                is_complete=rest == b"" and not request.is_body_cut,
                unread_until=monotonic() + UNREAD_SECONDS if is_unread and rest != b"" else None,
            )
            if request.is_body_cut:
                dialog.is_complete = True
                exchange.break_off()
            if is_append_session:
                # Its body is forwarded by the session.
                dialog.is_complete = True
            exchange.start()
            try:
                head = yield from dialog.next_event()
            except UpstreamBroke as broke:
                if broke.may_repeat and rest == b"" and attempt < _ATTEMPTS:
                    attempt += 1
                    continue
                raise
            except BaseException:
                exchange.cancel()
                raise
            assert isinstance(head, ResponseHead), "a response begins with its head"
            return dialog, head

    def _forwarded(
        self, request: S2Request, *, is_append_session: bool, has_body: bool
    ) -> ForwardedRequest:
        environ = request.environ
        fields = forwarded_fields(environ, self._upstream.address, self._upstream.token)
        if is_append_session:
            has_body = True
            is_coded = environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity"
            if is_coded and self._upstream.engine.observers:
                # Its batches are forwarded one by one, which its coding does not allow.
                dropped = ("content-encoding", "content-length")
                fields = [field for field in fields if field[0] not in dropped]
        target: str = environ.get("REQUEST_URI") or _target(request)
        return ForwardedRequest(
            request.method,
            target,
            tuple(fields),
            is_http2=environ["SERVER_PROTOCOL"] == "HTTP/2",
            has_body=has_body,
        )

    def _whole_response(
        self, request: S2Request, dialog: Dialog, head: ResponseHead
    ) -> Asking[ForwardedResponse]:
        """Return the whole response of the upstream. Raises `UpstreamFailed`, `Dropped`."""
        body, closes = yield from dialog.body()
        headers = dict(head.headers)
        if request.route_name is not None and media_type(headers.get("content-type")) == _HTML:
            raise UpstreamFailed(
                self._upstream.url,
                f"answered {head.status} with a page of HTML, which is no answer of S2: "
                f"{quote_body(body)}",
            )
        plain = decoded_body(body, headers.get("content-encoding"))
        stripped = self._upstream.stripped(request, plain)
        if stripped is not plain:
            return ForwardedResponse.changed(
                head.status, head.headers, stripped, closes=head.closes or closes
            )
        return ForwardedResponse.make(
            head.status, head.headers, body, plain, closes=head.closes or closes
        )

    # Sessions.

    def _session(
        self, operation: Operation, request: S2Request, dialog: Dialog, head: ResponseHead
    ) -> ForwardedResponse:
        """Return the response of a session that the upstream has opened."""
        form: UpstreamFrames | UpstreamEvents
        engine, exchange = self._upstream.engine, dialog.exchange
        if isinstance(operation, OpenAppendSession):
            form = UpstreamFrames(frame_coding(request.accept_encodings))
            append = AppendSession(request, dialog, form, engine)
            session = Session(append.pieces(), form, exchange.cancel)
        else:
            assert isinstance(operation, Read)
            if media_type(dict(head.headers).get("content-type")) == S2S:
                form = UpstreamFrames(frame_coding(request.accept_encodings))
            else:
                had = last_event_id(request) or EventId(0, 0, 0)
                form = UpstreamEvents(json_format(request), had)
            follower = engine.follower(str(operation.basin), str(operation.stream))
            session = Session(read_pieces(dialog, form, follower.begin), form, exchange.cancel)
            session.call_on_close(follower.end)
        return ForwardedResponse.of_session(
            head.status,
            head.headers,
            session,
            closes=head.closes,
            reset_of_end=lambda: dialog.client_reset,
        )

    def _refused(self, request: S2Request, error: S2Error) -> S2Response:
        """Return the answer of s2mock itself: of a fault, or where the upstream gives none."""
        request.prepare_error(error)
        request.failure = error
        response = error_response(error)
        if self._cors:
            allow_cross_origin(request, response)
        return response


def _is_unread(request: S2Request) -> bool:
    """True if the body is left with the client, as S2 is expected to leave it.

    By HTTP/1.1, where the head says if there is one, and the client can see if it was read.
    """
    environ = request.environ
    if request.sent_body is not None or request.raw_body or request.is_body_cut:
        return False
    if "s2mock.connection" not in environ or environ["SERVER_PROTOCOL"] == "HTTP/2":
        return False
    if request.call is not None and isinstance(request.call.operation, OpenAppendSession):
        return False
    has_length = environ.get("CONTENT_LENGTH", "0").strip("0") != ""
    return has_length or "HTTP_TRANSFER_ENCODING" in environ


def _expects_continue(request: S2Request) -> bool:
    expected: str = request.environ.get("HTTP_EXPECT", "")
    return expected.lower() == "100-continue"


def _is_session(operation: Operation, request: S2Request, head: ResponseHead) -> bool:
    """True if the upstream has opened a session that the request has asked for."""
    if head.status != 200 or request.method == "HEAD":
        return False
    if not isinstance(operation, OpenAppendSession) and not (
        isinstance(operation, Read) and operation.is_session
    ):
        return False
    return media_type(dict(head.headers).get("content-type")) in (S2S, EVENT_STREAM)


def _error_in(response: ForwardedResponse) -> S2Error:
    import json

    try:
        document = json.loads(response.body)
    except ValueError:
        document = None
    return answered_error(response.status, document)


def _target(request: S2Request) -> str:
    """Return the target of a request by WSGI."""
    query = request.raw_query
    return f"{request.raw_path}?{query}" if query else request.raw_path
