"""The powers of a mock as the end of a test sees them, in this process or on a server."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s2mock.powers.exchange import Exchange


class Journal(Protocol):
    """The members of a journal that the end of a test reads."""

    @property
    def is_on(self) -> bool:
        """True if it keeps any exchanges."""

    @property
    def last_number(self) -> int:
        """The number of the latest exchange, 0 if there was none."""

    def since(self, number: int, /) -> "tuple[Exchange, ...]":
        """Return the exchanges with higher numbers."""

    def take_advised(self) -> "Iterable[Exchange]":
        """Return the exchanges with advice, each once."""


class FaultInjector(Protocol):
    """The members of a fault injector that the end of a test calls."""

    def check(self, *, has_failed: bool = False) -> list[str]:
        """Remove unused faults and holds; return messages on them, each once."""

    def take_messages(self) -> tuple[list[str], list[str]]:
        """Do as `check`; return messages that fail the test, and remarks beside another failure."""


class Powers(Protocol):
    """The powers of a mock in this process, or of an account on a server."""

    @property
    def order(self) -> int:
        """The position among all mocks that were made in this process."""

    @property
    def label(self) -> str | None:
        """The name of the mock among those of a test, such as that of its fixture."""

    @property
    def journal(self) -> Journal:
        """The exchanges of the mock."""

    @property
    def used_injector(self) -> FaultInjector | None:
        """The faults and holds of the mock; None if it never had any."""
