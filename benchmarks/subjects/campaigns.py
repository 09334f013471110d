"""The cost of an attempt of a campaign, against a plain test of the same scenario of 10 calls.

A plain test makes the same calls on a fresh account: those of actors in threads of its own, those
of a worker in an event loop of its own. In process the account is an `S2Mock`, called by WSGI or
by its URL; over HTTP it is one of a server in another process, which the client makes and ends.
"""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from benchmarks.peers import BASIN, CONTROL, serving
from benchmarks.rounds import interleave
from benchmarks.table import Row, attempts
from s2mock import Crashes, Fail, Orders, S2Mock, Sweep
from s2mock.handles.campaigns.driver import Surroundings
from s2mock.powers.faults import fault_to_json
from s2mock.server.lazy_server import LazyServer

_STREAM = "log"
_BASINS = [{"name": BASIN, "streams": [_STREAM]}]
_OPTIONS: dict[str, Any] = {"basins": _BASINS}
_MOST = 1.5
_MOST_OF_SWEEP = 1.3
_RECORDS = f"/v1/streams/{_STREAM}/records"
_APPEND = ("POST", _RECORDS, json.dumps({"records": [{"body": "x" * 100}]}).encode())
_TAIL = ("GET", f"{_RECORDS}/tail", b"")
_READ = ("GET", f"{_RECORDS}?seq_num=0", b"")
# The calls of the scenario of a sweep, of each of two actors, of a worker, and of what is after it.
_OF_SWEEP = [_TAIL, _APPEND] * 4 + [_READ, _READ]
_OF_ACTOR = [_TAIL, _APPEND, _APPEND, _APPEND, _TAIL]
_OF_WORKER = [_TAIL, _APPEND] * 4
_OF_RECOVERY = [_TAIL, _READ]
_ACTORS = ("a", "b")
_WORKER = "worker"
# The operations that get a fault, or at which the worker stops.
_ON = ("append", "check-tail")
_FAULTS = [Fail("unavailable"), Fail("unavailable", committed=True)]
_FAULTS_IN_JSON = [fault_to_json(fault) for fault in _FAULTS]


class _Place(Protocol):
    """An object with a URL and a token, such as an `S2Mock` or an actor."""

    @property
    def url(self) -> str: ...

    @property
    def token(self) -> str: ...


class _At(NamedTuple):
    url: str
    token: str


class _Connection:
    """A client with one connection, or one that calls the WSGI app of a mock."""

    def __init__(self, at: _Place) -> None:
        self._http = http.client.HTTPConnection(urlsplit(at.url).netloc, timeout=30)
        self._headers = _headers(at.token)

    def call(self, method: str, target: str, body: bytes) -> None:
        self._http.request(method, target, body or None, self._headers)
        self._http.getresponse().read()

    def close(self) -> None:
        self._http.close()


class _Wsgi:
    def __init__(self, mock: S2Mock, token: str) -> None:
        self._client = mock.client
        self._headers = _headers(token)

    def call(self, method: str, target: str, body: bytes) -> None:
        self._client.open(target, method=method, data=body or None, headers=self._headers)

    def close(self) -> None:
        """Do nothing: there is no connection."""


def _headers(token: str) -> dict[str, str]:
    return {
        "s2-basin": BASIN,
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
    }


_Client = _Connection | _Wsgi
_Connect = Callable[[S2Mock, _Place], _Client]
_Calls = list[tuple[str, str, bytes]]


def _by_wsgi(mock: S2Mock, at: _Place) -> _Client:
    return _Wsgi(mock, at.token)


def _by_url(_: S2Mock, at: _Place) -> _Client:
    return _Connection(at)


def _make_calls(client: _Client, calls: _Calls) -> None:
    try:
        for call in calls:
            client.call(*call)
    finally:
        client.close()


async def _work_by_wsgi(mock: S2Mock) -> None:
    client = _Wsgi(mock, mock.token)
    for call in _OF_WORKER:
        client.call(*call)
        # A coroutine is stopped where it waits.
        await asyncio.sleep(0)


