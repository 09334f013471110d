"""The order of the tests: long ones first in each worker, so that none is alone at the end."""

from collections import defaultdict
from pathlib import Path

import pytest


def of_folder(items: list[pytest.Item], folder: Path) -> list[pytest.Item]:
    """Return the tests of that folder and of those in it."""
    # `folder in item.path.parents` takes seconds for all tests, in each worker.
    beginning = f"{folder}/"
    return [item for item in items if str(item.path).startswith(beginning)]


def long_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the tests in the order in which that number of workers takes them.

    With `--dist worksteal` each worker begins with a part of the list, all of the same length, and
    takes from the ends of others when it has done its own. The files of long tests are dealt to the
    parts: tests of a file share what it builds.
    """
    long: defaultdict[Path, list[pytest.Item]] = defaultdict(list)
    others: list[pytest.Item] = []
    for item in items:
        if item.get_closest_marker("long") is None:
            others.append(item)
        else:
            long[item.path].append(item)
    dealt: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for found in sorted(long.values(), key=_count_run, reverse=True):
        min(dealt, key=_count_run).extend(found)
    ordered: list[pytest.Item] = []
    begin = 0
    for number, first in enumerate(dealt):
        # As worksteal cuts the list.
        size = (len(items) - len(ordered)) // (workers - number)
        count = max(size - len(first), 0)
        ordered += first
        ordered += others[begin : begin + count]
        begin += count
    return ordered


def _count_run(items: list[pytest.Item]) -> int:
    """Return the number of tests that are not skipped."""
    return sum(not (item.get_closest_marker("skip") or _is_left_out(item)) for item in items)


def _is_left_out(item: pytest.Item) -> bool:
    return any(bool(mark.args and mark.args[0]) for mark in item.iter_markers("skipif"))
