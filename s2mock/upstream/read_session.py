"""Read sessions through an upstream: its frames or events, understood as batches."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from s2mock.api.session import Delivered, Pieces
from s2mock.api.wire.frames import FrameSplitter, decode_frame
from s2mock.api.wire.sse import EventId
from s2mock.registry.log.batch import Batch
from s2mock.registry.values.errors import BadFrame, S2Error
from s2mock.registry.values.positions import StreamPosition
from s2mock.runtime.conversation import CloseAfterResponse
from s2mock.upstream.dialog import Dialog
from s2mock.upstream.errors import answered_error
from s2mock.upstream.exchange import ResponseEnd
from s2mock.upstream.forms import UpstreamEvents, UpstreamFrames
from s2mock.upstream.results import batch_in_json, batch_in_message

_MILLISECOND: Final = 1_000_000
_STATUS_BYTES: Final = 2
# The records of a batch have 1 MiB at most, before they are written as JSON.
_MAX_EVENT_BYTES: Final = 8 * 1024 * 1024


class _Ended(Exception):
    """The error with which the upstream has ended a session."""

    def __init__(self, error: S2Error, data: bytes) -> None:
        super().__init__("ended")
        self.error = error
        self.data = data


class _Frames:
    """The pieces in S2S frames."""

    def __init__(self) -> None:
        self._splitter = FrameSplitter()
        # A frame that is not understood.
        self._unknown = b""

    def feed(self, data: bytes) -> Iterator[Delivered | bytes]:
        """Yield each batch that the bytes complete. Raises `_Ended`, `BadFrame`."""
        for frame in self._splitter.feed(data):
            try:
                decoded = decode_frame(frame)
            except BadFrame:
                self._unknown = frame
                raise
            if decoded.terminal:
                raise _Ended(terminal_error(decoded.payload), frame)
            batch = batch_in_message(decoded.payload)
            yield frame if batch is None else Delivered(batch, frame)

    def take_rest(self) -> bytes:
        """Return the bytes that are no piece, or none that is understood."""
        rest, self._unknown = self._unknown + bytes(self._splitter.rest), b""
        self._splitter.rest.clear()
        return rest


class _Events:
    """The pieces in server-sent events."""

    def __init__(self, form: UpstreamEvents) -> None:
        self._form = form
        self._rest = bytearray()
        self._last: EventId | None = None

    def feed(self, data: bytes) -> Iterator[Delivered | bytes]:
        """Yield each batch that the bytes complete. Raises `_Ended`, `ValueError`."""
        self._rest += data
        start = 0
        try:
            while (end := self._rest.find(b"\n\n", start)) >= 0:
                piece = self._piece(bytes(self._rest[start : end + 2]))
                start = end + 2
                yield piece
        finally:
            del self._rest[:start]
        if len(self._rest) > _MAX_EVENT_BYTES:
            raise ValueError("no event of S2 is so long")

    def take_rest(self) -> bytes:
        """Return the bytes that are no event, or none that is understood."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _piece(self, text: bytes) -> Delivered | bytes:
        fields = dict(line.partition(b": ")[::2] for line in text.split(b"\n") if line)
        name, data = fields.get(b"event"), fields.get(b"data", b"")
        if name == b"error":
            raise _Ended(answered_error(*_event_error(data)), text)
        batch = None
        if name == b"batch":
            batch = batch_in_json(data, self._form.format)
        elif name == b"ping":
            batch = _heartbeat(data)
        if batch is None:
            return text
        if batch.spans:
            if self._last is not None:
                self._form.begin_after(self._last)
            if (number := fields.get(b"id")) is not None:
                self._last = EventId.parse(number.decode())
        return Delivered(batch, text)


def read_pieces(
    dialog: Dialog,
    form: UpstreamFrames | UpstreamEvents,
    note_tail: Callable[[], object],
) -> Pieces:
    """Yield the pieces of a read session as the upstream sends them. Raises the error of its end.

    `note_tail` is called when the session has reached the tail.
    """
    decoder = _Events(form) if isinstance(form, UpstreamEvents) else _Frames()
    is_understood = True
    while not isinstance(event := (yield from dialog.next_event()), ResponseEnd):
        assert isinstance(event, bytes), "a response has one head"
        if not is_understood:
            yield event
            continue
        try:
            for piece in decoder.feed(event):
                if isinstance(piece, Delivered) and piece.batch.is_at_tail:
                    note_tail()
                yield piece
        except _Ended as ended:
            form.sent_error = ended.data
            raise ended.error from None
        except (BadFrame, ValueError):
            # As it came: what s2mock does not understand, a newer client may.
            is_understood = False
            yield decoder.take_rest()
    if rest := decoder.take_rest():
        yield rest
    if event.closes:
        yield CloseAfterResponse()


def terminal_error(payload: bytes) -> S2Error:
    """Return the error in the payload of a terminal frame."""
    status = int.from_bytes(payload[:_STATUS_BYTES], "big")
    return answered_error(status, _json(payload[_STATUS_BYTES:]))


def _event_error(data: bytes) -> tuple[int, Any]:
    """Return status and document of the event of an error, which has no status of its own."""
    from s2mock.registry.values.codes import CODES

    document = _json(data)
    code = document.get("code") if isinstance(document, dict) else None
    known = CODES.get(code) if isinstance(code, str) else None
    if known is None:
        is_unwritten = isinstance(document, dict) and "tail" in document
        return (416 if is_unwritten else 500), document
    return known.status, document


def _heartbeat(data: bytes) -> Batch | None:
    document = _json(data)
    try:
        return Batch(
            (), StreamPosition(**document["tail"]), at=document["timestamp"] * _MILLISECOND
        )
    except (KeyError, TypeError):
        return None


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
