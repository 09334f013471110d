"""A stream: its configuration and its life.

Source: reference: control_plane §5.
"""

from typing import TYPE_CHECKING, NamedTuple, Unpack

from s2mock.registry.config import Cipher, StreamConfig, StreamConfigChanges
from s2mock.registry.errors import StreamDeletionPending, StreamNotFound
from s2mock.registry.names import RequestToken, StreamName
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

    __slots__ = ("basin", "cipher", "name")

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

    def __repr__(self) -> str:
        return f"<Stream {self.name!r} in {self.basin.name!r}>"

    @property
    def info(self) -> StreamInfo:
        """The stream as it is now."""
        return StreamInfo(self.name, self.created_at, self.deleted_at, self.cipher)

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
        with self.basin.account.turn:
            self.basin.refuse_if_deleting()
            self.refuse_if_deleting()
            self.config = self.config.reconfigure(changes).merge(self.basin.resolved_defaults)
            return self.config

    def delete(self) -> None:
        """Delete the stream; while the deletion is pending, again without effect.

        Raises `StreamNotFound`. Source: reference: control_plane §5.7.
        """
        account = self.basin.account
        with account.turn as now:
            self.refuse_if_removed()
            if self.deleted_at is None:
                self.deleted_at = now
                account.turn.later(now, account.deletion_delay, self._finish_deletion)

    def refuse_if_removed(self) -> None:
        """Raises `StreamNotFound` once the deletion is complete."""
        if self.removed:
            raise StreamNotFound(self.basin.name, self.name)

    def refuse_if_deleting(self) -> None:
        """Raises `StreamNotFound`, or `StreamDeletionPending` from the deletion on."""
        self.refuse_if_removed()
        if self.deleted_at is not None:
            raise StreamDeletionPending()

    def _finish_deletion(self) -> None:
        if not self.removed:
            self.removed = True
            self.basin.forget(self)
