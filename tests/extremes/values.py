"""Numbers at which arithmetic ends, and the judge of what becomes of them.

Each surface has a table of its own options; the tests here are made of those tables, so that a new
option is covered by itself, or fails the test until it is.
"""

import re
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from math import inf, nan
from typing import Any, Final

from s2mock import S2Mock, Snapshot
from s2mock.registry.values.errors import S2Error
from s2mock.runtime import failures
from s2mock.runtime.http_client import Answer, Client
from tests.powers.conftest import BASIN, RECORDS, SEEDS, Started

VALUES: Final[dict[str, int | float]] = {
    "zero": 0,
    "2^31 ms": 2**31 / 1000,
    "2^31": 2**31,
    "2^53": 2**53,
    "2^63 ns": 2**63 / 10**9,
    "2^63": 2**63,
    "2^64-1": 2**64 - 1,
    "2^64": 2**64,
    "the year 9999": 253_402_300_799,
    "the year 10000": 253_402_300_800,
    "1e300": 1e300,
    "10^400": 10**400,
    "negative": -1,
    "nan": nan,
    "inf": inf,
}
PATIENCE: Final = 30.0
# In nanoseconds since 1970.
LAST_DATE_OF_A_BROWSER: Final = 8_640_000_000_000_000 * 10**6
EVENTS: Final = {"accept": "text/event-stream"}
_NUMERIC: Final = re.compile(r"\b(int|float)\b")


def is_numeric(annotation: object) -> bool:
    """True if an annotation has a number in it."""
    return _NUMERIC.search(str(annotation)) is not None


def judge(names: str | Iterable[str], call: Callable[[int | float], object]) -> None:
    """Fails unless the call refuses each value clearly, or works, and the fake has not failed.

    A refusal is a `TypeError`, a `ValueError` or an error of S2's that has one of these names in
    it, and is no more than 1,000 characters long.
    """
    known = (names,) if isinstance(names, str) else tuple(names)
    wrong: list[str] = []
    for what, value in VALUES.items():
        try:
            call(value)
        except (TypeError, ValueError, S2Error) as error:
            text = str(error)
            if not any(name in text for name in known):
                wrong.append(f"{what}: an unclear refusal: {error!r}"[:500])
        except Exception as error:  # noqa: BLE001  # all of them are told at once
            wrong.append(f"{what}: {error!r}"[:500])
        wrong += [f"{what}: {trace[-500:]}" for trace in failures.take()]
    assert not wrong, "\n".join(wrong)


def waits(mock: S2Mock) -> int:
    """How many operations wait: for a time, for a hold, or for the end of the test."""
    injector = mock._powers.injector
    held = sum(len(hold._held) for hold in injector.holds)
    return len(mock.account.engine.sessions.waiters) + len(injector._gates) + held


def settle(mock: S2Mock, calls: list[Started]) -> None:
    """Return once each call has its answer or waits for a time."""
    while sum(not call.is_over for call in calls) > waits(mock):
        threading.Event().wait(0.001)


def ended(call: Started) -> Answer | None:
    """The answer, None where the connection has ended without one."""
    result = call.result()
    if isinstance(result, OSError):
        return None
    # Also what http.client says of a connection that ends early.
    if isinstance(result, Exception):
        assert type(result).__module__ == "http.client", repr(result)
        return None
    assert isinstance(result, Answer)
    assert b"s2mock failed" not in result.body, result
    return result


def ask(client: Client, method: str, path: str, document: Any = ..., **headers: str) -> Started:
    """A request in a thread of its own."""
    return Started(
        lambda: client.request(method, path, document, headers=headers, timeout=PATIENCE)
    )


def exercise(mock: S2Mock) -> None:
    """Use what an account has, over the socket; then it still answers."""
    client = Client(mock.url, token=mock.token, basin=BASIN)
    if BASIN not in mock.basins:
        mock.create_basin(BASIN)
    if "log" not in mock.basin(BASIN).streams:
        mock.basin(BASIN).create_stream("log")
    calls = [
        ask(client, "POST", RECORDS, {"records": [{"body": "a"}, {"body": "b"}]}),
        ask(client, "GET", f"{RECORDS}?seq_num=0&clamp=true&count=1", **EVENTS),
    ]
    settle(mock, calls)
    issuing = {"id": "t", "scope": {"basins": {"prefix": ""}, "ops": ["list-streams"]}}
    for method, path, document in (
        ("POST", "/v1/access-tokens", issuing),
        ("DELETE", "/v1/access-tokens/t", ...),
        ("GET", "/v1/access-tokens", ...),
        ("GET", "/v1/streams/log", ...),
        ("DELETE", "/v1/streams/log", ...),
        ("GET", "/v1/streams", ...),
        ("DELETE", f"/v1/basins/{BASIN}", ...),
        ("GET", "/v1/basins", ...),
    ):
        answer = client.request(method, path, document, timeout=PATIENCE)
        assert answer.status < 300, (method, path, answer)
    for path in ("status", "journal", "timeline", "report", "streams"):
        # 404 where the mock serves none.
        answer = client.request("GET", f"/_s2mock/{path}", timeout=PATIENCE)
        assert answer.status in (200, 404), answer
        if path == "status" and answer.status == 200:
            # The page makes dates of these.
            waiting = answer.json["waiting"]["next"]
            assert all(one["until"] <= LAST_DATE_OF_A_BROWSER for one in waiting), waiting
    data = mock.snapshot().to_bytes()
    assert Snapshot.from_bytes(data, "it").to_bytes() == data
    assert len(mock.journal[:]) <= mock.journal.limit
    mock.reset()
    for call in calls:
        ended(call)
    assert client.request("GET", "/v1/basins", timeout=PATIENCE).status == 200


def made(**options: Any) -> S2Mock:
    """A mock with something in it."""
    return S2Mock(**{"basins": SEEDS, "control": True, **options})


def use(**options: Any) -> None:
    """Exercise a mock with these options."""
    with closing(made(**options)) as mock:
        exercise(mock)


def meet(mock: S2Mock, *begun: Started) -> None:
    """Meet all faults with appends and reads; then the account still answers.

    `begun` are calls that were sent before, and may wait.
    """
    client = Client(mock.url, token=mock.token, basin=BASIN)
    mock.stream(BASIN, "log").append(["a", "b"])
    calls = [
        *begun,
        *(
            ask(client, "GET", f"{RECORDS}?seq_num=0&count=2", **headers)
            for headers in (EVENTS, {"content-type": "s2s/proto"}, {})
        ),
    ]
    calls.append(ask(client, "POST", RECORDS, {"records": [{"body": "c"}]}))
    settle(mock, calls)
    mock.reset()
    for call in calls:
        ended(call)
    assert client.request("GET", "/v1/basins", timeout=PATIENCE).status == 200
