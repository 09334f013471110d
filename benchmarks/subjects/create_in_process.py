"""Create stream by the test client, against the same call of an app that answers a constant."""

import gc
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from werkzeug.test import Client

from benchmarks.rounds import interleave
from benchmarks.table import Row, microseconds
from s2mock import S2Mock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_BODY = b'{"name":"000000000","created_at":"2024-01-01T00:00:00Z","deleted_at":null}'
_CALLS = 500


def measure(quick: bool) -> Iterator[Row]:
    """Seconds for each call."""
    numbers = count()
    with S2Mock(basins=["my-basin"]) as mock:
        sides = {
            "s2mock": partial(_time_of_create, mock.client, numbers),
            "bare": partial(_time_of_create, Client(_constant), numbers),
        }
        interleave(sides, 1)
        times = interleave(sides, 1 if quick else 25)
    yield Row(
        "create stream, in process",
        times["s2mock"],
        microseconds,
        peer="bare test-client call",
        theirs=times["bare"],
        aim=1.8,
    )


def _constant(_: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    headers = [("content-type", "application/json"), ("content-length", str(len(_BODY)))]
    start_response("201 Created", headers)
    return [_BODY]


def _time_of_create(client: Client, numbers: Iterator[int]) -> float:
    gc.collect()
    start = time.process_time()
    for number in numbers:
        answer = client.post(
            "/v1/streams", headers={"s2-basin": "my-basin"}, json={"stream": f"logs/{number}"}
        )
        if number % _CALLS == _CALLS - 1:
            break
    assert answer.status_code == 201
    return (time.process_time() - start) / _CALLS
