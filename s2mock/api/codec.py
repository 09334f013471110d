"""The client's half of the operation table: operations to requests, responses to results.

The server's half is the handlers of `operations.py`, which turn a request into an operation and a
result into a response. Method and path of both halves come from the same row, and `CODECS` has the
rest of this half. Each request here uses the JSON form.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from s2mock.api.operations import OPERATIONS
from s2mock.api.records.headers import ENCRYPTION_KEY, FORMAT
from s2mock.api.requests import REQUEST_TOKEN
from s2mock.api.wire import json_records
from s2mock.json_bodies.control_plane import (
    basin_changes_to_json,
    basin_config,
    basin_config_to_json,
    basin_info,
    stream_changes_to_json,
    stream_config,
    stream_config_to_json,
    stream_info,
)
from s2mock.json_bodies.tokens import expiry_to_json, scope_to_json, token_info
from s2mock.registry.operation import Operation
from s2mock.registry.rules.listing import MAX_PAGE, Page
from s2mock.registry.rules.metrics import Accumulation, Gauge, Label, Metric
from s2mock.registry.rules.provision import Provisioned
from s2mock.registry.state import Location
from s2mock.registry.values import errors
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.tokens import AccessToken

INCARNATION: Final = "s2mock-incarnation"
"""The header of `/_s2mock/v1/` for one of all basins, streams or tokens that have had a name.

It is the number of a basin or stream, and the secret of a token. A request with it applies to that
one only.
"""


class EncodedRequest(NamedTuple):
    """A request of S2's API; `document` is the JSON body, `...` for a request without one."""

    method: str
    target: str
    headers: dict[str, str]
    document: Any


class _Parts(NamedTuple):
    """What a request has beside its method and the template of its path."""

    path: Mapping[str, str | None] = MappingProxyType({})
    query: Mapping[str, Any] = MappingProxyType({})
    document: Any = ...
    headers: Mapping[str, str | None] = MappingProxyType({})
    basin: str | None = None


class OperationCodec(NamedTuple):
    """How a client asks for an operation, and what the response to it means.

    `request` returns the parts of the request. `result` returns what the operation returns in
    process, from the operation, the response's headers and its document. `invalid` is the error
    that the code `invalid` means for it.
    """

    request: Callable[[Any], _Parts]
    result: Callable[[Any, Mapping[str, str], Any], Any]
    invalid: type[errors.Invalid] = errors.Invalid


def encode_request(operation: Operation) -> EncodedRequest:
    """Return the request that asks for the operation. Raises `KeyError` for a session."""
    method, path = _ROUTES[operation.name]
    parts = CODECS[operation.name].request(operation)
    for name, value in parts.path.items():
        path = path.replace(f"<{name}>", quote(str(value), safe=""))
    query = {name: value for name, value in parts.query.items() if value is not None}
    headers = {name: value for name, value in parts.headers.items() if value is not None}
    if parts.basin is not None:
        headers["s2-basin"] = parts.basin
    target = f"{path}?{urlencode(query)}" if query else path
    return EncodedRequest(method, target, headers, parts.document)


def decode_response(
    operation: Operation, status: int, headers: Mapping[str, str], document: Any
) -> Any:
    """Return the result of the operation that was answered so. Raises `S2Error`."""
    codec = CODECS[operation.name]
    if status >= 400:
        raise error_of(status, document, codec.invalid)
    return codec.result(operation, headers, document)


def error_of(status: int, document: Any, invalid: type[errors.Invalid] = errors.Invalid) -> S2Error:
    """Return the error that a response describes; `InternalError` for an unknown code.

    `invalid` is the class for the code `invalid`, which has several.
    """
    if "seq_num_mismatch" in document:
        return errors.SeqNumMismatch(document["seq_num_mismatch"])
    if "fencing_token_mismatch" in document:
        return errors.FencingTokenMismatch(document["fencing_token_mismatch"])
    if "tail" in document:
        return errors.ReadUnwritten(StreamPosition(**document["tail"]))
    code = document["code"]
    kind = invalid if code == invalid.code else _ERRORS.get(code)
    if kind is None:
        return errors.InternalError(f"{status} {code}: {document['message']}")
    error = kind.__new__(kind)
    # Each class makes its message of its own arguments; here the message is there already.
    S2Error.__init__(error, document["message"])
    return error


