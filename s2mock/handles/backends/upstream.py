"""The backend of direct calls in front of an upstream: its own API, past the powers of the mock."""

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from s2mock.api.codec import decode_response, encode_request
from s2mock.handles.backends.in_process import MockBackend
from s2mock.powers.errors import NotOnTarget, UpstreamUnreachable
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.operation import Operation
from s2mock.registry.places import BasinView, Place, StreamView
from s2mock.registry.rules.access_tokens import IssueAccessToken, ListAccessTokens
from s2mock.registry.rules.basins import GetBasinConfig, ListBasins
from s2mock.registry.rules.provision import Provisioned
from s2mock.registry.rules.read import CheckTail, Read
from s2mock.registry.rules.streams import GetStreamConfig, ListStreams
from s2mock.registry.state import BasinInfo, StreamInfo
from s2mock.registry.values.config import StreamConfig
from s2mock.registry.values.errors import (
    BasinNotFound,
    ReadUnwritten,
    S2Error,
    StreamNotFound,
)
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import AppendAck, SequencedRecord
from s2mock.registry.values.tokens import TokenInfo
from s2mock.runtime.http_client import Client
from s2mock.runtime.monotonic import monotonic
from s2mock.runtime.notifier import Pending
from s2mock.upstream.basin_prefix import BASIN
from s2mock.upstream.errors import unreachable_reason

if TYPE_CHECKING:
    from s2mock.json_bodies.snapshots.snapshot import Snapshot
    from s2mock.runtime.clock import ManualClock
    from s2mock.runtime.conversation import Step
    from s2mock.upstream.basin_prefix import BasinPrefix
    from s2mock.upstream.engine import UpstreamEngine

# Seconds that the upstream has for the answer to a direct call.
_SECONDS: Final = 30.0
# Seconds of one long poll, of the 60 that S2 allows at most.
_POLL_SECONDS: Final = 20
_SHOWN: Final = 10
_PAGE: Final = 1000

Impossible = Callable[[str], NotOnTarget]
"""Return the error for a member that only the engine of this process has."""


