"""The imports that each package may have, as in docs/explanation/architecture.md."""

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

# The packages and modules from which each may import.
ROOMS = {
    "runtime": set(),
    "registry": {"runtime"},
    "json_bodies": {"registry", "runtime"},
    "strategies": {"json_bodies", "powers", "registry", "runtime"},
    "api": {"json_bodies", "registry", "runtime"},
    "powers": {"api", "registry", "runtime"},
    "diagnostics": {"api", "json_bodies", "powers", "registry", "runtime"},
    "server": {"runtime"},
    "options": set(),
    "control": {"api", "json_bodies", "options", "powers", "registry", "runtime"},
    "handles": {
        "api",
        "control",
        "diagnostics",
        "json_bodies",
        "powers",
        "registry",
        "runtime",
        "server",
    },
}


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    return (name.split(".") + [""])[1]


def imported(path: Path, *, late: bool) -> Iterator[str]:
    """Yield the product's modules that this one imports; with `late`, in functions too."""
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
    """A `CycleError` names the modules of a circle."""
    graph = {module(path): set(imported(path, late=False)) for path in PRODUCT}
    assert list(TopologicalSorter(graph).static_order())


# Packages without a circle even if imports for type checkers and within functions count.
STRICT = ("control", "options", "pytest_plugin")


@pytest.mark.parametrize("name", STRICT)
def test_package_has_no_circle_with_late_and_type_only_imports(name: str) -> None:
    """Neither within it nor with other packages. A `CycleError` names the modules."""
    inside = {module(path): set(imported(path, late=True)) for path in PRODUCT}
    within = {
        one: {other for other in others if room(other) == name}
        for one, others in inside.items()
        if room(one) == name
    }
    assert list(TopologicalSorter(within).static_order())

    # All that it reaches, which must not lead back to it.
    reached, rooms = {name}, [name]
    while rooms:
        source = rooms.pop()
        found = {room(other) for one in inside if room(one) == source for other in inside[one]}
        assert source == name or name not in found, f"{source} imports {name}"
        rooms += found - reached
        reached |= found


# Rooms without a circle among their modules and packages, imports for types and within functions
# counted. The rest of the product joins them room by room.
CLEAN = ["diagnostics", "handles", "powers", "registry", "strategies"]


@pytest.mark.parametrize("name", CLEAN)
def test_modules_and_packages_of_a_room_have_no_circle(name: str) -> None:
    """A `CycleError` names the modules or packages of a circle."""
    inner = f"s2mock.{name}."
    modules: dict[str, set[str]] = {}
    packages: dict[str, set[str]] = {}
    for path in PRODUCT:
        if not (found := module(path)).startswith(inner):
            continue
        modules[found] = {other for other in imported(path, late=True) if other.startswith(inner)}
        package = part_of(found)
        packages.setdefault(package, set()).update(map(part_of, modules[found] | {found}))
    assert len(packages) > 1
    for package, others in packages.items():
        others.discard(package)
    assert list(TopologicalSorter(modules).static_order())
    assert list(TopologicalSorter(packages).static_order())


def part_of(name: str) -> str:
    """Return the package or module of a room that the module is, or lies in."""
    return ".".join(name.split(".")[:3])


def test_rules_know_nothing_of_the_engine() -> None:
    paths = [path for path in PRODUCT if path.parent == PACKAGE / "registry" / "rules"]
    assert paths
    found = {part_of(other) for path in paths for other in imported(path, late=True)}
    assert "s2mock.registry.engine" not in found
