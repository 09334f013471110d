"""The order in which workers take the tests, and the tests of a folder."""

from pathlib import Path

import pytest

from tests.order import long_first, of_folder

MODULES = {
    "a": "def test_1(): pass\ndef test_2(): pass\n",
    "b": "import pytest\npytestmark = pytest.mark.long\ndef test_1(): pass\ndef test_2(): pass\n",
    "c": "def test_1(): pass\ndef test_2(): pass\ndef test_3(): pass\n",
    "d": "import pytest\npytestmark = pytest.mark.long\ndef test_1(): pass\n",
    "e": "def test_1(): pass\n",
}


@pytest.fixture
def items(pytester: pytest.Pytester) -> list[pytest.Item]:
    """The tests of these modules, in the order of their names."""
    for name, text in MODULES.items():
        pytester.makepyfile(**{f"test_{name}": text})
    found, _ = pytester.inline_genitems("--disable-plugin-autoload", "-W", "ignore")
    return found


def names(items: list[pytest.Item]) -> list[str]:
    return [item.nodeid.removeprefix("test_").replace(".py::test_", "") for item in items]


def test_each_worker_begins_with_files_of_long_tests(items: list[pytest.Item]) -> None:
    assert names(long_first(items, 1)) == ["b1", "b2", "d1", "a1", "a2", "c1", "c2", "c3", "e1"]
    # The first four, and five.
    assert names(long_first(items, 2)) == ["b1", "b2", "a1", "a2", "d1", "c1", "c2", "c3", "e1"]
    # Three each, and nothing long for the last one.
    assert names(long_first(items, 3)) == ["b1", "b2", "a1", "d1", "a2", "c1", "c2", "c3", "e1"]


@pytest.mark.parametrize("workers", range(1, 12))
def test_no_test_is_lost(items: list[pytest.Item], workers: int) -> None:
    assert sorted(names(long_first(items, workers))) == sorted(names(items))


def test_a_folder_has_no_test_of_one_whose_name_begins_so(
    pytester: pytest.Pytester, items: list[pytest.Item]
) -> None:
    assert of_folder(items, pytester.path) == items
    assert of_folder(items, Path(f"{pytester.path}"[:-1])) == []
