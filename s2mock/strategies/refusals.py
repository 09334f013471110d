"""Values that S2 refuses, with the error code and the HTTP status."""

import reprlib
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

_short: Final = reprlib.Repr()
_short.maxstring = _short.maxother = 80
_short.maxlist = _short.maxdict = 6


@dataclass(frozen=True, repr=False)
class Refused:
    """A value that S2 refuses, with the error code and the HTTP status of the refusal."""

    value: Any
    code: str
    status: int

    def __repr__(self) -> str:
        return f"Refused({_short.repr(self.value)}, {self.code!r}, {self.status})"


def bad_json(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Refused]:
    """Return refusals of values that S2 cannot decode (reference: control_plane §2.2)."""
    return values.map(lambda value: Refused(value, "bad_json", 400))


def invalid(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Refused]:
    """Return refusals of values that S2 decodes but does not allow."""
    return values.map(lambda value: Refused(value, "invalid", 422))


def no_text() -> st.SearchStrategy[Any]:
    """Return a strategy for JSON that is neither text nor null."""
    return st.integers(-5, 5) | st.booleans() | st.just(1.5) | st.just([]) | st.just({})


def no_u64() -> st.SearchStrategy[Any]:
    """Return a strategy for JSON that is neither a whole number from 0 to 2^64-1 nor null."""
    return (
        st.integers(-(2**63), -1)
        | st.integers(2**64, 2**70)
        | st.sampled_from([1.5, "1", "", [], {}, True])
    )


def no_boolean() -> st.SearchStrategy[Any]:
    """Return a strategy for JSON that is neither true nor false nor null."""
    return st.integers(-1, 2) | st.sampled_from(["true", "", [], {}, 0.5])
