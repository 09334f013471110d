"""`S2Mock`: what a test holds. It ties the registry, the app and the socket together."""

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from s2mock import own_tokens
from s2mock.beginning import as_clock, as_resources
from s2mock.conversation import Conversation
from s2mock.listening import Listening
from s2mock.powers import of_a_test
from s2mock.powers.entry import Ended
from s2mock.powers.faults import Fault
from s2mock.powers.hold import Hold
from s2mock.powers.injection import Injection, UnusedFault
from s2mock.powers.journal import JOURNAL_BYTES, JOURNAL_LIMIT, Journal
from s2mock.powers.plans import FaultPlan, inject_plan
from s2mock.powers.powers import Powers
from s2mock.registry.account import Account, Snapshot
from s2mock.registry.checks import check_flag
from s2mock.registry.clock import Clock, ManualClock, SystemClock
from s2mock.registry.config import BasinConfig
from s2mock.registry.engine import Auth, Point
from s2mock.registry.handles import Basin, Stream
from s2mock.registry.locations import as_locations
from s2mock.registry.profile import ProfileName, profile_named
from s2mock.registry.state import LOCATIONS

if TYPE_CHECKING:
    from werkzeug.test import Client

    from s2mock.api.app import App
    from s2mock.control import Front
    from s2mock.powers.entry import Insight, Lookable
    from s2mock.tokens import Names, Token

_FRESH = "s2mock-fresh-{}"


def sdk_environment(url: str, token: str) -> dict[str, str]:
    """The variables that point S2's SDKs and command line to a server."""
    return {"S2_ACCOUNT_ENDPOINT": url, "S2_BASIN_ENDPOINT": url, "S2_ACCESS_TOKEN": token}


class MonkeyPatch(Protocol):
    """The part of `pytest.MonkeyPatch` that is needed here."""

    def setenv(self, name: str, value: str) -> None:
        """Set an environment variable until the test is over."""


