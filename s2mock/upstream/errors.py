"""What an upstream has answered as an error, and its failures to answer."""

import os
from typing import Any, Final

from s2mock.api.codec import error_of
from s2mock.registry.values.errors import BadHeader, BasinNotFound, S2Error, StreamNotFound

CODE: Final = "upstream"
"""The code of the error by which s2mock says that the upstream has not answered."""
_MAX_QUOTED: Final = 200
_NO_BASIN: Final = "Missing header `s2-basin`"

TLS_ALERT: Final = b"\x15\x03"
"""The beginning of what a server of TLS sends to a client that speaks plain HTTP."""
SPEAKS_TLS: Final = "speaks TLS at that port: use https://"


class UpstreamFailed(S2Error):
    """The upstream cannot be reached, breaks off, is too slow, or answers with what is not S2.

    It is no error of S2: its code, `upstream`, tells it apart from an injected fault.
    """

    code = ""
    status = 502
    given_code: Final = CODE

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"the upstream {url} {reason}")
        self.explanation = f"{self.message}: no fault was injected here"

    def body(self) -> dict[str, Any]:
        """Return the JSON document that is sent for this error."""
        return {"code": CODE, "message": self.message}


class AnsweredError(S2Error):
    """An error of the upstream that this version of s2mock does not know."""

    code = ""
    status = 500

    def __init__(self, status: int, document: Any) -> None:
        given: Any = document if isinstance(document, dict) else {}
        message = given.get("message", "")
        super().__init__(message if isinstance(message, str) else repr(message))
        self.status = status  # type: ignore[misc]  # of this instance
        code = given.get("code")
        self.given_code = code if isinstance(code, str) else None
        self._document = document

    def body(self) -> dict[str, Any]:
        """Return the JSON document that the upstream has sent."""
        return self._document if isinstance(self._document, dict) else {}


def answered_error(status: int, document: Any) -> S2Error:
    """Return the error that the upstream has answered with that status and document."""
    error: S2Error
    try:
        error = error_of(status, document)
    except (KeyError, TypeError, AttributeError):
        return AnsweredError(status, document)
    if not error.code and getattr(error, "status", status) != status:
        return AnsweredError(status, document)
    if error.status != status:
        return AnsweredError(status, document)
    if isinstance(error, BasinNotFound | StreamNotFound):
        # The names that the upstream has are not known here.
        error.explanation = f"{error.message}, at the upstream"
    elif isinstance(error, BadHeader) and _NO_BASIN in error.message:
        error.explanation = "name the basin, as in -H 's2-basin: my-basin', for the upstream"
    return error


def unreachable_reason(error: OSError) -> str:
    """Return the reason for which a connection has failed, which completes "the upstream ..."."""
    import ssl

    if isinstance(error, ssl.SSLError):
        from s2mock.runtime.tls_trust import tls_failure

        return tls_failure(error)
    # asyncio has other words for what the system says.
    said = os.strerror(error.errno) if error.errno and error.errno > 0 else error
    return f"cannot be reached: {said}"


def quote_body(body: bytes) -> str:
    """Return the beginning of a body, in one line, for a message."""
    text = " ".join(body[: 4 * _MAX_QUOTED].decode("utf-8", "replace").split())
    return repr(text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}...")
