"""The reader of a data directory: it returns the account, and where its log continues."""

import json
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from s2mock.data_directory.files import FIRST, DataDirectoryError, Files
from s2mock.data_directory.frames import END, HEADER, VERSION, has_frame, read_frames
from s2mock.data_directory.state_builder import StateBuilder
from s2mock.registry.state import AccountState


class Stored(NamedTuple):
    """An account as a directory has it.

    `state_number` is that of the state, 0 without one; `log_number` that of the last log, of which
    `log_size` bytes are whole, 0 if not even its header is, and `cut` bytes behind them are not.
    `frames` is the number of changes in all logs, `state_bytes` the size of the state. `shift` and
    `now` are as in the header of a file, `now` with all changes.
    """

    state: AccountState
    last_incarnation: int
    shift: int
    now: int
    state_number: int
    log_number: int
    log_size: int
    cut: int
    state_bytes: int
    frames: int


def read_account(files: Files) -> Stored | None:
    """Return the account in a directory, None if there is none yet.

    Raises `OSError`, and `DataDirectoryError` for a directory of a newer version or with damage.
    """
    states, logs = files.numbers("state"), files.numbers("log")
    if not (states or logs):
        return None
    number = states[-1] if states else 0
    logs = [log for log in logs if log >= number]
    _check_complete(files, number, logs)
    builder = StateBuilder()
    headers: list[dict[str, Any]] = []
    state_bytes = 0
    if number:
        path = files.path("state", number)
        with _naming(path):
            header, state_bytes = _read_state(path, builder)
        headers.append(header)
    frames, size, cut = 0, 0, 0
    for log in logs:
        path = files.path("log", log)
        data = path.read_bytes()
        size, is_last = 0, log == logs[-1]
        with _naming(path):
            for kind, payload, end in read_frames(memoryview(data)):
                if size == 0:
                    headers.append(_read_header(path, kind, payload))
                else:
                    builder.add(kind, payload)
                    frames += 1
                size = end
        cut = len(data) - size
        if cut and (not is_last or has_frame(data[size:])):
            raise _damage(
                path,
                size,
                f"to start without all that follows, remove the logs behind it, if there are any, "
                f"and cut it off: truncate -s {size} {path}",
            )
    # A state has its own shift. The log of a restore that was cut short has another one already.
    shift = headers[0]["shift"] if headers else 0
    now = headers[-1]["now"] if headers else 0
    return Stored(
        builder.state(),
        builder.last_incarnation,
        shift,
        max(now, builder.now, builder.time + shift),
        number,
        logs[-1],
        size,
        cut,
        state_bytes,
        frames,
    )


def _check_complete(files: Files, number: int, logs: list[int]) -> None:
    """Raise `DataDirectoryError` if a log is missing."""
    expected = range(number or FIRST, (logs[-1] if logs else number or FIRST) + 1)
    if missing := [log for log in expected if log not in logs]:
        raise DataDirectoryError(
            f"{files.path('log', missing[0])} is missing: put it back, or name another directory"
        )


def _read_state(path: Path, builder: StateBuilder) -> tuple[dict[str, Any], int]:
    """Read a state; return its header and its size in bytes."""
    with path.open("rb") as file:
        # Its records are read when they are first used.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    header: dict[str, Any] = {}
    count = end = 0
    for kind, payload, behind in read_frames(data):
        if end == 0:
            header = _read_header(path, kind, payload)
        elif kind == END:
            if json.loads(bytes(payload))["frames"] != count or behind != len(data):
                break
            return header, behind
        else:
            builder.add(kind, payload)
            count += 1
        end = behind
    raise _damage(path, end, "put back a copy of it, or name another directory")


def _read_header(path: Path, kind: int, payload: memoryview) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(bytes(payload)) if kind == HEADER else {}
    version = header.get("s2mock_data")
    if isinstance(version, int) and version > VERSION:
        raise DataDirectoryError(
            f"{path} has format {version}, and this s2mock reads up to {VERSION}: it was written "
            "by a newer s2mock; use that one, or name another directory"
        )
    if version != VERSION:
        raise _damage(path, 0, "put back a copy of it, or name another directory")
    return header


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn an error about the content of a frame into one that names the file."""
    try:
        yield
    except (OSError, DataDirectoryError):
        raise
    except Exception as error:
        raise DataDirectoryError(
            f"{path} has a change that does not follow from those before it ({error!r}): put back "
            "a copy of it, or name another directory"
        ) from error


def _damage(path: Path, at: int, way: str) -> DataDirectoryError:
    return DataDirectoryError(f"{path} is damaged at byte {at}: {way}")
