"""Appending to a stream: one batch, or a session of them. Source: reference: data_plane §3."""

from typing import Final, NamedTuple

from s2mock.registry.log.log import LogState
from s2mock.registry.operation import Context, Operation
from s2mock.registry.rules.deletion import emptied
from s2mock.registry.rules.encryption import key_digest
from s2mock.registry.rules.open_stream import Opened, open_stream
from s2mock.registry.state import Change, Effect
from s2mock.registry.values.config import StreamConfig
from s2mock.registry.values.errors import S2Error, StreamNotFound, Unavailable
from s2mock.registry.values.names import BasinName, StreamName
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import AppendAck, AppendInput
from s2mock.runtime.clock import Moment

_EMPTY = LogState()
_APPEND_ONLY: Final = frozenset({"append"})


class Target(NamedTuple):
    """The stream of an open append session, and no later stream of its name."""

    incarnation: int
    digest: bytes | None
    # The session ends with it: see `Sessions.generation`.
    generation: int


class OpenAppendSession(Operation):
    """Open a session of appends (§6.4).

    Returns its `Target`. Raises what `Append` raises before it looks at records.
    """

    __slots__ = ("config", "key")
    name = "append-session"

    def __init__(
        self, basin: str, stream: str, *, key: str | None, config: StreamConfig | None
    ) -> None:
        super().__init__(BasinName(basin), StreamName(stream))
        self.key = key
        self.config = config

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the stream, which is created if the basin says so."""
        basin, stream = str(self.basin), str(self.stream)
        opened = open_stream(
            context,
            moment,
            basin,
            stream,
            create_on="append",
            config=self.config,
            key=self.key,
        )
        target = Target(opened.state.incarnation, opened.digest, context.generation)
        return opened.change(basin)._replace(result=target)


class Append(Operation):
    """Append a batch, all of it or nothing.

    With a `target`, to the stream of an open session; with an `incarnation`, to that stream and no
    other of its name. `is_with_last` is True if it was received in a session together with the
    batch before it, so that both become durable at once. Returns an `AppendAck`.

    Raises `Invalid`, `BadHeader` (for the key), `FencingTokenMismatch`, `SeqNumMismatch`,
    `BasinNotFound`, `BasinDeletionPending`, `StreamNotFound`, `StreamDeletionPending`, and
    `Unavailable` if the stream was deleted since its session was opened (§8.5).
    """

    basin: str
    stream: str
    __slots__ = ("batch", "config", "incarnation", "is_with_last", "key", "target")
    name = "append"

    def __init__(
        self,
        basin: str,
        stream: str,
        batch: AppendInput,
        *,
        key: str | None = None,
        config: StreamConfig | None = None,
        target: Target | None = None,
        incarnation: int | None = None,
        is_with_last: bool = False,
    ) -> None:
        super().__init__(BasinName(basin), StreamName(stream))
        self.batch: AppendInput = batch
        self.is_with_last: bool = is_with_last
        self.key = key
        self.config = config
        self.target = target
        self.incarnation = incarnation

    @property
    def parts(self) -> frozenset[str]:  # type: ignore[override]  # of each batch
        """The operations in the batch: `append` for records that are no command."""
        if not self.batch.has_commands:
            return _APPEND_ONLY
        return frozenset(record.command or "append" for record in self.batch.records)

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the records with their numbers and timestamps, behind those of the log."""
        basin, opened = self.basin, self._opened(context, moment)
        if opened.error is not None:
            return opened.change(basin)
        try:
            return _append(context, moment, basin, opened, self.batch)
        except S2Error as error:
            if not opened.created:
                raise
            # The stream is created all the same.
            return opened._replace(error=error).change(basin)

    def _opened(self, context: Context, moment: Moment) -> Opened:
        basin, stream, target = self.basin, self.stream, self.target
        if target is not None:
            if target.generation != context.generation:
                raise Unavailable
            try:
                state = context.state.stream(basin, stream, target.incarnation)
            except StreamNotFound:
                raise Unavailable from None
            state.refuse_if_deleting()
            return Opened(state, target.digest)
        if self.incarnation is not None:
            state = context.state.stream(basin, stream, self.incarnation)
            state.refuse_if_deleting()
            return Opened(state, key_digest(state.cipher, self.key))
        return open_stream(
            context,
            moment,
            basin,
            stream,
            create_on="append",
            config=self.config,
            key=self.key,
        )


def _append(
    context: Context,
    moment: Moment,
    basin: str,
    opened: Opened,
    batch: AppendInput,
) -> Change:
    stream, due = opened.state, opened.due_actions
    log = stream.log or _EMPTY
    if moment.account_time >= log.next_expiry:
        log = log.expired(context.write_owner, moment.account_time)
        stream = stream.with_log(log)
    written = log.decide_append(batch, moment, stream.config, stream.cipher, opened.digest)
    first, tail = log.tail.seq_num, written.tail
    if written.trim_point >= tail.seq_num:
        stream, entries = emptied(basin, stream, moment.account_time)
        due += entries
    return Change(
        AppendAck(StreamPosition(first, written.timestamps[0]), tail, tail),
        stream=(basin, stream.name, stream),
        written=written,
        due_actions=due,
        effect=Effect("appended", first, tail.seq_num - 1),
    )
