"""Whether the size of an account matters to a snapshot: taking, restoring and forking.

Every size is measured in a process of its own, which `python -m benchmarks.subjects.snapshots
STREAMS RECORDS` is.
"""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

from benchmarks.rounds import interleave
from benchmarks.table import Row, microseconds
from s2mock import S2Mock

# Streams, and records in one of them.
_SIZES = ((10, 10), (10_000, 10_000), (1_000_000, 10), (10, 1_000_000))
_QUICK_SIZES = ((10, 10), (1_000, 1_000))
_TIMES = 500
_AIM = 50e-6
_TITLES = {
    "snapshot": "take a snapshot",
    "restore": "restore a snapshot",
    "fork": "fork",
    "write": "create a stream and append, each right after a snapshot",
}


def measure(quick: bool) -> Iterator[Row]:
    """Seconds of each operation at each size."""
    sizes = _QUICK_SIZES if quick else _SIZES
    found: dict[tuple[tuple[int, int], str], list[float]] = {}
    sides = {str(size): partial(_measure_apart, size, found) for size in sizes}
    interleave(sides, 1 if quick else 3)
    for what, title in _TITLES.items():
        for size in sizes:
            yield Row(
                f"{title}, {size[0]:,} streams, {size[1]:,} records",
                found[size, what],
                microseconds,
                aim=None if what == "write" else _AIM,
                absolute=True,
            )


def _measure_apart(
    size: tuple[int, int], found: dict[tuple[tuple[int, int], str], list[float]]
) -> float:
    command = [sys.executable, "-m", __name__, *map(str, size)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    for what, value in json.loads(ran.stdout).items():
        found.setdefault((size, what), []).append(value)
    return 0.0


def _measure(streams: int, records: int) -> dict[str, float]:
    with S2Mock(basins=["my-basin"]) as mock:
        basin = mock.basin("my-basin")
        stream = basin.create_stream("s")
        for number in range(streams - 1):
            basin.create_stream(f"stream-{number}")
        for first in range(0, records, 1000):
            stream.append([b"x"] * min(1000, records - first))
        gc.collect()
        snapshot = mock.snapshot()

        def write(number: int) -> None:
            basin.create_stream(f"new-{number}")
            stream.append([b"x"])

        return {
            "snapshot": _time_of(lambda _: mock.snapshot()),
            "restore": _time_of(lambda _: mock.restore(snapshot)),
            "fork": _time_of(lambda _: mock.fork()),
            "write": _time_of(write, before=mock.snapshot),
        }


def _time_of(
    operation: Callable[[int], object], before: Callable[[], object] = lambda: None
) -> float:
    times = []
    for number in range(_TIMES):
        before()
        start = time.perf_counter()
        operation(number)
        times.append(time.perf_counter() - start)
    return median(times)


if __name__ == "__main__":
    json.dump(_measure(int(sys.argv[1]), int(sys.argv[2])), sys.stdout)
