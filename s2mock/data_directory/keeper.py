"""The keeper of an account: it starts with what a data directory has, and writes changes to it."""

import threading
from collections.abc import Callable
from pathlib import Path

from s2mock.data_directory.change_log import ChangeLog, SyncMode
from s2mock.data_directory.files import DataDirectoryError, Files
from s2mock.data_directory.reader import read_account
from s2mock.registry.engine.engine import Engine
from s2mock.registry.state import skip_incarnations
from s2mock.registry.values.errors import StorageFailed
from s2mock.runtime.clock import ManualClock


class Keeper:
    """Keeps the account of an engine in a directory, before its first operation.

    With `is_new` the account has a state of its own already, and the directory must be empty.
    `report` is called, from any thread, with the text of a failure; `end` when no later change can
    be kept. Raises `OSError`, and `DataDirectoryError` for a directory that cannot be used.
    """

    def __init__(
        self,
        engine: Engine,
        directory: Path,
        mode: SyncMode,
        *,
        is_new: bool,
        report: Callable[[str], object],
        end: Callable[[], object],
    ) -> None:
        self._engine = engine
        self._report = report
        self._compacting: threading.Thread | None = None
        files = Files(directory)
        try:
            stored = read_account(files)
            if is_new and stored is not None and (stored.state_number or stored.frames):
                raise DataDirectoryError(
                    f"{directory} already holds an account, which a snapshot would replace: leave "
                    "the snapshot out, or name an empty directory"
                )
            # A manual clock without a start begins when it is first read.
            now = engine.clock.now() if stored is None else stored.now
            self.log: ChangeLog = ChangeLog(files, mode, stored, now=now, report=report, end=end)
        except BaseException:
            files.close()
            raise
        if stored is not None and stored.cut:
            report(
                f"{directory}: the last write was cut short, and its {stored.cut} bytes at the "
                "end were removed; with --sync batch or always it was not acknowledged"
            )
        if is_new:
            self._begin_with_its_state()
        elif stored is not None:
            skip_incarnations(stored.last_incarnation)
            engine.continue_with(stored.state, stored.shift, stored.now)
        engine.keep_changes(self.log)
        self.log.on_long = self._compact_soon
        if isinstance(engine.clock, ManualClock):
            engine.clock.on_advance = self._note_time

    def _begin_with_its_state(self) -> None:
        engine = self._engine
        state, moment = engine.take_state()
        try:
            self.log.begin_with(state, engine.timekeeper.shift, moment.now)
        except StorageFailed as error:
            self.log.close()
            raise DataDirectoryError(error.message) from None

    def close(self) -> None:
        """Sync everything, and release the directory for other processes."""
        if self._compacting is not None:
            self._compacting.join()
        self.log.close()

    def compact(self) -> None:
        """Replace the log of changes by a state of the whole account. Raises `OSError`."""
        engine = self._engine
        with engine.lock as moment:
            state, shift = engine.store.share(), engine.timekeeper.shift
            number = self.log.begin_log(shift, moment.now)
        self.log.write_state(number, state, shift, moment.now)

    def _compact_soon(self) -> None:
        if self._compacting is None or not self._compacting.is_alive():
            self._compacting = threading.Thread(
                target=self._compact, name="s2mock-compaction", daemon=True
            )
            self._compacting.start()

    def _compact(self) -> None:
        try:
            self.compact()
        except OSError as error:
            self._report(
                f"cannot shorten the log of changes: {error.strerror}; nothing is lost, but the "
                "next start takes longer"
            )

    def _note_time(self, now: int) -> None:
        self.log.write_time(now)
