"""A snapshot: an account as a value, and its file."""

from pathlib import Path
from typing import TYPE_CHECKING

from s2mock.registry.state import AccountState
from s2mock.runtime.clock import Moment

if TYPE_CHECKING:
    from os import PathLike


class Snapshot:
    """An account as it was: a value that never changes. Keep it as long as you like.

    It holds basins, streams, records, request tokens, fencing tokens, issued access tokens and
    what is due. Two snapshots are equal if they hold the same, even if they were taken at different
    times: of an account in which nothing has changed, and read from the file that one was saved to.
    What `restore` has moved (what is due, expiry included) is not the same any more.
    """

    __slots__ = ("_content",)

    def __init__(self, state: AccountState, taken: Moment) -> None:
        self._content = (state, taken)

    def __repr__(self) -> str:
        number = len(self._content[0].basins)
        return f"<Snapshot of {number} basin{'' if number == 1 else 's'}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        from s2mock.json_bodies.snapshots.writer import hold_the_same

        return hold_the_same(*self._content, *other._content)

    def __hash__(self) -> int:
        return hash(frozenset(str(basin.name) for basin in self._content[0].basins.values()))

    @property
    def time(self) -> int:
        """The time at which it was taken, in nanoseconds since the Unix epoch."""
        return self._content[1].now

    def save(self, path: "str | PathLike[str]") -> None:
        """Write the snapshot to a file of JSON lines, which a person can read, compare and edit.

        Raises `OSError`.
        """
        Path(path).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the content of the file that `save` writes."""
        from s2mock.json_bodies.snapshots.writer import snapshot_to_bytes

        return snapshot_to_bytes(*self._content)

    @classmethod
    def load(cls, path: "str | PathLike[str]") -> "Snapshot":
        """Return the snapshot in a file that `save` or a person has written.

        Raises `OSError`, and `ValueError` with the line that is wrong.
        """
        return cls.from_bytes(Path(path).read_bytes(), str(path))

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> "Snapshot":
        """Return the snapshot in the content of such a file; `name` is its name in errors.

        Raises `ValueError` with the line that is wrong.
        """
        from s2mock.json_bodies.snapshots.reader import state_from_bytes

        return Snapshot(*state_from_bytes(data, name))


def content_of(snapshot: object) -> tuple[AccountState, Moment]:
    """Return the state in a snapshot, and the moment at which it was taken. Raises `TypeError`."""
    if not isinstance(snapshot, Snapshot):
        raise TypeError(f"restore() takes a Snapshot, not {snapshot!r}")
    return snapshot._content  # noqa: SLF001  # no user's
