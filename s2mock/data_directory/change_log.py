"""The log of an account's changes in a data directory: each is in it before it takes effect."""

import os
import threading
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from s2mock.data_directory.encoder import encode_change, encode_header, encode_state
from s2mock.data_directory.files import FIRST, Files, sync, write_all
from s2mock.data_directory.frames import TIME, encode_frame
from s2mock.registry.values.errors import StorageFailed
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    from s2mock.data_directory.reader import Stored
    from s2mock.registry.state import AccountState, Change
    from s2mock.runtime.clock import Moment

SyncMode = Literal["always", "batch", "never"]

# A log is long when it has more than this number of changes or bytes. Beside a large state it may
# have more of both: this part of the state's bytes, and a change for each such number of them. To
# read a change takes a microsecond or two, as long as to read some thousand bytes of a state; and
# for each change the next state costs the writing of that number of its bytes, in a thread.
_LONG_FRAMES: Final = 32_768
_LONG_BYTES: Final = 8 * 1024 * 1024
_LONG_PART: Final = 1 / 4
_STATE_BYTES_PER_FRAME: Final = 8192
# A sync that takes fewer seconds is quick. To leave it to a thread, which must get the interpreter
# from the loop and give it back, takes about a millisecond of a busy server.
_QUICK_SECONDS: Final = 0.001


