"""The wire of a conversation that goes on though its client has left."""

from contextlib import suppress
from typing import TYPE_CHECKING

from s2mock.runtime.conversation import Head, Reset

if TYPE_CHECKING:
    from s2mock.server.driver import Wire


class DeadWire:
    """It has what `wire` had received of the request, and sends nothing."""

    def __init__(self, wire: "Wire") -> None:
        self.has_head: bool = True
        self.is_bodyless: bool = False
        pieces = []
        self._is_complete = False
        with suppress(ConnectionAbortedError):
            while data := wire.read():
                pieces.append(data)
            self._is_complete = data == b""
        self.unread: bytes = b"".join(pieces)
        """What was received of the request's body and has not been read."""

    def send_head(self, head: Head) -> None:
        """As `Wire.send_head`."""

    def send_piece(self, data: bytes) -> bool:  # noqa: ARG002  # as each wire has it
        """As `Wire.send_piece`."""
        return True

    def drain(self) -> bool:
        """As `Wire.drain`."""
        return True

    def read(self) -> bytes:
        """As `Wire.read`."""
        data, self.unread = self.unread, b""
        if not data and not self._is_complete:
            raise ConnectionAbortedError("the client has left before the end of the body")
        return data

    def end(self) -> None:
        """As `Wire.end`."""

    def fail(self) -> None:
        """As `Wire.fail`."""

    def reset(self, step: Reset) -> None:
        """As `Wire.reset`."""

    def retire(self) -> None:
        """As `Wire.retire`."""

    def flush(self) -> None:
        """As `Wire.flush`."""
