"""Access tokens: `/v1/access-tokens` (reference: control_plane §6.1).

s2-lite checks requests and serves none.
"""

from typing import Any

import pytest

from s2mock.contract.bodies import JSON
from s2mock.contract.client import Client, segment
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import bad_json, bad_path, bad_query
from s2mock.contract.tokens import PATH, issue
from s2mock.contract.unserved import assert_good

pytestmark = pytest.mark.account

OPERATIONS = [
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
]
EMPTY = "access token id must not be empty"
DOTS = 'access token id must not be "." or ".."'
NUL = "access token id must not contain NUL bytes"
LONG = "access token id must not exceed 96 bytes in length"


@control_case(87)
def test_not_served(target: Client) -> None:
    """A good request of each kind (§6)."""
    for answer in (
        target.request("GET", PATH),
        issue(target),
        target.request("DELETE", f"{PATH}/t"),
    ):
        assert_good(answer)


@pytest.mark.parametrize(
    ("identifier", "rule"),
    [
        ("", EMPTY),
        (".", DOTS),
        ("..", DOTS),
        ("a\0", NUL),
        ("\0" * 97, NUL),
        ("x" * 97, LONG),
        ("é" * 49, LONG),
    ],
)
def test_a_bad_id(target: Client, identifier: str, rule: str) -> None:
    """1 to 96 bytes without NUL, in a body and in a path (§6.1)."""
    assert issue(target, id=identifier).error == bad_json(rule)
    if identifier:
        answer = target.request("DELETE", f"{PATH}/{segment(identifier)}")
        assert answer.error == bad_path(rule)


@pytest.mark.parametrize("identifier", ["x" * 96, "é" * 48, "...", "a/b", " "])
def test_a_good_id(target: Client, identifier: str) -> None:
    """Anything else is fine (§6.1)."""
    assert_good(issue(target, id=identifier))
    assert_good(target.request("DELETE", f"{PATH}/{segment(identifier)}"))


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        (f"prefix={'x' * 97}", "prefix: access token prefix must not exceed 96 bytes in length"),
        ("prefix=%00", "prefix: access token prefix must not contain NUL bytes"),
        (
            f"start_after={'x' * 97}",
            "start_after: access token start-after must not exceed 96 bytes in length",
        ),
        ("start_after=%00", "start_after: access token start-after must not contain NUL bytes"),
    ],
    ids=lambda text: text[:16],
)
def test_a_bad_listing(target: Client, query: str, detail: str) -> None:
    """As in every listing (§6.1, §2.4)."""
    assert target.request("GET", f"{PATH}?{query}").error == bad_query(detail)


@pytest.mark.parametrize("query", ["prefix=.", "start_after=..", "limit=0&prefix=" + "x" * 96])
def test_a_good_listing(target: Client, query: str) -> None:
    """The parts of an id may be dots (§6.1)."""
    assert_good(target.request("GET", f"{PATH}?{query}"))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "missing field `id`"),
        ({"scope": {}}, "missing field `id`"),
        ({"id": "t"}, "missing field `scope`"),
        ({"id": "t", "scope": None}, "invalid type: null, expected struct AccessTokenScope"),
        ({"id": "t", "scope": "x"}, 'invalid type: string "x", expected struct AccessTokenScope'),
        ({"id": None, "scope": {}}, "invalid type: null, expected a string"),
        ({"id": 5, "scope": {}}, "invalid type: integer `5`, expected a string"),
        (5, "invalid type: integer `5`, expected struct IssueAccessTokenRequest"),
        (None, "invalid type: null, expected struct IssueAccessTokenRequest"),
        (["t", None], "invalid length 2, expected struct IssueAccessTokenRequest with 4 elements"),
        (
            ["t", None, None, [None]],
            "invalid length 1, expected struct AccessTokenScope with 5 elements",
        ),
        (
            {"id": "t", "scope": {}, "auto_prefix_streams": 1},
            "invalid type: integer `1`, expected a boolean",
        ),
    ],
    ids=str,
)
def test_a_bad_document(target: Client, document: Any, reason: str) -> None:
    """What is missing, and what is of another type (§6.1, §2.2)."""
    assert target.request("POST", PATH, document).error == bad_json(reason)