class ChangeLog:
    """The files that an account's changes are written to.

    A new directory starts at the date `now`. `written` and `synced` are positions, in bytes since
    the start of the process: the changes up to there are in the file, and on the disk. `is_quick`
    is True if the latest sync took less than a millisecond. `report` is called with the text of a
    failure that the user should know of; `end` once, when it is unknown what is on the disk and no
    later change can be kept.
    """

    def __init__(
        self,
        files: Files,
        mode: SyncMode,
        stored: "Stored | None",
        *,
        now: int,
        report: Callable[[str], object],
        end: Callable[[], object],
    ) -> None:
        self.written: int = 0
        self.synced: int = 0
        self.is_quick: bool = False
        self.mode: SyncMode = mode
        self.on_long: Callable[[], object] | None = None
        """Called when the log has become long, with the account's lock held."""
        self._files = files
        self._report = report
        self._end = end
        self._failure = ""
        self._is_full = False
        # The frame of the latest time of a manual clock.
        self._time = b""
        # The first is held while a file is written to, the second while one is synced, and both
        # while another file takes its place.
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        if stored is None:
            self._number, self._state_number = FIRST, 0
            self._descriptor = files.open_log(FIRST, encode_header(0, now))
            self._size = os.fstat(self._descriptor).st_size
            self._long_frames, self._long_bytes, self._frames = _LONG_FRAMES, _LONG_BYTES, 0
            return
        self._number, self._state_number = stored.log_number, stored.state_number
        if stored.log_size:
            self._descriptor = files.reopen_log(self._number, stored.log_size)
        else:
            header = encode_header(stored.shift, stored.now)
            self._descriptor = files.open_log(self._number, header)
        self._size = os.fstat(self._descriptor).st_size
        self._frames = stored.frames
        self._set_limits(stored.state_bytes)
        files.remove_before(self._state_number)
        files.remove_temporary()

    # Changes.

    def write(self, change: "Change", state: "AccountState", moment: "Moment") -> None:
        """Keep a change to that state. Raises `StorageFailed`, and has kept nothing then."""
        frame = encode_change(change, state, moment)
        if frame is not None:
            self._append(frame)

    def write_time(self, now: int) -> None:
        """Keep the date of a manual clock. Raises `StorageFailed`."""
        frame = encode_frame(TIME, now.to_bytes(16, "little"))
        self._append(frame)
        self._time = frame

    def _append(self, frame: bytes) -> None:
        size = len(frame)
        with self._writing:
            if self._failure:
                raise StorageFailed(self._failure)
            try:
                if (done := os.write(self._descriptor, frame)) < size:
                    write_all(self._descriptor, frame[done:])
            except OSError as error:
                self._cut_back(error)
            self.written += size
            self._size += size
            self._frames += 1
            self._is_full = False
        if self.mode == "always":
            try:
                self.sync()
            except OSError:
                raise StorageFailed(self._failure) from None
        is_long = self._frames > self._long_frames or self._size > self._long_bytes
        if is_long and self.on_long is not None:
            self._long_frames = self._frames * 2
            self._long_bytes = self._size * 2
            self.on_long()

    def _cut_back(self, error: OSError) -> None:
        """Remove what was written of a frame. Raises `StorageFailed`."""
        text = f"cannot write to {self._files.directory}: {error.strerror}"
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self._fail(text)
        if not self._is_full:
            self._is_full = True
            self._report(f"{text}; changes are refused until that is possible again")
        raise StorageFailed(f"{text}; nothing was changed") from None

    def sync(self) -> None:
        """Sync everything that was written before. After an `OSError` it keeps nothing more."""
        with self._syncing:
            with self._writing:
                position, descriptor = self.written, self._descriptor
            began = monotonic()
            self._sync_file(descriptor)
            self.is_quick = monotonic() - began < _QUICK_SECONDS
            self.synced = max(self.synced, position)

    def _sync_file(self, descriptor: int) -> None:
        try:
            sync(descriptor)
        except OSError as error:
            # The system may have lost what it had in memory, and a second sync would not fail.
            self._fail(f"cannot sync {self._files.directory}: {error.strerror}")
            raise

    def _fail(self, text: str) -> None:
        if not self._failure:
            self._failure = f"{text}: it is unknown what is on the disk, so the server has ended"
            self._report(self._failure)
            self._end()

    # Files.

    def begin_with(self, state: "AccountState", shift: int, now: int) -> None:
        """Replace the whole account by that state. With the account's lock held.

        `shift` and `now` are as in the header of a file. Raises `StorageFailed`, and has changed
        nothing then.
        """
        header, number = encode_header(shift, now), self._number + 1
        try:
            rename = self._files.write_temporary(number, chain((header,), encode_state(state)))
            self._switch(number, header, rename)
        except OSError as error:
            self._files.remove(number)
            text = f"cannot write to {self._files.directory}: {error.strerror}"
            raise StorageFailed(f"{text}; nothing was changed") from None
        self._state_is_written(number)

    def begin_log(self, shift: int, now: int) -> int:
        """Write later changes to another log, and return its number. With the account's lock held.

        Raises `OSError`, and has changed nothing then.
        """
        number = self._number + 1
        try:
            self._switch(number, encode_header(shift, now))
        except OSError:
            self._files.remove(number)
            raise
        return number

    def write_state(self, number: int, state: "AccountState", shift: int, now: int) -> None:
        """Write the state as it was when the log of that number began. Raises `OSError`."""
        frames = chain((encode_header(shift, now),), encode_state(state))
        self._files.write_temporary(number, frames)()
        self._state_is_written(number)

    def _switch(self, number: int, header: bytes, prepare: Callable[[], object] = bool) -> None:
        """Write to another log from now on, once `prepare` has returned. Raises `OSError`."""
        with self._syncing, self._writing:
            # In each mode, and before there is another log: with a part of this one missing, the
            # next one would not follow from it.
            self._sync_file(self._descriptor)
            self.synced = self.written
            descriptor = self._files.open_log(number, header)
            try:
                prepare()
                # A clock is set without the account's lock, perhaps after the header was made.
                write_all(descriptor, self._time)
            except OSError:
                os.close(descriptor)
                raise
            os.close(self._descriptor)
            self._descriptor = descriptor
            self._number, self._size, self._frames = number, len(header) + len(self._time), 0

    def _state_is_written(self, number: int) -> None:
        if number <= self._state_number:
            return
        self._state_number = number
        self._set_limits(self._files.path("state", number).stat().st_size)
        self._files.remove_before(number)

    def _set_limits(self, state_bytes: int) -> None:
        """Set the size above which a log is long, beside a state of that size."""
        frames = int(state_bytes / _STATE_BYTES_PER_FRAME)
        self._long_frames = max(_LONG_FRAMES, frames)
        self._long_bytes = max(_LONG_BYTES, int(state_bytes * _LONG_PART))

    def close(self) -> None:
        """Sync and close the files. Later changes are refused."""
        with self._syncing, self._writing:
            if self._descriptor < 0:
                return
            if not self._failure:
                try:
                    sync(self._descriptor)
                except OSError as error:
                    self._report(f"cannot sync {self._files.directory}: {error.strerror}")
            self._failure = self._failure or "the server has ended, and keeps nothing any more"
            os.close(self._descriptor)
            self._descriptor = -1
            self._files.close()
