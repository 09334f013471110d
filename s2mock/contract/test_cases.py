"""Checks of the table of cases: it is complete, and equal to the markers."""

import importlib
from collections import defaultdict
from pathlib import Path
from types import ModuleType

from s2mock.contract.cases import DATA_PLANE


def marked(modules: list[ModuleType]) -> dict[int, tuple[str, ...]]:
    """The table, as the markers of the tests in these modules have it."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for module in modules:
        short = module.__name__.rpartition(".")[2]
        for name, function in vars(module).items():
            if name.startswith("test_"):
                for mark in getattr(function, "pytestmark", []):
                    if mark.name == "data_case":
                        for number in mark.args:
                            found[number].add(f"{short}::{name}")
    return {number: tuple(sorted(tests)) for number, tests in found.items()}


def test_every_case_of_the_data_plane_is_covered() -> None:
    """All 137 of reference: data_plane §10."""
    assert sorted(DATA_PLANE) == list(range(1, 138))
    assert all(DATA_PLANE.values())


def test_the_table_is_what_the_tests_say() -> None:
    """Each test that is named exists and bears the number, and none is forgotten."""
    paths = sorted(Path(__file__).parent.glob("test_*.py"))
    modules = [importlib.import_module(f"{__package__}.{path.stem}") for path in paths]
    assert marked(modules) == DATA_PLANE
