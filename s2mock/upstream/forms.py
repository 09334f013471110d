"""The forms of sessions through an upstream: its bytes as they are, and what faults add to them."""

from s2mock.api.records.session_forms import EventForm, FrameForm
from s2mock.api.session import Piece
from s2mock.api.wire.frames import advise_reconnect
from s2mock.api.wire.json_records import Format
from s2mock.api.wire.sse import EventId
from s2mock.registry.values.errors import S2Error


class _SentEnds:
    """The ends of a session that the upstream has sent, in its own bytes."""

    sent_error: bytes | None = None
    """The bytes of the error with which the upstream ends the session."""

    def encode_end(self) -> bytes:
        """Return nothing: the upstream has sent the bytes of its end."""
        return b""


class UpstreamFrames(_SentEnds, FrameForm):
    """S2S frames; `coding` is for those that a fault has changed."""

    def encode(self, piece: Piece, *, advises_reconnect: bool = False) -> bytes:
        """Return the frame of a piece, as the upstream has sent it if it is known."""
        if piece.data is None:
            return super().encode(piece, advises_reconnect=advises_reconnect)
        return advise_reconnect(piece.data) if advises_reconnect else piece.data

    def encode_error(self, error: S2Error) -> bytes:
        """Return the terminal frame of the error, as the upstream has sent it if it has."""
        sent, self.sent_error = self.sent_error, None
        return super().encode_error(error) if sent is None else sent


class UpstreamEvents(_SentEnds, EventForm):
    """Server-sent events, with records in that format, after the event `had`."""

    def __init__(self, record_format: Format, had: EventId) -> None:
        super().__init__(record_format, had)
        self.format: Format = record_format

    def begin_after(self, event: EventId) -> None:
        """Count on from that event, where a fault changes the next."""
        _, self._count, self._size = event

    def encode(self, piece: Piece, *, advises_reconnect: bool = False) -> bytes:
        """Return the event of a piece, as the upstream has sent it if it is known."""
        if piece.data is not None and not advises_reconnect:
            return piece.data
        return super().encode(piece, advises_reconnect=advises_reconnect)

    def encode_error(self, error: S2Error) -> bytes:
        """Return the event of the error, as the upstream has sent it if it has."""
        sent, self.sent_error = self.sent_error, None
        return super().encode_error(error) if sent is None else sent
