"""Strategies for records and batches. Sources: reference: data_plane §1.7, §3.2, §3.3."""

from typing import Any, Final

from hypothesis import strategies as st

from s2mock.registry.values.config import U64_MAX
from s2mock.registry.values.records import (
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    MAX_FENCING_TOKEN_BYTES,
    AppendRecord,
)
from s2mock.strategies.refusals import Refused, bad_json, invalid, no_text, no_u64

_RECORD_BYTES: Final = 8
_TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def append_records() -> st.SearchStrategy[AppendRecord]:
    """Return a strategy for small records to append, without commands."""
    return st.builds(
        AppendRecord,
        st.binary(max_size=64) | _TEXT,
        st.lists(st.tuples(st.binary(min_size=1, max_size=16), st.binary(max_size=16)), max_size=3),
        st.none() | st.integers(0, U64_MAX),
    )


def batches() -> st.SearchStrategy[list[AppendRecord]]:
    """Return a strategy for lists of records that one append accepts."""
    return st.lists(append_records(), min_size=1, max_size=20)


def invalid_append_records() -> st.SearchStrategy[Refused]:
    """Return a strategy for JSON that an append refuses as one of its `records`."""
    no_name = _TEXT.filter(lambda value: value not in ("fence", "trim"))
    return st.one_of(
        bad_json((no_text() | st.none()).map(lambda body: {"body": body})),
        bad_json(no_u64().map(lambda timestamp: {"body": "x", "timestamp": timestamp})),
        bad_json(_malformed_headers().map(lambda headers: {"headers": headers})),
        bad_json(st.integers() | st.booleans() | st.none() | _TEXT),
        invalid(no_name.map(lambda value: {"headers": [["", value]]})),
        invalid(
            st.builds(
                lambda name, value: {"headers": [["", value], [name, value]]},
                _TEXT.filter(bool),
                _TEXT,
            )
        ),
        invalid(_command("fence", st.integers(1, 64).map(_too_long_token))),
        invalid(_command("trim", st.text("x", max_size=20).filter(lambda body: len(body) != 8))),
        invalid(st.integers(1, 64).map(_too_long_record)),
    )


def invalid_batches() -> st.SearchStrategy[Refused]:
    """Return a strategy for JSON that an append refuses as its `records`."""
    record = st.builds(lambda body: {"body": body}, _TEXT)
    few = st.lists(record, max_size=3)
    wrong_inside = st.builds(
        lambda before, wrong, after: Refused(
            [*before, wrong.value, *after], wrong.code, wrong.status
        ),
        few,
        invalid_append_records(),
        few,
    )
    half = "x" * (MAX_BATCH_BYTES // 2)
    return st.one_of(
        invalid(st.just([])),
        wrong_inside,
        bad_json(st.sampled_from([5, "x", None, True, {}, {"body": "x"}])),
        invalid(
            st.integers(1, 50).map(lambda more: [{"body": ""} for _ in range(_TOO_MANY + more)])
        ),
        invalid(few.map(lambda records: [{"body": half}, {"body": half}, *records])),
    )


_TOO_MANY: Final = MAX_BATCH_RECORDS


def _malformed_headers() -> st.SearchStrategy[Any]:
    value = _TEXT
    return st.one_of(
        value.map(lambda one: [[one]]),
        value.map(lambda one: [[one, one, one]]),
        st.builds(lambda name, wrong: [[name, wrong]], value, no_text() | st.none()),
        value.map(lambda one: {one: one}),
        value,
    )


def _command(name: str, bodies: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return bodies.map(lambda body: {"headers": [["", name]], "body": body})


def _too_long_token(more: int) -> str:
    return "x" * (MAX_FENCING_TOKEN_BYTES + more)


def _too_long_record(more: int) -> dict[str, Any]:
    return {"body": "x" * (MAX_BATCH_BYTES - _RECORD_BYTES + more)}
