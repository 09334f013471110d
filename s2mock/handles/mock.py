"""`S2Mock`: an account with its engine, powers, app and server, composed for one test."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast

from s2mock.handles.account import Account
from s2mock.handles.backends.in_process import EngineBackend, MockBackend
from s2mock.handles.connections import Connections
from s2mock.handles.initial_state import InitialState, as_clock
from s2mock.handles.mock_base import MockBase
from s2mock.handles.server_certificate import ServerCertificate
from s2mock.powers import teardown_report
from s2mock.powers.entry import EndedAccount
from s2mock.powers.errors import raise_at_end
from s2mock.powers.powers import Powers
from s2mock.registry.engine.engine import Auth
from s2mock.registry.rules.locations import as_locations
from s2mock.registry.state import LOCATIONS
from s2mock.registry.values.profile import ProfileName, profile_named
from s2mock.runtime import failures, mock_tokens
from s2mock.runtime.arguments import check_flag, check_host, check_port
from s2mock.runtime.clock import Clock, ManualClock, SystemClock
from s2mock.runtime.conversation import Conversation
from s2mock.runtime.loading import loading
from s2mock.runtime.weak_set import SharedWeakSet
from s2mock.server.lazy_server import LazyServer

if TYPE_CHECKING:
    from pathlib import Path

    from s2mock.control.hosted_account import HostedMock
    from s2mock.control.router import ControlRouter
    from s2mock.control.settings import ControlSettings
    from s2mock.data_directory.change_log import SyncMode
    from s2mock.data_directory.keeper import Keeper
    from s2mock.handles.backends.upstream import UpstreamAccount
    from s2mock.handles.upstream import UpstreamSide
    from s2mock.json_bodies.snapshots.snapshot import Snapshot
    from s2mock.powers.entry import AccountView, Diagnostics
    from s2mock.powers.middleware import Api
    from s2mock.server.loop_server import LoopServer
    from s2mock.server.wsgi import WsgiApp

_FRESH = "s2mock-fresh-{}"
CA_VARIABLES: Final = (
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
"""The variables in which HTTP clients find the file of an authority to trust."""


class S2Mock(MockBase):
    """A fresh S2 account, by socket, by WSGI and by direct calls.

    `basins` exist from the start: names, or mappings in the format of a resource file or of S2's
    requests, where a configuration may be a `BasinConfig` or a `StreamConfig`. `deletion_delay` is
    how long a deletion stays pending, in seconds. `profile` chooses which to follow where the
    `"real"` service and the `"documented"` one disagree. `cors` sends the headers that let browsers
    read responses. All times come from `clock`; `"manual"` is a fresh `ManualClock`.
    `append_latency` is how long an append takes to become durable, in seconds of that clock. The
    socket listens on `host` and `port` once `url` is read; port 0 picks a free one. With `tls` it
    speaks TLS, and `ca_file` has the authority that its certificate is from. `snapshot` is an
    account to start from, in place of `basins`; a `ManualClock` without a start time takes the
    snapshot's. `token` is the account's own access token; without one each mock has another, so
    that a late request, after the end of the test that made it, is refused with 401 and does not
    reach the account of the next test. `faults` are injected from the start: mappings of the
    arguments of `inject`. The journal keeps `journal_limit` exchanges, 0 for none, and
    `journal_bytes` of their bodies and long heads. With `control` the powers are served at
    `/_s2mock` under `url` too, to this machine. `auth="required"` refuses requests without an
    access token of this account; `revocation_delay` is how long a revoked token still works, in
    seconds. `locations` are where basins can be, the default first: names, or mappings as S2
    describes a location.

    With `upstream`, the URL of an s2-lite or of the hosted service, that server answers every
    request, and this mock is in front of it with its faults, holds and journal.
    `upstream_token_env` is the environment variable with the access token for it: a client's token
    is not forwarded. `upstream_basin_endpoint`, such as `https://{basin}.b.s2.dev`, is where
    requests for streams go if the server takes the basin from the host. `basin_prefix` is put
    before the name of each basin there, and taken off again in responses; a `*` in it is replaced
    by random letters. What only the engine of this process can do raises `NotOnTarget`. Needs
    `pip install 's2mock[upstream]'`.

    Leaving the `with` block without an exception raises `UnusedFault` if a fault was not used, or
    if a hold held nothing, and what a hook has raised.

    With `--s2mock-target=URL` the fixture `s2_mock` is a `RemoteS2Mock` in place of this; a suite
    that is to run on both takes its basins from `basin_name` or `fresh_basin` and uses them
    through `url`.

    Raises `ValueError`, which lists the valid values, `TypeError`, and with `tls`
    `ModuleNotFoundError` if trustme is not installed (`pip install 's2mock[tls]'`).
    """

    @property
    def is_fake(self) -> bool:
        """True if the mock itself answers; False in front of an upstream."""
        return self._upstream is None

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
        tls: bool = False,
        token: str | None = None,
        listening: LazyServer | None = None,
        snapshot: "Snapshot | None" = None,
        faults: Iterable[Mapping[str, Any]] = (),
        journal_limit: int = 10_000,
        journal_bytes: int = 64 * 1024 * 1024,
        control: bool = False,
        auth: Auth = "open",
        revocation_delay: float = 0.0,
        locations: Iterable[str | Mapping[str, Any]] | None = None,
        upstream: str | None = None,
        upstream_token_env: str | None = None,
        upstream_basin_endpoint: str | None = None,
        basin_prefix: str | None = None,
    ) -> None:
        self._upstream: UpstreamSide | None = None
        check_flag("control", control)
        self._certificate = ServerCertificate(tls)
        self._profile = profile_named(profile)
        check_flag("cors", cors)
        side = None
        of_upstream = (upstream, upstream_token_env, basin_prefix, upstream_basin_endpoint)
        if any(option is not None for option in of_upstream):
            from s2mock.handles import upstream as upstreams

            side = upstreams.UpstreamSide(*of_upstream)
            upstreams.check_engine_options(
                deletion_delay=deletion_delay,
                profile=profile,
                clock=clock,
                append_latency=append_latency,
                snapshot=snapshot,
                auth=auth,
                revocation_delay=revocation_delay,
                locations=locations,
            )
        self._initial_state = InitialState(basins, snapshot)
        self._cors = cors
        # The standalone server sets these; a test of one's own names hosts as it likes.
        self._own_hosts_only = False
        self._refusal: str | None = None
        lazy_server = LazyServer(host=host, port=port) if listening is None else listening
        self._owns_server = listening is None
        self._is_closed = False
        self._has_control = control
        self._control_settings: ControlSettings | None = None
        self._keeper: Keeper | None = None
        self._fresh_names = count(1)
        given = mock_tokens.give(token)
        self._number = given.number
        self.token: str = given.token
        self._is_token_pinned = token is not None
        self._forks: SharedWeakSet[S2Mock] = SharedWeakSet()
        if side is None:
            self.clock: Clock = as_clock(clock)
            self.account: Account = Account(
                clock=self.clock,
                deletion_delay=deletion_delay,
                profile=self._profile,
                auth=auth,
                token=self.token,
                secret_prefix=given.secret_prefix,
                revocation_delay=revocation_delay,
                locations=LOCATIONS if locations is None else as_locations(locations),
            )
            self._engine = self.account.engine
        else:
            self._engine = side.engine
        mock_tokens.begin(given.number, self._engine.authorization)
        self._powers = Powers(
            self._engine,
            partial(_load_diagnostics, self._engine),
            journal_limit=journal_limit,
            journal_bytes=journal_bytes,
            append_latency=append_latency,
        )
        self._connections = Connections(self._engine, self._converse, lazy_server)
        self._of_account: EngineBackend | UpstreamAccount
        self._of_powers: MockBackend
        if side is None:
            self._of_account = EngineBackend(self._engine)
            self._of_powers = MockBackend(self._engine, self._powers, self._connections)
        else:
            self._upstream = side
            self._of_account = side.account
            self._of_powers = side.powers(self._powers, self._connections)
        self._begin_account()
        self._faults = tuple(faults)
        self._inject_faults()
        teardown_report.living.add(self._powers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        teardown_report.prepare_end(self._powers)
        injector, raised, complaints = self._powers.used_injector, None, []
        if injector is not None:
            if kind is None:
                raised, complaints = injector.hook_calls.wait_for_error(), injector.check()
            injector.end(has_failed=kind is not None)
        self.close()
        raise_at_end(raised, complaints)

    if not TYPE_CHECKING:
        # Hidden from type checkers, to which any name would be a member.

        def __getattr__(self, name: str) -> Any:
            if name in ("account", "clock") and self.__dict__.get("_upstream") is not None:
                raise self._upstream.impossible(name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        if self._upstream is not None:
            return f"<S2Mock in front of {self._upstream.url}>"
        number = len(self.basins)
        # To read the URL of a server that was stopped would start it again.
        connections = self._connections
        is_there = connections.is_served and connections.lazy_server.started
        where = connections.lazy_server.url if is_there else "no URL"
        return f"<S2Mock at {where} with {number} basin{'' if number == 1 else 's'}>"

    def close(self) -> None:
        """Stop the server, drop all connections and end all sessions, those of forks included.

        Closing twice is harmless.
        """
        teardown_report.prepare_end(self._powers)
        if not self._is_closed:
            self._advise_on_open_reads()
        self._is_closed = True
        self._powers.journal.note_cut()
        for fork in list(self._forks):
            fork.close()
        if self._has_control and self._connections.router is not None:
            self._connections.router.close()
        mock_tokens.end(self._number)
        if self._powers.outages:
            self._powers.outages = 0
            self._connections.accept()
        # The connections first, so that no session ends as it would on a server that goes on.
        self._connections.end_loop_servers()
        if self._upstream is not None:
            self._upstream.close(self._connections.drop)
        if self._owns_server:
            self._connections.lazy_server.stop()
        else:
            self._connections.end()
        self._powers.end_injecting()
        self._engine.end_sessions()
        if self._keeper is not None:
            self._keeper.close()
        # The report at the end of the test must not keep the account in memory.
        self._powers.journal.set_diagnostics(
            partial(
                _load_diagnostics, EndedAccount(self._engine.state, self.token, self._engine.tails)
            )
        )
        teardown_report.end(self._powers, in_a_test=bool(mock_tokens.current_test()))

    def _advise_on_open_reads(self) -> None:
        """Add advice on the read sessions without an end that no client has ended in the test."""
        journal = self._powers.journal
        if not mock_tokens.current_test():
            return
        # What interprets a journal is loaded now, which fails without descriptors. A mock is closed
        # all the same.
        with suppress(OSError, ImportError):
            if journal.has_endless_reads() and self._connections.let_clients_leave(
                until=lambda: not journal.has_endless_reads()
            ):
                journal.add_advice_on_endless_reads()

    def _reset(self) -> None:
        if self._upstream is not None:
            self._upstream.check_reset()
        self._powers.journal.note_cut()
        self._powers.end_injecting()
        if self._upstream is None:
            self._engine.clear()
        else:
            self._connections.drop()
            self._upstream.begin_anew()
            self._engine.end_sessions()
        self._powers.journal.clear()
        self._begin_account()
        self._inject_faults()
        self._connections.drop()

    def _another(self, **options: Any) -> "S2Mock":
        """Make the mock of another account on the same server, with a token of its own.

        It starts from what this one started from, unless the options change that.
        """
        is_manual = isinstance(self._engine.clock, ManualClock)
        options.setdefault("clock", ManualClock() if is_manual else None)
        options.setdefault("faults", self._faults)
        inherited = self._options()
        if self._upstream is not None:
            inherited = self._upstream.options_of_another(inherited)
        elif isinstance(options["clock"], ManualClock) and not isinstance(self.clock, ManualClock):
            # Nothing that the account asked for would hold each append until its clock is advanced.
            options.setdefault("append_latency", 0.0)
        made = S2Mock(**{**inherited, **options})
        made._connections.router = self._connections.router
        if not options.keys() & {"basins", "snapshot"}:
            made._initial_state = self._initial_state
            made._begin_account()
        return made

    def _converse_directly(self, environ: dict[str, Any]) -> Conversation:
        """Answer a request of S2's API as a direct call of a test."""
        if self._upstream is not None:
            return self._upstream.converse_directly(environ)
        from s2mock.control import direct_calls  # loaded late: most servers have no direct calls

        return direct_calls.converse(self._engine, environ)

    def _begin_account(self) -> None:
        """Create the basins that the account starts with."""
        if self._upstream is None:
            self._initial_state.apply(self._engine)
        else:
            self._upstream.begin(self._initial_state)

    def _options(self) -> dict[str, Any]:
        """Return the options of another mock like this one; a test fails if one is missing."""
        return {
            "deletion_delay": self._engine.settings.deletion_delay,
            "profile": self._profile.name,
            "cors": self._cors,
            "append_latency": self._powers.durability.latency,
            "auth": "open" if self._engine.settings.is_open else "required",
            "revocation_delay": self._engine.settings.revocation_delay,
            "locations": self._engine.settings.locations,
            "journal_limit": self.journal.limit,
            "journal_bytes": self.journal.max_bytes,
        }

    def _fork(self) -> "S2Mock":
        if self._upstream is not None:
            raise self._upstream.impossible("fork")
        clock: Clock = SystemClock()
        if isinstance(self.clock, ManualClock):
            clock = ManualClock.at(self.clock.now())
        fork = S2Mock(**self._options(), clock=clock, snapshot=self.snapshot())
        # Not as an option: a certificate of the user's need not be from trustme.
        fork._certificate = self._certificate
        fork._connections.lazy_server = LazyServer(is_kept=True)  # closed with this one
        self._forks.add(fork)
        return fork

    @property
    def wsgi_app(self) -> "WsgiApp":
        """The WSGI app, for a client that calls one without a socket."""
        connections = self._connections
        if connections.app is None:
            with loading():
                from s2mock.powers.middleware import make_stack
                from s2mock.server.wsgi import WsgiApp

            app = self._make_app()
            powers = self._powers
            connections.app = WsgiApp(
                make_stack(app, powers).converse, is_own_thread=lambda: powers.is_own_thread
            )
        return connections.app

    def _make_app(self) -> "Api":
        """Return S2's API over the engine, or over the upstream."""
        if self._upstream is not None:
            return self._upstream.make_app(cors=self._cors, refusal=self._refusal)
        with loading():
            from s2mock.api.app import App
        return App(
            self._engine,
            cors=self._cors,
            own_hosts_only=self._own_hosts_only,
            refusal=self._refusal,
        )

    @property
    def url(self) -> str:
        """The base URL of the server, HTTP/1.1 and HTTP/2; it listens from now on.

        Raises `OSError` if the address is not available, `RuntimeError` once the mock is closed.
        """
        if self._is_closed:
            raise RuntimeError(
                "this S2Mock is closed, and has no URL any more: use it within its `with` block, "
                "or before close()"
            )
        url = self._listen()
        if self._powers.outages:
            self._connections.refuse()
        return url

    @property
    def ca_file(self) -> str:
        """The path of a PEM file with the authority of the server's certificate, with `tls`.

        A client that trusts it trusts the server. The file is removed at the end of the process.
        Raises `RuntimeError` for a mock without an authority of its own.
        """
        certificate = self._certificate.find(self._connections.lazy_server.host)
        if certificate is None:
            raise RuntimeError("this S2Mock speaks plain HTTP: make it with tls=True")
        if certificate.ca_file is None:
            raise RuntimeError("the certificate of this S2Mock is of an authority of yours")
        return certificate.ca_file

    @property
    def env(self) -> dict[str, str]:
        """The variables that point S2's SDKs and command line to the server.

        With `tls` they have `ca_file` too, in the variables that HTTP clients read.
        """
        env = super().env
        if (ca_file := self._certificate.ca_file) is not None:
            env |= dict.fromkeys(CA_VARIABLES, ca_file)
        return env

    async def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> "LoopServer":
        """Serve the account on the running asyncio loop, without a thread, HTTP/1.1 and HTTP/2.

        The result has a `url`, `await close()`, and closes itself at the end of `async with`.
        Closing the mock closes it too. `port` 0 picks a free one. Raises `OSError` if the address
        is not available, `ValueError` for one that cannot exist, and `RuntimeError` once the mock
        is closed.
        """
        if self._is_closed:
            raise RuntimeError("this S2Mock is closed: call serve() before close()")
        check_port(port)
        check_host(host)
        from s2mock.server.loop_server import LoopServer

        server = await LoopServer.start(
            self._converse,
            host=host,
            port=port,
            on_error=failures.note,
            certificate=self._certificate.find(host),
        )
        self._connections.add_loop_server(server)
        if self._is_closed:
            server.stop()
        elif self._powers.outages:
            server.refuse()
        return server

    def _basin_name(self) -> str:
        if self._upstream is not None:
            return self._upstream.basin_name()
        return next(
            name for name in map(_FRESH.format, self._fresh_names) if name not in self.basins
        )

    def _load(self) -> None:
        """Load what the first request would load, which is done once for each server."""
        server = self._connections.lazy_server
        if not server.is_loaded:
            self._listen()
            server.load()
        _ = self._application

    def _listen(self) -> str:
        """Put the server in front of this mock, and return its URL. Raises `OSError`."""
        connections = self._connections
        return connections.listen(self._certificate.find(connections.lazy_server.host))

    def _converse(self, environ: dict[str, Any]) -> Conversation:
        return self._application.converse(environ)

    @property
    def _application(self) -> "WsgiApp | ControlRouter":
        return self._router if self._has_control else self.wsgi_app

    @property
    def _router(self) -> "ControlRouter":
        connections = self._connections
        if connections.router is None:
            from s2mock.control.router import ControlRouter
            from s2mock.control.settings import ControlSettings

            settings = self._control_settings or ControlSettings()
            hosted = cast("HostedMock", self)
            connections.router = ControlRouter(hosted, connections.lazy_server.call, settings)
        return connections.router

    def _use_certificate(self, certificate_file: "Path", key_file: "Path") -> None:
        """Serve over TLS with a certificate of the user's. Raises `OSError`, `ValueError`."""
        self._certificate.use_files(certificate_file, key_file)

    def _set_up_server(self, control: "ControlSettings", *, own_hosts_only: bool) -> None:
        """Set what only the standalone server sets, before the first request."""
        from s2mock.control.settings import NO_FIRST_ACCOUNT

        self._control_settings = control
        self._own_hosts_only = own_hosts_only
        self._refusal = None if control.has_first_account else NO_FIRST_ACCOUNT

    def _keep_in(
        self,
        directory: "Path",
        mode: "SyncMode",
        *,
        report: Callable[[str], object],
        end: Callable[[], object],
    ) -> None:
        """Keep the account in a directory, with what is there; before its first operation.

        `report` is called with the text of a failure, from any thread, `end` once no change can be
        kept any more. Raises `OSError`, `DataDirectoryError`.
        """
        from s2mock.data_directory.keeper import Keeper

        self._keeper = Keeper(
            self._engine,
            directory,
            mode,
            is_new=self._initial_state.is_snapshot,
            report=report,
            end=end,
        )
        if mode == "batch":
            self._connections.lazy_server.synced_log = self._keeper.log

    def _start_from(self, resources: bytes) -> None:
        """Create the basins of a resource file, now and after each reset.

        Raises `ResourcesError`.
        """
        before, self._initial_state = self._initial_state, InitialState(resources=resources)
        try:
            self._begin_account()
        except BaseException:
            self._initial_state = before
            raise

    def _actor_token(self, number: int) -> str:
        """Return the token for an actor of a campaign, the same for the same number."""
        return mock_tokens.of_actor(self._number, number)

    def _drop_clients(self) -> None:
        """Drop all connections, and the calls by WSGI."""
        self._powers.journal.note_cut()
        self._connections.drop()
        if self._connections.app is not None:
            self._connections.app.drop_calls()

    def _inject_faults(self) -> None:
        for arguments in self._faults:
            if not isinstance(arguments, Mapping):
                raise TypeError(
                    "faults must be mappings of what inject() takes, as in "
                    f"{{'fault': Drop(), 'on': 'append'}}, not {arguments!r}"
                )
            self.inject(**arguments)


def _load_diagnostics(account: "AccountView") -> "Diagnostics":
    from s2mock.diagnostics import ApiDiagnostics

    return ApiDiagnostics(account)
