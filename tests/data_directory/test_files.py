"""The files of a data directory: torn, damaged, of a newer version, in use, and with others."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from s2mock import ManualClock, S2Mock, StreamConfig
from s2mock.data_directory import change_log
from s2mock.data_directory.files import DataDirectoryError
from s2mock.data_directory.frames import HEADER, encode_json, read_frames
from tests.data_directory.keeping import Reports, keep, kept

BODIES = tuple(b"%d" % number for number in range(5))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory whose account has had five appends, each in a frame."""
    with kept(tmp_path / "data") as mock:
        stream = mock.create_basin("my-basin").create_stream("s")
        for body in BODIES:
            stream.append([body])
    return tmp_path / "data"


def refuses(text: str) -> Any:
    return pytest.raises(DataDirectoryError, match=text)


def bodies(mock: S2Mock) -> tuple[bytes, ...]:
    return mock.stream("my-basin", "s").bodies


def ends(log: Path) -> list[int]:
    """Return the position behind each frame."""
    return [end for _, _, end in read_frames(memoryview(log.read_bytes()))]


def cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def test_a_write_that_was_cut_at_any_byte_is_removed_and_said(directory: Path) -> None:
    *_, before, last = ends(directory / "log-1")
    for size in range(before + 1, last):
        copy = directory.with_name("copy")
        shutil.copytree(directory, copy)
        cut(copy / "log-1", size)
        reports = Reports()
        with S2Mock() as mock:
            keep(mock, copy, reports=reports)
            assert bodies(mock) == BODIES[:-1]
            mock.stream("my-basin", "s").append(["next"])
        [report] = reports
        assert f"its {size - before} bytes at the end were removed" in report
        # The next write takes its place.
        with S2Mock() as mock:
            keep(mock, copy, reports=reports)
            assert bodies(mock) == (*BODIES[:-1], b"next")
        assert len(reports) == 1
        shutil.rmtree(copy)


@pytest.mark.parametrize("position", [0, 1, 5, 11, 12, 20])
def test_a_changed_byte_of_the_last_write_is_a_torn_write(directory: Path, position: int) -> None:
    *_, before, _ = ends(directory / "log-1")
    change_byte(directory / "log-1", before + position)
    reports = Reports()
    with S2Mock() as mock:
        keep(mock, directory, reports=reports)
        assert bodies(mock) == BODIES[:-1]
    assert len(reports) == 1


