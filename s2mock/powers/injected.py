"""What a fault raises for its call to end with: an error of S2, or the response of a proxy.

Apart from the faults, which a mock loads with its first one.
"""

from typing import Any

from s2mock.registry.operation import Interrupted
from s2mock.registry.values.errors import S2Error


class InjectedError(S2Error):
    """An error of S2 that a fault injects.

    `retry_after` is in seconds.
    """

    # Set for each instance.
    code = ""
    status: int = 500  # type: ignore[misc]  # set for each instance
    rule = ""

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        *,
        retry_after: float | None = None,
        ends_connection: bool = False,
    ) -> None:
        super().__init__(message)
        self.given_code = code
        self.status = status
        self.retry_after = retry_after
        self.ends_connection = ends_connection

    def body(self) -> dict[str, Any]:
        """Return the JSON document that S2 sends for this error."""
        return {"code": self.given_code, "message": self.message}

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers that are sent beside the document."""
        if self.retry_after is None:
            return []
        return [("retry-after-ms", str(round(self.retry_after * 1000)))]


class Replaced(Interrupted):
    """Send the response of a proxy in the place of S2's."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        super().__init__("answered by a proxy")
        self.status = status
        self.headers = headers
        self.body = body
