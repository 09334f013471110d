"""Resource files: basins and streams to start with, in the format of `s2-lite --init-file`.

Source: the reference server's resource specification. Durations have units, as in `"7days"` or
`"1h 30m"`, and a retention may be `"infinite"`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from s2mock.json_bodies.control_plane import basin_config, stream_config
from s2mock.registry.engine.engine import Engine
from s2mock.registry.rules.basins import EnsureBasin
from s2mock.registry.rules.streams import EnsureStream
from s2mock.registry.values.config import U64_MAX, BasinConfig, StreamConfig
from s2mock.registry.values.errors import QuotaExhausted, RetentionTooLong, S2Error
from s2mock.runtime.clock import NANOSECONDS

# In nanoseconds.
_UNITS = {
    ("nanos", "nsec", "ns"): 1,
    ("usec", "us", "µs"): 1_000,
    ("millis", "msec", "ms"): 1_000_000,
    ("seconds", "second", "secs", "sec", "s"): NANOSECONDS,
    ("minutes", "minute", "min", "mins", "m"): 60 * NANOSECONDS,
    ("hours", "hour", "hrs", "hr", "h"): 3600 * NANOSECONDS,
    ("days", "day", "d"): 86_400 * NANOSECONDS,
    ("weeks", "week", "wks", "wk", "w"): 604_800 * NANOSECONDS,
    ("months", "month", "M"): 2_630_016 * NANOSECONDS,
    ("years", "year", "yrs", "yr", "y"): 31_557_600 * NANOSECONDS,
}
_LENGTHS = {name: length for names, length in _UNITS.items() for name in names}
# Enough for the longest duration of S2, and few enough to convert fast.
_MAX_DIGITS = 40
_PART = re.compile(r"\s*([0-9]+)(?:\.([0-9]+))?\s*([^\W\d_]+)")


# A basin's name and configuration, and those of its streams.
BasinResource = tuple[str, BasinConfig, list[tuple[str, StreamConfig]]]


class ResourcesError(ValueError):
    """An invalid resource file, of which nothing has been applied."""


def apply_resources(engine: Engine, document: bytes) -> None:
    """Ensure the basins and streams that a resource file describes.

    A basin or stream that exists gets the configuration of the file. The whole file is checked
    first. Raises `ResourcesError`, also for what the limits of the account do not allow.
    """
    for name, config, streams in read_resources(document):
        try:
            engine.carry_out(EnsureBasin(name, config))
            for stream, configured in streams:
                engine.carry_out(EnsureStream(name, stream, configured))
        except (QuotaExhausted, RetentionTooLong) as error:
            raise ResourcesError(f"basin {name!r} is above the limits: {error}") from None


def read_resources(document: bytes) -> list[BasinResource]:
    """Return the basins in a resource file after checking all of it. Raises `ResourcesError`."""
    from s2mock.json_bodies.decoder import decode

    try:
        plan = [_basin(basin) for basin in decode(document, "resources").get("basins", ())]
    except S2Error as error:
        raise ResourcesError(error.message) from None
    _refuse_repeated("basin name", [name for name, _, _ in plan])
    for name, _, streams in plan:
        _refuse_repeated(f"stream name in basin {name!r}", [stream for stream, _ in streams])
    return plan


def parse_duration(text: str) -> int:
    """Return the whole seconds of a duration such as "1h 30m". Raises `ResourcesError`."""
    total, end = 0, 0
    while part := _PART.match(text, end):
        number, fraction, unit = part.groups(default="")
        if unit not in _LENGTHS:
            break
        if len(number + fraction) > _MAX_DIGITS:
            raise ResourcesError(f"invalid duration: more than {_MAX_DIGITS} digits in a number")
        total += int(number + fraction) * _LENGTHS[unit] // 10 ** len(fraction)
        end = part.end()
    seconds = total // NANOSECONDS
    is_whole = end > 0 and not text[end:].strip()
    if not (is_whole or text == "0") or seconds > U64_MAX:
        raise ResourcesError(
            f'invalid duration {text!r}: expected, for example, "7days" or "1h 30m"'
        )
    return seconds


def _refuse_repeated(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ResourcesError(f"duplicate {what}: {name!r}")
        seen.add(name)


def _basin(document: Mapping[str, Any]) -> BasinResource:
    config = _without_nulls(document.get("config"))
    if "default_stream_config" in config:
        config["default_stream_config"] = _to_s2(config["default_stream_config"])
    streams = [
        (stream["name"], stream_config(_to_s2(stream.get("config"))))
        for stream in document.get("streams", ())
    ]
    return document["name"], basin_config(config), streams


def _to_s2(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the configuration of a stream as S2's requests have it, without durations."""
    document = _without_nulls(config)
    if (retention := document.get("retention_policy")) is not None:
        is_infinite = retention.lower() == "infinite"
        document["retention_policy"] = (
            {"infinite": {}} if is_infinite else {"age": parse_duration(retention)}
        )
    # An object without the age means nothing here, and 0 in a request.
    if (min_age := document.pop("delete_on_empty", {}).get("min_age")) is not None:
        document["delete_on_empty"] = {"min_age_secs": parse_duration(min_age)}
    return document


def _without_nulls(document: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a copy without members that are null, which mean the same as missing ones."""
    return {name: value for name, value in (document or {}).items() if value is not None}
