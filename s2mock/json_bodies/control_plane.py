"""JSON documents of basins and streams, to and from the registry's values.

Sources: reference: control_plane §4.2 (basins), §5.2 (streams), §5.8 (times).
"""

from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring as quote
from typing import Any, Final

from s2mock.registry.state import BasinInfo, StreamInfo
from s2mock.registry.values.config import (
    UNSET,
    BasinConfig,
    BasinConfigChanges,
    StreamConfig,
    StreamConfigChanges,
)
from s2mock.registry.values.rfc3339 import parse_timestamp
from s2mock.runtime.clock import NANOSECONDS

LAST_TIME: Final = 253_402_300_800 * NANOSECONDS - 1
"""The last time that has a date: 9999-12-31T23:59:59.999999999Z."""


def time_to_json(nanoseconds: int | None) -> str | None:
    """Return a time as RFC 3339 in UTC, without trailing zeros in the fraction of the second."""
    if nanoseconds is None:
        return None
    seconds, fraction = divmod(nanoseconds, NANOSECONDS)
    text = _to_the_second(seconds)
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else f"{text}Z"


@lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


def stream_changes(document: dict[str, Any]) -> StreamConfigChanges:
    """Return the leaves that a reconfiguration changes, null as None. Raises `InvalidConfig`."""
    changes = _leaves(document)
    # Checked before any state: S2 refuses a bad value also if the stream does not exist.
    StreamConfig(**changes)
    return changes


def _leaves(document: dict[str, Any]) -> StreamConfigChanges:
    changes: StreamConfigChanges = {}
    if "storage_class" in document:
        changes["storage_class"] = document["storage_class"]
    if "retention_policy" in document:
        policy = document["retention_policy"]
        changes["retention_policy"] = policy and policy.get("age", "infinite")
    if "timestamping" in document:
        timestamping = document["timestamping"]
        if timestamping is None:
            timestamping = {"mode": None, "uncapped": None}
        if "mode" in timestamping:
            changes["timestamping_mode"] = timestamping["mode"]
        if "uncapped" in timestamping:
            changes["timestamping_uncapped"] = timestamping["uncapped"]
    if "delete_on_empty" in document:
        delete_on_empty = document["delete_on_empty"]
        if delete_on_empty is None:
            delete_on_empty = {"min_age_secs": None}
        if "min_age_secs" in delete_on_empty:
            changes["delete_on_empty_min_age"] = delete_on_empty["min_age_secs"]
    return changes


def stream_config(document: dict[str, Any] | None) -> StreamConfig:
    """Return the complete configuration of a stream. Raises `InvalidConfig`."""
    if not document:
        return UNSET
    changes = _leaves(document)
    if document.get("delete_on_empty") is not None:
        # Only in a complete configuration does an object without the age mean 0, and not unset.
        changes.setdefault("delete_on_empty_min_age", 0)
    return StreamConfig(**changes)


def stream_config_to_json(config: StreamConfig) -> dict[str, Any]:
    """Return a document with all four keys, those of unset leaves null."""
    policy, mode = config.retention_policy, config.timestamping_mode
    uncapped, min_age = config.timestamping_uncapped, config.delete_on_empty_min_age
    retention: dict[str, Any] | None = None
    if policy is not None:
        retention = {"infinite": {}} if policy == "infinite" else {"age": policy}
    unset = mode is None and uncapped is None
    timestamping = None if unset else {"mode": mode, "uncapped": uncapped}
    return {
        "storage_class": config.storage_class,
        "retention_policy": retention,
        "timestamping": timestamping,
        "delete_on_empty": None if min_age is None else {"min_age_secs": min_age},
    }


def stream_info_to_json(info: StreamInfo) -> str:
    """Return a `StreamInfo` as text, written directly since listings have thousands."""
    created, deleted = time_to_json(info.created_at), time_to_json(info.deleted_at)
    return (
        f'{{"name":{quote(info.name)},"created_at":"{created}",'
        f'"deleted_at":{_quoted(deleted)},"cipher":{_quoted(info.cipher)}}}'
    )


