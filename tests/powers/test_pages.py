"""Every block of Python on the pages of the powers is a test module, and passes."""

import re
from pathlib import Path

import pytest

from tests.plugin.conftest import Run

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = ["advice", "coverage", "hypothesis", "snapshots", "sweeps", "time"]


@pytest.mark.parametrize("name", NAMES)
def test_each_block_passes(name: str, run: Run, pytester: pytest.Pytester) -> None:
    blocks = BLOCK.findall((PAGES / f"{name}.md").read_text())
    assert blocks
    for number, block in enumerate(blocks):
        pytester.makepyfile(**{f"test_{name.replace('-', '_')}_{number}": block})
    result = run(None)
    assert result.ret == 0
