"""`/v1/access-tokens`: issued, listed, revoked, and what a request is told that brings one.

Source: reference: account_services §1.
"""

from typing import Any

import pytest

from s2mock import ManualClock, S2Mock
from tests.calls import Api, Reply, over_wsgi
from tests.conftest import BASIN

PATH = "/v1/access-tokens"
READ = {"basins": {"prefix": ""}, "streams": {"prefix": ""}, "ops": ["read"]}
ALL_GROUPS = {level: {"read": True, "write": True} for level in ("account", "basin", "stream")}
EVERYTHING = {
    "basins": {"prefix": ""},
    "streams": {"prefix": ""},
    "access_tokens": {"prefix": ""},
    "op_groups": ALL_GROUPS,
}
NO_GROUPS = {level: {"read": False, "write": False} for level in ("account", "basin", "stream")}
DENIED = (403, "permission_denied", "Operation not permitted")


class Bearer(Api):
    """The API as the bearer of a token sees it."""

    def __init__(self, api: Api, secret: str, basin: str | None = None) -> None:
        super().__init__(api._send, basin or api.basin)
        self.token = self.secret = secret


def issue(api: Api, token_id: str, scope: Any = None, **more: Any) -> Reply:
    return api.call("POST", PATH, {"id": token_id, "scope": scope or READ, **more})


def issued(api: Api, token_id: str, scope: Any = None, **more: Any) -> Bearer:
    reply = issue(api, token_id, scope, **more)
    assert reply.status == 201, reply
    assert list(reply.json) == ["access_token"]
    return Bearer(api, reply.json["access_token"])


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    reply = api.call("GET", f"{PATH}{query}")
    assert reply.status == 200, reply
    tokens: list[dict[str, Any]] = reply.json["access_tokens"]
    return tokens


def ids(api: Api, query: str = "") -> list[str]:
    return [token["id"] for token in listed(api, query)]


class TestIssuing:
    def test_a_secret_that_is_told_once(self, api: Api) -> None:
        bearer = issued(api, "svc")
        assert bearer.secret.startswith("s2_")
        assert len(bearer.secret) >= 40
        assert "svc" not in bearer.secret
        assert bearer.secret not in api.call("GET", PATH).body.decode()

    def test_the_same_calls_under_the_same_seed_and_token_give_the_same_secrets(self) -> None:
        def secrets(token: str | None = "pinned", seed: int = 0) -> list[str]:
            with S2Mock(token=token) as mock:
                engine = mock.account.engine
                engine.settings = engine.settings._replace(seed=seed)
                api = Api(over_wsgi(mock.wsgi_app))
                return [issued(api, token_id).secret for token_id in ("a", "b")]

        one, again = secrets(), secrets()
        assert one == again
        # Another token, another seed, and none: all of them differ.
        different = [one, secrets("other"), secrets(seed=1), secrets(None), secrets(None)]
        assert len({secret for some in different for secret in some}) == 2 * len(different)
        assert all(secret.startswith("s2_") for some in different for secret in some)

    def test_a_fork_issues_other_secrets(self) -> None:
        with S2Mock() as mock, mock.fork() as fork:
            secrets = {one.issue_token("t", ops=["read"]).secret for one in (mock, fork)}
        assert len(secrets) == 2

    def test_an_id_that_is_taken(self, api: Api) -> None:
        issued(api, "svc")
        assert issue(api, "svc", EVERYTHING).error == (
            409,
            "resource_already_exists",
            "access token `svc` already exists",
        )
        assert issue(api, "s2mock").status == 409

    @pytest.mark.parametrize(
        "scope",
        [
            {"basins": {"prefix": ""}},
            {"ops": []},
            {"ops": None, "op_groups": None},
            {"op_groups": NO_GROUPS},
        ],
    )
    def test_no_permission(self, api: Api, scope: Any) -> None:
        error = (422, "invalid", "Access token permissions cannot be empty")
        assert issue(api, "svc", scope).error == error
        assert ids(api) == ["s2mock"]

    @pytest.mark.parametrize("streams", [None, {"exact": "a"}, {"exact": ""}])
    def test_prefixes_need_a_prefix(self, api: Api, streams: Any) -> None:
        text = "Auto prefixing is only allowed for streams with prefix matching"
        reply = issue(api, "svc", {"streams": streams, "ops": ["read"]}, auto_prefix_streams=True)
        assert reply.error == (422, "invalid", text)
        assert issue(api, "svc", {"streams": streams, "ops": ["read"]}).status == 201

    def test_a_time_that_has_passed(self, api: Api) -> None:
        text = "expires_at must be in the future"
        for past in ("2023-12-31T23:59:59Z", "2024-01-01T00:00:00Z", "0000-02-29T00:00:00Z"):
            assert issue(api, "svc", expires_at=past).error == (422, "invalid", text)
        assert issue(api, "svc", expires_at="2024-01-01T00:00:00.000000001Z").status == 201


