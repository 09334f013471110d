"""Conversion of requests to WSGI environs (PEP 3333) and back."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

# The key in an environ for each name of a header; more are added as they are received.
_KEYS: Final[dict[str, str]] = {
    "content-type": "CONTENT_TYPE",
    "content-length": "CONTENT_LENGTH",
}
Fields = tuple[tuple[str, str], ...]

ON_END: Final = "s2mock.on_end"
"""The key in the notes of a connection for a list of functions to call when it has ended."""

# The name of a header for each key; empty for a key that is not of a header.
_NAMES: Final[dict[str, str]] = {key: name for name, key in _KEYS.items()}
# How many names are kept: a client that makes up names must not fill the memory.
_MAX_KEYS = 1000


def make_environ(
    method: str,
    target: str,
    path: str,
    query: str,
    fields: Iterable[tuple[str, str]],
    protocol: str,
    connection: int,
    notes: dict[str, Any],
    client_host: str,
    server: tuple[str, int],
    scheme: str = "http",
) -> dict[str, Any]:
    """Return the environ of a request, without `wsgi.input` and `wsgi.errors`.

    It contains only text and numbers, and `notes`, which all requests of a connection share. Of a
    repeated header S2 reads the first, except for those of content negotiation. A header whose name
    has an underscore is left out: its key would be that of another header, with a hyphen. Header
    names are in lower case. `s2mock.fields` has the headers as they were received. The journal
    keeps these, since a whole environ takes much memory.
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
        "wsgi.url_scheme": scheme,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "s2mock.connection": connection,
        "s2mock.notes": notes,
        "s2mock.fields": (kept := tuple(fields)),
    }
    _add(environ, kept)
    return environ


def fields_of(environ: dict[str, Any]) -> Fields:
    """Return the headers in any WSGI environ, a repeated one once."""
    fields = []
    for key, value in environ.items():
        name = _NAMES.get(key)
        if name is None:
            name = _name(key)
        if name and isinstance(value, str) and (value or key.startswith("HTTP_")):
            fields.append((name, value))
    return tuple(fields)


def rebuild_environ(
    method: str, target: str, fields: Fields, protocol: str, connection: int | None
) -> dict[str, Any]:
    """Return the part of an environ that describes the request, its protocol and its connection.

    `connection` is None for a request without a connection, such as a WSGI call.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "REQUEST_URI": target,
        "QUERY_STRING": target.partition("?")[2],
        "SERVER_PROTOCOL": protocol,
    }
    if connection is not None:
        environ["s2mock.connection"] = connection
    _add(environ, fields)
    return environ


def bearer(environ: dict[str, Any]) -> str:
    """Return the access token in the headers of a request, "" for none."""
    return token_in(environ.get("HTTP_AUTHORIZATION", ""))


def token_in(authorization: str) -> str:
    """Return the access token in the value of the header `authorization`, "" for none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def path_of(target: str) -> str:
    """Return the path in a request target, percent-encoded as it was sent."""
    if not target.startswith("/"):
        target = urlsplit(target).path
    return target.partition("?")[0].partition("#")[0]


def _add(environ: dict[str, Any], fields: Fields) -> None:
    for name, value in fields:
        key = _KEYS.get(name) or _key(name)
        if key not in environ:
            environ[key] = value
        elif key.startswith("HTTP_ACCEPT"):
            environ[key] += f",{value}"
    # The key of all names with an underscore.
    environ.pop("", None)


def _key(name: str) -> str:
    key = "" if "_" in name else "HTTP_" + name.upper().replace("-", "_")
    if len(_KEYS) < _MAX_KEYS:
        _KEYS[name] = key
    return key


def _name(key: str) -> str:
    name = key[5:].replace("_", "-").lower() if key.startswith("HTTP_") else ""
    if len(_NAMES) < _MAX_KEYS:
        _NAMES[key] = name
    return name
