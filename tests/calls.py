"""Calls to the API for tests: sent exactly as written, with unfiltered answers."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from werkzeug.test import Client as WerkzeugClient

from s2mock.runtime.http_client import Answer, Client, connect, exchange, joined, read, segment

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Headers = Mapping[str, str | None]

# Names of streams that need care in paths.
ODD_NAMES = [
    "logs/application",
    "a/b/records",
    "a//b",
    "/",
    "records",
    "tail",
    "...",
    "./x",
    "100%",
    "a%2Fb",
    "what?",
    "a?b=c",
    "a#b",
    "with space",
    " leading",
    "trailing ",
    "a+b",
    "a&b=c;d",
    'say "hi"',
    "it's",
    "back\\slash",
    "line\nbreak",
    "carriage\rreturn",
    "tab\there",
    "\x7f\x01",
    "{basin}",
    "<b>",
    "é",
    "e\u0301",
    "\ufeffbom",
    "日本語",
    "🎉 emoji 👩‍👩‍👧",
    "\U0010ffff",
]


class Reply(Answer):
    """An answer with methods that check all of an error."""

    __slots__ = ()

    @property
    def error(self) -> tuple[int, str, str]:  # type: ignore[override]
        """Return status, code and message of an error, whose body has nothing else."""
        status, code, _ = super().error
        assert self.result is None, self
        return status, code, self.message

    def refuses(self, status: int, code: str, message: str) -> bool:
        """True if the answer is this error.

        Of a `bad_json` only the beginning of the text is compared. The rest, the position in the
        body, depends on the JSON library.
        """
        got_status, got_code, got_message = self.error
        same = got_message.startswith if code == "bad_json" else got_message.__eq__
        return (got_status, got_code) == (status, code) and bool(same(message))

    @property
    def is_empty(self) -> bool:
        """True if there is no body, and no header about one."""
        return not self.body and "content-type" not in self.headers


Send = Callable[[str, str, Mapping[str, str], bytes | None], Answer]


def over_wsgi(app: "WSGIApplication") -> Send:
    """Return a function that calls without a socket, by Werkzeug's test client."""
    client = WerkzeugClient(app)

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        path, _, query = target.partition("?")
        response = client.open(
            method=method,
            headers=dict(headers),
            data=body,
            # Set directly, since the client would normalize unusual values, which these tests need.
            environ_overrides={
                "REQUEST_METHOD": method,
                "REQUEST_URI": target,
                "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
                "QUERY_STRING": query,
            },
        )
        return Answer(response.status_code, joined(response.headers), response.data)

    return send


def over_socket(url: str) -> tuple[Send, Callable[[], None]]:
    """Return a function that calls over one HTTP/1.1 connection, and one that closes it."""
    connection = connect(url)

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        return read(exchange(connection, method, target, headers, body))

    return send, connection.close


class Api(Client):
    """The API of one account, by default in one basin; `send` carries the calls out."""

    def __init__(self, send: Send, basin: str | None = None) -> None:
        super().__init__("", token=None, basin=basin)
        self._send = send

    def within(self, basin: str | None) -> "Api":
        """Return the same API with another `S2-Basin` header, or with none."""
        return self.in_basin(basin)

    def call(
        self,
        method: str,
        target: str,
        document: Any = ...,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
    ) -> Reply:
        """Send one request, with the arguments of `request`."""
        return Reply(*self.request(method, target, document, body=body, headers=headers))

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        timeout: float = 10.0,  # noqa: ARG002
    ) -> Answer:
        """Send one request with only these headers."""
        return self._send(method, path, headers, body)

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
        """Return all visible state of the account, to compare before and after."""
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
    """Return the path of a stream, its name as one segment."""
    return f"/v1/streams/{segment(name)}"
