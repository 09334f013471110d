"""What comes to the account that the page shows: writers and readers, each with a connection."""

from contextlib import ExitStack
from typing import Any, Self

import httpx

BASIN = "shop-basin"
STREAM = "orders"
FENCE = "fence"


class Client:
    """One connection to the account."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"s2-basin": BASIN}, timeout=60)
        self._stack = ExitStack()
        self._stack.enter_context(self._http)

    def append(self, *bodies: str, stream: str = STREAM, **condition: Any) -> httpx.Response:
        """Append records with these bodies."""
        records = [{"body": body} for body in bodies]
        return self._http.post(_path(stream), json={"records": records, **condition})

    def command(self, name: str, body: str, stream: str = STREAM) -> httpx.Response:
        """Append a command record; `body` is its text, as base64 for those that need it."""
        record = {"headers": [["", name]], "body": body}
        return self._http.post(_path(stream), json={"records": [record]})

    def read(self, seq_num: int = 0, stream: str = STREAM, **query: int) -> httpx.Response:
        """Read once."""
        return self._http.get(_path(stream), params={"seq_num": seq_num, "wait": 0, **query})

    def follow(self, seq_num: int = 0, stream: str = STREAM) -> httpx.Response:
        """Begin a read session, which goes on until the connection is closed."""
        return self._stack.enter_context(
            self._http.stream(
                "GET",
                _path(stream),
                params={"seq_num": seq_num},
                headers={"accept": "text/event-stream"},
            )
        )

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Ask for anything."""
        return self._http.request(method, path, **arguments)

    def close(self) -> None:
        """End what goes on, and the connection."""
        self._stack.close()


class Traffic:
    """Any number of clients of one account."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._clients: list[Client] = []

    def client(self) -> Client:
        """A new one."""
        self._clients.append(Client(self.url))
        return self._clients[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()


def _path(stream: str) -> str:
    return f"/v1/streams/{stream.replace('/', '%2F')}/records"
