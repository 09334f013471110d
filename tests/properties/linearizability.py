"""Whether a history of calls on one log could have happened one call at a time.

A log makes the question easy: its records say in which order the appends took place, and what a
call has seen says between which of them it took place. There is an order of all calls that fits,
and in which no call comes before one that had ended when it began, exactly if the places can be
chosen so that they never go back in real time; and the lowest possible place of each call is the
best choice, since it leaves most room to the calls after it.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

NEVER = float("inf")


class NotLinearizable(Exception):
    """No order of the calls explains what they answered."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call: when it began and, if it was answered, when it ended, by one count for all."""

    began: int
    ended: float = NEVER


@dataclass(frozen=True, kw_only=True)
class Append(Call):
    """An append of records with bodies that occur nowhere else.

    `start` is the first sequence number of an acknowledged one. Of one whose answer was lost,
    `start` is `None`; with `refused`, it has certainly not happened.
    """

    bodies: Sequence[str]
    start: int | None = None
    refused: bool = False
    match_seq_num: int | None = None
    fencing_token: str | None = None
    fence: str | None = None


@dataclass(frozen=True, kw_only=True)
class SawTail(Call):
    """A call that was told the tail: a check of the tail, or a condition that failed."""

    seq_num: int


@dataclass(frozen=True, kw_only=True)
class SawToken(Call):
    """A call that was told the fencing token in force."""

    token: str


@dataclass(frozen=True, kw_only=True)
class SawRecords(Call):
    """A read; with `to_the_tail`, there was nothing behind what it has read."""

    start: int
    bodies: Sequence[str]
    to_the_tail: bool


@dataclass
class _Log:
    """The log in the end, divided into its appends."""

    bodies: Sequence[str]
    # After each number of appends: how many records there are, and the token in force.
    tails: list[int] = field(default_factory=lambda: [0])
    tokens: list[str] = field(default_factory=lambda: [""])


def check(history: Sequence[Call], log: Sequence[str]) -> None:
    """Raises `NotLinearizable` if the history is not one of this log, `log` being its bodies."""
    known, places = _divide(history, log)
    ended: list[tuple[float, float]] = []
    reached = 0.0
    for call in sorted(history, key=lambda call: call.began):
        while ended and ended[0][0] < call.began:
            reached = max(reached, heapq.heappop(ended)[1])
        place = _place(call, reached, known, places)
        if place is None:
            continue
        if place < reached:
            raise NotLinearizable(f"{call} took place before a call that had ended when it began")
        heapq.heappush(ended, (call.ended, place))


def _divide(history: Sequence[Call], log: Sequence[str]) -> tuple[_Log, dict[int, int]]:
    """The log and, for each append that is in it, the number of appends before it."""
    known, places = _Log(log), {}
    if len(set(log)) < len(log):
        raise NotLinearizable(f"a record is there twice: {log}")
    firsts = {}
    for call in history:
        if isinstance(call, Append):
            _check_presence(call, log)
            firsts[call.bodies[0]] = call
    while known.tails[-1] < len(log):
        at = known.tails[-1]
        append = firsts.get(log[at])
        if append is None:
            raise NotLinearizable(f"no client has appended {log[at]!r}, or not there")
        if tuple(log[at : at + len(append.bodies)]) != tuple(append.bodies):
            raise NotLinearizable(f"{append} is not there as a whole at {at}")
        _check_conditions(append, at, known.tokens[-1])
        places[id(append)] = len(known.tails) - 1
        known.tails.append(at + len(append.bodies))
        known.tokens.append(known.tokens[-1] if append.fence is None else append.fence)
    return known, places


def _check_presence(append: Append, log: Sequence[str]) -> None:
    there = [body for body in append.bodies if body in log]
    if append.refused and there:
        raise NotLinearizable(f"{append} was refused, and is there")
    if append.start is not None and not there:
        raise NotLinearizable(f"{append} was acknowledged, and is lost")
    if append.start is not None and log.index(append.bodies[0]) != append.start:
        raise NotLinearizable(f"{append} is somewhere else than it was told")


def _check_conditions(append: Append, at: int, token: str) -> None:
    if append.match_seq_num not in (None, at):
        raise NotLinearizable(f"{append} is at {at}, where its condition does not hold")
    if append.fencing_token not in (None, token):
        raise NotLinearizable(f"{append} is there though the token was {token!r}")


def _place(call: Call, reached: float, log: _Log, places: dict[int, int]) -> float | None:
    """After how many appends the call took place, as low as possible; `None` if it did not."""
    match call:
        case Append():
            # From one number of appends to the next.
            return places[id(call)] + 0.5 if id(call) in places else None
        case SawTail():
            if call.seq_num not in log.tails:
                raise NotLinearizable(f"{call} has seen a tail within an append, or none at all")
            return log.tails.index(call.seq_num)
        case SawToken():
            for number, token in enumerate(log.tokens):
                if token == call.token and number >= reached:
                    return number
            raise NotLinearizable(f"{call} has seen a token that was not in force")
        case SawRecords():
            end = call.start + len(call.bodies)
            if tuple(log.bodies[call.start : end]) != tuple(call.bodies):
                raise NotLinearizable(f"{call} is not what the log has there")
            if call.to_the_tail:
                if end not in log.tails:
                    raise NotLinearizable(f"{call} has seen a part of an append")
                return log.tails.index(end)
            written = next(number for number, tail in enumerate(log.tails) if tail >= end)
            # It may have taken place at any later time.
            return max(written, -(-reached // 1))
    raise TypeError(f"not a call of a log: {call!r}")


def check_timestamps(timestamps: Sequence[int]) -> None:
    """Raises `NotLinearizable` if time goes back in the log."""
    for earlier, later in pairwise(timestamps):
        if later < earlier:
            raise NotLinearizable(f"time goes back: {earlier}, then {later}")
