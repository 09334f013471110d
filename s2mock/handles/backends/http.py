"""The backend over HTTP: an account of its own on a standalone s2mock, at `/_s2mock`.

Operations go through S2's own API under `/_s2mock/v1/`, where they pass no points and are in no
journal. Everything else goes through the control API.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPException
from typing import Any, Final, Generic, NoReturn, TypeVar

from s2mock.handles.backends.control_client import (
    Conflict,
    ControlClient,
    ControlError,
    NoSuchThing,
)
from s2mock.json_bodies.snapshots.snapshot import Snapshot, content_of
from s2mock.json_bodies.tokens import token_info
from s2mock.json_bodies.views import basin_view, stream_view
from s2mock.powers.exchange import Exchange
from s2mock.powers.exchange_filter import ExchangeFilter
from s2mock.powers.exchange_json import exchange_from_json
from s2mock.powers.faults import Fault, fault_to_json, faults_to_json
from s2mock.powers.hold import HoldArguments
from s2mock.powers.hook import Function, HookCalls, HookFunction
from s2mock.powers.injection import InjectArguments
from s2mock.powers.journal_store import JournalSummary
from s2mock.powers.powers import orders
from s2mock.registry.operation import Operation
from s2mock.registry.places import BasinView, Place, StreamView
from s2mock.registry.rules.access_tokens import (
    IssueAccessToken,
    ListAccessTokens,
    RevokeAccessToken,
)
from s2mock.registry.rules.basins import ListBasins
from s2mock.registry.rules.streams import ListStreams
from s2mock.registry.state import AccountState
from s2mock.registry.values.errors import BasinNotFound, S2Error, StaleHandle, StreamNotFound
from s2mock.registry.values.records import SequencedRecord
from s2mock.registry.values.tokens import TokenInfo
from s2mock.runtime.clock import Moment
from s2mock.runtime.notifier import MAX_HTTP_WAIT

Result = TypeVar("Result")

# A number above that of any exchange.
_NEVER: Final = 10**17
_STALE: Final = 410
# Seconds of real time that the end of a hook waits for its thread.
_LAST_SECONDS: Final = 1.0


class PendingRequest(Generic[Result]):
    """A wait on the server, as a request that is answered when it is over."""

    __slots__ = ("_send",)

    def __init__(self, send: Callable[[], Result]) -> None:
        self._send = send

    def wait(self) -> Result:
        __tracebackhide__ = True
        return self._send()

    async def async_wait(self) -> Result:
        __tracebackhide__ = True
        return await asyncio.to_thread(self._send)


class HttpAccount:
    """An `AccountBackend` over HTTP. Two for the same token of one server are equal."""

    __slots__ = ("_control",)

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HttpAccount) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, str | None]:
        return self._control.url, self._control.client.token

    def carry_out(self, operation: Operation, place: Place | None = None) -> Any:
        from s2mock.api.codec import INCARNATION, decode_response, encode_request

        operation, identity = self._portable(operation, place)
        request = encode_request(operation)
        headers = {**request.headers}
        if identity is not None:
            headers[INCARNATION] = str(identity)
        answer = self._control.direct(request.method, request.target, request.document, headers)
        try:
            return decode_response(
                operation, answer.status, answer.headers, answer.json if answer.body else None
            )
        except (BasinNotFound, StreamNotFound):
            self._refuse_if_stale(place)
            raise

    def basins(self) -> tuple[str, ...]:
        return self._names(lambda after: ListBasins(start_after=after))

    def streams(self, place: Place) -> tuple[str, ...]:
        return self._names(lambda after: ListStreams(place.basin, start_after=after), place)

    def tokens(self) -> tuple[str, ...]:
        return self._names(lambda after: ListAccessTokens(start_after=after))

    def basin(self, place: Place) -> BasinView:
        return basin_view(self._look("basin", place))

    def stream(self, place: Place, parent: Place | None = None) -> StreamView:
        within = None if parent is None else parent.incarnation
        return stream_view(self._look("stream", place, basin_incarnation=within))

    def token(self, token_id: str, secret: str) -> TokenInfo:
        from s2mock.api.codec import INCARNATION

        answer = self._control.get("/look/token", {"id": token_id}, headers={INCARNATION: secret})
        return token_info(_looked(answer, None))

    def records(self, place: Place) -> tuple[SequencedRecord, ...]:
        return self._records(place)

    def records_pending(
        self, place: Place, count: int, timeout: float
    ) -> PendingRequest[tuple[SequencedRecord, ...]]:
        return PendingRequest(lambda: self._records(place, count=count, wait=timeout))

    def readers_pending(self, place: Place, count: int, timeout: float) -> PendingRequest[object]:
        return PendingRequest(lambda: self._look("stream", place, readers=count, wait=timeout))

    def _records(self, place: Place, **query: Any) -> tuple[SequencedRecord, ...]:
        from s2mock.api.wire.json_records import record_from_json

        return tuple(map(record_from_json, self._look("records", place, **query)["records"]))

    def _look(self, what: str, place: Place, **query: Any) -> Any:
        return _looked(self._control.get(f"/look/{what}", {**place._asdict(), **query}), place)

    def _names(
        self, listing: Callable[[str], Operation], place: Place | None = None
    ) -> tuple[str, ...]:
        """Return the names in all pages of a listing."""
        names: list[str] = []
        while True:
            page = self.carry_out(listing(names[-1] if names else ""), place)
            # A token has an id, anything else a name, in front.
            names += [info[0] for info in page.items]
            if not page.has_more:
                return tuple(names)

    def _portable(
        self, operation: Operation, place: Place | None
    ) -> tuple[Operation, int | str | None]:
        """Return the operation as S2's API has it, and which of all that had its name it is for."""
        if isinstance(operation, RevokeAccessToken):
            return operation, operation.secret
        if isinstance(operation, IssueAccessToken) and operation.expires_in is not None:
            now: int = self._control("GET", "/clock")["now"]
            operation = operation.replace(expires_at=now + operation.expires_in, expires_in=None)
        return operation, None if place is None else place.incarnation

    def _refuse_if_stale(self, place: Place | None) -> None:
        """Raise `StaleHandle` if the account was reset since that place was made."""
        if place is not None:
            with suppress(S2Error):
                self._look("basin" if place.stream is None else "stream", place)


