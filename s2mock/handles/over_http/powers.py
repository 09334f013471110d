"""What `S2Mock` can do, on an account of its own on a standalone server."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from s2mock.handles.over_http.control import Control, ControlError
from s2mock.handles.over_http.exchanges import RemoteJournal
from s2mock.handles.over_http.faults import RemoteHold, RemoteInjection
from s2mock.handles.over_http.forwarding import Forwarding
from s2mock.handles.over_http.handles import (
    RemoteBasin,
    RemoteStream,
    checked_basin,
    names_of,
    put_basin,
)
from s2mock.handles.over_http.tokens import RemoteToken, issue
from s2mock.handles.tokens import to_issue
from s2mock.powers.faults import Fault, faults_to_json
from s2mock.powers.plans import FaultPlan, inject_plan
from s2mock.powers.powers import orders
from s2mock.registry.operation import Point
from s2mock.registry.values.config import BasinConfig
from s2mock.registry.values.errors import BasinNotFound, StreamNotFound
from s2mock.runtime.notifier import PATIENCE, check_count, check_timeout

if TYPE_CHECKING:
    from werkzeug.test import Client


class RemoteSnapshot:
    """A snapshot that a server keeps."""

    def __init__(self, number: int, time: int) -> None:
        self.number = number
        self.time = time
        """When it was taken, in nanoseconds since the Unix epoch."""

    def __repr__(self) -> str:
        return f"<RemoteSnapshot {self.number}>"


class RemoteClock:
    """The clock of an account on a server, a `ManualClock` there if it was asked for."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def now(self) -> int:
        """Nanoseconds since the Unix epoch."""
        now: int = self._control("GET", "/clock")["now"]
        return now

    def advance(self, seconds: float) -> None:
        """As `ManualClock.advance`."""
        self._control("POST", "/clock/advance", {"seconds": seconds})

    def wait_for_waiters(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """As `ManualClock.wait_for_waiters`."""
        check_count("count", count)
        check_timeout(timeout)
        self._control("GET", "/clock", query={"waiters": count, "wait": timeout})

    async def async_wait_for_waiters(self, count: int = 1, **more: Any) -> None:
        """As `wait_for_waiters`, for an event loop."""
        await asyncio.to_thread(self.wait_for_waiters, count, **more)


class RemotePowers:
    """The powers on one account."""

    public: Final = frozenset(
        {
            *("advance", "apply", "async_wait_for_waiters", "basin", "basins", "client", "clock"),
            *("create_basin", "ensure_basin", "hold", "inject", "issue_token", "journal"),
            *("outage", "reset", "restore", "snapshot", "stream", "tokens", "wait_for_waiters"),
            "wsgi_app",
        }
    )
    """What is on `RemoteS2Mock` too."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.journal = RemoteJournal(control)
        self.clock = RemoteClock(control)
        # How many there are, one within the other.
        self._outages = 0
        self.injector = _RemoteFaultInjector(control)
        """For the end of the test, as `Powers.injector`."""
        self.order = next(orders)

    # As `S2Mock` has them.

    def inject(
        self,
        fault: Fault | Sequence[Fault | None],
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        skip: int = 0,
        times: int | None = 1,
        required: bool = True,
    ) -> RemoteInjection:
        """As `S2Mock.inject`."""
        return RemoteInjection(
            self._control, fault, on, basin, stream, skip=skip, times=times, required=required
        )

    def apply(self, plan: FaultPlan) -> tuple[RemoteInjection, ...]:
        """As `S2Mock.apply`."""
        return inject_plan(plan, self.inject)

    def hold(
        self,
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        at: Point = "commit",
        skip: int = 0,
        times: int | None = 1,
        required: bool = True,
    ) -> RemoteHold:
        """As `S2Mock.hold`."""
        return RemoteHold(
            self._control,
            on,
            basin,
            stream,
            at,
            self.injector.told,
            skip=skip,
            times=times,
            required=required,
        )

    @contextmanager
    def outage(self) -> Iterator[None]:
        """As `S2Mock.outage`; a new connection is dropped with its first request."""
        self._outages += 1
        self._control("POST", "/outage")
        try:
            yield
        finally:
            self._outages -= 1
            if not self._outages:
                self._control("DELETE", "/outage")

    def reset(self) -> None:
        """As `S2Mock.reset`."""
        self._control("POST", "/reset")

    def advance(self, seconds: float) -> None:
        """Turn the clock forward by `seconds`, of an account that has a manual one."""
        self.clock.advance(seconds)

    def wait_for_waiters(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """As `S2Mock.wait_for_waiters`."""
        self.clock.wait_for_waiters(count, timeout=timeout)

    async def async_wait_for_waiters(self, count: int = 1, **more: Any) -> None:
        """As `wait_for_waiters`, for an event loop."""
        await self.clock.async_wait_for_waiters(count, **more)

    def snapshot(self) -> RemoteSnapshot:
        """As `S2Mock.snapshot`; the server keeps it."""
        return RemoteSnapshot(**self._control("POST", "/snapshots"))

    def restore(self, snapshot: RemoteSnapshot) -> None:
        """As `S2Mock.restore`."""
        if not isinstance(snapshot, RemoteSnapshot):
            raise TypeError(f"restore() takes a snapshot of this server, not {snapshot!r}")
        self._control("POST", f"/snapshots/{snapshot.number}/restore")

    def fork(self) -> str:
        """Make an account that begins as this one is now; returns its token."""
        token: str = self._control("POST", "/fork")["token"]
        return token

    def page(self) -> bytes:
        """The page of what there is, with all of it, in one file. Raises `OSError`."""
        return self._control.client.request("GET", "/_s2mock/report").body

    def end(self) -> None:
        """End the account. Raises `OSError`, `ControlError`."""
        self._control("DELETE", "/accounts")

    @property
    def basins(self) -> tuple[str, ...]:
        """The names of all basins, in order."""
        return tuple(info["name"] for info in names_of(self._control, "/v1/basins", "basins"))

    def basin(self, name: str) -> RemoteBasin:
        """As `S2Mock.basin`."""
        found = RemoteBasin(self._control, str(checked_basin(name)))
        if name not in self.basins:
            raise BasinNotFound(name)
        return found

    def stream(self, basin: str, name: str) -> RemoteStream:
        """As `S2Mock.stream`."""
        try:
            return RemoteBasin(self._control, str(checked_basin(basin))).stream(name)
        except BasinNotFound:
            raise StreamNotFound(basin, name) from None

    def create_basin(
        self,
        name: str,
        config: BasinConfig | None = None,
        *,
        request_token: str | None = None,
        location: str | None = None,
    ) -> RemoteBasin:
        """As `S2Mock.create_basin`."""
        return put_basin(self._control, "POST", name, config, request_token, location)

    def ensure_basin(
        self, name: str, config: BasinConfig | None = None, *, location: str | None = None
    ) -> RemoteBasin:
        """As `S2Mock.ensure_basin`."""
        return put_basin(self._control, "PUT", name, config, location=location)

    @property
    def tokens(self) -> tuple[str, ...]:
        """As `S2Mock.tokens`."""
        listed = names_of(self._control, "/v1/access-tokens", "access_tokens", name="id")
        return tuple(info["id"] for info in listed)

    def issue_token(self, token_id: str, **permissions: Any) -> RemoteToken:
        """As `S2Mock.issue_token`."""
        return issue(self._control, to_issue(token_id, **permissions), self.clock.now)

    @property
    def wsgi_app(self) -> Forwarding:
        """A WSGI app that sends each request on to the account."""
        return Forwarding(self._control.client)

    @property
    def client(self) -> "Client":
        """As `S2Mock.client`, but over the socket."""
        from werkzeug.test import Client

        return Client(self.wsgi_app)


class _RemoteFaultInjector:
    """The faults and holds of the account, as they are asked for at the end of a test."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.told: set[int] = set()
        """The numbers of holds that were found to have held nothing, and of which that was said."""

    def check(self, *, has_failed: bool = False) -> list[str]:  # noqa: ARG002  # as its twin has it
        """Remove unused faults and holds; return messages on them."""
        found = []
        # Where the server or the account is gone, so are its faults.
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
        return found

    def take_messages(self) -> tuple[list[str], list[str]]:
        """The same in two."""
        return self.check(), []


def make_account(url: str, options: Mapping[str, Any]) -> tuple[RemotePowers, str]:
    """An account of its own on that server, and its token. Raises `TypeError`, `ValueError`."""
    token: str = Control(url, None)("POST", "/accounts", options_to_json(options))["token"]
    return RemotePowers(Control(url, token)), token


def options_to_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `S2Mock` as those of an account. Raises `TypeError`, `ValueError`."""
    document = dict(options)
    clock = document.pop("clock", None)
    if clock == "manual":
        document["clock"] = clock
    elif clock is not None:
        raise ValueError(
            f'clock must be "manual" with --s2mock-target, since that clock is the server\'s, not '
            f"{clock!r}; s2_mock.clock and s2_mock.advance() turn it"
        )
    if "snapshot" in document:
        snapshot = document["snapshot"]
        if not isinstance(snapshot, RemoteSnapshot):
            raise ValueError(f"snapshot must be one of the server's own, not {snapshot!r}")
        document["snapshot"] = snapshot.number
    if "faults" in document:
        document["faults"] = [
            {**fault, "fault": faults_to_json(fault["fault"])} for fault in document["faults"]
        ]
    return document