class TestListing:
    def test_the_own_token_is_an_ordinary_one(self, api: Api) -> None:
        assert listed(api, "?limit=1") == [
            {
                "id": "s2mock",
                "expires_at": None,
                "auto_prefix_streams": False,
                "scope": {**EVERYTHING, "ops": []},
            }
        ]

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (None, None),
            ("2030-01-01t02:00:00+02:00", "2030-01-01T00:00:00Z"),
            ("2030-01-01T00:00:00.1234567891234Z", "2030-01-01T00:00:00.123456789Z"),
            ("2016-12-31T23:59:60Z", 422),
            ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999999Z"),
        ],
    )
    def test_the_time_of_its_end(self, api: Api, given: Any, expected: Any) -> None:
        reply = issue(api, "svc", expires_at=given)
        if expected == 422:
            assert reply.status == 422
        else:
            assert listed(api, "?prefix=svc")[0]["expires_at"] == expected


class TestRevoking:
    def test_what_is_not_there(self, api: Api) -> None:
        issued(api, "svc")
        assert api.call("DELETE", f"{PATH}/svc").status == 204
        for token_id in ("svc", "other"):
            error = (404, "access_token_not_found", f"access token `{token_id}` not found")
            assert api.call("DELETE", f"{PATH}/{token_id}").error == error

    def test_ones_own(self, api: Api, mock: S2Mock) -> None:
        bearer = issued(api, "svc", EVERYTHING)
        assert bearer.call("DELETE", f"{PATH}/svc").status == 204
        assert bearer.call("GET", PATH).status == 401
        own = Bearer(api, mock.token)
        assert own.call("DELETE", f"{PATH}/s2mock").status == 204
        assert own.call("GET", PATH).status == 401
        assert mock.tokens == ()

    @pytest.mark.parametrize("bearer", ["", "any", "issued"])
    @pytest.mark.parametrize("has_issued", [False, True])
    def test_own_token_is_not_revoked_by_a_request_without_it(
        self, bearer: str, has_issued: bool
    ) -> None:
        with S2Mock(auth="open") as mock:
            api = Api(over_wsgi(mock.wsgi_app))
            if has_issued or bearer == "issued":
                svc = issued(api, "svc", EVERYTHING)
            headers = {"authorization": f"Bearer {svc.secret if bearer == 'issued' else bearer}"}
            reply = api.call("DELETE", f"{PATH}/s2mock", headers=headers if bearer else {})
            assert reply.error == DENIED
            assert "s2mock" in mock.tokens
            own = Bearer(api, mock.token)
            assert own.call("GET", "/v1/basins").status == 200
            assert own.call("DELETE", f"{PATH}/s2mock").status == 204
            assert own.call("GET", "/v1/basins").status == 401
            # It is no longer there, and its id is that of any other token.
            assert api.call("DELETE", f"{PATH}/s2mock").status == 404
            assert issue(api, "s2mock").status == 201
            assert api.call("DELETE", f"{PATH}/s2mock").status == 204

    def test_own_token_is_revoked_by_another_where_a_token_is_required(self) -> None:
        with S2Mock(auth="required") as mock:
            api = Api(over_wsgi(mock.wsgi_app))
            svc = issued(Bearer(api, mock.token), "svc", EVERYTHING)
            assert svc.call("DELETE", f"{PATH}/s2mock").status == 204
            assert mock.tokens == ("svc",)

    def test_refusal_to_revoke_the_own_token_names_what_would_work(self) -> None:
        headers = {"authorization": "Bearer any"}
        with S2Mock(auth="open") as mock:
            api = Api(over_wsgi(mock.wsgi_app))
            assert api.call("DELETE", f"{PATH}/s2mock", headers=headers).status == 403
            assert "only by a request that carries it" in str(mock.journal[-1].reason)

    def test_a_delay(self, clock: ManualClock) -> None:
        with S2Mock(clock=clock, revocation_delay=60) as mock:
            api = Api(over_wsgi(mock.wsgi_app))
            bearer = issued(api, "svc", EVERYTHING)
            api.call("DELETE", f"{PATH}/svc")
            assert ids(api) == ["s2mock"]
            clock.advance(59.9)
            assert bearer.call("GET", "/v1/basins").status == 200
            clock.advance(0.1)
            assert bearer.call("GET", "/v1/basins").status == 401

    def test_a_delay_without_an_end(self, clock: ManualClock) -> None:
        with S2Mock(clock=clock, revocation_delay=float("inf")) as mock:
            api = Api(over_wsgi(mock.wsgi_app))
            bearer = issued(api, "svc", EVERYTHING)
            assert api.call("DELETE", f"{PATH}/svc").status == 204
            clock.advance(1e9)
            assert bearer.call("GET", "/v1/basins").status == 200


