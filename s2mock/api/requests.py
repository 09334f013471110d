"""A request as the handlers see it: headers, path parameters and bodies, checked when asked for.

A handler asks in the order in which S2 checks, so that the first fault is the one reported
(reference: control_plane §2.5).
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import ClientDisconnected
from werkzeug.utils import cached_property
from werkzeug.wrappers import Request

from s2mock.api.content_coding import BodyTooLong, CorruptBody, inflate
from s2mock.registry.account import Account
from s2mock.registry.errors import BadHeader, BadJson, BadPath, InvalidName, S2Error
from s2mock.registry.names import BasinName, RequestToken

Name = TypeVar("Name", bound=str)

MAX_BODY_BYTES = 2 * 1024 * 1024
_PIECE_BYTES = 16 * 1024

# As strict as the real server's parser, which takes `application/json+x` for JSON and stumbles
# over a space before a semicolon.
_PLAIN = r"!#$%&'*.^_`|~0-9A-Za-z-"
_TOKEN = rf"[+{_PLAIN}]"
_PARAMETER = rf'; *{_TOKEN}+=(?:{_TOKEN}*|"[ !#-~]+")'
_JSON = re.compile(
    rf"application/(?:json(?:\+[{_PLAIN}]*)?|{_TOKEN}+\+json)(?:{_PARAMETER})*(?:; *)?",
    re.IGNORECASE,
)
_BASIN_HOST = re.compile(r"(?P<basin>[^.]+)\.b\..+")


class S2Request(Request):
    """One request to the account.

    `path_parameters` holds the path's parameters, still percent-encoded.
    """

    account: Account
    path_parameters: dict[str, str]

    def header(self, name: str) -> str | None:
        """The value of a header, `None` if it is absent. Raises `BadHeader`.

        Source: reference: control_plane §2.1.
        """
        value: str | None = self.environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        # A tab is fine, though hardly on purpose.
        if value is not None and not (value.isascii() and value.replace("\t", " ").isprintable()):
            raise BadHeader(f"Invalid header `{name}`: not UTF-8")
        return value

    @property
    def request_token(self) -> RequestToken | None:
        """The idempotency token, if there is one. Raises `BadHeader`."""
        value = self.header("s2-request-token")
        try:
            return None if value is None else RequestToken(value)
        except InvalidName as error:
            raise BadHeader(f"Invalid header `s2-request-token`: {error}") from None

    @property
    def basin(self) -> BasinName:
        """The basin, from the `S2-Basin` header or else a `{basin}.b.` host. Raises `BadHeader`.

        Source: reference: control_plane §1.3.
        """
        name, value = "s2-basin", self.header("s2-basin")
        if value is None and (host := _BASIN_HOST.fullmatch(self.environ.get("HTTP_HOST", ""))):
            name, value = "host", host["basin"]
        if value is None:
            raise BadHeader("Missing header `s2-basin`")
        try:
            return BasinName(value.strip())
        except InvalidName as error:
            raise BadHeader(f"Invalid header `{name}`: {error}") from None

    def path_name(self, parameter: str, name_type: Callable[[str], Name]) -> Name:
        """The path parameter as a checked name. Raises `BadPath`.

        Source: reference: control_plane §1.2.
        """
        try:
            return name_type(self._decoded_path[parameter])
        except InvalidName as error:
            raise BadPath(f"Invalid URL: {error}") from None

    @cached_property
    def _decoded_path(self) -> dict[str, str]:
        # All are decoded before any is checked.
        decoded = {}
        for parameter, raw in self.path_parameters.items():
            try:
                decoded[parameter] = unquote_to_bytes(raw.encode("latin-1")).decode()
            except UnicodeDecodeError:
                raise BadPath(f"Invalid URL: Invalid UTF-8 in `{parameter}`") from None
        return decoded

    @property
    def raw_query(self) -> str:
        """The query string as sent."""
        query: str = self.environ.get("QUERY_STRING", "")
        return query

    def json_body(self, schema: str) -> Any:
        """The body, which must be there, accepted by that schema. Raises `BadJson`."""
        if not self._is_json:
            raise BadJson("Expected request with `Content-Type: application/json`")
        body = self.body()
        # jsonschema takes longer to import than all the rest: only who sends a body waits for it.
        from s2mock.api.bodies import decode

        return decode(body, schema)

    def optional_json_body(self, schema: str) -> Any | None:
        """The body if there is one: without a content type, whatever was sent is no body.

        Raises `BadJson`. Source: reference: control_plane §2.2.
        """
        if "CONTENT_TYPE" not in self.environ:
            return None
        if self._is_json and not self.body():
            return None
        return self.json_body(schema)

    @property
    def _is_json(self) -> bool:
        first = self.environ.get("CONTENT_TYPE", "").partition(",")[0]
        return _JSON.fullmatch(first.strip()) is not None

    def body(self, failure: type[S2Error] = BadJson) -> bytes:
        """The whole body, inflated. Raises `failure` where that is not possible."""
        try:
            return self._body
        except (BodyTooLong, CorruptBody) as error:
            reason = str(error)
        except (OSError, ClientDisconnected):
            reason = "error reading a body from connection"
        raise failure(f"Failed to buffer the request body: {reason}") from None

    # Not that of functools: in Python 3.11 one request that waits for its body would hold a lock
    # that all of them need.
    @cached_property
    def _body(self) -> bytes:
        # One byte more than allowed is enough to know that it is too long. What a read brings
        # may not be all, and a body that was cut off says so when it is asked for the rest. In
        # pieces, since Werkzeug makes room for all that is asked for, whatever comes.
        received = bytearray()
        while len(received) <= MAX_BODY_BYTES:
            more = self.stream.read(min(_PIECE_BYTES, MAX_BODY_BYTES + 1 - len(received)))
            if not more:
                break
            received += more
        sent = bytes(received)
        coding = self.environ.get("HTTP_CONTENT_ENCODING", "identity")
        return inflate(sent, coding, MAX_BODY_BYTES)
