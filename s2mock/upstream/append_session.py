"""Append sessions through an upstream: each batch passes its points, and goes on as it came."""

from collections import deque
from typing import Final

from s2mock.api.inflater import Inflater, inflater
from s2mock.api.requests import RequestCall, S2Request
from s2mock.api.session import Acknowledged, Pieces
from s2mock.api.wire.frames import FrameSplitter, decode_frame
from s2mock.api.wire.proto_records import ack_from_proto, append_input
from s2mock.registry.rules.append import Append, OpenAppendSession
from s2mock.registry.values.errors import BadFrame, BadProto, S2Error
from s2mock.runtime.conversation import READ, CloseAfterResponse, Outlast
from s2mock.upstream.dialog import Dialog
from s2mock.upstream.duplex import Duplex, Inbound, Until
from s2mock.upstream.engine import UpstreamEngine
from s2mock.upstream.exchange import ResponseEnd
from s2mock.upstream.forms import UpstreamFrames
from s2mock.upstream.read_session import terminal_error
from s2mock.upstream.results import appended

# Batches, and the bytes of their payloads, that may be forwarded and not answered: each is kept
# until it is. Beyond them the client waits, as it does at s2-lite beyond 128 MiB.
_MAX_BATCHES: Final = 100_000
_MAX_BYTES: Final = 128 * 1024 * 1024


