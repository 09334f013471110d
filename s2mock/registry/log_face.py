"""The part of `Stream` that most tests need beside `append` and `records`."""

from collections.abc import Iterable

from s2mock.registry.engine.engine import Engine
from s2mock.registry.values.records import AppendAck, AppendRecord, SequencedRecord, is_command
from s2mock.runtime.arguments import check_count
from s2mock.runtime.notifier import PATIENCE, PendingResult

# So many bodies are shown where records are missing, the last ones.
_SHOWN = 10


class LogFace:
    """Reading bodies, waiting for records, and the two commands."""

    __slots__ = ()

    _engine: Engine

    @property
    def records(self) -> tuple[SequencedRecord, ...]:
        """The records that are there, in order, with the commands among them."""
        raise NotImplementedError

    def append(self, records: Iterable[AppendRecord | bytes | str]) -> AppendAck:
        """Append records, all or none."""
        raise NotImplementedError

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """The bodies of `records` without those of commands, in order.

        Raises `StreamNotFound`, `StreamDeletionPending`.
        """
        return tuple(record.body for record in self.records if not is_command(record.headers))

    def fence(self, token: str) -> AppendAck:
        """Append the command that sets the fencing token: at most 36 bytes, empty for none.

        Raises `Invalid`, `StreamNotFound`, `StreamDeletionPending`, `TypeError`, and `BadHeader`
        on a stream with a cipher, where `append` takes a key. Source: reference: data_plane §3.3.
        """
        return self.append([AppendRecord.fence(token)])

    def trim(self, seq_num: int) -> AppendAck:
        """Append the command that trims every record before `seq_num`.

        Raises `Invalid`, `StreamNotFound`, `StreamDeletionPending`, `TypeError`, and `BadHeader`
        on a stream with a cipher, where `append` takes a key. Source: reference: data_plane §3.3.
        """
        return self.append([AppendRecord.trim(seq_num)])

    def wait_for(self, count: int = 1, *, timeout: float = PATIENCE) -> tuple[SequencedRecord, ...]:
        """Wait until the stream holds `count` records, and return all that it holds.

        They are counted as in `records`, so a command counts and a trimmed record does not.
        `timeout` is in seconds of real time; after it, `TimeoutError` shows the bodies that are
        there. Raises `StreamNotFound`, `StreamDeletionPending`, and `TypeError`, `ValueError` for
        an argument that makes no sense.
        """
        return self._pending(count).wait(timeout)

    async def async_wait_for(
        self,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # as in `wait_for`
    ) -> tuple[SequencedRecord, ...]:
        """Wait in an event loop, as `wait_for` does in a thread."""
        return await self._pending(count).async_wait(timeout)

    def _pending(self, count: int) -> PendingResult[tuple[SequencedRecord, ...]]:
        check_count("count", count)
        return PendingResult(
            self._engine.changed,
            lambda: self._holding(count),
            lambda timeout: self._missing(count, timeout),
        )

    def _holding(self, count: int) -> tuple[SequencedRecord, ...] | None:
        records = self.records
        return records if len(records) >= count else None

    def _missing(self, count: int, timeout: float) -> str:
        records = self.records
        bodies = [repr(record.body) for record in records[-_SHOWN:]]
        if len(records) > _SHOWN:
            bodies.insert(0, "...")
        there = f": {', '.join(bodies)}" if bodies else ""
        return f"{self!r} held {len(records)} of {count} records within {timeout:g} s{there}"
