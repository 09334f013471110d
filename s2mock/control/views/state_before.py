"""The state that an exchange found: its basin, its stream and its records, to make them again."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from s2mock.control.views.token_before import TokenBefore, unknown_token
from s2mock.powers.exchange import Exchange

_MAKES_BASIN: Final = ("create-basin", "ensure-basin")
_MAKES_STREAM: Final = ("create-stream", "ensure-stream")
MAX_RECORDS: Final = 50
"""The last records are made again as they were; those before them are filled in."""
_MAX_STREAMS: Final = 20


class StateBefore(NamedTuple):
    """What there was before an exchange: `basin` is None without one, `streams` are names.

    `records` are the last ones of the exchange's stream, and `filler` is how many there were before
    these, or are not known. `token` is the issued access token of the request.
    """

    basin: str | None
    streams: tuple[str, ...] = ()
    stream: str | None = None
    filler: int = 0
    records: tuple[dict[str, Any], ...] = ()
    token: TokenBefore | None = None


def state_before(
    exchange: Exchange,
    history: dict[str, Any] | None = None,
    streams: Iterable[tuple[str, str]] = (),
    token: TokenBefore | None = None,
) -> StateBefore:
    """Return what there was before an exchange.

    `history` is that of its stream (`history_to_json`), and `streams` are those of the account,
    each as basin and name. `token` is that of the request (`find_token`).
    """
    token = unknown_token(exchange) if token is None else token
    return _place_before(exchange, history, streams)._replace(token=token)


def _place_before(
    exchange: Exchange, history: dict[str, Any] | None, streams: Iterable[tuple[str, str]]
) -> StateBefore:
    code = exchange.response and exchange.response.code
    is_made = exchange.operation in _MAKES_BASIN and code is None
    if exchange.basin is None or is_made or code == "basin_not_found":
        return StateBefore(None)
    is_made = exchange.operation in _MAKES_STREAM and code is None
    others = [name for basin, name in streams if basin == exchange.basin]
    if exchange.stream is None or is_made or code == "stream_not_found":
        left = [name for name in others if name != exchange.stream]
        return StateBefore(exchange.basin, tuple(left[:_MAX_STREAMS]))
    filler, records = _records_before(exchange, history)
    return StateBefore(exchange.basin, (exchange.stream,), exchange.stream, filler, records)


def _records_before(
    exchange: Exchange, history: dict[str, Any] | None
) -> tuple[int, tuple[dict[str, Any], ...]]:
    life = _life_at(exchange.number, history)
    tail = tail_before(exchange)
    if life is None:
        return tail or 0, ()
    known = [record for record in life["records"] if _is_before(record, exchange.number, tail)]
    shown = known[-MAX_RECORDS:]
    if tail is None:
        tail = shown[-1]["seq_num"] + 1 if shown else 0
    # A record that is missing in between is filled in, too.
    first = _first_of_the_last_run(shown, tail)
    return first, tuple(record for record in shown if record["seq_num"] >= first)


def _first_of_the_last_run(records: list[dict[str, Any]], tail: int) -> int:
    first = tail
    for record in reversed(records):
        if record["seq_num"] != first - 1 or record["bytes"] > len_of(record["body"]):
            break
        first -= 1
    return first


def len_of(body: Any) -> int:
    """Return the number of bytes of a body in JSON; a long one is not there as a whole."""
    if isinstance(body, str):
        return len(body.encode("utf-8", "surrogatepass"))
    text: str = body["base64"]
    return len(text) * 3 // 4 - text.count("=")


def _life_at(number: int, history: dict[str, Any] | None) -> dict[str, Any] | None:
    for life in reversed([] if history is None else history["lives"]):
        if life["start"] < number and (life["end"] is None or number <= life["end"]):
            found: dict[str, Any] = life
            return found
    return None


def _is_before(record: dict[str, Any], number: int, tail: int | None) -> bool:
    if tail is not None:
        return bool(record["seq_num"] < tail)
    if record["by"] is not None:
        return bool(record["by"] < number)
    since, after = record["since"], record["after"]
    return (since is not None and since <= number) or (after is not None and after < number)


def tail_before(exchange: Exchange) -> int | None:
    """Return the tail of the stream before an exchange, as far as that shows it."""
    effect, response = exchange.effect, exchange.response
    if effect.kind == "appended":
        return effect.first_seq_num
    document = None if response is None else response.document
    if not isinstance(document, dict):
        return None
    mismatch = document.get("seq_num_mismatch")
    if isinstance(mismatch, int):
        return mismatch
    tail = document.get("tail")
    seq_num = tail.get("seq_num") if isinstance(tail, dict) else None
    return seq_num if isinstance(seq_num, int) else None
