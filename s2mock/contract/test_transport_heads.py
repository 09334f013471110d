"""HTTP/1 heads, byte for byte: those that the server accepts, and those that end the connection.

Source: reference: control_plane §1.5. Asked of the real server one by one.
"""

from typing import Final

import pytest

from s2mock.contract.client import Client
from s2mock.contract.dialogue import AUTHORIZATION, BASIN, Bare, Fault, Head, Said, Step, talk

OPEN, CLOSED, HALF_CLOSE = Step.OPEN, Step.CLOSED, Step.HALF_CLOSE
FIELDS: Final = b"host: x\r\ns2-basin: " + BASIN + b"\r\n" + AUTHORIZATION
START: Final = b"GET /v1/streams/s HTTP/1.1\r\n" + FIELDS
GET: Final = START + b"\r\n"

# What happens after a request, and nothing of a dialogue goes on after these.
TAKEN: Final[tuple[Said, ...]] = (200, OPEN)
REFUSED: Final[tuple[Said, ...]] = (Bare(400), CLOSED)
TOO_LARGE: Final[tuple[Said, ...]] = (Bare(431), CLOSED)
NOT_FOUND: Final[tuple[Said, ...]] = (404, OPEN)


def line(text: bytes) -> bytes:
    """A request with this line."""
    return text + b"\r\n" + FIELDS + b"\r\n"


def field(text: bytes) -> bytes:
    """A request with this field, its end of line included."""
    return START + text + b"\r\n"