class HttpPowers:
    """A `PowersBackend` over HTTP. For the end of a test it has the members of `Powers`, too."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control
        self.journal: HttpJournal = HttpJournal(control)
        self.injector: HttpInjector = HttpInjector(control)
        self.used_injector: HttpInjector = self.injector
        self.clock: HttpClock = HttpClock(control)
        self._outages = 0
        self.label: str | None = None
        """The name of the mock among those of a test."""
        self.order: int = next(orders)
        """The position among all mocks that were made in this process."""

    def inject(self, arguments: InjectArguments) -> "HttpFault":
        return HttpFault(self._control, arguments)

    def hold(self, arguments: HoldArguments) -> "HttpHold":
        return HttpHold(self._control, arguments, self.injector.told)

    def hook(self, arguments: HoldArguments, do: Function) -> "HttpHook":
        made = HttpHook(self._control, arguments, do, self.injector.hook_calls)
        self.injector.hooks.append(made)
        return made

    def manual_clock(self, method: str) -> "HttpClock":  # noqa: ARG002  # of a protocol
        """Return the account's clock; the server refuses what needs a manual one."""
        return self.clock

    def snapshot(self) -> Snapshot:
        """Return the account as it is now; the server keeps it until it is asked for."""
        return HttpSnapshot(self._control, **self._control("POST", "/snapshots"))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this server or of another account. Raises `TypeError`."""
        self._control("POST", f"/snapshots/{snapshot_number(self._control, snapshot)}/restore")

    def begin_outage(self) -> None:
        """Drop all connections; a new one is dropped with its first request."""
        self._outages += 1
        self._control("POST", "/outage")

    def end_outage(self) -> None:
        self._outages -= 1
        if not self._outages:
            self._control("DELETE", "/outage")

    def reset(self) -> None:
        """Start again with a fresh account."""
        self._control("POST", "/reset")

    def fork(self) -> str:
        """Make an account that starts as this one is now, and return its token."""
        token: str = self._control("POST", "/fork")["token"]
        return token

    def page(self) -> bytes:
        """Return the page of the account as one file. Raises `OSError`."""
        return self._control.client.request("GET", "/_s2mock/report").body

    def end(self) -> None:
        """End the account. Raises `OSError`, `ControlError`."""
        self._control("DELETE", "/accounts")


class HttpClock:
    """The clock of an account on a server, a `ManualClock` there if the account was made so."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    def now(self) -> int:
        """Return the time, in nanoseconds since the Unix epoch."""
        now: int = self._control("GET", "/clock")["now"]
        return now

    def wait(self, condition: threading.Condition, until: int) -> NoReturn:
        """Raise `NotImplementedError`: only the server can wait by this clock."""
        raise NotImplementedError("a clock on a server cannot be waited for from here")

    def advance(self, seconds: float) -> None:
        """Advance the clock by `seconds`. Raises `ValueError` if it is not a manual one."""
        self._control("POST", "/clock/advance", {"seconds": seconds})

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Keep a clock that advances by itself still until the block ends. Raises `TypeError`."""
        self._control("POST", "/clock/stop")
        try:
            yield
        finally:
            self._control("DELETE", "/clock/stop")

    def wait_for_waiters(self, count: int = 1, *, timeout: float = 5.0) -> None:
        """Wait until `count` wait on this clock, at most `timeout` seconds of real time."""
        self.waiters_pending(count, timeout).wait()

    async def async_wait_for_waiters(self, count: int = 1, *, timeout: float = 5.0) -> None:
        """Wait as `wait_for_waiters` does, while the event loop goes on."""
        await self.waiters_pending(count, timeout).async_wait()

    def waiters_pending(self, count: int, timeout: float) -> PendingRequest[object]:
        """Return a wait until `count` wait on this clock."""
        query = {"waiters": count, "wait": timeout}
        return PendingRequest(lambda: self._control("GET", "/clock", query=query))


class HttpSnapshot(Snapshot):
    """A snapshot that a server keeps; its content is fetched when it is asked for."""

    __slots__ = ("_control", "_loaded", "_time", "number")

    def __init__(self, control: ControlClient, number: int, time: int) -> None:
        self._control = control
        self.number = number
        self._time = time
        self._loaded: Snapshot | None = None

    def __repr__(self) -> str:
        return f"<Snapshot {self.number} of {self._control.url}>"

    __hash__ = Snapshot.__hash__

    @property
    def time(self) -> int:
        """The time at which it was taken, in nanoseconds since the Unix epoch."""
        return self._time

    @property
    def _content(self) -> tuple[AccountState, Moment]:  # type: ignore[override]  # read only
        if self._loaded is None:
            file = self._control.client.request("GET", f"/_s2mock/snapshots/{self.number}").body
            self._loaded = Snapshot.from_bytes(file, repr(self))
        return content_of(self._loaded)

    def is_on(self, control: ControlClient) -> bool:
        """True if that server keeps it."""
        return self._control.url == control.url


def snapshot_number(control: ControlClient, snapshot: object) -> int:
    """Return the number of a snapshot on the server; one that is not there is sent first.

    Raises `TypeError` for a value that is no snapshot.
    """
    if isinstance(snapshot, HttpSnapshot) and snapshot.is_on(control):
        return snapshot.number
    content_of(snapshot)
    assert isinstance(snapshot, Snapshot)
    number: int = control("POST", "/snapshots", body=snapshot.to_bytes())["number"]
    return number


class _Numbered:
    """A fault or a hold of the account, which has a number under `_path`."""

    _path: str

    def __init__(self, control: ControlClient, text: str, form: dict[str, Any]) -> None:
        self._control = control
        self.text = text
        """The call that made it."""
        self._form = form

    def _look(self, **query: Any) -> dict[str, Any]:
        """Return its state; once it is gone, the last known."""
        path = f"{self._path}/{self._form['number']}"
        try:
            self._form = self._control("GET", path, query=query)
        except NoSuchThing:
            if query:
                raise
        return self._form

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The operations that it has affected, in order of arrival."""
        return _exchanges(self._look())


