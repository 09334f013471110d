"""`/v1/streams`: the streams of a basin.

Source: reference: control_plane §5; the order of checks is §2.5.
"""

from s2mock.api.query import listing_parameters, parse_query
from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response, empty_response, json_response
from s2mock.api.routing import Route
from s2mock.api.shapes import (
    stream_changes,
    stream_config,
    stream_config_to_json,
    stream_info_to_json,
)
from s2mock.registry.names import StreamName

_LISTING = listing_parameters(StreamName.check_filter)


def list_streams(request: S2Request) -> S2Response:
    """One page of streams (§5.7)."""
    basin, wanted = request.basin, parse_query(request.raw_query, _LISTING)
    page = request.account.basin(basin).list_streams(**wanted)
    streams = [stream_info_to_json(info) for info in page.items]
    return json_response(200, {"streams": streams, "has_more": page.has_more})


def create_stream(request: S2Request) -> S2Response:
    """Create a stream, or answer a replay (§5.5)."""
    token, basin = request.request_token, request.basin
    document = request.json_body("create_stream")
    config = stream_config(document.get("config"))
    made = request.account.basin(basin).provision_stream(
        document["stream"], config, request_token=token
    )
    return json_response(201, stream_info_to_json(made.info), s2_provision_result=made.result)


def get_stream_config(request: S2Request) -> S2Response:
    """The resolved configuration (§5.7)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    config = request.account.stream(basin, name).get_config()
    return json_response(200, stream_config_to_json(config))


def ensure_stream(request: S2Request) -> S2Response:
    """Create a stream, or replace its configuration (§5.5)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    config = stream_config(request.optional_json_body("stream_config"))
    made = request.account.basin(basin).provision_stream(name, config, ensure=True)
    status = 201 if made.result == "created" else 200
    return json_response(status, stream_info_to_json(made.info), s2_provision_result=made.result)


def reconfigure_stream(request: S2Request) -> S2Response:
    """Change what the body mentions (§5.6)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    changes = stream_changes(request.json_body("stream_reconfiguration"))
    config = request.account.basin(basin).reconfigure_stream(name, **changes)
    return json_response(200, stream_config_to_json(config))


def delete_stream(request: S2Request) -> S2Response:
    """Delete a stream (§5.7)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    request.account.stream(basin, name).delete()
    return empty_response(202)


ROUTES = [
    Route("/v1/streams", {"GET": list_streams, "POST": create_stream}),
    Route(
        "/v1/streams/<stream>",
        {
            "GET": get_stream_config,
            "PUT": ensure_stream,
            "DELETE": delete_stream,
            "PATCH": reconfigure_stream,
        },
    ),
]
