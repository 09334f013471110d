"""A stream: its configuration, its life and its log.

Sources: reference: control_plane §5, data_plane §3 (append), §4 (read), §8 (deletion).
"""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Unpack

from s2mock.registry import delete_on_empty
from s2mock.registry.config import UNSET, Cipher, StreamConfig, StreamConfigChanges
from s2mock.registry.encryption import key_digest
from s2mock.registry.errors import (
    StreamDeletionPending,
    StreamNotFound,
    Unavailable,
)
from s2mock.registry.log import Log
from s2mock.registry.names import RequestToken, StreamName
from s2mock.registry.records import (
    AppendAck,
    AppendInput,
    AppendRecord,
    SequencedRecord,
    StreamPosition,
)
from s2mock.registry.resource import Resource

if TYPE_CHECKING:
    from s2mock.registry.basin import Basin


class StreamInfo(NamedTuple):
    """A stream as S2 describes it; times in nanoseconds since the Unix epoch."""

    name: str
    created_at: int
    deleted_at: int | None
    cipher: Cipher | None


class Stream(Resource[StreamConfig]):
    """A stream of a basin; `config` is resolved and has no unset leaf."""

    __slots__ = ("_followers", "_log", "basin", "check_due", "cipher", "last_write", "name")

    def __init__(
        self,
        basin: "Basin",
        name: StreamName,
        config: StreamConfig,
        created_at: int,
        creation: tuple[RequestToken, StreamConfig] | None,
    ) -> None:
        super().__init__(config, created_at, creation)
        self.basin = basin
        self.name = name
        # Frozen for the stream's life, whatever becomes of the basin's setting.
        self.cipher = basin.config.stream_cipher
        self.last_write = created_at
        # When delete-on-empty is to look at it next, if it is.
        self.check_due: int | None = None
        # A basin may hold a million streams that nobody ever writes to.
        self._log: Log | None = None
        self._followers: dict[threading.Condition, None] | None = None
        delete_on_empty.watch(self, created_at, UNSET)

    def __repr__(self) -> str:
        return f"<Stream {self.name!r} in {self.basin.name!r}>"

    @property
    def info(self) -> StreamInfo:
        """The stream as it is now."""
        return StreamInfo(self.name, self.created_at, self.deleted_at, self.cipher)

    @property
    def log(self) -> Log:
        """The records and what belongs to them; to be used in turn only."""
        if self._log is None:
            self._log = Log()
        return self._log

    @property
    def followers(self) -> dict[threading.Condition, None]:
        """What to notify when the log has grown, in the order in which they came."""
        if self._followers is None:
            self._followers = {}
        return self._followers

    def get_config(self) -> StreamConfig:
        """The stream's configuration. Raises `StreamNotFound`, `StreamDeletionPending`."""
        with self.basin.account.turn:
            self.refuse_if_deleting()
            return self.config

    def reconfigure(self, **changes: Unpack[StreamConfigChanges]) -> StreamConfig:
        """Lay `changes` over the configuration and return the new one.

        A leaf that is `None` falls back to the basin's current default, else the system's.
        Raises `InvalidConfig`, `BasinDeletionPending`, `StreamNotFound`, `StreamDeletionPending`.
        Source: reference: control_plane §5.6.
        """
        with self.basin.account.turn as now:
            self.basin.refuse_if_deleting()
            self.refuse_if_deleting()
            config = self.config.reconfigure(changes).merge(self.basin.resolved_defaults)
            self.set_config(config, now)
            return self.config

    def set_config(self, config: StreamConfig, now: int) -> None:
        """Give the stream another resolved configuration; to be used in turn only."""
        before, self.config = self.config, config
        delete_on_empty.watch(self, now, before)

    def delete(self) -> None:
        """Delete the stream; while the deletion is pending, again without effect.

        Raises `StreamNotFound`. Source: reference: control_plane §5.7.
        """
        with self.basin.account.turn as now:
            self.refuse_if_removed()
            if self.deleted_at is None:
                self.delete_at(now)

    def delete_at(self, now: int) -> None:
        """Delete the stream, which lives, at this moment; in turn only."""
        self.begin_deletion(now)
        account = self.basin.account
        account.turn.later(now, account.deletion_delay, self._finish_deletion)

    @property
    def tail(self) -> StreamPosition:
        """Where the next record goes, and the timestamp of the last one.

        Raises `StreamNotFound`, `StreamDeletionPending`. Source: reference: data_plane §1.8.
        """
        with self.basin.account.turn:
            self.refuse_if_deleting()
            return self.log.tail

    @property
    def records(self) -> tuple[SequencedRecord, ...]:
        """The records that survive, commands too, in order.

        Raises `StreamNotFound`, `StreamDeletionPending`.
        """
        with self.basin.account.turn as now:
            self.refuse_if_deleting()
            self.log.expire(now)
            return tuple(self.log.records)

    def append(
        self,
        records: Iterable[AppendRecord | bytes | str],
        *,
        match_seq_num: int | None = None,
        fencing_token: str | None = None,
        encryption_key: str | None = None,
    ) -> AppendAck:
        """Append records, all or none; bytes and text are the bodies of plain ones.

        `fencing_token` is at most 36 bytes, `encryption_key` base64 of 32 bytes. Raises
        `Invalid`, `BadHeader` (for the key), `FencingTokenMismatch`, `SeqNumMismatch`,
        `StreamNotFound`, `StreamDeletionPending`. Source: reference: data_plane §3.
        """
        if isinstance(records, str | bytes):
            # Iterable, too, but what it yields is hardly what was meant.
            raise TypeError(f"records must be an iterable of records, not one: try [{records!r}]")
        batch = AppendInput(
            map(_as_record, records), match_seq_num=match_seq_num, fencing_token=fencing_token
        )
        with self.basin.account.turn:
            self.refuse_if_deleting()
            return self.write(batch, key_digest(self.cipher, encryption_key))

    def write(self, batch: AppendInput, digest: bytes | None = None) -> AppendAck:
        """Append a batch for somebody who has opened the stream, with the key of that digest.

        Raises as `append` does, but `Unavailable` where the stream has gone since it was opened.
        Source: reference: data_plane §3.5, §8.5.
        """
        with self.basin.account.turn as now:
            if self.removed:
                raise Unavailable
            self.refuse_if_deleting()
            ack = self.log.append(batch, now, self.config, self.cipher, digest)
            self.last_write = now
            if not self.log.records:
                delete_on_empty.emptied(self, now)
            self._wake_followers()
            return ack

    def begin_deletion(self, now: int) -> None:
        """The moment of a deletion, after which there is only its end; in turn only."""
        self.deleted_at = now
        if self._log is not None:
            self._log.end(now, self.config)
            self._wake_followers()

    def refuse_if_removed(self) -> None:
        """Raises `StreamNotFound` once the deletion is complete."""
        if self.removed:
            raise StreamNotFound(self.basin.name, self.name)

    def refuse_if_deleting(self) -> None:
        """Raises `StreamNotFound`, or `StreamDeletionPending` from the deletion on."""
        self.refuse_if_removed()
        if self.deleted_at is not None:
            raise StreamDeletionPending()

    def _wake_followers(self) -> None:
        if self._followers:
            for condition in self._followers:
                condition.notify_all()

    def _finish_deletion(self, _: int) -> None:
        if not self.removed:
            self.removed = True
            self.basin.forget(self)


def _as_record(record: AppendRecord | bytes | str) -> AppendRecord:
    if isinstance(record, AppendRecord):
        return record
    return AppendRecord(record.encode() if isinstance(record, str) else record)
