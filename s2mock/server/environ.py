"""The WSGI environ of a request (PEP 3333), as the application wants it."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote_to_bytes

# The names of headers as they come, and what they are called in an environ.
_KEYS: Final[dict[str, str]] = {
    "content-type": "CONTENT_TYPE",
    "content-length": "CONTENT_LENGTH",
}
# So many names are remembered; a client that makes up names is not to fill the memory.
_MAX_KEYS = 1000


def make_environ(
    method: str,
    target: str,
    path: str,
    query: str,
    fields: Iterable[tuple[str, str]],
    protocol: str,
    connection: int,
    client_host: str,
    server: tuple[str, int],
) -> dict[str, Any]:
    """The environ, without `wsgi.input` and `wsgi.errors`: it holds nothing but text and numbers.

    Of a repeated header S2 reads the first, except for those of content negotiation. A name with
    an underscore would pass for the one with a hyphen in its place, which is another, and is left
    out. Header names are in lower case.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1") if "%" in path else path,
        "REQUEST_URI": target,
        "QUERY_STRING": query,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": protocol,
        "REMOTE_ADDR": client_host,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "s2mock.connection": connection,
    }
    for name, value in fields:
        key = _KEYS.get(name) or _key(name)
        if key not in environ:
            environ[key] = value
        elif key.startswith("HTTP_ACCEPT"):
            environ[key] += f",{value}"
    # Where names with an underscore were put.
    environ.pop("", None)
    return environ


def _key(name: str) -> str:
    key = "" if "_" in name else "HTTP_" + name.upper().replace("-", "_")
    if len(_KEYS) < _MAX_KEYS:
        _KEYS[name] = key
    return key