class S2Mock:
    """A fresh S2 account, by socket, by WSGI and by direct calls.

    `basins` are there from the beginning: names, or mappings in the format of a resource file or
    of S2's requests, where a configuration may be a `BasinConfig` or a `StreamConfig`.
    `deletion_delay` is how long a deletion stays pending, in seconds. `profile` chooses between
    the `"real"` service and the `"documented"` one where they differ. `cors` sends the headers
    that let browsers in. `clock` is where all times come from, `"manual"` a fresh `ManualClock`.
    `append_latency` is how long an append takes to be durable, in seconds of that clock. `host`
    and `port` are where the socket listens, once `url` is asked for; port 0 picks a free one.
    `snapshot` is an account to begin with, in place of `basins`; a `ManualClock` without a start
    begins at its time. `token` is the account's own access token; without one each mock has
    another, so that a request that comes late, after the test that made it, is refused with 401 and
    does not meet the account of the next. `faults` are there from the beginning: mappings of the
    arguments of `inject`. The journal keeps `journal_limit` exchanges, 0 for none, and
    `journal_bytes` of their bodies. With `control` the powers are served at `/_s2mock` under `url`
    too, to this machine. `auth="required"` lets in nobody without an access token of this account;
    `revocation_delay` is how long one that is revoked is still good, in seconds. `locations` are
    where basins can be, the default first: names, or mappings as S2 describes a location.

    Leaving the `with` block without an exception raises `UnusedFault` where a fault was not used.

    With `--s2mock-target=URL` the fixture `s2_mock` is a `RemoteS2Mock` in place of this; a suite
    that is to run on both takes its basins from `basin_name` or `fresh_basin` and uses them
    through `url`.

    Raises `ValueError` for an argument that makes no sense, and `TypeError`.
    """

    is_fake = True

    def __init__(
        self,
        *,
        basins: Iterable[str | Mapping[str, Any]] = (),
        deletion_delay: float = 0.0,
        profile: ProfileName = "real",
        cors: bool = True,
        clock: Clock | Literal["manual"] | None = None,
        append_latency: float = 0.0,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        listening: Listening | None = None,
        snapshot: Snapshot | None = None,
        faults: Iterable[Mapping[str, Any]] = (),
        journal_limit: int = JOURNAL_LIMIT,
        journal_bytes: int = JOURNAL_BYTES,
        control: bool = False,
        auth: Auth = "open",
        revocation_delay: float = 0.0,
        locations: Iterable[str | Mapping[str, Any]] | None = None,
    ) -> None:
        check_flag("control", control)
        self._resources = as_resources(basins)
        self._profile = profile_named(profile)
        check_flag("cors", cors)
        self._cors = cors
        # The standalone server sets it; a test of one's own names hosts as it likes.
        self._own_hosts_only = False
        self.clock: Clock = as_clock(clock)
        self._listening = Listening(host=host, port=port) if listening is None else listening
        self._owns_listening = listening is None
        self._app: App | None = None
        self._answering = _Answering(self)
        # What stands before its app, and before those of others on the same port.
        self._front: Front | None = None
        self._has_control = control
        self._control_token: str | None = None
        self._has_dashboard = True
        self._fresh_names = count(1)
        self.token: str = (
            own_tokens.new_token(self) if token is None else own_tokens.check_token(token)
        )
        self._forks: weakref.WeakSet[S2Mock] = weakref.WeakSet()
        self.account: Account = Account(
            clock=self.clock,
            deletion_delay=deletion_delay,
            profile=self._profile,
            auth=auth,
            token=self.token,
            revocation_delay=revocation_delay,
            locations=LOCATIONS if locations is None else as_locations(locations),
        )
        self._powers = Powers(
            self.account,
            partial(_insight, self.account),
            journal_limit=journal_limit,
            journal_bytes=journal_bytes,
            append_latency=append_latency,
        )
        if snapshot is not None and self._resources is not None:
            raise ValueError("basins and snapshot are both a beginning: give one of them")
        self._snapshot = snapshot
        self._begin()
        self._faults = tuple(faults)
        self._inject_faults()
        of_a_test.living.add(self._powers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        of_a_test.ending(self._powers)
        stage = self._powers.stage
        complaints = stage.check() if kind is None else []
        stage.end(has_failed=kind is not None)
        self.close()
        if complaints:
            raise UnusedFault("\n".join(complaints))

    def __repr__(self) -> str:
        number = len(self.basins)
        # Its server may have been stopped, and would be started by asking.
        is_there = self._is_listened_to and self._listening.started
        where = self._listening.url if is_there else "no URL"
        return f"<S2Mock at {where} with {number} basin{'' if number == 1 else 's'}>"

    def close(self) -> None:
        """Stop the socket, drop its connections and end all sessions; the forks' too.

        Closing twice is harmless.
        """
        of_a_test.ending(self._powers)
        for fork in list(self._forks):
            fork.close()
        if self._has_control and self._front is not None:
            self._front.close()
        own_tokens.end(self.token)
        if self._powers.outages:
            self._powers.outages = 0
            self._come_back()
        # The connections first: no session is to end as it would on a living server.
        if self._owns_listening:
            self._listening.stop()
        elif self._is_listened_to:
            self._listening.app = None
            self._listening.drop_connections()
        self._powers.stage.end()
        self.account.end_sessions()
        # What is told of it at the end of the test does not keep the account.
        self._powers.journal.look_with(partial(_insight, Ended(self.account.state, self.token)))
        of_a_test.end(self._powers, in_a_test=bool(own_tokens.current_test()))

    def reset(self) -> None:
        """Begin again with a fresh account, behind the same URL, with the same `basins`.

        With a `snapshot` it begins as that says. Sessions end, faults and holds are removed, and
        the journal is empty. A handle from before says so when it is used.
        """
        self._powers.stage.end()
        self.account.clear()
        self._powers.journal.clear()
        self._begin()
        self._inject_faults()
        self._drop_connections()

    def _begin(self) -> None:
        if self._snapshot is not None:
            self.account.restore(self._snapshot)
        elif self._resources is not None:
            from s2mock.resources import apply_resources

            apply_resources(self.account, self._resources)

    def snapshot(self) -> Snapshot:
        """The account as it is now, as a value that never changes.

        It costs the same with ten streams or records and with a million.
        """
        return self.account.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to the snapshot. Sessions end.

        Dates stay as they are. What is due, expiry included, moves by the time that has passed
        since the snapshot was taken. Raises `TypeError`.
        """
        self.account.restore(snapshot)
        self._drop_connections()

    def _drop_connections(self) -> None:
        if self._front is not None:
            self._front.drop_calls(self)
        elif self._is_listened_to:
            self._listening.drop_connections()

    def _another(self, **options: Any) -> "S2Mock":
        """One that begins as this one began, with a token of its own, unless options say else."""
        options.setdefault("clock", ManualClock() if isinstance(self.clock, ManualClock) else None)
        options.setdefault("faults", self._faults)
        made = S2Mock(**{**self._options(), **options})
        # No two accounts of a server issue the same access token.
        made.account.seed = int.from_bytes(made.token.encode(), "big")
        if not options.keys() & {"basins", "snapshot"}:
            made._resources, made._snapshot = self._resources, self._snapshot
            made._begin()
        return made

    def _options(self) -> dict[str, Any]:
        return {
            "deletion_delay": self.account.deletion_delay,
            "profile": self._profile.name,
            "cors": self._cors,
            "append_latency": self._powers.durability.latency,
            "auth": "open" if self.account.is_open else "required",
            "revocation_delay": self.account.revocation_delay,
            "locations": [location._asdict() for location in self.account.locations],
            "journal_limit": self.journal.limit,
            "journal_bytes": self.journal.max_bytes,
        }

    def fork(self) -> "S2Mock":
        """A mock of its own that begins as this one is now: its own account, clock and socket.

        The clock is a `ManualClock` at the same time where this one's is, else a `SystemClock`.
        It is closed when this one is.
        """
        clock: Clock = SystemClock()
        if isinstance(self.clock, ManualClock):
            clock = ManualClock.at(self.clock.now())
        fork = S2Mock(**self._options(), clock=clock, snapshot=self.snapshot())
        fork._listening = Listening(is_kept=True)  # closed with this one
        self._forks.add(fork)
        return fork

    # The three ways in.

    @property
    def wsgi_app(self) -> "App":
        """The WSGI app, for a client that calls one without a socket."""
        if self._app is None:
            from s2mock.api.app import App

            self._app = App(
                self.account,
                cors=self._cors,
                own_hosts_only=self._own_hosts_only,
                powers=self._powers,
            )
        return self._app

    @property
    def client(self) -> "Client":
        """A Werkzeug test client: requests without a socket."""
        from werkzeug.test import Client

        return Client(self.wsgi_app)

    @property
    def url(self) -> str:
        """The base URL of the socket, HTTP/1.1 and h2c; it listens from now on.

        Raises `OSError` if the address cannot be had.
        """
        self._listening.app = self._answering
        url = self._listening.url
        if self._powers.is_out:
            self._listening.refuse()
        return url

    @property
    def env(self) -> dict[str, str]:
        """The variables that point S2's SDKs and command line here."""
        return sdk_environment(self.url, self.token)

    def use_env(self, monkeypatch: MonkeyPatch) -> None:
        """Set `env` for the rest of the test, so that unmodified code comes here."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)

    # Direct access, with the rules and errors of the HTTP API.

    @property
    def basins(self) -> tuple[str, ...]:
        """The names of all basins, in order."""
        return self.account.basins

    def basin(self, name: str) -> Basin:
        """The basin of that name. Raises `InvalidName`, `BasinNotFound`."""
        return self.account.basin(name)

    def stream(self, basin: str, name: str) -> Stream:
        """The stream of that name in that basin. Raises `InvalidName`, `StreamNotFound`."""
        return self.account.stream(basin, name)

    def create_basin(
        self,
        name: str,
        config: BasinConfig | None = None,
        *,
        request_token: str | None = None,
        location: str | None = None,
    ) -> Basin:
        """Create a basin, in that location or in the default one.

        Raises `InvalidName`, `Invalid`, `BasinDeletionPending`, `ResourceAlreadyExists`.
        """
        return self.account.create_basin(
            name, config, request_token=request_token, location=location
        )

    def ensure_basin(
        self, name: str, config: BasinConfig | None = None, *, location: str | None = None
    ) -> Basin:
        """Create the basin, or replace its configuration.

        Raises `InvalidName`, `Invalid`, `BasinDeletionPending`.
        """
        return self.account.ensure_basin(name, config, location=location)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The ids of all access tokens, in order: the account's own too, and the expired ones."""
        return self.account.tokens

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

        It is for the `basins`, `streams` and `access_tokens` of these names: a name, a prefix with
        `*` behind it, or S2's `{"exact": …}` and `{"prefix": …}`; without one it is for none. It
        may carry out `ops`, and what `op_groups` give, as in `{"stream": {"read": True}}` or
        `{"stream": "read-write"}`.
        `expires_in` is in seconds of the account's clock. With `auto_prefix_streams` the prefix
        of `streams` goes before each stream's name that its bearer says. Raises `InvalidName`,
        `Invalid`, `ResourceAlreadyExists`, `TypeError`, `ValueError`.
        Source: reference: account_services §1.
        """
        from s2mock.tokens import issue

        return issue(
            self,
            token_id,
            basins=basins,
            streams=streams,
            access_tokens=access_tokens,
            ops=ops,
            op_groups=op_groups,
            expires_in=expires_in,
            auto_prefix_streams=auto_prefix_streams,
        )

    # Breaking it, holding it, looking into it.

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
    ) -> Injection:
        """Let the next operation that matches meet with this fault.

        `on` is the name of an operation, or several; `basin` and `stream` are names or globs.
        `skip` lets so many pass first, `times` is how many it meets, None for all until it is
        removed. A list of faults has one for each matching operation, None lets one pass. A fault
        that never fired fails the test, unless it is not `required`. Raises `TypeError`,
        `ValueError`.
        """
        return self._powers.stage.inject(
            fault, on=on, basin=basin, stream=stream, skip=skip, times=times, required=required
        )

    def apply(self, plan: FaultPlan) -> tuple[Injection, ...]:
        """Inject the faults of a plan, none of which is required to fire.

        `s2mock.strategies.fault_plans()` makes plans. Raises `TypeError`.
        """
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
    ) -> Hold:
        """Keep the next operation that matches waiting, while all others go on.

        `at` is "arrival" (nothing is decided), "commit" (it would succeed now, nothing has
        changed) or "answer" (it has taken effect). The rest is as with `inject`. Leaving the
        block releases it. Raises `TypeError`, `ValueError`.
        """
        return self._powers.stage.hold(
            on=on, basin=basin, stream=stream, at=at, skip=skip, times=times
        )

    @contextmanager
    def outage(self) -> Iterator[None]:
        """The service is gone: connections are dropped and new ones refused, until the block ends.

        The port stays ours, and nothing in the account changes. Through WSGI a call is a
        `ConnectionRefusedError`, and one under way a `ConnectionResetError`.
        """
        powers = self._powers
        powers.outages += 1
        if self._is_listened_to:
            self._listening.refuse()
        if self._app is not None:
            self._app.drop_calls()
        try:
            yield
        finally:
            # None is left where the mock was closed meanwhile.
            if powers.outages:
                powers.outages -= 1
                if not powers.outages:
                    self._come_back()

    def _come_back(self) -> None:
        if self._is_listened_to:
            self._listening.accept()

    def advance(self, seconds: float) -> None:
        """Turn the clock forward by `seconds`; whoever waited for that goes on before this returns.

        Raises `TypeError` where the clock is no `ManualClock`, and for what is no number, and
        `ValueError` for a negative one.
        """
        if not isinstance(self.clock, ManualClock):
            raise TypeError(
                f"advance() turns a ManualClock, and the clock of this mock is {self.clock!r}: "
                'make the mock with clock="manual", as in @pytest.mark.s2_mock(clock="manual")'
            )
        self.clock.advance(seconds)

    @property
    def _controlled(self) -> "Front":
        if self._front is None:
            from s2mock.control import Front

            self._front = Front(self, self._listening, self._control_token)
            self._front.has_dashboard = self._has_dashboard
        return self._front

    @property
    def _is_listened_to(self) -> bool:
        return self._listening.app is self._answering

    @property
    def journal(self) -> Journal:
        """What was asked, and what was answered, oldest first."""
        return self._powers.journal

    def _inject_faults(self) -> None:
        for arguments in self._faults:
            if not isinstance(arguments, Mapping):
                raise TypeError(
                    "faults must be mappings of what inject() takes, as in "
                    f"{{'fault': Drop(), 'on': 'append'}}, not {arguments!r}"
                )
            self.inject(**arguments)

    # For suites that run on a real server too.

    def basin_name(self) -> str:
        """A basin name that nobody uses, also on a real server (see `RemoteS2Mock`)."""
        return next(
            name for name in map(_FRESH.format, self._fresh_names) if name not in self.basins
        )

    def fresh_basin(self, config: BasinConfig | None = None) -> str:
        """Make a basin that nobody else uses, also on a real server, and return its name."""
        name = self.basin_name()
        self.create_basin(name, config)
        return name


def _insight(account: "Lookable") -> "Insight":
    from s2mock.insight import ApiInsight

    return ApiInsight(account)


class _Answering:
    """A mock's app for the server. It is loaded when the first request comes.

    Many a test has its code pointed here, and then makes no call.
    """

    def __init__(self, mock: S2Mock) -> None:
        # Weak, so that a mock that nobody closes warns as soon as it is let go of.
        self._mock = weakref.ref(mock)

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""
        mock = self._mock()
        assert mock is not None, "a mock and its server end together"
        if mock._has_control:  # noqa: SLF001  # two halves of one thing
            return mock._controlled.converse(environ)  # noqa: SLF001
        return mock.wsgi_app.converse(environ)
