"""The client of a server's control API, and its errors as exceptions."""

from collections.abc import Mapping
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from s2mock.runtime.http_client import Answer, Client
from s2mock.runtime.notifier import MAX_HTTP_WAIT, loop_advice

# The client waits for this number of seconds longer than the server does.
_SECONDS = 30.0


class ControlError(RuntimeError):
    """The control API has refused a request."""


class NoSuchThing(ControlError):
    """The server has nothing under that number any more."""


class Conflict(ValueError):
    """The server cannot do now what it was asked for."""


class ControlClient:
    """Calls of the control API for the account of a token; None is the first of the server."""

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
        body: bytes | None = None,
    ) -> Any:
        """Send a request, and return the document of the answer, None without one.

        `wait` in the query is how many seconds the server may wait, at most a day; `body` is sent
        as it is. Raises `TimeoutError`, `ValueError`, `ControlError`, `OSError`.
        """
        for name, value in document.items() if isinstance(document, dict) else ():
            if isinstance(value, float) and not isfinite(value):
                raise ValueError(
                    f"{name} must be a finite number, since JSON has no other, not {value!r}"
                )
        answer = self._send(method, path, document, query or {}, body=body)
        if answer.status < 300:
            return answer.json if answer.body else None
        raise self.error_of(answer)

    def get(
        self, path: str, query: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a GET request, and return the answer, errors too. Raises `OSError`."""
        return self._send("GET", path, ..., query, headers=headers)

    def direct(self, method: str, target: str, document: Any, headers: Mapping[str, str]) -> Answer:
        """Send a request of S2's API as a direct call of the test. Raises `OSError`."""
        return self.client.request(
            method, f"/_s2mock{target}", document, headers=headers, timeout=_SECONDS
        )

    def _send(
        self,
        method: str,
        path: str,
        document: Any,
        query: Mapping[str, Any],
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        target = f"/_s2mock{path}"
        given = {name: value for name, value in query.items() if value is not None}
        if "wait" in given:
            given["wait"] = min(given["wait"], MAX_HTTP_WAIT)
        if given:
            target += f"?{urlencode(given, doseq=True)}"
        # Messages for a test in Python, as those of a mock in its own process.
        fields = {"s2mock-spelling": "python", **(headers or {})}
        if body is not None:
            fields["content-type"] = "application/json"
        timeout = given.get("wait", 0) + _SECONDS
        return self.client.request(
            method, target, document, body=body, headers=fields, timeout=timeout
        )

    @property
    def is_there(self) -> bool:
        """True if the server has a control API that accepts our requests."""
        try:
            answer = self.client.request("GET", "/_s2mock")
        except OSError:
            return False
        if answer.status != 200 or answer.headers.get("content-type") != "application/json":
            return False
        document = answer.json
        return isinstance(document, dict) and document.get("name") == "s2mock"

    @staticmethod
    def error_of(answer: Answer) -> Exception:
        """Return the exception for an answer of the control API that is an error."""
        message = answer.message
        if answer.status == 408:
            return TimeoutError(message + loop_advice())
        if answer.status in (400, 409):
            return (ValueError if answer.status == 400 else Conflict)(message)
        if answer.status == 404:
            return NoSuchThing(message)
        return ControlError(f"{answer.status}: {message}")