@pytest.mark.parametrize("field", ["id", "scope", "basins", "read"])
def test_a_field_that_comes_twice(target: Client, field: str) -> None:
    """At every level (§2.2)."""
    twice = {
        "id": '{"id":"t","id":"t","scope":{}}',
        "scope": '{"id":"t","scope":{},"scope":{}}',
        "basins": '{"id":"t","scope":{"basins":null,"basins":null}}',
        "read": '{"id":"t","scope":{"op_groups":{"basin":{"read":true,"read":true}}}}',
    }
    answer = target.request("POST", PATH, body=twice[field].encode(), headers=JSON)
    assert answer.error == bad_json(f"duplicate field `{field}`")


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ({"basins": {"exact": "short"}}, "basin name should be at least 8 bytes in length"),
        (
            {"basins": {"prefix": "-"}},
            "basin prefix must begin with a lowercase letter or number",
        ),
        ({"basins": {"prefix": "x" * 49}}, "basin prefix must not exceed 48 bytes in length"),
        ({"streams": {"exact": "."}}, 'stream name must not be "." or ".."'),
        ({"streams": {"prefix": "x" * 513}}, "stream prefix must not exceed 512 bytes in length"),
        ({"access_tokens": {"exact": ".."}}, DOTS),
        (
            {"access_tokens": {"prefix": "x" * 97}},
            "access token prefix must not exceed 96 bytes in length",
        ),
        ({"basins": {"exact": None}}, "invalid type: null, expected a string"),
        ({"basins": {"prefix": 5}}, "invalid type: integer `5`, expected a string"),
        (
            {"basins": {"other": "abcdefgh"}},
            "unknown variant `other`, expected `exact` or `prefix`",
        ),
        ({"basins": "other"}, "unknown variant `other`, expected `exact` or `prefix`"),
        ({"basins": "exact"}, "invalid type: unit variant, expected newtype variant"),
        (
            {"op_groups": 5},
            "invalid type: integer `5`, expected struct PermittedOperationGroups",
        ),
        (
            {"op_groups": [None]},
            "invalid length 1, expected struct PermittedOperationGroups with 3 elements",
        ),
        (
            {"op_groups": {"account": "rw"}},
            'invalid type: string "rw", expected struct ReadWritePermissions',
        ),
        ({"op_groups": {"basin": {"read": 1}}}, "invalid type: integer `1`, expected a boolean"),
        (
            {"op_groups": {"stream": [True]}},
            "invalid length 1, expected struct ReadWritePermissions with 2 elements",
        ),
        ({"ops": "append"}, 'invalid type: string "append", expected a sequence'),
        ({"ops": {}}, "invalid type: map, expected a sequence"),
        ({"ops": [{"append": 5}]}, "invalid type: integer `5`, expected unit"),
        (
            {"ops": ["append", "foo"]},
            f"unknown variant `foo`, expected one of `{'`, `'.join(OPERATIONS)}`",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_scope(target: Client, scope: Any, reason: str) -> None:
    """Sets of resources, groups of operations, and operations (§6.1)."""
    assert issue(target, scope).error == bad_json(reason)


@pytest.mark.parametrize(
    "scope",
    [
        {"basins": {}},
        {"basins": 5},
        {"basins": ["exact", "abcdefgh"]},
        {"streams": {"exact": "a", "prefix": "a"}},
        {"ops": [5]},
        {"ops": [None]},
        [None] * 6,
    ],
    ids=str,
)
def test_a_scope_that_is_none(target: Client, scope: Any) -> None:
    """An invalid scope is refused, in the words of the JSON parser (§2.2)."""
    assert issue(target, scope).error[:2] == (400, "bad_json")


@pytest.mark.parametrize(
    "scope",
    [
        {"unknown": [1]},
        dict.fromkeys(("basins", "streams", "access_tokens", "op_groups", "ops")),
        [None] * 5,
        {"basins": {"exact": ""}, "streams": {"exact": ""}, "access_tokens": {"exact": ""}},
        {"basins": {"prefix": ""}, "streams": {"prefix": "."}, "access_tokens": {"prefix": "."}},
        {"basins": {"exact": "abcdefgh"}, "streams": {"exact": "a/b"}},
        {"op_groups": {}},
        {"op_groups": {"account": None, "basin": {}, "stream": {"read": None, "write": True}}},
        {"op_groups": [None, [True, None], None]},
        {"ops": []},
        {"ops": [*OPERATIONS, "append", {"read": None}]},
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_good_scope(target: Client, scope: Any) -> None:
    """An empty exact name is no name, and is fine (§6.1)."""
    assert_good(issue(target, scope))


def test_a_request_token_is_not_looked_at(target: Client) -> None:
    """Issuing has no replay (§2.1)."""
    headers = {"s2-request-token": "t" * 37}
    assert_good(target.request("POST", PATH, {"id": "t", "scope": {}}, headers=headers))
