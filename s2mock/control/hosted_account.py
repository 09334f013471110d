"""One account among those of a server, and what was asked for it over HTTP."""

from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from s2mock.control.answers import Refused
from s2mock.powers.coverage import Coverage
from s2mock.runtime.conversation import CANCEL_HANDLE, Conversation, Reset
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable, Generator

    from s2mock.api.app import App
    from s2mock.control.events import Events
    from s2mock.mock import S2Mock
    from s2mock.powers.hold import Hold
    from s2mock.powers.injection import Injection
    from s2mock.registry.engine.engine import Engine
    from s2mock.registry.operation import Call
    from s2mock.runtime.conversation import Wait
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
        self._direct: App | None = None
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
        self.coverage.take(self.mock.journal)

    def clear(self) -> None:
        """Its account begins again."""
        self.count()
        self.faults.clear()
        self.holds.clear()

    @property
    def direct(self) -> "App":
        """S2's API as direct calls of the test: nobody stands at their points or takes notes."""
        if self._direct is None:
            from s2mock.api.app import App

            self._direct = App(cast("Engine", _Unwatched(self.mock.account.engine)), cors=False)
        return self._direct


class _Unwatched:
    """An account whose operations pass no points."""

    observers = ()

    def __init__(self, account: "Engine") -> None:
        self._account = account

    def __getattr__(self, name: str) -> Any:
        return getattr(self._account, name)

    def perform(self, call: "Call") -> "Generator[Wait, None, Any]":
        """Carry it out. Raises `S2Error`."""
        result = self._account.carry_out(call.operation, call)
        if call.operation.waits:
            return (yield from result.answer())
        return result
