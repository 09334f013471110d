"""Exceptions for an operation that a fault makes fail. The app turns them into answers."""

from typing import Any

from s2mock.registry.values.errors import S2Error


class InjectedError(S2Error):
    """An error of S2 that was asked for.

    `retry_after` is in seconds. With `retires` the connection ends with the answer.
    """

    # Each has its own.
    code = ""
    status: int = 500  # type: ignore[misc]  # of each one
    rule = ""

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        *,
        retry_after: float | None = None,
        retires: bool = False,
    ) -> None:
        super().__init__(message)
        self.given_code = code
        self.status = status
        self.retry_after = retry_after
        self.retires = retires

    def body(self) -> dict[str, Any]:
        """The JSON document that S2 sends for this error."""
        return {"code": self.given_code, "message": self.message}

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What goes out beside the document."""
        if self.retry_after is None:
            return []
        return [("retry-after-ms", str(round(self.retry_after * 1000)))]


class Dropped(Exception):  # no error of anybody's
    """There is no answer, or no more of it. As `conversation.Reset`."""

    def __init__(self, *, refused: bool = False, connection: bool = False) -> None:
        super().__init__("dropped")
        self.refused = refused
        self.connection = connection


class Replaced(Exception):
    """Somebody else has answered, in the place of S2."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        super().__init__("answered by somebody else")
        self.status = status
        self.headers = headers
        self.body = body
