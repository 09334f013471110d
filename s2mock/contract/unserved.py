"""Routes that s2-lite has and does not serve: access tokens, metrics, locations.

Bad requests are refused as everywhere; a good one is answered 501 (reference: control_plane §6).
"""

import pytest

from s2mock.contract.client import Answer
from s2mock.contract.errors import NOT_IMPLEMENTED


def assert_unserved(answer: Answer) -> None:
    """The request is good, and not served; skips the case on a server that serves it."""
    if answer.status == 501:
        assert answer.error == NOT_IMPLEMENTED
    elif answer.status == 400:
        raise AssertionError(f"refused: {answer}")
    else:
        pytest.skip("the target serves this route")


def skip_if_unserved(answer: Answer) -> None:
    """Skips the case on a server that does not serve the route that it is about."""
    if answer.status == 501:
        assert answer.error == NOT_IMPLEMENTED
        pytest.skip("the target does not serve this route: 501 not_implemented")
