"""The marks of tests with many cases, of which some are enough before a change is merged.

`sample(n)`: one in `n` cases of a test is in `make check`, the others are slow. With
`S2MOCK_TESTS_SAMPLE=all` in the environment no case is left out.

`whole(n)`: one in `n` cases of a test is in `make test`, and the others are skipped, with the
reason. `make whole` runs all of them, with `S2MOCK_TESTS_WHOLE=1` in the environment. `whole()`
without a number is for a test that chooses its cases by itself, by `IS_WHOLE`.

A checksum of the name chooses the cases. So of several parameters no value is always left out, and
a new case changes the choice of one other at most.
"""

import math
import os
import zlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import pytest

IS_WHOLE: Final = os.environ.get("S2MOCK_TESTS_WHOLE") == "1"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases that are not in the sample, before pytest selects by mark."""
    cases: defaultdict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    of_whole: defaultdict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    for item in items:
        marker = item.get_closest_marker("sample")
        if marker is not None and item.get_closest_marker("slow") is None:
            cases[item.nodeid.partition("[")[0], _size(item, marker)].append(item)
        marker = item.get_closest_marker("whole")
        if marker is not None and (marker.args or marker.kwargs):
            of_whole[item.nodeid.partition("[")[0], _size(item, marker)].append(item)
    if os.environ.get("S2MOCK_TESTS_SAMPLE") != "all":
        for (_, size), found in cases.items():
            _mark_others(found, size, pytest.mark.slow)
    if os.environ.get("S2MOCK_TESTS_WHOLE") != "1":
        for (_, size), found in of_whole.items():
            reason = f"of these cases one in {size} is enough here: make whole"
            _mark_others(found, size, pytest.mark.skip(reason=reason))


def _mark_others(cases: list[pytest.Item], size: int, mark: pytest.MarkDecorator) -> None:
    """Mark the cases that are not among one in `size`."""
    sample = choose([item.nodeid for item in cases], size)
    for item in cases:
        if item.nodeid not in sample:
            item.add_marker(mark)


def choose(names: Iterable[str], size: int) -> set[str]:
    """Return one in `size` of the names, at least one, by their checksums."""
    in_order = sorted(names, key=lambda name: zlib.crc32(name.encode()))
    return set(in_order[: math.ceil(len(in_order) / size)])


def _size(item: pytest.Item, marker: pytest.Mark) -> int:
    match marker.args:
        case [int(size)] if size > 1 and not marker.kwargs:
            return size
    raise pytest.UsageError(
        f"{item.nodeid}: @pytest.mark.{marker.name} takes one integer of 2 or more, as in "
        f"{marker.name}(4), not {marker.args} and {marker.kwargs}"
    )
