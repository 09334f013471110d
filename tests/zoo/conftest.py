"""What the tests of the zoo share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.order import of_folder
from tests.plugin.conftest import run

# Their failures say what was compared, as those of test modules do.
pytest.register_assert_rewrite("tests.zoo.members")

from tests.zoo.member import Keeper  # noqa: E402

__all__ = ["run"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What faults answer is not in S2's description, which is the point of them."""
    for item in of_folder(items, HERE):
        item.add_marker(pytest.mark.openapi_unchecked("faults answer what S2 does not"))


@pytest.fixture(scope="session")
def keeper() -> Iterator[Keeper]:
    """Return a keeper with one server for all tests."""
    keeper = Keeper()
    yield keeper
    keeper.close()