class UpstreamAccount:
    """An `AccountBackend` over the API of an upstream. Two for the same upstream are equal."""

    def __init__(
        self,
        url: str,
        token: str | None,
        prefix: "BasinPrefix | None",
        engine: "UpstreamEngine",
        impossible: Impossible,
        basin_endpoint: str | None,
    ) -> None:
        self.client: Final = Client(url, token=token, basin_endpoint=basin_endpoint)
        self.prefix: BasinPrefix | None = prefix
        self._engine = engine
        self._impossible = impossible

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UpstreamAccount) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, str | None]:
        return self.client.url, None if self.prefix is None else self.prefix.text

    def carry_out(self, operation: Operation, place: Place | None = None) -> Any:  # noqa: ARG002
        if isinstance(operation, IssueAccessToken):
            raise self._impossible("issue_token")
        result = self._send(operation, _SECONDS)
        if isinstance(result, AppendAck):
            self._engine.note_tail(operation, result.tail.seq_num)
        elif isinstance(operation, CheckTail):
            self._engine.note_tail(operation, result.seq_num)
        return result

    def basins(self) -> tuple[str, ...]:
        return self._names(lambda after: ListBasins(start_after=after))

    def streams(self, place: Place) -> tuple[str, ...]:
        return self._names(lambda after: ListStreams(place.basin, start_after=after))

    def tokens(self) -> tuple[str, ...]:
        return self._names(lambda after: ListAccessTokens(start_after=after))

    def basin(self, place: Place) -> BasinView:
        return cast("BasinView", _LiveBasin(self, place.basin))

    def stream(self, place: Place, parent: Place | None = None) -> StreamView:  # noqa: ARG002
        return cast("StreamView", _LiveStream(self, place.basin, place.stream or ""))

    def token(self, token_id: str, secret: str) -> TokenInfo:  # noqa: ARG002
        raise self._impossible("issue_token")

    def records(self, place: Place) -> tuple[SequencedRecord, ...]:
        return tuple(self._records_from(place, 0))

    def records_pending(self, place: Place, count: int, timeout: float) -> "_PendingRecords":
        return _PendingRecords(self, place, count, timeout)

    def readers_pending(self, place: Place, count: int, timeout: float) -> Pending[bool]:
        basin, stream = place.basin, place.stream or ""

        def look() -> bool | None:
            return True if self.readers(basin, stream) >= count else None

        def missing() -> str:
            return (
                f"{self.readers(basin, stream)} of {count} read sessions followed at the tail of "
                f"stream {stream!r} in {basin!r} within {timeout:g} s"
            )

        return Pending(self._engine.sessions.followed, look, missing, timeout)

    # For the views.

    def readers(self, basin: str, stream: str) -> int:
        """Return the number of read sessions through this mock that follow at the tail."""
        return self._engine.readers(basin, stream)

    def no_member(self, name: str) -> NoReturn:
        """Raise `NotOnTarget` for a member that an upstream does not tell."""
        raise self._impossible(name)

    def basin_info(self, basin: str) -> BasinInfo:
        """Return the basin of that name. Raises `BasinNotFound`."""
        for info in self.carry_out(ListBasins(prefix=basin)).items:
            if info.name == basin:
                found: BasinInfo = info
                return found
        raise BasinNotFound(basin)

    def stream_info(self, basin: str, stream: str) -> StreamInfo:
        """Return the stream of that name. Raises `StreamNotFound`."""
        try:
            listed = self.carry_out(ListStreams(basin, prefix=stream)).items
        except BasinNotFound:
            raise StreamNotFound(basin, stream) from None
        for info in listed:
            if info.name == stream:
                found: StreamInfo = info
                return found
        raise StreamNotFound(basin, stream)

    def poll(self, place: Place, start: int, seconds: int) -> list[SequencedRecord]:
        """Return the records from a sequence number on; wait for the first if there is none."""
        wanted = ReadRequest("seq_num", start, clamp=True, wait=seconds)
        operation = Read(place.basin, place.stream or "", wanted)
        try:
            return [*self._send(operation, seconds + _SECONDS).records]
        except ReadUnwritten:
            return []

    def _records_from(self, place: Place, start: int) -> list[SequencedRecord]:
        found: list[SequencedRecord] = []
        while True:
            wanted = ReadRequest("seq_num", start, count=_PAGE)
            try:
                batch = self.carry_out(Read(place.basin, place.stream or "", wanted))
            except ReadUnwritten:
                return found
            if not batch.records:
                return found
            found += batch.records
            start = found[-1].seq_num + 1
            if batch.tail is not None and start >= batch.tail.seq_num:
                return found

    def _names(self, listing: Callable[[str], Operation]) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            page = self.carry_out(listing(names[-1] if names else ""))
            # A token has an id, anything else a name, in front.
            names += [info[0] for info in page.items]
            if not page.has_more:
                return tuple(names)

    def _send(self, operation: Operation, seconds: float) -> Any:
        operation_there = self._prefixed(operation)
        request = encode_request(operation_there)
        client = self.client.in_basin(operation_there.basin)
        url = client.url_of(request.target)
        headers = {name: value for name, value in request.headers.items() if name != BASIN}
        try:
            answer = client.request(
                request.method,
                request.target,
                request.document,
                headers=headers,
                timeout=seconds,
            )
        except OSError as error:
            raise UpstreamUnreachable(f"the upstream {url} {unreachable_reason(error)}") from None
        try:
            document = answer.json if answer.body else None
            result = decode_response(operation, answer.status, answer.headers, document)
        except S2Error as error:
            if self.prefix is not None:
                error.message = self.prefix.strip_from_message(error.message, operation.basin)
                error.args = (error.message,)
            raise
        except (AssertionError, KeyError, TypeError):
            raise UpstreamUnreachable(
                f"the upstream {url} answered {operation.name} as S2 never does: status "
                f"{answer.status}, {answer.body[:200]!r}"
            ) from None
        return result if self.prefix is None else self._stripped(result)

    def _prefixed(self, operation: Operation) -> Operation:
        """Return an operation with the names that basins have at the upstream."""
        if self.prefix is None:
            return operation
        if isinstance(operation, ListBasins):
            after = operation.start_after
            return operation.replace(
                prefix=self.prefix.text + operation.prefix,
                start_after=after and self.prefix.text + after,
            )
        if operation.basin is None:
            return operation
        return operation.replace(basin=self.prefix.add(operation.basin))

    def _stripped(self, result: Any) -> Any:
        """Return a result with the names by which the test knows its basins."""
        assert self.prefix is not None
        if isinstance(result, Provisioned) and isinstance(result.info, BasinInfo):
            info = result.info._replace(name=self.prefix.strip(result.info.name))
            return result._replace(info=info)
        items = getattr(result, "items", None)
        if isinstance(items, list) and items and isinstance(items[0], BasinInfo):
            return result._replace(
                items=[info._replace(name=self.prefix.strip(info.name)) for info in items]
            )
        return result


