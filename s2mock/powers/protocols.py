"""What the end of a test asks of a mock, of this process or of another."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s2mock.powers.exchange import Exchange


class Journal(Protocol):
    """As much of a journal as is asked for here."""

    @property
    def is_on(self) -> bool:
        """Whether anything is kept."""

    @property
    def last_number(self) -> int:
        """The number of the latest exchange."""

    def since(self, number: int, /) -> "tuple[Exchange, ...]":
        """The exchanges behind that number."""

    def take_advised(self) -> "Iterable[Exchange]":
        """Those with advice that nobody has been told of."""


class Stage(Protocol):
    """As much of a stage as is asked for here."""

    def check(self, *, has_failed: bool = False) -> list[str]:
        """What is to be said of faults and holds that were not used; they are removed."""

    def take(self) -> tuple[list[str], list[str]]:
        """The same in two: what fails a test, and what is told beside another failure."""


class Powers(Protocol):
    """The powers of a mock of this process, or of an account of another."""

    @property
    def order(self) -> int:
        """Their place among those of all mocks that were ever made."""

    @property
    def journal(self) -> Journal:
        """What the mock has met."""

    @property
    def stage(self) -> Stage:
        """Its faults."""
