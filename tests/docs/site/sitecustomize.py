"""Python loads this at its start, and then finds no module that S2MOCK_TESTS_REFUSED names.

In `PathFinder` itself and not before it: pytest asks that class for the modules that it rewrites.
"""

import os
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_REFUSED = frozenset(os.environ.get("S2MOCK_TESTS_REFUSED", "").split())
_find_spec = PathFinder.find_spec


def _find_installed(
    _: type[PathFinder],
    name: str,
    path: Sequence[str] | None = None,
    target: ModuleType | None = None,
) -> ModuleSpec | None:
    return None if name in _REFUSED else _find_spec(name, path, target)


PathFinder.find_spec = classmethod(_find_installed)
