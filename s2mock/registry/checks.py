"""The types of what a test hands over, checked where it enters.

Everything behind here takes its arguments as they are typed. What is of another type is a
`TypeError` that says what would be right; it changes nothing.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from s2mock.registry.config import BasinConfig, StreamConfig
from s2mock.registry.records import AppendInput, AppendRecord

Config = TypeVar("Config", BasinConfig, StreamConfig)


def check_name(what: str, value: object) -> str:
    """A name, which is text. Raises `TypeError`."""
    if not isinstance(value, str):
        hint = ": decode it first" if _is_bytes(value) else ""
        raise TypeError(f"{what} must be text, not {_described(value)}{hint}")
    return value


def check_text(what: str, value: object) -> None:
    """Text or None. Raises `TypeError`."""
    if value is not None:
        check_name(what, value)


def check_number(what: str, value: object) -> None:
    """A whole number or None. Raises `TypeError`."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"{what} must be a whole number, not {_described(value)}")


def check_config(value: Any, kind: type[Config]) -> None:
    """A configuration of that kind, or None. Raises `TypeError`."""
    if value is not None and not isinstance(value, kind):
        example = f"{kind.__name__}(...)"
        raise TypeError(f"config must be a {kind.__name__}, not {_described(value)}: try {example}")


def check_append(
    records: Iterable[AppendRecord | bytes | str],
    match_seq_num: int | None,
    fencing_token: str | None,
) -> AppendInput:
    """A batch of these records. Raises `TypeError`, `Invalid`."""
    # Text and bytes can be iterated, too, but what comes of it is hardly what was meant.
    if isinstance(records, str | bytes | bytearray | memoryview | AppendRecord):
        raise TypeError(f"records must be an iterable of records, not one: try [{records!r}]")
    if isinstance(records, dict) or not isinstance(records, Iterable):
        raise TypeError(f"records must be an iterable of records, not {_described(records)}")
    check_number("match_seq_num", match_seq_num)
    check_text("fencing_token", fencing_token)
    return AppendInput(
        [_as_record(index, record) for index, record in enumerate(records)],
        match_seq_num=match_seq_num,
        fencing_token=fencing_token,
    )


def _as_record(index: int, record: object) -> AppendRecord:
    if isinstance(record, AppendRecord):
        return record
    if isinstance(record, str | bytes):
        return AppendRecord(record.encode() if isinstance(record, str) else record)
    hint = ": try bytes(...)" if _is_bytes(record) else ""
    raise TypeError(
        f"records[{index}] must be an AppendRecord, bytes or text, not {_described(record)}{hint}"
    )


def _is_bytes(value: object) -> bool:
    return isinstance(value, bytes | bytearray | memoryview)


def _described(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__}: {text if len(text) <= 60 else text[:57] + '...'}"
