"""One account of a server, and the faults, holds and requests that it has over HTTP."""

from collections.abc import Callable
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from s2mock.control.response import Refused
from s2mock.powers.powers import OUTAGE
from s2mock.runtime.conversation import CANCEL_HANDLE, Application, Conversation, Reset
from s2mock.runtime.environ import bearer
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    import weakref

    from s2mock.control.views.exchange_events import ExchangeEvents
    from s2mock.json_bodies.snapshots.snapshot import Snapshot
    from s2mock.powers.coverage import Coverage
    from s2mock.powers.hold import Hold
    from s2mock.powers.injection import Injection
    from s2mock.powers.powers import Powers
    from s2mock.registry.engine.engine import Engine
    from s2mock.registry.places import BasinView, Place, StreamView
    from s2mock.registry.values.records import SequencedRecord
    from s2mock.registry.values.tokens import TokenInfo
    from s2mock.runtime.clock import Clock
    from s2mock.runtime.conversation import Wait
    from s2mock.runtime.notifier import Pending

Thing = TypeVar("Thing")

CallOnServer = Callable[[Callable[[], object]], None]
"""Call a function on the server's thread, and return when that is done."""


class DirectReads(Protocol):
    """Reads of an account that pass no points and are in no journal.

    A `place` with an incarnation raises `StaleHandle` if a reset or restore has ended what it is.
    """

    def basins(self) -> "tuple[str, ...]":
        """Return the names of all basins, in order."""

    def streams(self, place: "Place") -> "tuple[str, ...]":
        """Return the names of a basin's streams, in order. Raises `BasinNotFound`."""

    def basin(self, place: "Place") -> "BasinView":
        """Look at a basin. Raises `BasinNotFound`."""

    def stream(self, place: "Place", parent: "Place | None" = None) -> "StreamView":
        """Look at a stream; with a `parent`, at one in that basin only. Raises `StreamNotFound`."""

    def token(self, token_id: str, secret: str) -> "TokenInfo":
        """Look at the access token with that secret. Raises `AccessTokenNotFound`."""

    def records(self, place: "Place") -> "tuple[SequencedRecord, ...]":
        """Return all records of a stream. Raises `StreamNotFound`, `StreamDeletionPending`."""

    def records_pending(
        self, place: "Place", count: int, timeout: float
    ) -> "Pending[tuple[SequencedRecord, ...]]":
        """Return a wait until a stream holds `count` records."""

    def readers_pending(self, place: "Place", count: int, timeout: float) -> "Pending[bool]":
        """Return a wait until `count` read sessions follow at the tail of a stream."""


class WsgiConversations(Protocol):
    """The part of a mock's WSGI app that the control API uses."""

    converse: "Application"
    """Answers one request of S2's API, step by step."""

    def drop_calls(self) -> None:
        """End the calls by WSGI in progress, as a lost connection ends others."""


class HostedMock(Protocol):
    """The part of `S2Mock` that the control API uses. The private names are made for it."""

    token: str

    @property
    def clock(self) -> "Clock":
        """The clock that all times come from."""

    @property
    def wsgi_app(self) -> "WsgiConversations":
        """The app that answers S2's API."""

    @property
    def _engine(self) -> "Engine": ...

    @property
    def _powers(self) -> "Powers": ...

    @property
    def _of_account(self) -> DirectReads: ...

    def snapshot(self) -> "Snapshot":
        """Return the state of the account as a value."""

    def restore(self, snapshot: "Snapshot") -> None:
        """Go back to the snapshot."""

    def reset(self) -> None:
        """Start again with a fresh account."""

    def close(self) -> None:
        """End the account and its sessions."""

    def _another(self, **options: Any) -> "HostedMock": ...

    def _converse_directly(self, environ: dict[str, Any]) -> "Conversation": ...

    def _actor_token(self, number: int) -> str: ...


class AccountEnded(Exception):
    """The account of a request that waited has ended."""


class WaitOrEnd:
    """A wait that is also over when its account ends."""

    def __init__(self, wait: "Wait") -> None:
        self._wait = wait
        self.timeout: float | None = wait.timeout
        self.wake: Callable[[], None] | None = None

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when either is over."""
        self.wake = wake
        self._wait.subscribe(wake)


class Numbered(Generic[Thing]):
    """Faults, holds or snapshots, which a client names by a number from 1 up, never used twice."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._numbers = count(1)
        self._things: dict[int, Thing] = {}

    def add(self, thing: Thing) -> int:
        """Put it under the next number, and return the number."""
        number = next(self._numbers)
        self._things[number] = thing
        return number

    def get(self, number: int) -> Thing:
        """Return the thing under that number. Raises `Refused` (404)."""
        if number not in self._things:
            known = ", ".join(map(str, self._things)) or "none"
            raise Refused(404, f"there is no {self._what} {number}; there are {known}")
        return self._things[number]

    def remove(self, number: int) -> Thing:
        """Remove the thing under that number, and return it. Raises `Refused` (404)."""
        thing = self.get(number)
        del self._things[number]
        return thing

    def items(self) -> list[tuple[int, Thing]]:
        """Return all of them with their numbers, in order."""
        return list(self._things.items())

    def clear(self) -> None:
        """Remove all things; their numbers stay used."""
        self._things.clear()


