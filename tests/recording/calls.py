"""Recording calls of each kind over one protocol: what its framing makes of each answer."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

from s2mock.contract.connection import connect
from s2mock.contract.exchange import Call, Protocol
from s2mock.contract.recordings import Group
from tests.recording.groups import group
from tests.recording.observed import Observed, kept, now

_JSON: Final = {"content-type": "application/json"}
_PROTOBUF: Final = {"content-type": "application/protobuf"}
_RECORDS: Final = "/v1/streams/s/records"
_READ: Final = f"{_RECORDS}?seq_num=0&count=1"
_ALL: Final = f"{_RECORDS}?seq_num=0&count=1000"
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FOO")
_PATHS: Final = (
    "/",
    "/health",
    "/nope",
    "/v1/nope",
    "/v1/metrics",
    "/v1/basins/missing-basin",
    "/v1/streams",
    "/v1/streams/missing",
    "/v1/streams/s",
    _RECORDS,
    f"{_RECORDS}/tail",
    _READ,
    "/v1/access-tokens/x",
    "/v1/locations/default",
)
_CODINGS: Final = ("gzip", "zstd", "br", "*;q=0", "identity;q=0", "gzip ; q=1", "")
_MEDIA_TYPES: Final = (
    "text/event-stream",
    "text/event-stream ;q=1",
    "text/event-stream;q=1",
    "TEXT/event-stream+xml",
    "application/protobuf",
    "application/protobuf ;q=1",
    "application/protobuf;q",
    "application/x-protobuf; q=1",
    "s2s/proto",
    "",
)


def _routes(basin: str) -> Iterator[Call]:
    """Each method on each kind of path; nothing that is there is deleted."""
    for method, path in product(_METHODS, _PATHS):
        if method != "DELETE" or path != "/v1/streams/s":
            yield Call(method, path, {"s2-basin": basin})


def _codings(basin: str) -> Iterator[Call]:
    """Long and short answers, and none, to clients that take one coding or another."""
    for coding in _CODINGS:
        headers = {"s2-basin": basin, "accept-encoding": coding}
        for method, path in product(("GET", "HEAD"), (_ALL, "/health", "/nope", "/v1/metrics")):
            yield Call(method, path, headers)
        yield Call("PUT", "/v1/metrics", headers)
        refused = {"s2-basin": basin, "content-encoding": coding, **_JSON}
        yield Call("POST", "/v1/streams", refused, b"x")


def _media_types(basin: str) -> Iterator[Call]:
    """Each spelling of a media type, as `accept` and as `content-type`."""
    message = bytes.fromhex("0a 04 1a 02 68 69")
    for kind in _MEDIA_TYPES:
        for method in ("GET", "HEAD"):
            yield Call(method, _READ, {"s2-basin": basin, "accept": kind})
        yield Call("POST", _RECORDS, {"s2-basin": basin, "content-type": kind}, message)
        yield Call("POST", _RECORDS, {"s2-basin": basin, "accept": kind, **_PROTOBUF}, message)
        yield Call("GET", _READ, {"s2-basin": basin, "content-type": kind})


def _origins(basin: str) -> Iterator[Call]:
    """Browsers, and those that send the headers of browsers without a value."""
    for origin in ("", "null", "http://app.example"):
        yield Call("GET", "/health", {"origin": origin})
        yield Call("GET", "/v1/streams/missing", {"s2-basin": basin, "origin": origin})
        for path in ("/health", "/nope"):
            asked = {
                "origin": origin,
                "access-control-request-method": origin and "PUT",
                "access-control-request-headers": origin and "x-a, x-b",
            }
            yield Call("OPTIONS", path, asked)


def _unread(basin: str) -> Iterator[Call]:
    """Bodies that nothing reads."""
    for size in (0, 10, 1000):
        for path in ("/nope", "/health", "/v1/basins", "/v1/streams", _RECORDS):
            yield Call("POST", path, {"s2-basin": basin, **_JSON}, b"x" * size)
            yield Call("PUT", path, {"s2-basin": basin}, b"x" * size)


def _ends(_: str) -> Iterator[Call]:
    """What ends the connection or the stream, and what does not though one might think so."""
    for headers in (
        {"connection": "close"},
        {"connection": "keep-alive"},
        {"transfer-encoding": "gzip"},
        {"te": "trailers"},
        {"te": "gzip"},
        {"upgrade": "x"},
        {"expect": "100-continue"},
        {"x-long": "y" * 20_000},
        {"x": "a\x01b"},
        {"x y": "z"},
    ):
        for method, path in (("GET", "/health"), ("HEAD", "/nope"), ("PUT", "/v1/metrics")):
            yield Call(method, path, headers)
    for path in ("/v1/\x7f", "/v1/<", "v1", "/v1/\xff", "/v1/a b", "*", "/health#x"):
        yield Call("GET", path)
        yield Call("HEAD", path)


_THEMES: Final = {
    "routes": _routes,
    "codings": _codings,
    "media types": _media_types,
    "origins": _origins,
    "ends": _ends,
    "unread bodies": _unread,
}


def record_calls(reference: str, protocol: Protocol) -> list[Group]:
    """What the fresh server at `reference` answers to each kind of call."""
    return [
        group(theme, _observed(reference, protocol, _calls(theme, protocol))) for theme in _THEMES
    ]


def _calls(theme: str, protocol: Protocol) -> Iterator[Call]:
    basin = f"calls-{theme.replace(' ', '-')}-{protocol.partition('/')[0].lower()}"
    yield Call("PUT", f"/v1/basins/{basin}")
    yield Call("PUT", "/v1/streams/s", {"s2-basin": basin})
    body = b'{"records":[{"body":"%b"}]}' % (b"x" * 1500)
    yield Call("POST", _RECORDS, {"s2-basin": basin, **_JSON}, body)
    yield from _THEMES[theme](basin)


def _observed(reference: str, protocol: Protocol, calls: Iterator[Call]) -> Sequence[Observed]:
    connection = connect(reference, protocol)
    observed = []
    for call in calls:
        begun = now()
        reply = connection.send(call)
        reply = reply._replace(headers=kept(reply.headers))
        observed.append(Observed(begun, now(), call, reply))
    connection.close()
    return observed
