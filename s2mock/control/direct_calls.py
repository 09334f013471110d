"""Requests of S2's API as direct calls of a test: without faults, holds and journal."""

from typing import TYPE_CHECKING, Any, Final, cast

from s2mock.api.app import App
from s2mock.api.codec import INCARNATION
from s2mock.powers.middleware import Stack
from s2mock.runtime.conversation import Conversation, Head

if TYPE_CHECKING:
    from collections.abc import Generator

    from s2mock.registry.engine.engine import Engine
    from s2mock.registry.operation import Call, Operation
    from s2mock.runtime.conversation import Step, Wait

IDENTITY: Final = f"HTTP_{INCARNATION.upper().replace('-', '_')}"
"""The header for the incarnation or secret of what a request applies to, as WSGI names it."""


def converse(engine: "Engine", environ: dict[str, Any]) -> Conversation:
    """Answer a request of S2's API as a direct call: it passes no points and is not noted.

    With the header `s2mock-incarnation` it applies to that basin, stream or token only, of all that
    have had its name. The response has the incarnation of a basin or stream in that header.
    """
    direct = _DirectEngine(engine, environ.get(IDENTITY))
    conversation = Stack(App(cast("Engine", direct), cors=False)).converse(environ)
    head: Head = yield from _until_head(conversation)
    if direct.made is not None:
        head.headers.append((INCARNATION, str(direct.made)))
    yield head
    yield from conversation


def _until_head(conversation: Conversation) -> "Generator[Step, Any, Head]":
    """Carry out the steps of a conversation up to its head, and return that."""
    step = next(conversation)
    while not isinstance(step, Head):
        try:
            value = yield step
        except Exception as error:  # noqa: BLE001  # each is for the conversation to handle
            step = conversation.throw(error)
        else:
            step = conversation.send(value)
    return step


class _DirectEngine:
    """An engine whose operations pass no points, for one request.

    With an `identity` the operation applies to that basin, stream or token only, of all that have
    had its name. `made` is the incarnation of a basin or stream that it has created or found.
    """

    observers = ()

    def __init__(self, engine: "Engine", identity: str | None) -> None:
        self._engine = engine
        self._identity = identity
        self.made: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def perform(self, call: "Call") -> "Generator[Wait, None, Any]":
        """Carry out the operation, and return its result. Raises `S2Error`."""
        operation = call.operation
        if self._identity is not None:
            operation = _identified(operation, self._identity)
        # Without its call: a direct call may do everything, and metrics leave it out.
        result = self._engine.carry_out(operation)
        self.made = getattr(result, "incarnation", None)
        if operation.waits:
            return (yield from result.answer())
        return result


def _identified(operation: "Operation", identity: str) -> "Operation":
    """Return the operation as one that applies to that basin, stream or token only."""
    if hasattr(operation, "incarnation") and identity.isascii() and identity.isdigit():
        return operation.replace(incarnation=int(identity))
    return operation.replace(secret=identity) if hasattr(operation, "secret") else operation
