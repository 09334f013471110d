"""Changes of configurations as the JSON of a reconfiguration: an absent leaf is kept."""

from typing import Any

from s2mock.registry.values.config import BasinConfigChanges, StreamConfigChanges


def stream_changes_to_json(changes: StreamConfigChanges) -> dict[str, Any]:
    """Those of a stream, or of a basin's defaults."""
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
    """Those of a basin."""
    document: dict[str, Any] = dict(changes)
    if (defaults := changes.get("default_stream_config")) is not None:
        document["default_stream_config"] = stream_changes_to_json(defaults)
    return document
