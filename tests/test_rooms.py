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

# What each room may import from, itself aside.
ROOMS = {
    "beginning": {"registry"},
    "conversation": set(),
    "environ": set(),
    "failures": set(),
    "forking": {"weak_set"},
    "http_client": set(),
    "own_tokens": set(),
    "status_phrases": set(),
    "weak_set": set(),
    "registry": {"conversation", "forking"},
    "documents": {"registry"},
    "resources": {"documents", "registry"},
    "snapshots": {"documents", "registry"},
    "strategies": {"documents", "powers", "registry"},
    "powers": {
        "conversation",
        "environ",
        "failures",
        "forking",
        "registry",
        "status_phrases",
        "weak_set",
    },
    "api": {
        "conversation",
        "documents",
        "environ",
        "failures",
        "own_tokens",
        "powers",
        "registry",
        "status_phrases",
    },
    "insight": {"api", "documents", "failures", "powers", "registry"},
    "control": {
        "api",
        "conversation",
        "documents",
        "environ",
        "failures",
        "listening",
        "mock",
        "own_tokens",
        "powers",
        "registry",
    },
    "server": {"conversation", "environ", "forking", "status_phrases"},
    "served": {"api", "conversation", "failures", "listening", "powers", "registry", "server"},
    "account_face": {"registry", "served", "tokens"},
    "powers_face": {"powers", "registry", "served"},
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
    assert "api" not in map(room, imported(PACKAGE / "remote.py", late=True))


def test_nothing_goes_round_in_circles() -> None:
    """A `CycleError` names those that do."""
    graph = {module(path): set(imported(path, late=False)) for path in PRODUCT}
    assert list(TopologicalSorter(graph).static_order())
