"""The table of error codes by operation, compared with what S2 publishes and was seen to answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s2mock.api.operations import OPERATIONS
from s2mock.api.routing import Router
from s2mock.contract import recordings
from s2mock.powers.operations import CODES_OF, OPERATION_NAMES
from s2mock.registry.values.codes import CODES, TRANSIENT
from tests import openapi

pytestmark = pytest.mark.slow

DESCRIPTION = json.loads((Path(openapi.__file__).parent / "openapi.json").read_text("utf-8"))
# Statuses that S2's description leaves out and that the reference has: 422, 501, and those of the
# service as such (control_plane §3, data_plane §3.6 and §4.7).
UNDESCRIBED = {401, 422, 429, 499, 500, 501, 502, 503, 504}
ROUTES = {row.name: row for row in OPERATIONS if row.name is not None}
# Asked for by an append, too.
ROUTES |= dict.fromkeys(("trim", "fence", "append-session"), ROUTES["append"])


def recorded() -> Iterator[tuple[str, int, str]]:
    """Operation, status and code of each error of the real server that was recorded."""
    router = Router(OPERATIONS)
    for file in recordings.names():
        for group in recordings.load(file).groups:
            for exchange in group.exchanges:
                call, reply = exchange.call, exchange.reply
                matched = router.match(call.path.partition("?")[0])
                row = matched and matched[0].row(call.method)
                if not row or row.name is None or reply.status < 400 or not reply.body:
                    continue
                try:
                    document: Any = json.loads(reply.body)
                except ValueError:
                    continue
                is_session = dict(call.headers).get("content-type", "").startswith("s2s/")
                name = "append-session" if row.name == "append" and is_session else row.name
                if "code" in document:
                    yield name, reply.status, document["code"]


def test_each_operation_has_its_codes() -> None:
    assert CODES_OF.keys() == set(OPERATION_NAMES)
    assert set().union(*CODES_OF.values()) == CODES.keys()


def test_every_code_that_was_recorded_is_in_the_table() -> None:
    seen = {(name, code) for name, _, code in recorded()}
    assert len(seen) > 80
    assert {(name, code) for name, code in seen if code not in CODES_OF[name]} == set()


def test_every_status_in_the_table_is_described_or_was_recorded() -> None:
    seen = {(name, status) for name, status, _ in recorded()}
    for name in OPERATION_NAMES:
        row = ROUTES[name]
        path = row.path.removeprefix("/v1").replace("<", "{").replace(">", "}")
        described = {
            int(status)
            for status in DESCRIPTION["paths"]
            .get(path, {})
            .get(row.method.lower(), {})
            .get("responses", ())
        }
        if not described:
            # Locations came later than the description.
            assert "/locations" in path
            described = {400, 403, 408}
        known = described | UNDESCRIBED | {status for one, status in seen if one == name}
        given = {code: CODES[code].status for code in CODES_OF[name]}
        assert {code for code, status in given.items() if status not in known} <= ODD.get(
            name, set()
        ), name


# Of the reference, where the description says nothing: account_services §1.1 and §1.3.
ODD = {
    "ensure-basin": {"permission_denied", "quota_exhausted"},
    "revoke-access-token": {"access_token_not_found"},
}


def test_a_race_of_writes_is_met_where_something_is_written() -> None:
    without = {name for name in OPERATION_NAMES if "transaction_conflict" not in CODES_OF[name]}
    assert without == {name for name in OPERATION_NAMES if "list" in name or "metrics" in name} | {
        "delete-basin",
        "delete-stream",
        "get-basin-config",
        "get-stream-config",
        "get-default-location",
        "set-default-location",
        "issue-access-token",
        "revoke-access-token",
    }
    for name in OPERATION_NAMES:
        assert CODES_OF[name] >= TRANSIENT - {"transaction_conflict"}


def test_the_transient_codes_are_those_that_clients_try_again() -> None:
    """Reference: control_plane §3, by status, and a conflict by its code."""
    again = {code for code in CODES if CODES[code].status in (408, 429, 500, 502, 503, 504)}
    assert again | {"transaction_conflict"} == TRANSIENT
