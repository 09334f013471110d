"""`/v1/streams/{stream}/records`: append, read and tail of a stream.

Sources: reference: data_plane §1 (common rules), §3 (append), §4 (read).
"""

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import unquote

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
from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response, json_response
from s2mock.api.routing import Route
from s2mock.api.sessions import append_frames, read_events, read_frames, session_response
from s2mock.api.wire import json_records, proto_records
from s2mock.api.wire.json_records import position_to_json
from s2mock.api.wire.sse import EventId
from s2mock.registry.config import U64_MAX, StreamConfig
from s2mock.registry.encryption import key_digest
from s2mock.registry.errors import Invalid
from s2mock.registry.names import BasinName, StreamName
from s2mock.registry.reading import Batch, ReadRequest, ReadSession
from s2mock.registry.records import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, SequencedRecord
from s2mock.registry.stream import Stream

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_MAX_UNARY_WAIT_SECONDS = 60

_u32, _u64 = unsigned(32), unsigned(64)
_START = {"seq_num": _u64, "timestamp": _u64, "tail_offset": _u64, "clamp": flag}
_END = {"count": _u64, "bytes": _u64, "until": _u64, "wait": _u32}


def may_block(environ: "WSGIEnvironment", path: str) -> bool:
    """Whether the request may take as long as it likes, and needs a thread of its own."""
    return path.endswith("/records") and (
        media_type(environ.get("CONTENT_TYPE")) == S2S
        or media_type(environ.get("HTTP_ACCEPT")) == EVENT_STREAM
        or "wait" in unquote(environ.get("QUERY_STRING", ""))
    )


def check_tail(request: S2Request) -> S2Response:
    """Where the next record will be (§1.8)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    stream = request.account.open_stream(basin, name, create_on="read")
    return json_response(200, {"tail": position_to_json(stream.tail)})


def append(request: S2Request) -> S2Response:
    """Append one batch, or open an append session (§3, §6.4)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    target = _Target(basin, name, encryption_key(request), config_of_new_stream(request))
    content_type = media_type(request.environ.get("CONTENT_TYPE"))
    if content_type == S2S:
        stream, digest = target.open(request, "append")
        coding = frame_coding(request.accept_encodings)
        source = request.environ["wsgi.input"]
        frames = append_frames(stream, digest, getattr(source, "read1", source.read), coding)
        return session_response(frames, S2S)
    if content_type in PROTOBUF:
        batch = proto_records.append_input(request.body(proto_records.BadProto))
    else:
        form = json_format(request)
        batch = json_records.append_input(request.json_body("append_input"), form)
    stream, digest = target.open(request, "append")
    ack = stream.write(batch, digest)
    if media_type(request.environ.get("HTTP_ACCEPT")) in PROTOBUF:
        return _protobuf_response(proto_records.ack_to_proto(ack))
    return json_response(200, json_records.ack_to_json(ack))


def read(request: S2Request) -> S2Response:
    """Read one batch, or open a read session, in whichever form is asked for (§4, §5, §6.5)."""
    basin, name = request.basin, request.path_name("stream", StreamName)
    start = parse_query(request.raw_query, _START)
    end = parse_query(request.raw_query, _END)
    target = _Target(basin, name, encryption_key(request), config_of_new_stream(request))
    accept = media_type(request.environ.get("HTTP_ACCEPT"))
    if media_type(request.environ.get("CONTENT_TYPE")) == S2S:
        session = target.read(request, _read_request(start, end), tell_tail=True)
        return session_response(read_frames(session, frame_coding(request.accept_encodings)), S2S)
    form = json_format(request)
    if accept == EVENT_STREAM:
        resumed = last_event_id(request)
        session = target.read(request, _resume(_read_request(start, end), resumed), tell_tail=True)
        delivered = resumed or EventId(0, 0, 0)
        events = read_events(session, form, request.account.clock, delivered)
        return session_response(events, EVENT_STREAM)
    batch = _fold(target.read(request, _bounded(_read_request(start, end))))
    if accept in PROTOBUF:
        return _protobuf_response(proto_records.batch_to_proto(batch))
    text = json_records.batch_to_json(batch, form)
    return S2Response(text.encode(), 200, {"content-type": "application/json"})


class _Target(NamedTuple):
    """The stream that a request names, and what it says for opening it."""

    basin: BasinName
    stream: StreamName
    key: str | None
    config: StreamConfig

    def open(
        self, request: S2Request, operation: Literal["append", "read"]
    ) -> tuple[Stream, bytes | None]:
        """The stream, created if need be, and the digest of the key."""
        stream = request.account.open_stream(
            self.basin, self.stream, create_on=operation, config=self.config
        )
        return stream, key_digest(stream.cipher, self.key)

    def read(
        self, request: S2Request, wanted: ReadRequest, *, tell_tail: bool = False
    ) -> ReadSession:
        """A read that has begun."""
        if wanted.kind == "timestamp" and wanted.until is not None and wanted.start >= wanted.until:
            raise Invalid("start `timestamp` exceeds or equal to `until`")
        stream, digest = self.open(request, "read")
        session = ReadSession(stream, wanted, digest, tell_tail=tell_tail)
        # The server calls back when the client has gone, and a blocked reader is released.
        request.environ.get("s2mock.on_hangup", lambda _: None)(session.cancel)
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


def _fold(session: ReadSession) -> Batch:
    """What a session has to say at once, or, if that is nothing yet, what it says first (§4.5)."""
    records: tuple[SequencedRecord, ...] = ()
    tail, waiting = None, False
    with closing(session.__iter__()) as batches:
        for batch in batches:
            if not batch.records:
                if records:
                    break
                waiting = True
                continue
            records, tail = records + batch.records, batch.tail
            if waiting:
                break
    return Batch(records, tail)


def _protobuf_response(data: bytes) -> S2Response:
    return S2Response(data, 200, {"content-type": PROTOBUF[0]})


ROUTES = [
    Route("/v1/streams/<stream>/records", {"GET": read, "POST": append}),
    Route("/v1/streams/<stream>/records/tail", {"GET": check_tail}),
]
