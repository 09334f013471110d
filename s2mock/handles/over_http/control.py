"""Calls to the control API of a server, and its errors as exceptions."""

from collections.abc import Mapping
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from s2mock.runtime.http_client import Answer, Client
from s2mock.runtime.notifier import MAX_HTTP_WAIT, loop_advice

# So much longer than the server waits by itself.
_SECONDS = 30.0


class ControlError(RuntimeError):
    """The control API has refused what was asked for."""


class NoSuchThing(ControlError):
    """There is nothing under that number any more."""


class Control:
    """Calls on the account of a token; None is the first of the server."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self.client = Client(url, token=token)

    def __call__(
        self,
        method: str,
        path: str,
        document: Any = ...,
        *,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """What is answered; `wait` in the query is how long the server may wait, at most a day.

        Raises `TimeoutError`, `ValueError`, `ControlError`, `OSError`.
        """
        for name, value in document.items() if isinstance(document, dict) else ():
            if isinstance(value, float) and not isfinite(value):
                raise ValueError(
                    f"{name} must be a finite number, since JSON has no other, not {value!r}"
                )
        target = f"/_s2mock{path}"
        given = {name: value for name, value in (query or {}).items() if value is not None}
        if "wait" in given:
            given["wait"] = min(given["wait"], MAX_HTTP_WAIT)
        if given:
            target += f"?{urlencode(given, doseq=True)}"
        answer = self.client.request(
            method, target, document, timeout=given.get("wait", 0) + _SECONDS
        )
        if answer.status < 300:
            return answer.json if answer.body else None
        raise _error(answer)

    @property
    def is_there(self) -> bool:
        """Whether the server has a control API that lets us in."""
        try:
            answer = self.client.request("GET", "/_s2mock")
        except OSError:
            return False
        if answer.status != 200 or answer.headers.get("content-type") != "application/json":
            return False
        document = answer.json
        return isinstance(document, dict) and document.get("name") == "s2mock"


def _error(answer: Answer) -> Exception:
    message = answer.message
    if answer.status == 408:
        return TimeoutError(message + loop_advice())
    if answer.status in (400, 409):
        return ValueError(message)
    if answer.status == 404:
        return NoSuchThing(message)
    return ControlError(f"{answer.status}: {message}")
