"""A WSGI app that sends each request on to a server: what a test's client calls there."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from s2mock.environ import fields_of, path_of
from s2mock.http_client import Client, connect, exchange

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# S2 lets a read wait for 60 seconds; a call that is held would wait for ever.
_SECONDS: Final = 75.0
_PIECE_BYTES: Final = 64 * 1024
# Of the way between two hosts, and none of the app's.
_HOP: Final = ("connection", "keep-alive", "transfer-encoding")


class Forwarding:
    """Sends requests to the account of a client, with its token where they bring none."""

    def __init__(self, client: Client) -> None:
        self._url = client.url
        self._token = client.token

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterator[bytes]:
        """Answer as the server does.

        Raises `ConnectionError`, and `TimeoutError` for a call that is held.
        """
        headers = {name: value for name, value in fields_of(environ) if name not in _HOP}
        if self._token is not None:
            headers.setdefault("authorization", f"Bearer {self._token}")
        body = _body_of(environ)
        if body:
            headers["content-length"] = str(len(body))
        connection = connect(self._url, timeout=_SECONDS)
        try:
            answer = exchange(
                connection, environ["REQUEST_METHOD"], _target_of(environ), headers, body
            )
        except BaseException:
            connection.close()
            raise
        start_response(
            f"{answer.status} {answer.reason}".upper(),
            [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP],
        )
        return _pieces(connection, answer)


def _target_of(environ: "WSGIEnvironment") -> str:
    """The path as it was sent, where that is known, and the query, which stands by itself."""
    sent = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    path = path_of(sent) if sent else quote(environ["PATH_INFO"].encode("latin-1"))
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _body_of(environ: "WSGIEnvironment") -> bytes | None:
    source: Any = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body: bytes = source.read()
    else:
        body = source.read(int(environ.get("CONTENT_LENGTH") or 0))
    return body or None


def _pieces(connection: HTTPConnection, answer: HTTPResponse) -> Iterator[bytes]:
    """The body, as it comes."""
    try:
        while piece := answer.read1(_PIECE_BYTES):
            yield piece
        # The library takes a body that ends early for one that is over.
        if answer.length:
            raise ConnectionResetError("the connection was reset")
    except HTTPException as error:
        raise ConnectionResetError(str(error)) from None
    finally:
        connection.close()
