"""The wire of a conversation that goes on after its client has disconnected."""

from contextlib import suppress

from s2mock.runtime.conversation import Head, MutedConnection, Reset
from s2mock.server.wire import Wire


class DeadWire:
    """A wire that returns what another one had received of the body, and sends nothing."""

    def __init__(self, wire: Wire) -> None:
        self.has_head: bool = True
        self.is_bodyless: bool = False
        self._wire = wire
        pieces = []
        self._is_complete = False
        with suppress(ConnectionAbortedError):
            while data := wire.read():
                pieces.append(data)
            self._is_complete = data == b""
        self.unread: bytes = b"".join(pieces)
        """The part of the request's body that was received and has not been read."""

    @property
    def is_muted(self) -> bool:
        """True if nothing more is sent on the connection."""
        return self._wire.is_muted

    def send_head(self, head: Head) -> None:
        """Implement `Wire.send_head` without a client."""

    def send_piece(self, data: bytes) -> bool:  # noqa: ARG002  # as each wire has it
        """Implement `Wire.send_piece` without a client."""
        return True

    def drain(self) -> bool:
        """Implement `Wire.drain` without a client."""
        return True

    def read(self) -> bytes:
        """Implement `Wire.read` without a client."""
        data, self.unread = self.unread, b""
        if not data and not self._is_complete:
            raise ConnectionAbortedError("the client disconnected before the end of the body")
        return data

    def end(self) -> None:
        """Implement `Wire.end` without a client."""

    def fail(self) -> None:
        """Implement `Wire.fail` without a client."""

    def reset(self, step: Reset) -> None:
        """Implement `Wire.reset` without a client."""

    def mute(self) -> MutedConnection:
        """Implement `Wire.mute` without a client."""
        return self._wire.mute()

    def retire(self) -> None:
        """Implement `Wire.retire` without a client."""

    def retire_connection(self, *, at_once: bool) -> None:  # as each wire
        """Implement `Wire.retire_connection` without a client."""

    def flush(self) -> None:
        """Implement `Wire.flush` without a client."""
