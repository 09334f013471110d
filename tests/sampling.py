"""The mark `sample(n)`: one in `n` cases of a test is in `make check`, the others are slow.

A checksum of the name chooses the cases. So of several parameters no value is always left out, and
a new case changes the choice of one other at most.

With `S2MOCK_TESTS_SAMPLE=all` in the environment no case is left out.
"""

import math
import os
import zlib
from collections import defaultdict
from collections.abc import Iterable

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases that are not in the sample, before pytest selects by mark."""
    cases: defaultdict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    for item in items:
        marker = item.get_closest_marker("sample")
        if marker is not None and item.get_closest_marker("slow") is None:
            cases[item.nodeid.partition("[")[0], _size(item, marker)].append(item)
    if os.environ.get("S2MOCK_TESTS_SAMPLE") == "all":
        return
    for (_, size), found in cases.items():
        sample = choose([item.nodeid for item in found], size)
        for item in found:
            if item.nodeid not in sample:
                item.add_marker(pytest.mark.slow)


def choose(names: Iterable[str], size: int) -> set[str]:
    """Return one in `size` of the names, at least one, by their checksums."""
    in_order = sorted(names, key=lambda name: zlib.crc32(name.encode()))
    return set(in_order[: math.ceil(len(in_order) / size)])


def _size(item: pytest.Item, marker: pytest.Mark) -> int:
    match marker.args:
        case [int(size)] if size > 1 and not marker.kwargs:
            return size
    raise pytest.UsageError(
        f"{item.nodeid}: @pytest.mark.sample takes one integer of 2 or more, as in sample(4), not "
        f"{marker.args} and {marker.kwargs}"
    )
