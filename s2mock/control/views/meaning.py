"""The meaning of an exchange in words: what its client was told, and what became of its request."""

from s2mock.powers.entry import NOT_YET
from s2mock.powers.exchange import Effect, Exchange
from s2mock.powers.faults import Late

_READS = frozenset({"read", "check-tail"})


def meaning_of(exchange: Exchange) -> str:
    """Return what happened, such as "refused, but written as record 0"."""
    told, effect = _told(exchange), exchange.effect
    if isinstance(exchange.fault, Late) and not effect.committed:
        is_later = (exchange.reason or "").endswith(NOT_YET)
        return f"{told}, and not applied{' yet' if is_later else ''}"
    happened = _happened(exchange, effect)
    if told == "answered":
        return happened
    is_contrary = effect.committed
    return f"{told}, {'but' if is_contrary else 'and'} {happened}"


def _told(exchange: Exchange) -> str:
    response = exchange.response
    if response is None:
        return "no response reached the client"
    if response.status >= 400 or response.code:
        return "refused"
    return "answered" if exchange.ended is not None else "open"


def _happened(exchange: Exchange, effect: Effect) -> str:
    first, last = effect.first_seq_num, effect.last_seq_num
    if first is not None and last is not None:
        records = f"record {first}" if first == last else f"records {first} to {last}"
        if exchange.operation == "read":
            return f"{records} {'was' if first == last else 'were'} read"
        late = " later" if isinstance(exchange.fault, Late) else ""
        return f"written{late} as {records}"
    if effect.kind is not None:
        return f"{effect.name or 'it'} was {effect.kind}"
    if exchange.operation == "read":
        return "no record was read"
    if exchange.operation == "append-session":
        return "no record was written"
    return "nothing was changed"
