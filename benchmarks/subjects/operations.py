"""The work of single operations in process, against an earlier state of s2mock.

Time of the processor. Each round of each side is a process of its own, which
`python -m benchmarks.subjects.operations` is.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.peers import BEFORE, absence, running
from benchmarks.rounds import interleave
from benchmarks.table import Row, microseconds

if TYPE_CHECKING:
    from s2mock import S2Mock

_HEADERS = {"s2-basin": "my-basin"}
_PATH = "/v1/streams/log/records"
_PROTOBUF = "application/protobuf"
_CONFIG = {
    "storage_class": "standard",
    "retention_policy": {"age": 604_800},
    "timestamping": {"mode": "client-prefer", "uncapped": False},
    "delete_on_empty": {"min_age_secs": 60},
}
_BODY = "x" * 100
# The title, and the factor by which the work must have decreased.
_OPERATIONS = {
    "create": ("create stream", 1.1),
    "create with configuration": ("create stream with its configuration", 1.25),
    "append json": ("append of 100 records as JSON", 2.0),
    "append protobuf": ("append of 100 records as protobuf", 1.3),
    "read json": ("read of 1,000 records as JSON", 1.2),
    "read protobuf": ("read of 1,000 records as protobuf", 1.6),
}
_BLOCKS = 5


def measure(quick: bool) -> Iterator[Row]:
    """Seconds of each operation."""
    found: dict[tuple[str, str], list[float]] = {}
    absent = absence(BEFORE)
    sides = {
        name: partial(_measure_apart, name, "20" if quick else "200", found)
        for name in ("s2mock", BEFORE)
        if name != BEFORE or not absent
    }
    interleave(sides, 1 if quick else 7)
    for what, (title, times_less) in _OPERATIONS.items():
        yield Row(
            f"{title}, in process",
            found["s2mock", what],
            microseconds,
            peer="s2mock before",
            theirs=found.get((BEFORE, what)),
            aim=1 / times_less,
            absent=absent,
        )


def _measure_apart(name: str, calls: str, found: dict[tuple[str, str], list[float]]) -> float:
    with running("benchmarks.subjects.operations", calls, peer=name) as process:
        assert process.stdout is not None
        for what, value in json.loads(process.stdout.read()).items():
            found.setdefault((name, what), []).append(value)
    return 0.0


def _measure(calls: int) -> dict[str, float]:
    from s2mock import S2Mock

    with S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}]) as mock:
        operations = _operations(mock)
        return {what: time_of(operations[what], calls) for what in _OPERATIONS}


def _operations(mock: "S2Mock") -> dict[str, Callable[[], int]]:
    """Return functions, each of which makes one call and returns its status."""
    client, numbers = mock.client, count()
    document = json.dumps({"records": [{"body": _BODY}] * 100})
    record = b"\x1a" + bytes([len(_BODY)]) + _BODY.encode()
    message = (b"\x0a" + bytes([len(record)]) + record) * 100
    # The records to read are in a separate stream.
    stream = mock.basin("my-basin").create_stream("read")
    stream.append([_BODY] * 1000)
    read = "/v1/streams/read/records?seq_num=0&count=1000"

    def create(**config: object) -> int:
        body = {"stream": f"logs/{next(numbers)}", **config}
        return client.post("/v1/streams", headers=_HEADERS, json=body).status_code

    def append(data: str | bytes, content_type: str) -> int:
        return client.post(
            _PATH, headers=_HEADERS, data=data, content_type=content_type
        ).status_code

    def get(accept: str) -> int:
        return client.get(read, headers=_HEADERS | {"accept": accept}).status_code

    return {
        "create": create,
        "create with configuration": partial(create, config=_CONFIG),
        "append json": partial(append, document, "application/json"),
        "append protobuf": partial(append, message, _PROTOBUF),
        "read json": partial(get, "application/json"),
        "read protobuf": partial(get, _PROTOBUF),
    }


def time_of(operation: Callable[[], int], calls: int) -> float:
    """Return the least time of some blocks: any more is noise."""
    assert operation() in (200, 201)
    times = []
    for _ in range(_BLOCKS):
        gc.collect()
        start = time.process_time()
        for _ in range(calls):
            operation()
        times.append((time.process_time() - start) / calls)
    return min(times)


if __name__ == "__main__":
    json.dump(_measure(int(sys.argv[1])), sys.stdout)
