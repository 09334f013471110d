"""From observed exchanges to groups that can be replayed."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from s2mock.contract.exchange import comparable
from s2mock.contract.pending_deletions import NotReplayable, deletion_delay
from s2mock.contract.recordings import Exchange, Group
from tests.recording.observed import Observed

_MILLISECOND = 1_000_000
_RFC_3339 = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_MILLISECONDS = re.compile(rb"(?<!\d)1[0-9]{12}(?!\d)")


def group(name: str, observed: Sequence[Observed], after: Sequence[str] = ()) -> Group:
    """The exchanges as a group. Raises `NotReplayable`."""
    ordered = sorted(observed, key=lambda one: one.begun)
    for earlier, later in pairwise(ordered):
        if later.begun < earlier.ended:
            raise NotReplayable("exchanges at the same time")
    kept = list(_without_polls(ordered))
    _refuse_others(kept)
    exchanges = tuple(Exchange(_server_time(one), one.call, one.reply) for one in kept)
    return Group(name, exchanges, tuple(after), deletion_delay(exchanges))


def _refuse_others(observed: Sequence[Observed]) -> None:
    """A listing of all basins shows what is not in these exchanges, and comes and goes."""
    known = ""
    for one in observed:
        known += f"{one.call.path} {one.call.body!r} "
        if one.call.path.partition("?")[0] == "/v1/basins" and one.call.method == "GET":
            for name in re.findall(rb'"name":"([^"]+)"', one.reply.body):
                if name.decode() not in known:
                    raise NotReplayable("basins of others in a listing")


def _without_polls(ordered: Sequence[Observed]) -> Iterator[Observed]:
    """Of a call that was made until its answer changed, only the last."""
    run: list[Observed] = []
    for one in [*ordered, None]:
        if one is not None and (not run or (one.call == run[0].call and one.call.method == "GET")):
            run.append(one)
            continue
        answers = [comparable(call.call, call.reply) for call in run]
        yield from run if all(answer == answers[0] for answer in answers) else run[-1:]
        run = [] if one is None else [one]


def _server_time(one: Observed) -> int:
    """When the server did it: as it says itself, or else when the request was sent."""
    said = []
    if one.call.method in ("POST", "PUT"):
        said += [int(text) * _MILLISECOND for text in _MILLISECONDS.findall(one.reply.body)]
        for moment, fraction in _RFC_3339.findall(one.reply.body):
            seconds = datetime.fromisoformat(moment.decode()).replace(tzinfo=UTC).timestamp()
            said.append(int(seconds) * 10**9 + int(fraction.ljust(9, b"0")))
    # To the millisecond, in which some of these are told.
    earliest = one.begun - _MILLISECOND
    at = max((time for time in said if earliest <= time <= one.ended), default=one.begun)
    return at // _MILLISECOND
