"""What `dir()` lists of an object that a test holds, for editors and debuggers."""

from collections.abc import Iterable
from typing import ClassVar


class PublicDir:
    """An object whose `dir()` has what a test may use, and nothing that is for s2mock itself.

    `_for_s2mock` are the names without an underscore that other packages of s2mock use.
    """

    __slots__ = ()
    _for_s2mock: ClassVar[frozenset[str]] = frozenset()

    def __dir__(self) -> Iterable[str]:
        return [
            name
            for name in super().__dir__()
            if name not in self._for_s2mock and (name[0] != "_" or name.startswith("__"))
        ]
