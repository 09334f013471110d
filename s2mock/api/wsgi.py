"""The app's conversations under WSGI (PEP 3333): each is driven in the thread of its call."""

import threading
from collections.abc import Iterator
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import get_input_stream

from s2mock.conversation import (
    READ,
    Conversation,
    Head,
    Offload,
    Reset,
    Retire,
    Step,
    Wait,
)
from s2mock.registry.following import Pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_CHUNK_BYTES = 64 * 1024
_NOTHING = BytesIO()
# In capitals, as Werkzeug's client compares them.
_STATUS_LINES = {status.value: f"{status.value} {status.phrase.upper()}" for status in HTTPStatus}
# What a body that is known in full may lack: it is told how long it is.
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Answered:
    """A conversation under way in this thread, up to its head and then on."""

    def __init__(self, conversation: Conversation, environ: "WSGIEnvironment") -> None:
        self._conversation = conversation
        self._environ = environ
        self._input: Any = None

    def start(self, start_response: "StartResponse") -> "Iterable[bytes]":
        """Go on to the head of the answer, and return its body."""
        head = self._next_piece()
        assert isinstance(head, Head), f"an answer begins with its head, not with {head!r}"
        is_head = self._environ["REQUEST_METHOD"] == "HEAD"
        headers, body = head.headers, head.body
        if body is not None and head.status not in _BODILESS:
            headers = [*headers, ("content-length", str(len(body)))]
        start_response(_STATUS_LINES.get(head.status, f"{head.status} Unknown"), headers)
        if body is not None or is_head:
            self._conversation.close()
            return [] if is_head or not body else [body]
        return self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        try:
            while (piece := self._next_piece()) is not None:
                yield piece  # type: ignore[misc]  # the head is behind us
        finally:
            self._conversation.close()

    def _next_piece(self) -> Head | bytes | None:
        """Do what the conversation asks for, until it has something to say."""
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
            if isinstance(step, Head | bytes):
                return step
            try:
                answer = self._done(step)
            except (OSError, ClientDisconnected) as error:
                failure = error if isinstance(error, OSError) else ConnectionAbortedError(error)
            except Exception as error:  # noqa: BLE001  # it is the conversation's
                failure = error

    def _done(self, step: Any) -> Any:
        if step is READ:
            return self._read()
        if isinstance(step, Offload):
            return step.function()
        if isinstance(step, Retire):
            return None
        if isinstance(step, Reset):
            self._conversation.close()
            raise ConnectionResetError("the connection was reset")
        return block(step)

    def _read(self) -> bytes:
        environ = self._environ
        length = environ.get("CONTENT_LENGTH", "")
        if self._input is None and length.isascii() and length.isdigit() and len(length) < 6:
            # The body in one, where that is not much. Reading beyond its length would block.
            self._input = _NOTHING
            whole: bytes = environ["wsgi.input"].read(int(length))
            if len(whole) < int(length):
                raise ConnectionAbortedError("the body ends before its length")
            return whole
        if self._input is None:
            self._input = get_input_stream(environ)
            if environ.get("wsgi.input_terminated"):
                self._input = environ["wsgi.input"]
        read = getattr(self._input, "read1", self._input.read)
        data: bytes = read(_CHUNK_BYTES)
        return data


def block(wait: Wait) -> None:
    """Wait in this thread."""
    if isinstance(wait, Pause):
        wait.block()
        return
    woken = threading.Event()
    wait.subscribe(woken.set)
    woken.wait(wait.timeout)
