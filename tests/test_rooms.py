"""The imports that each package may have, as in docs/explanation/architecture.md."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import s2mock

PACKAGE = Path(s2mock.__file__).parent
PRODUCT = sorted(
    path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "contract"
)

# The packages and modules from which each may import.
ROOMS = {
    "runtime": set(),
    "registry": {"runtime"},
    "json_bodies": {"registry", "runtime"},
    "strategies": {"json_bodies", "powers", "registry", "runtime"},
    "api": {"json_bodies", "registry", "runtime"},
    "powers": {"api", "registry", "runtime"},
    "campaigns": {"api", "powers", "registry", "runtime"},
    "diagnostics": {"api", "json_bodies", "powers", "registry", "runtime"},
    "server": {"runtime"},
    "upstream": {"api", "registry", "runtime", "server"},
    "options": set(),
    "data_directory": {"registry", "runtime"},
    "exports": {"json_bodies", "powers", "registry", "runtime"},
    "control": {
        "api",
        "campaigns",
        "data_directory",
        "exports",
        "json_bodies",
        "options",
        "powers",
        "registry",
        "runtime",
    },
    "handles": {
        "api",
        "campaigns",
        "control",
        "data_directory",
        "diagnostics",
        "exports",
        "json_bodies",
        "options",
        "powers",
        "registry",
        "runtime",
        "server",
        "upstream",
    },
    "simulation": {"handles", "powers", "runtime", "server"},
}


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    return (name.split(".") + [""])[1]


@cache
def imported(path: Path) -> frozenset[str]:
    """Return the product's modules that this one imports, in functions and for types too."""
    return frozenset(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # What is imported from a package may be a module of it.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("s2mock."):
                yield name if name in MODULES else name.rpartition(".")[0]


MODULES = {module(path) for path in PACKAGE.rglob("*.py")}


def test_the_product_does_not_import_the_contract_suite() -> None:
    importers = [module(path) for path in PRODUCT if "contract" in map(room, imported(path))]
    assert importers == []


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_those_below_it(name: str) -> None:
    paths = [path for path in PRODUCT if room(module(path)) == name]
    assert paths
    seen = {room(found) for path in paths for found in imported(path)}
    assert seen - {name} <= ROOMS[name]


def test_a_real_server_is_reached_without_the_api() -> None:
    assert "api" not in map(room, imported(PACKAGE / "handles" / "remote.py"))


@pytest.mark.parametrize("level", ["rooms", "packages", "modules"])
def test_no_import_is_circular(level: str) -> None:
    """Imports in functions and for type checkers count. A `CycleError` names the circle."""
    depth = {"rooms": 2, "packages": 3, "modules": None}[level]
    graph: dict[str, set[str]] = {}
    for path in PRODUCT:
        name = at_depth(module(path), depth)
        found = {at_depth(other, depth) for other in imported(path)}
        graph.setdefault(name, set()).update(found - {name})
    assert len(graph) > len(ROOMS)
    assert list(TopologicalSorter(graph).static_order())


def at_depth(name: str, depth: int | None) -> str:
    """Return the first parts of the name of a module, at most `depth`."""
    return ".".join(name.split(".")[:depth])


def test_rules_know_nothing_of_the_engine() -> None:
    paths = [path for path in PRODUCT if path.parent == PACKAGE / "registry" / "rules"]
    assert paths
    found = {at_depth(other, 3) for path in paths for other in imported(path)}
    assert "s2mock.registry.engine" not in found