class _LiveBasin:
    """A `BasinView` that asks the upstream for what is read of it."""

    incarnation: Final = 0

    def __init__(self, account: UpstreamAccount, name: str) -> None:
        self._account = account
        self._name = name
        self.info: Final = account.basin_info(name)

    @property
    def config(self) -> Any:
        return self._account.carry_out(GetBasinConfig(self._name))

    def _asdict(self) -> dict[str, Any]:
        return {"incarnation": 0, "info": self.info, "config": self.config}


class _LiveStream:
    """A `StreamView` that asks the upstream for what is read of it."""

    incarnation: Final = 0
    basin_incarnation: Final = 0

    def __init__(self, account: UpstreamAccount, basin: str, stream: str) -> None:
        self._account = account
        self._basin = basin
        self._stream = stream
        self.info: Final = account.stream_info(basin, stream)

    @property
    def config(self) -> StreamConfig:
        config: StreamConfig = self._account.carry_out(GetStreamConfig(self._basin, self._stream))
        return config

    @property
    def tail(self) -> StreamPosition:
        tail: StreamPosition = self._account.carry_out(CheckTail(self._basin, self._stream))
        return tail

    @property
    def fencing_token(self) -> str:
        self._account.no_member("fencing_token")

    @property
    def readers(self) -> int:
        return self._account.readers(self._basin, self._stream)

    def _asdict(self) -> dict[str, Any]:
        """Return the members as for JSON; the fencing token is unknown."""
        return {
            "incarnation": 0,
            "basin_incarnation": 0,
            "info": self.info,
            "config": self.config,
            "fencing_token": None,
            "tail": self.tail,
            "readers": self.readers,
        }


class _PendingRecords:
    """A wait until a stream at the upstream holds a number of records: a `PendingResult`."""

    def __init__(self, account: UpstreamAccount, place: Place, count: int, timeout: float) -> None:
        self._account = account
        self._place = place
        self._count = count
        self._timeout = timeout

    def wait(self) -> tuple[SequencedRecord, ...]:
        until = monotonic() + self._timeout
        while True:
            records = self._account.records(self._place)
            left = until - monotonic()
            if len(records) >= self._count:
                return records
            if left <= 0:
                raise TimeoutError(self._missing(records))
            start = records[-1].seq_num + 1 if records else 0
            # The upstream waits for the next record, in whole seconds.
            self._account.poll(self._place, start, min(_POLL_SECONDS, max(1, int(left))))

    async def async_wait(self) -> tuple[SequencedRecord, ...]:
        return await asyncio.to_thread(self.wait)

    def steps(self) -> "Generator[Step, Any, tuple[SequencedRecord, ...]]":
        """Wait in a conversation, which a thread does for it. Raises `TimeoutError`."""
        answered = _Answered(self.wait)
        yield answered
        records: tuple[SequencedRecord, ...] = answered.result()
        return records

    def _missing(self, records: tuple[SequencedRecord, ...]) -> str:
        bodies = [repr(record.body) for record in records[-_SHOWN:]]
        if len(records) > _SHOWN:
            bodies.insert(0, "...")
        there = f": {', '.join(bodies)}" if bodies else ""
        return (
            f"{self._place} held {len(records)} of {self._count} records within "
            f"{self._timeout:g} s{there}"
        )


class _Answered:
    """A call in a thread of its own, as a `Wait` of a conversation."""

    timeout: Final = None

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._future: Future[Any] = Future()

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Make the call, and call `wake` when it has returned."""
        self._future.add_done_callback(lambda _: wake())
        threading.Thread(target=self._run, name="s2mock-poll", daemon=True).start()

    def result(self) -> Any:
        """Return what the call has returned. Raises what it has raised."""
        return self._future.result()

    def _run(self) -> None:
        try:
            self._future.set_result(self._call())
        except BaseException as error:  # noqa: BLE001  # raised again where it is awaited
            self._future.set_exception(error)


class UpstreamPowers(MockBackend):
    """A `PowersBackend` in front of an upstream: all powers but those over an account's state."""

    __slots__ = ("_impossible",)

    def __init__(self, powers: Any, connections: Any, impossible: Impossible) -> None:
        super().__init__(powers.engine, powers, connections)
        self._impossible = impossible

    def snapshot(self) -> NoReturn:
        raise self._impossible("snapshot")

    def restore(self, snapshot: "Snapshot") -> NoReturn:  # noqa: ARG002
        raise self._impossible("restore")

    def manual_clock(self, method: str) -> "ManualClock":
        raise self._impossible(method)
