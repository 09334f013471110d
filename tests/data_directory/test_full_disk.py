"""A disk that is full, or fails: nothing is acknowledged that is not kept, and all is said."""

import errno
import os
import resource
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from s2mock import ManualClock, S2Mock
from s2mock.data_directory import change_log
from s2mock.data_directory.encoder import encode_header
from s2mock.data_directory.files import DataDirectoryError
from s2mock.registry.values.errors import StorageFailed
from tests.data_directory.keeping import Reports, as_killed, keep, kept
from tests.data_directory.server import KeptServer

HEADERS = {"s2-basin": "my-basin"}


class Disk:
    """A disk with `left` bytes of room; None for no limit."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor: int, data: bytes) -> int:
        if self.left is None:
            return self._write(descriptor, data)
        if self.left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = self._write(descriptor, data[: self.left])
        self.left -= done
        return done


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.mark.parametrize("left", [0, 1, 30])
def test_a_change_that_has_no_room_is_refused_and_leaves_nothing(
    tmp_path: Path, disk: Disk, left: int
) -> None:
    reports = Reports()
    with S2Mock() as mock:
        keep(mock, tmp_path / "data", reports=reports)
        stream = mock.create_basin("my-basin").create_stream("s")
        stream.append(["kept"])
        before = mock.snapshot()
        disk.left = left
        for _ in range(3):
            with pytest.raises(StorageFailed) as refused:
                stream.append(["has no room"])
            assert refused.value.message == (
                f"cannot write to {tmp_path / 'data'}: No space left on device; nothing was changed"
            )
            disk.left = left
        assert mock.snapshot() == before
        [report] = reports
        assert report.startswith(f"cannot write to {tmp_path / 'data'}: No space left on device; ")
        assert report.endswith("; changes are refused until that is possible again")
        disk.left = None
        stream.append(["has room"])
        assert stream.bodies == (b"kept", b"has room")
        with as_killed(tmp_path / "data") as other:
            assert other.stream("my-basin", "s").bodies == (b"kept", b"has room")


@pytest.mark.openapi_unchecked("S2 does not describe the error of its storage")
def test_over_http_the_answer_is_the_error_of_storage(tmp_path: Path, disk: Disk) -> None:
    with S2Mock() as mock:
        keep(mock, tmp_path)
        mock.create_basin("my-basin").create_stream("s")
        disk.left = 0
        path = "/v1/streams/s/records"
        answer = mock.client.post(path, json={"records": [{"body": "x"}]}, headers=HEADERS)
        assert answer.status_code == 500
        assert answer.get_json()["code"] == "storage"
        assert "No space left on device" in answer.get_json()["message"]
        # Reads go on.
        read = mock.client.get(path, query_string={"seq_num": 0}, headers=HEADERS)
        assert read.status_code == 416
        disk.left = None


def test_restore_and_reset_without_room_change_nothing(tmp_path: Path, disk: Disk) -> None:
    with S2Mock() as mock:
        keep(mock, tmp_path / "data")
        empty = mock.snapshot()
        mock.create_basin("my-basin")
        disk.left = 0
        with pytest.raises(StorageFailed, match="nothing was changed"):
            mock.restore(empty)
        with pytest.raises(StorageFailed, match="nothing was changed"):
            mock.reset()
        assert mock.basins == ("my-basin",)
        disk.left = None
        with as_killed(tmp_path / "data") as other:
            assert other.basins == ("my-basin",)
        mock.restore(empty)
        with as_killed(tmp_path / "data") as other:
            assert other.basins == ()


def test_what_is_due_waits_for_room_and_reads_go_on(tmp_path: Path, disk: Disk) -> None:
    with S2Mock(clock=ManualClock(1000), deletion_delay=10) as mock:
        keep(mock, tmp_path / "data")
        basin = mock.create_basin("my-basin")
        basin.create_stream("s").append(["here"])
        basin.create_stream("t").delete()
        disk.left = None
        mock.advance(9.9)
        clock: Any = mock.clock
        clock.on_advance = None
        disk.left = 0
        mock.advance(1)
        assert [*basin.streams] == ["s", "t"]
        assert basin.stream("s").bodies == (b"here",)
        disk.left = None
        assert [*basin.streams] == ["s"]


def test_a_snapshot_without_room_is_refused_at_the_start(tmp_path: Path, disk: Disk) -> None:
    with S2Mock(basins=["my-basin"]) as mock:
        snapshot = mock.snapshot()
    with kept(tmp_path):
        pass
    disk.left = 0
    with pytest.raises(DataDirectoryError, match="No space left"), S2Mock(snapshot=snapshot) as one:
        keep(one, tmp_path)
    disk.left = None
    with kept(tmp_path, snapshot=snapshot) as mock:
        assert mock.basins == ("my-basin",)


@pytest.mark.parametrize("left", [0, 1, -1])
def test_a_compaction_without_room_leaves_one_log(tmp_path: Path, disk: Disk, left: int) -> None:
    """Else a write that is cut short would not be at the end, where that is no damage."""
    with S2Mock(clock=ManualClock(1000)) as mock:
        keeper = keep(mock, tmp_path)
        mock.create_basin("my-basin")
        mock.advance(1)
        size = (tmp_path / "log-1").stat().st_size
        # Room for the header, and for a part of the time of the clock that is behind it.
        disk.left = len(encode_header(0, mock.clock.now())) + left
        with pytest.raises(OSError, match="No space left"):
            keeper.compact()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "log-1"]
        assert (tmp_path / "log-1").stat().st_size == size
        disk.left = None
        mock.create_basin("second-basin")
    with kept(tmp_path, clock=ManualClock()) as mock:
        assert mock.basins == ("my-basin", "second-basin")


def test_an_account_on_a_full_disk_is_read(tmp_path: Path, disk: Disk) -> None:
    with kept(tmp_path) as mock:
        mock.create_basin("my-basin")
    disk.left = 0
    with kept(tmp_path) as mock:
        assert mock.basins == ("my-basin",)
        with pytest.raises(StorageFailed):
            mock.create_basin("second-basin")


def test_a_manual_clock_that_cannot_be_kept_does_not_advance(tmp_path: Path, disk: Disk) -> None:
    with S2Mock(clock=ManualClock(1000)) as mock:
        keep(mock, tmp_path)
        disk.left = 0
        with pytest.raises(StorageFailed):
            mock.advance(1)
        assert mock.clock.now() == 1000 * 10**9
        disk.left = None


@pytest.mark.parametrize("mode", ["always", "batch"])
def test_after_a_sync_that_failed_nothing_is_kept_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Any
) -> None:
    reports = Reports()
    with S2Mock() as mock:
        keeper = keep(mock, tmp_path, mode, reports)
        mock.create_basin("my-basin")

        def fail(_: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(change_log, "sync", fail)
        if mode == "batch":
            with pytest.raises(OSError, match="Input/output error"):
                keeper.log.sync()
        for _ in range(2):
            with pytest.raises(StorageFailed, match="it is unknown what is on the disk"):
                mock.create_basin("second-basin")
        assert mock.basins == ("my-basin",)
        assert reports.ends == 1
        [report] = reports
        assert report.startswith(f"cannot sync {tmp_path}: Input/output error")


def test_a_compaction_without_room_loses_nothing(tmp_path: Path, disk: Disk) -> None:
    reports = Reports()
    with S2Mock() as mock:
        keeper = keep(mock, tmp_path / "data", reports=reports)
        mock.create_basin("my-basin")
        disk.left = 0
        keeper._compact()
        assert "cannot shorten the log of changes: No space left on device" in reports[0]
        disk.left = None
        mock.create_basin("second-basin")
        with as_killed(tmp_path / "data") as other:
            assert other.basins == ("my-basin", "second-basin")


FAILING_DISK = """
sync = change_log.sync
syncs = 0
def fail(descriptor):
    global syncs
    syncs += 1
    if syncs > 1:
        raise OSError(5, "Input/output error")
    sync(descriptor)
