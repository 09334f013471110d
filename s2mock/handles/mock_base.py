"""The public methods of a mock, written once over two backends: this process, and HTTP."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

from s2mock.handles.account import DirectCalls
from s2mock.handles.backends.backend import AccountBackend, PendingResult, PowersBackend
from s2mock.handles.faults import Hold, Hook, Injection
from s2mock.handles.journal import Journal
from s2mock.registry.operation import Point
from s2mock.registry.values.config import BasinConfig
from s2mock.runtime.arguments import check_config, check_count, check_timeout
from s2mock.runtime.clock import AccountClock
from s2mock.runtime.notifier import PATIENCE

if TYPE_CHECKING:
    from werkzeug.test import Client

    from s2mock.handles.tokens import Names, Token
    from s2mock.json_bodies.snapshots.snapshot import Snapshot
    from s2mock.powers.faults import Fault
    from s2mock.powers.hook import Function
    from s2mock.powers.plans import FaultPlan


class MonkeyPatch(Protocol):
    """The part of `pytest.MonkeyPatch` that is needed here."""

    def setenv(self, name: str, value: str) -> None:
        """Set an environment variable until the test is over."""


class MockBase(DirectCalls):
    """The public methods that `S2Mock` and `RemoteS2Mock` share, over two backends.

    A subclass sets `clock`, `token` and the backends, and has the URL and the app of the account.
    """

    clock: AccountClock
    token: str
    _of_account: AccountBackend
    _of_powers: PowersBackend

    @property
    def _account_backend(self) -> AccountBackend:
        return self._of_account

    # The server.

    @property
    def url(self) -> str:
        """The base URL of the server. Raises `OSError`, `RuntimeError`."""
        raise NotImplementedError

    @property
    def wsgi_app(self) -> Any:
        """The WSGI app, for a client that calls one without a socket."""
        raise NotImplementedError

    @property
    def client(self) -> "Client":
        """A Werkzeug test client of `wsgi_app`."""
        from werkzeug.test import Client

        return Client(self.wsgi_app)

    @property
    def env(self) -> dict[str, str]:
        """The variables that point S2's SDKs and command line to the server."""
        return sdk_environment(self.url, self.token)

    def use_env(self, monkeypatch: MonkeyPatch) -> None:
        """Set `env` for the rest of the test, so that unmodified code uses the server."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)

    # Direct calls, beside those of `DirectCalls`.

    def issue_token(
        self,
        token_id: str,
        *,
        basins: "Names" = None,
        streams: "Names" = None,
        access_tokens: "Names" = None,
        ops: Iterable[str] = (),
        op_groups: Mapping[str, Mapping[str, bool] | str] = MappingProxyType({}),
        expires_in: float | None = None,
        auto_prefix_streams: bool = False,
    ) -> "Token":
        """Issue an access token.

        It applies to the `basins`, `streams` and `access_tokens` of these names: a name, a prefix
        followed by `*`, or S2's `{"exact": …}` and `{"prefix": …}`; None for no names. It permits
        `ops`, and what `op_groups` permit, as in `{"stream": {"read": True}}` or
        `{"stream": "read-write"}`.
        `expires_in` is in seconds of the account's clock. With `auto_prefix_streams` the prefix
        of `streams` is put before each stream name in a request with the token. Raises
        `InvalidName`, `Invalid`, `ResourceAlreadyExists`, `TypeError`, `ValueError`.
        Source: reference: account_services §1.
        """
        from s2mock.handles.tokens import Token, issue_operation

        operation = issue_operation(
            token_id,
            basins=basins,
            streams=streams,
            access_tokens=access_tokens,
            ops=ops,
            op_groups=op_groups,
            expires_in=expires_in,
            auto_prefix_streams=auto_prefix_streams,
        )
        issued = self._of_account.carry_out(operation)
        return Token(self._of_account, lambda: self.env, issued.id, issued.secret)

    def basin_name(self) -> str:
        """Return the name of a basin that does not exist, on a real server either.

        On a server, a basin of that name is deleted after the test.
        """
        return self._basin_name()

    def fresh_basin(self, config: BasinConfig | None = None) -> str:
        """Create a basin that no other test uses, on a real server either, and return its name.

        Raises `TypeError`, and in front of a server `TargetError`.
        """
        check_config(config, BasinConfig)
        name = self.basin_name()
        self.create_basin(name, config)
        return name

    # Powers.

    def inject(
        self,
        fault: "Fault | Sequence[Fault | None]",
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        skip: int = 0,
        times: int | None = 1,
        required: bool = True,
    ) -> Injection:
        """Apply this fault to the next operation that matches.

        `on` is the name of an operation, or several; `basin` and `stream` are names or globs.
        `skip`: matching operations to let through first; `times`: how many to affect after that,
        None for all until it is removed. A list of faults has one for each matching operation, and
        None in it lets one pass. Operations that are held now at their arrival or commit count
        first, in order of arrival, and are affected when they are released. One that is held at
        its answer does not match, since it is applied already. A fault that never fired fails the
        test, unless it is not `required`. Raises `TypeError`, `ValueError`.
        """
        # Loaded late, as below: most tests inject nothing.
        from s2mock.powers.injection import InjectArguments

        return Injection(
            self._of_powers.inject(
                InjectArguments.make(
                    fault,
                    on=on,
                    basin=basin,
                    stream=stream,
                    skip=skip,
                    times=times,
                    required=required,
                )
            )
        )

    def apply(self, plan: "FaultPlan") -> tuple[Injection, ...]:
        """Inject the faults of a plan, none of which is required to fire.

        `s2mock.strategies.fault_plans()` makes plans. Raises `TypeError`.
        """
        from s2mock.powers.plans import inject_plan

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
    ) -> Hold:
        """Keep the next operation that matches waiting, while all others go on.

        `at` is "arrival" (parsed, nothing is decided), "commit" (it would succeed now, nothing has
        changed) or "answer" (applied; the response has not been sent). The other arguments are as
        in `inject`. Leaving the `with` block releases the operation. A writing operation that is
        held at its arrival or commit goes on when released, even if its client has left. A hold
        that nothing reached fails the test, unless it is not `required`. Raises `TypeError`,
        `ValueError`.
        """
        from s2mock.powers.hold import HoldArguments

        return Hold(
            self._of_powers.hold(
                HoldArguments.make(
                    on=on,
                    basin=basin,
                    stream=stream,
                    at=at,
                    skip=skip,
                    times=times,
                    required=required,
                )
            )
        )

    def on(
        self,
        operation: str | Iterable[str],
        do: "Function",
        *,
        at: Point = "commit",
        basin: str = "*",
        stream: str = "*",
        skip: int = 0,
        times: int | None = None,
    ) -> Hook:
        """Call `do(exchange)` when a matching operation reaches a point, and wait for its result.

        `operation` is a name, or several; `at` is as in `hold`, the other arguments are as in
        `inject`. `do` is called in a thread of its own, with no lock held: it may make direct
        calls, advance the clock, inject faults and release holds. It returns a fault for this
        operation, or anything else for none; an exception that it raises fails the test. A
        coroutine function is called on the loop of `serve`. An operation whose hook was called at
        its commit is decided again. At one point the order is: hooks, oldest first; holds; the
        fault. A fault of a hook takes precedence over an injected one, which keeps its count. A
        hook that was never called fails no test. Raises `TypeError`, `ValueError`.
        """
        from s2mock.powers.hold import HoldArguments

        arguments = HoldArguments.make(
            on=operation,
            basin=basin,
            stream=stream,
            at=at,
            skip=skip,
            times=times,
            required=False,
            hook=True,
        )
        return Hook(self._of_powers.hook(arguments, do))

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Drop all connections and refuse new ones until the block ends.

        The port stays reserved, and nothing in the account changes. Through WSGI a call raises
        `ConnectionRefusedError`, and one under way `ConnectionResetError`. In front of a server, a
        new connection is dropped with its first request.
        """
        self._of_powers.begin_outage()
        try:
            yield
        finally:
            self._of_powers.end_outage()

    def advance(self, seconds: float) -> None:
        """Advance the clock by `seconds`; timers that are due by then have fired on return.

        Raises `TypeError` if the clock is no `ManualClock`, or `seconds` no number, and
        `ValueError` for a negative number, and for one that leads beyond the year 9999.
        """
        self._of_powers.manual_clock("advance").advance(seconds)

    def wait_for_waiters(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """Wait until `count` operations or sessions wait on the manual clock of this mock.

        A read session that follows at the tail waits for its next heartbeat, a delayed operation
        for the end of its delay. `timeout` is in seconds of real time. Raises `TimeoutError`,
        `TypeError` if the clock is no `ManualClock`, and `ValueError`.
        """
        __tracebackhide__ = True
        self._waiters_pending(count, timeout).wait()

    async def async_wait_for_waiters(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """Wait as `wait_for_waiters` does, while the event loop goes on."""
        __tracebackhide__ = True
        await self._waiters_pending(count, timeout).async_wait()

    def _waiters_pending(self, count: int, timeout: float) -> "PendingResult[object]":
        check_count("count", count)
        check_timeout(timeout)
        return self._of_powers.manual_clock("wait_for_waiters").waiters_pending(count, timeout)

    @property
    def journal(self) -> Journal:
        """The requests that the account has received, with their answers, oldest first."""
        return Journal(self._of_powers.journal, self._of_account)

    # The account as a whole.

    def reset(self) -> None:
        """Start again with a fresh account, behind the same URL, with the same `basins`.

        With a `snapshot` it starts from that. Sessions end, faults and holds are removed, and
        the journal is empty. A handle from before raises `StaleHandle` when it is used.
        """
        self._reset()

    def snapshot(self) -> "Snapshot":
        """Return the account as it is now, as a value that never changes.

        The cost is the same with ten streams or records and with a million.
        """
        return self._of_powers.snapshot()

    def restore(self, snapshot: "Snapshot") -> None:
        """Go back to the snapshot. Sessions end.

        Dates stay as they are. What is due, expiry included, moves by the time that has passed
        since the snapshot was taken. Raises `TypeError`.
        """
        self._of_powers.restore(snapshot)

    def fork(self) -> Self:
        """Return a mock of its own that starts as this one is now: own account, clock and token.

        Its clock is a `ManualClock` at the same time if this one's is, else a `SystemClock`. It is
        closed when this one is.
        """
        return cast("Self", self._fork())

    def _basin_name(self) -> str:
        raise NotImplementedError

    def _reset(self) -> None:
        raise NotImplementedError

    def _fork(self) -> "MockBase":
        raise NotImplementedError


def sdk_environment(url: str, token: str) -> dict[str, str]:
    """Return the variables that point S2's SDKs and command line to a server."""
    return {"S2_ACCOUNT_ENDPOINT": url, "S2_BASIN_ENDPOINT": url, "S2_ACCESS_TOKEN": token}
