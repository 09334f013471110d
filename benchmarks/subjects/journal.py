"""The cost of the journal when no test reads it: the same load with it and without."""

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
# The bound for the ratio.
_LEAST = 0.95


# Two processes of the same program differ by a few percent for as long as they run, by where their
# memory lies: so several of each are measured. Rounds are short and many, since what else goes on
# in the machine changes from one second to the next.
_PAIRS = 8


def measure(quick: bool) -> Iterator[Row]:
    """Creates over h2c, acknowledged appends, batches."""
    pairs, rounds, seconds, appends, batches = (
        (1, 1, 0.2, 50, 20) if quick else (_PAIRS, 12, 0.2, 400, 400)
    )
    works: dict[str, tuple[Callable[[Peer], float], Format]] = {
        f"create stream, {title}": (
            lambda peer, title=title: create_rate(peer.port, title, seconds),  # type: ignore[misc]
            rate,
        )
        for title in ("h2c, one at a time", "h2c, 40 in flight")
    }
    works["append of one record, acknowledged, p50"] = (
        lambda peer: statistics.median(latencies(peer.port, appends)),
        milliseconds,
    )
    works["records appended in batches"] = (lambda peer: batch_rate(peer.port, batches), rate)
    values: dict[str, dict[str, list[float]]] = {what: {_WITH: [], _WITHOUT: []} for what in works}
    for _ in range(pairs):
        with ExitStack() as stack:
            peers = {name: stack.enter_context(serving(name)) for name in (_WITH, _WITHOUT)}
            for what, (run, _) in works.items():
                sides = {name: partial(run, peer) for name, peer in peers.items()}
                # The first one includes the time of late imports.
                interleave(sides, 1)
                for name, measured in interleave(sides, rounds).items():
                    values[what][name] += measured
    for what, (_, show) in works.items():
        yield Row(
            f"with a journal, {what}",
            values[what][_WITH],
            show,
            peer="the same with journal_limit=0",
            theirs=values[what][_WITHOUT],
            aim=_LEAST if show is rate else 1 / _LEAST,
            more_is_better=show is rate,
        )
