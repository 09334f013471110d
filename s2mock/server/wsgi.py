"""The WSGI driver (PEP 3333): it drives each conversation in the thread of its call."""

import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any, NoReturn

from s2mock.runtime.conversation import (
    CANCEL_HANDLE,
    DRAINED,
    MUTE,
    READ,
    RETIRE_HANDLE,
    STAY,
    Application,
    CloseAfterResponse,
    Conversation,
    Head,
    Outlast,
    ReadUnless,
    ReadWithin,
    Reset,
    RunInThread,
    Step,
    Wait,
)
from s2mock.runtime.notifier import PATIENCE
from s2mock.runtime.status_phrases import STATUS_PHRASES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_CHUNK_BYTES = 64 * 1024
_NOTHING = BytesIO()
# In capitals, as Werkzeug's client compares them.
_STATUS_LINES = {status: f"{status} {phrase.upper()}" for status, phrase in STATUS_PHRASES.items()}
# Statuses of responses without a body, which have no Content-Length.
_BODILESS = (204, 304)


class GivenUpError(TimeoutError):
    """A call waited in the only thread that could have ended its wait."""


class WsgiApp:
    """An application as a WSGI app: each request is answered in the thread of its call.

    `is_own_thread` returns True in the thread that runs the test: a call that waits there for what
    only that thread can do fails.
    """

    def __init__(
        self, application: Application, *, is_own_thread: Callable[[], bool] = bool
    ) -> None:
        self.converse: Application = application
        """Answers one request, step by step."""
        self._is_own_thread = is_own_thread
        # The calls in progress.
        self._calls: set[Answered] = set()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        """Answer one request (PEP 3333).

        Raises `ConnectionRefusedError` while the service is gone, `ConnectionResetError` where it
        drops the request.
        """
        environ["PATH_INFO"] = _bytes_as_latin_1(environ["PATH_INFO"])
        conversation, is_own = self.converse(environ), self._is_own_thread()
        answered = Answered(conversation, environ, self._calls, in_own_thread=is_own)
        return answered.start(start_response)

    def drop_calls(self) -> None:
        """End the calls in progress, as a lost connection ends others."""
        for call in list(self._calls):
            call.drop()


