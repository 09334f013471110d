"""Threads that append, read and check the tail at once: what they see fits one order of calls.

Over the WSGI app and over the socket; there some clients hang up before their answer comes, so
that it is unknown whether their append has happened, and some within their request, so that it has
not. Source: reference: data_plane §3.5.
"""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2mock import Late, S2Mock, Stream
from s2mock.contract.client import Client
from s2mock.registry.engine.engine import Engine
from s2mock.registry.log.log import LogState
from s2mock.runtime.clock import Moment
from tests import own_token
from tests.properties.linearizability import (
    Append,
    Call,
    NotLinearizable,
    SawRecords,
    SawTail,
    SawToken,
    check,
    check_timestamps,
)
from tests.time.watched_clock import PATIENCE

pytestmark = pytest.mark.slow

RECORDS = "/v1/streams/s/records"


# The checker itself.


def append(began: int, ended: float, start: int | None, *bodies: str, **options: Any) -> Append:
    return Append(began=began, ended=ended, start=start, bodies=bodies, **options)


GOOD = {
    "nothing": ([], []),
    "one after the other": ([append(0, 1, 0, "a"), append(2, 3, 1, "b", "c")], "abc"),
    "at once, in either order": ([append(0, 2, 1, "a"), append(1, 3, 0, "b")], "ba"),
    "a lost answer, and it has happened": ([append(0, float("inf"), None, "a")], "a"),
    "a lost answer, and it has not": ([append(0, float("inf"), None, "a")], ""),
    "a lost answer that happens late": (
        [append(0, float("inf"), None, "a"), append(1, 2, 0, "b")],
        "ba",
    ),
    "refused": ([append(0, 1, None, "a", refused=True)], ""),
    "a tail while an append is under way": (
        [append(0, 9, 0, "a"), SawTail(began=1, ended=2, seq_num=0)]
        + [SawTail(began=3, ended=4, seq_num=1), SawTail(began=5, ended=6, seq_num=1)],
        "a",
    ),
    "a read of a part, long after": (
        [append(0, 1, 0, "a", "b"), append(2, 3, 2, "c")]
        + [SawRecords(began=4, ended=5, start=0, bodies=["a"], to_the_tail=False)],
        "abc",
    ),
    "a token that comes back": (
        [append(0, 1, 0, "a", fence="t"), append(2, 3, 1, "b", fence="")]
        + [SawToken(began=4, ended=5, token=""), append(6, 7, 2, "c", fencing_token="")],
        "abc",
    ),
    "conditions that hold": (
        [append(0, 1, 0, "a", match_seq_num=0, fencing_token="", fence="t")]
        + [append(2, 3, 1, "b", match_seq_num=1, fencing_token="t")],
        "ab",
    ),
}
BAD = {
    "acknowledged and lost": ([append(0, 1, 0, "a")], "", "is lost"),
    "refused and written": ([append(0, 1, None, "a", refused=True)], "a", "was refused"),
    "written twice": ([append(0, 1, 0, "a")], "aa", "twice"),
    "from nowhere": ([append(0, 1, 0, "a")], "ab", "no client has appended 'b'"),
    "told another place": (
        [append(0, 1, 1, "a"), append(0, 1, 0, "b")],
        "ab",
        "somewhere else",
    ),
    "two told one place": (
        [append(0, 3, 0, "a"), append(1, 2, 0, "b")],
        "ab",
        "somewhere else",
    ),
    "torn": ([append(0, 3, 0, "a", "b"), append(1, 2, 1, "c")], "acb", "not there as a whole"),
    "written in part": ([append(0, float("inf"), None, "a", "b")], "a", "not there as a whole"),
    "the second part only": (
        [append(0, float("inf"), None, "a", "b")],
        "b",
        "no client has appended",
    ),
    "turned round": ([append(0, 1, 0, "a", "b")], "ba", "somewhere else"),
    "order against time": (
        [append(0, 1, 1, "a"), append(2, 3, 0, "b")],
        "ba",
        "before a call that had ended",
    ),
    "a lost answer before its time": (
        [append(0, 1, 1, "a"), append(2, float("inf"), None, "b")],
        "ba",
        "before a call that had ended",
    ),
    "a tail that forgets": (
        [append(0, 1, 0, "a"), SawTail(began=2, ended=3, seq_num=0)],
        "a",
        "before a call that had ended",
    ),
    "a tail that foresees": (
        [SawTail(began=0, ended=1, seq_num=1), append(2, 3, 0, "a")],
        "a",
        "before a call that had ended",
    ),
    "tails that go back": (
        [append(0, 9, 0, "a"), SawTail(began=1, ended=2, seq_num=1)]
        + [SawTail(began=3, ended=4, seq_num=0)],
        "a",
        "before a call that had ended",
    ),
    "a tail within an append": (
        [append(0, 9, 0, "a", "b"), SawTail(began=1, ended=2, seq_num=1)],
        "ab",
        "a tail within an append",
    ),
    "a tail beyond the log": ([SawTail(began=1, ended=2, seq_num=1)], "", "or none at all"),
    "a stale read": (
        [append(0, 1, 0, "a"), append(2, 3, 1, "b")]
        + [SawRecords(began=4, ended=5, start=0, bodies=["a"], to_the_tail=True)],
        "ab",
        "before a call that had ended",
    ),
    "a read before the write": (
        [SawRecords(began=0, ended=1, start=0, bodies=["a"], to_the_tail=False)]
        + [append(2, 3, 0, "a")],
        "a",
        "before a call that had ended",
    ),
    "a read of a part of an append": (
        [append(0, 9, 0, "a", "b")]
        + [SawRecords(began=1, ended=2, start=0, bodies=["a"], to_the_tail=True)],
        "ab",
        "a part of an append",
    ),
    "a read of something else": (
        [append(0, 1, 0, "a", "b")]
        + [SawRecords(began=2, ended=3, start=0, bodies=["b"], to_the_tail=False)],
        "ab",
        "not what the log has there",
    ),
    "a read beyond the log": (
        [SawRecords(began=2, ended=3, start=0, bodies=["b"], to_the_tail=False)],
        "",
        "not what the log has there",
    ),
    "a condition that does not hold": (
        [append(0, 1, 0, "a"), append(2, 3, 1, "b", match_seq_num=0)],
        "ab",
        "its condition does not hold",
    ),
    "a lost answer against its condition": (
        [append(0, 1, 0, "a"), append(0, float("inf"), None, "b", match_seq_num=0)],
        "ab",
        "its condition does not hold",
    ),
    "a fence that does not hold": (
        [append(0, 1, 0, "a", fence="t"), append(2, 3, 1, "b", fencing_token="")],
        "ab",
        "though the token was 't'",
    ),
    "a token that was never set": ([SawToken(began=0, ended=1, token="t")], "", "not in force"),
    "a token that is no longer": (
        [append(0, 1, 0, "a", fence="t"), append(2, 3, 1, "b", fence="u")]
        + [SawToken(began=4, ended=5, token="t")],
        "ab",
        "not in force",
    ),
    "a token seen, then its past": (
        [append(0, 9, 0, "a", fence="t"), SawToken(began=1, ended=2, token="t")]
        + [SawTail(began=3, ended=4, seq_num=0)],
        "a",
        "before a call that had ended",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_checker_accepts(name: str) -> None:
    history, log = GOOD[name]
    check(history, list(log))
    check(history[::-1], list(log))


@pytest.mark.parametrize("name", BAD)
def test_checker_refuses(name: str) -> None:
    history, log, reason = BAD[name]
    for order in (history, history[::-1]):
        with pytest.raises(NotLinearizable, match=reason):
            check(order, list(log))


def test_checker_of_time() -> None:
    check_timestamps([1, 1, 5])
    with pytest.raises(NotLinearizable, match="5, then 4"):
        check_timestamps([1, 5, 4])


# What the threads do: each has a plan of its own.

steps = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 3), st.sampled_from(["none", "none", "match"])),
    st.tuples(st.just("append"), st.integers(1, 3), st.sampled_from(["token", "other", "both"])),
    st.tuples(st.just("fence"), st.just(1), st.sampled_from(["none", "token", "both"])),
    st.tuples(st.just("read"), st.sampled_from([0, -1, -3]), st.sampled_from([1, 4, 1000])),
    st.tuples(st.just("tail"), st.none(), st.none()),
)
steps_with_hang_ups = steps | st.tuples(
    st.sampled_from(["hang up", "cut off"]), st.integers(1, 3), st.just("none")
)


