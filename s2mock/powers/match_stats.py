"""What came while a test waited for something else, for the message of its timeout."""

from collections import Counter

from s2mock.powers.matching import Pattern
from s2mock.registry.operation import Operation

# So many different places are told apart; more say nothing more.
_MAX_KEYS = 1_000
_MAX_LISTED = 4


class MatchStats:
    """Counts of operations, by name and by what they are about."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        # Of the names that are waited for, by basin and stream; of all others, by name.
        self._places: Counter[tuple[str | None, str | None]] = Counter()
        self._others: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._misplaced = 0

    def note(self, operation: Operation) -> None:
        """An operation has come."""
        if not self._pattern.matches_name(operation):
            self._others[operation.name] += 1
            return
        place = (operation.basin, operation.stream)
        if place in self._places or len(self._places) < _MAX_KEYS:
            self._places[place] += 1

    def note_refused(self, name: str) -> None:
        """A request of that name has come, and was refused as it stood."""
        self._refused[name] += 1

    def note_misplaced(self) -> None:
        """A batch of a session has come, where a fault means nothing."""
        self._misplaced += 1

    def describe(self, who: str) -> str:
        """What came, and what is waited for."""
        pattern = self._pattern
        names = "/".join(pattern.names)
        parts = []
        if total := self._places.total():
            parts.append(f"{_counted(total, names)} came, {self._where(total)}")
        elif self._others:
            some = [f"{count} {name}" for name, count in self._others.most_common(_MAX_LISTED)]
            more = " and others" if len(self._others) > _MAX_LISTED else ""
            parts.append(f"no {names} came, but {', '.join(some)}{more}")
        else:
            parts.append(f"no {names} came, and nothing else")
        parts += [
            f"{_counted(self._refused[name], name)} came as a request that S2 refuses as it "
            "stands: see the journal"
            for name in pattern.names
            if self._refused[name]
        ]
        if self._misplaced:
            parts.append(
                f"{_counted(self._misplaced, 'append')} came as a batch of a session, where it "
                "means nothing: on='append-session' meets the opening"
            )
        waits = _asked_for(pattern)
        return "; ".join([*parts, f"{who} waits for {waits}"] if waits else parts)

    def _where(self, total: int) -> str:
        about_stream = any(stream for _, stream in self._places)
        told: Counter[str] = Counter()
        by_basin = self._pattern.basin != "*"
        for (basin, stream), count in self._places.items():
            if not basin and not stream:
                text = "to the account"
            elif not about_stream:
                text = f"to basin `{basin}`"
            else:
                text = f"to `{stream}`" + (f" in basin `{basin}`" if by_basin else "")
            told[text] += count
        if len(told) == 1:
            every = "all " if total > 1 else ""
            return every + next(iter(told))
        some = [f"{count} {place}" for place, count in told.most_common(_MAX_LISTED)]
        return ", ".join(some) + (" and elsewhere" if len(told) > _MAX_LISTED else "")


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'s' if count > 1 else ''}"


def _asked_for(pattern: Pattern) -> str:
    stream = "" if pattern.stream == "*" else f"`{pattern.stream}`"
    basin = "" if pattern.basin == "*" else f"basin `{pattern.basin}`"
    return " in ".join(part for part in (stream, basin) if part)
