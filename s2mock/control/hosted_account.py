"""One account among those of a server, and what was asked for it over HTTP."""

from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from s2mock.control.answers import Refused
from s2mock.powers.coverage import Coverage
from s2mock.runtime.conversation import CANCEL_HANDLE, Conversation, Head, Reset
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable, Generator

    from s2mock.control.events import Events
    from s2mock.mock import S2Mock
    from s2mock.powers.hold import Hold
    from s2mock.powers.injection import Injection
    from s2mock.registry.engine.engine import Engine
    from s2mock.registry.operation import Call
    from s2mock.runtime.conversation import Step, Wait
    from s2mock.server.lazy_server import LazyServer

Thing = TypeVar("Thing")


class Numbered(Generic[Thing]):
    """Things under numbers that nobody else ever had."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._numbers = count(1)
        self._things: dict[int, Thing] = {}

    def add(self, thing: Thing) -> int:
        """Put it under the next number."""
        number = next(self._numbers)
        self._things[number] = thing
        return number

    def of(self, number: int) -> Thing:
        """The one under that number. Raises `Refused`."""
        if number not in self._things:
            there = ", ".join(map(str, self._things)) or "none"
            raise Refused(404, f"there is no {self._what} {number}; there are {there}")
        return self._things[number]

    def take(self, number: int) -> Thing:
        """The same, and it is gone. Raises `Refused`."""
        thing = self.of(number)
        del self._things[number]
        return thing

    def items(self) -> list[tuple[int, Thing]]:
        """All of them with their numbers."""
        return list(self._things.items())

    def clear(self) -> None:
        """Forget them all."""
        self._things.clear()


class AccountEnded(Exception):
    """The account of a request that waited has ended."""


class WaitOrEnd:
    """A wait that is also over when its account ends."""

    def __init__(self, wait: "Wait") -> None:
        self._wait = wait
        self.timeout: float | None = wait.timeout
        self.wake: Callable[[], None] | None = None

    def subscribe(self, wake: "Callable[[], None]") -> None:
        """Call `wake` when either is over."""
        self.wake = wake
        self._wait.subscribe(wake)


class HostedAccount:
    """An account: its mock, its faults and holds, and the requests to it."""

    def __init__(self, mock: "weakref.ref[S2Mock]", listening: "LazyServer") -> None:
        self._mock = mock
        self._listening = listening
        # Each with what was asked for.
        self.faults: Numbered[tuple[Injection, dict[str, Any]]] = Numbered("fault")
        self.holds: Numbered[tuple[Hold, dict[str, Any]]] = Numbered("hold")
        self.is_out = False
        self.coverage = Coverage()
        # How each of the requests that are under way is dropped.
        self._calls: set[Callable[[], None]] = set()
        # How many requests to the control API are under way, and when the last of any kind ended.
        self._control_calls = 0
        self.last_used = monotonic()
        self.is_ended = False
        # Those of requests to `/_s2mock`.
        self.waits: set[WaitOrEnd] = set()

    @property
    def mock(self) -> "S2Mock":
        """The mock of the account."""
        mock = self._mock()
        assert mock is not None, "a mock and its server end together"
        return mock

    @cached_property
    def events(self) -> "Events":
        """What those are sent that follow its journal."""
        from s2mock.control.events import Events  # which most do without

        return Events()

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer a request to its account, unless the service is gone."""
        if self.is_out:
            self.last_used = monotonic()
            yield Reset()
            return
        drop = yield CANCEL_HANDLE
        self._calls.add(drop)
        try:
            yield from self.mock.wsgi_app.converse(environ)
        finally:
            self.last_used = monotonic()
            self._calls.discard(drop)

    def begin_control(self) -> None:
        """A request to the control API begins to use the account."""
        self._control_calls += 1

    def end_control(self) -> None:
        """It has ended."""
        self._control_calls -= 1
        self.last_used = monotonic()

    @property
    def is_in_use(self) -> bool:
        """True while a request to the account is under way, a session or a follower among them."""
        return bool(self._calls or self._control_calls)

    def drop_calls(self) -> None:
        """Drop the requests that are under way.

        Not the connections: those of one client may be used for several accounts.
        """
        self._listening.call(lambda: [drop() for drop in list(self._calls)])

    def end(self) -> None:
        """Drop the requests under way, and wake those that wait: the account has ended."""
        self.is_ended = True
        self.drop_calls()
        for wait in self.waits:
            if wait.wake is not None:
                wait.wake()

    def count(self) -> None:
        """Count what the journal has, before it is asked for or forgotten."""
        self.coverage.take(self.mock._powers.journal)  # noqa: SLF001  # no user's

    def clear(self) -> None:
        """Its account begins again."""
        self.count()
        self.faults.clear()
        self.holds.clear()

    def direct(self, environ: dict[str, Any]) -> Conversation:
        """Answer a request of S2's API as a direct call: it passes no points and is not noted."""
        from s2mock.api.app import App
        from s2mock.api.codec import INCARNATION

        identity = environ.get(f"HTTP_{INCARNATION.upper().replace('-', '_')}")
        engine = _DirectEngine(self.mock.account.engine, identity)
        conversation = App(cast("Engine", engine), cors=False).converse(environ)
        head: Head = yield from _until_head(conversation)
        if engine.made is not None:
            head.headers.append((INCARNATION, str(engine.made)))
        yield head
        yield from conversation


def _until_head(conversation: Conversation) -> "Generator[Step, Any, Head]":
    """Carry out the steps of a conversation up to its head, and return that."""
    step = next(conversation)
    while not isinstance(step, Head):
        try:
            value = yield step
        except Exception as error:  # noqa: BLE001  # each is for the conversation to handle
            step = conversation.throw(error)
        else:
            step = conversation.send(value)
    return step


class _DirectEngine:
    """An engine whose operations pass no points, for one request.

    With an `identity` the operation applies to that basin, stream or token only, of all that have
    had its name. `made` is the incarnation of a basin or stream that it has created or found.
    """

    observers = ()

    def __init__(self, engine: "Engine", identity: str | None) -> None:
        self._engine = engine
        self._identity = identity
        self.made: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def perform(self, call: "Call") -> "Generator[Wait, None, Any]":
        """Carry out the operation, and return its result. Raises `S2Error`."""
        operation = call.operation
        if self._identity is not None:
            _identify(operation, self._identity)
        result = self._engine.carry_out(operation, call)
        self.made = getattr(result, "incarnation", None)
        if operation.waits:
            return (yield from result.answer())
        return result


def _identify(operation: Any, identity: str) -> None:
    """Let an operation apply to that basin, stream or token only."""
    if hasattr(operation, "_incarnation") and identity.isascii() and identity.isdigit():
        operation._incarnation = int(identity)  # noqa: SLF001  # as a handle gives it
    elif hasattr(operation, "_secret"):
        operation._secret = identity  # noqa: SLF001
