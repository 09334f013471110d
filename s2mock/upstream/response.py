"""A response of the upstream, which is sent as it came."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

from s2mock.api.responses import Headers, S2Response
from s2mock.api.session import Session
from s2mock.runtime.conversation import CloseAfterResponse, Conversation, Head, Reset

# The server of the mock writes its own.
_DATE: Final = "date"
# In the place of a content coding: the body is sent as it came, without its length in front.
_AS_IT_CAME: Final = "as it came"


def _no_reset() -> None:
    """Return None: the connection goes on, or ends without an error."""


@dataclass(slots=True)
class ForwardedResponse(S2Response):
    """A response of the upstream; its `body` is without content coding.

    A fault that breaks it off takes the header for the coding away, and sends `body`.
    """

    # The body as the upstream has encoded it.
    sent: bytes = b""
    # Of a session: return how the client's connection ends, None for an end without an error.
    reset_of_end: Callable[[], Reset | None] = field(default=_no_reset)

    @classmethod
    def make(cls, status: int, headers: Headers, sent: bytes, body: bytes, *, closes: bool) -> Self:
        """Return a whole response. `closes` is True if the connection ends with it."""
        kept = [field for field in headers if field[0] != _DATE]
        has_length = any(name == "content-length" for name, _ in kept)
        return cls(
            status,
            kept,
            body,
            coding=None if has_length else _AS_IT_CAME,
            ends_connection=closes,
            sent=sent,
        )

    @classmethod
    def changed(cls, status: int, headers: Headers, body: bytes, *, closes: bool) -> Self:
        """Return a whole response with another body, which has no content coding."""
        kept = [field for field in headers if field[0] != "content-encoding"]
        return cls.make(
            status,
            [(name, str(len(body)) if name == "content-length" else value) for name, value in kept],
            body,
            body,
            closes=closes,
        )

    @classmethod
    def of_session(
        cls,
        status: int,
        headers: Headers,
        session: Session,
        *,
        closes: bool,
        reset_of_end: Callable[[], Reset | None],
    ) -> Self:
        """Return the response of a session that the upstream has opened.

        `reset_of_end` is asked when the session is over for the end of the client's connection.
        """
        kept = [field for field in headers if field[0] != _DATE]
        return cls(status, kept, session=session, ends_connection=closes, reset_of_end=reset_of_end)

    @property
    def is_plain(self) -> bool:
        """False: it has steps of its own."""
        return False

    def _steps(self) -> Conversation:
        try:
            if self.ends_connection:
                yield CloseAfterResponse()
            if self.session is not None:
                yield Head(self.status, self.headers)
                yield from self.session.steps()
                if (reset := self.reset_of_end()) is not None:
                    yield reset
            elif self.coding is not None:
                yield Head(self.status, self.headers)
                if self.sent:
                    yield self.sent
            else:
                is_encoded = any(name == "content-encoding" for name, _ in self.headers)
                is_whole = is_encoded or self.sent == self.body
                headers = self.headers
                if not is_whole:
                    headers = [field for field in headers if field[0] != "content-length"]
                yield Head(self.status, headers, self.sent if is_encoded else self.body)
        finally:
            if self.session is not None:
                self.session.close()
