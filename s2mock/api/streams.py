"""`/v1/streams`: the streams of a basin.

Source: reference: control_plane §5; the order of checks is §2.5.
"""

from s2mock.api.query import listing_parameters, parse_query
from s2mock.api.requests import Answering, S2Request
from s2mock.api.responses import empty_response, json_response, text_response
from s2mock.documents.control_plane import (
    stream_changes,
    stream_config,
    stream_config_to_json,
    stream_info_to_json,
)
from s2mock.registry.names import StreamName
from s2mock.registry.streams import (
    CreateStream,
    DeleteStream,
    EnsureStream,
    GetStreamConfig,
    ListStreams,
    ReconfigureStream,
)

_LISTING = listing_parameters(StreamName.check_filter)


def list_streams(request: S2Request) -> Answering:
    """One page of streams (§5.7)."""
    basin, wanted = request.basin, parse_query(request.raw_query, _LISTING)
    page = yield from request.perform(ListStreams(basin, **wanted))
    streams = ",".join(map(stream_info_to_json, page.items))
    more = "true" if page.has_more else "false"
    return text_response(200, f'{{"streams":[{streams}],"has_more":{more}}}')


def create_stream(request: S2Request) -> Answering:
    """Create a stream, or answer a replay (§5.5)."""
    token, basin = request.request_token, request.basin
    document = yield from request.json_body("create_stream")
    config = stream_config(document.get("config"))
    made = yield from request.perform(CreateStream(basin, document["stream"], config, token))
    return text_response(201, stream_info_to_json(made.info), s2_provision_result=made.result)


def get_stream_config(request: S2Request) -> Answering:
    """The resolved configuration (§5.7)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    config = yield from request.perform(GetStreamConfig(basin, name))
    return json_response(200, stream_config_to_json(config))


def ensure_stream(request: S2Request) -> Answering:
    """Create a stream, or replace its configuration (§5.5)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    config = stream_config((yield from request.optional_json_body("stream_config")))
    made = yield from request.perform(EnsureStream(basin, name, config))
    status = 201 if made.result == "created" else 200
    return text_response(status, stream_info_to_json(made.info), s2_provision_result=made.result)


def reconfigure_stream(request: S2Request) -> Answering:
    """Change what the body mentions (§5.6)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    changes = stream_changes((yield from request.json_body("stream_reconfiguration")))
    config = yield from request.perform(ReconfigureStream(basin, name, changes))
    return json_response(200, stream_config_to_json(config))


def delete_stream(request: S2Request) -> Answering:
    """Delete a stream (§5.7)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    yield from request.perform(DeleteStream(basin, name))
    return empty_response(202)