async def _work_by_url(at: _Place) -> None:
    url = urlsplit(at.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in _headers(at.token).items())
    try:
        for method, target, body in _OF_WORKER:
            head = (
                f"{method} {target} HTTP/1.1\r\nhost: {url.netloc}\r\n{lines}"
                f"content-length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
    finally:
        writer.close()


_WORK: Mapping[_Connect, Callable[[Any], Any]] = {_by_wsgi: _work_by_wsgi, _by_url: _work_by_url}


def measure(quick: bool) -> Iterator[Row]:
    """Seconds of an attempt, and of a plain test."""
    rounds, count = (1, 3) if quick else (9, 40)
    with ExitStack() as stack:
        server = LazyServer(is_kept=True)
        stack.callback(server.stop)
        for how, connect in {"WSGI": _by_wsgi, "URL": _by_url}.items():
            yield from _compare(f"in process by {how}", _in_process(connect, server), rounds, count)
        port = stack.enter_context(serving(CONTROL)).port
        yield from _compare("over HTTP", _over_http(port), rounds, count)


_Sides = Mapping[str, tuple[Callable[[int], int], Callable[[], object]]]
"""By the title: a campaign of at least that number of attempts, which returns it; a plain test."""


def _compare(place: str, sides: _Sides, rounds: int, count: int) -> Iterator[Row]:
    for title, (campaign, plain) in sides.items():
        both = {
            "campaign": partial(_time_of, campaign, count),
            "plain": partial(_mean, plain, count),
        }
        interleave(both, 1)
        times = interleave(both, rounds)
        yield Row(
            f"{title} of 10 calls, {place}, an attempt",
            times["campaign"],
            attempts,
            peer="a plain test of it",
            theirs=times["plain"],
            aim=_MOST_OF_SWEEP if title == "sweep" else _MOST,
        )


def _time_of(campaign: Callable[[int], int], count: int) -> float:
    start = time.perf_counter()
    number = campaign(count)
    return (time.perf_counter() - start) / number


def _mean(plain: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        plain()
    return (time.perf_counter() - start) / count


def _one_after_the_other(functions: list[Callable[[], object]]) -> None:
    for function in functions:
        _in_threads([function])


def _in_threads(functions: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# In process.


def _in_process(connect: _Connect, server: LazyServer) -> _Sides:
    work = _WORK[connect]

    def fresh(**options: Any) -> S2Mock:
        # As the fixtures make one, with the server of the session.
        return S2Mock(**options, listening=server)

    surroundings = Surroundings(fresh)

    def calls(mock: S2Mock, at: _Place, calls: _Calls) -> None:
        _make_calls(connect(mock, at), calls)

    def sweep(count: int) -> int:
        def scenario(_: Any, mock: S2Mock) -> None:
            calls(mock, mock, _OF_SWEEP)

        make = Sweep.for_fixture(surroundings)
        return _run_all(lambda: make(_FAULTS, on=_ON, **_OPTIONS), count, scenario)

    def plain_sweep() -> None:
        with fresh(**_OPTIONS) as mock:
            calls(mock, mock, _OF_SWEEP)

    def orders(count: int) -> int:
        def scenario(run: Any, mock: S2Mock) -> None:
            for name in _ACTORS:
                run.actor(name, lambda actor: calls(mock, actor, _OF_ACTOR))
            run.go()

        make = Orders.for_fixture(surroundings)
        return _run_all(lambda: make(max_runs=count, **_OPTIONS), count, scenario)

    def plain_orders() -> None:
        with fresh(**_OPTIONS) as mock:
            _in_threads([partial(calls, mock, mock, _OF_ACTOR) for _ in _ACTORS])

    def crashes(count: int) -> int:
        def scenario(attempt: Any, mock: S2Mock) -> None:
            attempt.run(work, mock)
            calls(mock, mock, _OF_RECOVERY)

        make = Crashes.for_fixture(surroundings)
        return _run_all(lambda: make(on=_ON, **_OPTIONS), count, scenario)

    def plain_crashes() -> None:
        with fresh(**_OPTIONS) as mock:
            asyncio.run(work(mock))
            calls(mock, mock, _OF_RECOVERY)

    return {
        "sweep": (sweep, plain_sweep),
        "orders": (orders, plain_orders),
        "crashes": (crashes, plain_crashes),
    }


def _run_all(make: Callable[[], Any], count: int, scenario: Callable[[Any, S2Mock], object]) -> int:
    """Run whole campaigns until that number of attempts is reached; return their number."""
    number = 0
    while number < count:
        campaign = make()
        for attempt in campaign:
            with attempt as mock:
                scenario(attempt, mock)
        report = campaign.report()
        assert report.passed, str(report)
        number += report.attempts
    return number


# Over HTTP.


class _Control:
    """A client of `/_s2mock` on one connection."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(
        self, method: str, path: str, document: object = None, *, token: str | None = None
    ) -> Any:
        body = None if document is None else json.dumps(document)
        headers = {"content-type": "application/json"}
        headers |= {} if token is None else {"authorization": f"Bearer {token}"}
        self._http.request(method, f"/_s2mock{path}", body, headers)
        response = self._http.getresponse()
        data = response.read()
        assert response.status < http.HTTPStatus.BAD_REQUEST, data
        return json.loads(data) if data else None


def _over_http(port: int) -> _Sides:
    url, control = f"http://127.0.0.1:{port}", _Control(port)
    # An actor, or a worker, says by a connection of its own that it has ended.
    by_actor = {name: _Control(port) for name in (*_ACTORS, _WORKER)}

    def calls(token: str, calls: _Calls) -> None:
        _make_calls(_Connection(_At(url, token)), calls)

    def plain(scenario: Callable[[str], object]) -> None:
        token = control("POST", "/accounts", _OPTIONS)["token"]
        scenario(token)
        control("DELETE", "/accounts", token=token)

    def in_campaign(
        plan: dict[str, Any], count: int, scenario: Callable[[Any, str], object]
    ) -> int:
        number = 0
        while number < count:
            path = f"/campaigns/{control('POST', '/campaigns', plan)['number']}"
            while (attempt := control("POST", f"{path}/attempts")) is not None:
                about = f"{path}/attempts/{attempt['number']}"
                scenario(attempt, about)
                control("POST", f"{about}/end", {"outcome": "passed"})
            report = control("GET", path)
            assert report["passed"], report
            number += report["attempts"]
            control("DELETE", path)
        return number

    def sweep(count: int) -> int:
        plan = {"kind": "sweep", "on": _ON, "faults": _FAULTS_IN_JSON, "options": _OPTIONS}
        return in_campaign(plan, count, lambda attempt, _: calls(attempt["token"], _OF_SWEEP))

    def orders(count: int) -> int:
        def scenario(attempt: Any, about: str) -> None:
            def act(name: str, token: str) -> None:
                calls(token, _OF_ACTOR)
                by_actor[name]("POST", f"{about}/actors/{name}/end")

            _in_threads([partial(act, one["name"], one["token"]) for one in attempt["actors"]])

        plan = {"kind": "orders", "actors": _ACTORS, "max_runs": count, "options": _OPTIONS}
        return in_campaign(plan, count, scenario)

    def crashes(count: int) -> int:
        def scenario(attempt: Any, about: str) -> None:
            [worker] = attempt["actors"]

            def work() -> None:
                # As one that is killed, it does not say so.
                with suppress(OSError, http.client.HTTPException):
                    calls(worker["token"], _OF_WORKER)
                    by_actor[_WORKER]("POST", f"{about}/actors/{_WORKER}/end")

            thread = threading.Thread(target=work)
            thread.start()
            if control("GET", f"{about}?wait=30")["reached"]:
                control("POST", f"{about}/crashed")
            thread.join()
            calls(attempt["token"], _OF_RECOVERY)

        return in_campaign({"kind": "crash", "on": _ON, "options": _OPTIONS}, count, scenario)

    def act_freely(run: Callable[[list[Callable[[], object]]], None], token: str) -> None:
        run([partial(calls, token, _OF_ACTOR) for _ in _ACTORS])

    def plain_crashes(token: str) -> None:
        _in_threads([partial(calls, token, _OF_WORKER)])
        calls(token, _OF_RECOVERY)

    return {
        "sweep": (sweep, partial(plain, lambda token: calls(token, _OF_SWEEP))),
        # An order is one call at a time; a client in another process and the server work at the
        # same time where the actors of the plain test do.
        "orders": (orders, partial(plain, partial(act_freely, _in_threads))),
        "orders, the plain test with one actor after the other,": (
            orders,
            partial(plain, partial(act_freely, _one_after_the_other)),
        ),
        "crashes": (crashes, partial(plain, plain_crashes)),
    }
