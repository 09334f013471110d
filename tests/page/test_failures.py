"""The first screen of the page of each failed test says why it failed.

What it says is in `failures/`, to be read. With `S2MOCK_WRITE_REPORTS=1` it is written anew.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.page.looking import expect, findings
from tests.powers.failures import CAUSES, MISTAKES, module_of

GOLDEN = Path(__file__).parent / "failures"
HEIGHT = 800
# For each name, the page of its test.
Pages = dict[str, Path]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Run all of them in one session, and return what that printed, and the folder."""
    folder = tmp_path_factory.mktemp("failures")
    for name in MISTAKES:
        (folder / f"test_{name}.py").write_text(module_of(name), "utf-8")
    (folder / "pages").mkdir()
    (folder / "pages" / "of-mine.html").write_text("<p>mine</p>")
    old = folder / "pages" / "test_old.py--test_old-0123abcd.html"
    old.write_text('<meta name="generator" content="s2mock">')
    options = ["-q", "--tb=no", "-p", "no:schemathesis", "-c", "/dev/null", "--rootdir", "."]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--s2mock-report=pages"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert not old.exists()
    assert (folder / "pages" / "of-mine.html").exists()
    return done.stdout, folder / "pages"


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[Any]:
    """One page for all of them."""
    page = browser.new_page(viewport={"width": 1400, "height": HEIGHT}, offline=True)
    yield page
    page.close()


def test_the_run_ends_with_a_line_that_says_where(ran: tuple[str, Path], opened: Any) -> None:
    text, folder = ran
    assert text.count("s2mock: ") == 1
    assert f"s2mock: {len(MISTAKES)} pages of failed tests: {folder / 'index.html'}" in text

    opened.goto((folder / "index.html").as_uri())

    links = opened.get_by_role("link")
    expect(links).to_have_count(len(MISTAKES))
    assert findings(opened) == []
    links.filter(has_text="test_wrong_basin.py").click()
    expect(opened.locator("#failure h2")).to_have_text("test_wrong_basin.py::test_it")
    expect(opened.locator("#rows .row")).to_have_count(1)
    assert findings(opened) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_first_screen(ran: tuple[str, Path], opened: Any, name: str) -> None:
    [path] = ran[1].glob(f"test_{name}.py--*.html")
    opened.goto(path.as_uri())
    failure = opened.locator("#failure")
    expect(failure).to_be_visible()
    expect(opened.locator("#state")).to_have_text("as it was then")
    if name != "a_race_found_by_orders":
        number = failure.locator(".cause button").inner_text().partition(" ")[0]
        expect(opened.locator("#which")).to_contain_text(f"{number} · ")

    text = re.sub(r"/\S*/(?=test_)", "", failure.inner_text())
    # The source of a test is in the documentation.
    text = re.sub(r"\nE   The shortest failure as a test.*", "", text, flags=re.DOTALL)
    text = re.sub(r"0x[0-9a-f]+|\d{13}|127\.0\.0\.1:\d+", "...", text) + "\n"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("S2MOCK_WRITE_REPORTS"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")
    cause = failure.locator(".cause, .crash").filter(has_text=CAUSES[name])
    box = cause.first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < HEIGHT
