"""The files of a data directory: their names, the lock, and how they are written and removed."""

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

# The first number of the files of a directory.
FIRST: Final = 1
_NAME: Final = re.compile(r"(state|log)-(\d{1,18})")
_TEMPORARY: Final = ".tmp"
_LOCK: Final = "lock"
# Made by the file system itself.
_OF_SYSTEM: Final = "lost+found"
_WRITTEN_AT_ONCE: Final = 1024 * 1024


class DataDirectoryError(Exception):
    """A directory that an account cannot be kept in, with the reason and what would be right."""


class Files:
    """The files in a directory, which no other process can use until `close`.

    The directory is made if it does not exist. Raises `OSError`, and `DataDirectoryError` if
    another process has it, or if it holds other files.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        _make_directory(directory)
        self._refuse_others()
        self._lock = _take_lock(directory)

    def close(self) -> None:
        """Release the directory for other processes."""
        os.close(self._lock)

    def _refuse_others(self) -> None:
        names = sorted(path.name for path in self.directory.iterdir())
        if any(_NAME.fullmatch(name) for name in names):
            return
        others = [
            name for name in names if name not in (_LOCK, _OF_SYSTEM) and not name.startswith(".")
        ]
        if others:
            shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
            raise DataDirectoryError(
                f"{self.directory} holds files that s2mock has not written ({shown}), such as "
                "those of another server: name an empty directory, or one that does not exist"
            )

    def path(self, kind: str, number: int) -> Path:
        """Return the path of the state or the log with that number."""
        return self.directory / f"{kind}-{number}"

    def numbers(self, kind: str) -> list[int]:
        """Return the numbers of all states or logs, in order."""
        found = (_NAME.fullmatch(path.name) for path in self.directory.iterdir())
        return sorted(int(match[2]) for match in found if match and match[1] == kind)

    def remove_before(self, number: int) -> None:
        """Remove the states and logs before that number."""
        for kind in ("state", "log"):
            for old in self.numbers(kind):
                if old < number:
                    self.path(kind, old).unlink(missing_ok=True)

    def remove(self, number: int) -> None:
        """Remove what there is of the state and the log with that number, as far as possible."""
        state = self.path("state", number)
        # The log last: without it the state would be incomplete.
        for path in (_temporary(state), state, self.path("log", number)):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def remove_temporary(self) -> None:
        """Remove the states that were not written to their ends."""
        for path in self.directory.glob(f"*{_TEMPORARY}"):
            if _NAME.fullmatch(path.name.removesuffix(_TEMPORARY)):
                path.unlink(missing_ok=True)

    def write_temporary(self, number: int, frames: Iterable[bytes]) -> Callable[[], None]:
        """Write a state to the disk, and return a function that gives the file its final name.

        Raises `OSError`, and leaves no file then.
        """
        path = self.path("state", number)
        temporary = _temporary(path)
        try:
            with temporary.open("wb") as file:
                for data in _joined(frames):
                    file.write(data)
                file.flush()
                sync(file.fileno())
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

        def rename() -> None:
            temporary.replace(path)
            self.sync_names()

        return rename

    def open_log(self, number: int, header: bytes) -> int:
        """Write a new log with that header, and return its descriptor. Raises `OSError`."""
        path = self.path("log", number)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        try:
            write_all(descriptor, header)
            sync(descriptor)
            self.sync_names()
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise
        return descriptor

    def reopen_log(self, number: int, size: int) -> int:
        """Open a log to append to it behind its first `size` bytes; what follows is cut off."""
        descriptor = os.open(self.path("log", number), os.O_RDWR | os.O_APPEND)
        if os.fstat(descriptor).st_size != size:
            os.ftruncate(descriptor, size)
            sync(descriptor)
        return descriptor

    def sync_names(self) -> None:
        """Sync the directory, which has the names of the files. Raises `OSError`."""
        _sync_directory(self.directory)


def _make_directory(directory: Path) -> None:
    """Create the directory and those above it. Raises `OSError`, `DataDirectoryError`."""
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise DataDirectoryError(f"{directory} is a file: name a directory") from None
    # A directory is on the disk once the one above it has its name there.
    for made in missing:
        with suppress(PermissionError):  # of one that only takes new names
            _sync_directory(made.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(path.name + _TEMPORARY)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data, if need be in several pieces. Raises `OSError`."""
    done = os.write(descriptor, data)
    while done < len(data):
        done += os.write(descriptor, data[done:])


def sync(descriptor: int) -> None:
    """Return when the content of a file is on the disk. Raises `OSError`."""
    if hasattr(fcntl, "F_FULLFSYNC"):
        # On macOS `fsync` leaves the data in the cache of the disk.
        with suppress(OSError):  # of a file system without it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def _joined(frames: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the frames joined to pieces that are large enough for one write each."""
    parts: list[bytes] = []
    size = 0
    for frame in frames:
        parts.append(frame)
        size += len(frame)
        if size >= _WRITTEN_AT_ONCE:
            yield b"".join(parts)
            parts, size = [], 0
    yield b"".join(parts)


def _take_lock(directory: Path) -> int:
    """Return the descriptor of the lock, which the end of this process releases in any case."""
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        process = f" (process {holder})" if holder.isdigit() else ""
        raise DataDirectoryError(
            f"{directory} is in use by another s2mock{process}: stop that one, or name another "
            "directory"
        ) from None
    # Only for the message that another process shows; a full disk has no room for it.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
