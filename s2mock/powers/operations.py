"""The names of operations in tests: S2's 24, and three of ours; the error codes of each.

Source: reference: account_services §1.2. `ensure-basin` and `ensure-stream` are the two PUTs,
`append-session` is the opening of an append session.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from s2mock.registry.values.codes import TRANSIENT
from s2mock.registry.values.scopes import OPERATIONS
from s2mock.runtime.near_names import suggest

OPERATION_NAMES: Final = (
    *OPERATIONS,
    "ensure-basin",
    "ensure-stream",
    "append-session",
)

COMMANDS: Final = frozenset({"trim", "fence"})
"""Further names of an append: those of the command records in its batch."""


class Access(NamedTuple):
    """The kinds of things that an operation reads, and those that it writes.

    "basins" is the list of basins, "basin" one of them with its configuration, "streams" its list
    of streams; "records" are those of a stream, with its tail and its fencing token, and "config"
    is its configuration; "tokens" are the access tokens. "location" is the default location.
    "usage" is what metrics show: every operation counts, so they commute with none.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


_APPEND: Final = Access(("basin", "records", "config"), ("records",))
_NEW_STREAM: Final = ("streams", "records", "config")

ACCESS: Final[Mapping[str, Access]] = {
    "list-basins": Access(("basins",)),
    "create-basin": Access(("basins", "location"), ("basins", "basin")),
    "ensure-basin": Access(("basins", "basin", "location"), ("basins", "basin")),
    "get-basin-config": Access(("basin",)),
    "reconfigure-basin": Access(("basin",), ("basin",)),
    "delete-basin": Access(("basins",), ("basins", "basin", *_NEW_STREAM)),
    "list-streams": Access(("basin", "streams")),
    "create-stream": Access(("basin", "streams"), _NEW_STREAM),
    "ensure-stream": Access(("basin", "streams", "config"), _NEW_STREAM),
    "get-stream-config": Access(("config",)),
    "reconfigure-stream": Access(("basin", "config"), ("config",)),
    "delete-stream": Access(("streams",), _NEW_STREAM),
    "check-tail": Access(("basin", "records")),
    "read": Access(("basin", "records", "config")),
    "append": _APPEND,
    "trim": _APPEND,
    "fence": _APPEND,
    "append-session": Access(("basin", "config")),
    "list-access-tokens": Access(("tokens",)),
    "issue-access-token": Access(("tokens",), ("tokens",)),
    "revoke-access-token": Access(("tokens",), ("tokens",)),
    "account-metrics": Access(("usage",)),
    "basin-metrics": Access(("usage",)),
    "stream-metrics": Access(("usage",)),
    "list-locations": Access(),
    "get-default-location": Access(("location",)),
    "set-default-location": Access(("location",), ("location",)),
}
"""What each operation reads and writes. Where one is refused, it has only read both."""

CREATES_STREAM: Final = frozenset({"read", "check-tail", "append", "append-session"})
"""The operations that create a stream which is missing, where the basin is configured so."""

WRITES: Final = frozenset(name for name, access in ACCESS.items() if access.writes)
"""The operations that are there to change something.

A read or a tail check may create its stream, and the opening of an append session too.
"""

HAS_STREAM: Final = frozenset(
    name
    for name in WRITES
    if not {"records", "config"}.isdisjoint(ACCESS[name].writes) and name != "delete-basin"
)
"""The operations that change one stream."""

