"""Selectors of operations (names, basins, streams, limits), and counts of compared operations."""

import re
from collections import Counter
from fnmatch import translate
from functools import cached_property
from typing import Any, Final, NamedTuple

from s2mock.powers.operations import COMMANDS, checked_operations
from s2mock.registry.operation import Operation
from s2mock.registry.rules.append import Append
from s2mock.runtime.arguments import check_count, check_flag, encoded

# This number of different places is counted, and of them the most frequent are listed.
_MAX_PLACES: Final = 1_000
_MAX_LISTED: Final = 4


class Pattern:
    """Operations of these names, on basins and streams that match names or globs.

    A name matches itself, even if it is also a glob: `run[1]` matches the streams `run[1]` and
    `run1`. `*` matches any text, with slashes too, `?` one character, `[ab]` one of those listed.
    Only `*` matches an operation without a basin or a stream. Raises `TypeError`, `ValueError`.
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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and (self.names, self.basin, self.stream) == (
            other.names,
            other.basin,
            other.stream,
        )

    def __hash__(self) -> int:
        return hash((self.names, self.basin, self.stream))

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
        """True if the operation matches by its name, basin and stream."""
        return self.matches_name(operation) and self.matches_place(
            operation.basin, operation.stream
        )

    def matches_name(self, operation: Operation) -> bool:
        """True if the operation has one of these names, on any basin and stream."""
        if operation.name in self.names:
            return True
        if not self._commands or not isinstance(operation, Append):
            return False
        batch = operation.batch
        return batch.has_commands and any(
            record.command in self._commands for record in batch.records
        )

    def matches_place(self, basin: str | None, stream: str | None) -> bool:
        """True if that basin and that stream match, for any name."""
        return (self.basin in ("*", basin) or self._basin.match(basin or "") is not None) and (
            self.stream in ("*", stream) or self._stream.match(stream or "") is not None
        )


class Selector(NamedTuple):
    """The operations that a fault or a hold is for: a pattern, and limits of their number.

    `skip`: matching operations to let through first; `times`: how many to affect after that, None
    without a limit. With `required`, the test fails if they do not arrive.
    """

    pattern: Pattern
    skip: int
    times: int | None
    required: bool

    @classmethod
    def make(
        cls, on: object, basin: str, stream: str, *, skip: int, times: int | None, required: bool
    ) -> "Selector":
        """Return the selector of these arguments. Raises `TypeError`, `ValueError`."""
        pattern = Pattern(on, basin, stream)
        check_count("skip", skip, least=0)
        check_count("times", times, optional=True)
        check_flag("required", required)
        return cls(pattern, skip, times, required)

    def to_json(self) -> dict[str, Any]:
        """Return the arguments of `make` as JSON."""
        pattern = self.pattern
        return {
            "on": list(pattern.names),
            "basin": pattern.basin,
            "stream": pattern.stream,
            "skip": self.skip,
            "times": self.times,
            "required": self.required,
        }


class MatchStats:
    """Counts of the operations that a selector was compared with, for messages about it."""

    def __init__(self, selector: Selector) -> None:
        self._pattern = selector.pattern
        self._skip = selector.skip
        self._skipped = 0
        # Operations with a name of the pattern, by basin and stream; all others by name.
        self._places: Counter[tuple[str | None, str | None]] = Counter()
        self._others: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._misplaced = 0

    def count(self, operation: Operation) -> None:
        """Count an operation that has arrived."""
        if not self._pattern.matches_name(operation):
            self._others[operation.name] += 1
            return
        place = (operation.basin, operation.stream)
        if place in self._places or len(self._places) < _MAX_PLACES:
            self._places[place] += 1

    def selects(self, operation: Operation) -> bool:
        """True if an operation matches, and is not one of the first `skip` that do.

        It counts those, so it is called once for each operation.
        """
        if not self._pattern.matches(operation):
            return False
        if self._skipped < self._skip:
            self._skipped += 1
            return False
        return True

    def count_refused(self, name: str) -> None:
        """Count a request of that name which was refused before it became an operation."""
        self._refused[name] += 1

    def count_misplaced(self) -> None:
        """Count a batch in a session, for which the fault has no meaning."""
        self._misplaced += 1

    def describe_unused(self, waiting: str) -> str:
        """Return the text of `describe`, for a message that nothing was affected."""
        few = f"skip={self._skip}, and {self._skipped} arrived; "
        return f"{few if self._skipped < self._skip else ''}{self.describe(waiting)}"

    def describe(self, waiting: str) -> str:
        """Return text on what arrived, and what `waiting` (such as "the fault") waits for."""
        pattern = self._pattern
        names = "/".join(pattern.names)
        parts = []
        if total := self._places.total():
            parts.append(f"{_counted(total, names)} arrived, {self._list_places(total)}")
        elif self._others:
            listed = [f"{count} {name}" for name, count in self._others.most_common(_MAX_LISTED)]
            more = " and others" if len(self._others) > _MAX_LISTED else ""
            parts.append(f"no {names} arrived, but {', '.join(listed)}{more}")
        else:
            parts.append(f"no {names} arrived, and nothing else")
        parts += [
            f"{_counted(self._refused[name], name)} arrived as a request that S2 refuses early: "
            "see the journal"
            for name in pattern.names
            if self._refused[name]
        ]
        if self._misplaced:
            parts.append(
                f"{_counted(self._misplaced, 'append')} arrived as a batch in a session, where the "
                "fault has no meaning: on='append-session' affects the opening"
            )
        waits = _describe_place(pattern)
        return "; ".join([*parts, f"{waiting} waits for {waits}"] if waits else parts)

    def _list_places(self, total: int) -> str:
        about_stream = any(stream for _, stream in self._places)
        texts: Counter[str] = Counter()
        by_basin = self._pattern.basin != "*"
        for (basin, stream), count in self._places.items():
            if not basin and not stream:
                text = "to the account"
            elif not about_stream:
                text = f"to basin `{basin}`"
            else:
                text = f"to `{stream}`" + (f" in basin `{basin}`" if by_basin else "")
            texts[text] += count
        if len(texts) == 1:
            every = "all " if total > 1 else ""
            return every + next(iter(texts))
        listed = [f"{count} {place}" for place, count in texts.most_common(_MAX_LISTED)]
        return ", ".join(listed) + (" and elsewhere" if len(texts) > _MAX_LISTED else "")


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'s' if count > 1 else ''}"


def _describe_place(pattern: Pattern) -> str:
    stream = "" if pattern.stream == "*" else f"`{pattern.stream}`"
    basin = "" if pattern.basin == "*" else f"basin `{pattern.basin}`"
    return " in ".join(part for part in (stream, basin) if part)


def _checked_glob(what: str, glob: object) -> str:
    if not isinstance(glob, str):
        raise TypeError(f"{what} must be a name or a glob such as 'orders/*', not {glob!r}")
    if not glob:
        raise ValueError(f"{what} must be a name or a glob: '*' matches all")
    encoded(what, glob)
    return glob
