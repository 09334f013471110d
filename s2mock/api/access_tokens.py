"""`/v1/access-tokens`: the access tokens of the account.

Sources: reference: account_services §1, control_plane §6.1.
"""

from s2mock.api.query import listing_parameters, parse_query
from s2mock.api.requests import Asking, HandlerResult, S2Request
from s2mock.api.responses import S2Response, json_response
from s2mock.json_bodies.tokens import scope_from_json, token_info_to_json
from s2mock.registry.rules.access_tokens import (
    IssueAccessToken,
    ListAccessTokens,
    RevokeAccessToken,
)
from s2mock.registry.rules.listing import Page
from s2mock.registry.values.names import AccessTokenId
from s2mock.registry.values.rfc3339 import parse_timestamp
from s2mock.registry.values.tokens import AccessToken, TokenInfo

LISTING = listing_parameters(AccessTokenId.check_filter)


def list_access_tokens(request: S2Request) -> HandlerResult:
    """One page of access tokens (§1.1)."""
    return ListAccessTokens(**parse_query(request.raw_query, LISTING)), _listed


def issue_access_token(request: S2Request) -> Asking[HandlerResult]:
    """Issue an access token (§1.1)."""
    document = yield from request.json_body()
    expires_at = document.get("expires_at")
    operation = IssueAccessToken(
        document["id"],
        scope_from_json(document["scope"]),
        expires_at=None if expires_at is None else parse_timestamp(expires_at),
        auto_prefix_streams=bool(document.get("auto_prefix_streams")),
    )
    return operation, _issued


def revoke_access_token(request: S2Request) -> HandlerResult:
    """Revoke an access token (§1.1)."""
    return RevokeAccessToken(request.path_name("id", AccessTokenId)), _revoked


def _listed(_: S2Request, page: Page[TokenInfo]) -> S2Response:
    tokens = [token_info_to_json(info) for info in page.items]
    return json_response(200, {"access_tokens": tokens, "has_more": page.has_more})


def _issued(_: S2Request, token: AccessToken) -> S2Response:
    return json_response(201, {"access_token": token.secret})


def _revoked(_: S2Request, __: None) -> S2Response:
    # Without a body there is no length of it either.
    return S2Response(204, [])
