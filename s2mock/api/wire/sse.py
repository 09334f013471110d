"""The codec of the server-sent events of a read. Source: reference: data_plane §5."""

from typing import NamedTuple, Self

from s2mock.api.query import unsigned

DONE = b"data: [DONE]\n\n"

_read_integer = unsigned(64)


class EventId(NamedTuple):
    """The progress of a reader: the last record, and the number and bytes of records so far."""

    seq_num: int
    records: int
    metered_bytes: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id in a `Last-Event-ID` header. Raises `ValueError`."""
        values, parts = [], text.split(",", 2)
        for index, name in enumerate(("seq_num", "count", "bytes")):
            if index >= len(parts):
                raise ValueError(f"missing {name} in Last-Event-Id")
            try:
                values.append(_read_integer(parts[index]))
            except ValueError as error:
                raise ValueError(f"invalid {name} in Last-Event-ID: {error}") from None
        return cls(*values)

    def __str__(self) -> str:
        return f"{self.seq_num},{self.records},{self.metered_bytes}"


def event(name: str, data: bytes, event_id: EventId | None = None) -> bytes:
    """Return the bytes of one event; `data` is JSON without line breaks."""
    head = f"event: {name}\n" if event_id is None else f"event: {name}\nid: {event_id}\n"
    return b"%bdata: %b\n\n" % (head.encode(), data)
