"""Records as JSON for a person, from the log or from an append in the journal."""

from collections.abc import Iterator
from typing import Any, Final

from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import bytes_to_json
from s2mock.registry.log.log import LogState
from s2mock.registry.values.records import Record, asked_trim_point

# The part of a body that is shown.
_SHOWN_BYTES: Final = 2000


def records_of(log: LogState, low: int, high: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the records from sequence number `low` to before `high`, as JSON."""
    for span in log.spans(low, high):
        for seq_num, timestamp, record in span.rows:
            yield seq_num, record_to_json(timestamp, record)


def appended_records(exchange: Exchange) -> list[dict[str, Any]]:
    """Return the records of an append as JSON, with the times that its acknowledgement has."""
    document = exchange.request.document
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list) or not records:
        return []
    ack = None if exchange.response is None else exchange.response.document
    start, end = (_timestamp(ack, name) for name in ("start", "end"))
    times = [start if start == end else None] * len(records)
    times[0], times[-1] = start, end
    return [_from_document(*pair) for pair in zip(records, times, strict=True)]


def _timestamp(ack: Any, name: str) -> int | None:
    position = ack.get(name) if isinstance(ack, dict) else None
    return position.get("timestamp") if isinstance(position, dict) else None


def _from_document(record: dict[str, Any], timestamp: int | None) -> dict[str, Any]:
    pairs = record.get("headers", ())
    headers = [(_bytes(name), _bytes(value)) for name, value in pairs]
    return record_to_json(timestamp, Record(_bytes(record.get("body", "")), headers))


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def record_to_json(timestamp: int | None, record: Record) -> dict[str, Any]:
    """Return a record as JSON; `value` is the argument of a command record."""
    value = None
    if record.command is not None:
        is_trim = record.command == "trim"
        value = str(asked_trim_point(record)) if is_trim else record.body.decode()
    return {
        "timestamp": timestamp,
        "headers": [[bytes_to_json(part) for part in pair] for pair in record.headers],
        "body": bytes_to_json(_cut(record.body)),
        "bytes": len(record.body),
        "command": record.command,
        "value": value,
    }


def _cut(body: bytes) -> bytes:
    """Return the part of a body that is shown; it does not end within a character."""
    if len(body) <= _SHOWN_BYTES:
        return body
    end = _SHOWN_BYTES
    while end > _SHOWN_BYTES - 4 and body[end] & 0xC0 == 0x80:
        end -= 1
    return body[:end]
