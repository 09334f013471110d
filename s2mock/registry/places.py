"""Where a basin or a stream is, and what a direct call sees of it at one moment."""

from typing import NamedTuple

from s2mock.registry.state import BasinInfo, StreamInfo
from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.registry.values.positions import StreamPosition


class Place(NamedTuple):
    """A basin, or a stream in it: the one with that incarnation, or for None whichever there is."""

    basin: str
    stream: str | None = None
    incarnation: int | None = None

    def __str__(self) -> str:
        if self.stream is None:
            return f"<Basin {self.basin!r}>"
        return f"<Stream {self.stream!r} in {self.basin!r}>"


class BasinView(NamedTuple):
    """A basin at one moment."""

    incarnation: int
    info: BasinInfo
    config: BasinConfig


class StreamView(NamedTuple):
    """A stream at one moment; `readers` is the number of read sessions that follow at the tail."""

    incarnation: int
    basin_incarnation: int
    info: StreamInfo
    config: StreamConfig
    fencing_token: str
    tail: StreamPosition
    readers: int
