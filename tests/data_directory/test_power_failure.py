"""A failure of the machine at any moment: what was synced is there, and the account can be read.

A model of the disk knows what was synced. The rest may be lost: each name in the directory for
itself, and of the content of the files the whole, a part, or nothing.
"""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s2mock import ManualClock, S2Mock
from s2mock.data_directory import change_log, files
from s2mock.data_directory.change_log import SyncMode
from tests.data_directory.keeping import keep, kept

# Which part of what was not synced has reached the disk.
PARTS = (0.0, 0.5, 1.0)


class Disk:
    """The disk below a directory. `check` is called at each moment, before and after each call."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.check: Callable[[], object] = bool
        # By the numbers of files: their synced contents, and descriptors, so that the system uses
        # no number again.
        self._contents: dict[int, bytes] = {}
        self._open: dict[int, int] = {}
        # The synced names of files.
        self._names: dict[str, int] = {}
        self._is_checking = False
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._around(self._sync))
        monkeypatch.setattr(files, "sync", self._around(self._sync))
        monkeypatch.setattr(change_log, "sync", self._around(self._sync))
        for name in ("write", "open", "ftruncate"):
            monkeypatch.setattr(os, name, self._around(getattr(os, name)))
        for name in ("unlink", "replace"):
            monkeypatch.setattr(Path, name, self._around(getattr(Path, name)))

    def close(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            self._moment()
            result = call(*arguments, **named)
            self._moment()
            return result

        return called

    def _moment(self) -> None:
        if not self._is_checking and self.directory.exists():
            self._is_checking = True
            try:
                self.check()
            finally:
                self._is_checking = False

    def _sync(self, descriptor: int) -> None:
        number = os.fstat(descriptor).st_ino
        if self._is_checking:
            return
        if number == self.directory.stat().st_ino:
            self._names = self._present()
            return
        for path in self.directory.iterdir():
            if path.stat().st_ino == number:
                self._contents[number] = path.read_bytes()

    def _present(self) -> dict[str, int]:
        """Return the names that are there, with the numbers of their files."""
        present = {}
        for path in self.directory.iterdir():
            number = present[path.name] = path.stat().st_ino
            if number not in self._open:
                self._open[number] = os.open(path, os.O_RDONLY)
        return present

    def after_failures(self, copy: Path) -> Iterator[None]:
        """Make each directory, one after the other, that a failure could leave now."""
        present = self._present()
        both = [{*found.items()} for found in (self._names, present)]
        open_names = sorted({name for name, _ in both[0] ^ both[1]})
        certain = {name: number for name, number in self._names.items() if name not in open_names}
        written = {number: (self.directory / name).read_bytes() for name, number in present.items()}
        for choice in itertools.product((self._names, present), repeat=len(open_names)):
            names = dict(certain)
            for name, chosen in zip(open_names, choice, strict=True):
                if name in chosen:
                    names[name] = chosen[name]
            for part in PARTS:
                copy.mkdir()
                for name, number in names.items():
                    synced = self._contents.get(number, b"")
                    more = written.get(number, synced)[len(synced) :]
                    (copy / name).write_bytes(synced + more[: int(len(more) * part)])
                yield
                shutil.rmtree(copy)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk(tmp_path / "data", monkeypatch)
    yield disk
    disk.check = bool
    disk.close()


class Ledger:
    """What was appended to an account, and what a failure of the machine may leave of it."""

    def __init__(self, mock: S2Mock, disk: Disk, mode: SyncMode) -> None:
        self._copy = disk.directory.with_name("after")
        self._disk = disk
        self.keeper = keep(mock, disk.directory, mode)
        self._mock = mock
        # Bodies, with the position of the log behind each; None while it is not answered.
        self._bodies: list[tuple[bytes, int | None]] = []
        self._restored: tuple[bytes, ...] | None = None
        self.failures = 0
        mock.create_basin("my-basin").create_stream("s")
        self.keeper.log.sync()
        disk.check = self._check

    def append(self, body: bytes) -> None:
        self._bodies.append((body, None))
        self._mock.stream("my-basin", "s").append([body])
        self._bodies[-1] = (body, self.keeper.log.written)

    def restore(self, snapshot: Any, bodies: tuple[bytes, ...]) -> None:
        self._restored = bodies
        self._mock.restore(snapshot)
        self._bodies, self._restored = [(body, 0) for body in bodies], None

    def _check(self) -> None:
        synced = self.keeper.log.synced
        sent = tuple(body for body, _ in self._bodies)
        safe = sum(position is not None and position <= synced for _, position in self._bodies)
        for _ in self._disk.after_failures(self._copy):
            self.failures += 1
            with kept(self._copy, clock=ManualClock()) as mock:
                bodies = mock.stream("my-basin", "s").bodies
            is_before = len(bodies) >= safe and bodies == sent[: len(bodies)]
            assert is_before or bodies == self._restored, (bodies, sent, safe, self._restored)


@pytest.mark.parametrize("mode", ["batch", "always"])
def test_what_was_synced_survives_a_failure_at_any_moment(disk: Disk, mode: SyncMode) -> None:
    with S2Mock(clock=ManualClock(1000)) as mock:
        ledger = Ledger(mock, disk, mode)
        ledger.append(b"1")
        snapshot = mock.snapshot()
        ledger.append(b"2")
        ledger.keeper.log.sync()
        ledger.append(b"3")
        mock.advance(1)
        ledger.keeper.compact()
        ledger.append(b"4")
        ledger.keeper.compact()
        ledger.append(b"5")
        ledger.restore(snapshot, (b"1",))
        ledger.append(b"6")
        ledger.keeper.log.sync()
        ledger.append(b"7")
    assert ledger.failures > 200
    with kept(disk.directory, clock=ManualClock()) as mock:
        assert mock.stream("my-basin", "s").bodies == (b"1", b"6", b"7")


def test_a_change_during_a_sync_is_safe_after_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with S2Mock() as mock:
        log = keep(mock, tmp_path, "batch").log
        mock.create_basin("my-basin")
        before = log.written
        names = iter(["second-basin"])

        def sync(_: int) -> None:
            for name in names:
                mock.create_basin(name)

        monkeypatch.setattr(change_log, "sync", sync)
        log.sync()
        assert log.synced == before < log.written
        log.sync()
        assert log.synced == log.written


def test_the_directories_that_are_made_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    with kept(tmp_path / "a" / "b" / "c"):
        made = (tmp_path, tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c")
        assert {path.stat().st_ino for path in made} <= synced
