"""The effect of the size of an account: to take a snapshot, to restore one, and to fork.

Every size is measured in a process of its own: `python -m benchmarks.subjects.snapshot SIZE`.
"""

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

_SIZES = (10, 10_000, 1_000_000)
_QUICK_SIZES = (10, 10_000)
_TIMES = 200
_AIM_SECONDS = 50e-6


def measure(quick: bool) -> Iterator[Row]:
    """Seconds of each, and of the first write that follows, against the smallest size."""
    sizes = _QUICK_SIZES if quick else _SIZES
    found: dict[tuple[int, str], list[float]] = {}
    sides = {str(size): partial(_measure_apart, size, found) for size in sizes}
    interleave(sides, 1 if quick else 3)
    smallest = sizes[0]
    for what in ("snapshot", "restore", "fork", "first create after one", "first append after one"):
        for size in sizes[1:]:
            yield Row(
                f"{what}, {size:,} streams and records",
                found[size, what],
                microseconds,
                peer=f"{smallest} of each",
                theirs=found[smallest, what],
                aim=None if what.startswith("first") else _AIM_SECONDS,
                absolute=True,
            )


def _measure_apart(size: int, found: dict[tuple[int, str], list[float]]) -> float:
    command = [sys.executable, "-m", __name__, str(size)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    for what, value in json.loads(ran.stdout).items():
        found.setdefault((size, what), []).append(value)
    return 0.0


def _measure(size: int) -> dict[str, float]:
    with S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}]) as mock:
        basin = mock.basin("my-basin")
        log = basin.stream("log")
        for number in range(size):
            basin.create_stream(f"logs/{number:07d}")
        for first in range(0, size, 1000):
            log.append(["x" * 100] * min(1000, size - first))
        snapshot = mock.snapshot()
        times: dict[str, list[float]] = {}

        def timed(what: str, function: Callable[[], object]) -> None:
            start = time.perf_counter()
            function()
            times.setdefault(what, []).append(time.perf_counter() - start)

        forks = []
        for number in range(_TIMES):
            timed("restore", lambda: mock.restore(snapshot))
            timed("snapshot", mock.snapshot)
            timed("fork", lambda: forks.append(mock.fork()))
            name = f"logs/{size // 2:07d}-{number}"
            timed("first create after one", partial(basin.create_stream, name))
            mock.snapshot()
            timed("first append after one", partial(log.append, ["x"]))
            forks.pop().close()
    return {what: median(values) for what, values in times.items()}


if __name__ == "__main__":
    json.dump(_measure(int(sys.argv[1])), sys.stdout)