class HostedAccount:
    """An account: its mock, its faults and holds, and the requests to it."""

    def __init__(self, mock: "weakref.ref[HostedMock]", call_on_server: CallOnServer) -> None:
        # Weak: the owner of the first mock ends it, if only by dropping it.
        self._mock = mock
        self._call_on_server = call_on_server
        self.faults: Numbered[Injection] = Numbered("fault")
        self.holds: Numbered[Hold] = Numbered("hold")
        # A function for each request under way, which drops that request, and the token of that.
        self._calls: dict[Callable[[Reset], object], str] = {}
        # The name that its client gave it, such as that of a test.
        self.name: str | None = None
        # The attempt of a campaign that the account is for, such as "attempt 2 of campaign 1".
        self.attempt: str | None = None
        # The number of requests to the control API under way.
        self._control_calls = 0
        # When the last request of any kind ended, in seconds.
        self.last_used = monotonic()
        self.is_ended = False
        # The waits of requests to `/_s2mock`.
        self.waits: set[WaitOrEnd] = set()

    @property
    def mock(self) -> HostedMock:
        """The mock of the account."""
        mock = self._mock()
        assert mock is not None, "a mock and its server end together"
        return mock

    @property
    def engine(self) -> "Engine":
        """The engine of the account, with its state and its rules."""
        return self.mock._engine  # noqa: SLF001  # made for this

    @property
    def title(self) -> str | None:
        """The name of the account: that of its client, or of the test whose mock it is."""
        return self.name or self.powers.name

    @property
    def is_in_front_of_upstream(self) -> bool:
        """True if a real server answers its requests, which takes time."""
        return self.engine.tails is not None

    def has_issued(self, token: str) -> bool:
        """True if the account has issued that access token."""
        return self.engine.authorization.has_issued(token)

    @property
    def powers(self) -> "Powers":
        """The faults, holds and journal of the account."""
        return self.mock._powers  # noqa: SLF001  # made for this

    @property
    def reads(self) -> DirectReads:
        """The reads of the account that are in no journal."""
        return self.mock._of_account  # noqa: SLF001  # made for this

    @cached_property
    def events(self) -> "ExchangeEvents":
        """The events for clients that follow the journal."""
        from s2mock.control.views.exchange_events import ExchangeEvents  # loaded late: rarely used

        return ExchangeEvents()

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer a request to S2's API of the account."""
        drop = yield CANCEL_HANDLE
        self._calls[drop] = bearer(environ)
        try:
            yield from self.mock.wsgi_app.converse(environ)
        finally:
            self.last_used = monotonic()
            self._calls.pop(drop, None)

    def begin_control(self) -> None:
        """Count a request to the control API that begins to use the account."""
        self._control_calls += 1

    def end_control(self) -> None:
        """Count a request to the control API that has ended."""
        self._control_calls -= 1
        self.last_used = monotonic()

    @property
    def is_in_use(self) -> bool:
        """True while a request to the account is under way, a session or a follower among them."""
        return bool(self._calls or self._control_calls)

    def begin_outage(self) -> None:
        """Drop all requests to S2's API of the account, from now on, with their connections."""
        self.powers.is_out_over_http = True
        self.drop_calls()
        self.mock.wsgi_app.drop_calls()

    def end_outage(self) -> None:
        """Answer the requests of the account again."""
        self.powers.is_out_over_http = False

    def drop_calls(self, token: str | None = None) -> None:
        """Drop the requests that are under way, with their connections, each in its own thread.

        With a `token`, only those that carry it. Requests of other accounts on the same connections
        end too, as when a network fails. The server's own requests have ended at the return, those
        of a `serve` loop end in its next turn.
        """
        mock = self._mock()
        if mock is not None:
            mock._powers.journal.note_cut()  # noqa: SLF001  # made for this

        def drop_all() -> None:
            injector = None if mock is None else mock._powers.used_injector  # noqa: SLF001  # as above
            if injector is not None:
                injector.end_muted_connections()
            for drop, sent in list(self._calls.items()):
                if token is None or sent == token:
                    drop(OUTAGE)

        self._call_on_server(drop_all)

    def end(self) -> None:
        """Drop the requests under way, and wake those that wait: the account has ended."""
        self.is_ended = True
        self.drop_calls()
        # A copy, since the requests of a `serve` loop wait in another thread.
        for wait in list(self.waits):
            if wait.wake is not None:
                wait.wake()

    @cached_property
    def coverage(self) -> "Coverage":
        """The operations of its journal so far; its modules are loaded when it is first used."""
        from s2mock.powers.coverage import Coverage

        return Coverage()

    def count(self) -> None:
        """Add the exchanges of the journal to the coverage, before the journal forgets them."""
        self.coverage.take(self.powers.journal)

    def clear(self) -> None:
        """Forget the faults and holds: the account starts again."""
        self.count()
        self.faults.clear()
        self.holds.clear()
