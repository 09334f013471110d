"""What a read says, in a form that tests can compare."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from s2mock import Stream
from s2mock.registry.engine.read_session import ReadSession
from s2mock.registry.engine.sessions import Following
from s2mock.registry.log.batch import Batch
from s2mock.registry.log.log import LogState
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.rules.open_stream import Opened
from s2mock.registry.rules.read import Read
from tests.handles_inside import engine_of, incarnation_of, state_of


class Said(NamedTuple):
    """One output of a session: when, which records, and the tail's sequence number if told."""

    seconds: float
    seq_nums: list[int]
    tail: int | None


class Steps:
    """A read session, driven in the thread of the test: iterate it for its batches."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    def __iter__(self) -> Iterator[Batch]:
        try:
            while (outcome := self._session.next()) is not None:
                if isinstance(outcome, Batch):
                    yield outcome
                else:
                    outcome.block()
        finally:
            self._session.close()


def log_of(stream: Stream) -> LogState:
    """The stream's log."""
    with engine_of(stream).lock:
        return state_of(stream).log or LogState()


def following_of(stream: Stream) -> tuple[int, int]:
    """How many sessions follow the stream, and how many appends are kept for them."""
    with engine_of(stream).lock:
        following = engine_of(stream).sessions.following.get(incarnation_of(stream), Following(""))
        return following.count, len(following.live)


def open_read(
    stream: Stream, *, tell_tail: bool = False, digest: bytes | None = None, **wanted: object
) -> Steps:
    """A read of the stream, in place from now on."""
    engine, basin = engine_of(stream), stream.basin.name
    operation = Read(basin, stream.name, ReadRequest(), is_session=True)
    # Not checked as that of a request is.
    operation.wanted = ReadRequest(**wanted)
    with engine.lock as moment:
        opened = Opened(state_of(stream), digest)
        start = operation._start(engine.store.write_owner, moment, basin, opened)
        session = ReadSession(engine.lock, engine.store, engine.sessions, start, is_counted=False)
    session.tell_tail = tell_tail
    return Steps(session)


def said(stream: Stream, session: Steps, *, most: int = 1000) -> list[Said]:
    """Return the next outputs of the session, at most `most`, on a staged clock.

    The session goes on for the next call; it is not closed by this one.
    """
    if not hasattr(session, "_outputs"):
        session._outputs = iter(session)
    return [_said(stream, batch) for batch in islice(session._outputs, most)]


def read(stream: Stream, **wanted: object) -> list[Said]:
    """All that a read of the stream says."""
    return said(stream, open_read(stream, **wanted))


def seq_nums(stream: Stream, **wanted: object) -> list[int]:
    """The sequence numbers that a read of the stream delivers."""
    return [seq_num for output in read(stream, **wanted) for seq_num in output.seq_nums]


def _said(stream: Stream, batch: Batch) -> Said:
    return Said(
        engine_of(stream).clock.seconds,
        [record.seq_num for record in batch.records],
        None if batch.tail is None else batch.tail.seq_num,
    )
