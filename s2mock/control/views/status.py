"""The status of an account as JSON: its clock and what waits on it, its faults and its holds."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from s2mock.control.views.account_view import CapturedView, waiting_to_json
from s2mock.control.views.timeline import journal_to_json
from s2mock.powers.hold import Hold
from s2mock.powers.injection import Injection
from s2mock.runtime.clock import NANOSECONDS, Clock, ManualClock

# The number of held exchanges that are listed, the last ones.
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
    """Return the status of an account as JSON, from its parts."""
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
                "held": [
                    {
                        "number": exchange.number,
                        "operation": exchange.operation,
                        "basin": exchange.basin,
                        "stream": exchange.stream,
                    }
                    for exchange in exchanges[-_LISTED:]
                ],
            }
            for number, hold in holds
            for exchanges in (hold.exchanges,)
        ],
    }


def clock_to_json(clock: Clock) -> dict[str, Any]:
    """Return the time of a clock, and how many operations wait on it, as JSON."""
    now = clock.now()
    date = datetime.fromtimestamp(now // NANOSECONDS, UTC)
    date = date.replace(microsecond=now % NANOSECONDS // _MICROSECOND)
    return {
        "clock": "manual" if isinstance(clock, ManualClock) else "system",
        "now": now,
        "timestamp": now // _MILLISECOND,
        "date": date.isoformat().replace("+00:00", "Z"),
        "waiters": clock.waiters if isinstance(clock, ManualClock) else 0,
    }