change_log.sync = fail
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["batch", "always"])
def test_a_server_whose_disk_fails_ends_without_an_answer(tmp_path: Path, mode: str) -> None:
    with KeptServer(tmp_path / "data", "--sync", mode, prelude=FAILING_DISK) as server:
        server.client.put("/v1/basins/my-basin").raise_for_status()
        try:
            answer = server.client.put("/v1/basins/second-basin")
        except httpx.HTTPError:
            pass
        else:
            assert (mode, answer.json()["code"]) == ("always", "storage")
        _, said = server.process.communicate(timeout=60)
        assert server.process.returncode == 1
        assert f"s2mock: cannot sync {tmp_path / 'data'}: Input/output error: it is unknown" in said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="sets the limit of another process")
def test_a_server_whose_files_may_not_grow_refuses_and_goes_on(tmp_path: Path) -> None:
    path = "/v1/streams/s/records"
    with KeptServer(tmp_path / "data") as server:
        client = server.client
        client.put("/v1/basins/my-basin").raise_for_status()
        client.put("/v1/streams/s", headers=HEADERS).raise_for_status()
        size = (tmp_path / "data" / "log-1").stat().st_size
        limit = size + 5000
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        acknowledged = 0
        while True:
            body = f"{acknowledged} {'x' * 100}"
            answer = client.post(path, json={"records": [{"body": body}]}, headers=HEADERS)
            if answer.status_code != 200:
                break
            acknowledged += 1
        assert (answer.status_code, answer.json()["code"]) == (500, "storage")
        assert "File too large" in answer.json()["message"]
        assert client.get(f"{path}/tail", headers=HEADERS).json()["tail"]["seq_num"] == acknowledged
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        client.post(path, json={"records": [{}]}, headers=HEADERS).raise_for_status()
    with KeptServer(tmp_path / "data") as server:
        tail = server.client.get(f"{path}/tail", headers=HEADERS).json()["tail"]["seq_num"]
        assert tail == acknowledged + 1
        assert server.said == []
