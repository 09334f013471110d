"""Which exchanges are meant, where a test asks its journal for some."""

from collections.abc import Callable
from typing import Any

from s2mock.powers.entry import Entry
from s2mock.powers.matching import Pattern
from s2mock.powers.operations import COMMANDS, OPERATION_NAMES
from s2mock.runtime.arguments import check_number


class ExchangeFilter:
    """Which exchanges are meant."""

    def __init__(
        self,
        operation: Any,
        basin: str,
        stream: str,
        status: int | None,
        document: Callable[[Entry], Any],
    ) -> None:
        check_number("status", status)
        self._any = operation is None
        self._pattern = Pattern(OPERATION_NAMES if self._any else operation, basin, stream)
        self._status = status
        self._document = document

    def __str__(self) -> str:
        pattern = self._pattern
        text = "exchanges" if self._any else "/".join(pattern.names)
        if pattern.basin != "*":
            text += f" in {pattern.basin}"
        if pattern.stream != "*":
            text += f" on {pattern.stream}"
        return text if self._status is None else f"{text} with status {self._status}"

    def has(self, entry: Entry) -> bool:
        """Whether that is one of them."""
        if self._status is not None and entry.status != self._status:
            return False
        names = self._pattern.names
        if not self._any and entry.operation not in names and not self._has_command(entry):
            return False
        return self._pattern.matches_place(*entry.place)

    def _has_command(self, entry: Entry) -> bool:
        wanted = COMMANDS.intersection(self._pattern.names)
        if not wanted or entry.operation != "append":
            return False
        document = self._document(entry)
        records = document.get("records", ()) if isinstance(document, dict) else ()
        return any(
            record.get("headers", [])[:1] == [["", command]]
            for record in records
            for command in wanted
        )
