"""The tests on the page "Simulate hours in seconds" pass as they are printed."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "simulate.md"
BLOCK = re.compile(r"^```\{code-block\} python\n(?::[^\n]*\n)*(.*?)^```$", re.MULTILINE | re.DOTALL)
# Fewer worlds than printed, in a process of its own: a world collects garbage, which takes long in
# a process with thousands of tests.
OPTIONS = ("-o", "s2mock_advice=off", "-p", "no:schemathesis", "--simloom-no-shrink")


def test_blocks_of_the_page(pytester: pytest.Pytester) -> None:
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    assert len(blocks) == 2
    pytester.makepyfile("\n\n".join(blocks))
    result = pytester.runpytest_subprocess(*OPTIONS, "--simloom-runs=5")
    result.assert_outcomes(passed=2)


def test_order_without_a_condition_is_found(pytester: pytest.Pytester) -> None:
    """The negative control of the second one."""
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    pytester.makepyfile("\n\n".join(blocks).replace(", match_seq_num=0", ""))
    result = pytester.runpytest_subprocess(*OPTIONS, "-k", "placed_once")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*simloom found a failing universe*"])
