"""The tail of a stream. Source: reference: data_plane §1.8."""

from s2mock.api.requests import HandlerResult, S2Request
from s2mock.api.responses import S2Response, json_response
from s2mock.api.wire.json_records import position_to_json
from s2mock.registry.rules.read import CheckTail
from s2mock.registry.values.positions import StreamPosition


def check_tail(request: S2Request) -> HandlerResult:
    """Get the position of the next record (§1.8)."""
    return CheckTail(request.basin, request.stream_name), _checked


def _checked(_: S2Request, tail: StreamPosition) -> S2Response:
    return json_response(200, {"tail": position_to_json(tail)})
