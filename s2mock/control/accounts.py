"""`/_s2mock/accounts` and the rest of an account as a whole: reset, snapshots, outages."""

import weakref
from collections.abc import Generator
from math import inf
from typing import TYPE_CHECKING, Any, Final

from s2mock.control.answers import Answer, Refused
from s2mock.control.hosted_account import HostedAccount, Numbered
from s2mock.control.request import MAKES_ONE, ControlRequest
from s2mock.json_bodies.snapshots.snapshot import Snapshot
from s2mock.powers.faults import faults_from_json
from s2mock.runtime.clock import Clock, ManualClock, SystemClock
from s2mock.runtime.conversation import RunInThread, Step
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    from s2mock.mock import S2Mock
    from s2mock.server.lazy_server import LazyServer

_OPTIONS: Final = (
    "append_latency",
    "auth",
    "basins",
    "clock",
    "cors",
    "deletion_delay",
    "faults",
    "journal_bytes",
    "journal_limit",
    "locations",
    "profile",
    "revocation_delay",
    "snapshot",
)


class Accounts:
    """All accounts of one server: the first, those made over HTTP, and snapshots of any.

    Without a first account (`has_first`) `first` is what others begin as, and answers nothing.
    """

    def __init__(self, first: "S2Mock", listening: "LazyServer") -> None:
        self._listening = listening
        self.has_first = True
        # An account ends after this number of seconds of real time without a request.
        self.idle: float = inf
        # Before then none does.
        self._next_end: float = inf
        # Who made that one sees to its end, also by letting go of it.
        self.first = HostedAccount(weakref.ref(first), listening)
        self.mocks: list[S2Mock] = []
        self.others: dict[str, HostedAccount] = {}
        self.snapshots: Numbered[Snapshot] = Numbered("snapshot")

    def end_idle(self) -> None:
        """End the accounts that no request has used for as long as `idle` says; never the first."""
        if not self.others or (now := monotonic()) < self._next_end:
            return
        self._next_end = inf
        for seat in list(self.others.values()):
            ends = (now if seat.is_in_use else seat.last_used) + self.idle
            if ends <= now:
                self._end(seat)
            else:
                self._next_end = min(self._next_end, ends)

    def of(self, token: str) -> HostedAccount:
        """The one whose token it is, or that has issued it; else the first."""
        if not self.others or not token:
            return self.first
        if (seat := self.others.get(token)) is not None:
            return seat
        issuers = (
            seat
            for seat in self.others.values()
            if seat.mock.account.engine.authorization.has_issued(token)
        )
        return next(issuers, self.first)

    def known(self, token: str) -> HostedAccount | None:
        """The account of that token; without a token the first. None where there is none.

        Raises `Refused` (401) for a token that no account has.
        """
        seat = self.of(token)
        if seat is not self.first:
            return seat
        first = seat.mock
        if self.has_first and (
            token in ("", first.token) or first.account.engine.authorization.has_issued(token)
        ):
            return seat
        if token:
            way = "without a token a request acts on the first one, and " if self.has_first else ""
            raise Refused(
                401,
                f"no account of this server has that access token: {way}{MAKES_ONE}",
            )
        return None

    @property
    def all(self) -> list[HostedAccount]:
        """All of them."""
        return [self.first, *self.others.values()]

    def tell(self, asked: ControlRequest) -> Answer:
        """The accounts there are, the first with no token: it is that of whoever brings none."""
        asked.query(())
        first = [(None, self.first)] if self.has_first else []
        forms = []
        for number, (token, seat) in enumerate([*first, *self.others.items()], 1):
            exchanges = seat.mock.journal.last_number
            name = f"account {number}, {exchanges} exchange{'' if exchanges == 1 else 's'}"
            forms.append({"token": token, "name": name, "exchanges": exchanges})
        return Answer(200, {"accounts": forms})

    def make(self, asked: ControlRequest) -> Answer:
        """A new account with a token of its own; options have the names of `S2Mock`'s."""
        asked.query(())
        options = asked.document(*_OPTIONS)
        try:
            if "clock" in options:
                options["clock"] = _clock_of(options["clock"])
            if "snapshot" in options:
                options["snapshot"] = self.snapshots.of(_whole("snapshot", options["snapshot"]))
            if "faults" in options:
                options["faults"] = [_fault_of(fault) for fault in _list(options["faults"])]
            mock = self.first.mock._another(**options)  # noqa: SLF001  # nobody else's to ask for
        except (TypeError, ValueError) as error:
            raise Refused(400, str(error)) from None
        return self._added(mock)

    def fork(self, asked: ControlRequest) -> Answer:
        """A new account that begins as this one is now, with its options; as `S2Mock.fork`."""
        asked.query(())
        mock = asked.mock
        clock = mock.clock
        return self._added(
            mock._another(  # noqa: SLF001  # as above
                clock=ManualClock.at(clock.now())
                if isinstance(clock, ManualClock)
                else SystemClock(),
                snapshot=mock.snapshot(),
                faults=(),
            )
        )

    def _added(self, mock: "S2Mock") -> Answer:
        mock._connections.router = self.first.mock._connections.router  # noqa: SLF001
        self.mocks.append(mock)
        seat = self.others[mock.token] = HostedAccount(weakref.ref(mock), self._listening)
        self._next_end = min(self._next_end, seat.last_used + self.idle)
        return Answer(201, {"token": mock.token})

    def end(self, asked: ControlRequest) -> Answer:
        """The account of the bearer token ends: late requests with it are refused with 401."""
        asked.query(())
        if asked.seat is self.first:
            raise Refused(
                409, "the first account ends with the server: name another by its bearer token"
            )
        self._end(asked.seat)
        return Answer(204)

    def _end(self, seat: HostedAccount) -> None:
        mock = seat.mock
        del self.others[mock.token]
        self.mocks.remove(mock)
        seat.end()
        mock.close()

    def take_snapshot(self, asked: ControlRequest) -> Generator[Step, Any, Answer]:
        """As `S2Mock.snapshot`; the server keeps it for all of its accounts."""
        asked.query(())
        if asked.body:
            try:
                snapshot: Snapshot = yield RunInThread(
                    lambda: Snapshot.from_bytes(asked.body, "the body")
                )
            except ValueError as error:
                raise Refused(400, str(error)) from None
        else:
            snapshot = asked.mock.snapshot()
        return Answer(201, _snapshot_form(self.snapshots.add(snapshot), snapshot))

    def get_snapshot(self, asked: ControlRequest) -> Generator[Step, Any, Answer]:
        """A snapshot as its file."""
        asked.query(())
        snapshot = self.snapshots.of(asked.number)
        file: bytes = yield RunInThread(snapshot.to_bytes)
        return Answer(200, file, (("content-type", "application/jsonl"),))

    def forget_snapshot(self, asked: ControlRequest) -> Answer:
        """The server keeps it no longer."""
        asked.query(())
        self.snapshots.take(asked.number)
        return Answer(204)

    def restore(self, asked: ControlRequest) -> Answer:
        """As `S2Mock.restore`."""
        asked.query(())
        asked.mock.restore(self.snapshots.of(asked.number))
        return Answer(204)


