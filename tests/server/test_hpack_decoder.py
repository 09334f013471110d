"""The decoder beside the one of the library `hpack`."""

import ast
import sys
from pathlib import Path

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

import s2mock.server
from s2mock.server.hpack_decoder import CompressionError, HpackDecoder, ListTooLargeError

TEXT = st.binary(max_size=40) | st.sampled_from(
    [b":path", b":method", b"GET", b"accept", b"x" * 200]
)
FIELDS = st.lists(st.tuples(TEXT, TEXT), max_size=12)


@given(lists=st.lists(st.tuples(FIELDS, st.booleans(), st.booleans()), max_size=8))
def test_what_an_encoder_says(lists: list[tuple[list[tuple[bytes, bytes]], bool, bool]]) -> None:
    encoder, decoder = hpack.Encoder(), HpackDecoder(1 << 20)
    for fields, huffman, shrinks in lists:
        if shrinks:
            encoder.header_table_size = 100
            encoder.header_table_size = 4096
        assert decoder.decode(encoder.encode(fields, huffman=huffman)) == fields


@given(blocks=st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_are_decoded_as_hpack_does(blocks: list[bytes]) -> None:
    """Any bytes are decoded as the library does, or refused as it does."""
    other, decoder = hpack.Decoder(max_header_list_size=1 << 30), HpackDecoder(1 << 30)
    for block in blocks:
        try:
            expected = [
                (bytes(name), bytes(value)) for name, value in other.decode(block, raw=True)
            ]
        except hpack.HPACKError:
            with pytest.raises(CompressionError):
                decoder.decode(block)
            return
        assert decoder.decode(block) == expected


def test_a_list_that_is_too_large() -> None:
    block = hpack.Encoder().encode([("a", "b" * 4000)]) + b"\xbe" * 12000
    with pytest.raises(ListTooLargeError):
        HpackDecoder(65536).decode(block)


@pytest.mark.parametrize(
    "block",
    [
        b"\x80",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xbe",
        b"\x82\x20",
        b"\x3f\xff\x7f",
        b"\x00\x05a",
    ],
    ids=["index 0", "number too large", "no such entry", "size within", "size too large", "short"],
)
def test_faults(block: bytes) -> None:
    with pytest.raises(CompressionError):
        HpackDecoder(65536).decode(block)


def test_no_private_part_of_a_library_is_used() -> None:
    """The server uses the standard library, `hpack`, Werkzeug for a WSGI call, trustme for TLS."""
    names = set()
    for file in Path(s2mock.server.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    used = {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}
    libraries = {name for name in used if not name.startswith(("s2mock.", "_typeshed."))}
    of_hpack = {name for name in libraries if name.startswith("hpack.")}
    assert of_hpack == {"hpack.Decoder", "hpack.HPACKDecodingError"}
    assert {name.rpartition(".")[2] for name in of_hpack} <= {*hpack.__all__}
    assert libraries - of_hpack == {
        "trustme.CA",
        "werkzeug.exceptions.ClientDisconnected",
        "werkzeug.wsgi.get_input_stream",
    }


def test_a_block_that_was_seen_is_decoded_with_the_table_as_it_is() -> None:
    decoder = HpackDecoder(60)
    newest = b"\xbe"
    for number in range(3):
        name = b"%d" % number
        # A literal field that is added to the table, and the newest field of the table, twice.
        assert list(decoder.decode(b"\x40\x01" + name + b"\x01x")) == [(name, b"x")]
        assert [*decoder.decode(newest), *decoder.decode(newest)] == [(name, b"x")] * 2
    with pytest.raises(ListTooLargeError):
        decoder.decode(b"\x40\x01y\x01x" * 2)
    assert list(decoder.decode(newest)) == [(b"y", b"x")]