class HttpFault(_Numbered):
    """A `PlacedFault` over HTTP."""

    _path = "/faults"

    def __init__(self, control: ControlClient, arguments: InjectArguments) -> None:
        document = arguments.to_json()
        if arguments.is_list:
            # There is one for each operation.
            del document["times"]
        super().__init__(control, arguments.text, control("POST", "/faults", document))
        self._is_removed = False

    @property
    def hits(self) -> int:
        hits: int = self._look()["hits"]
        return hits

    @property
    def remaining(self) -> int | None:
        remaining: int | None = self._look()["remaining"]
        return 0 if self._is_removed else remaining

    @property
    def complaint(self) -> str | None:
        return None if self._is_removed else self._look()["complaint"]

    def pending(self, hits: int, timeout: float) -> PendingRequest[tuple[Exchange, ...]]:
        return PendingRequest(lambda: _exchanges(self._look(hits=hits, wait=timeout)))

    def remove(self) -> None:
        if not self._is_removed:
            self._look()
            self._is_removed = True
            # Its account may have been reset.
            with suppress(NoSuchThing):
                self._control("DELETE", f"/faults/{self._form['number']}")


class HttpHold(_Numbered):
    """A `PlacedHold` over HTTP."""

    _path = "/holds"

    def __init__(self, control: ControlClient, arguments: HoldArguments, told: set[int]) -> None:
        super().__init__(control, arguments.text, control("POST", "/holds", arguments.to_json()))
        self._told = told

    def pending(self, count: int, timeout: float) -> PendingRequest[tuple[Exchange, ...]]:
        return PendingRequest(lambda: _exchanges(self._look(count=count, wait=timeout)))

    def take_complaint(self) -> str | None:
        number, complaint = self._form["number"], self._look()["complaint"]
        is_told = number in self._told
        self._told.add(number)
        return None if is_told else complaint

    def release(self, number: int | None = None, fault: Fault | None = None) -> None:
        document: dict[str, Any] = {}
        if number is not None:
            document["exchange"] = number
        if fault is not None:
            document["fault"] = fault_to_json(fault)
        try:
            self._form = self._control("POST", f"/holds/{self._form['number']}/release", document)
        except NoSuchThing as error:
            # Its account was reset.
            if document:
                raise ValueError(f"{self.text} holds nothing any more: {error}") from None


