"""Read one batch, or open a read session, in the form that the request accepts.

Sources: reference: data_plane §1 (common rules), §4 (read).
"""

from functools import partial

from s2mock.api.query import parse_query
from s2mock.api.records.headers import (
    EVENT_STREAM,
    PROTOBUF,
    S2S,
    config_of_new_stream,
    encryption_key,
    json_format,
    last_event_id,
    media_type,
)
from s2mock.api.records.limits import END, START, read_request
from s2mock.api.records.read_sessions import open_events, open_frames
from s2mock.api.requests import HandlerResult, S2Request
from s2mock.api.responses import BatchRead, S2Response, protobuf_response, text_response
from s2mock.api.wire import json_records, proto_records
from s2mock.registry.log.batch import Batch
from s2mock.registry.rules.read import Read


def read(request: S2Request) -> HandlerResult:
    """Read one batch (§4), or open a read session: in events (§5), in frames (§6.5)."""
    basin, name = request.basin, request.stream_name
    start = parse_query(request.raw_query, START)
    end = parse_query(request.raw_query, END)
    key, config = encryption_key(request), config_of_new_stream(request)
    in_frames = media_type(request.environ.get("CONTENT_TYPE")) == S2S
    form = "raw" if in_frames else json_format(request)
    in_events = not in_frames and media_type(request.environ.get("HTTP_ACCEPT")) == EVENT_STREAM
    had = last_event_id(request) if in_events else None
    is_session = in_frames or in_events
    wanted = read_request(start, end, had, is_session=is_session)
    operation = Read(
        basin,
        name,
        wanted,
        key=key,
        config=config,
        is_session=is_session,
    )
    if in_frames:
        return operation, open_frames
    return operation, partial(open_events, form, had) if in_events else partial(_answer, form)


def _answer(form: json_records.Format, request: S2Request, batch: Batch) -> S2Response:
    if media_type(request.environ.get("HTTP_ACCEPT")) in PROTOBUF:
        encode = proto_records.batch_to_proto
        response = protobuf_response(encode(batch))
    else:
        encode = partial(_json, form)
        response = text_response(200, json_records.batch_to_json(batch, form))
    response.read = BatchRead(batch, encode)
    return response


def _json(form: json_records.Format, batch: Batch) -> bytes:
    return json_records.batch_to_json(batch, form).encode()
