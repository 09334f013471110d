"""The calls on the records of one stream, each a method that sends one request."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from s2mock.api.wire.messages import AppendAck, AppendInput, ReadBatch
from s2mock.contract.client import Answer, Client, segment
from s2mock.contract.sessions import Frame, Session

# A record as JSON; a string is a record with that body.
JsonRecord = Mapping[str, Any] | str

PROTOBUF = "application/protobuf"


def fence(token: str) -> dict[str, Any]:
    """Return a fence command as a raw JSON record."""
    return {"headers": [["", "fence"]], "body": token}


def trim(seq_num: int) -> dict[str, Any]:
    """Return a trim command as a raw JSON record; `seq_num` must be below 128, for ASCII."""
    assert seq_num < 0x80
    return {"headers": [["", "trim"]], "body": seq_num.to_bytes(8, "big").decode()}


def metered(record: JsonRecord) -> int:
    """Return the metered size of a raw JSON record in bytes. Source: reference: data_plane §1.7."""
    fields = {"body": record} if isinstance(record, str) else record
    headers = fields.get("headers", ())
    strings = [*(text for header in headers for text in header), fields.get("body", "")]
    return 8 + 2 * len(headers) + sum(len(text.encode()) for text in strings)


def append_input(*bodies: bytes, **conditions: Any) -> Any:
    """Return an AppendInput message of records with these bodies."""
    message = AppendInput(**conditions)
    for body in bodies:
        message.records.add(body=body)
    return message


def frame(message: Any) -> bytes:
    """Return a protobuf message in an uncompressed S2S frame."""
    return Frame(0, message.SerializeToString()).encode()


class Stream:
    """A client of one stream of a basin."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self.path: str = f"/v1/streams/{segment(name)}/records"

    # One call, one answer.

    def tail(self, *, headers: Mapping[str, str | None] | None = None) -> Answer:
        """Request the tail of the stream."""
        return self.client.request("GET", f"{self.path}/tail", headers=headers)

    def append(
        self,
        *records: JsonRecord,
        headers: Mapping[str, str | None] | None = None,
        **conditions: Any,
    ) -> Answer:
        """Append records as JSON, with `match_seq_num` and `fencing_token` as conditions."""
        document = {"records": [_record(record) for record in records], **conditions}
        return self.client.request("POST", self.path, document, headers=headers)

    def append_bytes(
        self,
        body: bytes,
        content_type: str | None = "application/json",
        *,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Append with this request body, valid or not."""
        fields = {"content-type": content_type, **(headers or {})}
        return self.client.request("POST", self.path, body=body, headers=fields)

    def append_protobuf(
        self, message: Any, *, headers: Mapping[str, str | None] | None = None
    ) -> Answer:
        """Append an AppendInput as protobuf, and accept protobuf."""
        fields = {"accept": PROTOBUF, **(headers or {})}
        return self.append_bytes(message.SerializeToString(), PROTOBUF, headers=fields)

    def read(self, *, headers: Mapping[str, str | None] | None = None, **query: Any) -> Answer:
        """Read in JSON, unless the headers ask for another form."""
        return self.client.request("GET", self.target(**query), headers=headers)

    # The same calls, which fail unless they succeed.

    def append_ok(self, *records: JsonRecord, **options: Any) -> dict[str, Any]:
        """Append records as JSON, and return the ack."""
        answer = self.append(*records, **options)
        assert answer.status == 200, answer
        ack: dict[str, Any] = answer.json
        return ack

    def tail_ok(self) -> dict[str, int]:
        """Return the tail of the stream."""
        answer = self.tail()
        assert answer.status == 200, answer
        tail: dict[str, int] = answer.json["tail"]
        return tail

    def read_ok(self, **options: Any) -> list[dict[str, Any]]:
        """Read in JSON, and return the records."""
        answer = self.read(**options)
        assert answer.status == 200, answer
        records: list[dict[str, Any]] = answer.json["records"]
        return records

    def bodies(self, **options: Any) -> list[str]:
        """Read in JSON, and return the bodies of the records."""
        return [record.get("body", "") for record in self.read_ok(**options)]

    def seq_nums(self, **options: Any) -> list[int]:
        """Read in JSON, and return the sequence numbers of the records."""
        return [record["seq_num"] for record in self.read_ok(**options)]

    # Sessions.

    def append_session(
        self, *, headers: Mapping[str, str] | None = None, timeout: float = 10.0
    ) -> Session:
        """Open an S2S append session."""
        fields = {"content-type": "s2s/proto", **(headers or {})}
        return Session(
            self.client, "POST", self.path, headers=fields, body_open=True, timeout=timeout
        )

    def read_session(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        receive_buffer: int | None = None,
        **query: Any,
    ) -> Session:
        """Open an S2S read session."""
        fields = {"content-type": "s2s/proto", **(headers or {})}
        return Session(
            self.client,
            "GET",
            self.target(**query),
            headers=fields,
            timeout=timeout,
            receive_buffer=receive_buffer,
        )

    def sse(
        self, *, headers: Mapping[str, str] | None = None, timeout: float = 10.0, **query: Any
    ) -> Session:
        """Open an SSE read."""
        fields = {"accept": "text/event-stream", **(headers or {})}
        target = self.target(**query)
        return Session(self.client, "GET", target, headers=fields, timeout=timeout)

    def poll(
        self, *, headers: Mapping[str, str] | None = None, timeout: float = 10.0, **query: Any
    ) -> Session:
        """Send a unary read, whose answer is read later."""
        target = self.target(**query)
        return Session(self.client, "GET", target, headers=headers, timeout=timeout)

    def target(self, **query: Any) -> str:
        """Return path and query of a read, with booleans as S2 writes them."""
        spelled = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in query.items()
        }
        return self.path + (f"?{urlencode(spelled, quote_via=quote)}" if spelled else "")

    # The stream itself.

    def config(self) -> Answer:
        """Return the configuration of the stream, from the control plane."""
        return self.client.request("GET", f"/v1/streams/{segment(self.name)}")

    def reconfigure(self, **config: Any) -> None:
        """Send a change of the configuration."""
        answer = self.client.request("PATCH", f"/v1/streams/{segment(self.name)}", config)
        assert answer.status == 200, answer

    def delete(self) -> Answer:
        """Send the deletion of the stream."""
        return self.client.request("DELETE", f"/v1/streams/{segment(self.name)}")

    def info(self) -> dict[str, Any] | None:
        """Return the entry of the stream in the listing, or None."""
        answer = self.client.request("GET", f"/v1/streams?prefix={segment(self.name)}")
        assert answer.status == 200, answer
        listed = {info["name"]: info for info in answer.json["streams"]}
        return listed.get(self.name)


def create_stream(client: Client, name: str = "stream", **config: Any) -> Stream:
    """Create a stream with this configuration."""
    answer = client.request("POST", "/v1/streams", {"stream": name, "config": config})
    assert answer.status == 201, answer
    return Stream(client, name)


def acks(session: Session, count: int) -> list[tuple[int, int]]:
    """Yield the next acks of an append session: first and last plus one of the sequence numbers."""
    received = [next(session.frames()).message(AppendAck) for _ in range(count)]
    return [(ack.start.seq_num, ack.end.seq_num) for ack in received]


def batch(session: Session) -> Any:
    """Return the next ReadBatch of an S2S read that has records, after any heartbeats."""
    for received in session.frames():
        message = received.message(ReadBatch)
        if message.records:
            return message
    raise AssertionError("the session ended without another batch")


def heartbeat(session: Session) -> dict[str, int]:
    """Return the tail in the next frame, which must be a heartbeat: no records, a tail."""
    message = next(session.frames()).message(ReadBatch)
    assert not message.records, message
    assert message.HasField("tail")
    return position(message.tail)


def position(message: Any) -> dict[str, int]:
    """Return a StreamPosition as a JSON document."""
    return {"seq_num": message.seq_num, "timestamp": message.timestamp}


def seq_nums(message: Any) -> list[int]:
    """Return the sequence numbers in a ReadBatch."""
    return [record.seq_num for record in message.records]


def _record(record: JsonRecord) -> Mapping[str, Any]:
    return {"body": record} if isinstance(record, str) else record
