"""RFC 3339 timestamps, as strict as S2 reads them.

Source: reference: control_plane §6.1; the order of the checks is the real server's.
"""

import re
from calendar import monthrange
from datetime import date

# A part without a name is a literal. What separates date and time may be any one byte.
_DATE_AND_TIME = (
    ("year", rb"[0-9]{4}"),
    ("", rb"-"),
    ("month", rb"(?!00)[0-9]{2}"),
    ("", rb"-"),
    ("day", rb"[0-9]{2}"),
    ("separator", rb"(?s:.)"),
    ("hour", rb"[0-9]{2}"),
    ("", rb":"),
    ("minute", rb"[0-9]{2}"),
    ("", rb":"),
    ("second", rb"[0-9]{2}"),
)
_FRACTION = (("", rb"\."), ("subsecond", rb"[0-9]+"))
_UTC = (("", rb"[Zz]"),)
_OFFSET = (
    ("offset hour", rb"[+-](?:[01][0-9]|2[0-3])"),
    ("", rb":"),
    ("offset minute", rb"[0-9]{2}"),
)


_EPOCH = date(1970, 1, 1).toordinal()
# Days of 400 years, which is what all of them have.
_DAYS_OF_400_YEARS = 146_097


def check_timestamp(text: str) -> None:
    """Raises `ValueError`, with S2's words, for what is no RFC 3339 timestamp."""
    parse_timestamp(text)


def parse_timestamp(text: str) -> int:
    """Return the nanoseconds since the Unix epoch of an RFC 3339 timestamp.

    A leap second is the last nanosecond before it. Raises `ValueError`, with S2's words.
    """
    rest = text.encode("utf-8", "surrogatepass")
    found: dict[str, int] = {"offset hour": 0, "offset minute": 0}
    rest = _read(rest, _DATE_AND_TIME, found)
    fraction = b""
    if rest.startswith(b"."):
        before, rest = rest, _read(rest, _FRACTION, found)
        fraction = before[1 : len(before) - len(rest)]
    negative = rest.startswith(b"-")
    rest = _read(rest, _UTC if rest[:1] in (b"Z", b"z") else _OFFSET, found)
    if rest:
        raise ValueError("unexpected trailing characters; the end of input was expected")
    _check_ranges(found, negative=negative)
    # Any year has the calendar of one of these 400, which `date` can hold.
    eras, year = divmod(found["year"], 400)
    day = date(year + 400, found["month"], found["day"]).toordinal() - _EPOCH
    minutes = ((day + (eras - 1) * _DAYS_OF_400_YEARS) * 24 + found["hour"]) * 60 + found["minute"]
    offset = found["offset hour"] * 60 + found["offset minute"]
    seconds = (minutes + (offset if negative else -offset)) * 60 + found["second"]
    if found["second"] == 60:
        return seconds * 1_000_000_000 - 1
    return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, b"0"))


def _read(rest: bytes, parts: tuple[tuple[str, bytes], ...], found: dict[str, int]) -> bytes:
    for name, pattern in parts:
        part = re.match(pattern, rest)
        if part is None:
            raise ValueError(
                f"the '{name}' component could not be parsed"
                if name
                else "a character literal was not valid"
            )
        if name not in ("", "separator", "subsecond"):
            found[name] = abs(int(part[0]))
        rest = rest[part.end() :]
    return rest


def _check_ranges(found: dict[str, int], *, negative: bool) -> None:
    # Any year has the calendar of one of these 400, which `date` can hold.
    year, month = found["year"] % 400 + 400, found["month"]
    days = monthrange(year, month)[1] if month <= 12 else 31
    for name, lowest, highest in (
        ("offset minute", 0, 59),
        ("month", 1, 12),
        ("day", 1, days),
        ("hour", 0, 23),
        ("minute", 0, 59),
        ("second", 0, 60),
    ):
        if not lowest <= found[name] <= highest:
            raise ValueError(f"{name} was not in range")
    if found["second"] == 60:
        # A leap second is the last one of a month in UTC.
        offset = found["offset hour"] * 60 + found["offset minute"]
        minutes = date(year, month, found["day"]).toordinal() * 24 * 60
        minutes += found["hour"] * 60 + found["minute"] + (offset if negative else -offset)
        day, minute = divmod(minutes, 24 * 60)
        if minute != 24 * 60 - 1 or date.fromordinal(day + 1).day != 1:
            raise ValueError("second was not in range")
