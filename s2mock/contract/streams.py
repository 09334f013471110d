"""What the cases on streams have in common."""

from typing import Any

# The configuration of a stream where neither it nor its basin says anything
# (reference: control_plane §5.2).
SYSTEM_DEFAULTS: dict[str, Any] = {
    "storage_class": "express",
    "retention_policy": {"age": 604800},
    "timestamping": {"mode": "client-prefer", "uncapped": False},
    "delete_on_empty": {"min_age_secs": 0},
}
