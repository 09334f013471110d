"""The calls of the data plane, each in its simplest good form, and all alike."""

from collections.abc import Callable, Mapping

from s2mock.contract.client import Answer
from s2mock.contract.records import Stream

Call = Callable[..., Answer]


def append(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """A unary append that is good in any timestamping mode."""
    return stream.append({"timestamp": 1}, headers=headers)


def open_append_session(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """An append session without a single input."""
    with stream.append_session(headers=headers) as session:
        session.half_close()
        return session.answer()


def tail(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """Check tail."""
    return stream.tail(headers=headers)


def read(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """A unary read from the beginning."""
    return stream.read(seq_num=0, headers=headers)


def read_session(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """An S2S read that ends at once."""
    with stream.read_session(wait=0, headers=headers) as session:
        return session.answer()


def sse(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """An SSE read that ends at once."""
    with stream.sse(wait=0, headers=headers) as session:
        return session.answer()


APPENDS: tuple[Call, ...] = (append, open_append_session)
READS: tuple[Call, ...] = (tail, read, read_session, sse)
# Those that take the header `s2-stream-config`: all but check tail.
CONFIGURED: tuple[Call, ...] = (append, open_append_session, read, read_session, sse)
