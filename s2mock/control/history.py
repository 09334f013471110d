"""What was in a stream, and when: worked out from the log as it is and what the journal has kept.

No state is kept for each exchange. Records never change, so those that are there now were there
as soon as an exchange showed a tail behind them; what is gone since is taken from the journal's
appends, as far as it has their bodies.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from s2mock.control.account_view import CapturedView, see
from s2mock.control.answers import Answer, Refused
from s2mock.control.request import ControlRequest, count_of, stream_of, whole_of
from s2mock.control.stream_history import StreamLifetime, shown_tail
from s2mock.powers.exchange import Exchange
from s2mock.registry.log.log import LogState
from s2mock.runtime.conversation import RunInThread

COUNT: Final = 1000
_MAX_COUNT: Final = 10_000
_EMPTY: Final = LogState()


def read_records(asked: ControlRequest) -> Any:
    """The records of a stream, those that are gone too, and which exchange each came with."""
    query = asked.query(("basin", "stream", "before", "count"))
    basin, stream = stream_of(query)
    before, count = whole_of(query, "before"), count_of(query, 0.0) if "count" in query else COUNT
    if count > _MAX_COUNT:
        raise Refused(400, f"count must be at most {_MAX_COUNT}, not {count}")

    def look() -> dict[str, Any]:
        mock = asked.mock
        return history(
            see(mock.account.engine), asked.powers.journal.since(0), basin, stream, before, count
        )

    # Where there was none there are no lives, which is no error: it may have gone with a reset.
    return Answer(200, (yield RunInThread(look)))


def history(
    seen: CapturedView,
    exchanges: Sequence[Exchange],
    basin: str,
    stream: str,
    before: int | None = None,
    count: int = COUNT,
) -> dict[str, Any]:
    """The lives of the streams that had that name, oldest first.

    Each has its last `count` records before the sequence number `before`.
    """
    lives = _lives(exchanges, basin, stream)
    now = seen.stream(basin, stream)
    if now is not None:
        last = lives[-1] if lives else None
        if last is None or last.end is not None or last.is_before(now):
            if last is not None and last.end is None:
                last.end = last.numbers[-1] + 1
            last = StreamLifetime(0 if last is None or last.end is None else last.end)
            lives.append(last)
        last.log = (now.log or _EMPTY).expired(object(), seen.time)
    forms = [life.form(before, count) for life in lives]
    return {"basin": basin, "stream": stream, "lives": forms}


def _lives(exchanges: Iterable[Exchange], basin: str, stream: str) -> list[StreamLifetime]:
    lives: list[StreamLifetime] = []
    life: StreamLifetime | None = None
    for exchange in exchanges:
        if exchange.basin != basin:
            continue
        effect, number = exchange.effect, exchange.number
        if effect.kind == "deleted" and exchange.stream in (None, stream):
            if life is None and not lives:
                lives.append(StreamLifetime(0))
                life = lives[-1]
            if life is not None:
                life.end, life = number, None
            continue
        if exchange.stream != stream:
            continue
        is_append = effect.kind == "appended" and exchange.operation == "append"
        is_another = effect.kind == "created" or (
            is_append and life is not None and life.overlaps(exchange)
        )
        if is_another and life is not None:
            life.end, life = number, None
        if is_another or is_append or effect.kind == "updated" or shown_tail(exchange) is not None:
            if life is None:
                life = StreamLifetime(number if is_another or lives else 0)
                lives.append(life)
            life.take(exchange, is_append=is_append)
    return lives
