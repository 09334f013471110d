"""The connections and conversations of the servers of this process.

A test that needs them uses the functions below. They take what public names of the server give, so
its classes may change inside. Servers that were started before this module was imported are not
seen.
"""

import selectors
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from s2mock.contract.client import Client
from s2mock.contract.passing_time import let_others_be_answered
from s2mock.runtime.conversation import Application, Conversation
from s2mock.server import server as server_module
from s2mock.server.connection import Connection, Speaker
from s2mock.server.context import Context

_contexts: "weakref.WeakSet[Context]" = weakref.WeakSet()
# A speaker refers to its connection, so a strong reference would keep both.
_speakers: "weakref.WeakKeyDictionary[Connection, weakref.ref[Speaker]]" = (
    weakref.WeakKeyDictionary()
)


class _Counted:
    """An application that counts its open conversations."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.open = 0

    def __call__(self, environ: dict[str, Any]) -> Conversation:
        # On the thread of the loop alone, so without a lock.
        self.open += 1
        try:
            yield from self.application(environ)
        finally:
            self.open -= 1


def _watch() -> None:
    begin, recognise = Context.__init__, server_module.recognise

    def begin_counted(
        self: Context, application: Application, *arguments: Any, **more: Any
    ) -> None:
        begin(self, _Counted(application), *arguments, **more)
        _contexts.add(self)

    def note(connection: Connection, data: bytes, is_at_end: bool) -> Speaker | None:
        speaker = recognise(connection, data, is_at_end)
        if speaker is not None:
            _speakers[connection] = weakref.ref(speaker)
        return speaker

    Context.__init__ = begin_counted  # type: ignore[method-assign]
    server_module.recognise = note


_watch()


def context_at(url: str) -> Context:
    """Return the context of the server that listens at the URL."""
    [context] = [one for one in _contexts if one.url == url and not one.loop.is_closed()]
    return context


def speaker_of(connection: Any) -> Speaker | None:
    """Return the HTTP version of a connection, None while that is undecided."""
    noted = _speakers.get(connection)
    return noted() if noted is not None else None


def call(context: Context, function: Callable[[], object]) -> bool:
    """Call the function on the server's thread; False if the server has ended."""
    is_done = threading.Event()

    def run() -> None:
        function()
        is_done.set()

    context.call_from_any_thread(run)
    while not is_done.wait(0.01):
        if context.loop.is_closed():
            return is_done.is_set()
    return True


def open_conversations(context: Context) -> int:
    """Return the number of conversations that have begun and not ended."""
    counted = context.application
    assert isinstance(counted, _Counted)
    return counted.open


def under_way() -> int:
    """Return how many conversations of clients all servers hold, or are about to begin or to end.

    Those that go on without their clients do not count.
    """
    return sum(map(_under_way, list(_contexts)))


def seem_under_way() -> int:
    """Return nearly the same number, without a request to each server: for a test that waits.

    What is about to begin does not count, and nor does what has come and is not handled.
    """
    living = [one for one in list(_contexts) if one.connections and not one.loop.is_closed()]
    return sum(open_conversations(one) - len(one.lasting) for one in living)


def _under_way(context: Context) -> int:
    if context.loop.is_closed():
        return 0
    counts: list[int] = []
    # An `OSError` if it is about to end, or refuses connections.
    with suppress(OSError):
        # A connection that is waiting to be accepted has been accepted then.
        let_others_be_answered(Client(context.url))
    # What was due in the turn of the first call has been done in that of the second.
    for _ in range(2):
        call(context, lambda: counts.append(_count(context)))
    return max(counts, default=0)


def describe_under_way() -> str:
    """Return what each server holds, for the message of a test that waits for its end in vain."""
    return "; ".join(
        f"{context.url}: {_under_way(context)} under way, {open_conversations(context)} open, "
        f"{len(context.lasting)} without a client, {len(context.connections)} connections"
        for context in list(_contexts)
        if not context.loop.is_closed()
    )


def _count(context: Context) -> int:
    if not context.connections:
        # What goes on then goes on without a client.
        return 0
    unread = sum(_is_unread(connection) for connection in list(context.connections))
    return open_conversations(context) - len(context.lasting) + unread


def _is_unread(connection: Any) -> bool:
    """True if bytes or the end of the connection have come and have not been handled."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.transport.get_extra_info("socket"), selectors.EVENT_READ)
        return bool(selector.select(0))


def lasting(url: str) -> list[Any]:
    """Return the conversations that go on without their clients, of the servers at the URL."""
    return [each for one in list(_contexts) if one.url == url for each in one.lasting]
