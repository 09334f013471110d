"""Which test covers which case of the reference."""

import pytest


def case(*numbers: int) -> pytest.MarkDecorator:
    """Mark a test with the numbers of the cases of reference: data_plane §10 that it covers."""
    return pytest.mark.data_case(*numbers)
