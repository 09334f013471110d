"""The scope of a sweep or of crashes: the operations that are disturbed, each in an attempt."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from s2mock.campaigns.campaign import named_options
from s2mock.campaigns.wording import Wording
from s2mock.powers.matching import Pattern
from s2mock.runtime.arguments import check_count, check_flag

LIMIT: Final = 1000
_DEFAULTS: Final = {"basin": "*", "stream": "*", "limit": LIMIT, "check": False}


class Scope:
    """The operations that match, the limit of attempts, and what each attempt is checked for.

    The arguments are those of `s2mock.Sweep` and `s2mock.Crashes`; `options` are those of their
    accounts. Raises `TypeError`, `ValueError`.
    """

    def __init__(
        self,
        on: str | Iterable[str],
        *,
        basin: str = "*",
        stream: str = "*",
        limit: int = LIMIT,
        check: bool = False,
        options: Mapping[str, Any] | None = None,
        is_required: bool = True,
    ) -> None:
        check_count("limit", limit)
        check_flag("check", check)
        check_flag("required", is_required)
        self.names: Final = Pattern(on, basin, stream).names
        self.place: Final = {"basin": basin, "stream": stream}
        self.patterns: Final = {name: Pattern(name, basin, stream) for name in self.names}
        self.limit: Final = limit
        self.check: Final = check
        self.is_required: Final = is_required
        self._options = options or {}

    def arguments(self) -> Iterator[tuple[str, Any]]:
        """Yield the arguments that differ from the defaults, for the line of a replay."""
        given = {**self.place, "limit": self.limit, "check": self.check, **self._options}
        return named_options(given, _DEFAULTS)

    def place_as_code(self) -> list[str]:
        """Return `basin` and `stream` as arguments in Python, if they were given."""
        return [f"{name}={value!r}" for name, value in self.place.items() if value != "*"]

    def planned(self, points: int) -> int:
        """Return the number of all attempts for a number of points, with the first attempt."""
        return min(points, self.limit) + 1

    def count_failed(self, failed: int, points: int, wording: Wording) -> str:
        """Return how many attempts have failed, and how many points were left out."""
        total = min(points, self.limit)
        text = f"{failed} of {total} attempts failed"
        if left := points - total:
            text += (
                f"; {left} more were left out: there are {points}, and "
                f"{wording.option('limit', total)} is the limit"
            )
        return text