# The codes of any request. Only some operations can have a conflict of writes.
_OF_ALL: Final = (
    *TRANSIENT.difference({"transaction_conflict"}),
    "authn",
    "permission_denied",
    "client_hangup",
)
_OF_BASINS: Final = ("bad_path", "basin_not_found")
_OF_STREAMS: Final = (
    "bad_header",
    "bad_path",
    "basin_not_found",
    "stream_not_found",
    "stream_deletion_pending",
)
_OF_CONFIGS: Final = ("bad_json", "invalid", "quota_exhausted")
# The codes of what creates or changes a basin or stream.
_OF_WRITES: Final = ("basin_deletion_pending", "transaction_conflict")
_OF_APPENDS: Final = (*_OF_STREAMS, *_OF_WRITES, "bad_json", "bad_proto", "invalid")
_OF_LISTINGS: Final = ("bad_query", "invalid")
# The code of operations that `s2-lite` does not have.
_OF_SERVICES: Final = ("not_implemented",)
_OWN_CODES: Final[dict[str, tuple[str, ...]]] = {
    "list-basins": _OF_LISTINGS,
    "create-basin": ("bad_header", *_OF_CONFIGS, *_OF_WRITES, "resource_already_exists"),
    "delete-basin": _OF_BASINS,
    "reconfigure-basin": (*_OF_BASINS, *_OF_CONFIGS, *_OF_WRITES),
    "get-basin-config": _OF_BASINS,
    "ensure-basin": ("bad_path", *_OF_CONFIGS, *_OF_WRITES),
    "issue-access-token": (*_OF_SERVICES, "bad_json", "invalid", "resource_already_exists"),
    "revoke-access-token": (*_OF_SERVICES, "bad_path", "access_token_not_found"),
    "list-access-tokens": (*_OF_SERVICES, *_OF_LISTINGS),
    "list-streams": ("bad_header", "basin_not_found", *_OF_LISTINGS),
    "create-stream": (
        "bad_header",
        "basin_not_found",
        "stream_deletion_pending",
        *_OF_CONFIGS,
        *_OF_WRITES,
        "resource_already_exists",
    ),
    "delete-stream": ("bad_header", "bad_path", "basin_not_found", "stream_not_found"),
    "get-stream-config": _OF_STREAMS,
    "reconfigure-stream": (*_OF_STREAMS, *_OF_CONFIGS, *_OF_WRITES),
    "ensure-stream": (
        "bad_header",
        "bad_path",
        "basin_not_found",
        "stream_deletion_pending",
        *_OF_CONFIGS,
        *_OF_WRITES,
    ),
    # These may create the stream, if the basin is configured so.
    "check-tail": (*_OF_STREAMS, *_OF_WRITES),
    "read": (*_OF_STREAMS, *_OF_WRITES, "bad_query", "decryption_failed", "invalid"),
    "append": _OF_APPENDS,
    "trim": _OF_APPENDS,
    "fence": _OF_APPENDS,
    "append-session": (*_OF_STREAMS, *_OF_WRITES, "bad_frame", "invalid"),
    "account-metrics": (*_OF_SERVICES, "bad_query", "invalid"),
    "basin-metrics": (*_OF_SERVICES, "bad_path", "bad_query", "invalid"),
    "stream-metrics": (*_OF_SERVICES, "bad_path", "bad_query", "invalid"),
    "list-locations": _OF_SERVICES,
    "get-default-location": _OF_SERVICES,
    "set-default-location": (*_OF_SERVICES, "bad_json", "invalid"),
}

CODES_OF: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset((*_OF_ALL, *_OWN_CODES[name])) for name in OPERATION_NAMES
}
"""The error codes that each operation can have.

Sources: reference: account_services §1.1, §4, data_plane §3.6, §4.7; S2's OpenAPI description
(statuses of each operation), and the recordings of a real server. A test compares it with both.
"""


def checked_operations(given: object, *, what: str = "on") -> tuple[str, ...]:
    """Return one or several names of operations as a tuple. Raises `TypeError`, `ValueError`."""
    names: tuple[object, ...]
    if isinstance(given, str):
        names = (given,)
    elif isinstance(given, Iterable):
        names = tuple(given)
    else:
        raise TypeError(f"{what} must be the name of an operation, or several, not {given!r}")
    if not names:
        raise ValueError(f"{what} must name an operation: there are {', '.join(OPERATION_NAMES)}")
    return tuple(_checked(name, what) for name in names)


def _checked(name: object, what: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{what} must be the name of an operation, or several, not {name!r}")
    if name not in OPERATION_NAMES:
        raise ValueError(f"{what}={name!r} is no operation: {suggest(name, OPERATION_NAMES)}")
    return name
