"""The effect of the number of streams: create, list and memory in small and large basins.

Every size is measured in a process of its own, `python -m benchmarks.subjects.scale SIZE`: the
result in a process that had a larger size before would differ.
"""

import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.rounds import interleave
from benchmarks.table import Row, count_of_bytes, microseconds
from s2mock import S2Mock

_SIZES = (1_000, 100_000, 1_000_000)
_QUICK_SIZES = (1_000, 10_000)
_BLOCKS, _BLOCK = 50, 20
_STATM = Path("/proc/self/statm")
_TITLES = {
    "direct": "create stream, direct call",
    "request": "create stream, in process",
    "fill": "create stream, direct call, mean over filling the basin",
    "page": "list 100 streams from the middle, direct call",
}
_AIMED_AT = ("direct", "request", "page")


def measure(quick: bool) -> Iterator[Row]:
    """Seconds of each operation, at each size against the smallest; bytes of each stream."""
    sizes = _QUICK_SIZES if quick else _SIZES
    found: dict[tuple[int, str], list[float]] = {}
    sides = {str(size): partial(_measure_apart, size, found) for size in sizes}
    interleave(sides, 1 if quick else 5)
    smallest = sizes[0]
    for what, title in _TITLES.items():
        for size in sizes[1:]:
            yield Row(
                f"{title}, {size:,} streams",
                found[size, what],
                microseconds,
                peer=f"{smallest:,} streams",
                theirs=found[smallest, what],
                aim=1.3 if what in _AIMED_AT else None,
            )
    for size in sizes[1:]:
        yield Row(f"memory of a stream, {size:,} streams", found[size, "memory"], count_of_bytes)


def _measure_apart(size: int, found: dict[tuple[int, str], list[float]]) -> float:
    command = [sys.executable, "-m", __name__, str(size)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    for what, value in json.loads(ran.stdout).items():
        found.setdefault((size, what), []).append(value)
    return 0.0


def _name(number: int) -> str:
    """Return names in no order, which are the worst case of an ordered index."""
    return f"logs/{number * 2_654_435_761 % 2**32:010d}"


def _measure(size: int) -> dict[str, float]:
    with S2Mock(basins=["my-basin"]) as mock:
        basin, client = mock.basin("my-basin"), mock.client

        def create(number: int) -> None:
            basin.create_stream(_name(number))

        def request(number: int) -> None:
            headers = {"s2-basin": "my-basin"}
            client.post("/v1/streams", headers=headers, json={"stream": _name(number)})

        def delete(number: int) -> None:
            basin.stream(_name(number)).delete()

        def page(_: int) -> None:
            basin.list_streams(prefix="logs/", start_after="logs/2147483648", limit=100)

        # The first of each pays for imports.
        request(size)
        delete(size)
        memory, start = memory_in_use(), time.perf_counter()
        for number in range(size):
            create(number)
        fill = (time.perf_counter() - start) / size
        memory = memory_in_use() - memory
        gc.collect()
        return {
            "fill": fill,
            "direct": _time_of(create, size, undo=delete),
            "request": _time_of(request, size, undo=delete),
            "page": _time_of(page, size),
            "memory": memory / size,
        }


def _time_of(
    operation: Callable[[int], None], first: int, undo: Callable[[int], None] | None = None
) -> float:
    """The median over blocks of a few, each undone so that the size stays."""
    times = []
    for block in range(_BLOCKS):
        numbers = range(first + block * _BLOCK, first + (block + 1) * _BLOCK)
        start = time.perf_counter()
        for number in numbers:
            operation(number)
        times.append((time.perf_counter() - start) / _BLOCK)
        if undo is not None:
            for number in numbers:
                undo(number)
    return median(times)


def memory_in_use() -> int:
    """Return the memory of this process in bytes, or else its maximum so far."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    json.dump(_measure(int(sys.argv[1])), sys.stdout)
