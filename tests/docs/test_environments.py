"""What a page sees of what is installed: what its own install line brings, and no more."""

import os
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.docs.environments import FOLDER, PAGES, closure, location, packages, variables

ALONE = ("s2mock",)
NEEDED = {
    "httpx": "import httpx",
    "requests": "import requests",
    "s2-sdk": "import s2_sdk",
    "pytest-asyncio": "import pytest_asyncio",
}


def run(requirements: tuple[str, ...], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["python", *command],
        env=os.environ | variables(requirements),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Nothing is said of it.", ALONE),
        ("`pip install path/to/s2mock`", ALONE),
        ("`pip install path/to/this/checkout s2-sdk httpx`.", ("s2mock", "httpx", "s2-sdk")),
        ('`pip install "path/to/s2mock[hypothesis]"`', ("s2mock[hypothesis]",)),
        ("`pip install path/to/s2mock`\n- run: pip install path/to/s2mock\n", ALONE),
    ],
)
def test_packages_of_an_install_line(line: str, expected: tuple[str, ...]) -> None:
    assert packages(line) == expected


def test_each_page_has_at_most_one_install_line() -> None:
    assert {packages(text)[0].partition("[")[0] for text in PAGES.values()} == {"s2mock"}


def test_page_with_two_install_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="a page has one install line"):
        packages("`pip install path/to/s2mock` and `pip install path/to/s2mock httpx`")


def test_install_line_that_does_not_begin_with_the_checkout_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with the path of a checkout, not 's2mock'"):
        packages("`pip install s2mock httpx`")


def test_closure_has_what_others_need_and_the_extras_that_were_asked_for() -> None:
    assert {"s2mock", "pytest", "pluggy", "werkzeug", "markupsafe"} <= closure(ALONE)
    assert "hypothesis" not in closure(ALONE)
    assert "hypothesis" in closure(("s2mock[hypothesis]",))
    assert {"requests", "urllib3"} <= closure(("s2mock", "requests"))


@pytest.mark.slow
@pytest.mark.parametrize("package", NEEDED)
def test_module_is_found_with_its_install_line_only(package: str) -> None:
    refused = run(ALONE, "-c", NEEDED[package])
    module = NEEDED[package].removeprefix("import ")

    assert refused.stderr.endswith(f"ModuleNotFoundError: No module named '{module}'\n")
    assert run(("s2mock", package), "-c", NEEDED[package]).stderr == ""


@pytest.mark.slow
def test_plugin_of_pytest_is_found_with_its_install_line_only(tmp_path: Path) -> None:
    """Pytest itself looks for the modules of plugins, since it rewrites them."""
    file = tmp_path / "test_it.py"
    file.write_text("def test_it(s2_mock):\n    import hypothesis\n")
    refused = run(ALONE, "-m", "pytest", str(file)).stdout

    assert "No module named 'hypothesis'" in refused
    assert re.findall("^plugins: (.*)", refused, re.MULTILINE) == [f"s2mock-{version('s2mock')}"]
    found = run(("s2mock[hypothesis]",), "-m", "pytest", str(file)).stdout
    assert "1 passed" in found
    assert "hypothesis" in found


def test_real_environment_comes_first_on_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with pytest.raises(FileNotFoundError, match="`make pages` makes it"):
        variables(ALONE)
    scripts = location(tmp_path, ALONE) / "bin"
    scripts.mkdir(parents=True)

    found = variables(ALONE)

    assert found.keys() == {"PATH"}
    assert found["PATH"].split(os.pathsep)[0] == str(scripts)
