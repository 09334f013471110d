"""An append and a read in each form of the protocol, with results in one type."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from s2mock.api.wire.messages import AppendAck, AppendInput, ReadBatch
from s2mock.contract.client import Answer
from s2mock.contract.records import PROTOBUF, Stream, frame
from s2mock.contract.sessions import Session

APPEND_FORMS = ("json", "json-base64", "protobuf", "s2s")
READ_FORMS = ("json", "json-base64", "protobuf", "sse", "sse-base64", "s2s")
# The forms in which the answer begins before the stream has more records.
UNARY_FORMS = ("json", "json-base64", "protobuf")
STREAMING_FORMS = ("sse", "sse-base64", "s2s")


class Record(NamedTuple):
    """The headers and the body of a record, in bytes."""

    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    timestamp: int | None = None


class Read(NamedTuple):
    """A record that was read, with its position."""

    seq_num: int
    timestamp: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Refused(Exception):
    """A refused call: HTTP status, or that of a terminal frame or event, and the body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def append_in(
    form: str,
    stream: Stream,
    *records: Record,
    headers: Mapping[str, str] | None = None,
    **conditions: Any,
) -> tuple[int, int]:
    """Append in that form.

    Return the first and last plus one of the sequence numbers. Raises `Refused`.
    """
    fields = dict(headers or {})
    if form in ("json", "json-base64"):
        if form == "json-base64":
            fields["s2-format"] = "base64"
        document = [_as_json(record, form) for record in records]
        answer = _good(stream.append(*document, headers=fields, **conditions))
        return answer.json["start"]["seq_num"], answer.json["end"]["seq_num"]
    message = _as_message(records, conditions)
    if form == "protobuf":
        answer = _good(stream.append_protobuf(message, headers=fields))
        ack = AppendAck.FromString(answer.body)
        return ack.start.seq_num, ack.end.seq_num
    with stream.append_session(headers=fields) as session:
        if session.status != 200:
            _good(session.answer())
        session.send(frame(message))
        session.half_close()
        (received,) = session.frames()
    if received.terminal:
        raise Refused(received.status, received.error)
    ack = received.message(AppendAck)
    return ack.start.seq_num, ack.end.seq_num


def read_in(
    form: str, stream: Stream, *, headers: Mapping[str, str] | None = None, **query: Any
) -> list[Read]:
    """Read in that form, to the end of the answer. Raises `Refused`.

    A read in a streaming form must be bounded or have a `wait`, or it never ends.
    """
    fields = dict(headers or {})
    if form.endswith("base64"):
        fields["s2-format"] = "base64"
    if form.startswith("json"):
        answer = _good(stream.read(headers=fields, **query))
        return [_from_json(record, form) for record in answer.json["records"]]
    if form == "protobuf":
        answer = _good(stream.read(headers={"accept": PROTOBUF, **fields}, **query))
        return _from_message(ReadBatch.FromString(answer.body))
    opened = stream.read_session if form == "s2s" else stream.sse
    with opened(headers=fields, **query) as session:
        if session.status != 200:
            _good(session.answer())
        if form == "s2s":
            return _from_frames(session)
        return _from_events(session, form)


def _good(answer: Answer) -> Answer:
    if answer.status != 200:
        raise Refused(answer.status, answer.json)
    return answer


def _from_frames(session: Session) -> list[Read]:
    records = []
    for received in session.frames():
        if received.terminal:
            raise Refused(received.status, received.error)
        records += _from_message(received.message(ReadBatch))
    return records


def _from_events(session: Session, form: str) -> list[Read]:
    records = []
    done = False
    for event in session.events():
        assert not done, f"an event after the last one: {event}"
        if event.name == "error":
            raise Refused(200, event.json)
        if event.name == "batch":
            records += [_from_json(record, form) for record in event.json["records"]]
        done = event.lines == ("data: [DONE]",)
    assert done, "the body ended without [DONE]"
    return records


def _as_json(record: Record, form: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "headers": [[_text(name, form), _text(value, form)] for name, value in record.headers],
        "body": _text(record.body, form),
    }
    return document | ({} if record.timestamp is None else {"timestamp": record.timestamp})


def _from_json(record: Mapping[str, Any], form: str) -> Read:
    headers = tuple(
        (_bytes(name, form), _bytes(value, form)) for name, value in record.get("headers", ())
    )
    body = _bytes(record.get("body", ""), form)
    return Read(record["seq_num"], record["timestamp"], headers, body)


def _text(data: bytes, form: str) -> str:
    return base64.b64encode(data).decode() if form.endswith("base64") else data.decode()


def _bytes(text: str, form: str) -> bytes:
    return base64.b64decode(text, validate=True) if form.endswith("base64") else text.encode()


def _as_message(records: Sequence[Record], conditions: Mapping[str, Any]) -> Any:
    message = AppendInput(**conditions)
    for record in records:
        added = message.records.add(body=record.body)
        for name, value in record.headers:
            added.headers.add(name=name, value=value)
        if record.timestamp is not None:
            added.timestamp = record.timestamp
    return message


def _from_message(message: Any) -> list[Read]:
    return [
        Read(
            record.seq_num,
            record.timestamp,
            tuple((header.name, header.value) for header in record.headers),
            record.body,
        )
        for record in message.records
    ]
