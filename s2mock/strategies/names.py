"""Strategies for names and request tokens. Sources: reference: control_plane §4.1, §5.1, §2.1."""

from string import ascii_lowercase, digits
from typing import Final

from hypothesis import strategies as st

from s2mock.registry.values.names import (
    MAX_BASIN_NAME_BYTES,
    MAX_REQUEST_TOKEN_BYTES,
    MAX_STREAM_NAME_BYTES,
    MIN_BASIN_NAME_BYTES,
)
from s2mock.strategies.refusals import Refused, bad_json

_ALNUM: Final = ascii_lowercase + digits
_ANY: Final = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_PRINTABLE: Final = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
_MAX_UTF8: Final = 4


def _basin_like(least: int, most: int) -> st.SearchStrategy[str]:
    """Return a strategy for text in the alphabet of basin names, with valid ends."""
    inner = st.text(_ALNUM + "-", min_size=max(0, least - 2), max_size=most - 2)
    edge = st.sampled_from(_ALNUM)
    return st.builds("{}{}{}".format, edge, inner, edge)


def basin_names() -> st.SearchStrategy[str]:
    """Return a strategy for names of basins, as text."""
    return _basin_like(MIN_BASIN_NAME_BYTES, MAX_BASIN_NAME_BYTES)


def invalid_basin_names() -> st.SearchStrategy[Refused]:
    """Return a strategy for text that a create refuses as the `basin` in its body."""
    good = _basin_like(MIN_BASIN_NAME_BYTES, MAX_BASIN_NAME_BYTES - 1)
    strange = st.characters(exclude_characters=_ALNUM + "-", exclude_categories=["Cs"])
    short = st.text(_ALNUM, max_size=MIN_BASIN_NAME_BYTES - 1)
    long = _basin_like(MAX_BASIN_NAME_BYTES + 1, 2 * MAX_BASIN_NAME_BYTES)
    return bad_json(
        short
        | long
        | good.map(lambda name: f"-{name}")
        | good.map(lambda name: f"{name}-")
        | st.builds(lambda name, sign: f"{name[:3]}{sign}{name[3:]}", good, strange)
    )


def stream_names() -> st.SearchStrategy[str]:
    """Return a strategy for names of streams, as text: simple, with slashes, and unusual ones."""
    simple = st.text(_ALNUM + "/-_.", min_size=1, max_size=30)
    strange = st.text(_ANY, min_size=1, max_size=MAX_STREAM_NAME_BYTES // _MAX_UTF8)
    long = st.text(_ALNUM, min_size=MAX_STREAM_NAME_BYTES - 3, max_size=MAX_STREAM_NAME_BYTES)
    return (simple | strange | long).filter(lambda name: name not in (".", ".."))


def invalid_stream_names() -> st.SearchStrategy[Refused]:
    """Return a strategy for text that a create refuses as the `stream` in its body."""
    good = st.text(_ANY, max_size=100)
    nul = st.builds(lambda before, after: f"{before}\0{after}", good, good)
    long = st.builds(lambda start, rest: f"{start}{'x' * MAX_STREAM_NAME_BYTES}{rest}", good, good)
    return bad_json(
        st.sampled_from(["", ".", ".."]) | nul | long.filter(lambda name: len(name) > 512)
    )


def request_tokens() -> st.SearchStrategy[str]:
    """Return a strategy for values of the header `s2-request-token`, as text."""
    return st.text(_PRINTABLE, min_size=1, max_size=MAX_REQUEST_TOKEN_BYTES)


def invalid_request_tokens() -> st.SearchStrategy[Refused]:
    """Return a strategy for text that S2 refuses as the header `s2-request-token`."""
    least = MAX_REQUEST_TOKEN_BYTES + 1
    long = st.text(_PRINTABLE, min_size=least, max_size=3 * MAX_REQUEST_TOKEN_BYTES)
    return long.map(lambda token: Refused(token, "bad_header", 400))
