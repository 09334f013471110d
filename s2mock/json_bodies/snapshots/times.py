"""Times in snapshot files: dates, to the nanosecond."""

import re
from typing import Final

from s2mock.json_bodies.control_plane import LAST_TIME, time_to_json
from s2mock.registry.values.rfc3339 import parse_timestamp

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)


def time_to_file(time: int) -> str | int:
    """Return a date, or nanoseconds since 1970 if it is not in the years 1970 to 9999."""
    return time_to_json(time) or 0 if 0 <= time <= LAST_TIME else time


def time_from_file(value: object) -> int:
    """Return nanoseconds since 1970, of a date or of such a number. Raises `ValueError`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return date_from_file(value)


def date_from_file(value: object) -> int:
    """Return a date as nanoseconds since the Unix epoch. Raises `ValueError`."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'a date is written "2024-01-01T00:00:00Z", not {value!r}')
    time = parse_timestamp(found[0])
    if time < 0:
        raise ValueError(f"a date is of 1970 or later, not {value!r}")
    return time
