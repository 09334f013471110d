"""What an access token may do: operations, groups of them, and on which names.

Source: reference: account_services §1.1 (scopes), §1.2 (operations and groups), §1.3 (narrowing).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

# In S2's order.
OPERATIONS: Final = (
    "list-basins",
    "create-basin",
    "delete-basin",
    "reconfigure-basin",
    "get-basin-config",
    "issue-access-token",
    "revoke-access-token",
    "list-access-tokens",
    "list-streams",
    "create-stream",
    "delete-stream",
    "get-stream-config",
    "reconfigure-stream",
    "check-tail",
    "append",
    "read",
    "trim",
    "fence",
    "account-metrics",
    "basin-metrics",
    "stream-metrics",
    "list-locations",
    "get-default-location",
    "set-default-location",
)
"""The operations that a token can have."""

GROUPS: Final[dict[str, frozenset[str]]] = {
    "account.read": frozenset(
        (
            "list-basins",
            "get-basin-config",
            "list-access-tokens",
            "account-metrics",
            "list-locations",
            "get-default-location",
        )
    ),
    "account.write": frozenset(
        (
            "create-basin",
            "delete-basin",
            "reconfigure-basin",
            "issue-access-token",
            "revoke-access-token",
            "set-default-location",
        )
    ),
    "basin.read": frozenset(
        ("get-basin-config", "list-streams", "get-stream-config", "basin-metrics")
    ),
    "basin.write": frozenset(("create-stream", "delete-stream", "reconfigure-stream")),
    "stream.read": frozenset(("get-stream-config", "check-tail", "read", "stream-metrics")),
    "stream.write": frozenset(("append", "fence", "trim")),
}
"""The operations that each group gives, half of it to read and half to write."""


class ResourceSet(NamedTuple):
    """Names: the one of an exact set, or all that begin with a prefix. An exact "" is none."""

    kind: Literal["exact", "prefix"]
    name: str

    def __str__(self) -> str:
        if self == NOTHING:
            return "none"
        if self.kind == "exact":
            return f"`{self.name}` only"
        return f"those that begin with `{self.name}`" if self.name else "all"

    def matches(self, name: str) -> bool:
        """Whether that name is one of these."""
        if self.kind == "exact":
            return name == self.name != ""
        return name.startswith(self.name)

    def is_within(self, other: "ResourceSet") -> bool:
        """Whether all of these are among the others."""
        if self == NOTHING:
            return True
        if other.kind == "exact":
            return self == other
        return self.name.startswith(other.name)


NOTHING: Final = ResourceSet("exact", "")
ALL: Final = ResourceSet("prefix", "")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token may do, in S2's normal form.

    `basins`, `streams` and `access_tokens` are the names that it may do it to. `groups` are those
    of `GROUPS` that it has, `ops` the operations that it names, both in S2's order; one that a
    group gives too stays among them. `granted` is all that it may do.
    """

    basins: ResourceSet = NOTHING
    streams: ResourceSet = NOTHING
    access_tokens: ResourceSet = NOTHING
    groups: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    granted: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = frozenset().union(*(GROUPS[group] for group in self.groups))
        groups, ops = set(self.groups), set(self.ops)
        put = object.__setattr__
        put(self, "groups", tuple(group for group in GROUPS if group in groups))
        put(self, "ops", tuple(op for op in OPERATIONS if op in ops))
        put(self, "granted", given | ops)

    def first_beyond(self, other: "Scope") -> str | None:
        """What it gives and the other does not, in words; None for nothing."""
        if more := self.granted - other.granted:
            return f"it would have {in_words(more)}"
        for what in ("basins", "streams", "access_tokens"):
            own: ResourceSet = getattr(self, what)
            others: ResourceSet = getattr(other, what)
            if not own.is_within(others):
                return f"its {what} would be {own}"
        return None


EVERYTHING: Final = Scope(ALL, ALL, ALL, tuple(GROUPS))


def in_words(operations: Iterable[str]) -> str:
    """Operations in S2's order, for a message."""
    wanted = frozenset(operations)
    if wanted == EVERYTHING.granted:
        return "all operations"
    return ", ".join(name for name in OPERATIONS if name in wanted) or "nothing"
