"""The two interfaces of what is around the API."""

from collections.abc import Callable
from typing import Protocol

from s2mock.api.requests import Answering, S2Request

Handler = Callable[[S2Request], Answering]
"""A function that answers a request, in steps. Raises `Interrupted`."""


class Middleware(Protocol):
    """A part around the API that sees each request, and may change the response."""

    def respond(self, request: S2Request, handler: Handler) -> Answering:
        """Return the response to the request, which is not sent yet: as `handler` does, or another.

        It may replace the pieces of a session (`S2Response.session`) and the steps by which the
        response is sent (`S2Response.transform`).
        """
