"""Appends over one S2S session, against the reference server in memory."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from itertools import count, islice
from statistics import quantiles
from uuid import uuid4

from benchmarks.load.session import FrameSession, append_frame
from benchmarks.peers import BASIN, BEFORE, LITE, Peer, absence, serving
from benchmarks.rounds import interleave
from benchmarks.table import Row, mebibytes_rate, microseconds, milliseconds, rate

_BATCH_RECORDS, _BODY_BYTES = 100, 1024
# As many unacknowledged batches as the official SDKs allow by their default of bytes.
_UNACKNOWLEDGED = 40

# The reference server may have been measured before.
_RUN = uuid4().hex
_streams = count()


def measure(quick: bool) -> Iterator[Row]:
    """Yield latency and processor time of single records, and throughput of batches."""
    rounds, appends, batches = (1, 50, 20) if quick else (5, 500, 300)
    with ExitStack() as stack:
        peers = {
            name: stack.enter_context(serving(name))
            for name in ("s2mock", LITE, BEFORE)
            if not absence(name)
        }
        yield _work(peers, rounds, appends)
        peers.pop(BEFORE, None)
        ports = {name: peer.port for name, peer in peers.items()}
        latencies_of: dict[str, list[list[float]]] = {name: [] for name in ports}
        for _ in range(rounds):
            for name, port in ports.items():
                latencies_of[name].append(latencies(port, appends))
        for title, percentile in (("p50", 49), ("p99", 98)):
            values = {
                name: [quantiles(times, n=100)[percentile] for times in measured]
                for name, measured in latencies_of.items()
            }
            yield Row(
                f"append of one record, acknowledged, {title}",
                values["s2mock"],
                milliseconds,
                peer=LITE,
                theirs=values.get(LITE),
                aim=0.02 if title == "p50" else None,
                absent=absence(LITE),
            )
        rates = interleave({n: partial(batch_rate, p, batches) for n, p in ports.items()}, rounds)
        mebibyte = 1024 * 1024 / _BODY_BYTES
        for show, unit in ((rate, 1.0), (mebibytes_rate, mebibyte)):
            yield Row(
                f"records of {_BODY_BYTES} B appended in batches of {_BATCH_RECORDS}",
                [value / unit for value in rates["s2mock"]],
                show,
                peer=LITE,
                theirs=[value / unit for value in rates[LITE]] if LITE in rates else None,
                aim=1,
                more_is_better=True,
                absent=absence(LITE),
            )


def new_stream(port: int) -> str:
    """Return the path of a new stream."""
    path = f"/v1/streams/bench-{_RUN}-{next(_streams)}"
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("PUT", path, headers={"s2-basin": BASIN})
    status = connection.getresponse().status
    connection.close()
    if status != 201:
        raise ValueError(f"expected status 201, not {status}")
    return path


def fill(port: int, path: str, frame: bytes, batches: int) -> None:
    """Append the same batch `count` times."""
    session = FrameSession(port, "POST", f"{path}/records")
    acknowledged = session.frames()
    for number in range(batches):
        session.send(frame)
        if number >= _UNACKNOWLEDGED:
            next(acknowledged)
    for _ in islice(acknowledged, min(batches, _UNACKNOWLEDGED)):
        pass
    session.close()


def _work(peers: dict[str, Peer], rounds: int, appends: int) -> Row:
    sides = {
        name: partial(_work_for_an_append, peer, appends)
        for name, peer in peers.items()
        if name != LITE
    }
    # The first one includes the time of late imports.
    interleave(sides, 1)
    work = interleave(sides, rounds)
    return Row(
        "append of one record, acknowledged, time of the processor",
        work["s2mock"],
        microseconds,
        peer="s2mock before",
        theirs=work.get(BEFORE),
        aim=1 / 1.6,
        absent=absence(BEFORE),
    )


def _work_for_an_append(peer: Peer, appends: int) -> float:
    before = peer.processor_seconds()
    latencies(peer.port, appends)
    return (peer.processor_seconds() - before) / appends


def latencies(port: int, appends: int) -> list[float]:
    """Seconds until each append of one record is acknowledged."""
    session = FrameSession(port, "POST", f"{new_stream(port)}/records")
    acknowledged, frame, times = session.frames(), append_frame(1, 100), []
    for _ in range(appends):
        start = time.perf_counter()
        session.send(frame)
        next(acknowledged)
        times.append(time.perf_counter() - start)
    session.close()
    return times


def batch_rate(port: int, batches: int) -> float:
    """Records a second, in batches that are sent ahead of their acknowledgements."""
    path, frame = new_stream(port), append_frame(_BATCH_RECORDS, _BODY_BYTES)
    start = time.perf_counter()
    fill(port, path, frame, batches)
    return batches * _BATCH_RECORDS / (time.perf_counter() - start)
