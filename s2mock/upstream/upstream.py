"""An upstream, as one mock has it: its address, its token, its connections, and an engine."""

from typing import Final

from s2mock.api.requests import RequestCall, S2Request
from s2mock.registry.operation import Call
from s2mock.registry.settings import Settings
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.http_client import Client
from s2mock.upstream.address import BasinEndpoint, UpstreamAddress
from s2mock.upstream.basin_prefix import (
    BASIN,
    BasinPrefix,
    named_basin,
    rewritten_body,
    rewritten_fields,
    rewritten_target,
    stripped_answer,
)
from s2mock.upstream.connections import UpstreamConnections
from s2mock.upstream.engine import UpstreamEngine
from s2mock.upstream.errors import UpstreamFailed, answered_error, unreachable_reason
from s2mock.upstream.request import ForwardedRequest, forwarded_fields

_SECONDS: Final = 30.0
# The routes of a basin.
_STREAMS: Final = "/v1/streams"


class Upstream:
    """A real server behind a mock.

    `token` is the access token for it, None for none; `prefix` is put before the names of basins.
    With an `endpoint`, requests for streams go to the host of their basin.
    """

    def __init__(
        self,
        address: UpstreamAddress,
        token: str | None,
        prefix: BasinPrefix | None,
        settings: Settings,
        connections: UpstreamConnections,
        endpoint: BasinEndpoint | None = None,
    ) -> None:
        self._endpoint = endpoint
        self.address: Final = address
        self.token: Final = token
        self.prefix: BasinPrefix | None = prefix
        self.engine: Final = UpstreamEngine(settings)
        self.connections: Final = connections

    def without_powers(self) -> "Upstream":
        """Return the same upstream with an engine of its own, which nothing observes."""
        return Upstream(
            self.address,
            self.token,
            self.prefix,
            self.engine.settings,
            self.connections,
            self._endpoint,
        )

    @property
    def url(self) -> str:
        """The URL of the upstream, without a slash at its end."""
        return self.address.url

    def prefixed(
        self, forwarded: ForwardedRequest, request: S2Request, body: bytes
    ) -> tuple[ForwardedRequest, bytes]:
        """Return a request and its body with the names that basins have at the upstream.

        Raises `NameTooLong`.
        """
        if self.prefix is None:
            return forwarded, body
        name = request.route_name
        fields = rewritten_fields(self.prefix, forwarded.fields)
        target = rewritten_target(self.prefix, name, forwarded.target, request.path_parameters)
        inflated = body if request.sent_body is None else request.sent_body
        changed = rewritten_body(self.prefix, name, inflated)
        if changed is not None:
            body = changed
            fields = tuple(
                (field, str(len(body)) if field == "content-length" else value)
                for field, value in fields
                if field != "content-encoding"
            )
        return forwarded._replace(target=target, fields=fields), body

    def routed(self, forwarded: ForwardedRequest) -> tuple[ForwardedRequest, UpstreamConnections]:
        """Return a request as it is sent to the host that it is for, and the connections there."""
        if self._endpoint is None or not forwarded.target.startswith(_STREAMS):
            return forwarded, self.connections
        basin = named_basin(forwarded.fields)
        if basin is None:
            return forwarded, self.connections
        address = self._endpoint.address_of(basin)
        fields = tuple(
            (name, address.authority if name == "host" else value)
            for name, value in forwarded.fields
            if name != BASIN
        )
        return forwarded._replace(fields=fields), self.connections.to(address)

    def stripped(self, request: S2Request, body: bytes) -> bytes:
        """Return the body of an answer with the names by which clients know their basins."""
        if self.prefix is None:
            return body
        call = request.call
        basin = None if call is None else call.operation.basin
        return stripped_answer(self.prefix, request.route_name, basin, body)

    def send_late(self, call: Call) -> S2Error | None:
        """Carry out a call at the upstream that was not forwarded; return what refuses it."""
        assert isinstance(call, RequestCall), "only requests are late"
        request = call.request
        environ = request.environ
        fields = forwarded_fields(environ, self.address, self.token)
        body = request.raw_body
        if call.payload is not None:
            # A batch of a session is appended alone.
            body = call.payload
            dropped = ("content-type", "content-encoding", "content-length", "accept-encoding")
            fields = [field for field in fields if field[0] not in dropped]
            fields.append(("content-type", "application/protobuf"))
        target = environ.get("REQUEST_URI") or request.raw_path
        forwarded = ForwardedRequest(request.method, target, tuple(fields), False, bool(body))
        forwarded, body = self.prefixed(forwarded, request, body)
        forwarded, connections = self.routed(forwarded)
        url = connections.address.url
        headers = {name: value for name, value in forwarded.fields if name != "content-length"}
        if body:
            headers["content-length"] = str(len(body))
        try:
            answer = Client(url).send(
                forwarded.method, forwarded.target, headers, body or None, timeout=_SECONDS
            )
        except OSError as error:
            return UpstreamFailed(url, unreachable_reason(error))
        if answer.status < 400:
            return None
        try:
            return answered_error(answer.status, answer.json)
        except AssertionError:
            return UpstreamFailed(url, f"answered {answer.status}")
