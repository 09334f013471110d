"""Which operations are meant: by name, and by the names of their basin and stream."""

import re
from fnmatch import translate
from functools import cached_property

from s2mock.powers.operations import COMMANDS, checked_operations
from s2mock.registry.operation import Operation
from s2mock.registry.rules.append import Append
from s2mock.runtime.arguments import encoded


class Pattern:
    """Operations of these names, on basins and streams that match names or globs.

    A name matches itself, also where it reads as a glob: `run[1]` matches the stream `run[1]`, and
    `run1`. `*` stands for anything, slashes too, `?` for one character, `[ab]` for one of them.
    What is about no basin or no stream is matched by `*` only. Raises `TypeError`, `ValueError`.
    """

    def __init__(self, on: object, basin: str, stream: str) -> None:
        self.names: tuple[str, ...] = checked_operations(on)
        self.basin: str = _checked_glob("basin", basin)
        self.stream: str = _checked_glob("stream", stream)

    def __str__(self) -> str:
        names = self.names[0] if len(self.names) == 1 else self.names
        text = f"on={names!r}"
        if self.basin != "*":
            text += f", basin={self.basin!r}"
        if self.stream != "*":
            text += f", stream={self.stream!r}"
        return text

    @property
    def place(self) -> dict[str, object]:
        """The arguments that say the same."""
        return {"on": list(self.names), "basin": self.basin, "stream": self.stream}

    @cached_property
    def _basin(self) -> re.Pattern[str]:
        return re.compile(translate(self.basin))

    @cached_property
    def _stream(self) -> re.Pattern[str]:
        return re.compile(translate(self.stream))

    @cached_property
    def _commands(self) -> frozenset[str]:
        return COMMANDS.intersection(self.names)

    def matches(self, operation: Operation) -> bool:
        """Whether the operation is one of these."""
        return self.matches_name(operation) and self.matches_place(
            operation.basin, operation.stream
        )

    def matches_name(self, operation: Operation) -> bool:
        """Whether the operation has one of these names, whatever it is about."""
        if operation.name in self.names:
            return True
        if not self._commands or not isinstance(operation, Append):
            return False
        return any(record.command in self._commands for record in operation.batch.records)

    def matches_place(self, basin: str | None, stream: str | None) -> bool:
        """Whether what is about that basin and that stream may be one of these."""
        return (self.basin in ("*", basin) or self._basin.match(basin or "") is not None) and (
            self.stream in ("*", stream) or self._stream.match(stream or "") is not None
        )


def _checked_glob(what: str, glob: object) -> str:
    if not isinstance(glob, str):
        raise TypeError(f"{what} must be a name or a glob such as 'orders/*', not {glob!r}")
    if not glob:
        raise ValueError(f"{what} must be a name or a glob: '*' stands for all")
    encoded(what, glob)
    return glob
