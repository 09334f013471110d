"""The known gaps of the published description: behaviour of S2 that is not in `openapi.json`.

The table is similar to the ledger: each entry has the gap and the reason why the fake does not
follow the description, and recognises its own case. A finding that no entry recognises is a bug
in the fake, or a new gap.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple


class Finding(NamedTuple):
    """A part of a response that is not in the description.

    `kind` is "path", "method", "status", "content type", "header", "event" or "schema"; `operation`
    is the method and the described path, or the path as sent if none is described. `value` is the
    name of the header, the status, or the part of the body at `place`, which violates the keyword
    `rule` of its schema.
    """

    kind: str
    operation: str
    status: int
    problem: str
    value: Any = None
    place: tuple[str | int, ...] = ()
    rule: str = ""

    def __str__(self) -> str:
        where = "".join(f"[{part!r}]" for part in self.place)
        return f"{self.operation} -> {self.status}: {self.kind}{where}: {self.problem}"


class Gap(NamedTuple):
    """An entry of the table. `recognises` takes a finding, and returns True for its case."""

    name: str
    what: str
    why: str
    recognises: Callable[[Finding], bool]


_RECORDS = "/streams/{stream}/records"
_PROVISIONS = ("POST /basins", "PUT /basins/{basin}", "POST /streams", "PUT /streams/{stream}")
_TAKES_VALUES = (
    *_PROVISIONS,
    "PATCH /basins/{basin}",
    "PATCH /streams/{stream}",
    f"GET {_RECORDS}",
    f"POST {_RECORDS}",
    "POST /access-tokens",
    "GET /metrics",
    "GET /metrics/{basin}",
    "GET /metrics/{basin}/{stream}",
)


_OF_LOCATIONS: Final = ("list-locations", "get-default-location", "set-default-location")


def _is_status(*statuses: int) -> Callable[[Finding], bool]:
    return lambda found: found.kind == "status" and found.status in statuses


def _is_path(*paths: str) -> Callable[[Finding], bool]:
    return lambda found: found.kind == "path" and found.value in paths


def _is_member(found: Finding, *members: str) -> bool:
    return found.rule == "additionalProperties" and found.place[-1] in members


def _is_media_type(media_type: str, *methods: str) -> Callable[[Finding], bool]:
    operations = [f"{method} {_RECORDS}" for method in methods]
    return lambda found: (
        found.kind == "content type"
        and (found.status, found.value) == (200, media_type)
        and found.operation in operations
    )


GAPS: Final[tuple[Gap, ...]] = (
    Gap(
        "provision-result",
        "The header `s2-provision-result` of what creates, ensures or finds again.",
        "The server sends it, and the Python SDK raises without it.",
        lambda found: (
            (found.kind, found.value) == ("header", "s2-provision-result")
            and found.status in (200, 201)
            and found.operation in _PROVISIONS
        ),
    ),
    Gap(
        "basin-location",
        "`location` of a basin; in its place the description has `scope`.",
        "The server is newer: it sends `location`, and no `scope`.",
        lambda found: "/basins" in found.operation and _is_member(found, "location"),
    ),
    Gap(
        "basin-state",
        "`state` of a basin; a schema `BasinState` is left, and nothing refers to it.",
        "Deprecated, but still sent.",
        lambda found: (
            "/basins" in found.operation
            and _is_member(found, "state")
            and found.value in ("active", "deleting")
        ),
    ),
    Gap(
        "storage-class",
        "Storage classes other than `standard` and `express`.",
        "The server takes any text and gives it back.",
        lambda found: (
            found.rule == "enum"
            and found.place[-1:] == ("storage_class",)
            and isinstance(found.value, str)
        ),
    ),
    Gap(
        "u64",
        "Integers from 2^63 on: the description has the type `u64` in the format `int64`.",
        "They are unsigned: the server takes and sends all of 64 bits.",
        lambda found: (
            found.rule == "format" and isinstance(found.value, int) and found.value < 2**64
        ),
    ),
    Gap(
        "protobuf",
        "`application/protobuf` for an acknowledgement and for a batch.",
        "Described in S2's protobuf file, and used by its SDKs.",
        _is_media_type("application/protobuf", "GET", "POST"),
    ),
    Gap(
        "s2s",
        "`s2s/proto`, the sessions.",
        "Described in S2's documentation of the protocol, and used by its SDKs.",
        _is_media_type("s2s/proto", "GET", "POST"),
    ),
    Gap(
        "done-event",
        "The nameless event `[DONE]` at the end of a read.",
        "The server sends it, and the TypeScript SDK waits for it.",
        lambda found: (found.kind, found.value) == ("event", "[DONE]"),
    ),
    Gap(
        "ping-tail",
        "`tail` in the data of a ping.",
        "The server is newer.",
        lambda found: found.place == ("data", "tail") and _is_member(found, "tail"),
    ),
    Gap(
        "invalid",
        "422, the status of the code `invalid`.",
        "The server refuses a value with 422 in any form of request, and a bad form with 400.",
        lambda found: _is_status(422)(found) and found.operation in _TAKES_VALUES,
    ),
    Gap(
        "pending-basin",
        "409 of PUT and PATCH of a basin, with the code `basin_deletion_pending`.",
        "A basin whose deletion is pending is there, and can be given no other configuration.",
        lambda found: (
            _is_status(409)(found)
            and found.operation in ("PUT /basins/{basin}", "PATCH /basins/{basin}")
        ),
    ),
    Gap(
        "request-coding",
        "415 with an empty body, for a request in a coding that the server does not know.",
        "It is the answer of a layer in front of all operations.",
        lambda found: found.status == 415 and (found.kind != "content type" or not found.value),
    ),
    Gap(
        "response-coding",
        "406 with the body of any other answer, for a client that refuses every coding.",
        "It is the answer of a layer around all operations, which has carried the request out.",
        lambda found: found.status == 406,
    ),
    Gap(
        "usd",
        "The unit `usd`, of the set `estimated-billable-usage`.",
        "The types that server and SDKs share are newer.",
        lambda found: (
            found.rule == "enum"
            and found.operation == "GET /metrics"
            and found.place[-1:] == ("unit",)
            and found.value == "usd"
        ),
    ),
    Gap(
        "unauthenticated",
        "401, the status of the code `authn`.",
        "It is the answer of a layer in front of all operations; the SDKs expect it.",
        _is_status(401),
    ),
    Gap(
        "permission",
        "403 of PUT of a basin, with the code `permission_denied`.",
        "The description has it for all other operations that a token may not have.",
        lambda found: _is_status(403)(found) and found.operation == "PUT /basins/{basin}",
    ),
    Gap(
        "missing-token",
        "404 for an access token that there is not, with the code `access_token_not_found`.",
        "The code is in the table that server and SDKs share, and the SDKs expect the status.",
        lambda found: _is_status(404)(found) and found.operation == "DELETE /access-tokens/{id}",
    ),
    Gap(
        "location-operations",
        "The operations on locations, among those that a token may have.",
        "The server is newer.",
        lambda found: found.rule == "enum" and found.value in _OF_LOCATIONS,
    ),
    Gap(
        "other-method",
        "405, for a method that a path does not have.",
        "No description says what is not there.",
        lambda found: found.kind == "method" and found.status == 405,
    ),
    Gap(
        "other-path",
        "404 with an empty body, for a path that there is not.",
        "No description says what is not there.",
        lambda found: found.kind == "path" and found.status == 404,
    ),
    Gap(
        "preflight",
        "OPTIONS, which a browser asks first.",
        "It is the answer of a layer in front of all operations.",
        lambda found: (
            found.kind in ("path", "method")
            and found.operation.startswith("OPTIONS ")
            and found.status == 200
        ),
    ),
    Gap(
        "locations",
        "`/v1/locations` and `/v1/locations/default`.",
        "The server is newer.",
        _is_path("/v1/locations", "/v1/locations/default"),
    ),
    Gap(
        "operation-of-the-server",
        "`/health`, `/ping` and the server's own `/metrics`, which are not under `/v1`.",
        "They are of the open-source server, not of the API.",
        _is_path("/health", "/ping", "/metrics"),
    ),
)


def gap_of(finding: Finding) -> Gap | None:
    """Return the entry that recognises this finding, or None."""
    return next((gap for gap in GAPS if gap.recognises(finding)), None)