class HttpHook(_Numbered):
    """A `PlacedHook` over HTTP: a hold of the server, and a thread that waits for its operations.

    Raises `TypeError`.
    """

    _path = "/holds"

    def __init__(
        self, control: ControlClient, arguments: HoldArguments, do: Function, calls: HookCalls
    ) -> None:
        self._function = HookFunction(do, arguments.text, calls)
        super().__init__(control, arguments.text, control("POST", "/holds", arguments.to_json()))
        self._calls = calls
        self._lock = threading.Lock()
        self._in_progress = 0
        # The server may still hold what comes while the hook is removed; no function is called.
        self._count = 0
        self._is_removed = False
        self._watcher = threading.Thread(target=self._watch, name="s2mock-hooks", daemon=True)
        self._watcher.start()

    @property
    def calls(self) -> int:
        return self._count

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return super().exchanges[: self._count]

    def remove(self) -> None:
        with self._lock:
            if self._is_removed:
                return
            self._is_removed = True
            is_idle = not self._in_progress
        # With calls in progress, the last of them ends it.
        if is_idle:
            self._release()

    def end(self) -> None:
        """Remove it, let the operations of calls in progress continue, and end its thread."""
        self._is_removed = True
        self._release()
        self._watcher.join(_LAST_SECONDS)

    def take_error(self) -> BaseException | None:
        return self._calls.take_error(self._function)

    def _watch(self) -> None:
        """Call the function for each operation that the server holds, until the hook has ended."""
        seen = 0
        path = f"{self._path}/{self._form['number']}"
        query = {"count": 1, "wait": MAX_HTTP_WAIT}
        # The server may end, and the account.
        with suppress(OSError, HTTPException, ControlError):
            while True:
                form = self._control("GET", path, query=query)
                exchanges = _exchanges(form)
                for exchange in exchanges[seen:]:
                    self._begin(exchange)
                if form["released"]:
                    return
                seen = len(exchanges)
                query["count"] = seen + 1

    def _begin(self, exchange: Exchange) -> None:
        with self._lock:
            is_removed = self._is_removed
            self._in_progress += not is_removed
            self._count += not is_removed
        if is_removed:
            self._release(exchange.held)
        else:
            self._function.call(lambda: exchange, partial(self._finish, exchange.held))

    def _finish(self, number: int | None, fault: Fault | None) -> None:
        self._release(number, fault)
        with self._lock:
            self._in_progress -= 1
            is_last = self._is_removed and not self._in_progress
        if is_last:
            self._release()

    def _release(self, number: int | None = None, fault: Fault | None = None) -> None:
        """Release one operation, if it is still held, or all. Raises `ValueError`."""
        document: dict[str, Any] = {} if number is None else {"exchange": number}
        if fault is not None:
            document["fault"] = fault_to_json(fault)
        # It may have ended, with the server or the account.
        with suppress(Conflict, ControlError, OSError, HTTPException):
            self._control("POST", f"{self._path}/{self._form['number']}/release", document)