def plans(step: st.SearchStrategy[Any]) -> st.SearchStrategy[list[list[Any]]]:
    plan = st.lists(step, min_size=1, max_size=14)
    return st.lists(plan, min_size=2, max_size=5)


Send = Callable[[str, str, Any], tuple[int, Any]]


class Worker:
    """One thread: carries its plan out and writes down what it sees."""

    def __init__(self, name: int, send: Send, steps: "count[int]", address: Any = None) -> None:
        self.name = name
        self.send = send
        self.steps = steps
        self.address = address
        self.history: list[Call] = []
        self.bodies = count()
        self.tail = 0
        self.token = ""

    def carry_out(self, plan: list[Any]) -> None:
        for kind, what, how in plan:
            match kind:
                case "append" | "fence":
                    self._append(what, how, is_fence=kind == "fence")
                case "read":
                    self._read(max(0, self.tail + what) if what else 0, how)
                case "tail":
                    self._check_tail()
                case _:
                    self._append_and_leave(what, whole=kind == "hang up")

    def _batch(self, size: int) -> list[str]:
        return [f"{self.name}.{next(self.bodies)}" for _ in range(size)]

    def _append(self, size: int, how: str, *, is_fence: bool) -> None:
        # A fence sets a token that no other call sets, so that it differs from all other records.
        bodies = self._batch(size)
        headers = [["", "fence"]] if is_fence else []
        records = [{"body": body, "headers": headers} for body in bodies]
        conditions: dict[str, Any] = {}
        if how in {"match", "both"}:
            conditions["match_seq_num"] = self.tail
        if how in {"token", "both"}:
            conditions["fencing_token"] = self.token
        if how == "other":
            conditions["fencing_token"] = "nobody's"
        began = next(self.steps)
        made = {"began": began, "bodies": bodies, **conditions}
        made["fence"] = bodies[0] if is_fence else None
        try:
            status, answer = self.send("POST", RECORDS, {"records": records, **conditions})
        except ConnectionResetError:
            # It is applied at any later time, or never.
            self.history.append(Append(**made))
            return
        made["ended"] = next(self.steps)
        ended = made["ended"]
        if status == 200:
            self.tail = answer["end"]["seq_num"]
            self.token = made["fence"] or self.token
            assert answer["end"] == answer["tail"]
            assert self.tail - answer["start"]["seq_num"] == len(bodies)
            self.history.append(Append(**made, start=answer["start"]["seq_num"]))
            return
        assert status == 412, (status, answer)
        self.history.append(Append(**made, refused=True))
        if "seq_num_mismatch" in answer:
            self.tail = answer["seq_num_mismatch"]
            assert self.tail != conditions["match_seq_num"]
            self.history.append(SawTail(began=began, ended=ended, seq_num=self.tail))
        else:
            self.token = answer["fencing_token_mismatch"]
            assert self.token != conditions["fencing_token"]
            self.history.append(SawToken(began=began, ended=ended, token=self.token))

    def _read(self, start: int, limit: int) -> None:
        began = next(self.steps)
        status, answer = self.send("GET", f"{RECORDS}?seq_num={start}&count={limit}", None)
        ended = next(self.steps)
        if status == 416:
            self.tail = answer["tail"]["seq_num"]
            assert self.tail <= start
            self.history.append(SawTail(began=began, ended=ended, seq_num=self.tail))
            return
        assert status == 200, (status, answer)
        bodies = [record["body"] for record in answer["records"]]
        assert [r["seq_num"] for r in answer["records"]] == list(range(start, start + len(bodies)))
        self.history.append(
            SawRecords(
                began=began,
                ended=ended,
                start=start,
                bodies=bodies,
                to_the_tail=len(bodies) < limit,
            )
        )

    def _check_tail(self) -> None:
        began = next(self.steps)
        status, answer = self.send("GET", f"{RECORDS}/tail", None)
        ended = next(self.steps)
        assert status == 200
        self.tail = answer["tail"]["seq_num"]
        self.history.append(SawTail(began=began, ended=ended, seq_num=self.tail))

    def _append_and_leave(self, size: int, *, whole: bool) -> None:
        bodies = self._batch(size)
        body = json.dumps({"records": [{"body": body} for body in bodies]}).encode()
        head = (
            f"POST {RECORDS} HTTP/1.1\r\nhost: s2\r\ns2-basin: my-basin\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        ).encode()
        head += own_token.head(f"http://127.0.0.1:{self.address[1]}") + b"\r\n"
        began = next(self.steps)
        with socket.create_connection(self.address, PATIENCE) as connection:
            connection.sendall(head + (body if whole else body[:-1]))
        self.history.append(Append(began=began, bodies=bodies, refused=not whole))


@pytest.fixture(autouse=True)
def _many_turns() -> Iterator[None]:
    """Have threads change as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def run(mock: S2Mock, plans: list[list[Any]], connect: Callable[[], Send], address: Any) -> None:
    """Carry the plans out at the same time, and check what was seen."""
    steps, ready = count(), threading.Barrier(len(plans))
    workers = [Worker(name, connect(), steps, address) for name in range(len(plans))]
    failures: list[BaseException] = []

    def start(worker: Worker, plan: list[Any]) -> None:
        try:
            ready.wait(PATIENCE)
            worker.carry_out(plan)
        except BaseException as failure:  # noqa: BLE001  # reported by the main thread
            failures.append(failure)

    threads = [
        threading.Thread(target=start, args=pair, daemon=True)
        for pair in zip(workers, plans, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a call was never answered"
    if failures:
        raise failures[0]
    # What is late and not there yet never is.
    mock._powers.injector.drop_late()
    # What was left behind may still be on its way; the log may grow until it has arrived.
    stream = mock.basin("my-basin").stream("s")
    check([call for worker in workers for call in worker.history], _log(stream))
    check_timestamps([record.timestamp for record in stream.records])


def _log(stream: Stream) -> list[str]:
    return [record.body.decode() for record in stream.records]


def new_mock() -> S2Mock:
    return S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "s"}]}])


def over_wsgi(mock: S2Mock) -> Send:
    client = mock.client

    def send(method: str, path: str, document: Any) -> tuple[int, Any]:
        body = {} if document is None else {"json": document}
        headers = {"s2-basin": "my-basin"}
        answer = client.open(path, method=method, headers=headers, **body)
        return answer.status_code, answer.json

    return send


@settings(max_examples=150, deadline=None)
@given(plans(steps))
def test_over_wsgi(plans: list[list[Any]]) -> None:
    mock = new_mock()
    run(mock, plans, lambda: over_wsgi(mock), None)


lates = st.sampled_from([Late(0), Late(0.0005), Late(reads=1), Late(reads=2), Late(reads=5)])


@settings(max_examples=100, deadline=None)
@given(plans(steps), st.lists(st.none() | lates, min_size=1, max_size=20).filter(any))
def test_over_wsgi_with_late_appends(plans: list[list[Any]], faults: "list[Late | None]") -> None:
    """Each is applied at one moment, as a whole, and only if its conditions hold then."""
    with new_mock() as mock:
        injected = mock.inject(faults, on="append", required=False)
        run(mock, plans, lambda: over_wsgi(mock), None)
        # The journal says of each whether it was.
        there = _log(mock.stream("my-basin", "s"))
        for exchange in injected.exchanges:
            first = exchange.request.document["records"][0]["body"]
            assert exchange.effect.committed is (first in there)
            if exchange.effect.committed:
                assert exchange.effect.first_seq_num == there.index(first)


class _NoLock:
    """A lock that excludes nothing: operations run at once."""

    is_held = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.mutex = nullcontext()

    def acquire(self) -> Moment:
        return self._engine.timekeeper.moment()

    def release(self) -> None:
        pass

    def __enter__(self) -> Moment:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def test_a_log_that_is_not_used_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine sees it where two appends are decided on at once."""
    mock = new_mock()
    meeting = threading.Barrier(2)
    assign = LogState._assign_timestamps

    def meet(*arguments: Any) -> list[int]:
        meeting.wait(PATIENCE)
        return assign(*arguments)

    engine = mock.account.engine
    monkeypatch.setattr(engine, "lock", _NoLock(engine))
    monkeypatch.setattr(engine.store, "_lock", _NoLock(engine))
    monkeypatch.setattr(LogState, "_assign_timestamps", meet)
    with pytest.raises(NotLinearizable, match="lost|told|nobody"):
        run(mock, [[("append", 1, "none")]] * 2, lambda: over_wsgi(mock), None)


@settings(max_examples=60, deadline=None)
@given(plans(steps_with_hang_ups))
def test_over_the_socket(plans: list[list[Any]]) -> None:
    with new_mock() as mock:
        target = urlsplit(mock.url)

        def connect() -> Send:
            client = Client(mock.url, basin="my-basin")

            def send(method: str, path: str, document: Any) -> tuple[int, Any]:
                answer = client.request(method, path, ... if document is None else document)
                return answer.status, answer.json

            return send

        run(mock, plans, connect, (target.hostname, target.port))
