"""What a read says, in a form that tests can compare."""

from itertools import islice
from typing import NamedTuple

from s2mock import Stream
from s2mock.registry.reading import Batch, ReadRequest, ReadSession


class Said(NamedTuple):
    """One output of a session: when, which records, and the tail's sequence number if told."""

    seconds: float
    seq_nums: list[int]
    tail: int | None


def open_read(
    stream: Stream, *, tell_tail: bool = False, digest: bytes | None = None, **wanted: object
) -> ReadSession:
    """A read of the stream, in place from now on."""
    return ReadSession(stream, ReadRequest(**wanted), digest, tell_tail=tell_tail)


def said(stream: Stream, session: ReadSession, *, most: int = 1000) -> list[Said]:
    """What the session says from here on, at most so many outputs, on a staged clock.

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
        stream.basin.account.clock.seconds,
        [record.seq_num for record in batch.records],
        None if batch.tail is None else batch.tail.seq_num,
    )
