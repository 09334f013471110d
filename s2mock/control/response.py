"""Responses of the control API: JSON, and errors that say what would be right."""

import json
from typing import Any, Final, NamedTuple

from s2mock.runtime.conversation import Head

JSON: Final = "application/json"


class ControlResponse(NamedTuple):
    """A status, and a document to send as JSON; bytes are sent as they are, None is no body."""

    status: int
    document: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def head(self) -> Head:
        """The step that sends the whole response."""
        if self.document is None or isinstance(self.document, bytes):
            return Head(self.status, list(self.headers), self.document or b"")
        body = json.dumps(self.document, ensure_ascii=False, allow_nan=False).encode(
            "utf-8", "surrogatepass"
        )
        return Head(self.status, [("content-type", JSON), *self.headers], body)


class Refused(Exception):
    """The request is refused; `message` says what was wrong, and what would be right."""

    def __init__(self, status: int, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.response = ControlResponse(
            status, {"code": _CODES[status], "message": message}, headers
        )


_CODES: Final = {
    400: "bad_request",
    401: "authn",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    500: "other",
    501: "not_on_target",
    502: "upstream",
}
