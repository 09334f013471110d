"""What all tests of campaigns share."""

from pathlib import Path

import pytest

from tests.order import of_folder
from tests.plugin.conftest import run

__all__ = ["run"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What faults answer is not in S2's description, which is the point of them."""
    for item in of_folder(items, HERE):
        item.add_marker(pytest.mark.openapi_unchecked("faults answer what S2 does not"))
