"""The stream of a data operation, created if it is missing and the basin says so.

Source: reference: control_plane §5.9.
"""

from typing import Literal, NamedTuple

from s2mock.registry.operation import Context
from s2mock.registry.rules.encryption import key_digest
from s2mock.registry.rules.retention import check_retention
from s2mock.registry.rules.streams import new_stream
from s2mock.registry.state import Change, Effect, StreamState
from s2mock.registry.values.config import StreamConfig
from s2mock.registry.values.errors import S2Error, StreamNotFound
from s2mock.registry.values.schedule import Due
from s2mock.runtime.clock import Moment


class Opened(NamedTuple):
    """A stream that exists or is created now; `error` ends the operation all the same."""

    state: StreamState
    digest: bytes | None
    due_actions: tuple[tuple[int, Due], ...] = ()
    created: bool = False
    error: S2Error | None = None

    def change(self, basin: str) -> Change:
        """Return the change that creates the stream, or no change if it exists."""
        if not self.created:
            return Change(error=self.error)
        return Change(
            stream=(basin, self.state.name, self.state),
            due_actions=self.due_actions,
            effect=Effect("created"),
            error=self.error,
        )


def open_stream(
    context: Context,
    moment: Moment,
    basin: str,
    stream: str,
    *,
    create_on: Literal["append", "read"],
    config: StreamConfig | None = None,
    key: str | None = None,
    needs_key: bool = True,
) -> Opened:
    """Return the stream for a data operation, created if the basin says so and the caller may.

    `config` is for a stream that is created now. The key is checked after that: a request without
    the right one creates the stream, and is refused. Raises `StreamNotFound`,
    `StreamDeletionPending`, `BasinNotFound`, `BasinDeletionPending`, `RetentionTooLong`.
    """
    due: tuple[tuple[int, Due], ...] = ()
    try:
        found, created = context.state.stream(basin, stream), False
    except StreamNotFound:
        parent = context.state.basin(basin)
        if not parent.config.creates_stream_on(create_on):
            raise
        token = context.token
        if token is not None and "create-stream" not in token.scope.granted:
            # As if the basin did not create streams (reference: account_services §1.2).
            raise
        parent.refuse_if_deleting()
        if config is not None:
            check_retention(context, config)
        made = new_stream(parent, stream, config, moment, None, context.next_incarnation)
        assert made.stream is not None
        state = made.stream[2]
        assert state is not None
        found, due, created = state, made.due_actions, True
    found.refuse_if_deleting()
    if found.cipher is None or not needs_key:
        return Opened(found, None, due, created)
    try:
        return Opened(found, key_digest(found.cipher, key), due, created)
    except S2Error as error:
        return Opened(found, None, due, created, error)
