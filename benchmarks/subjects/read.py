"""Reads over S2S sessions: catching up with a long stream, and many followers of a live one."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from selectors import EVENT_READ, DefaultSelector
from threading import Thread

from benchmarks.load.session import FrameSession, append_frame
from benchmarks.peers import LITE, absence, serving
from benchmarks.rounds import interleave
from benchmarks.subjects.append import fill, new_stream
from benchmarks.table import Row, mebibytes_rate, milliseconds
from s2mock.api.wire import messages

_BODY_BYTES = 100
_BATCH_RECORDS = 1000
_FOLLOWERS = 50


def measure(quick: bool) -> Iterator[Row]:
    """Catch-up in MiB/s of frames; the time until all followers have an append."""
    rounds, records, appends = (1, 20_000, 5) if quick else (3, 1_000_000, 100)
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(serving(name)).port
            for name in ("s2mock", LITE)
            if not absence(name)
        }
        paths = {name: new_stream(port) for name, port in ports.items()}
        for name, port in ports.items():
            frame = append_frame(_BATCH_RECORDS, _BODY_BYTES)
            fill(port, paths[name], frame, records // _BATCH_RECORDS)
        rates = interleave(
            {n: partial(_catch_up, port, paths[n], records) for n, port in ports.items()}, rounds
        )
        yield Row(
            f"catch-up read of {records:,} records of {_BODY_BYTES} B",
            rates["s2mock"],
            mebibytes_rate,
            peer=LITE,
            theirs=rates.get(LITE),
            aim=2,
            more_is_better=True,
            absent=absence(LITE),
        )
        times = interleave(
            {name: partial(_fan_out, port, appends) for name, port in ports.items()}, rounds
        )
        yield Row(
            f"an append until {_FOLLOWERS} followers have it",
            times["s2mock"],
            milliseconds,
            peer=LITE,
            theirs=times.get(LITE),
            aim=0.3,
            absent=absence(LITE),
        )


def _catch_up(port: int, path: str, records: int) -> float:
    session = FrameSession(port, "GET", f"{path}/records?seq_num=0&count={records}")
    start = time.perf_counter()
    received = sum(len(payload) for payload in session.frames())
    seconds = time.perf_counter() - start
    session.close()
    if received < records * _BODY_BYTES:
        raise ValueError(f"{received} bytes are not {records} records of {_BODY_BYTES}")
    return received / 1024 / 1024 / seconds


def _fan_out(port: int, appends: int) -> float:
    path = new_stream(port)
    followers = [FrameSession(port, "GET", f"{path}/records?seq_num=0") for _ in range(_FOLLOWERS)]
    # In one thread: fifty would wait for the interpreter, and not for the server.
    reader = Thread(target=_follow, args=(followers, appends))
    reader.start()
    writer = FrameSession(port, "POST", f"{path}/records")
    acknowledged, frame = writer.frames(), append_frame(1, _BODY_BYTES)
    start = time.perf_counter()
    for _ in range(appends):
        writer.send(frame)
        next(acknowledged)
    reader.join()
    seconds = time.perf_counter() - start
    for session in (writer, *followers):
        session.close()
    return seconds / appends


def _follow(followers: Sequence[FrameSession], records: int) -> None:
    """Read until each session has had that number of records."""
    left = dict.fromkeys(followers, records)
    with DefaultSelector() as selector:
        for session in followers:
            selector.register(session.socket, EVENT_READ, session)
        while left:
            for key, _ in selector.select():
                session = key.data
                for payload in session.received_frames():
                    left[session] -= len(messages.ReadBatch.FromString(payload).records)
                if left[session] <= 0:
                    selector.unregister(session.socket)
                    del left[session]
