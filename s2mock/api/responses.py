"""Responses: compact JSON, and bodies that are really empty."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from s2mock.registry.errors import S2Error

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class S2Response(Response):
    """A response without a content type of its own."""

    default_mimetype = None

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333).

        What is there in full is sent as it stands: none of S2's headers is one that Werkzeug
        would correct.
        """
        if self.is_streamed:
            return super().__call__(environ, start_response)
        if self.status_code == HTTPStatus.NO_CONTENT:
            self.headers.remove("content-length")
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else self.iter_encoded()


def json_response(status: int, document: Any, **headers: str) -> S2Response:
    """A JSON document; an underscore in a header's name stands for a hyphen."""
    fields = [("content-type", "application/json")]
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return S2Response(to_json(document).encode(), status, fields)


def error_response(error: S2Error) -> S2Response:
    """The error as S2 sends it."""
    return json_response(error.status, error.body())


def empty_response(status: int, **headers: str) -> S2Response:
    """No body, no content type."""
    return S2Response(b"", status, {n.replace("_", "-"): v for n, v in headers.items()})
