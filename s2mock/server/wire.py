"""The interface between a conversation's driver and the HTTP version of its client."""

from typing import Protocol

from s2mock.runtime.conversation import Head, MutedConnection, Reset


class Wire(Protocol):
    """The request's body and the response of one exchange, as an HTTP version carries them."""

    has_head: bool
    """True if the head of the response has been sent."""
    is_bodyless: bool
    """True if the head is the whole response, and pieces after it are not sent."""

    @property
    def is_muted(self) -> bool:
        """True if nothing more is sent on the connection."""

    def send_head(self, head: Head) -> None:
        """Send the head of the response, and its body if the head has one."""

    def send_piece(self, data: bytes) -> bool:
        """Send a piece of the body; return False if no more may be sent yet.

        Then `RequestDriver.on_room` is called when there is room.
        """

    def drain(self) -> bool:
        """Hand over what has been sent; return False if some of it waits for room.

        Then `RequestDriver.on_room` is called when there is room.
        """

    def read(self) -> bytes | None:
        """Return the next bytes of the request's body: `b""` at its end, None if none are here.

        After None, `RequestDriver.on_body` is called when there are some. Raises
        `ConnectionAbortedError` if no more will come.
        """

    def end(self) -> None:
        """End the response after the conversation has ended."""

    def fail(self) -> None:
        """Break the response off after the conversation has failed."""

    def reset(self, step: Reset) -> None:
        """End the exchange as a `Reset` step demands."""

    def mute(self) -> MutedConnection:
        """Send nothing more on the connection, as a `MUTE` step demands, and return it."""

    def retire(self) -> None:
        """Close the connection after this response."""

    def retire_connection(self, *, at_once: bool) -> None:
        """Take no more requests, and close the connection when those that were taken have ended.

        On HTTP/2 the client is told `at_once`, or when they have ended: some clients take nothing
        behind that.
        """

    def flush(self) -> None:
        """Hand over to the operating system what has been sent."""
