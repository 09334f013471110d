"""Exchanges as server-sent events, each made once for all clients that follow the journal."""

import json
from typing import Final

from s2mock.control.forms import exchange_form
from s2mock.powers.exchange import Exchange

# The latest are kept, up to this number of bytes.
_MAX_BYTES: Final = 1024 * 1024


class Events:
    """The events of one journal."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Exchange, bytes]] = {}
        self._bytes = 0

    def of(self, exchange: Exchange) -> bytes:
        """Return the event of an exchange."""
        known = self._made.get(exchange.number)
        # It is another one once there is more to say of it.
        if known is not None and known[0] is exchange:
            return known[1]
        data = json.dumps(exchange_form(exchange), ensure_ascii=False)
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
