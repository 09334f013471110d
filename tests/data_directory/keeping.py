"""Accounts in this process that are kept in a directory, and read again from a copy of it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from s2mock import S2Mock
from s2mock.data_directory.change_log import SyncMode
from s2mock.data_directory.keeper import Keeper


class Reports(list[str]):
    """The texts that were reported; `ends` counts the demands to end."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = 0

    def end(self) -> None:
        self.ends += 1


def keep(
    mock: S2Mock, directory: Path, mode: SyncMode = "never", reports: Reports | None = None
) -> Keeper:
    """Keep the account of a mock in a directory, until the mock is closed."""
    reports = Reports() if reports is None else reports
    mock._keep_in(directory, mode, report=reports.append, end=reports.end)
    assert mock._keeper is not None
    return mock._keeper


@contextmanager
def kept(directory: Path, mode: SyncMode = "never", **options: Any) -> Iterator[S2Mock]:
    """Keep the account of a new mock in a directory."""
    with S2Mock(**options) as mock:
        keep(mock, directory, mode)
        yield mock


@contextmanager
def as_killed(directory: Path, **options: Any) -> Iterator[S2Mock]:
    """Return the account that a copy of the directory holds, as if its process had been killed."""
    copy = directory.with_name(f"{directory.name}-copy")
    shutil.copytree(directory, copy)
    try:
        with kept(copy, **options) as mock:
            yield mock
    finally:
        shutil.rmtree(copy)
