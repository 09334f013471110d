"""The clients of the zoo: a few lines over HTTP, as a program that uses S2 would have them.

`Stream` is for threads, `AsyncStream` for coroutines. Both take an actor, an `S2Mock`, or any other
object with `url` and `token`. Their methods raise `Refused` for an answer of the 400s, and
`ConnectionError` if it is unknown whether the request had an effect: its connection ended, or the
answer is one of the 500s.
"""

import http.client
import json
from collections.abc import Iterable
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

import httpx

BASIN = "shop-basin"


def shop(*streams: str) -> list[dict[str, Any]]:
    """Return the basin of the zoo with these streams, for the marker `s2_mock`."""
    return [{"name": BASIN, "streams": list(streams)}]


class Refused(Exception):
    """S2 has refused a request, which had no effect; `status` and `code` say why."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code


class Record(NamedTuple):
    """A record of a stream."""

    seq_num: int
    body: str


class Client:
    """A connection to an account, for requests one after the other."""

    def __init__(self, at: Any, *, token: str | None = None) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(at.url).netloc, timeout=30)
        self._headers = {
            "s2-basin": BASIN,
            "authorization": f"Bearer {token or at.token}",
            "content-type": "application/json",
        }

    def __del__(self) -> None:
        self._connection.close()

    def call(self, method: str, path: str, document: Any = None, **headers: str) -> Any:
        """Return the document of the answer."""
        body = None if document is None else json.dumps(document)
        try:
            self._connection.request(method, path, body, {**self._headers, **headers})
            response = self._connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ConnectionError(repr(error)) from error
        return _document_of(response.status, data)


class Stream(Client):
    """A stream, for requests one after the other on one connection."""

    def __init__(self, at: Any, name: str, *, token: str | None = None) -> None:
        super().__init__(at, token=token)
        self._path = f"/v1/streams/{name}"
        self._name = name

    def tail(self) -> int:
        """Return the position of the next record."""
        return int(self.call("GET", f"{self._path}/records/tail")["tail"]["seq_num"])

    def append(self, *bodies: str, **conditions: Any) -> int:
        """Append a batch; return the position behind it. A condition is a member of the request."""
        batch = {"records": [{"body": body} for body in bodies], **conditions}
        return int(self.call("POST", f"{self._path}/records", batch)["end"]["seq_num"])

    def command(self, name: str, body: str) -> None:
        """Append the command record `fence` or `trim`."""
        batch = {"records": [{"headers": [["", name]], "body": body}]}
        self.call("POST", f"{self._path}/records", batch)

    def trim(self, seq_num: int) -> None:
        """Delete all records before that position."""
        self.command("trim", seq_num.to_bytes(8, "big").decode("ascii"))

    def read(self, seq_num: int = 0, **limits: Any) -> list[Record]:
        """Return the records from that position on; none at the tail."""
        query = urlencode({"seq_num": seq_num, **limits})
        try:
            document = self.call("GET", f"{self._path}/records?{query}")
        except Refused as refused:
            if refused.status == 416:
                return []
            raise
        return _records_of(document)

    def bodies(self) -> list[str]:
        """Return the bodies of all records."""
        return [record.body for record in self.read()]

    def follow(self, seq_num: int, **limits: Any) -> Iterable[Record]:
        """Yield the records from that position on in a read session, each when it arrives."""
        query = urlencode({"seq_num": seq_num, **limits})
        headers = {**self._headers, "accept": "text/event-stream"}
        try:
            self._connection.request("GET", f"{self._path}/records?{query}", headers=headers)
            response = self._connection.getresponse()
            if response.status != 200:
                _document_of(response.status, response.read())
            for line in response:
                if line.startswith(b"data: {"):
                    # A heartbeat has none.
                    document = json.loads(line.removeprefix(b"data: "))
                    yield from _records_of({"records": [], **document})
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ConnectionError(repr(error)) from error

    def create(self, config: Any = None, *, request_token: str | None = None) -> None:
        """Create the stream; with a token, the same request again succeeds again."""
        document = {"stream": self._name, **({} if config is None else {"config": config})}
        headers = {} if request_token is None else {"s2-request-token": request_token}
        self.call("POST", "/v1/streams", document, **headers)

    def delete(self) -> None:
        """Delete the stream."""
        self.call("DELETE", self._path)


class AsyncStream:
    """A stream for coroutines: `async with AsyncStream(s2_mock, "orders") as orders`."""

    def __init__(self, at: Any, name: str) -> None:
        headers = {"s2-basin": BASIN, "authorization": f"Bearer {at.token}"}
        self._client = httpx.AsyncClient(base_url=at.url, headers=headers, timeout=30)
        self._path = f"/v1/streams/{name}"
        self._name = name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, document: Any = None) -> Any:
        """Return the document of the answer."""
        try:
            answer = await self._client.request(method, path, json=document)
        except httpx.TransportError as error:
            raise ConnectionError(repr(error)) from error
        return _document_of(answer.status_code, answer.content)

    async def append(self, *bodies: str, **conditions: Any) -> int:
        """Append a batch; return the position behind it."""
        batch = {"records": [{"body": body} for body in bodies], **conditions}
        return int((await self.call("POST", f"{self._path}/records", batch))["end"]["seq_num"])

    async def bodies(self) -> list[str]:
        """Return the bodies of all records."""
        try:
            document = await self.call("GET", f"{self._path}/records?seq_num=0")
        except Refused as refused:
            if refused.status == 416:
                return []
            raise
        return [record.body for record in _records_of(document)]

    async def create(self, config: Any = None) -> None:
        """Create the stream."""
        document = {"stream": self._name, **({} if config is None else {"config": config})}
        await self.call("POST", "/v1/streams", document)

    async def configure(self, config: Any) -> None:
        """Change the configuration of the stream."""
        await self.call("PATCH", self._path, config)

    async def delete(self) -> None:
        """Delete the stream."""
        await self.call("DELETE", self._path)


def _document_of(status: int, data: bytes) -> Any:
    document = json.loads(data) if data else None
    if status >= 500:
        raise ConnectionError(f"status {status}")
    if status >= 400:
        raise Refused(status, (document or {}).get("code", ""))
    return document


def _records_of(document: Any) -> list[Record]:
    return [Record(record["seq_num"], record.get("body", "")) for record in document["records"]]
