"""The filter of exchanges that a journal's `of` and `wait_for` take."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from s2mock.powers.matching import Pattern
from s2mock.powers.operations import COMMANDS, OPERATION_NAMES, checked_operations
from s2mock.runtime.arguments import check_number


class ExchangeFilter(NamedTuple):
    """The checked arguments of `Journal.of`, as one value.

    With `has_any_name`, requests without an operation match too. `after` excludes the exchanges up
    to that number.
    """

    pattern: Pattern
    has_any_name: bool
    status: int | None
    after: int

    @classmethod
    def make(
        cls,
        operation: str | Iterable[str] | None = None,
        *,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
        after: int = 0,
    ) -> "ExchangeFilter":
        """Return the filter of these arguments. Raises `TypeError`, `ValueError`."""
        check_number("status", status)
        has_any_name = operation is None
        names = OPERATION_NAMES if has_any_name else checked_operations(operation, what="operation")
        return cls(Pattern(names, basin, stream), has_any_name, status, after)

    def __str__(self) -> str:
        pattern = self.pattern
        text = "exchanges" if self.has_any_name else "/".join(pattern.names)
        if pattern.basin != "*":
            text += f" in {pattern.basin}"
        if pattern.stream != "*":
            text += f" on {pattern.stream}"
        return text if self.status is None else f"{text} with status {self.status}"

    def to_query(self) -> Mapping[str, Any]:
        """Return the filter as parameters of `GET /_s2mock/journal`."""
        return {
            "operation": None if self.has_any_name else self.pattern.names,
            "basin": self.pattern.basin,
            "stream": self.pattern.stream,
            "status": self.status,
            "after": self.after,
        }

    @property
    def commands(self) -> frozenset[str]:
        """The names of commands that the filter asks for: an append with such a record matches."""
        return frozenset() if self.has_any_name else COMMANDS.intersection(self.pattern.names)
