"""The table of the control plane's cases, and the tests that it names, tell the same."""

from importlib import import_module
from pathlib import Path

from s2mock.contract import control_cases


def test_every_case_has_a_test() -> None:
    """None of the 96 numbers is missing (reference: control_plane §7)."""
    assert list(control_cases.CASES) == list(range(1, control_cases.CASE_COUNT + 1))


def test_the_table_and_the_marks_agree() -> None:
    """Each test that the table names exists and is marked with that number, and no other is."""
    marked: dict[int, set[str]] = {number: set() for number in control_cases.CASES}
    for file in Path(__file__).parent.glob("test_*.py"):
        module = import_module(f"{__package__}.{file.stem}")
        for name, test in vars(module).items():
            for number in getattr(test, "control_cases", ()):
                marked[number].add(f"{file.name}::{name}")
    assert {number: set(tests) for number, tests in control_cases.CASES.items()} == marked
