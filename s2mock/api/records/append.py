"""Append one batch, or open a session of appends. Sources: reference: data_plane §1, §3."""

from s2mock.api.records.append_session import open_append_session
from s2mock.api.records.batches import json_batch, protobuf_batch
from s2mock.api.records.headers import (
    PROTOBUF,
    S2S,
    config_of_new_stream,
    encryption_key,
    json_format,
    media_type,
)
from s2mock.api.requests import Asking, S2Request, Wanted
from s2mock.api.responses import S2Response, json_response, protobuf_response
from s2mock.api.wire import json_records, proto_records
from s2mock.registry.appending import Append, OpenAppendSession
from s2mock.registry.records import AppendAck


def append(request: S2Request) -> Asking[Wanted]:
    """Append one batch (§3), or open an append session (§6.4)."""
    basin, name = request.basin, request.stream_name
    key, config = encryption_key(request), config_of_new_stream(request)
    content_type = media_type(request.environ.get("CONTENT_TYPE"))
    if content_type == S2S:
        return OpenAppendSession(basin, name, key=key, config=config), open_append_session
    form = None if content_type in PROTOBUF else json_format(request)
    batch = yield from protobuf_batch(request) if form is None else json_batch(request, form)
    return Append(basin, name, batch, key=key, config=config), _acknowledged


def _acknowledged(request: S2Request, ack: AppendAck) -> S2Response:
    if media_type(request.environ.get("HTTP_ACCEPT")) in PROTOBUF:
        return protobuf_response(proto_records.ack_to_proto(ack))
    return json_response(200, json_records.ack_to_json(ack))
