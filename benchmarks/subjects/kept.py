"""An account that is kept in a directory: its appends, and the start with what is there."""

import gc
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from benchmarks.load.exchange import Exchange
from benchmarks.load.process import run_load
from benchmarks.peers import BASIN, Peer, serving
from benchmarks.rounds import interleave
from benchmarks.subjects.append import new_stream
from benchmarks.table import Row, microseconds, milliseconds

_BODY_BYTES: Final = 100
# The records of each stream, and of each append of them.
_STREAMS: Final = 10
_BATCHES: Final = (1, 100)
# The longest log that a server leaves: that number of changes, and that part of all, since a
# log of more changes or bytes than `ChangeLog` allows beside the state is replaced by a state.
_LOG_CHANGES: Final = 32_768
_LOG_PART: Final = 1 / 6


class _Load(NamedTuple):
    protocol: str
    connections: int
    in_flight: int
    aim: float | None


_LOADS: Final = {
    "HTTP/1.1, 32 in flight": _Load("http1", 32, 1, 1.5),
    "h2c, 40 in flight": _Load("h2c", 4, 10, 1.5),
    # A client that waits for each answer waits for the disk, as long as that takes.
    "HTTP/1.1, one at a time": _Load("http1", 1, 1, None),
}
_WORK: Final = "HTTP/1.1, 32 in flight"


def measure(quick: bool) -> Iterator[Row]:
    """Yield the time of an append, and that of a start."""
    yield from _appends(*((1, 0.2) if quick else (7, 1.0)))
    rounds, records = (1, 10_000) if quick else (5, 1_000_000)
    for batch in _BATCHES:
        yield from _starts(rounds, records, batch)


def _appends(rounds: int, seconds: float) -> Iterator[Row]:
    yield from _appends_by(("batch",), rounds, seconds)
    # Apart: a sync also waits for what another server has written and not synced.
    yield from _appends_by(("never", "always"), rounds, seconds)


def _appends_by(modes: tuple[str, ...], rounds: int, seconds: float) -> Iterator[Row]:
    with ExitStack() as stack:
        peers = {
            mode: stack.enter_context(serving(f"s2mock-{mode}" if mode else "s2mock"))
            for mode in ("", *modes)
        }
        ports = {mode: peer.port for mode, peer in peers.items()}
        paths = {mode: new_stream(port) for mode, port in ports.items()}
        if "batch" in modes:
            load = _LOADS[_WORK]
            work = interleave(
                {
                    mode: partial(_work, peers[mode], paths[mode], load, seconds)
                    for mode in ("", "batch")
                },
                rounds,
            )
            yield Row(
                f"append of one record, {_WORK}, `--sync batch`, time of the processor",
                work["batch"],
                microseconds,
                peer="in memory",
                theirs=work[""],
                aim=1.5,
            )
        for title, load in _LOADS.items():
            times = interleave(
                {mode: partial(_time, ports[mode], paths[mode], load, seconds) for mode in ports},
                rounds,
            )
            for mode in modes:
                yield Row(
                    f"append of one record, {title}, `--sync {mode}`",
                    times[mode],
                    microseconds,
                    peer="in memory",
                    theirs=times[""],
                    aim=load.aim if mode == "batch" else None,
                )


def _work(peer: Peer, path: str, load: _Load, seconds: float) -> float:
    """Return the processor time for each append, in seconds."""
    before = peer.processor_seconds()
    requests, _ = _run(peer.port, path, load, seconds)
    return (peer.processor_seconds() - before) / requests


def _time(port: int, path: str, load: _Load, seconds: float) -> float:
    """Return the seconds for each append."""
    requests, took = _run(port, path, load, seconds)
    return took / requests


def _run(port: int, path: str, load: _Load, seconds: float) -> tuple[int, float]:
    """Append for that time; return the number of appends, and the seconds that they took."""
    exchange = Exchange(
        method="POST",
        target=f"{path}/records",
        headers=(("s2-basin", BASIN), ("content-type", "application/json")),
        body=json.dumps({"records": [{"body": "x" * _BODY_BYTES}]}),
        status=200,
    )
    return run_load(
        exchange,
        port,
        protocol=load.protocol,
        connections=load.connections,
        in_flight=load.in_flight,
        seconds=seconds,
    )


def _starts(rounds: int, records: int, batch: int) -> Iterator[Row]:
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        _fill(directory, records, batch)
        sides = {"start": partial(_start, directory), "lines": partial(_read_lines, directory)}
        # The first one includes the time of late imports.
        interleave(sides, 1)
        times = interleave(sides, rounds)
        how = "one by one" if batch == 1 else f"in batches of {batch}"
        yield Row(
            f"start with {records:,} records of {_BODY_BYTES} B, appended {how}",
            times["start"],
            milliseconds,
            peer="its files, line by line",
            theirs=times["lines"],
            aim=4,
        )


def _fill(directory: Path, records: int, batch: int) -> None:
    """Write the files of an account whose log is as long as it becomes beside that state."""
    from s2mock import S2Mock

    bodies = ["x" * _BODY_BYTES] * batch
    changes = records // batch
    in_log = min(_LOG_CHANGES, int(changes * _LOG_PART))
    with S2Mock() as mock:
        mock._keep_in(directory, "never", report=print, end=bool)  # noqa: SLF001  # no option of it
        keeper = mock._keeper  # noqa: SLF001
        assert keeper is not None
        # A thread would write the state at some other change in each run.
        keeper.log.on_long = None
        basin = mock.create_basin(BASIN)
        streams = [basin.create_stream(f"s{number}") for number in range(_STREAMS)]
        for number in range(changes):
            if number == changes - in_log:
                keeper.compact()
                keeper.log.on_long = _refuse_long
            streams[number % _STREAMS].append(bodies)


def _refuse_long() -> None:
    raise AssertionError("a server would have replaced this log: make it shorter")


def _start(directory: Path) -> float:
    from s2mock.data_directory.files import Files
    from s2mock.data_directory.reader import read_account

    gc.collect()
    start = time.perf_counter()
    with closing(Files(directory)) as files:
        stored = read_account(files)
    assert stored is not None
    return time.perf_counter() - start


def _read_lines(directory: Path) -> float:
    gc.collect()
    start = time.perf_counter()
    for path in directory.iterdir():
        with path.open("rb") as file:
            for _ in file:
                pass
    return time.perf_counter() - start
