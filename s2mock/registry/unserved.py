"""Operations that S2 has and the reference server does not serve. Source: control_plane §6."""

from s2mock.registry.clock import Moment
from s2mock.registry.engine import Engine, Operation
from s2mock.registry.errors import NotImplementedByS2
from s2mock.registry.state import Change


class Unserved(Operation):
    """An operation that is checked and not carried out. Raises `NotImplementedByS2`."""

    __slots__ = ("name",)

    def __init__(self, name: str, basin: str | None = None, stream: str | None = None) -> None:
        super().__init__(basin, stream)
        # Of this one, where others are of a class each.
        self.name: str = name  # type: ignore[misc]

    def decide(self, _: Engine, __: Moment) -> Change:
        """Nothing."""
        raise NotImplementedByS2