class Answered:
    """A conversation that is driven in this thread, to its head and then to its end."""

    def __init__(
        self,
        conversation: Conversation,
        environ: "WSGIEnvironment",
        calls: "set[Answered]",
        *,
        in_own_thread: bool,
    ) -> None:
        self._conversation = conversation
        self._environ = environ
        self._input: Any = None
        # The calls in progress, this one among them; and True if it is made in the test's thread.
        self._calls = calls
        self._in_own_thread = in_own_thread
        self._is_dropped = False
        self._wake: Callable[[], None] | None = None
        calls.add(self)

    def drop(self, _: Reset | None = None) -> None:
        """End the call as a lost connection would. Call it from any thread."""
        self._is_dropped = True
        if (wake := self._wake) is not None:
            wake()

    def _close(self) -> None:
        self._calls.discard(self)
        self._conversation.close()

    def start(self, start_response: "StartResponse") -> "Iterable[bytes]":
        """Drive to the head of the response, and return its body."""
        try:
            head = self._next_piece()
        except BaseException:
            self._close()
            raise
        assert isinstance(head, Head), f"an answer begins with its head, not with {head!r}"
        is_head = self._environ["REQUEST_METHOD"] == "HEAD"
        headers, body = head.headers, head.body
        if (
            body is not None
            and head.status not in _BODILESS
            and all(name != "content-length" for name, _ in headers)
        ):
            headers = [*headers, ("content-length", str(len(body)))]
        start_response(_STATUS_LINES.get(head.status, f"{head.status} Unknown"), headers)
        if body is not None or is_head:
            self._close()
            return [] if is_head or not body else [body]
        return self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        try:
            while (piece := self._next_piece()) is not None:
                yield piece  # type: ignore[misc]  # the head is behind us
        finally:
            self._close()

    def _next_piece(self) -> Head | bytes | None:
        """Carry out steps until one sends something; None at the end."""
        answer: Any = None
        failure: BaseException | None = None
        while True:
            try:
                if failure is not None:
                    step: Step = self._conversation.throw(failure)
                else:
                    step = self._conversation.send(answer)
            except StopIteration:
                return None
            answer = failure = None
            if self._is_dropped:
                self._reset()
            if isinstance(step, Head | bytes):
                return step
            if isinstance(step, Reset):
                self._reset(step)
            try:
                answer = self._done(step)
            except GivenUpError:
                raise
            except Exception as error:  # noqa: BLE001  # it is the conversation's
                failure = error

    def _done(self, step: Any) -> Any:
        if step is READ or isinstance(step, ReadWithin | ReadUnless):
            return self._read()
        if isinstance(step, RunInThread):
            return step.function()
        if isinstance(step, CloseAfterResponse) or step in (DRAINED, MUTE, STAY):
            return None
        if step is CANCEL_HANDLE:
            return self.drop
        if step is RETIRE_HANDLE:
            return _retire_nothing
        if isinstance(step, Outlast):
            # The caller waits for this call, and cannot leave before its end.
            return bool
        return self._block(step)

    def _reset(self, reset: Reset | None = None) -> NoReturn:
        self._conversation.close()
        if reset is not None and reset.unreachable:
            raise ConnectionRefusedError("the service is gone: s2_mock.outage()")
        raise ConnectionResetError("the connection was reset")

    def _block(self, wait: Wait) -> None:
        """Block, with a limit if only this thread could end the wait."""
        advice: str | None = getattr(wait, "advice", None) if self._in_own_thread else None
        if not block(wait, self._note_wake, None if advice is None else PATIENCE):
            # Another one by now, from a clock that advances by itself.
            advice = getattr(wait, "advice", advice)
            self._conversation.close()
            raise GivenUpError(f"nothing came of the request within {PATIENCE:g} s: {advice}")

    def _note_wake(self, wake: Callable[[], None]) -> None:
        """Keep the function that ends the next wait."""
        self._wake = wake
        if self._is_dropped:
            wake()

    def _read(self) -> bytes:
        environ = self._environ
        length = environ.get("CONTENT_LENGTH", "")
        if self._input is None and length.isascii() and length.isdigit() and len(length) < 6:
            # A short body at once. Reading beyond its length would block.
            self._input = _NOTHING
            whole: bytes = environ["wsgi.input"].read(int(length))
            if len(whole) < int(length):
                raise ConnectionAbortedError("the body ends before its length")
            return whole
        # Imported on demand: a client of the WSGI app has imported it already.
        from werkzeug.exceptions import ClientDisconnected
        from werkzeug.wsgi import get_input_stream

        if self._input is None:
            self._input = get_input_stream(environ)
            if environ.get("wsgi.input_terminated"):
                self._input = environ["wsgi.input"]
        read = getattr(self._input, "read1", self._input.read)
        try:
            data: bytes = read(_CHUNK_BYTES)
        except ClientDisconnected as error:
            raise ConnectionAbortedError(error) from None
        return data


def block(
    wait: Wait,
    note_wake: Callable[[Callable[[], None]], None] = lambda _: None,
    limit: float | None = None,
) -> bool:
    """Block, for at most `limit` seconds; return True if the wait has ended by then.

    `note_wake` is called with the function that ends it. A wait may have `has_progress`, which
    returns a function: while that returns True, the limit begins anew.
    """
    if getattr(wait, "needs_a_thread", False):
        note_wake(wait.wake)  # type: ignore[attr-defined]  # see `Wait`
        wait.block()  # type: ignore[attr-defined]
        return True
    woken = threading.Event()
    note_wake(woken.set)
    wait.subscribe(woken.set)
    timeout = wait.timeout
    if limit is None or (timeout is not None and timeout <= limit):
        # A wait that ends early is checked again.
        woken.wait(None if timeout is None else min(timeout, threading.TIMEOUT_MAX))
        return True
    has_progress = getattr(wait, "has_progress", None)
    while not woken.wait(limit):
        if has_progress is None or not has_progress():
            return False
    return True


def _retire_nothing(**_: bool) -> None:
    """Do nothing: a call by WSGI has no connection."""


def _bytes_as_latin_1(path: str) -> str:
    """Return the decoded path in the form of PEP 3333; httpx passes text unchanged."""
    try:
        path.encode("latin-1").decode()
    except UnicodeError:
        return path.encode("utf-8", "replace").decode("latin-1")
    return path
