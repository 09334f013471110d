"""The connections and conversations of the servers of this process.

A test that needs them uses the functions below. They take what public names of the server give, so
its classes may change inside. Servers that were started before this module was imported are not
seen.
"""

import selectors
import socket
import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from s2mock.contract.client import Client
from s2mock.contract.passing_time import others_answered
from s2mock.runtime.conversation import Application, Conversation, Outlast, Step, relay
from s2mock.server import client_protocol
from s2mock.server.connection import Connection, Speaker
from s2mock.server.context import Context

_contexts: "weakref.WeakSet[Context]" = weakref.WeakSet()
# A speaker refers to its connection, so a strong reference would keep both.
_speakers: "weakref.WeakKeyDictionary[Connection, weakref.ref[Speaker]]" = (
    weakref.WeakKeyDictionary()
)


class Watched:
    """A conversation that has begun and not ended."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self._step: Step | None = None
        self._has_left: Callable[[], bool] = lambda: False

    def follow(self, steps: Conversation) -> Conversation:
        """Yield the steps of the conversation, and note each of them."""
        return relay(steps, self._note)

    @property
    def waits_alone(self) -> bool:
        """True if its client has left, and it waits for something else, such as a hold's end."""
        return hasattr(self._step, "subscribe") and self._has_left()

    def __str__(self) -> str:
        step = type(self._step).__name__
        return f"{self._request} at {step}{', its client has left' if self._has_left() else ''}"

    def _note(self, step: Step) -> Generator[Any, Any, Any] | None:
        self._step = step
        return self._note_client(step) if isinstance(step, Outlast) else None

    def _note_client(self, step: Outlast) -> Generator[Any, Any, Any]:
        self._has_left = yield step
        return self._has_left


class _Watching:
    """An application that notes its open conversations."""

    def __init__(self, application: Application) -> None:
        self.application = application
        # In the order in which they began. Used on the thread of the loop alone.
        self.open: dict[Watched, None] = {}

    def __call__(self, environ: dict[str, Any]) -> Conversation:
        watched = Watched(environ)
        self.open[watched] = None
        try:
            yield from watched.follow(self.application(environ))
        finally:
            del self.open[watched]


def _watch() -> None:
    begin, recognise = Context.__init__, client_protocol.recognise

    def begin_watched(
        self: Context, application: Application, *arguments: Any, **more: Any
    ) -> None:
        begin(self, _Watching(application), *arguments, **more)
        _contexts.add(self)

    def note(connection: Connection, data: bytes, is_at_end: bool) -> Speaker | None:
        speaker = recognise(connection, data, is_at_end)
        if speaker is not None:
            _speakers[connection] = weakref.ref(speaker)
        return speaker

    Context.__init__ = begin_watched  # type: ignore[method-assign]
    client_protocol.recognise = note


_watch()


def context_at(url: str) -> Context:
    """Return the context of the server that listens at the URL."""
    if not _contexts_at(url):
        # A server is loaded with its first connection. A request would be in the journal.
        parts = urlsplit(url)
        socket.create_connection((parts.hostname, parts.port)).close()
        while not _contexts_at(url):
            time.sleep(0.001)
    [context] = _contexts_at(url)
    return context


def _contexts_at(url: str) -> list[Context]:
    return [one for one in list(_contexts) if one.url == url and not one.loop.is_closed()]


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
    return len(_open(context))


def _open(context: Context) -> list[Watched]:
    watching = context.application
    assert isinstance(watching, _Watching)
    return list(watching.open)


class Connected(NamedTuple):
    """One connection of a server at some moment."""

    number: int
    protocol: str
    unsent: int
    """Bytes that the operating system had not taken when the connection last sent some."""
    is_unread: bool
    """True if bytes, or the end, have arrived and have not been handled."""

    def __str__(self) -> str:
        unread = ", unread input" if self.is_unread else ""
        return f"connection {self.number} ({self.protocol}, {self.unsent} bytes unsent{unread})"


class Held(NamedTuple):
    """The conversations and connections of one server at some moment."""

    url: str
    conversations: tuple[str, ...]
    """Those that have begun and not ended, each with the last step that it has yielded."""
    waiting_alone: int
    """The number of those that wait, for something else than their clients, which have left."""
    connections: tuple[Connected, ...]
    """All connections, the last of them the idle one of the view itself."""

    @property
    def under_way(self) -> int:
        """The number of conversations that go on, or are about to begin or to end."""
        unread = sum(connection.is_unread for connection in self.connections)
        return len(self.conversations) - self.waiting_alone + unread

    def __str__(self) -> str:
        return (
            f"{self.url}: {self.under_way} under way; open: "
            f"{', '.join(self.conversations) or 'no conversation'}; "
            f"with that of this view {', '.join(map(str, self.connections)) or 'no connection'}"
        )


def held() -> list[Held]:
    """Return what each server of this process holds that has not ended."""
    views = [_held(context) for context in list(_contexts) if not context.loop.is_closed()]
    return [view for view in views if view is not None]


def under_way() -> int:
    """Return how many conversations all servers hold, or are about to begin or to end.

    One whose client has left counts as long as it goes on, and not while it waits.
    """
    return sum(view.under_way for view in held())


def seem_under_way() -> int:
    """Return nearly the same number, without a request to each server: for a test that waits.

    What is about to begin does not count, and nor does what has come and is not handled.
    """
    living = [one for one in list(_contexts) if one.connections and not one.loop.is_closed()]
    return sum(not each.waits_alone for one in living for each in _open(one))


def _held(context: Context) -> Held | None:
    views: list[Held] = []
    with ExitStack() as looking:
        # An `OSError` if it is about to end, or refuses connections.
        with suppress(OSError):
            # A connection that is waiting to be accepted has been accepted then. That of the view
            # is open until all is counted: the server would have its end to handle.
            looking.enter_context(others_answered(Client(context.url)))
        # What was due in the turn of the first call has been done in that of the second.
        for _ in range(2):
            call(context, lambda: views.append(_look(context)))
    return max(views, key=lambda view: view.under_way, default=None)


def _look(context: Context) -> Held:
    conversations = _open(context)
    return Held(
        context.url,
        tuple(map(str, conversations)),
        sum(conversation.waits_alone for conversation in conversations),
        # In the order in which they were accepted.
        tuple(sorted(map(_connected, context.connections))),
    )


def _connected(connection: Any) -> Connected:
    speaker = speaker_of(connection)
    protocol = type(speaker).__name__ if speaker is not None else "protocol undecided"
    return Connected(connection.number, protocol, connection.unsent, _is_unread(connection))


def _is_unread(connection: Any) -> bool:
    """True if bytes or the end of the connection have come and have not been handled."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.transport.get_extra_info("socket"), selectors.EVENT_READ)
        return bool(selector.select(0))


def lasting(url: str) -> list[Any]:
    """Return the conversations that go on without their clients, of the servers at the URL."""
    return [each for one in list(_contexts) if one.url == url for each in one.lasting]
