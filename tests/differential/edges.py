"""The edges of JSON and of protobuf: documents that are nearly, or hardly, what they should be.

A document starts as a sensible one. Then something is done to one of its places, or rarely to two,
so that a difference shrinks to the place that shows it.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

# Not the least number of its range, which would be drawn far more often than its share.
rarely = st.integers(0, 11).map(lambda n: n == 7)
now_and_then = st.integers(0, 2).map(lambda n: n == 1)

# The shape of a body: an object by its fields in S2's order, a list by its items, or a leaf.
Shape = dict[str, Any] | list[Any] | None

_STREAM_CONFIG: Shape = {
    "storage_class": None,
    "retention_policy": {"age": None, "infinite": {}},
    "timestamping": {"mode": None, "uncapped": None},
    "delete_on_empty": {"min_age_secs": None},
}
_BASIN_CONFIG: Shape = {
    "default_stream_config": _STREAM_CONFIG,
    "stream_cipher": None,
    "create_stream_on_append": None,
    "create_stream_on_read": None,
}
_RECORD: Shape = {"timestamp": None, "headers": [[None, None]], "body": None}
_SCOPE: Shape = {
    "basins": {"exact": None, "prefix": None},
    "streams": {"exact": None, "prefix": None},
    "access_tokens": {"exact": None, "prefix": None},
    "op_groups": {"account": {"read": None, "write": None}, "basin": {}, "stream": {}},
    "ops": [None],
}
SHAPES: dict[str, Shape] = {
    "create-basin": {"basin": None, "config": _BASIN_CONFIG, "location": None},
    "ensure-basin": {"config": _BASIN_CONFIG, "location": None},
    "basin-config": _BASIN_CONFIG,
    "create-stream": {"stream": None, "config": _STREAM_CONFIG},
    "stream-config": _STREAM_CONFIG,
    "append": {"records": [_RECORD], "match_seq_num": None, "fencing_token": None},
    "issue-token": {"id": None, "expires_at": None, "auto_prefix_streams": None, "scope": _SCOPE},
    "location": None,
}


class Raw(bytes):
    """A value, or the name of a field, as it is written in the text."""


class Fields(list[tuple[Any, Any]]):
    """An object by its fields, which may come twice."""


Path = tuple[str | int, ...]

# Words that are good names of basins as well.
_BASIN_OF_ALL = re.compile(rb'(?:"basin":|^\s*\[)\s*"(?:standard|infinite|aegis-256)"')

_NUMBERS = (
    *(b"-0", b"0", b"7", b"-1", b"1.0", b"7e0", b"1e3", b"-0.0", b"0.5", b"1E-400", b"1e999"),
    *(b"-1e999", b"9007199254740993", b"9223372036854775808", b"18446744073709551615"),
    *(b"18446744073709551616", b"-9223372036854775809", b"1" * 400, b"0." + b"1" * 400),
    *(b"01", b"+1", b".5", b"1.", b"1e", b"0x1", b"-", b"NaN", b"Infinity", b"-Infinity"),
)
_TEXTS = (
    *(b"", b"x", b"\\ud800", b"\\udc00", b"\\ud800x", b"\\ud800\\ud800", b"\\ud83d\\ude00"),
    *(b"\\udc00\\ud800", b"\\uD83D\\uDE00", b"\\u0000", b"\\u00e9", b"\\u12", b"\\uzzzz", b"\\q"),
    *(b"\\", b'\\/\\b\\f\\n\\r\\t\\"\\\\', b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"),
    *(b"\xf4\x90\x80\x80", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xef\xbf\xbf", b"\0", b"\n", b"\t"),
    *(b"\x1f", b"\x7f", b"\xf0\x9f\x98\x80", b"e\xcc\x81", b"AA==", b"AA", b"A A=", b"null"),
    *(b"standard", b"express", b"arrival", b"aegis-256", b"infinite", b"age", b"Standard"),
)
_OTHERS = (
    *(b"null", b"true", b"false", b"[]", b"{}", b"[[]]", b"[{}]", b"[null]", b'{"":0}', b"{7:0}"),
    *(
        b"nul",
        b"True",
        b"",
        b"'x'",
        b"x",
        b"[1,]",
        b"[,]",
        b"{,}",
        b'{"x"}',
        b'{"x":}',
        b'{"x":0,}',
    ),
    *(b"[", b"{", b'"', b'{"x":[{"y":"\\ud800"}]}', b'["\xff"]', b"/**/1", b"1 2", b'"x" "y"'),
    *(b'{"standard":null}', b'{"arrival":null}', b'{"arrival":{}}', b'{"arrival":[]}'),
    *(b'{"aegis-256":null}', b'{"age":7}', b'{"age":[7]}', b'["age",7]', b'{"infinite":{}}'),
    *(b'{"infinite":[]}', b'{"infinite":null}', b'{"age":7,"infinite":{}}', b'{"age":7,"age":7}'),
    *(b'{"infinite":{"\xff":1}}', b'["x","y"]', b'[["x","y"]]', b'[["x"]]', b'[["x","y","z"]]'),
)
_DEPTHS = (2, 64, 126, 127, 128, 129, 200)
SPACES = (
    b" ",
    b"\n",
    b"\t\r\n ",
    b"\x0b",
    b"\x0c",
    b"\xc2\xa0",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\0",
)

TEXTS = tuple(Raw(b'"%b"' % text) for text in _TEXTS)
VALUES = (
    *(Raw(text) for text in (*_OTHERS, *_NUMBERS)),
    *(Raw(b"[" * depth + b"]" * depth) for depth in _DEPTHS),
    *(Raw(b'{"x":' * depth + b"0" + b"}" * depth) for depth in _DEPTHS),
    *(Raw(space + b"7" + space) for space in SPACES),
    *TEXTS,
)
NAMES = (*TEXTS, Raw(b"x"), Raw(b"1"), Raw(b"null"), Raw(b"[]"))
# Texts weigh as much as all else: they are what two parsers differ in.
values = st.sampled_from([*VALUES, *TEXTS])
names = st.sampled_from(NAMES)


def names_a_basin_of_all(body: bytes) -> bool:
    """Whether a body would create a basin that is the same in every run."""
    return _BASIN_OF_ALL.search(body) is not None


def places(shape: Shape, path: Path = ()) -> Iterator[tuple[Path, Shape]]:
    """Each place of a document of that shape, from the outside in."""
    yield path, shape
    inner = shape.items() if isinstance(shape, dict) else enumerate(shape or ())
    for name, there in inner:
        yield from places(there, (*path, name))


@st.composite
def edits(draw: st.DrawFn, value: Any, shape: Shape) -> Any:
    """Draw a replacement of `value`."""
    if isinstance(shape, dict) and shape:
        fields = value if isinstance(value, dict) else {}
        match draw(st.sampled_from(["value", "array", "array", "twice", "name", "escaped"])):
            case "array":
                length = draw(st.integers(0, len(shape) + 1))
                given = [fields.get(name) for name in shape] + [draw(values)]
                return given[:length]
            case "twice":
                pairs = Fields(fields.items())
                name = draw(st.sampled_from(list(shape)))
                again = [fields[name]] if name in fields else []
                again += [draw(st.sampled_from([None, *again]) | values)] * (2 - len(again))
                return Fields(
                    [*(pair for pair in pairs if pair[0] != name), *((name, one) for one in again)]
                )
            case "name":
                pair = (draw(names), draw(st.sampled_from([None, 0]) | values))
                at = draw(st.integers(0, len(fields)))
                pairs = Fields(fields.items())
                return Fields([*pairs[:at], pair, *pairs[at:]])
            case "escaped":
                return Fields((escaped(name), one) for name, one in fields.items())
    if isinstance(shape, list) and draw(st.booleans()):
        items = list(value) if isinstance(value, list) else []
        at = draw(st.integers(0, len(items)))
        return [*items[:at], draw(values), *items[at:]]
    if isinstance(value, str) and draw(st.integers(0, 5)) == 3:
        return escaped(value)
    return draw(values)


def escaped(text: Any) -> Raw:
    """The text, each of its letters as an escape."""
    units = str(text).encode("utf-16-be", "surrogatepass")
    pairs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return Raw(b'"%b"' % "".join(f"\\u{unit}" for unit in pairs).encode())


def changed(value: Any, path: Path, edit: Callable[[Any], Any]) -> Any:
    """`value` with an edit at that place, which is made if it is not there."""
    if not path:
        return edit(value)
    first, *rest = path
    if isinstance(first, str):
        fields = value if isinstance(value, dict) else {}
        return {**fields, first: changed(fields.get(first), tuple(rest), edit)}
    items = list(value) if isinstance(value, (list, tuple)) else []
    items += [None] * (first + 1 - len(items))
    items[first] = changed(items[first], tuple(rest), edit)
    return items


def written(value: Any, *, ascii_only: bool = True) -> bytes:
    """The document as text."""
    match value:
        case Raw():
            return bytes(value)
        case Fields():
            pairs = value
        case dict():
            pairs = Fields(value.items())
        case list() | tuple():
            return b"[%b]" % b",".join(written(one, ascii_only=ascii_only) for one in value)
        case _:
            return json.dumps(value, ensure_ascii=ascii_only).encode()
    texts = (
        written(name, ascii_only=ascii_only) + b":" + written(one, ascii_only=ascii_only)
        for name, one in pairs
    )
    return b"{%b}" % b",".join(texts)


@st.composite
def documents_at_the_edge(
    draw: st.DrawFn, documents: st.SearchStrategy[Any], shape: Shape
) -> bytes:
    """The text of such a document."""
    document = draw(documents)
    for _ in range(draw(st.sampled_from([1, 1, 1, 1, 0, 2]))):
        # Leaves twice as often as what they are in.
        where = [place for place in places(shape) for _ in range(1 if place[1] else 2)]
        path, there = draw(st.sampled_from(where))
        document = changed(document, path, lambda value, there=there: draw(edits(value, there)))
    body = written(document, ascii_only=draw(st.booleans()))
    match draw(st.integers(0, 15)):
        case 7:
            body += draw(st.sampled_from([*SPACES, b"x", b"{}", b",", b"}", b"]", b'"', b"//"]))
        case 8:
            body = draw(st.sampled_from(SPACES)) + body
        case 9:
            body = body[: draw(st.integers(0, len(body)))]
        case 10:
            body = body.decode("latin-1").encode(draw(st.sampled_from(["utf-16", "utf-16-le"])))
    return body


PAYLOADS: dict[int, tuple[bytes, ...]] = {
    0: (
        *(b"\0", b"\1", b"\x80\0", b"\xff" * 9 + b"\1", b"\xff" * 9 + b"\2", b"\xff" * 9 + b"\x7f"),
        *(b"\xff" * 10 + b"\1", b"\x80" * 9 + b"\0", b"\x80" * 10 + b"\0", b"\xff", b""),
    ),
    1: (bytes(8), b"\xff" * 8, bytes(7)),
    2: (
        *(
            b"\0",
            b"\1x",
            b"\2\xff\xfe",
            b"\3\xed\xa0\x80",
            b"\1\0",
            b"\5x",
            b"\x81\0x",
            b"\2\x0a\0",
        ),
        *(b"\2\x10\1", b"\2\x1a\0", b"\xff" * 9 + b"\1", b"\xff\xff\xff\xff\x07", b""),
    ),
    3: (b"", b"\x08\0"),
    4: (b"",),
    5: (bytes(4), bytes(3)),
    6: (b"", b"\0"),
    7: (b"", b"\0"),
}
FIELD_NUMBERS = (1, 2, 3, 4, 0, 15, 16, 19_000, 2**29 - 1, 2**29, 2**32 + 1, 2**60)


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    digits = []
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


@st.composite
def odd_fields(draw: st.DrawFn) -> bytes:
    """A field of a message, on the wire: known or unknown, of any wire type, whole or not."""
    number = draw(st.sampled_from(FIELD_NUMBERS))
    kind = draw(st.integers(0, 7))
    tag = varint(number << 3 | kind)
    payload = draw(st.sampled_from(PAYLOADS[kind]))
    if kind == 3 and draw(st.booleans()):
        payload += varint(draw(st.sampled_from([number, number, number + 1])) << 3 | 4)
    if draw(st.integers(0, 9)) == 5:
        tag = tag[:-1] + bytes([tag[-1] | 0x80, 0])
    return tag + payload


@st.composite
def messages_at_the_edge(draw: st.DrawFn, messages: st.SearchStrategy[bytes]) -> bytes:
    """An `AppendInput` on the wire with odd fields, in itself or in a record or a header of it."""
    message = draw(messages)
    field = b"".join(draw(st.lists(odd_fields(), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(0, 2))):
        # The first field of an input are its records; of those, the second their headers.
        inner = draw(st.sampled_from([b"\x0a", b"\x0a", b"\x12"]))
        field = inner + varint(len(field)) + field
    if draw(st.booleans()):
        message = field + message
    else:
        message += field
    if draw(st.integers(0, 11)) == 7:
        message = message[: draw(st.integers(0, len(message)))]
    return message
