"""`/v1/access-tokens`: the access tokens of the account.

As with the reference server, every request is checked and none is carried out.
Source: reference: control_plane §6.1.
"""

from s2mock.api.query import listing_parameters, parse_query
from s2mock.api.requests import Asking, S2Request, Wanted
from s2mock.api.unserved import unserved
from s2mock.registry.names import AccessTokenId

_LISTING = listing_parameters(AccessTokenId.check_filter)


def list_access_tokens(request: S2Request) -> Wanted:
    """One page of access tokens."""
    parse_query(request.raw_query, _LISTING)
    return unserved("list-access-tokens")


def issue_access_token(request: S2Request) -> Asking[Wanted]:
    """Issue an access token."""
    yield from request.json_body("issue_access_token")
    return unserved("issue-access-token")


def revoke_access_token(request: S2Request) -> Wanted:
    """Revoke an access token."""
    request.path_name("id", AccessTokenId)
    return unserved("revoke-access-token")
