"""A route of the control API: method, path and handler."""

from collections.abc import Callable, Generator
from typing import Any, Final, NamedTuple

from s2mock.control.request import ControlRequest
from s2mock.control.response import ControlResponse
from s2mock.runtime.conversation import Step

PREFIX: Final = "/_s2mock"

HandlerResult = ControlResponse | Generator[Step, Any, ControlResponse | None]
"""A response, or the steps to it. Steps that have sent the response themselves return None."""


class ControlRoute(NamedTuple):
    """A method and a path below `/_s2mock`, and their handler.

    `{number}` in the path is a segment that the handler reads as `request.number`.
    """

    method: str
    path: str
    handler: Callable[[ControlRequest], HandlerResult]

    def __str__(self) -> str:
        return f"{self.method} {PREFIX}{self.path}"
