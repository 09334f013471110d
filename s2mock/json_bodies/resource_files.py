"""Resource files: basins and streams to start with, in the format of `s2-lite --init-file`.

Source: the reference server's resource specification. Durations have units, as in `"7days"` or
`"1h 30m"`, and a retention may be `"infinite"`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from s2mock.registry.engine.engine import Engine
from s2mock.registry.rules.basins import EnsureBasin
from s2mock.registry.rules.streams import EnsureStream
from s2mock.registry.values.config import (
    U64_MAX,
    BasinConfig,
    Cipher,
    RetentionPolicy,
    StreamConfig,
    TimestampingMode,
)
from s2mock.registry.values.errors import S2Error
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
    first. Raises `ResourcesError`.
    """
    for name, basin_config, streams in read_resources(document):
        engine.carry_out(EnsureBasin(name, basin_config))
        for stream, stream_config in streams:
            engine.carry_out(EnsureStream(name, stream, stream_config))


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
    config = document.get("config") or {}
    basin_config = BasinConfig(
        default_stream_config=_stream_config(config.get("default_stream_config")),
        stream_cipher=cast("Cipher | None", config.get("stream_cipher")),
        create_stream_on_append=config.get("create_stream_on_append") or False,
        create_stream_on_read=config.get("create_stream_on_read") or False,
    )
    streams = [
        (stream["name"], _stream_config(stream.get("config")))
        for stream in document.get("streams", ())
    ]
    return document["name"], basin_config, streams


def _stream_config(document: Mapping[str, Any] | None) -> StreamConfig:
    document = document or {}
    timestamping = document.get("timestamping") or {}
    min_age = (document.get("delete_on_empty") or {}).get("min_age")
    return StreamConfig(
        storage_class=document.get("storage_class"),
        retention_policy=_retention(document.get("retention_policy")),
        timestamping_mode=cast("TimestampingMode | None", timestamping.get("mode")),
        timestamping_uncapped=timestamping.get("uncapped"),
        delete_on_empty_min_age=None if min_age is None else parse_duration(min_age),
    )


def _retention(text: str | None) -> RetentionPolicy | None:
    if text is None:
        return None
    return "infinite" if text.lower() == "infinite" else parse_duration(text)