class HttpInjector:
    """The faults, holds and hooks of the account, for the end of a test."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control
        self.told: set[int] = set()
        """The numbers of the holds whose complaints were taken."""
        self.hook_calls: HookCalls = HookCalls()
        self.hooks: list[HttpHook] = []

    def remove_hooks(self) -> None:
        """Remove all hooks."""
        hooks, self.hooks = self.hooks, []
        for hook in hooks:
            hook.end()

    def check(self, *, has_failed: bool = False) -> list[str]:
        """Remove all faults, hooks and unreached holds, and return their complaints.

        With `has_failed`, remarks are among them.
        """
        complaints, remarks = self.take_messages()
        return [*complaints, *remarks] if has_failed else complaints

    def take_messages(self) -> tuple[list[str], list[str]]:
        """Do as `check`; return the complaints that fail a test, and the remarks beside those."""
        found = self.hook_calls.take_complaints()
        remarks: list[str] = []
        self.remove_hooks()
        # Once the server or the account is gone, so are its faults.
        with suppress(OSError, ControlError):
            for fault in self._control("GET", "/faults")["faults"]:
                if fault["complaint"] is not None:
                    found.append(fault["complaint"])
                self._control("DELETE", f"/faults/{fault['number']}")
            for hold in self._control("GET", "/holds")["holds"]:
                if hold["complaint"] is not None and hold["number"] not in self.told:
                    self.told.add(hold["number"])
                    found.append(hold["complaint"])
                    self._control("POST", f"/holds/{hold['number']}/release")
            remarks = self._control("DELETE", "/late")["remarks"]
        return found, remarks


class HttpJournal:
    """A `JournalBackend` over HTTP; once its account is gone it is empty."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control
        # The exchanges with advice from the end of the account, until they are taken.
        self._last_advised: tuple[Exchange, ...] = ()

    def _get(self, **query: Any) -> dict[str, Any]:
        document: dict[str, Any] = self._control("GET", "/journal", query=query)
        return document

    @property
    def summary(self) -> JournalSummary:
        document = self._get(after=_NEVER)
        return JournalSummary(*(document[name] for name in JournalSummary._fields))

    @property
    def is_on(self) -> bool:
        """True if exchanges are kept, and if the account is gone, so that it is unknown."""
        try:
            return self.summary.limit > 0
        except (OSError, ControlError):
            return True

    @property
    def last_number(self) -> int:
        """The number of the latest exchange; 0 if the account is gone."""
        try:
            return self.summary.last
        except (OSError, ControlError):
            return 0

    def since(self, number: int) -> tuple[Exchange, ...]:
        """Return the exchanges behind that number; none if the account is gone."""
        try:
            return _exchanges(self._get(after=number))
        except (OSError, ControlError):
            return ()

    def take_advised(self) -> tuple[Exchange, ...]:
        """Return the exchanges with advice that was not taken yet."""
        taken, self._last_advised = self._last_advised, ()
        return taken or self._take(has_ended=False)

    def keep_last_advice(self) -> None:
        """Take the advice that is left before the account ends, for `take_advised`."""
        self._last_advised = self._take(has_ended=True)

    def _take(self, *, has_ended: bool) -> tuple[Exchange, ...]:
        """Return the exchanges with advice; none if the account is gone."""
        query = {"open": "true" if has_ended else "false"}
        try:
            return _exchanges(self._control("POST", "/advice", query=query))
        except (OSError, ControlError):
            return ()

    def __getitem__(self, index: Any) -> Any:
        return _exchanges(self._get())[index]

    def of(self, chosen: ExchangeFilter) -> tuple[Exchange, ...]:
        return _exchanges(self._get(**chosen.to_query()))

    def pending(
        self, chosen: ExchangeFilter, count: int, timeout: float
    ) -> PendingRequest[tuple[Exchange, ...]]:
        query = {**chosen.to_query(), "count": count, "wait": timeout}
        return PendingRequest(lambda: _exchanges(self._get(**query)))

    def clear(self) -> None:
        self._control("DELETE", "/journal")


