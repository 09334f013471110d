"""What a token may do, by another hand than s2mock's: the table of account_services §1.2, again."""

from typing import Any

from hypothesis import strategies as st

GIVEN_BY = {
    "list-basins": "ar",
    "create-basin": "aw",
    "get-basin-config": "ar br",
    "reconfigure-basin": "aw",
    "delete-basin": "aw",
    "list-access-tokens": "ar",
    "issue-access-token": "aw",
    "revoke-access-token": "aw",
    "list-locations": "ar",
    "get-default-location": "ar",
    "set-default-location": "aw",
    "account-metrics": "ar",
    "basin-metrics": "br",
    "stream-metrics": "sr",
    "list-streams": "br",
    "create-stream": "bw",
    "get-stream-config": "br sr",
    "reconfigure-stream": "bw",
    "delete-stream": "bw",
    "check-tail": "sr",
    "read": "sr",
    "append": "sw",
    "fence": "sw",
    "trim": "sw",
}
Scope = dict[str, Any]


def matches(names: dict[str, str] | None, name: str) -> bool:
    kind, text = next(iter((names or {"exact": ""}).items()))
    return name.startswith(text) if kind == "prefix" else name == text != ""


def has(scope: Scope, operation: str) -> bool:
    groups = scope.get("op_groups") or {}
    for group in GIVEN_BY[operation].split():
        level = {"a": "account", "b": "basin", "s": "stream"}[group[0]]
        if (groups.get(level) or {}).get({"r": "read", "w": "write"}[group[1]]):
            return True
    return operation in (scope.get("ops") or ())


def allows(scope: Scope, needs: str, **about: str) -> bool:
    return all(has(scope, need) for need in needs.split()) and all(
        matches(scope.get(f"{what}s"), name) for what, name in about.items()
    )


def is_narrower(inner: Scope, outer: Scope, names: dict[str, list[str]]) -> bool:
    """By what they allow, and not by how they are written: `names` are all that there can be."""
    return all(has(outer, op) for op in GIVEN_BY if has(inner, op)) and all(
        matches(outer.get(what), name)
        for what, all_names in names.items()
        for name in all_names
        if matches(inner.get(what), name)
    )


# Few letters, so that names meet.
BASINS = ["basin-aa", "basin-ab", "basin-ba"]
STREAMS = ["a", "a/x", "a/y", "ab", "b/x"]
TOKENS = ["t", "t/1", "u"]


def name_sets(names: list[str]) -> st.SearchStrategy[dict[str, str] | None]:
    prefixes = sorted({name[:end] for name in names for end in (0, 1, 2, 7)})
    return st.one_of(
        st.none(),
        st.just({"exact": ""}),
        st.sampled_from(names).map(lambda name: {"exact": name}),
        st.sampled_from(prefixes).map(lambda prefix: {"prefix": prefix}),
    )


def scopes() -> st.SearchStrategy[Scope]:
    half = st.fixed_dictionaries({}, optional={"read": st.booleans(), "write": st.booleans()})
    group = st.one_of(st.none(), half)
    return st.fixed_dictionaries(
        {},
        optional={
            "basins": name_sets(BASINS),
            "streams": name_sets(STREAMS),
            "access_tokens": name_sets(TOKENS),
            "op_groups": st.fixed_dictionaries(
                {}, optional={"account": group, "basin": group, "stream": group}
            ),
            "ops": st.lists(st.sampled_from(sorted(GIVEN_BY)), max_size=5),
        },
    ).filter(lambda scope: any(has(scope, operation) for operation in GIVEN_BY))
