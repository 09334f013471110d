"""Actors of scenarios that cannot be tried: each as a function, a coroutine function and a command.

As a command, this file is run with the name of a function.
"""

import asyncio
import http.client
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.campaigns.clients import Shop, append

KINDS = ("thread", "coroutine", "command")


def hang(actor: Any, until: threading.Event) -> None:
    """Send an operation, and wait for something else."""
    Shop(actor).tail()
    until.wait()


def die(actor: Any, _until: threading.Event) -> None:
    """Send an operation, and fail; a process is killed."""
    Shop(actor).tail()
    if IS_COMMAND:
        os.kill(os.getpid(), signal.SIGKILL)
    raise ZeroDivisionError


def go_on(actor: Any, until: threading.Event) -> None:
    """Send an operation after the other, without an end."""
    shop = Shop(actor)
    with suppress(OSError, http.client.HTTPException):
        while not until.is_set():
            shop.tail()


def send_two(actor: Any, _until: threading.Event) -> None:
    """Send two operations at once."""

    def send(body: str) -> None:
        with suppress(OSError, http.client.HTTPException):
            append(actor, body)

    threads = [threading.Thread(target=send, args=(body,)) for body in "12"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def work_of(name: str, kind: str, until: threading.Event) -> Any:
    """Return one of the functions, to be added as an actor of that kind; `until` ends a thread."""
    function = globals()[name]
    if kind == "command":
        return [sys.executable, __file__, name]
    if kind == "thread":
        return lambda actor: function(actor, until)

    async def coroutine(actor: Any) -> None:
        if name == "hang":
            await asyncio.to_thread(Shop(actor).tail)
            await asyncio.Event().wait()
        await asyncio.to_thread(function, actor, until)

    return coroutine


IS_COMMAND = __name__ == "__main__"

if IS_COMMAND:
    at = SimpleNamespace(url=os.environ["S2_ACCOUNT_ENDPOINT"], token=os.environ["S2_ACCESS_TOKEN"])
    globals()[sys.argv[1]](at, threading.Event())
