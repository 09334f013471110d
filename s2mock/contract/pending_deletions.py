"""How long a server kept deletions pending, as its recorded answers show it."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from s2mock.contract.exchange import Call
from s2mock.contract.recordings import Exchange

_PENDING: Final = (b"_deletion_pending", b'"deleted_at":"', b'"state":"deleting"')


class NotReplayable(Exception):
    """These exchanges cannot be replayed one after the other."""


def deletion_delay(exchanges: Sequence[Exchange]) -> float:
    """Return how long a deletion was seen to be pending, in seconds. Raises `NotReplayable`."""
    deleted: Exchange | None = None
    delay = 0.0
    for exchange in exchanges:
        if deleted is None:
            deleted = exchange if exchange.call.method == "DELETE" else None
        elif _shows_pending(exchange, deleted.call.path):
            if b"stream_not_found" in exchange.reply.body and _made(exchange.call, exchanges):
                raise NotReplayable("a basin that outlives its streams")
            delay = (exchange.at - deleted.at + 1) / 1000
    return delay


def _made(call: Call, exchanges: Sequence[Exchange]) -> bool:
    """True if the stream of that call has been there."""
    path = call.path.partition("/records")[0]
    name = unquote(path.rpartition("/")[2])
    return any(
        exchange.reply.status < 300
        and (
            exchange.call.path.startswith(path)
            or f'"name":"{name}"'.encode() in exchange.reply.body
        )
        for exchange in exchanges
    )


def _shows_pending(exchange: Exchange, deleted: str) -> bool:
    call, reply = exchange.call, exchange.reply
    if call.method == "DELETE" and call.path == deleted and reply.status == 202:
        return True
    if deleted.startswith("/v1/basins/"):
        # Its configuration can be read while it lasts, and its streams can be missed.
        if call == Call("GET", deleted, call.headers) and reply.status == 200:
            return True
        if "/records" in call.path and b"stream_not_found" in reply.body:
            return True
    return any(mark in reply.body for mark in _PENDING)
