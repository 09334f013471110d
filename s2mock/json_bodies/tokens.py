"""JSON documents of access tokens, to and from the registry's values.

Source: reference: account_services §1.1.
"""

from typing import Any

from s2mock.json_bodies.control_plane import LAST_TIME, time_to_json
from s2mock.registry.values.rfc3339 import parse_timestamp
from s2mock.registry.values.scopes import GROUPS, NOTHING, ResourceSet, Scope
from s2mock.registry.values.tokens import TokenInfo


def scope_from_json(document: dict[str, Any]) -> Scope:
    """Return the scope that a valid document describes."""
    groups = document.get("op_groups") or {}
    return Scope(
        _set_of(document.get("basins")),
        _set_of(document.get("streams")),
        _set_of(document.get("access_tokens")),
        tuple(group for group in GROUPS if _has(groups, *group.split("."))),
        tuple(document.get("ops") or ()),
    )


def _has(groups: dict[str, Any], level: str, half: str) -> bool:
    return bool((groups.get(level) or {}).get(half))


def _set_of(document: dict[str, str] | None) -> ResourceSet:
    if not document:
        return NOTHING
    [(kind, name)] = document.items()
    return ResourceSet("prefix" if kind == "prefix" else "exact", name)


def scope_to_json(scope: Scope) -> dict[str, Any]:
    """Return the scope as S2 returns it, with all groups."""
    groups: dict[str, dict[str, bool]] = {}
    for group in GROUPS:
        level, half = group.split(".")
        groups.setdefault(level, {})[half] = group in scope.groups
    return {
        "basins": _set_to_json(scope.basins),
        "streams": _set_to_json(scope.streams),
        "access_tokens": _set_to_json(scope.access_tokens),
        "op_groups": groups,
        "ops": list(scope.ops),
    }


def _set_to_json(names: ResourceSet) -> dict[str, str] | None:
    return None if names == NOTHING else {names.kind: names.name}


def expiry_to_json(expires_at: int | None) -> str | None:
    """Return the time at which a token expires, or the last time that has a date."""
    return None if expires_at is None else time_to_json(min(expires_at, LAST_TIME))


def token_info_to_json(info: TokenInfo) -> dict[str, Any]:
    """Return the `AccessTokenInfo` that listings contain."""
    return {
        "id": info.id,
        "expires_at": expiry_to_json(info.expires_at),
        "auto_prefix_streams": info.auto_prefix_streams,
        "scope": scope_to_json(info.scope),
    }


def token_info(document: dict[str, Any]) -> TokenInfo:
    """Return the `TokenInfo` that a document of a listing describes."""
    expires_at = document["expires_at"]
    return TokenInfo(
        document["id"],
        None if expires_at is None else parse_timestamp(expires_at),
        document["auto_prefix_streams"],
        scope_from_json(document["scope"]),
    )