LINES: Final[dict[str, tuple[Said, ...]]] = {
    "absolute": (line(b"GET http://x/v1/streams/s HTTP/1.1"), *TAKEN),
    "absolute, of another host": (line(b"GET http://other:99/v1/streams/s?x HTTP/1.1"), *TAKEN),
    "absolute, https": (line(b"GET https://x/v1/streams/s HTTP/1.1"), *TAKEN),
    "absolute, of another scheme": (line(b"GET foo://x/v1/streams/s HTTP/1.1"), *TAKEN),
    "absolute, with a user": (line(b"GET http://u:p@x/v1/streams/s HTTP/1.1"), *TAKEN),
    "absolute, without a path": (line(b"GET http://x HTTP/1.1"), *NOT_FOUND),
    "asterisk": (line(b"GET * HTTP/1.1"), *NOT_FOUND),
    "asterisk, OPTIONS": (line(b"OPTIONS * HTTP/1.1"), *TAKEN),
    "authority": (line(b"GET x:80 HTTP/1.1"), *NOT_FOUND),
    "authority, CONNECT": (line(b"CONNECT x:80 HTTP/1.1"), *NOT_FOUND),
    "path, CONNECT": (line(b"CONNECT /v1/streams HTTP/1.1"), 405, OPEN),
    "fragment": (line(b"GET /v1/streams/s#x HTTP/1.1"), *TAKEN),
    "no target": (line(b"GET  HTTP/1.1"), *REFUSED),
    "relative": (line(b"GET v1/streams HTTP/1.1"), *REFUSED),
    "UTF-8": (
        line(b"GET /v1/streams/\xc3\xa9 HTTP/1.1"),
        Fault(404, "stream_not_found", "stream `é` "),
        OPEN,
    ),
    "no UTF-8": (line(b"GET /v1/streams/\xff HTTP/1.1"), *REFUSED),
    "NUL": (line(b"GET /v1/streams/a\0 HTTP/1.1"), *REFUSED),
    "DEL": (line(b"GET /v1/streams/a\x7f HTTP/1.1"), *REFUSED),
    "quotation mark": (
        line(b'GET /v1/streams/a"b HTTP/1.1'),
        Fault(404, "stream_not_found", 'stream `a"b` '),
        OPEN,
    ),
    "marks that no target has": (
        line(b"GET /v1/streams/{}|^\\ HTTP/1.1"),
        Fault(404, "stream_not_found", "stream `{}|^\\` "),
        OPEN,
    ),
    "percent signs that are none": (
        line(b"GET /v1/streams/%zz%2 HTTP/1.1"),
        Fault(404, "stream_not_found", "stream `%zz%2` "),
        OPEN,
    ),
    "no version": (line(b"GET /v1/streams/s"), *REFUSED),
    "HTTP/0.9": (line(b"GET /v1/streams/s HTTP/0.9"), *REFUSED),
    "HTTP/1.2": (line(b"GET /v1/streams/s HTTP/1.2"), *REFUSED),
    "HTTP/2.0": (line(b"GET /v1/streams/s HTTP/2.0"), *REFUSED),
    "version in lower case": (line(b"GET /v1/streams/s http/1.1"), *REFUSED),
    "a blank behind": (line(b"GET /v1/streams/s HTTP/1.1 "), *REFUSED),
    "two blanks": (line(b"GET  /v1/streams/s HTTP/1.1"), *REFUSED),
    "two blanks before the version": (line(b"GET /v1/streams/s  HTTP/1.1"), *REFUSED),
    "tabs": (line(b"GET\t/v1/streams/s\tHTTP/1.1"), *REFUSED),
    "a blank before": (b" " + GET, *REFUSED),
    "an empty line before": (b"\r\n" + GET, *TAKEN),
    "empty lines between": (b"\r\n\r\n" + GET + b"\r\n\n\r\n" + GET, 200, *TAKEN),
    "a bare LF before": (b"\n" + GET, *TAKEN),
    "a bare CR before": (b"\r" + GET, *REFUSED),
    "longest target": (line(b"GET /%b HTTP/1.1" % (b"x" * 65_533)), *NOT_FOUND),
    "too long a target": (line(b"GET /%b HTTP/1.1" % (b"x" * 65_534)), Bare(414), CLOSED),
    "PRI, no preface": (b"PRI * HTTP/1.1\r\n\r\n", *NOT_FOUND),
    "half a preface": (b"PRI * HTTP/2.0\r\n\r\n", HALF_CLOSE, *REFUSED),
    "a preface that is none": (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", *REFUSED),
    "TLS": (b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03" + bytes(100), *REFUSED),
    "any bytes": (bytes(range(256)) + b"\r\n\r\n", *REFUSED),
    "nothing": (HALF_CLOSE, CLOSED),
    "only empty lines": (b"\r\n\r\n", HALF_CLOSE, CLOSED),
    "half a head": (START, HALF_CLOSE, CLOSED),
    "in pieces": (
        b"G",
        b"ET /v1/streams/s HTTP/1.1\r",
        b"\nhos",
        b"t:",
        FIELDS[5:],
        b"\r\n",
        *TAKEN,
    ),
}

METHODS: Final[dict[bytes, tuple[Said, ...]]] = {
    b"HEAD": (Head(200), OPEN),
    b"OPTIONS": (200, OPEN),
    **dict.fromkeys(
        (
            *(b"get", b"Get", b"TRACE", b"CONNECT", b"PROPFIND", b"X", b"M-SEARCH", b"PRI"),
            *(b"123", b"A" * 300, b"!#$%&'*+-.^_`|~"),
        ),
        (405, OPEN),
    ),
    **dict.fromkeys((b"", b"G@T", b"G,T", b'G"T', b"G/T", b"GET:", b"G\xffT"), REFUSED),
}

_NAME_MARKS: Final = b'"(),/;<=>?@[\\]{}'
FIELD_LINES: Final[dict[str, tuple[Said, ...]]] = {
    "folded": (field(b"x-a: b\r\n c\r\n"), *REFUSED),
    "folded with a tab": (field(b"x-a: b\r\n\tc\r\n"), *REFUSED),
    "folded at once": (b"GET /v1/streams/s HTTP/1.1\r\n x: y\r\n" + FIELDS + b"\r\n", *REFUSED),
    "name with an underscore": (field(b"x_a: b\r\n"), *TAKEN),
    "an underscore is no dash": (
        GET.replace(b"s2-basin", b"s2_basin"),
        Fault(400, "bad_header", "Missing header `s2-basin`"),
        OPEN,
    ),
    "name with every mark it may have": (field(b"!#$%&'*+-.^_`|~9: b\r\n"), *TAKEN),
    **{f"name with {chr(mark)}": (field(b"x%cy: b\r\n" % mark), *REFUSED) for mark in _NAME_MARKS},
    "name with a colon": (field(b"x:y: b\r\n"), *TAKEN),
    "name with a blank": (field(b"x a: b\r\n"), *REFUSED),
    "name with NUL": (field(b"x\0a: b\r\n"), *REFUSED),
    "name in UTF-8": (field(b"x\xc3\xa9: b\r\n"), *REFUSED),
    "a blank before the colon": (field(b"x-a : b\r\n"), *REFUSED),
    "a tab before the colon": (field(b"x-a\t: b\r\n"), *REFUSED),
    "no name": (field(b": b\r\n"), *REFUSED),
    "no colon": (field(b"x-a\r\n"), *REFUSED),
    "no value": (field(b"x-a:\r\n"), *TAKEN),
    "no blank before the value": (field(b"x-a:b\r\n"), *TAKEN),
    "blanks around the value": (field(b"x-a: \t b \t \r\n"), *TAKEN),
    "value with a tab": (field(b"x-a: b\tc\r\n"), *TAKEN),
    "value with any high byte": (field(b"x-a: b\xffc\r\n"), *TAKEN),
    "value with NUL": (field(b"x-a: b\0c\r\n"), *REFUSED),
    "value with a control character": (field(b"x-a: b\x01c\r\n"), *REFUSED),
    "value with DEL": (field(b"x-a: b\x7fc\r\n"), *REFUSED),
    "value with CR": (field(b"x-a: b\rc\r\n"), *REFUSED),
    "CR CR LF": (field(b"x-a: b\r\r\n"), *REFUSED),
    "bare LF": (field(b"x-a: b\n"), *TAKEN),
    "bare LF everywhere": (GET.replace(b"\r\n", b"\n"), *TAKEN),
    "bare LF as the end": (START + b"\n", *TAKEN),
    "no host": (GET.replace(b"host: x\r\n", b""), *TAKEN),
    "two hosts": (field(b"host: y\r\n"), *TAKEN),
    "empty host": (GET.replace(b"host: x", b"host:"), *TAKEN),
    "host that is none": (GET.replace(b"host: x", b"host: a b/c\xff"), *TAKEN),
    "as many fields as may be": (field(b"x: y\r\n" * 97), *TAKEN),
    "a field too many": (field(b"x: y\r\n" * 98), *TOO_LARGE),
    "longest name": (field(b"x" * 65_535 + b": y\r\n"), *TAKEN),
    "too long a name": (field(b"x" * 65_536 + b": y\r\n"), *TOO_LARGE),
    "a long value": (field(b"x: %b\r\n" % (b"y" * 400_000)), *TAKEN),
    "many blanks": (field(b"x:%by\r\n" % (b" " * 100_000)), *TAKEN),
    "too long a value": (field(b"x: %b\r\n" % (b"y" * 2_000_000)), *TOO_LARGE),
    "a value without an end": (START + b"x: " + b"y" * 500_000, *TOO_LARGE),
    "a method without an end": (b"A" * 500_000, *TOO_LARGE),
}


@pytest.mark.sample(4)
@pytest.mark.parametrize("steps", LINES.values(), ids=LINES)
def test_request_line(shared: Client, steps: tuple[Said, ...]) -> None:
    """Targets in each of their forms, versions, and what comes before (§1.2, §1.5)."""
    talk(shared, steps)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.decode("latin-1")[:20])
def test_method(shared: Client, method: bytes) -> None:
    """Any token is a method, of which the route decides (§1.1)."""
    talk(shared, (line(method + b" /v1/streams/s HTTP/1.1"), *METHODS[method]))


@pytest.mark.sample(4)
@pytest.mark.parametrize("steps", FIELD_LINES.values(), ids=FIELD_LINES)
def test_field_line(shared: Client, steps: tuple[Said, ...]) -> None:
    """Header fields, and how many and how long they may be (§1.5)."""
    talk(shared, steps)
