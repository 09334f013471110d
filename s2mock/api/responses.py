"""Responses: compact JSON, and bodies that are really empty."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from s2mock.api.content_coding import HEAVY_BODY_BYTES, compress
from s2mock.api.session import Session
from s2mock.registry.log.batch import Batch
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.conversation import CloseAfterResponse, Conversation, Head, RunInThread

to_json: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Headers = list[tuple[str, str]]


class BatchRead(NamedTuple):
    """The batch that a read returns, and the function that encodes such a batch as its body."""

    batch: Batch
    encode: Callable[[Batch], bytes]


@dataclass(slots=True)
class S2Response:
    """A response: whole, or with the `session` that goes on from its head."""

    status: int
    headers: Headers
    body: bytes = b""
    session: Session | None = None
    # The content coding in which the body is sent, None for the body as it is.
    coding: str | None = None
    # True if the connection is to end with it.
    ends_connection: bool = False
    # False if an empty body is sent without its length, on HTTP/2 and in response to HEAD.
    has_length: bool = True
    # The batch in its body, for a unary read.
    read: BatchRead | None = None
    # A function of a middleware that changes the steps by which it is sent.
    transform: Callable[[Conversation], Conversation] | None = None

    @property
    def is_plain(self) -> bool:
        """True if its head is all that is sent, with the body."""
        return (
            self.session is None
            and self.transform is None
            and self.coding is None
            and not self.ends_connection
        )

    @property
    def head(self) -> Head:
        """The head, with the body of a response that is whole."""
        headers = self.headers
        if not self.body and self.has_length and self.status != 204:
            # The framing adds the length of a body, and not that of an empty one.
            headers = [*headers, ("content-length", "0")]
        return Head(self.status, headers, self.body)

    def steps(self) -> Conversation:
        """Yield the steps that send it. Raises `Interrupted`."""
        steps = self._steps()
        return steps if self.transform is None else self.transform(steps)

    def _steps(self) -> Conversation:
        try:
            if self.ends_connection:
                yield CloseAfterResponse()
            if self.session is not None:
                yield Head(self.status, self.headers)
                yield from self.session.steps()
            elif self.coding is not None:
                # The real server does not know the length when it sends the head.
                body, coding = self.body, self.coding
                if len(body) > HEAVY_BODY_BYTES:
                    body = yield RunInThread(lambda: compress(body, coding))
                else:
                    body = compress(body, coding)
                yield Head(self.status, self.headers)
                yield body
            else:
                yield self.head
        finally:
            if self.session is not None:
                self.session.close()


def json_response(status: int, document: Any, **headers: str) -> S2Response:
    """Return a JSON response; an underscore in a header's name becomes a hyphen."""
    return text_response(status, to_json(document), **headers)


def text_response(status: int, text: str, **headers: str) -> S2Response:
    """Return a JSON response with a document that is text already; headers as `json_response`."""
    fields = [("content-type", "application/json")]
    if headers:
        fields += _fields(headers)
    return S2Response(status, fields, text.encode())


def protobuf_response(message: bytes) -> S2Response:
    """Return a response with a protobuf message that is encoded already."""
    return S2Response(200, [("content-type", "application/protobuf")], message)


def session_response(session: Session, content_type: str) -> S2Response:
    """Return a response whose body lasts as long as the session."""
    headers = [
        ("content-type", content_type),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ]
    return S2Response(200, headers, session=session)


def error_response(error: S2Error) -> S2Response:
    """Return the response that S2 sends for an error."""
    response = json_response(error.status, error.body())
    response.headers += error.headers
    response.ends_connection = error.ends_connection
    return response


def empty_response(status: int, **headers: str) -> S2Response:
    """Return a response without a body and a content type."""
    return S2Response(status, _fields(headers))


def _fields(headers: dict[str, str]) -> Headers:
    return [_field(name, value) for name, value in headers.items()]


@lru_cache(maxsize=256)
def _field(name: str, value: str) -> tuple[str, str]:
    return name.replace("_", "-"), value
