"""How tokens are listed, end and are revoked, where they are served (account_services §1)."""

from typing import Any

import pytest

from s2mock.contract.bearers import ALL, Bearers
from s2mock.contract.client import Client
from s2mock.contract.passing_time import PassingTime
from s2mock.contract.tokens import PATH, issue
from s2mock.contract.unserved import skip_if_unserved

pytestmark = pytest.mark.account

NO_GROUPS = {level: {"read": False, "write": False} for level in ("account", "basin", "stream")}


def listed(target: Client, token_id: str) -> dict[str, Any]:
    """Return the entry of a token in the listing."""
    [token] = target.request("GET", f"{PATH}?prefix={token_id}").json["access_tokens"]
    return dict(token)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"ops": ["trim", "read", "read", "list-basins"]},
            {"op_groups": NO_GROUPS, "ops": ["list-basins", "read", "trim"]},
        ),
        (
            {"ops": ["read", "append"], "op_groups": {"stream": {"read": True}}},
            {
                "op_groups": {**NO_GROUPS, "stream": {"read": True, "write": False}},
                "ops": ["append", "read"],
            },
        ),
        (
            {"basins": {"exact": ""}, "streams": {"prefix": ""}, "ops": ["read"]},
            {"streams": {"prefix": ""}, "op_groups": NO_GROUPS, "ops": ["read"]},
        ),
    ],
)
def test_a_scope_in_its_normal_form(
    bearers: Bearers, target: Client, given: Any, expected: Any
) -> None:
    """No empty sets, all groups, and operations in order and once; none is taken away (§1.1)."""
    token_id = bearers.new_id()
    bearers.bearer(given, id=token_id)
    token = listed(target, token_id)
    assert list(token) == ["id", "expires_at", "auto_prefix_streams", "scope"]
    unset = {"basins": None, "streams": None, "access_tokens": None}
    assert token["scope"] == {**unset, **expected}
    assert token["auto_prefix_streams"] is False


def test_a_listing(bearers: Bearers, target: Client) -> None:
    """By id, in pages (§1.1)."""
    family = bearers.new_id()
    ids = [f"{family}-{name}" for name in ("b", "a", "c")]
    for token_id in ids:
        bearers.bearer({"ops": ["read"]}, id=token_id)
    page = target.request("GET", f"{PATH}?prefix={family}-&limit=2").json
    assert [token["id"] for token in page["access_tokens"]] == sorted(ids)[:2]
    assert page["has_more"] is True
    query = f"prefix={family}-&start_after={family}-a"
    page = target.request("GET", f"{PATH}?{query}").json
    assert [token["id"] for token in page["access_tokens"]] == sorted(ids)[1:]
    assert page["has_more"] is False
    for token_id in ids:
        target.request("DELETE", f"{PATH}/{token_id}")


def test_a_listing_of_one_finds_one(target: Client) -> None:
    """The account has a token of its own (§1.1)."""
    answer = target.request("GET", f"{PATH}?limit=1")
    skip_if_unserved(answer)
    assert len(answer.json["access_tokens"]) == 1


def test_a_revoked_token_is_refused(bearers: Bearers, target: Client) -> None:
    """401, and its id is free again (§1.1, §1.3)."""
    token_id = bearers.new_id()
    bearer = bearers.bearer({**ALL, "ops": ["list-basins"]}, id=token_id)
    assert bearer.request("GET", "/v1/basins").status == 200
    answer = target.request("DELETE", f"{PATH}/{token_id}")
    assert (answer.status, answer.body) == (204, b"")
    # Before anything that is wrong with the request.
    for path in ("/v1/basins", "/v1/basins?limit=x"):
        assert bearer.request("GET", path).error[:2] == (401, "authn")
    again = bearers.bearer({**ALL, "ops": ["list-basins"]}, id=token_id)
    assert again.token != bearer.token
    assert bearer.request("GET", "/v1/basins").status == 401
    assert again.request("GET", "/v1/basins").status == 200


def test_revoking_ones_own(bearers: Bearers) -> None:
    """204, and then 401; what it has issued stays (§1.1)."""
    token_id = bearers.new_id()
    ops = ["issue-access-token", "revoke-access-token"]
    bearer = bearers.bearer({**ALL, "ops": ops}, id=token_id)
    child = bearers.bearer({**ALL, "ops": ops}, by=bearer)
    assert bearer.request("DELETE", f"{PATH}/{token_id}").status == 204
    assert bearer.request("DELETE", f"{PATH}/{token_id}").error[:2] == (401, "authn")
    assert child.request("DELETE", f"{PATH}/no-such-token").status == 404


def test_an_id_that_is_taken(bearers: Bearers, target: Client) -> None:
    """409, with any scope (§1.1)."""
    token_id = bearers.new_id()
    bearers.bearer({"ops": ["read"]}, id=token_id)
    answer = issue(target, {"ops": ["append"]}, id=token_id)
    assert answer.error[:2] == (409, "resource_already_exists")
    assert listed(target, token_id)["scope"]["ops"] == ["read"]


def test_a_time_that_has_passed(bearers: Bearers) -> None:
    """422 (§1.1)."""
    answer = bearers.issue({"ops": ["read"]}, expires_at="2020-01-01T00:00:00Z")
    assert answer.error[:2] == (422, "invalid")


def test_the_end_of_the_issuer_is_the_last(bearers: Bearers, target: Client) -> None:
    """It is the default, and what is later is refused (§1.1)."""
    end, later, earlier = (f"20{year}-01-01T00:00:00Z" for year in (90, 91, 89))
    ops = {**ALL, "ops": ["issue-access-token"]}
    issuer = bearers.bearer(ops, expires_at=end)
    for given, expected in ((None, end), (end, end), (earlier, earlier)):
        token_id = bearers.new_id()
        bearers.bearer(ops, by=issuer, id=token_id, expires_at=given)
        assert listed(target, token_id)["expires_at"] == expected
    assert bearers.issue(ops, by=issuer, expires_at=later).error[:2] == (422, "invalid")


def test_an_end_by_the_clock(timed: PassingTime) -> None:
    """From then on 401; until it is revoked it is listed, and its id is in use (§1.1)."""
    from datetime import UTC, datetime

    end = datetime.fromtimestamp(timed.now() + 3600, UTC).isoformat()
    scope = {**ALL, "ops": ["list-basins"]}
    answer = issue(timed.s2, scope, id="contract-timed", expires_at=end)
    skip_if_unserved(answer)
    bearer = Client(timed.s2.url, token=answer.json["access_token"])
    timed.advance(3599)
    assert bearer.request("GET", "/v1/basins").status == 200
    timed.advance(1)
    assert bearer.request("GET", "/v1/basins").error[:2] == (401, "authn")
    assert listed(timed.s2, "contract-timed")["id"] == "contract-timed"
    assert issue(timed.s2, scope, id="contract-timed").status == 409
    assert timed.s2.request("DELETE", f"{PATH}/contract-timed").status == 204
