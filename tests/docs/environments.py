"""The environment that a page's own install line makes.

A page without an install line needs s2mock alone. `python -m tests.docs.environments FOLDER` makes
a virtual environment in that folder for each distinct set of packages; what is there is kept, and
s2mock is installed anew from the checkout.
"""

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from docs.generate import PART

REPO = Path(__file__).parent.parent.parent
PAGES = {
    str(path.relative_to(REPO)): path.read_text("utf-8")
    for path in (REPO / "README.md", *sorted((REPO / "docs").rglob("*.md")))
}
INSTALL = re.compile(r"\bpip install ([^`\n]+)")
CHECKOUT = re.compile(r"path/to/[\w/]+(?P<extras>\[\w+\])?")
FOLDER = "S2MOCK_TESTS_PAGES"
"""The environment variable that names the folder of real environments."""


def packages(text: str) -> tuple[str, ...]:
    """Return what the page's install line installs: s2mock first, then the others in order.

    Raises `ValueError` if the page has two different lines, or one that does not begin with the
    path of a checkout.
    """
    # Docstrings name what an installed s2mock needs more.
    text = PART.sub("", text)
    lines = {tuple(shlex.split(line)) for line in INSTALL.findall(text)} or {("path/to/s2mock",)}
    if len(lines) > 1:
        raise ValueError(f"a page has one install line, not {sorted(lines)}")
    [(checkout, *others)] = lines
    if not (found := CHECKOUT.fullmatch(checkout)):
        raise ValueError(f"an install line begins with the path of a checkout, not {checkout!r}")
    return (f"s2mock{found['extras'] or ''}", *sorted(others))


def closure(requirements: tuple[str, ...]) -> frozenset[str]:
    """Return the normalized names of all distributions that these requirements bring.

    Raises `PackageNotFoundError` for one that is not installed here.
    """
    seen: set[tuple[str, frozenset[str]]] = set()
    due = [Requirement(text) for text in requirements]
    while due:
        one = due.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        if key in seen:
            continue
        seen.add(key)
        for needed in map(Requirement, metadata.requires(one.name) or ()):
            marker = needed.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in one.extras | {""}):
                due.append(needed)
    return frozenset(name for name, _ in seen)


@cache
def refused_modules(requirements: tuple[str, ...]) -> frozenset[str]:
    """Return the top-level modules that are installed here, and not brought by the requirements."""
    brought = closure(requirements)
    return frozenset(
        module
        for module, names in metadata.packages_distributions().items()
        if not brought & {canonicalize_name(name) for name in names}
    )


@cache
def refused_plugins(requirements: tuple[str, ...]) -> frozenset[str]:
    """Return the pytest plugins that are installed here, and not brought by the requirements."""
    brought = closure(requirements)
    return frozenset(
        entry.name
        for entry in metadata.entry_points(group="pytest11")
        if entry.dist is not None and canonicalize_name(entry.dist.name) not in brought
    )


def variables(requirements: tuple[str, ...]) -> dict[str, str]:
    """Return the environment variables with which a process sees only what is required.

    It is this environment without all else, or the real one if `FOLDER` names where those are.
    """
    path = os.environ["PATH"]
    if folder := os.environ.get(FOLDER):
        scripts = location(Path(folder), requirements) / "bin"
        if not scripts.exists():
            raise FileNotFoundError(f"there is no {scripts}: `make pages` makes it")
        return {"PATH": f"{scripts}{os.pathsep}{path}"}
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{path}",
        "PYTHONPATH": str(Path(__file__).parent / "site"),
        "S2MOCK_TESTS_REFUSED": " ".join(sorted(refused_modules(requirements))),
        "PYTEST_ADDOPTS": " ".join(f"-p no:{name}" for name in refused_plugins(requirements)),
    }


def location(folder: Path, requirements: tuple[str, ...]) -> Path:
    """Return where the environment for these requirements is."""
    return folder.absolute() / "+".join(requirements)


def make(folder: Path) -> None:
    """Make the environments of all pages, and install the checkout into each."""
    wheels = folder / "wheels"
    for old in wheels.glob("*.whl"):
        old.unlink()
    run(sys.executable, "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), ".")
    [wheel] = wheels.absolute().glob("*.whl")
    for requirements in sorted({packages(text) for text in PAGES.values()}):
        place = location(folder, requirements)
        python = str(place / "bin" / "python")
        print(place.name, flush=True)
        if (place / "bin" / "pytest").exists():
            run(python, "pip", "uninstall", "--quiet", "--yes", "s2mock")
        else:
            run(sys.executable, "venv", "--clear", str(place))
        package, *others = requirements
        installed = f"{wheel}{package.removeprefix('s2mock')}"
        run(python, "pip", "install", "--quiet", installed, *others)


def run(python: str, module: str, *arguments: str) -> None:
    """Run a module of an environment. Raises `CalledProcessError`."""
    subprocess.run([python, "-m", module, *arguments], cwd=REPO, check=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
