"""A second control plane, as small as it can be: plain dicts, and the rules in the plainest words.

Written from the reference (control_plane §2.5, §4, §5) and sharing nothing with the product, so
that the two agree only where both are right.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SYSTEM = {"class": "express", "retention": 604800, "mode": "client-prefer", "uncapped": False}
SYSTEM |= {"min_age": 0}


@dataclass
class Expected:
    """An answer; no document means an empty body."""

    status: int
    document: Any = None
    result: str | None = None


def error(status: int, code: str, message: str) -> Expected:
    return Expected(status, {"code": code, "message": message})


@dataclass
class Thing:
    """A basin or a stream."""

    created: float
    config: dict[str, Any]
    key: Any
    deleted: float | None = None
    cipher: str | None = None
    streams: dict[str, "Thing"] = field(default_factory=dict)


def leaves(document: Any) -> dict[str, Any]:
    """The leaves that a stream configuration mentions."""
    found: dict[str, Any] = {}
    document = document or {}
    if "storage_class" in document:
        found["class"] = document["storage_class"]
    if "retention_policy" in document:
        policy = document["retention_policy"]
        found["retention"] = None if policy is None else policy.get("age", "infinite")
    if "timestamping" in document:
        inner = document["timestamping"]
        inner = {"mode": None, "uncapped": None} if inner is None else inner
        found |= {name: inner[name] for name in ("mode", "uncapped") if name in inner}
    if "delete_on_empty" in document:
        inner = document["delete_on_empty"]
        inner = {"min_age_secs": None} if inner is None else inner
        found |= {"min_age": inner["min_age_secs"]} if "min_age_secs" in inner else {}
    return found


def whole(document: Any) -> dict[str, Any]:
    """All leaves of a stream configuration, unset ones None."""
    found = dict.fromkeys(SYSTEM) | leaves(document)
    if (document or {}).get("delete_on_empty") == {}:
        found["min_age"] = 0
    return found


def filled(config: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    chosen = {}
    for leaf, system in SYSTEM.items():
        candidates = [config[leaf], defaults[leaf], system]
        chosen[leaf] = next(value for value in candidates if value is not None)
    return chosen


def stream_view(config: dict[str, Any]) -> dict[str, Any]:
    retention, times = config["retention"], (config["mode"], config["uncapped"])
    return {
        "storage_class": config["class"],
        "retention_policy": {"infinite": {}}
        if retention == "infinite"
        else None
        if retention is None
        else {"age": retention},
        "timestamping": None if times == (None, None) else {"mode": times[0], "uncapped": times[1]},
        "delete_on_empty": None
        if config["min_age"] is None
        else {"min_age_secs": config["min_age"]},
    }


def whole_basin(document: Any) -> dict[str, Any]:
    document = document or {}
    return {
        "defaults": whole(document.get("default_stream_config")),
        "cipher": document.get("stream_cipher"),
        "append": document.get("create_stream_on_append", False),
        "read": document.get("create_stream_on_read", False),
    }


def basin_view(config: dict[str, Any]) -> dict[str, Any]:
    unset = all(value is None for value in config["defaults"].values())
    return {
        "default_stream_config": None if unset else stream_view(config["defaults"]),
        "stream_cipher": config["cipher"],
        "create_stream_on_append": config["append"],
        "create_stream_on_read": config["read"],
    }


class Model:
    """The account. `now` is in seconds since the beginning of 2024."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.now = 0.0
        self.basins: dict[str, Thing] = {}

    def time(self, seconds: float | None) -> str | None:
        if seconds is None:
            return None
        moment = datetime(2024, 1, 1) + timedelta(seconds=seconds)  # UTC by name
        text = moment.isoformat()
        return (text.rstrip("0") if "." in text else text) + "Z"

    def drop_what_is_over(self) -> None:
        for names in [self.basins, *(basin.streams for basin in self.basins.values())]:
            for name, thing in list(names.items()):
                if thing.deleted is not None and thing.deleted + self.delay <= self.now:
                    del names[name]

    def basin_info(self, name: str) -> dict[str, Any]:
        basin = self.basins[name]
        return {
            "name": name,
            "location": "aws:us-east-1",
            "created_at": self.time(basin.created),
            "deleted_at": self.time(basin.deleted),
            "state": "active" if basin.deleted is None else "deleting",
        }

    def stream_info(self, basin: str, name: str) -> dict[str, Any]:
        stream = self.basins[basin].streams[name]
        return {
            "name": name,
            "created_at": self.time(stream.created),
            "deleted_at": self.time(stream.deleted),
            "cipher": stream.cipher,
        }

    def no_basin(self, name: str) -> Expected:
        return error(404, "basin_not_found", f"basin `{name}` not found")

    def basin_pending(self, name: str) -> Expected:
        return error(409, "basin_deletion_pending", f"basin `{name}` is being deleted")

    def no_stream(self, basin: str, name: str) -> Expected:
        return error(404, "stream_not_found", f"stream `{name}` in basin `{basin}` not found")

    stream_pending = error(409, "stream_deletion_pending", "stream deletion pending")

    def page(self, kind: str, infos: list[dict[str, Any]], filters: dict[str, Any]) -> Expected:
        limit = filters.get("limit") or 1000
        prefix, after = filters.get("prefix", ""), filters.get("start_after", "")
        found = [
            info
            for info in sorted(infos, key=lambda info: info["name"].encode())
            if info["name"].startswith(prefix) and info["name"].encode() > after.encode()
        ]
        return Expected(200, {kind: found[:limit], "has_more": len(found) > limit})

    # Basins.

    def list_basins(self, filters: dict[str, Any]) -> Expected:
        return self.page("basins", [self.basin_info(name) for name in self.basins], filters)

    def create_basin(self, name: str, document: Any, token: str | None) -> Expected:
        config = whole_basin(document)
        basin = self.basins.get(name)
        if basin is None:
            key = None if token is None else (token, config)
            self.basins[name] = Thing(self.now, config, key)
            return Expected(201, self.basin_info(name), "created")
        if basin.deleted is not None:
            return self.basin_pending(name)
        if token is not None and basin.key == (token, config):
            return Expected(201, self.basin_info(name), "noop")
        return error(409, "resource_already_exists", f"basin `{name}` already exists")

    def ensure_basin(self, name: str, document: Any) -> Expected:
        config = whole_basin(document)
        basin = self.basins.get(name)
        if basin is None:
            self.basins[name] = Thing(self.now, config, None)
            return Expected(201, self.basin_info(name), "created")
        if basin.deleted is not None:
            return self.basin_pending(name)
        result = "noop" if basin.config == config else "updated"
        basin.config = config
        return Expected(200, self.basin_info(name), result)

    def patch_basin(self, name: str, document: dict[str, Any]) -> Expected:
        basin = self.basins.get(name)
        if basin is None:
            return self.no_basin(name)
        if basin.deleted is not None:
            return self.basin_pending(name)
        config = {**basin.config}
        if "default_stream_config" in document:
            patch = document["default_stream_config"]
            config["defaults"] = whole({}) if patch is None else config["defaults"] | leaves(patch)
        for leaf, key in [
            ("cipher", "stream_cipher"),
            ("append", "create_stream_on_append"),
            ("read", "create_stream_on_read"),
        ]:
            config[leaf] = document.get(key, config[leaf])
        basin.config = config
        return Expected(200, basin_view(config))

    def get_basin(self, name: str) -> Expected:
        basin = self.basins.get(name)
        return self.no_basin(name) if basin is None else Expected(200, basin_view(basin.config))

    def delete_basin(self, name: str) -> Expected:
        basin = self.basins.get(name)
        if basin is None:
            return self.no_basin(name)
        basin.deleted = self.now if basin.deleted is None else basin.deleted
        return Expected(202)

    # Streams.

    def list_streams(self, basin: str, filters: dict[str, Any]) -> Expected:
        if basin not in self.basins:
            return self.no_basin(basin)
        names = self.basins[basin].streams
        return self.page("streams", [self.stream_info(basin, name) for name in names], filters)

    def open_basin(self, name: str) -> Thing | Expected:
        basin = self.basins.get(name)
        if basin is None:
            return self.no_basin(name)
        return basin if basin.deleted is None else self.basin_pending(name)

    def create_stream(self, basin: str, name: str, document: Any, token: str | None) -> Expected:
        home = self.open_basin(basin)
        if isinstance(home, Expected):
            return home
        config = whole(document)
        stream = home.streams.get(name)
        if stream is None:
            key = None if token is None else (token, config)
            stored = filled(config, home.config["defaults"])
            home.streams[name] = Thing(self.now, stored, key, cipher=home.config["cipher"])
            return Expected(201, self.stream_info(basin, name), "created")
        if stream.deleted is not None:
            return self.stream_pending
        if token is not None and stream.key == (token, config):
            return Expected(201, self.stream_info(basin, name), "noop")
        text = f"stream `{name}` in basin `{basin}` already exists"
        return error(409, "resource_already_exists", text)

    def ensure_stream(self, basin: str, name: str, document: Any) -> Expected:
        home = self.open_basin(basin)
        if isinstance(home, Expected):
            return home
        stored = filled(whole(document), home.config["defaults"])
        stream = home.streams.get(name)
        if stream is None:
            home.streams[name] = Thing(self.now, stored, None, cipher=home.config["cipher"])
            return Expected(201, self.stream_info(basin, name), "created")
        if stream.deleted is not None:
            return self.stream_pending
        result = "noop" if stream.config == stored else "updated"
        stream.config = stored
        return Expected(200, self.stream_info(basin, name), result)

    def patch_stream(self, basin: str, name: str, document: dict[str, Any]) -> Expected:
        home = self.open_basin(basin)
        if isinstance(home, Expected):
            return home
        stream = home.streams.get(name)
        if stream is None:
            return self.no_stream(basin, name)
        if stream.deleted is not None:
            return self.stream_pending
        stream.config = filled(stream.config | leaves(document), home.config["defaults"])
        return Expected(200, stream_view(stream.config))

    def find(self, basin: str, name: str) -> Thing | None:
        return self.basins[basin].streams.get(name) if basin in self.basins else None

    def get_stream(self, basin: str, name: str) -> Expected:
        stream = self.find(basin, name)
        if stream is None:
            return self.no_stream(basin, name)
        if stream.deleted is not None:
            return self.stream_pending
        return Expected(200, stream_view(stream.config))

    def delete_stream(self, basin: str, name: str) -> Expected:
        stream = self.find(basin, name)
        if stream is None:
            return self.no_stream(basin, name)
        stream.deleted = self.now if stream.deleted is None else stream.deleted
        return Expected(202)
