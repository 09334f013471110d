"""The effect of the length of a log: reads by timestamp, appends, and memory of a record.

Every length is measured in a process of its own: `python -m benchmarks.subjects.log_scale LENGTH`.
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
from benchmarks.subjects.scale import memory_in_use
from benchmarks.table import Row, count_of_bytes, microseconds
from s2mock import AppendRecord, S2Mock

_LENGTHS = (1_000, 1_000_000)
_QUICK_LENGTHS = (1_000, 20_000)
_BODY_BYTES = 100
_BLOCKS, _BLOCK = 30, 20
_TITLES = {
    "read": "read one record by timestamp, in process",
    "append": "append one record, direct",
}


def measure(quick: bool) -> Iterator[Row]:
    """Seconds of each operation against the shorter log; bytes of a record beyond its body."""
    lengths = _QUICK_LENGTHS if quick else _LENGTHS
    found: dict[tuple[int, str], list[float]] = {}
    sides = {str(length): partial(_measure_apart, length, found) for length in lengths}
    interleave(sides, 1 if quick else 3)
    short, long = lengths
    for what, title in _TITLES.items():
        yield Row(
            f"{title}, {long:,} records",
            found[long, what],
            microseconds,
            peer=f"{short:,} records",
            theirs=found[short, what],
            aim=1.3,
        )
    yield Row(
        f"memory of a record beyond its body, {long:,} records",
        found[long, "memory"],
        count_of_bytes,
    )


def _measure_apart(length: int, found: dict[tuple[int, str], list[float]]) -> float:
    command = [sys.executable, "-m", __name__, str(length)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    for what, value in json.loads(ran.stdout).items():
        found.setdefault((length, what), []).append(value)
    return 0.0


def _measure(length: int) -> dict[str, float]:
    with S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "s"}]}]) as mock:
        stream, client = mock.basin("my-basin").stream("s"), mock.client
        gc.collect()
        before = memory_in_use()
        for first in range(0, length, 1000):
            stream.append(
                AppendRecord(b"%0*d" % (_BODY_BYTES, number), timestamp=number)
                for number in range(first, first + 1000)
            )
        gc.collect()
        memory = memory_in_use() - before

        def read(number: int) -> None:
            timestamp = number * 7919 % length
            path = f"/v1/streams/s/records?timestamp={timestamp}&count=1"
            answer = client.get(path, headers={"s2-basin": "my-basin"})
            assert answer.json["records"][0]["timestamp"] == timestamp

        def append(_: int) -> None:
            stream.append([b"x"])

        read(0)
        return {
            "read": _time_of(read),
            "append": _time_of(append),
            "memory": memory / length - _BODY_BYTES,
        }


def _time_of(operation: Callable[[int], None]) -> float:
    times = []
    for block in range(_BLOCKS):
        start = time.perf_counter()
        for number in range(block * _BLOCK, (block + 1) * _BLOCK):
            operation(number)
        times.append((time.perf_counter() - start) / _BLOCK)
    return median(times)


if __name__ == "__main__":
    json.dump(_measure(int(sys.argv[1])), sys.stdout)