def change_byte(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_damage_before_a_whole_frame_is_refused(directory: Path) -> None:
    """That is no write that was cut short, and what follows was acknowledged."""
    log = directory / "log-1"
    *_, third, _, _ = ends(log)
    change_byte(log, third + 20)
    before = log.read_bytes()
    with pytest.raises(DataDirectoryError) as refused, kept(directory):
        pass
    assert f"{log} is damaged at byte {third}: " in str(refused.value)
    assert f"truncate -s {third} {log}" in str(refused.value)
    assert log.read_bytes() == before
    # The way that the message names.
    cut(log, third)
    with kept(directory) as mock:
        assert bodies(mock) == BODIES[:-2]


@pytest.mark.parametrize("size", [0, 5, 30])
def test_a_first_write_that_was_cut_short(tmp_path: Path, size: int) -> None:
    with kept(tmp_path):
        pass
    cut(tmp_path / "log-1", size)
    with kept(tmp_path) as mock:
        mock.create_basin("my-basin")
    with kept(tmp_path) as mock:
        assert mock.basins == ("my-basin",)


def compacted(directory: Path) -> None:
    with S2Mock() as mock:
        keep(mock, directory).compact()


@pytest.mark.parametrize("part", [0.0, 0.5, 0.999])
def test_a_state_that_is_damaged_or_cut_short_is_refused(directory: Path, part: float) -> None:
    compacted(directory)
    state = directory / "state-2"
    size = state.stat().st_size
    change_byte(state, int(size * part))
    with refuses("state-2 is damaged at byte"), kept(directory):
        pass
    change_byte(state, int(size * part))
    with kept(directory) as mock:
        assert bodies(mock) == BODIES
    if part:
        cut(state, int(size * part))
        with refuses("state-2 is damaged at byte"), kept(directory):
            pass


def test_a_state_without_its_last_frame_is_refused(directory: Path) -> None:
    compacted(directory)
    *_, before, _ = ends(directory / "state-2")
    cut(directory / "state-2", before)
    with refuses("damaged at byte"), kept(directory):
        pass


def test_a_state_without_a_frame_in_its_middle_is_refused(directory: Path) -> None:
    compacted(directory)
    state = directory / "state-2"
    *_, start, end, _ = ends(state)
    data = state.read_bytes()
    state.write_bytes(data[:start] + data[end:])
    with refuses("damaged at byte"), kept(directory):
        pass


def test_compaction_leaves_one_state_and_one_log(directory: Path) -> None:
    compacted(directory)
    assert sorted(path.name for path in directory.iterdir()) == ["lock", "log-2", "state-2"]
    with kept(directory) as mock:
        assert bodies(mock) == BODIES


def test_a_kill_at_any_point_of_a_compaction_loses_nothing(directory: Path) -> None:
    before, copy = directory.with_name("before"), directory.with_name("copy")
    shutil.copytree(directory, before)
    compacted(directory)
    with kept(directory) as mock:
        mock.stream("my-basin", "s").append(["later"])
    every = {path.name: path for folder in (before, directory) for path in folder.iterdir()}
    # In the order in which they are made and removed.
    for names in (
        ("log-1", "log-2"),
        ("log-1", "log-2", "state-2.tmp"),
        ("log-1", "log-2", "state-2"),
        ("log-2", "state-2"),
    ):
        copy.mkdir()
        for name in names:
            shutil.copy(every[name.removesuffix(".tmp")], copy / name)
        if "state-2.tmp" in names:
            cut(copy / "state-2.tmp", 40)
        with kept(copy) as mock:
            assert bodies(mock) == (*BODIES, b"later")
        assert not (copy / "state-2.tmp").exists()
        shutil.rmtree(copy)


def test_a_kill_at_any_point_of_a_restore_leaves_the_account_of_before_or_of_after(
    tmp_path: Path,
) -> None:
    directory, before, copy = tmp_path / "data", tmp_path / "before", tmp_path / "copy"
    with S2Mock(clock=ManualClock(1000)) as mock:
        keep(mock, directory)
        stream = mock.create_basin("my-basin").create_stream("s", StreamConfig(retention_policy=60))
        stream.append(["x"])
        snapshot = mock.snapshot()
        mock.advance(40)
        stream.append(["y"])
        shutil.copytree(directory, before)
        mock.restore(snapshot)
    every = {path.name: path for folder in (before, directory) for path in folder.iterdir()}
    # In the order in which they are made and removed. Dates of the restored account are later.
    for names, shift in (
        (("log-1", "state-2.tmp"), 0),
        (("log-1", "log-2", "state-2.tmp"), 0),
        (("log-1", "log-2", "state-2"), 40 * 10**9),
        (("log-2", "state-2"), 40 * 10**9),
    ):
        copy.mkdir()
        for name in names:
            shutil.copy(every[name.removesuffix(".tmp")], copy / name)
        for _ in range(2):
            with kept(copy, clock=ManualClock()) as mock:
                assert bodies(mock) == ((b"x",) if shift else (b"x", b"y"))
                assert mock._engine.timekeeper.shift == shift
                assert mock.clock.now() == 1040 * 10**9
        shutil.rmtree(copy)


def test_a_log_that_is_missing_is_named(directory: Path) -> None:
    shutil.copy(directory / "log-1", directory / "log-3")
    with refuses("log-2 is missing: put it back"), kept(directory):
        pass


def test_a_log_becomes_long_and_is_compacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "_LONG_FRAMES", 50)
    with S2Mock() as mock:
        keeper = keep(mock, tmp_path)
        stream = mock.create_basin("my-basin").create_stream("s")
        for number in range(200):
            stream.append([b"%d" % number])
            if keeper._compacting is not None:
                keeper._compacting.join()
    [state] = tmp_path.glob("state-*")
    assert state.name != "state-1"
    with kept(tmp_path) as mock:
        assert bodies(mock) == tuple(b"%d" % number for number in range(200))


def test_beside_a_large_state_a_log_becomes_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "_LONG_FRAMES", 5)
    asked: list[int] = []
    with S2Mock() as mock:
        keeper = keep(mock, tmp_path)
        keeper.log.on_long = lambda: asked.append(keeper.log._frames)
        stream = mock.create_basin("my-basin").create_stream("s")
        stream.append([bytes(20 * change_log._STATE_BYTES_PER_FRAME)])
        keeper.compact()
        for _ in range(30):
            stream.append([b"x"])
    # The state is a little longer than its record.
    assert asked == [21]


