"""The cost of the account services for create and append in process: access tokens and metrics.

Without issued tokens the peer is the state of s2mock that `S2MOCK_BEFORE` names, one without
account services; with tokens it is this state without any. Processor time. Each round of each side
is a process of its own: `python -m benchmarks.subjects.account`.
"""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks.peers import BEFORE, absence, running
from benchmarks.rounds import interleave
from benchmarks.subjects.operations import time_of
from benchmarks.table import Row, microseconds

if TYPE_CHECKING:
    from s2mock import S2Mock

_PATH = "/v1/streams/log/records"
_OPERATIONS = {"create": "create stream", "append": "append of one record"}
# The bound for the ratio.
_MOST = 1 / 0.97
_NONE, _ISSUED, _REQUIRED = "none", "issued", "required"
_MODES = {
    _NONE: "no token issued",
    _ISSUED: "a token issued, none brought",
    _REQUIRED: "auth required, own token",
}


def measure(quick: bool) -> Iterator[Row]:
    """Yield rows in seconds of each operation."""
    found: dict[tuple[str, str], list[float]] = {}
    absent, calls = absence(BEFORE), "20" if quick else "1000"
    sides = {mode: partial(_measure_apart, "s2mock", mode, calls, found) for mode in _MODES}
    if not absent:
        sides[BEFORE] = partial(_measure_apart, BEFORE, _NONE, calls, found)
    # Processes of one program differ by a few percent, by where their memory lies.
    interleave(sides, 1 if quick else 15)
    for what, title in _OPERATIONS.items():
        yield Row(
            f"{title}, in process, {_MODES[_NONE]}",
            found[_NONE, what],
            microseconds,
            peer="s2mock before account services",
            theirs=found.get((BEFORE, what)),
            aim=_MOST,
            absent=absent,
        )
        for mode in (_ISSUED, _REQUIRED):
            yield Row(
                f"{title}, in process, {_MODES[mode]}",
                found[mode, what],
                microseconds,
                peer=_MODES[_NONE],
                theirs=found[_NONE, what],
            )


def _measure_apart(
    peer: str, mode: str, calls: str, found: dict[tuple[str, str], list[float]]
) -> float:
    with running("benchmarks.subjects.account", mode, calls, peer=peer) as process:
        assert process.stdout is not None
        side = BEFORE if peer == BEFORE else mode
        for what, value in json.loads(process.stdout.read()).items():
            found.setdefault((side, what), []).append(value)
    return 0.0


def _measure(mode: str, calls: int) -> dict[str, float]:
    from s2mock import S2Mock

    # The state before does not have it.
    options: dict[str, Any] = {"auth": "required"} if mode == _REQUIRED else {}
    basins = [{"name": "my-basin", "streams": [{"name": "log"}]}]
    with S2Mock(basins=basins, **options) as mock:
        if mode == _ISSUED:
            mock.issue_token("other", ops=["read"])
        operations = _operations(mock, mode)
        return {what: time_of(operations[what], calls) for what in _OPERATIONS}


def _operations(mock: "S2Mock", mode: str) -> dict[str, Callable[[], int]]:
    """Return functions, each of which makes one call and returns its status."""
    client, numbers = mock.client, count()
    headers = {"s2-basin": "my-basin"}
    if mode == _REQUIRED:
        headers["authorization"] = f"Bearer {mock.token}"
    batch = {"records": [{"body": "x" * 100}]}

    def create() -> int:
        body = {"stream": f"logs/{next(numbers)}"}
        return client.post("/v1/streams", headers=headers, json=body).status_code

    def append() -> int:
        return client.post(_PATH, headers=headers, json=batch).status_code

    return {"create": create, "append": append}


if __name__ == "__main__":
    json.dump(_measure(sys.argv[1], int(sys.argv[2])), sys.stdout)
