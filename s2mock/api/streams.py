"""`/v1/streams`: the streams of a basin.

Source: reference: control_plane §5; the order of checks is §2.5.
"""

from s2mock.api.query import listing_parameters, parse_query, prefixed_filters
from s2mock.api.requests import Asking, HandlerResult, S2Request
from s2mock.api.responses import S2Response, empty_response, json_response, text_response
from s2mock.json_bodies.control_plane import (
    stream_changes,
    stream_config,
    stream_config_to_json,
    stream_info_to_json,
)
from s2mock.registry.rules.listing import Page
from s2mock.registry.rules.provision import Provisioned
from s2mock.registry.rules.streams import (
    CreateStream,
    DeleteStream,
    EnsureStream,
    GetStreamConfig,
    ListStreams,
    ReconfigureStream,
)
from s2mock.registry.state import StreamInfo
from s2mock.registry.values.config import StreamConfig
from s2mock.registry.values.names import StreamName

LISTING = listing_parameters(StreamName.check_filter)


def list_streams(request: S2Request) -> HandlerResult:
    """One page of streams (§5.7)."""
    basin, wanted = request.basin, parse_query(request.raw_query, LISTING)
    if request.prefix:
        wanted = prefixed_filters(wanted, request.prefix)
    return ListStreams(basin, **wanted), _listed


def create_stream(request: S2Request) -> Asking[HandlerResult]:
    """Create a stream, or answer a replay (§5.5)."""
    token, basin = request.request_token, request.basin
    document = yield from request.json_body()
    config = stream_config(document.get("config"))
    return CreateStream(basin, request.prefix + document["stream"], config, token), _created


def get_stream_config(request: S2Request) -> HandlerResult:
    """The resolved configuration (§5.7)."""
    return GetStreamConfig(request.basin, request.stream_name), _configured


def ensure_stream(request: S2Request) -> Asking[HandlerResult]:
    """Create a stream, or replace its configuration (§5.5)."""
    basin, name = request.basin, request.stream_name
    config = stream_config((yield from request.json_body()))
    return EnsureStream(basin, name, config), _ensured


def reconfigure_stream(request: S2Request) -> Asking[HandlerResult]:
    """Change what the body mentions (§5.6)."""
    basin, name = request.basin, request.stream_name
    changes = stream_changes((yield from request.json_body()))
    return ReconfigureStream(basin, name, changes), _configured


def delete_stream(request: S2Request) -> HandlerResult:
    """Delete a stream (§5.7)."""
    return DeleteStream(request.basin, request.stream_name), _deleted


def _listed(request: S2Request, page: Page[StreamInfo]) -> S2Response:
    infos = [_told(request, info) for info in page.items] if request.prefix else page.items
    streams = ",".join(map(stream_info_to_json, infos))
    more = "true" if page.has_more else "false"
    return text_response(200, f'{{"streams":[{streams}],"has_more":{more}}}')


def _created(request: S2Request, made: Provisioned[StreamInfo]) -> S2Response:
    info = _told(request, made.info)
    return text_response(201, stream_info_to_json(info), s2_provision_result=made.result)


def _ensured(request: S2Request, made: Provisioned[StreamInfo]) -> S2Response:
    status, info = 201 if made.result == "created" else 200, _told(request, made.info)
    return text_response(status, stream_info_to_json(info), s2_provision_result=made.result)


def _told(request: S2Request, info: StreamInfo) -> StreamInfo:
    """Return the stream without the prefix of its name."""
    if not request.prefix:
        return info
    return info._replace(name=info.name.removeprefix(request.prefix))


def _configured(_: S2Request, config: StreamConfig) -> S2Response:
    return json_response(200, stream_config_to_json(config))


def _deleted(_: S2Request, __: None) -> S2Response:
    return empty_response(202)
