"""The status of an account as JSON: its clock and what waits on it, its faults, holds and hooks."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from s2mock.control.views.account_view import CapturedView, waiting_to_json
from s2mock.control.views.timeline import journal_to_json, sender_of
from s2mock.powers.hold import Hold
from s2mock.powers.injection import Injection
from s2mock.runtime.clock import NANOSECONDS, Clock, ManualClock

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange

# The number of exchanges of a hold or a hook that are listed, the last ones.
_LISTED: Final = 20
_MICROSECOND: Final = 1_000
_MILLISECOND: Final = 1_000_000


def status_to_json(
    view: CapturedView,
    clock: Clock,
    journal: Any,
    injections: Iterable[tuple[int, Injection]],
    holds: Iterable[tuple[int, Hold]],
    *,
    is_out: bool,
) -> dict[str, Any]:
    """Return the status of an account as JSON, from its parts. Hooks are among `holds`."""
    all_holds = list(holds)
    return {
        "is_out": is_out,
        "clock": clock_to_json(clock),
        "waiting": waiting_to_json(view),
        "journal": journal_to_json(journal),
        "faults": [
            {
                "number": number,
                "text": injection.text,
                "hits": injection.hits,
                "remaining": injection.remaining,
                "complaint": injection.complaint,
            }
            for number, injection in injections
        ],
        "holds": [
            {
                "number": number,
                "text": hold.text,
                "released": hold.is_over,
                "count": len(exchanges),
                "held": _last_to_json(exchanges, hold.waiting),
            }
            for number, hold in all_holds
            if not hold.arguments.is_hook
            for exchanges in (hold.exchanges,)
        ],
        "hooks": [
            {
                "number": number,
                "text": hook.text,
                "removed": hook.is_over,
                "calls": len(exchanges),
                "exchanges": _last_to_json(exchanges, hook.waiting),
            }
            for number, hook in all_holds
            if hook.arguments.is_hook
            for exchanges in (hook.exchanges,)
        ],
    }


def _last_to_json(exchanges: "Sequence[Exchange]", waiting: frozenset[int]) -> list[dict[str, Any]]:
    return [
        {
            "number": exchange.number,
            "operation": exchange.operation,
            "basin": exchange.basin,
            "stream": exchange.stream,
            "held": exchange.held,
            "is_waiting": exchange.held in waiting,
            "by": sender_of(exchange),
            "began": exchange.began,
        }
        for exchange in exchanges[-_LISTED:]
    ]


def clock_to_json(clock: Clock) -> dict[str, Any]:
    """Return the time of a clock, and how many operations wait on it, as JSON."""
    now = clock.now()
    date = datetime.fromtimestamp(now // NANOSECONDS, UTC)
    date = date.replace(microsecond=now % NANOSECONDS // _MICROSECOND)
    return {
        "clock": _kind_of(clock),
        "now": now,
        "timestamp": now // _MILLISECOND,
        "date": date.isoformat().replace("+00:00", "Z"),
        "waiters": clock.waiters if isinstance(clock, ManualClock) else 0,
    }


def _kind_of(clock: Clock) -> str:
    if not isinstance(clock, ManualClock):
        return "system"
    return "auto" if clock.is_automatic else "manual"
