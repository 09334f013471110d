"""The WSGI app of a `RemoteS2Mock`: it sends each request on to the server."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from s2mock.runtime.environ import fields_of, path_of
from s2mock.runtime.http_client import Client, connect, exchange

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# S2 lets a read wait for 60 seconds; a call that is held would wait for ever.
_SECONDS: Final = 75.0
_PIECE_BYTES: Final = 64 * 1024
# Headers of one connection, which are not passed on.
_HOP: Final = ("connection", "keep-alive", "transfer-encoding")


class Forwarding:
    """A WSGI app that sends requests to an account, with its token if they have none."""

    def __init__(self, client: Client) -> None:
        self._url = client.url
        self._token = client.token

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterator[bytes]:
        """Return the body of the server's answer.

        Raises `ConnectionError`, and `TimeoutError` for a call that is held.
        """
        headers = {name: value for name, value in fields_of(environ) if name not in _HOP}
        if self._token is not None:
            headers.setdefault("authorization", f"Bearer {self._token}")
        body = _body_of(environ)
        if body:
            headers["content-length"] = str(len(body))
        method, target = environ["REQUEST_METHOD"], _target_of(environ)
        connection = connect(self._url, timeout=_SECONDS)
        try:
            answer = exchange(connection, method, target, headers, body)
        except TimeoutError:
            connection.close()
            raise TimeoutError(
                f"{method} {target} had no answer within {_SECONDS:g} s: a call that is held, or "
                "waits for a manual clock, is made in another thread"
            ) from None
        except BaseException:
            connection.close()
            raise
        start_response(
            f"{answer.status} {answer.reason}".upper(),
            [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP],
        )
        if answer.length is None:
            return _Pieces(connection, answer)
        try:
            return iter([answer.read()])
        except IncompleteRead as error:
            return _broken(error.partial)
        except OSError:
            return _broken(b"")
        finally:
            connection.close()


def _target_of(environ: "WSGIEnvironment") -> str:
    """Return the path, as it was sent if that is known, and the query."""
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


def _broken(begun: bytes) -> Iterator[bytes]:
    """Yield the part of a body that was received, and raise `ConnectionResetError`."""
    yield begun
    raise ConnectionResetError("the connection was reset")


class _Pieces(Iterator[bytes]):
    """The body of a session, piece by piece as it is received; `close` ends the connection."""

    def __init__(self, connection: HTTPConnection, answer: HTTPResponse) -> None:
        self._answer = answer
        self._connection = connection

    def __next__(self) -> bytes:
        try:
            piece = self._answer.read1(_PIECE_BYTES)
        except (HTTPException, OSError) as error:
            self.close()
            raise ConnectionResetError(str(error)) from None
        if piece:
            return piece
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Close the connection to the server."""
        self._answer.close()
        self._connection.close()

    # A test may look at the status alone.
    __del__ = close
