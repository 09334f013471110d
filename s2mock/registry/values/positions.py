"""Places in a stream. Source: reference: data_plane §1.8."""

from typing import NamedTuple


class StreamPosition(NamedTuple):
    """A place in a stream; the timestamp is in milliseconds since the Unix epoch."""

    seq_num: int
    timestamp: int