class TestTheEnd:
    def test_the_limit_of_the_issuing_token_is_checked_last(self, api: Api) -> None:
        end = "2024-01-01T01:00:00Z"
        parent = issued(api, "parent", EVERYTHING, expires_at=end)
        issued(parent, "child", EVERYTHING)
        assert issue(parent, "other", expires_at="2024-01-01T01:00:00.000000001Z").error == (
            422,
            "invalid",
            "expires_at must not be later than that of the token that issues it",
        )
        issued(parent, "earlier", expires_at="2024-01-01T00:30:00Z")
        ends = {token["id"]: token["expires_at"] for token in listed(api)}
        assert ends == {
            "child": end,
            "earlier": "2024-01-01T00:30:00Z",
            "parent": end,
            "s2mock": None,
        }

    def test_a_snapshot_does_not_arrive_expired(self, api: Api, mock: S2Mock) -> None:
        """What is due moves by the time that has passed."""
        bearer = issued(api, "svc", EVERYTHING, expires_at="2024-01-01T01:00:00Z")
        before = mock.snapshot()
        assert isinstance(mock.clock, ManualClock)
        mock.clock.advance(7200)
        assert bearer.call("GET", "/v1/basins").status == 401
        mock.restore(before)
        assert listed(api, "?prefix=svc")[0]["expires_at"] == "2024-01-01T03:00:00Z"
        assert bearer.call("GET", "/v1/basins").status == 200
        mock.clock.advance(3600)
        assert bearer.call("GET", "/v1/basins").status == 401


class TestSnapshots:
    def test_they_hold_tokens_and_do_not_change(self, api: Api, mock: S2Mock) -> None:
        bearer = issued(api, "svc", EVERYTHING)
        before = mock.snapshot()
        api.call("DELETE", f"{PATH}/svc")
        issued(api, "later")
        with mock.fork() as fork, S2Mock(snapshot=before) as other:
            assert fork.tokens == ("later", "s2mock")
            assert other.tokens == ("s2mock", "svc")
            there = Bearer(Api(over_wsgi(other.wsgi_app)), bearer.secret)
            assert there.call("GET", "/v1/basins").status == 200
            # The own token is no part of it.
            own = Bearer(there, other.token)
            assert own.call("GET", "/v1/basins").status == 200
        mock.restore(before)
        assert mock.tokens == ("s2mock", "svc")
        mock.reset()
        assert mock.tokens == ("s2mock",)

    def test_the_own_token_is_no_part_of_them(self, api: Api, mock: S2Mock) -> None:
        """Also where it was revoked, and its id issued again."""
        own = Bearer(api, mock.token)
        for issues_again in (False, True):
            assert own.call("DELETE", f"{PATH}/s2mock").status == 204
            if issues_again:
                bearer = issued(api, "s2mock", EVERYTHING)
            assert own.call("GET", PATH).status == 401
            mock.restore(mock.snapshot())
            assert own.call("GET", PATH).status == 200
            assert mock.tokens == ("s2mock",)
        assert bearer.call("GET", PATH).status == 200


class TestWhoIsAsking:
    @pytest.mark.parametrize("auth", ["open", "required"])
    def test_no_token_and_an_unknown_one(self, auth: Any) -> None:
        with S2Mock(auth=auth, basins=[BASIN]) as mock:
            api = Api(over_wsgi(mock.wsgi_app))
            issued(Bearer(api, mock.token), "svc")
            for who in (api, Bearer(api, "no-such-token"), Bearer(api, "\\0")):
                reply = who.call("GET", "/v1/basins")
                if auth == "open":
                    assert reply.status == 200
                else:
                    assert reply.error[:2] == (401, "authn")
            assert Bearer(api, mock.token).call("GET", "/v1/basins").status == 200
            assert api.call("GET", "/health").status == 200

    def test_required_from_the_first_request_on(self) -> None:
        with S2Mock(auth="required") as mock:
            api = Api(over_wsgi(mock.wsgi_app))
            assert api.call("GET", "/v1/basins").status == 401
            assert mock.journal[-1].reason == (
                "the request brings no access token: bring the account's own, s2_mock.token, which "
                'is in s2_mock.env, or one of s2_mock.issue_token(); with auth="open" requests '
                "need no token (reference: account_services §1.3)"
            )
            mock.reset()
            assert api.call("GET", "/v1/basins").status == 401
            mock.restore(S2Mock().snapshot())
            assert api.call("GET", "/v1/basins").status == 401
            assert Bearer(api, mock.token).call("GET", "/v1/basins").status == 200

    def test_what_auth_may_be(self) -> None:
        with pytest.raises(ValueError, match='auth must be "open" or "required", not \'on\''):
            S2Mock(auth="on")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="revocation_delay must be 0 or more seconds, not -1"):
            S2Mock(revocation_delay=-1)
