"""Routes that s2-lite has and does not serve: access tokens, metrics, locations.

Bad requests are refused as everywhere; a good one is answered 501 (reference: control_plane §6).
s2mock and the hosted service serve them.
"""

import pytest

from s2mock.contract.client import Answer
from s2mock.contract.errors import NOT_IMPLEMENTED

# A good request may still ask for what there is not, or may not be.
_SERVED = (200, 201, 204, 404, 409, 422)


def assert_good(answer: Answer) -> None:
    """The request is good as such: it is not served, or answered for what it asks."""
    if answer.status == 501:
        assert answer.error == NOT_IMPLEMENTED
    else:
        assert answer.status in _SERVED, f"refused: {answer}"


def skip_if_unserved(answer: Answer) -> None:
    """Skips the case on a server that does not serve the route that it is about."""
    if answer.status == 501:
        assert answer.error == NOT_IMPLEMENTED
        pytest.skip("the target does not serve this route: 501 not_implemented")
