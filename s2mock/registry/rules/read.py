"""Operations that read a stream. Sources: reference: data_plane §1.8, §4."""

from s2mock.registry.log.log import LogState
from s2mock.registry.log.read_request import ReadRequest, start_of
from s2mock.registry.operation import Context, Operation
from s2mock.registry.rules.open_stream import Opened, open_stream
from s2mock.registry.state import Change, ReadStart
from s2mock.registry.values.config import StreamConfig
from s2mock.registry.values.errors import Invalid, ReadUnwritten
from s2mock.registry.values.names import BasinName, StreamName
from s2mock.runtime.clock import Moment

_EMPTY = LogState()


class CheckTail(Operation):
    """Get the position of the next record, and the timestamp of the last one (§1.8).

    Returns a `StreamPosition`. Raises `BasinNotFound`, `BasinDeletionPending`,
    `StreamNotFound`, `StreamDeletionPending`.
    """

    __slots__ = ()
    name = "check-tail"

    def __init__(self, basin: str, stream: str) -> None:
        super().__init__(BasinName(basin), StreamName(stream))

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the tail of the stream, which is created if the basin says so."""
        basin, stream = str(self.basin), str(self.stream)
        opened = open_stream(
            context,
            moment,
            basin,
            stream,
            create_on="read",
            needs_key=False,
        )
        return opened.change(basin)._replace(result=(opened.state.log or _EMPTY).tail)


class Read(Operation):
    """Read one batch, or with `is_session` all batches until the limits are reached.

    Returns a `ReadSession` that has its position in the stream and has made its first step.
    Raises `Invalid`, `BadHeader` (for the key), `ReadUnwritten`, `BasinNotFound`,
    `BasinDeletionPending`, `StreamNotFound`, `StreamDeletionPending`.
    """

    __slots__ = ("config", "is_session", "key", "wanted")
    name = "read"
    waits = True

    def __init__(
        self,
        basin: str,
        stream: str,
        wanted: ReadRequest,
        *,
        key: str | None = None,
        config: StreamConfig | None = None,
        is_session: bool = False,
    ) -> None:
        super().__init__(BasinName(basin), StreamName(stream))
        if wanted.kind == "timestamp" and wanted.until is not None and wanted.start >= wanted.until:
            raise Invalid("start `timestamp` exceeds or equal to `until`")
        self.wanted: ReadRequest = wanted
        self.key = key
        self.config = config
        self.is_session: bool = is_session

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return where the read begins, in a stream that is created if the basin says so."""
        basin, stream = str(self.basin), str(self.stream)
        opened = open_stream(
            context,
            moment,
            basin,
            stream,
            create_on="read",
            config=self.config,
            key=self.key,
        )
        change = opened.change(basin)
        if opened.error is not None:
            return change
        try:
            return change._replace(read=self._start(context.write_owner, moment, basin, opened))
        except ReadUnwritten as error:
            return change._replace(error=error)

    def _start(self, write_owner: object, moment: Moment, basin: str, opened: Opened) -> ReadStart:
        stream, wanted = opened.state, self.wanted
        log = stream.log or _EMPTY
        if moment.account_time >= log.next_expiry:
            log = log.expired(write_owner, moment.account_time)
        # A limit of 0 is used up before the start is checked.
        used_up = wanted.count == 0 or wanted.bytes == 0
        position = 0 if used_up else start_of(wanted, log)
        return ReadStart(
            basin,
            stream.name,
            stream.incarnation,
            opened.digest,
            wanted,
            position,
            log.tail,
            self.is_session,
        )