class AppendSession:
    """The batches of one append session, from the client to the upstream and back.

    While the mock has faults, holds or hooks, a batch is forwarded when the one before it was
    answered, as S2 takes them; otherwise as many as the client sends.
    """

    def __init__(
        self, request: S2Request, dialog: Dialog, form: UpstreamFrames, engine: UpstreamEngine
    ) -> None:
        assert request.call is not None
        self._request: Final = request
        self._dialog = dialog
        self._exchange = dialog.exchange
        self._form = form
        self._engine = engine
        opening = request.call.operation
        assert isinstance(opening, OpenAppendSession)
        self._opening = opening
        self._body: Inflater = inflater(request.environ.get("HTTP_CONTENT_ENCODING", "identity"))
        # A body with a coding is forwarded as it came, unless its batches may be faulted.
        is_coded = request.environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity"
        self._is_forwarded_whole = is_coded and not engine.observers
        self._splitter = FrameSplitter()
        self._unsent: list[bytes] = []
        # Batches that were forwarded and not answered, and the one that waits at its arrival.
        self._forwarded: deque[RequestCall] = deque()
        self._arriving: RequestCall | None = None
        self._forwarded_bytes = 0

    def pieces(self) -> Pieces:
        """Yield an acknowledgement for each batch. Raises the error that ends the session."""
        # Batches that were received are forwarded and answered, also if their client leaves.
        self._request.has_left = yield Outlast(self._is_under_way)
        duplex = Duplex(self._forward_all(), self._answer_all())
        yield from duplex.pieces()

    def _is_under_way(self) -> bool:
        """True if a batch was received, or may be in what was, and has not been decided."""
        is_waiting = any(not call.is_decided for call in self._forwarded)
        is_waiting |= self._arriving is not None and not self._arriving.is_decided
        return is_waiting or self._splitter.has_frame or self._body.has_more

    def _note_batch(self) -> None:
        """Tell the recorder which batch an exception would concern."""
        first = self._forwarded[0] if self._forwarded else None
        self._request.batch = first or self._arriving

    # From the client to the upstream.

    def _forward_all(self) -> Inbound:
        try:
            while data := (yield READ):
                yield from self._forward(data)
                if not self._has_room():
                    yield Until(self._has_room)
        except ConnectionAbortedError:
            if self._forwarded:
                # What was received is answered before the upstream sees that the client has left.
                yield Until(self._is_all_answered)
            self._exchange.break_off()
            return
        if not self._is_forwarded_whole and self._splitter.rest:
            # A part of a frame, which the upstream is to refuse.
            self._exchange.send(bytes(self._splitter.rest))
        self._exchange.finish()

    def _forward(self, data: bytes) -> Inbound:
        """Forward the batches that the bytes complete."""
        if self._is_forwarded_whole:
            self._exchange.send(data)
        try:
            for piece in self._body.feed(data):
                for frame in self._splitter.feed(piece):
                    yield from self._forward_batch(frame)
                if self._body.has_more:
                    yield b""
        except BadFrame:
            # The upstream is to refuse it, and all that follows.
            self._add(bytes(self._splitter.rest))
            self._splitter.rest.clear()
            self._flush()
            while data := (yield READ):
                self._exchange.send(data)
                if not self._has_room():
                    yield Until(self._has_room)
        self._flush()

    def _forward_batch(self, frame: bytes) -> Inbound:
        call = self._call_of(frame)
        if call is None:
            self._add(frame)
            return
        if self._is_forwarded_whole or not self._engine.observers:
            self._send(call, frame)
            return
        self._arriving = call
        self._flush()
        if self._forwarded:
            yield Until(self._is_all_answered)
        self._note_batch()
        yield from self._engine.arrive(call)
        self._arriving = None
        self._send(call, frame)
        self._flush()
        yield Until(self._is_all_answered)

    def _send(self, call: RequestCall, frame: bytes) -> None:
        self._forwarded.append(call)
        self._forwarded_bytes += len(call.payload or b"")
        self._note_batch()
        self._add(frame)

    def _add(self, data: bytes) -> None:
        """Send bytes with the next `_flush`, unless the body is forwarded as it came."""
        if not self._is_forwarded_whole:
            self._unsent.append(data)

    def _flush(self) -> None:
        """Send the batches that were received together in one piece, as they came."""
        if self._unsent:
            data, self._unsent = b"".join(self._unsent), []
            self._exchange.send(data)

    def _call_of(self, frame: bytes) -> RequestCall | None:
        """Return the call of a batch; None for a frame that the upstream is to refuse."""
        try:
            decoded = decode_frame(frame)
            if decoded.terminal:
                return None
            batch = append_input(decoded.payload)
        except (BadFrame, BadProto, S2Error):
            return None
        opening = self._opening
        operation = Append(
            str(opening.basin), str(opening.stream), batch, key=opening.key, config=opening.config
        )
        return self._request.make_batch_call(operation, decoded.payload)

    def _has_room(self) -> bool:
        """True if the upstream takes, and answers, what was forwarded."""
        is_behind = len(self._forwarded) >= _MAX_BATCHES or self._forwarded_bytes >= _MAX_BYTES
        return self._exchange.has_room and not is_behind

    def _is_all_answered(self) -> bool:
        return not self._forwarded

    # From the upstream to the client.

    def _answer_all(self) -> Pieces:
        splitter = FrameSplitter()
        while True:
            while (event := self._exchange.take()) is None:
                yield self._exchange
            part = self._dialog.checked(event)
            if isinstance(part, ResponseEnd):
                break
            assert isinstance(part, bytes), "a response has one head"
            frames, is_whole = _frames(splitter, part)
            for frame in frames:
                yield from self._answer(frame)
            if not is_whole:
                # As it came: what s2mock does not understand, a newer client may.
                yield bytes(splitter.rest)
                splitter.rest.clear()
        if splitter.rest:
            yield bytes(splitter.rest)
        if part.closes:
            yield CloseAfterResponse()

    def _answer(self, frame: bytes) -> Pieces:
        """Pass on a frame of the upstream: to which batch it belongs, its order says."""
        call = self._forwarded[0] if self._forwarded else None
        try:
            decoded = decode_frame(frame)
        except BadFrame:
            yield frame
            return
        if decoded.terminal:
            error = terminal_error(decoded.payload)
            if call is not None:
                yield from self._engine.refuse(call, error)
            self._form.sent_error = frame
            raise error
        try:
            ack = ack_from_proto(decoded.payload)
        except ValueError:
            ack = None
        if call is None or ack is None:
            yield frame
            return
        self._engine.apply(call, appended(ack))
        self._engine.note_tail(call.operation, ack.tail.seq_num)
        if self._engine.observers:
            yield from self._engine.pass_point("answer", call)
        self._forwarded.popleft()
        self._forwarded_bytes -= len(call.payload or b"")
        self._note_batch()
        yield Acknowledged(call, decoded.payload, frame)


def _frames(splitter: FrameSplitter, data: bytes) -> tuple[list[bytes], bool]:
    """Return the frames that the bytes complete, and False if what follows is no frame."""
    frames: list[bytes] = []
    try:
        frames.extend(splitter.feed(data))
    except BadFrame:
        return frames, False
    return frames, True
