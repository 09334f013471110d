"""The calls of the data plane in their simplest valid form, with equal signatures."""

from collections.abc import Callable, Mapping

from s2mock.contract.client import Answer
from s2mock.contract.records import Stream

Call = Callable[..., Answer]


def append(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a unary append that is valid in any timestamping mode."""
    return stream.append({"timestamp": 1}, headers=headers)


def open_append_session(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """Open an append session without any input."""
    with stream.append_session(headers=headers) as session:
        session.half_close()
        return session.answer()


def tail(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request for the tail."""
    return stream.tail(headers=headers)


def read(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a unary read from the beginning."""
    return stream.read(seq_num=0, headers=headers)


def read_session(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """Open an S2S read that ends at once."""
    with stream.read_session(wait=0, headers=headers) as session:
        return session.answer()


def sse(stream: Stream, headers: Mapping[str, str] | None = None) -> Answer:
    """Open an SSE read that ends at once."""
    with stream.sse(wait=0, headers=headers) as session:
        return session.answer()


APPENDS: tuple[Call, ...] = (append, open_append_session)
READS: tuple[Call, ...] = (tail, read, read_session, sse)
# The calls that accept the header `s2-stream-config`: all but check tail.
CONFIGURED: tuple[Call, ...] = (append, open_append_session, read, read_session, sse)