def reset(asked: ControlRequest) -> Answer:
    """As `S2Mock.reset`: the account begins again as it began; its token stays."""
    asked.query(())
    asked.seat.clear()
    asked.mock.reset()
    return Answer(204)


def begin_outage(asked: ControlRequest) -> Answer:
    """The service is gone for whoever uses this account; beginning twice is harmless."""
    asked.query(())
    asked.seat.is_out = True
    asked.seat.drop_calls()
    return Answer(204)


def end_outage(asked: ControlRequest) -> Answer:
    """It is back."""
    asked.query(())
    asked.seat.is_out = False
    return Answer(204)


def _snapshot_form(number: int, snapshot: Snapshot) -> dict[str, Any]:
    return {"number": number, "time": snapshot.time}


def _clock_of(given: Any) -> Clock:
    if given == "system":
        return SystemClock()
    if given == "manual":
        return ManualClock()
    if isinstance(given, dict) and list(given) == ["manual"]:
        try:
            return ManualClock(given["manual"])
        except (TypeError, ValueError) as error:
            raise type(error)(str(error).replace("start", "clock.manual", 1)) from None
    raise ValueError(
        f'clock must be "system", "manual", or {{"manual": seconds since 1970}}, not {given!r}'
    )


def _fault_of(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or "fault" not in given or "on" not in given:
        raise ValueError(
            'faults must be objects such as {"fault": {"Drop": {}}, "on": "append"}, '
            f"not {given!r}"
        )
    return {**given, "fault": faults_from_json(given["fault"])}


def _whole(what: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise ValueError(f"{what} must be the number of a snapshot, not {given!r}")
    return given


def _list(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise ValueError(f"faults must be a list, not {given!r}")
    return given
