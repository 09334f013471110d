"""`/v1/streams/{stream}/records`: append, read and tail of a stream.

Sources: reference: data_plane §1 (common rules), §3 (append), §4 (read).
"""

from dataclasses import replace
from typing import Any

from s2mock.api.query import flag, parse_query, unsigned
from s2mock.api.record_headers import (
    EVENT_STREAM,
    PROTOBUF,
    S2S,
    config_of_new_stream,
    encryption_key,
    frame_coding,
    json_format,
    last_event_id,
    media_type,
)
from s2mock.api.requests import HEAVY_BODY_BYTES, Answering, Asking, S2Request
from s2mock.api.responses import S2Response, json_response, text_response
from s2mock.api.sessions import append_session, read_events, read_frames, session_response
from s2mock.api.shaping import bytes_before
from s2mock.api.wire import json_records, proto_records
from s2mock.api.wire.json_records import position_to_json
from s2mock.api.wire.sse import EventId
from s2mock.conversation import Offload
from s2mock.powers.faults import Cut
from s2mock.registry.appending import Append, OpenAppendSession
from s2mock.registry.batch import Batch
from s2mock.registry.config import U64_MAX
from s2mock.registry.errors import BadProto, Invalid
from s2mock.registry.names import StreamName
from s2mock.registry.read_request import ReadRequest
from s2mock.registry.read_session import ReadSession
from s2mock.registry.reading import CheckTail, Read
from s2mock.registry.records import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, AppendInput

_MAX_UNARY_WAIT_SECONDS = 60

_u32, _u64 = unsigned(32), unsigned(64)
_START = {"seq_num": _u64, "timestamp": _u64, "tail_offset": _u64, "clamp": flag}
_END = {"count": _u64, "bytes": _u64, "until": _u64, "wait": _u32}


def check_tail(request: S2Request) -> Answering:
    """Where the next record will be (§1.8)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    tail = yield from request.perform(CheckTail(basin, name))
    return json_response(200, {"tail": position_to_json(tail)})


def append(request: S2Request) -> Answering:
    """Append one batch, or open an append session (§3, §6.4)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    key, config = encryption_key(request), config_of_new_stream(request)
    content_type = media_type(request.environ.get("CONTENT_TYPE"))
    if content_type == S2S:
        opening = OpenAppendSession(basin, name, key=key, config=config)
        target = yield from request.perform(opening)
        coding = frame_coding(request.accept_encodings)
        return session_response(append_session(request, opening, target, coding), S2S)
    batch = yield from _batch(request, content_type)
    ack = yield from request.perform(Append(basin, name, batch, key=key, config=config))
    if media_type(request.environ.get("HTTP_ACCEPT")) in PROTOBUF:
        return _protobuf_response(proto_records.ack_to_proto(ack))
    return json_response(200, json_records.ack_to_json(ack))


def _batch(request: S2Request, content_type: str) -> Asking[AppendInput]:
    if content_type in PROTOBUF:
        body = yield from request.body(BadProto)
        if len(body) > HEAVY_BODY_BYTES:
            batch: AppendInput = yield Offload(lambda: proto_records.append_input(body))
            return batch
        return proto_records.append_input(body)
    form = json_format(request)
    read: AppendInput = yield from request.json_body(
        "append_input", lambda document: json_records.append_input(document, form)
    )
    return read


def read(request: S2Request) -> Answering:
    """Read one batch, or open a read session, in whichever form is asked for (§4, §5, §6.5)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    start = parse_query(request.raw_query, _START)
    end = parse_query(request.raw_query, _END)
    key, config = encryption_key(request), config_of_new_stream(request)
    accept = media_type(request.environ.get("HTTP_ACCEPT"))
    if media_type(request.environ.get("CONTENT_TYPE")) == S2S:
        wanted = _read_request(start, end)
        session = yield from _session(
            request, Read(basin, name, wanted, key=key, config=config, is_session=True)
        )
        frames = read_frames(request, session, frame_coding(request.accept_encodings))
        return session_response(frames, S2S, session.close)
    form = json_format(request)
    if accept == EVENT_STREAM:
        resumed = last_event_id(request)
        wanted = _resume(_read_request(start, end), resumed)
        session = yield from _session(
            request, Read(basin, name, wanted, key=key, config=config, is_session=True)
        )
        delivered = resumed or EventId(0, 0, 0)
        events = read_events(request, session, form, delivered)
        return session_response(events, EVENT_STREAM, session.close)
    operation = Read(basin, name, _bounded(_read_request(start, end)), key=key, config=config)
    operation.request = request
    request.operation = operation
    unary = yield from request.account.begin(operation)
    try:
        batch: Batch = yield from unary.answer()
    except Exception as error:
        operation.error = error
        yield from request.account.finish(operation)
        raise
    yield from request.account.finish(operation)
    if batch.spans:
        request.delivered = (batch.spans[0].first_seq_num, batch.end_seq_num - 1)
    response = _read_response(batch, accept, form)
    cut = operation.fault
    if isinstance(cut, Cut) and cut.records is not None:
        begun = _read_response(batch.first(cut.records), accept, form)
        response.cut_at = bytes_before(response.body, begun.body)
    return response


def _read_response(batch: Batch, accept: str, form: json_records.Format) -> S2Response:
    if accept in PROTOBUF:
        return _protobuf_response(proto_records.batch_to_proto(batch))
    return text_response(200, json_records.batch_to_json(batch, form))


def _session(request: S2Request, operation: Read) -> Asking[ReadSession]:
    operation.request = request
    request.operation = operation
    session: ReadSession = yield from request.account.begin(operation)
    try:
        yield from request.account.finish(operation)
    except BaseException:
        # It follows the stream by now, for an answer that never begins.
        session.close()
        raise
    return session


def _read_request(start: dict[str, Any], end: dict[str, Any]) -> ReadRequest:
    clamp = start.pop("clamp", False)
    if len(start) > 1:
        raise Invalid("only one of seq_num, timestamp, or tail_offset can be provided")
    kind: Any
    [(kind, value)] = start.items() if start else [("tail_offset", 0)]
    return ReadRequest(kind, value, clamp, **end)


def _resume(wanted: ReadRequest, after: EventId | None) -> ReadRequest:
    if after is None:
        return wanted
    return replace(
        wanted,
        kind="seq_num",
        start=min(after.seq_num + 1, U64_MAX),
        count=None if wanted.count is None else max(0, wanted.count - after.records),
        bytes=None if wanted.bytes is None else max(0, wanted.bytes - after.metered_bytes),
    )


def _bounded(wanted: ReadRequest) -> ReadRequest:
    return replace(
        wanted,
        count=min(MAX_BATCH_RECORDS if wanted.count is None else wanted.count, MAX_BATCH_RECORDS),
        bytes=min(MAX_BATCH_BYTES if wanted.bytes is None else wanted.bytes, MAX_BATCH_BYTES),
        wait=None if wanted.wait is None else min(wanted.wait, _MAX_UNARY_WAIT_SECONDS),
    )


def _protobuf_response(data: bytes) -> S2Response:
    return S2Response(200, [("content-type", PROTOBUF[0])], data)