# The rows. First the parts of requests that several have.


def _nothing(_: Operation) -> _Parts:
    return _Parts()


def _of_basin(operation: Operation) -> _Parts:
    return _Parts({"basin": operation.basin})


def _of_stream(operation: Operation) -> _Parts:
    return _Parts({"stream": operation.stream}, basin=operation.basin)


def _listing(operation: Any) -> _Parts:
    query = {
        "prefix": operation.prefix or None,
        "start_after": operation.start_after or None,
        # S2 refuses a negative number, and reads 0 as the largest page.
        "limit": min(max(0, operation.limit), MAX_PAGE),
    }
    return _Parts(query=query, basin=operation.basin)


def _metrics(operation: Any) -> _Parts:
    path = {"basin": operation.basin, "stream": operation.stream}
    query = {
        "set": operation.metric_set,
        "start": operation.start,
        "end": operation.end,
        "interval": operation.interval,
    }
    return _Parts(path, query)


def _append(operation: Any) -> _Parts:
    headers = {FORMAT: "base64", ENCRYPTION_KEY: operation.key}
    document = json_records.input_to_json(operation.batch)
    return _of_stream(operation)._replace(document=document, headers=headers)


def _read(operation: Any) -> _Parts:
    wanted = operation.wanted
    query = {
        wanted.kind: wanted.start,
        "clamp": "true" if wanted.clamp else None,
        "count": wanted.count,
        "bytes": wanted.bytes,
        "until": wanted.until,
        "wait": wanted.wait,
    }
    headers = {FORMAT: "base64", ENCRYPTION_KEY: operation.key}
    return _of_stream(operation)._replace(query=query, headers=headers)


def _create_basin(operation: Any) -> _Parts:
    document = {
        "basin": operation.basin,
        "config": basin_config_to_json(operation.config),
        **_location(operation),
    }
    return _Parts(document=document, headers={REQUEST_TOKEN: operation.token})


def _ensure_basin(operation: Any) -> _Parts:
    document = {"config": basin_config_to_json(operation.config), **_location(operation)}
    return _of_basin(operation)._replace(document=document)


def _location(operation: Any) -> dict[str, str]:
    return {} if operation.location is None else {"location": operation.location}


def _create_stream(operation: Any) -> _Parts:
    document = {
        "stream": operation.stream,
        "config": stream_config_to_json(operation.config),
    }
    headers = {REQUEST_TOKEN: operation.token}
    return _Parts(document=document, headers=headers, basin=operation.basin)


def _issue(operation: Any) -> _Parts:
    document = {
        "id": operation.access_token,
        "scope": scope_to_json(operation.scope),
        "expires_at": expiry_to_json(operation.expires_at),
        "auto_prefix_streams": operation.auto_prefix_streams,
    }
    return _Parts(document=document)


# Then what responses mean.


def _no_result(_: Operation, __: Mapping[str, str], ___: Any) -> None:
    return None


def _page(
    member: str, item: Callable[[dict[str, Any]], Any]
) -> Callable[[Operation, Mapping[str, str], Any], Page[Any]]:
    return lambda _, __, document: Page(list(map(item, document[member])), document["has_more"])


def _provisioned(
    info: Callable[[dict[str, Any]], Any],
) -> Callable[[Operation, Mapping[str, str], Any], Provisioned[Any]]:
    """Return a decoder of creates; only s2mock tells an incarnation, and only to its own tests."""

    def decode(_: Operation, headers: Mapping[str, str], document: Any) -> Provisioned[Any]:
        result: Any = headers["s2-provision-result"]
        return Provisioned(result, info(document), int(headers.get(INCARNATION, 0)))

    return decode


def _issued(operation: Any, _: Mapping[str, str], document: Any) -> AccessToken:
    return AccessToken(
        operation.access_token,
        document["access_token"],
        operation.scope,
        operation.expires_at,
        operation.auto_prefix_streams,
    )


def _place(document: Any) -> Location:
    return Location(**{**document, "storage_classes": tuple(document["storage_classes"])})


