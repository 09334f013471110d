"""Helpers for the cases about streams."""

from typing import Any

# The configuration of a stream if neither it nor its basin sets any leaf
# (reference: control_plane §5.2).
SYSTEM_DEFAULTS: dict[str, Any] = {
    "storage_class": "express",
    "retention_policy": {"age": 604800},
    "timestamping": {"mode": "client-prefer", "uncapped": False},
    "delete_on_empty": {"min_age_secs": 0},
}
