"""A long text is read piece by piece, and comes out as the library reads it in one go."""

import json
from collections.abc import Callable, Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mock.json_bodies import decoder, pieces
from s2mock.json_bodies.decoder import _decoder, decode, decode_in_slices
from s2mock.registry.values.errors import BadJson

pytestmark = pytest.mark.slow

WINDOWS = (1, 2, 3, 5, 8, 13, 40, 4096)
BLANKS = st.text(" \t\n\r", max_size=2)
NUMBERS = ["1", "-0", "0.5", "1e5", "-1.25E+3", "123456789012345678901234", "NaN"]
SCALARS = st.sampled_from(
    [*NUMBERS, "null", "true", "false", '""', '"abc"', '"\\u00e9\\n"', '"\u00e9"']
)


def _containers(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    between = st.tuples(BLANKS, BLANKS).map(",".join)
    names = st.sampled_from(['"a"', '"records"', '"é"', '""'])
    members = st.tuples(names, BLANKS, BLANKS, values).map(lambda m: f"{m[0]}{m[1]}:{m[2]}{m[3]}")
    return st.one_of(
        st.tuples(between, st.lists(values, max_size=5)).map(lambda it: f"[{it[0].join(it[1])}]"),
        st.tuples(BLANKS, between, st.lists(members, max_size=5)).map(
            lambda it: f"{{{it[0]}{it[1].join(it[2])}}}"
        ),
    )


TEXTS = st.tuples(BLANKS, st.recursive(SCALARS, _containers, max_leaves=40), BLANKS).map("".join)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A text with a character or a few more, fewer, or others; or without its end."""
    text = draw(TEXTS)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        more = draw(st.sampled_from(["", *'[]{},:"\\ 1-.e\ntNa\x01é\udc80']))
        text = text[:at] + more + text[at + draw(st.integers(0, 2)) :]
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


def whole(work: Generator[None, None, Any]) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value


def narrow(patch: pytest.MonkeyPatch, window: int) -> None:
    """Let the library have so much at once at least, and four times that at most."""
    patch.setattr(pieces, "_LEAST_WINDOW", window)
    patch.setattr(pieces, "_MOST_WINDOW", 4 * window)
    patch.setattr(pieces, "_SLICE", window)


def outcome(read: Callable[[], Any]) -> object:
    try:
        return shown(read())
    except json.JSONDecodeError as error:
        return (error.msg, error.pos, error.lineno, error.colno)
    except BadJson as error:
        return str(error)


def shown(value: Any) -> Any:
    """The value with the types of numbers, and all names of objects where one came twice."""
    if isinstance(value, dict):
        items = [(name, shown(below)) for name, below in value.items()]
        return (type(value).__name__, items, getattr(value, "names", None))
    if isinstance(value, list):
        return [shown(below) for below in value]
    return repr(value)


EDGES = [
    *("", " ", "[", "{", "[]", "{}", "[ ]", "{ }", "[] x", "nul", "[,]", "{,}", "[[],]", "[1,]"),
    *("[[]e5]", "[{}.5]", "[[] 5]", "[[]5", "[1.5]", "[1e5]", "[1.]", "[-]", "[-0.5]", "[12,34]"),
    *('{"a":{}e5}', '{"a":[].5}', '{"a":{},}', '{"a":1,}', '{"a"}', '{"a":}', '{"a" 1}', "{1:2}"),
    *('{"a":1,"a":2}', '{"a":1 "b":2}', '["a', '["a\\x"]', "[NaN,", "[[],NaN,]", "[{}\n ,\n ]"),
]


@pytest.mark.parametrize("text", EDGES)
@pytest.mark.parametrize("window", WINDOWS)
def test_edges(text: str, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch, window)
    for whole_text in (text, f"[{text}]", f'{{"a":{text}}}', f"[[],{text}]"):
        found = outcome(lambda: whole(pieces.decode_in_pieces(whole_text, _decoder)))  # noqa: B023
        assert found == outcome(lambda: _decoder.decode(whole_text))  # noqa: B023


@given(text=broken(), window=st.sampled_from(WINDOWS))
def test_as_the_library_reads_it(text: str, window: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        narrow(patch, window)
        found = outcome(lambda: whole(pieces.decode_in_pieces(text, _decoder)))
    assert found == outcome(lambda: _decoder.decode(text))


@given(text=broken(), window=st.sampled_from(WINDOWS))
def test_the_answer_is_the_same(text: str, window: int) -> None:
    body = f'{{"records":[{text}]}}'.encode("utf-8", "surrogateescape")
    with pytest.MonkeyPatch.context() as patch:
        narrow(patch, window)
        patch.setattr(decoder, "_FEW_VALUES", -1)
        found = outcome(lambda: whole(decode_in_slices(body, "append_input")))
    assert found == outcome(lambda: decode(body, "append_input"))


@pytest.mark.parametrize(
    "body",
    [
        '{"records":[' + "[]," * 50_000 + "[]]}",
        '{"records":[{"headers":[' + '["a",""],' * 20_000 + '["a",""]]}]}',
        '{"x":{' + '"a":{},' * 20_000 + '"a":{}}}',
        "[" * 400 + "[]," * 50_000 + "[]" + "]" * 400,
        "[" + "[]," * 50_000 + "[]",
    ],
    ids=["arrays", "headers", "fields", "deep", "without an end"],
)
def test_the_library_reads_little_at_once(body: str) -> None:
    """In one call of its no other thread has a turn."""
    sizes = []

    class Noting(json.JSONDecoder):
        def __init__(self) -> None:
            super().__init__(object_pairs_hook=dict)
            inner: Callable[[str, int], Any] = self.scan_once  # type: ignore[has-type]

            def scan(text: str, at: int) -> Any:
                sizes.append(len(text) - at)
                return inner(text, at)

            self.scan_once = scan

    found = outcome(lambda: whole(pieces.decode_in_pieces(body, Noting())))
    assert max(sizes) <= 64 * 1024
    assert found == outcome(lambda: json.JSONDecoder(object_pairs_hook=dict).decode(body))


def test_a_text_that_is_nested_too_deeply() -> None:
    for inner in ("", "[]," * 50_000 + "[]"):
        body = f"{'[' * 200_000}{inner}{']' * 200_000}".encode()
        with pytest.raises(BadJson, match="nested too deeply"):
            whole(decode_in_slices(body, "append_input"))
