"""`S2Mock`: what a test holds. It ties the registry, the app and the socket together."""

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import count
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from s2mock.account_face import AccountFace
from s2mock.handles.initial_state import as_clock, as_resources
from s2mock.powers import teardown_report
from s2mock.powers.entry import EndedAccount
from s2mock.powers.errors import UnusedFault
from s2mock.powers.journal import JOURNAL_BYTES, JOURNAL_LIMIT
from s2mock.powers.powers import Powers
from s2mock.powers_face import PowersFace
from s2mock.registry.account import Account, Snapshot
from s2mock.registry.engine.engine import Auth
from s2mock.registry.rules.locations import as_locations
from s2mock.registry.state import LOCATIONS
from s2mock.registry.values.profile import ProfileName, profile_named
from s2mock.runtime import mock_tokens
from s2mock.runtime.arguments import check_flag
from s2mock.runtime.clock import Clock, ManualClock, SystemClock
from s2mock.runtime.conversation import Conversation
from s2mock.runtime.weak_set import SharedWeakSet
from s2mock.server.lazy_server import LazyServer

if TYPE_CHECKING:
    from s2mock.control import ControlRouter
    from s2mock.powers.entry import AccountView, Diagnostics


class S2Mock(AccountFace, PowersFace):
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
    `journal_bytes` of their bodies and long heads. With `control` the powers are served at
    `/_s2mock` under `url` too, to this machine. `auth="required"` lets in nobody without an access
    token of this account; `revocation_delay` is how long one that is revoked is still good, in
    seconds. `locations` are where basins can be, the default first: names, or mappings as S2
    describes a location.

    Leaving the `with` block without an exception raises `UnusedFault` where a fault was not used,
    or a hold held nothing.

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
        listening: LazyServer | None = None,
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
        self.clock: Clock = as_clock(clock)
        super().__init__(listening, host=host, port=port, cors=cors)
        # What stands before its app, and before those of others on the same port.
        self._front: ControlRouter | None = None
        self._has_control = control
        self._control_token: str | None = None
        self._has_dashboard = True
        self._account_idle: float = inf
        self._fresh_names = count(1)
        given = mock_tokens.give(token)
        self._number = given.number
        self.token: str = given.token
        self._forks: SharedWeakSet[S2Mock] = SharedWeakSet()
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
        mock_tokens.begin(given.number, self.account)
        self._powers = Powers(
            self.account,
            partial(_load_diagnostics, self.account),
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
        injector = self._powers.injector
        complaints = injector.check() if kind is None else []
        injector.end(has_failed=kind is not None)
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
        teardown_report.prepare_end(self._powers)
        self._is_closed = True
        for fork in list(self._forks):
            fork.close()
        if self._has_control and self._front is not None:
            self._front.close()
        mock_tokens.end(self._number)
        if self._powers.outages:
            self._powers.outages = 0
            self._come_back()
        # The connections first: no session is to end as it would on a living server.
        if self._owns_listening:
            self._listening.stop()
        elif self._is_listened_to:
            self._listening.app = None
            self._listening.drop_connections()
        self._powers.injector.end()
        self.account.end_sessions()
        # What is told of it at the end of the test does not keep the account.
        self._powers.journal.set_diagnostics(
            partial(_load_diagnostics, EndedAccount(self.account.state, self.token))
        )
        teardown_report.end(self._powers, in_a_test=bool(mock_tokens.current_test()))

    def reset(self) -> None:
        """Begin again with a fresh account, behind the same URL, with the same `basins`.

        With a `snapshot` it begins as that says. Sessions end, faults and holds are removed, and
        the journal is empty. A handle from before says so when it is used.
        """
        self._powers.injector.end()
        self.account.clear()
        self._powers.journal.clear()
        self._begin()
        self._inject_faults()
        self._drop_connections()

    def _begin(self) -> None:
        if self._snapshot is not None:
            self.account.restore(self._snapshot)
        elif self._resources is not None:
            from s2mock.json_bodies.resource_files import apply_resources

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
            "locations": self.account.locations,
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
        fork._listening = LazyServer(is_kept=True)  # closed with this one
        self._forks.add(fork)
        return fork

    def _converse(self, environ: dict[str, Any]) -> Conversation:
        if self._has_control:
            return self._controlled.converse(environ)
        return super()._converse(environ)

    @property
    def _controlled(self) -> "ControlRouter":
        if self._front is None:
            from s2mock.control import ControlRouter

            self._front = ControlRouter(self, self._listening, self._control_token)
            self._front.has_dashboard = self._has_dashboard
            self._front.accounts.has_first = self._refusal is None
            self._front.accounts.idle = self._account_idle
        return self._front

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
