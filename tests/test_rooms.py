"""Who may import what, as docs/explanation/architecture.md has it."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import s2mock

PACKAGE = Path(s2mock.__file__).parent
PRODUCT = sorted(
    path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "contract"
)

# What each package or module may import from, itself aside.
ROOMS = {
    "runtime": set(),
    "registry": {"runtime"},
    "json_bodies": {"registry", "runtime"},
    "strategies": {"json_bodies", "powers", "registry", "runtime"},
    "powers": {"registry", "runtime"},
    "api": {"json_bodies", "powers", "registry", "runtime"},
    "diagnostics": {"api", "json_bodies", "powers", "registry", "runtime"},
    "server": {"runtime"},
    "control": {
        "api",
        "json_bodies",
        "mock",
        "powers",
        "registry",
        "runtime",
        "served",
        "server",
    },
    "served": {"api", "powers", "registry", "runtime", "server"},
    "account_face": {"handles", "registry", "served"},
    "powers_face": {"powers", "registry", "runtime", "served"},
}


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    return (name.split(".") + [""])[1]


def imported(path: Path, *, late: bool) -> Iterator[str]:
    """The modules of the product that this one imports; `late` are those within functions too."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree) if late else tree.body:
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


@pytest.mark.parametrize("path", PRODUCT, ids=module)
def test_the_product_does_without_the_proof(path: Path) -> None:
    assert "contract" not in map(room, imported(path, late=True))


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_knows_those_below_it(name: str) -> None:
    paths = [path for path in PRODUCT if room(module(path)) == name]
    assert paths
    seen = {room(found) for path in paths for found in imported(path, late=True)}
    assert seen - {name} <= ROOMS[name]


def test_a_real_server_is_reached_without_the_api() -> None:
    assert "api" not in map(room, imported(PACKAGE / "handles" / "remote.py", late=True))


def test_nothing_goes_round_in_circles() -> None:
    """A `CycleError` names those that do."""
    graph = {module(path): set(imported(path, late=False)) for path in PRODUCT}
    assert list(TopologicalSorter(graph).static_order())


# Without a circle even if imports for types and within functions count.
STRICT = {"diagnostics", "powers"}


def test_no_circle_with_imports_for_types_and_within_functions() -> None:
    """A `CycleError` names the modules of a circle."""
    graph = {
        module(path): {name for name in imported(path, late=True) if room(name) in STRICT}
        - {module(path)}
        for path in PRODUCT
        if room(module(path)) in STRICT
    }
    assert list(TopologicalSorter(graph).static_order())
