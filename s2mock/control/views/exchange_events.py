"""Exchanges as server-sent events, each serialized once for all followers of a journal."""

import json
from typing import Final

from s2mock.powers.exchange import Exchange
from s2mock.powers.exchange_json import exchange_to_json

# The size of the cache: the latest events, up to this number of bytes.
_MAX_BYTES: Final = 1024 * 1024


class ExchangeEvents:
    """A cache of the events of one journal."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Exchange, bytes]] = {}
        self._bytes = 0

    def serialize(self, exchange: Exchange) -> bytes:
        """Return an exchange as a server-sent event."""
        known = self._made.get(exchange.number)
        # An exchange is replaced by a new value when it goes on, as a session does.
        if known is not None and known[0] is exchange:
            return known[1]
        data = json.dumps(exchange_to_json(exchange), ensure_ascii=False)
        text = f"event: exchange\nid: {exchange.number}\ndata: {data}\n\n"
        event = text.encode("utf-8", "surrogatepass")
        self._keep(exchange, event)
        return event

    def _keep(self, exchange: Exchange, event: bytes) -> None:
        made = self._made
        if exchange.number in made:
            self._bytes -= len(made.pop(exchange.number)[1])
        made[exchange.number] = (exchange, event)
        self._bytes += len(event)
        while self._bytes > _MAX_BYTES:
            self._bytes -= len(made.pop(next(iter(made)))[1])
