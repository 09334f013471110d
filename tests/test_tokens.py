"""`S2Mock.issue_token`, `tokens` and `token`: access tokens without HTTP.

Source: reference: account_services §1.
"""

from typing import Any

import pytest

from s2mock import (
    AccessTokenNotFound,
    Invalid,
    InvalidName,
    ResourceAlreadyExists,
    ResourceSet,
    S2Mock,
)
from tests.backends import Make
from tests.calls import Api, over_wsgi
from tests.conftest import BASIN


@pytest.fixture
def mock(make: Make) -> Any:
    return make(clock="manual")


def test_what_a_token_is(mock: S2Mock) -> None:
    token = mock.issue_token(
        "svc",
        basins=BASIN,
        streams="logs/*",
        ops=["read"],
        op_groups={"stream": {"write": True, "read": False}},
        expires_in=90,
        auto_prefix_streams=True,
    )
    assert token.id == "svc"
    assert token.secret.startswith("s2_")
    assert token.env == {**mock.env, "S2_ACCESS_TOKEN": token.secret}
    info = token.info
    assert (info.id, info.auto_prefix_streams) == ("svc", True)
    assert info.expires_at == mock.clock.now() + 90_000_000_000
    scope = info.scope
    assert (scope.basins, scope.streams) == (
        ResourceSet("exact", BASIN),
        ResourceSet("prefix", "logs/"),
    )
    assert scope.access_tokens == ResourceSet("exact", "")
    assert (scope.groups, scope.ops) == (("stream.write",), ("read",))
    assert repr(token).endswith("Token 'svc'>")
    assert mock.tokens == ("s2mock", "svc")


def test_it_is_the_one_that_http_knows(mock: S2Mock) -> None:
    mock.create_basin(BASIN).create_stream("s")
    token = mock.issue_token("svc", basins="*", ops=["list-basins"])
    api = Api(over_wsgi(mock.wsgi_app), BASIN)
    api.token = token.secret
    assert api.call("GET", "/v1/basins").status == 200
    assert api.call("GET", "/v1/streams").status == 403
    token.revoke()
    assert api.call("GET", "/v1/basins").status == 401


def test_revoking(mock: S2Mock) -> None:
    token = mock.issue_token("svc", ops=["read"])
    token.revoke()
    assert mock.tokens == ("s2mock",)
    again = mock.issue_token("svc", ops=["read"])
    for call in (token.revoke, lambda: token.info):
        with pytest.raises(AccessTokenNotFound, match="access token `svc` not found"):
            call()
    assert again.info.id == "svc"
    with pytest.raises(ResourceAlreadyExists):
        mock.issue_token("svc", ops=["read"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ResourceSet("exact", "")),
        ("*", ResourceSet("prefix", "")),
        ("my-*", ResourceSet("prefix", "my-")),
        (BASIN, ResourceSet("exact", BASIN)),
        ({"exact": ""}, ResourceSet("exact", "")),
        ({"exact": BASIN}, ResourceSet("exact", BASIN)),
        ({"prefix": ""}, ResourceSet("prefix", "")),
    ],
)
def test_names(mock: S2Mock, given: Any, expected: ResourceSet) -> None:
    assert mock.issue_token("svc", basins=given, ops=["read"]).info.scope.basins == expected


def test_groups_as_the_sdks_have_them(mock: S2Mock) -> None:
    groups = {"account": "read", "basin": "write", "stream": "read-write"}
    scope = mock.issue_token("svc", op_groups=groups).info.scope
    assert scope.groups == ("account.read", "basin.write", "stream.read", "stream.write")


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"ops": []}, Invalid, "permissions cannot be empty"),
        ({"ops": "read"}, TypeError, "ops must be a list of names of operations, not str: 'read'"),
        ({"ops": ["reed"]}, ValueError, "ops: 'reed' is no operation; there are list-basins"),
        ({"basins": "short"}, InvalidName, "basin name should be at least 8 bytes"),
        ({"basins": 5}, TypeError, "basins must be a name, a prefix with . behind it, or"),
        ({"streams": {"like": "a"}}, ValueError, 'streams must be "exact" or "prefix"'),
        ({"streams": {"prefix": 5}}, TypeError, "streams must be text, not int: 5"),
        ({"op_groups": {"topic": {}}}, ValueError, "op_groups: 'topic' is no group; there are"),
        ({"op_groups": {"stream": "rw"}}, TypeError, "op_groups must be a mapping such as"),
        ({"op_groups": {"stream": {"read": 1}}}, ValueError, "op_groups must be a mapping such"),
        ({"op_groups": {"stream": {"reed": True}}}, ValueError, "op_groups must be a mapping su"),
        ({"op_groups": []}, TypeError, "op_groups must be a mapping such as"),
        ({"expires_in": 0}, ValueError, "expires_in must be more than 0 seconds and finite"),
        ({"expires_in": float("inf")}, ValueError, "expires_in must be more than 0 seconds and fi"),
        ({"expires_in": "1h"}, TypeError, "expires_in must be a number of seconds, not str: '1h'"),
        ({"auto_prefix_streams": 1}, TypeError, "auto_prefix_streams must be True or False"),
        ({"auto_prefix_streams": True}, Invalid, "Auto prefixing is only allowed for streams"),
    ],
)
def test_what_makes_no_sense(
    mock: S2Mock, arguments: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        mock.issue_token("svc", **{"ops": ["read"], **arguments})
    assert mock.tokens == ("s2mock",)


def test_the_id_of_one(mock: S2Mock) -> None:
    with pytest.raises(InvalidName, match="access token id must not be empty"):
        mock.issue_token("", ops=["read"])
    with pytest.raises(TypeError, match="a token's id must be text, not int: 5"):
        mock.issue_token(5, ops=["read"])  # type: ignore[arg-type]
