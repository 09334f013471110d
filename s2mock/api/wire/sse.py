"""Server-sent events of a read. Source: reference: data_plane §5."""

from typing import NamedTuple, Self

from s2mock.api.query import unsigned

DONE = b"data: [DONE]\n\n"

_read_integer = unsigned(64)


class EventId(NamedTuple):
    """How far a reader has come: the last record, and how much it has been given."""

    seq_num: int
    records: int
    metered_bytes: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id in a `Last-Event-ID` header. Raises `ValueError`."""
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


def event(name: str, data: str, event_id: EventId | None = None) -> bytes:
    """One event; its data is JSON, whose dialect here has no line breaks."""
    lines = [f"event: {name}"]
    if event_id is not None:
        lines.append(f"id: {event_id}")
    lines.append(f"data: {data}\n\n")
    return "\n".join(lines).encode()
