"""Injected faults and holds as JSON, for the control API."""

from typing import Any

from s2mock.powers.exchange_json import exchange_to_json
from s2mock.powers.hold import Hold
from s2mock.powers.injection import Injection


def injection_to_json(number: int, injection: Injection) -> dict[str, Any]:
    """Return an injected fault, and the exchanges that it has affected, as JSON."""
    return {
        "number": number,
        **injection.arguments.to_json(),
        "hits": injection.hits,
        "remaining": injection.remaining,
        "complaint": injection.complaint,
        "exchanges": [exchange_to_json(exchange) for exchange in injection.exchanges],
    }


def hold_to_json(number: int, hold: Hold) -> dict[str, Any]:
    """Return a hold, and the exchanges that it has held, as JSON."""
    exchanges = [exchange_to_json(exchange) for exchange in hold.exchanges]
    return {
        "number": number,
        **hold.arguments.to_json(),
        "count": len(exchanges),
        "released": hold.is_over,
        "complaint": hold.complaint,
        "exchanges": exchanges,
    }
