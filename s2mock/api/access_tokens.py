"""`/v1/access-tokens`: the access tokens of the account.

As with the reference server, every request is checked and none is carried out.
Source: reference: control_plane §6.1.
"""

from s2mock.api.query import listing_parameters, parse_query
from s2mock.api.requests import Answering, S2Request
from s2mock.api.unserved import refuse
from s2mock.registry.names import AccessTokenId

_LISTING = listing_parameters(AccessTokenId.check_filter)


def list_access_tokens(request: S2Request) -> Answering:
    """One page of access tokens."""
    parse_query(request.raw_query, _LISTING)
    return (yield from refuse(request, "list-access-tokens"))


def issue_access_token(request: S2Request) -> Answering:
    """Issue an access token."""
    yield from request.json_body("issue_access_token")
    return (yield from refuse(request, "issue-access-token"))


def revoke_access_token(request: S2Request) -> Answering:
    """Revoke an access token."""
    request.path_name("id", AccessTokenId)
    return (yield from refuse(request, "revoke-access-token"))
