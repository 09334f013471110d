"""The tail of a stream. Source: reference: data_plane §1.8."""

from s2mock.api.requests import S2Request, Wanted
from s2mock.api.responses import S2Response, json_response
from s2mock.api.wire.json_records import position_to_json
from s2mock.registry.positions import StreamPosition
from s2mock.registry.reading import CheckTail


def check_tail(request: S2Request) -> Wanted:
    """Where the next record will be (§1.8)."""
    return CheckTail(request.basin, request.stream_name), _checked


def _checked(_: S2Request, tail: StreamPosition) -> S2Response:
    return json_response(200, {"tail": position_to_json(tail)})
