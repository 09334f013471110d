"""Access tokens on a server that serves them (reference: control_plane §6.1, §7).

s2-lite does not: there these cases are skipped.
"""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.basins import unused_name
from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.tokens import PATH, issue
from s2mock.contract.unserved import skip_if_unserved

pytestmark = pytest.mark.account


@pytest.fixture
def token_id(target: Client) -> Any:
    """Yield an unused id; a token with that id is revoked after the case."""
    identifier = unused_name()
    yield identifier
    target.request("DELETE", f"{PATH}/{identifier}")


@control_case(88)
def test_a_token_that_may_do_nothing(target: Client, token_id: str) -> None:
    """422: there has to be some permission (§6.1)."""
    answer = issue(target, id=token_id)
    skip_if_unserved(answer)
    assert answer.error == (422, "invalid", "Access token permissions cannot be empty")


@control_case(89)
def test_prefixing_needs_a_prefix(target: Client, token_id: str) -> None:
    """422: `auto_prefix_streams` goes with a prefix of stream names (§6.1)."""
    scope = {"streams": {"exact": "s"}, "ops": ["read"]}
    answer = issue(target, scope, id=token_id, auto_prefix_streams=True)
    skip_if_unserved(answer)
    reason = "Auto prefixing is only allowed for streams with prefix matching"
    assert answer.error == (422, "invalid", reason)


@control_case(90)
def test_issuing_and_revoking_twice(target: Client, token_id: str) -> None:
    """The second is a conflict, respectively a 404 (§6.1)."""
    scope = {"basins": {"prefix": ""}, "ops": ["list-basins"]}
    answer = issue(target, scope, id=token_id)
    skip_if_unserved(answer)
    assert (answer.status, list(answer.json)) == (201, ["access_token"])
    assert issue(target, scope, id=token_id).status == 409
    assert target.request("DELETE", f"{PATH}/{token_id}").status == 204
    assert target.request("DELETE", f"{PATH}/{token_id}").error[:2] == (
        404,
        "access_token_not_found",
    )


@control_case(91)
def test_a_token_with_a_prefix(s2: Client, token_id: str) -> None:
    """It sees its streams without the prefix, which others see (§6.1)."""
    scope = {
        "basins": {"exact": s2.basin},
        "streams": {"prefix": "tenant/"},
        "op_groups": {"stream": {"read": True, "write": True}},
        "ops": ["list-streams", "create-stream", "reconfigure-stream"],
    }
    answer = issue(s2, scope, id=token_id, auto_prefix_streams=True)
    skip_if_unserved(answer)
    tenant = Client(s2.url, token=answer.json["access_token"], basin=s2.basin)
    assert tenant.request("PUT", "/v1/streams/x").status == 201
    for client, name in ((tenant, "x"), (s2, "tenant/x")):
        listing = client.request("GET", "/v1/streams").json["streams"]
        assert [info["name"] for info in listing] == [name]


@control_case(92)
def test_a_token_beyond_its_scope(s2: Client, fresh: Callable[[], str], token_id: str) -> None:
    """403 for an operation, a basin or a scope that is not its own (§6.1)."""
    scope = {"basins": {"exact": s2.basin}, "ops": ["list-streams", "issue-access-token"]}
    answer = issue(s2, scope, id=token_id)
    skip_if_unserved(answer)
    limited = Client(s2.url, token=answer.json["access_token"], basin=s2.basin)
    for refused in (
        limited.request("PUT", "/v1/streams/x"),
        limited.in_basin(fresh()).request("GET", "/v1/streams"),
        issue(limited, {"basins": {"prefix": ""}, "ops": ["append"]}, id=f"{token_id}-2"),
    ):
        assert refused.error[:2] == (403, "permission_denied")


@control_case(93)
def test_a_token_that_is_none(guarded: Client) -> None:
    """401 (§6.1)."""
    skip_if_unserved(guarded.request("GET", PATH))
    nobody = Client(guarded.url, token="no-such-token")
    assert nobody.request("GET", "/v1/basins").error[:2] == (401, "authn")