def _metric(document: Any) -> Metric:
    [(kind, fields)] = document.items()
    values: Any = fields["values"]
    if kind != "label":
        values = [tuple(pair) for pair in values]
    return _METRICS[kind](**{**fields, "values": values})


_METRICS: Final[dict[str, Callable[..., Metric]]] = {
    "accumulation": Accumulation,
    "gauge": Gauge,
    "label": Label,
}


_of_metrics: Final = OperationCodec(
    _metrics,
    lambda _, __, document: list(map(_metric, document["values"])),
    errors.InvalidMetrics,
)

CODECS: Final[dict[str, OperationCodec]] = {
    "list-basins": OperationCodec(_listing, _page("basins", basin_info)),
    "create-basin": OperationCodec(_create_basin, _provisioned(basin_info), errors.InvalidLocation),
    "get-basin-config": OperationCodec(_of_basin, lambda _, __, document: basin_config(document)),
    "ensure-basin": OperationCodec(_ensure_basin, _provisioned(basin_info), errors.InvalidLocation),
    "delete-basin": OperationCodec(_of_basin, _no_result),
    "reconfigure-basin": OperationCodec(
        lambda asked: _of_basin(asked)._replace(document=basin_changes_to_json(asked.changes)),
        lambda _, __, document: basin_config(document),
        errors.InvalidConfig,
    ),
    "list-streams": OperationCodec(_listing, _page("streams", stream_info)),
    "create-stream": OperationCodec(_create_stream, _provisioned(stream_info)),
    "get-stream-config": OperationCodec(
        _of_stream, lambda _, __, document: stream_config(document)
    ),
    "ensure-stream": OperationCodec(
        lambda asked: _of_stream(asked)._replace(document=stream_config_to_json(asked.config)),
        _provisioned(stream_info),
    ),
    "delete-stream": OperationCodec(_of_stream, _no_result),
    "reconfigure-stream": OperationCodec(
        lambda asked: _of_stream(asked)._replace(document=stream_changes_to_json(asked.changes)),
        lambda _, __, document: stream_config(document),
        errors.InvalidConfig,
    ),
    "read": OperationCodec(_read, lambda _, __, document: json_records.batch_from_json(document)),
    "append": OperationCodec(_append, lambda _, __, document: json_records.ack_from_json(document)),
    "check-tail": OperationCodec(
        _of_stream, lambda _, __, document: StreamPosition(**document["tail"])
    ),
    "list-access-tokens": OperationCodec(_listing, _page("access_tokens", token_info)),
    "issue-access-token": OperationCodec(_issue, _issued, errors.InvalidToken),
    "revoke-access-token": OperationCodec(
        lambda asked: _Parts({"id": asked.access_token}), _no_result
    ),
    "account-metrics": _of_metrics,
    "basin-metrics": _of_metrics,
    "stream-metrics": _of_metrics,
    "list-locations": OperationCodec(
        _nothing, lambda _, __, document: tuple(map(_place, document))
    ),
    "get-default-location": OperationCodec(_nothing, lambda _, __, document: _place(document)),
    "set-default-location": OperationCodec(
        lambda asked: _Parts(document=asked.location),
        lambda _, __, document: _place(document),
        errors.InvalidLocation,
    ),
}
"""By S2's name of the operation, one row for each that is one request and one response."""

_ROUTES: Final = {row.name: (row.method, row.path) for row in OPERATIONS if row.name is not None}
_ERRORS: Final[dict[str, type[S2Error]]] = {
    kind.code: kind
    for kind in (
        errors.AccessTokenNotFound,
        errors.Authn,
        errors.BadFrame,
        errors.BadHeader,
        errors.BadJson,
        errors.BadPath,
        errors.BadProto,
        errors.BadQuery,
        errors.BasinDeletionPending,
        errors.BasinNotFound,
        errors.DecryptionFailed,
        errors.PermissionDenied,
        errors.QuotaExhausted,
        errors.RateLimited,
        errors.ResourceAlreadyExists,
        errors.StreamDeletionPending,
        errors.StreamNotFound,
        errors.Unavailable,
    )
}
