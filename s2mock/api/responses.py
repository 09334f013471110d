"""Responses: compact JSON, and bodies that are really empty."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from s2mock.registry.values.errors import S2Error
from s2mock.runtime.conversation import Conversation

to_json: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Headers = list[tuple[str, str]]


@dataclass(slots=True)
class S2Response:
    """An answer: whole, or with the `session` that goes on from its head."""

    status: int
    headers: Headers
    body: bytes = b""
    session: Conversation | None = None
    # Called when the session has ended, or never began.
    release: Callable[[], None] | None = None
    # Whether the connection is to end with it.
    retires: bool = False
    # The body before it was compressed, where it was.
    plain: bytes | None = None
    # Whether a body of no bytes is said to have that length: on HTTP/2, and in answer to HEAD.
    has_length: bool = True
    # After how many bytes of the body it breaks off, where it does.
    cut_at: int | None = None


def json_response(status: int, document: Any, **headers: str) -> S2Response:
    """Return a JSON response; an underscore in a header's name becomes a hyphen."""
    return text_response(status, to_json(document), **headers)


def text_response(status: int, text: str, **headers: str) -> S2Response:
    """A JSON document that is text already, likewise."""
    fields = [("content-type", "application/json")]
    if headers:
        fields += _fields(headers)
    return S2Response(status, fields, text.encode())


def protobuf_response(message: bytes) -> S2Response:
    """A protobuf message that is encoded already."""
    return S2Response(200, [("content-type", "application/protobuf")], message)


def error_response(error: S2Error) -> S2Response:
    """The error as S2 sends it."""
    return json_response(error.status, error.body())


def empty_response(status: int, **headers: str) -> S2Response:
    """No body, no content type."""
    return S2Response(status, _fields(headers))


def _fields(headers: dict[str, str]) -> Headers:
    return [_field(name, value) for name, value in headers.items()]


@lru_cache(maxsize=256)
def _field(name: str, value: str) -> tuple[str, str]:
    return name.replace("_", "-"), value
