"""The report of a campaign: its failures, the shortest first, equal ones once."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

# A report has a timeline for this number of failures, and a line for each other one.
_MAX_TIMELINES: Final = 10
_MAX_LISTED: Final = 8


@dataclass(frozen=True, kw_only=True)
class FailedAttempt:
    """An attempt that failed, as the report shows it.

    `title` names what was done in it, `short_title` the same without what all of its equals share.
    `rank` orders failures, the shortest first; equal failures have the same `key`. `replay` are the
    lines that run it alone, and `test` is a test to paste, None without one. `taken` are the
    exchanges that ended with the connection of its fault. `summary` is for the first line.
    """

    number: int
    title: str
    short_title: str
    long_title: str
    text: str
    timeline: str
    rank: tuple[Any, ...]
    key: Hashable
    replay: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    test: str | None = None
    summary: str = ""


@dataclass(frozen=True)
class FailureGroup:
    """Equal failures: the shortest one, and the others."""

    first: FailedAttempt
    others: tuple[FailedAttempt, ...] = ()

    @property
    def count(self) -> int:
        """The number of attempts that failed in this way."""
        return 1 + len(self.others)

    @property
    def equals(self) -> str | None:
        """The line that names the others, None without any."""
        if not self.others:
            return None
        names = [one.short_title for one in self.others[:_MAX_LISTED]]
        if rest := len(self.others) - len(names):
            names.append(f"{rest} more")
        plural = "" if len(self.others) == 1 else "s"
        return f"{len(self.others)} equal failure{plural}: {'; '.join(names)}"

    def lines(self) -> Iterator[str]:
        """Yield the lines of the report with all that is known of the shortest one."""
        first = self.first
        yield f"{first.long_title}: {first.text}"
        for line in first.replay:
            yield f"    {line}"
        if self.equals is not None:
            yield f"    {self.equals}"
        for line in first.timeline.splitlines():
            yield f"    {line}"
        if first.taken:
            yield f"    ended with its connection: {', '.join(first.taken)}"

    def to_json(self) -> dict[str, Any]:
        """Return the group as JSON."""
        first = self.first
        return {
            "attempt": first.number,
            "title": first.title,
            "message": first.text,
            "count": self.count,
            "others": [one.number for one in self.others],
            "timeline": first.timeline,
            "replay": list(first.replay),
            "taken": list(first.taken),
            "test": first.test,
        }


def group_equal(failed: Iterable[FailedAttempt]) -> tuple[FailureGroup, ...]:
    """Return the failures, which are sorted, with equal ones in one group."""
    groups: dict[Hashable, list[FailedAttempt]] = {}
    for one in failed:
        groups.setdefault(one.key, []).append(one)
    return tuple(FailureGroup(group[0], tuple(group[1:])) for group in groups.values())


@dataclass(frozen=True, kw_only=True)
class CampaignReport:
    """What a campaign has found: its text is `str(report)`.

    `attempts` is the number of attempts that were run, and `planned` of all, None as long as that
    is unknown. `complaint` is the line for which the campaign fails, None if it passed.
    """

    kind: str
    attempts: int
    planned: int | None
    complaint: str | None
    groups: tuple[FailureGroup, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True if all attempts were run and none failed."""
        return self.complaint is None and not self.groups

    def __str__(self) -> str:
        """Return the text of the report."""
        if self.passed:
            plural = "" if self.attempts == 1 else "s"
            return "\n".join([f"{self.kind}: {self.attempts} attempt{plural} passed", *self.notes])
        lines = [self.complaint or "", *self.notes]
        for group in self.groups[:_MAX_TIMELINES]:
            lines += ["", *group.lines()]
        if rest := self.groups[_MAX_TIMELINES:]:
            lines.append("")
            for group in rest:
                lines.append(f"{group.first.title}: {group.first.text.splitlines()[0]}")
                if group.equals is not None:
                    lines.append(f"    {group.equals}")
        if self.groups and (test := self.groups[0].first.test) is not None:
            lines += ["", "The shortest failure as a test of its own:", "", test.rstrip()]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "kind": self.kind,
            "passed": self.passed,
            "attempts": self.attempts,
            "planned": self.planned,
            "complaint": self.complaint,
            "notes": list(self.notes),
            "failures": [group.to_json() for group in self.groups],
        }
