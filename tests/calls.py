"""Calls to the API as the tests make them: sent exactly as written, answered without a filter."""

import http.client
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit

from werkzeug.test import Client

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Headers = Mapping[str, str | None]


class Reply(NamedTuple):
    """An answer; header names in lower case, values of a repeated header joined by commas."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def result(self) -> str | None:
        return self.headers.get("s2-provision-result")

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and message of an error, which has the envelope and nothing else."""
        assert self.headers["content-type"] == "application/json", self
        document = self.json
        assert list(document) == ["code", "message"], self
        assert self.result is None, self
        return self.status, document["code"], document["message"]

    def refuses(self, status: int, code: str, message: str) -> bool:
        """Whether this is that error; of `bad_json` the text is only the beginning.

        What follows it there, the place in the body, is a matter of the JSON library.
        """
        got_status, got_code, got_message = self.error
        same = got_message.startswith if code == "bad_json" else got_message.__eq__
        return (got_status, got_code) == (status, code) and bool(same(message))

    @property
    def is_empty(self) -> bool:
        """Whether there is no body, and no header that speaks of one."""
        return not self.body and "content-type" not in self.headers


Send = Callable[[str, str, dict[str, str], bytes | None], Reply]


def over_wsgi(app: "WSGIApplication") -> Send:
    """Calls without a socket, by Werkzeug's test client."""
    client = Client(app)

    def send(method: str, target: str, headers: dict[str, str], body: bytes | None) -> Reply:
        path, _, query = target.partition("?")
        response = client.open(
            method=method,
            headers=headers,
            data=body,
            # Set by hand, since the client tidies up what is odd, and odd is what we mean.
            environ_overrides={
                "REQUEST_METHOD": method,
                "REQUEST_URI": target,
                "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
                "QUERY_STRING": query,
            },
        )
        fields: dict[str, str] = {}
        for name, value in response.headers:
            key = name.lower()
            fields[key] = f"{fields[key]}, {value}" if key in fields else value
        return Reply(response.status_code, fields, response.data)

    return send


def over_socket(url: str) -> tuple[Send, Callable[[], None]]:
    """Calls over one kept HTTP/1.1 connection, and what closes it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)

    def send(method: str, target: str, headers: dict[str, str], body: bytes | None) -> Reply:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        fields: dict[str, str] = {}
        for name, value in response.getheaders():
            key = name.lower()
            fields[key] = f"{fields[key]}, {value}" if key in fields else value
        return Reply(response.status, fields, response.read())

    return send, connection.close


class Api:
    """The API of one account, by default in one basin."""

    def __init__(self, send: Send, basin: str | None = None) -> None:
        self.send = send
        self.basin = basin

    def within(self, basin: str | None) -> "Api":
        """The same API with another basin in the `S2-Basin` header, or with none."""
        return Api(self.send, basin)

    def call(
        self,
        method: str,
        target: str,
        document: Any = ...,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
    ) -> Reply:
        """One request.

        `document` is sent as JSON with its content type, `body` as it is and without one. A
        header that is `None` is left out, also where it would be sent otherwise.
        """
        fields: dict[str, str | None] = {}
        if self.basin is not None:
            fields["s2-basin"] = self.basin
        if document is not ...:
            body = json.dumps(document).encode()
            fields["content-type"] = "application/json"
        fields |= headers or {}
        sent = {name: value for name, value in fields.items() if value is not None}
        return self.send(method, target, sent, body)

    # The calls that most tests need.

    def create_basin(
        self, name: str, config: Any = ..., *, token: str | None = None, expect: int = 201
    ) -> Reply:
        document = {"basin": name} if config is ... else {"basin": name, "config": config}
        reply = self.call("POST", "/v1/basins", document, headers={"s2-request-token": token})
        assert reply.status == expect, reply
        return reply

    def create_stream(
        self, name: str, config: Any = ..., *, token: str | None = None, expect: int = 201
    ) -> Reply:
        document = {"stream": name} if config is ... else {"stream": name, "config": config}
        reply = self.call("POST", "/v1/streams", document, headers={"s2-request-token": token})
        assert reply.status == expect, reply
        return reply

    def stream_config(self, name: str) -> Any:
        reply = self.call("GET", stream_path(name))
        assert reply.status == 200, reply
        return reply.json

    def basin_config(self, name: str) -> Any:
        reply = self.call("GET", f"/v1/basins/{name}")
        assert reply.status == 200, reply
        return reply.json

    def stream_names(self, query: str = "") -> list[str]:
        return [
            stream["name"] for stream in self.call("GET", f"/v1/streams{query}").json["streams"]
        ]

    def everything(self) -> dict[str, Any]:
        """All that can be seen of the account: to compare before and after."""
        seen: dict[str, Any] = {}
        for info in self.call("GET", "/v1/basins").json["basins"]:
            basin = self.within(info["name"])
            streams = basin.call("GET", "/v1/streams").json["streams"]
            seen[info["name"]] = (
                info,
                basin.basin_config(info["name"]),
                [
                    (stream, basin.call("GET", stream_path(stream["name"])).body)
                    for stream in streams
                ],
            )
        return seen


def stream_path(name: str) -> str:
    """The path of a stream, its name as one segment."""
    return f"/v1/streams/{quote(name, safe='')}"
