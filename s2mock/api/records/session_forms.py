"""The forms in which sessions are sent: server-sent events, and S2S frames.

Sources: reference: data_plane §5 (SSE), §6 (S2S).
"""

from typing import Any

from s2mock.api.responses import to_json
from s2mock.api.session import Acknowledged, Piece
from s2mock.api.wire.frames import encode_frame, encode_terminal
from s2mock.api.wire.json_records import Format, batch_to_json, position_to_json
from s2mock.api.wire.proto_records import batch_to_proto
from s2mock.api.wire.sse import DONE, EventId, event
from s2mock.registry.log.batch import Batch
from s2mock.registry.values.errors import S2Error

_MILLISECOND = 1_000_000


class FrameForm:
    """S2S frames, compressed with `coding` if that is not None."""

    can_advise = True

    def __init__(self, coding: str | None) -> None:
        self._coding = coding

    def encode(self, piece: Piece, *, advises_reconnect: bool = False) -> bytes:
        """Return the frame of a piece."""
        coding = self._coding
        if isinstance(piece, Acknowledged):
            return encode_frame(piece.ack, coding, advises_reconnect=advises_reconnect)
        if advises_reconnect:
            return encode_frame(batch_to_proto(piece.batch), coding, advises_reconnect=True)
        return piece.batch.once(
            ("frame", coding), lambda batch: encode_frame(batch_to_proto(batch), coding)
        )

    def encode_error(self, error: S2Error) -> bytes:
        """Return the terminal frame of the error."""
        return encode_terminal(error)

    def encode_end(self) -> bytes:
        """Return nothing: the end of the body is the end of the session."""
        return b""


class EventForm:
    """Server-sent events, with records in that format, after the event `had`."""

    can_advise = False

    def __init__(self, record_format: Format, had: EventId) -> None:
        self._format = record_format
        _, self._count, self._size = had

    def encode(self, piece: Piece, *, advises_reconnect: bool = False) -> bytes:
        """Return the event of a batch or heartbeat."""
        assert not isinstance(piece, Acknowledged), "events are for read sessions"
        assert not advises_reconnect, "no event has the advice to reconnect"
        batch, record_format = piece.batch, self._format
        if not batch.spans:
            return event("ping", to_json(_ping(batch)).encode())
        self._count += batch.count
        self._size += batch.metered_bytes
        data = batch.once(
            ("event", record_format), lambda batch: batch_to_json(batch, record_format).encode()
        )
        return event("batch", data, EventId(batch.end_seq_num - 1, self._count, self._size))

    def encode_error(self, error: S2Error) -> bytes:
        """Return the event of the error."""
        return event("error", to_json(error.body()).encode())

    def encode_end(self) -> bytes:
        """Return the event that says that the read is complete."""
        return DONE


def _ping(batch: Batch) -> dict[str, Any]:
    assert batch.tail is not None
    return {"timestamp": batch.at // _MILLISECOND, "tail": position_to_json(batch.tail)}
