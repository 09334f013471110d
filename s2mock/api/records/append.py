"""Append one batch, or open a session of appends. Sources: reference: data_plane §1, §3."""

from s2mock.api.records.append_session import open_append_session
from s2mock.api.records.batches import batch_in
from s2mock.api.records.headers import (
    PROTOBUF,
    S2S,
    append_form,
    config_of_new_stream,
    encryption_key,
    media_type,
)
from s2mock.api.requests import Asking, HandlerResult, S2Request
from s2mock.api.responses import S2Response, json_response, protobuf_response
from s2mock.api.wire import json_records, proto_records
from s2mock.registry.rules.append import Append, OpenAppendSession
from s2mock.registry.values.records import AppendAck


def append(request: S2Request) -> Asking[HandlerResult]:
    """Append one batch (§3), or open an append session (§6.4)."""
    basin, name = request.basin, request.stream_name
    key, config = encryption_key(request), config_of_new_stream(request)
    form = append_form(request)
    if form != S2S:
        batch = yield from batch_in(request, form)
        return Append(basin, name, batch, key=key, config=config), _acknowledged
    return OpenAppendSession(basin, name, key=key, config=config), open_append_session


def _acknowledged(request: S2Request, ack: AppendAck) -> S2Response:
    if media_type(request.environ.get("HTTP_ACCEPT")) in PROTOBUF:
        return protobuf_response(proto_records.ack_to_proto(ack))
    return json_response(200, json_records.ack_to_json(ack))