def _quoted(word: str | None) -> str:
    return "null" if word is None else f'"{word}"'


def basin_changes(document: dict[str, Any]) -> BasinConfigChanges:
    """Return the leaves that a reconfiguration changes, null as None. Raises `InvalidConfig`."""
    changes: BasinConfigChanges = {}
    if "default_stream_config" in document:
        defaults = document["default_stream_config"]
        changes["default_stream_config"] = None if defaults is None else stream_changes(defaults)
    if "stream_cipher" in document:
        changes["stream_cipher"] = document["stream_cipher"]
    if "create_stream_on_append" in document:
        changes["create_stream_on_append"] = document["create_stream_on_append"]
    if "create_stream_on_read" in document:
        changes["create_stream_on_read"] = document["create_stream_on_read"]
    return changes


def basin_config(document: dict[str, Any] | None) -> BasinConfig:
    """Return the complete configuration of a basin. Raises `InvalidConfig`."""
    document = document or {}
    return BasinConfig(
        default_stream_config=stream_config(document.get("default_stream_config")),
        stream_cipher=document.get("stream_cipher"),
        create_stream_on_append=document.get("create_stream_on_append", False),
        create_stream_on_read=document.get("create_stream_on_read", False),
    )


def basin_config_to_json(config: BasinConfig) -> dict[str, Any]:
    """Return a document with all four keys; stream defaults without a set leaf are null."""
    defaults = config.default_stream_config
    return {
        "default_stream_config": None if defaults == UNSET else stream_config_to_json(defaults),
        "stream_cipher": config.stream_cipher,
        "create_stream_on_append": config.create_stream_on_append,
        "create_stream_on_read": config.create_stream_on_read,
    }


def basin_info_to_json(info: BasinInfo) -> dict[str, Any]:
    """Return the `BasinInfo` that creates and listings contain."""
    return {
        "name": info.name,
        "location": info.location,
        "created_at": time_to_json(info.created_at),
        "deleted_at": time_to_json(info.deleted_at),
        "state": "active" if info.deleted_at is None else "deleting",
    }


def basin_info(document: dict[str, Any]) -> BasinInfo:
    """Return the `BasinInfo` that a document of a create or a listing describes."""
    return BasinInfo(
        document["name"],
        parse_timestamp(document["created_at"]),
        _parsed_or_none(document["deleted_at"]),
        document["location"],
    )


def stream_info(document: dict[str, Any]) -> StreamInfo:
    """Return the `StreamInfo` that a document of a create or a listing describes."""
    return StreamInfo(
        document["name"],
        parse_timestamp(document["created_at"]),
        _parsed_or_none(document["deleted_at"]),
        document["cipher"],
    )


def _parsed_or_none(text: str | None) -> int | None:
    return None if text is None else parse_timestamp(text)


def stream_changes_to_json(changes: StreamConfigChanges) -> dict[str, Any]:
    """Return the JSON of a reconfiguration: an absent leaf keeps its value."""
    document: dict[str, Any] = {}
    if "storage_class" in changes:
        document["storage_class"] = changes["storage_class"]
    if "retention_policy" in changes:
        policy = changes["retention_policy"]
        age = None if policy is None else {"age": policy}
        document["retention_policy"] = {"infinite": {}} if policy == "infinite" else age
    timestamping: dict[str, Any] = {}
    if "timestamping_mode" in changes:
        timestamping["mode"] = changes["timestamping_mode"]
    if "timestamping_uncapped" in changes:
        timestamping["uncapped"] = changes["timestamping_uncapped"]
    if timestamping:
        document["timestamping"] = timestamping
    if "delete_on_empty_min_age" in changes:
        document["delete_on_empty"] = {"min_age_secs": changes["delete_on_empty_min_age"]}
    return document


def basin_changes_to_json(changes: BasinConfigChanges) -> dict[str, Any]:
    """Return the JSON of a basin's reconfiguration: an absent leaf keeps its value."""
    document: dict[str, Any] = dict(changes)
    if (defaults := changes.get("default_stream_config")) is not None:
        document["default_stream_config"] = stream_changes_to_json(defaults)
    return document
