"""Replay of recordings: the fake gets the recorded requests at the recorded times."""

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, Self

from s2mock.contract.connection import connect
from s2mock.contract.exchange import PROTOCOLS, Call, Protocol, Reply, comparable
from s2mock.contract.ledger import Comparable, excuse
from s2mock.contract.recordings import Group, Recording
from s2mock.handles.mock import S2Mock

_MILLISECOND = 1_000_000


class RecordedTime:
    """A clock with the time of the recording, on which a wait takes no time."""

    def __init__(self) -> None:
        self._now = 0

    def now(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        return self._now

    def wait(self, _: threading.Condition, until: int) -> None:
        """Move to `until`: nothing else can happen before."""
        self._now = max(self._now, until)

    def begin(self, milliseconds: int) -> None:
        """Move to that time, for a new account."""
        self._now = milliseconds * _MILLISECOND

    def go_on(self, milliseconds: int) -> None:
        """Move to that time, unless it is past."""
        self._now = max(self._now, milliseconds * _MILLISECOND)


class Comparison(NamedTuple):
    """The comparable parts of two answers; `known` is the name of a difference in the ledger."""

    fake: Comparable
    recorded: Comparable
    known: str | None

    @property
    def is_equal(self) -> bool:
        """True if the answers do not differ."""
        return self.fake == self.recorded


def compare(call: Call, fake: Comparable, recorded: Comparable) -> Comparison:
    """Return the comparison of two answers to a call, of which `comparable` gave the parts."""
    known = None if fake == recorded else excuse(call, fake, recorded)
    return Comparison(fake, recorded, known)


def compare_replies(call: Call, fake: Reply, recorded: Reply) -> Comparison:
    """Return the comparison of two replies to a call."""
    return compare(call, comparable(call, fake), comparable(call, recorded))


class Difference(NamedTuple):
    """A call whose answer differs from that of the server without a known reason."""

    group: str
    calls: tuple[Call, ...]
    fake: dict[str, Any]
    recorded: dict[str, Any]

    def __str__(self) -> str:
        curls = [call.curl() for call in self.calls]
        return "\n".join(
            [self.group, *curls, f"fake:     {self.fake}", f"recorded: {self.recorded}"]
        )


class Replay:
    """A fake to replay recordings on, with the results.

    With `auth="required"` each call has the account's own access token. `groups`, `exchanges` and,
    for each protocol, `by_protocol` count the replayed ones. `ends` counts the exchanges whose end
    of the connection was recorded, `known` counts by name the differences in the ledger.
    `differences` are those that are not in it.
    """

    def __init__(self, *, auth: Literal["open", "required"] = "open") -> None:
        self.groups: int = 0
        self.exchanges: int = 0
        self.by_protocol: Counter[str] = Counter()
        self.ends: int = 0
        self.known: Counter[str] = Counter()
        self.differences: list[Difference] = []
        self._clock = RecordedTime()
        self._mock = S2Mock(clock=self._clock, auth=auth)
        token = None if auth == "open" else self._mock.token
        self._connections = {
            protocol: connect(self._mock.url, protocol, token=token) for protocol in PROTOCOLS
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections.values():
            connection.close()
        self._mock.close()

    def run(self, recording: Recording) -> None:
        """Replay the recording, each group on a fresh account."""
        named = {group.name: group for group in recording.groups}
        for group in recording.groups:
            before = [named[name] for name in group.after]
            self._run(group, before, recording.protocol)

    def _run(self, group: Group, before: Iterable[Group], protocol: Protocol) -> None:
        connection = self._connections[protocol]
        exchanges = [exchange for earlier in before for exchange in earlier.exchanges]
        already = len(exchanges)
        exchanges += group.exchanges
        # A reset ends all connections.
        self._mock.reset()
        connection.close()
        engine = self._mock.account.engine
        engine.settings = engine.settings._replace(deletion_delay=group.deletion_delay)
        self._clock.begin(exchanges[0].at if exchanges else 0)
        for number, exchange in enumerate(exchanges):
            self._clock.go_on(exchange.at)
            reply = connection.send(exchange.call)
            if number < already:
                continue
            self.exchanges += 1
            self.by_protocol[protocol] += 1
            if exchange.reply.end is None:
                reply = reply._replace(end=None)
            else:
                self.ends += 1
            compared = compare_replies(exchange.call, reply, exchange.reply)
            if compared.is_equal:
                continue
            if compared.known is not None:
                self.known[compared.known] += 1
                continue
            calls = tuple(exchange.call for exchange in exchanges[: number + 1])
            self.differences.append(Difference(group.name, calls, compared.fake, compared.recorded))
            # The calls that follow may differ because of that.
            break
        self.groups += 1
