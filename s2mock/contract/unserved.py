"""Routes that s2-lite has and does not serve: access tokens, metrics, locations.

Invalid requests are refused; a valid one is answered 501 (reference: control_plane §6). s2mock
and the hosted service serve these routes.
"""

import pytest

from s2mock.contract.client import Answer
from s2mock.contract.errors import NOT_IMPLEMENTED

# A valid request may name something that does not exist, or that is not allowed.
_SERVED = (200, 201, 204, 404, 409, 422)


def assert_good(answer: Answer) -> None:
    """Check that the request is valid: not served, or answered about its resources."""
    if answer.status == 501:
        assert answer.error == NOT_IMPLEMENTED
    else:
        assert answer.status in _SERVED, f"refused: {answer}"


def skip_if_unserved(answer: Answer) -> None:
    """Skip the case on a server that does not serve its route."""
    if answer.status == 501:
        assert answer.error == NOT_IMPLEMENTED
        pytest.skip("the target does not serve this route: 501 not_implemented")
