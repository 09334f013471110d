"""What is behind a handle in this process, for tests of the engine."""

from typing import TYPE_CHECKING, Any

from s2mock import Basin, Stream
from s2mock.registry.state import StreamState

if TYPE_CHECKING:
    from s2mock.registry.engine.engine import Engine


def engine_of(handle: Basin | Stream) -> Any:
    """Return the engine of a handle's account."""
    return handle._backend.engine  # type: ignore[attr-defined]  # of this process


def incarnation_of(handle: Basin | Stream) -> Any:
    """Return the number of a basin or stream among all that have had its name."""
    return handle._place.incarnation


def state_of(stream: Stream) -> StreamState:
    """Return the state of a stream; the account's lock is held."""
    engine: Engine = engine_of(stream)
    return engine.state.stream(stream.basin.name, stream.name, incarnation_of(stream))