def make_account(
    url: str, options: Mapping[str, Any], name: str | None = None
) -> tuple[ControlClient, str]:
    """Make an account of its own on that server, and return it with its token.

    The server's page shows it under the name. Raises `TypeError`, `ValueError`, `TargetError`.
    """
    control = ControlClient(url, None)
    document = options_to_json(control, options) | ({} if name is None else {"name": name})
    token: str = control("POST", "/accounts", document)["token"]
    return ControlClient(url, token), token


def options_to_json(control: ControlClient, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of `S2Mock` as members of `POST /_s2mock/accounts`.

    Raises `TypeError`, `ValueError`.
    """
    document = dict(options)
    clock = document.pop("clock", None)
    if clock in ("manual", "auto"):
        document["clock"] = clock
    elif clock is not None:
        raise ValueError(
            'clock must be "manual" or "auto" with --s2mock-target, since it is the server\'s, not '
            f"{clock!r}; s2_mock.clock and s2_mock.advance() turn it"
        )
    if "snapshot" in document:
        document["snapshot"] = snapshot_number(control, document["snapshot"])
    if "faults" in document:
        document["faults"] = [
            {**fault, "fault": faults_to_json(fault["fault"])} for fault in document["faults"]
        ]
    return document


def _exchanges(document: dict[str, Any]) -> tuple[Exchange, ...]:
    return tuple(map(exchange_from_json, document["exchanges"]))


def _looked(answer: Any, place: Place | None) -> Any:
    """Return the document of a look. Raises `S2Error`, `StaleHandle`, `ControlError`."""
    from s2mock.api.codec import error_of

    if answer.status < 300:
        return answer.json
    if answer.status == _STALE:
        raise StaleHandle(str(place))
    if answer.json["code"] in _NOT_OF_S2:
        raise ControlClient.error_of(answer)
    raise error_of(answer.status, answer.json)


_NOT_OF_S2: Final = ("authn", "bad_request", "forbidden", "not_found", "timeout")
