"""The initial state of an account, in each form that a test may give: basins, a snapshot, a clock.

Basins become the form of a resource file (`s2mock/json_bodies/resource_files.py`), which is then
checked.
"""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.runtime.arguments import check_count
from s2mock.runtime.clock import Clock, ManualClock, SystemClock, TimerClock

if TYPE_CHECKING:
    from s2mock.json_bodies.resource_files import BasinResource
    from s2mock.json_bodies.snapshots.snapshot import Snapshot
    from s2mock.registry.engine.engine import Engine


class InitialState:
    """The state that an account starts from, now and after each reset: basins, or a snapshot.

    The basins are names and mappings, or a resource file. Raises `ValueError`.
    """

    def __init__(
        self,
        basins: Iterable[str | Mapping[str, Any]] = (),
        snapshot: "Snapshot | None" = None,
        *,
        resources: bytes | None = None,
    ) -> None:
        self._resources = as_resources(basins) if resources is None else resources
        self._snapshot = snapshot
        if snapshot is not None and self._resources is not None:
            raise ValueError(
                "basins and snapshot both say what the account starts from: give one of them"
            )

    @property
    def is_snapshot(self) -> bool:
        """True for a snapshot."""
        return self._snapshot is not None

    def apply(self, engine: "Engine") -> None:
        """Put a fresh account into this state. Raises `ResourcesError`, `TypeError`."""
        if self._snapshot is not None:
            from s2mock.json_bodies.snapshots.snapshot import content_of

            engine.put_state(*content_of(self._snapshot))
        elif self._resources is not None:
            from s2mock.json_bodies.resource_files import apply_resources

            apply_resources(engine, self._resources)

    def basins(self) -> "list[BasinResource]":
        """Return the basins with their streams. Raises `ResourcesError`."""
        if self._resources is None:
            return []
        from s2mock.json_bodies.resource_files import read_resources

        return read_resources(self._resources)


def as_clock(clock: Clock | str | None) -> Clock:
    """Return the clock; for `"manual"`, `"auto"` and `"loop"` a fresh one. Raises `ValueError`."""
    if clock is None:
        return SystemClock()
    if not isinstance(clock, str):
        return clock
    if clock == "auto":
        from s2mock.runtime.auto_clock import AutoClock

        return AutoClock()
    if clock == "loop":
        from s2mock.runtime.loop_clock import LoopClock

        return LoopClock()
    if clock != "manual":
        raise ValueError(
            "clock must be a clock, 'manual' for one that the test advances, 'auto' for one that "
            f"advances by itself, or 'loop' for that of an event loop, not {clock!r}"
        )
    return ManualClock()


def clock_like(clock: Clock) -> Clock | None:
    """Return a clock of the same kind for another account; None for that of the machine."""
    if not isinstance(clock, ManualClock):
        # The clock of a loop has no state that two accounts could not share.
        return clock if isinstance(clock, TimerClock) else None
    return as_clock("auto" if clock.is_automatic else "manual")


def clock_at_the_time_of(clock: Clock) -> Clock:
    """Return a clock of the same kind that begins at the present time of this one."""
    if not isinstance(clock, ManualClock):
        return clock if isinstance(clock, TimerClock) else SystemClock()
    kind = type(clock) if clock.is_automatic else ManualClock
    return kind.at(clock.now())


def as_resources(basins: Iterable[str | Mapping[str, Any]]) -> bytes | None:
    """Return a resource file of these basins, `None` for no basins. Raises `ValueError`."""
    if isinstance(basins, str | bytes | Mapping) or not isinstance(basins, Iterable):
        raise ValueError(f"basins must be a list of names or mappings, not {basins!r}")
    listed = [as_resource(basin) for basin in basins]
    try:
        return json.dumps({"basins": listed}).encode() if listed else None
    except TypeError as error:
        raise ValueError(f"basins must hold names and JSON values only: {error}") from None


def as_resource(basin: Any) -> Any:
    """Return a basin in the form of a resource file, or as it is if its form is unknown."""
    if isinstance(basin, str):
        return {"name": basin}
    if not isinstance(basin, Mapping):
        return basin
    resource = _named(basin, "basin")
    if "config" in resource:
        resource["config"] = _basin_config(resource["config"])
    if isinstance(resource.get("streams"), list | tuple):
        resource["streams"] = [_stream(stream) for stream in resource["streams"]]
    return resource


def _stream(stream: Any) -> Any:
    if isinstance(stream, str):
        return {"name": stream}
    if not isinstance(stream, Mapping):
        return stream
    resource = _named(stream, "stream")
    if "config" in resource:
        resource["config"] = _stream_config(resource["config"])
    return resource


def _named(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the document with its name under `name`, which S2's requests have under `key`."""
    resource = dict(document)
    if key in resource and "name" not in resource:
        resource = {"name": resource.pop(key), **resource}
    return resource


def _basin_config(config: Any) -> Any:
    if isinstance(config, StreamConfig):
        raise TypeError(
            "the config of a basin must be a BasinConfig or a mapping: "
            f"try BasinConfig(default_stream_config={config!r})"
        )
    if isinstance(config, BasinConfig):
        return {
            "default_stream_config": _stream_config(config.default_stream_config),
            "stream_cipher": config.stream_cipher,
            "create_stream_on_append": config.create_stream_on_append,
            "create_stream_on_read": config.create_stream_on_read,
        }
    if isinstance(config, Mapping) and "default_stream_config" in config:
        return {**config, "default_stream_config": _stream_config(config["default_stream_config"])}
    return config


def _stream_config(config: Any) -> Any:
    if isinstance(config, BasinConfig):
        raise TypeError(
            "the config of a stream must be a StreamConfig or a mapping: "
            f"try {config.default_stream_config!r}"
        )
    if isinstance(config, StreamConfig):
        age = config.delete_on_empty_min_age
        return {
            "storage_class": config.storage_class,
            "retention_policy": _duration(config.retention_policy),
            "timestamping": {
                "mode": config.timestamping_mode,
                "uncapped": config.timestamping_uncapped,
            },
            "delete_on_empty": None if age is None else {"min_age": _duration(age)},
        }
    if not isinstance(config, Mapping):
        return config
    resource = dict(config)
    match resource.get("retention_policy"):
        case {"age": age, **others} if age is not None and not others:
            check_count("age of retention_policy", age, least=0, below=2**64)
            resource["retention_policy"] = _duration(age)
        case {"infinite": _, **others} if not others:
            resource["retention_policy"] = "infinite"
    match resource.get("delete_on_empty"):
        case {"min_age_secs": age, **others} if age is not None and not others:
            check_count("min_age_secs of delete_on_empty", age, least=0, below=2**64)
            resource["delete_on_empty"] = {"min_age": _duration(age)}
    return resource


def _duration(seconds: Any) -> Any:
    return f"{seconds}s" if isinstance(seconds, int) else seconds
