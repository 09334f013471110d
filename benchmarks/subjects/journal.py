"""What the journal costs when nobody looks at it: the same load with it and without."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

from benchmarks.peers import Peer, serving
from benchmarks.rounds import interleave
from benchmarks.subjects.append import batch_rate, latencies
from benchmarks.subjects.create_by_socket import create_rate
from benchmarks.table import Format, Row, milliseconds, rate

_WITH, _WITHOUT = "s2mock", "s2mock-unnoted"
# As much as it may cost.
_LEAST = 0.95


def measure(quick: bool) -> Iterator[Row]:
    """Creates over h2c, acknowledged appends, batches."""
    rounds, seconds, appends, batches = (1, 0.2, 50, 20) if quick else (15, 0.7, 1000, 300)
    with ExitStack() as stack:
        peers = {name: stack.enter_context(serving(name)) for name in (_WITH, _WITHOUT)}

        def row(what: str, run: Callable[[Peer], float], show: Format) -> Row:
            sides = {name: partial(run, peer) for name, peer in peers.items()}
            # The first pays for what is loaded when it is first used.
            interleave(sides, 1)
            values = interleave(sides, rounds)
            return Row(
                f"with a journal, {what}",
                values[_WITH],
                show,
                peer="the same with journal_limit=0",
                theirs=values[_WITHOUT],
                aim=_LEAST if show is rate else 1 / _LEAST,
                more_is_better=show is rate,
            )

        for title in ("h2c, one at a time", "h2c, 40 in flight"):
            yield row(
                f"create stream, {title}",
                lambda peer, title=title: create_rate(peer.port, title, seconds),  # type: ignore[misc]
                rate,
            )
        yield row(
            "append of one record, acknowledged, p50",
            lambda peer: statistics.median(latencies(peer.port, appends)),
            milliseconds,
        )
        yield row("records appended in batches", lambda peer: batch_rate(peer.port, batches), rate)
