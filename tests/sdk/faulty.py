"""Streams with a fault each, for the SDKs of other languages; a stream's name says which."""

from collections.abc import Mapping
from typing import Final

from s2mock import Answer, Basin, Cut, Drain, Drop, Fail, S2Mock

WAYS: Final = {"unary": "append", "session": "append-session"}
_READ_FAULTS: Final = {
    "cut-between": Cut(records=3),
    "cut-inside": Cut(bytes=60),
    "reset": Cut(records=3, connection=False),
    "failed": Fail("storage", records=4),
    "dropped": Drop(),
    "drained": Drain(records=2),
}


def break_appends(mock: S2Mock, basin: Basin, limited: Mapping[str, str] = WAYS) -> dict[str, int]:
    """Inject what goes wrong with an append, in each way.

    `limited` is the operation that the rate limit refuses, for each way. Returns how many records
    each stream has in the end, where the SDK tries again.
    """
    appended: dict[str, int] = {}
    for way, opening in WAYS.items():
        for name, fault, on, records in (
            ("limited", Fail("rate_limited", retry_after=0.4), limited[way], 1),
            ("lost-careful", Drop(committed=True), "append", 1),
            ("lost", Drop(committed=True), "append", 2),
            ("refused", Drop(refused=True), opening, 1),
            ("proxy", Answer(502, b"<html>", headers={"content-type": "text/html"}), opening, 1),
        ):
            stream = f"{name}-{way}"
            basin.create_stream(stream)
            mock.inject(fault, on=on, stream=stream)
            appended[stream] = records
    return appended


def break_reads(mock: S2Mock, basin: Basin, suffix: str = "") -> None:
    """Inject what goes wrong with a read of the ten records of each stream."""
    for name, fault in _READ_FAULTS.items():
        stream = basin.create_stream(f"{name}{suffix}")
        stream.append([str(number) for number in range(6)])
        stream.append([str(number) for number in range(6, 10)])
        mock.inject(fault, on="read", stream=stream.name)
