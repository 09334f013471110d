"""Actors that hang, die, have no end, or send two operations at once, of each kind.

Each scenario ends with a message that names each actor and what it waits for. The same over HTTP is
in tests/control/test_campaigns.py, and in a printed test in test_standalone.py.
"""

import asyncio
import http.client
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from s2mock import Orders
from tests.campaigns.bad_actors import KINDS, work_of
from tests.campaigns.clients import BASIN, SEEDS, Shop, append

# A command takes its time to start.
each_kind = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind == "command")) for kind in KINDS]
)


@pytest.fixture
def until() -> Iterator[threading.Event]:
    """Return the event that threads which hang wait for."""
    until = threading.Event()
    yield until
    until.set()


def wait_for_a_record(actor: Any) -> None:
    """An actor that waits for what the other one does not write."""
    with suppress(OSError, http.client.HTTPException):
        Shop(actor).read("seq_num=0&wait=60", "other")


def report_on(a: Any, b: Any = wait_for_a_record, *, timeout: float = 1, **arguments: Any) -> str:
    """Run a scenario of two actors, of which one order is tried; return the report."""
    campaign = Orders(basins=SEEDS, **arguments)
    for run in campaign:
        with run:
            run.actor("a", a)
            run.actor("b", b)
            run.go(timeout=timeout)
    text = str(campaign.report())
    # The other orders of such a scenario are not tried.
    assert text.startswith("s2_orders: 1 of 1 order fails (no other order was tried); "), text
    return text


B_WAITS = f"b waits in the service for the answer to its read {BASIN} other"


@each_kind
def test_actor_that_hangs_is_named(kind: str, until: threading.Event) -> None:
    text = report_on(work_of("hang", kind, until), settle=0.01)
    # On a busy machine, a command may not have begun until then.
    sent = "(1 operation|0 operations)" if kind == "command" else "1 operation"
    assert re.search(
        "nothing has happened for 1 s, and not all actors have ended; "
        f"a runs, and waits for nothing of the service: it has sent {sent}; {B_WAITS}",
        text,
    )


@each_kind
def test_actor_that_dies_is_named_with_what_the_others_wait_for(
    kind: str, until: threading.Event
) -> None:
    # A command takes longer to start, on a busy machine.
    text = report_on(work_of("die", kind, until), timeout=3 if kind == "command" else 1)
    error = "CommandFailed('" if kind == "command" else "ZeroDivisionError()"
    assert f"a has failed with {error}" in text
    assert ("has ended with status -9 and no output" in text) == (kind == "command")
    assert B_WAITS in text


@each_kind
def test_scenario_without_an_end_is_ended(
    kind: str, until: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2mock.campaigns.orders.scheduler.MAX_OPERATIONS", 20)
    text = report_on(work_of("go_on", kind, until), timeout=30)
    assert "the scenario has no end after 20 operations" in text
    # Depth first: it is not its turn.
    b_waits = f"b waits at the arrival of its read {BASIN} other"
    assert f"a waits at the arrival of its check-tail {BASIN} orders; {b_waits}" in text


@each_kind
def test_two_operations_at_once_are_refused(kind: str, until: threading.Event) -> None:
    # Both arrive before one of them can go: b has sent nothing.
    text = report_on(
        work_of("send_two", kind, until), lambda _: until.wait(), settle=30, timeout=30
    )
    what = f"append {BASIN} orders"
    assert f"a sent its {what} while it waited at its {what}: an actor sends one operation" in text
    assert "; b runs, and waits for nothing of the service: it has sent 0 operations" in text


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_what_an_actor_has_started_and_sends_after_its_end_fails_the_run(kind: str) -> None:
    is_sent = threading.Event()

    def send(actor: Any, wait_for_end: Callable[[], object]) -> None:
        wait_for_end()
        with suppress(OSError, http.client.HTTPException):
            Shop(actor).append("late")
        is_sent.set()

    def start(actor: Any) -> None:
        Shop(actor).tail()
        own = threading.current_thread()
        threading.Thread(target=send, args=(actor, own.join)).start()

    async def start_from_task(actor: Any) -> None:
        await asyncio.to_thread(Shop(actor).tail)
        has_ended, task = threading.Event(), asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: has_ended.set())
        threading.Thread(target=send, args=(actor, has_ended.wait)).start()

    campaign = Orders(basins=SEEDS, settle=0.01)
    for run in campaign:
        with run as mock:
            run.actor("a", start if kind == "thread" else start_from_task)
            run.actor("b", lambda _: is_sent.wait(60))
            run.go()
            assert mock.stream(BASIN, "orders").bodies == ()
    assert (
        f"a sent its append {BASIN} orders after its end: what an actor starts has to end before "
        "it does"
    ) in str(campaign.report())


@pytest.mark.slow
def test_what_a_command_has_started_ends_with_it(tmp_path: Path) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    script = (
        "import os, subprocess\n"
        f"out = os.open({str(fifo)!r}, os.O_WRONLY)\n"
        "os.set_inheritable(out, True)\n"
        "subprocess.Popen(['sleep', '600'], close_fds=False)\n"
    )
    ends = []
    # It ends when no process has the fifo open any more.
    watcher = threading.Thread(target=lambda: ends.append(fifo.read_bytes()))
    watcher.start()
    for run in Orders(basins=SEEDS):
        with run:
            run.actor("a", [sys.executable, "-c", script])
            run.actor("b", append, "tea")
            run.go()
    watcher.join(30)
    assert ends == [b""]


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_actor_with_threads_of_its_own_that_take_turns_is_tried_in_all_orders(kind: str) -> None:
    def start(actor: Any) -> None:
        for body in ("tea", "cake"):
            thread = threading.Thread(target=append, args=(actor, body))
            thread.start()
            thread.join()

    async def start_tasks(actor: Any) -> None:
        for body in ("tea", "cake"):
            await asyncio.create_task(asyncio.to_thread(append, actor, body))

    campaign, found = Orders(basins=SEEDS), []
    for run in campaign:
        with run as mock:
            run.actor("a", start if kind == "thread" else start_tasks)
            run.actor("b", append, "bread")
            run.go()
            found.append(mock.stream(BASIN, "orders").bodies.index(b"bread"))
    assert sorted(found) == [0, 1, 2]