def test_a_directory_of_a_newer_version_is_refused(directory: Path) -> None:
    log = directory / "log-1"
    first, *_ = ends(log)
    newer = encode_json(HEADER, {"s2mock_data": 2})
    log.write_bytes(newer + log.read_bytes()[first:])
    with pytest.raises(DataDirectoryError) as refused, kept(directory):
        pass
    assert "log-1 has format 2, and this s2mock reads up to 1: " in str(refused.value)
    assert "written by a newer s2mock" in str(refused.value)


def test_a_second_server_is_refused_and_the_first_goes_on(directory: Path) -> None:
    with kept(directory) as mock:
        with refuses(r"in use by another s2mock \(process \d+\)"), kept(directory):
            pass
        mock.stream("my-basin", "s").append(["more"])
    with kept(directory) as mock:
        assert bodies(mock) == (*BODIES, b"more")


def test_a_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest").mkdir()
    (tmp_path / ".hidden").touch()
    with pytest.raises(DataDirectoryError) as refused, kept(tmp_path):
        pass
    assert "holds files that s2mock has not written (manifest)" in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "manifest"]


def test_a_file_in_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with refuses("file is a file: name a directory"), kept(tmp_path / "file"):
        pass


def test_a_directory_is_made_with_those_above_it(tmp_path: Path) -> None:
    with kept(tmp_path / "a" / "b"):
        pass
    assert (tmp_path / "a" / "b" / "log-1").exists()


def test_a_snapshot_begins_an_empty_directory_and_no_other(tmp_path: Path) -> None:
    with S2Mock(basins=["my-basin"]) as mock:
        snapshot = mock.snapshot()
    with kept(tmp_path / "data", snapshot=snapshot) as mock:
        mock.create_basin("second-basin")
    with refuses("leave the snapshot out"), kept(tmp_path / "data", snapshot=snapshot):
        pass
    with kept(tmp_path / "data") as mock:
        assert mock.basins == ("my-basin", "second-basin")


def test_a_directory_without_any_change_is_empty_for_a_snapshot(tmp_path: Path) -> None:
    with S2Mock(basins=["my-basin"]) as mock:
        snapshot = mock.snapshot()
    with kept(tmp_path):
        pass
    with kept(tmp_path, snapshot=snapshot) as mock:
        assert mock.basins == ("my-basin",)
    with kept(tmp_path) as mock:
        assert mock.basins == ("my-basin",)


def test_a_time_that_was_noted_while_a_log_began_is_not_lost(tmp_path: Path) -> None:
    with S2Mock(clock=ManualClock(1000)) as mock:
        keeper = keep(mock, tmp_path)
        log = keeper.log
        begin_log = log.begin_log

        def late(shift: int, now: int) -> int:
            # After the time was read for the header.
            mock.advance(50)
            return begin_log(shift, now)

        log.begin_log = late  # type: ignore[method-assign]
        keeper.compact()
    with kept(tmp_path, clock=ManualClock()) as mock:
        assert mock.clock.now() == 1050 * 10**9


def test_what_was_due_while_no_server_ran_is_done_at_the_start(tmp_path: Path) -> None:
    clock = ManualClock(1000)
    with kept(tmp_path, clock=clock, deletion_delay=10) as mock:
        config = StreamConfig(retention_policy=20)
        stream = mock.create_basin("my-basin").create_stream("s", config)
        stream.append(["gone"])
        mock.basin("my-basin").create_stream("deleted").delete()
        assert [*mock.basin("my-basin").streams] == ["deleted", "s"]
    with kept(tmp_path, clock=ManualClock(1030), deletion_delay=10) as mock:
        assert [*mock.basin("my-basin").streams] == ["s"]
        assert bodies(mock) == ()


def test_a_handle_of_before_finds_its_stream_and_no_later_one(tmp_path: Path) -> None:
    with kept(tmp_path) as mock:
        basin = mock.create_basin("my-basin")
        old, deleted = basin.create_stream("s")._place, basin.create_stream("d")._place
        basin.stream("d").delete()
    with kept(tmp_path) as mock:
        assert mock.stream("my-basin", "s")._place == old
        again = mock.basin("my-basin").create_stream("d")._place
        assert again != deleted
        assert again.incarnation is not None
        assert deleted.incarnation is not None
        assert again.incarnation > deleted.incarnation
