"""A client of S2 over HTTP/1.1, for actors and workers: a few lines that a command may run too."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

BASIN = "shop-basin"
SEEDS = [{"name": BASIN, "streams": ["orders", "other"]}]


class Shop:
    """A client with the URL and the token of an actor, or of a mock."""

    def __init__(self, at: Any) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(at.url).netloc, timeout=30)
        self._headers = {"s2-basin": BASIN, "authorization": f"Bearer {at.token}"}

    def __del__(self) -> None:
        self.connection.close()

    def call(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        """Return the status and the document of the answer. Raises `OSError`, `HTTPException`."""
        body = None if document is None else json.dumps(document)
        headers = dict(self._headers)
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            data = response.read()
        except BaseException:
            self.connection.close()
            raise
        try:
            return response.status, json.loads(data)
        except ValueError:
            return response.status, data

    def append(self, *bodies: str, stream: str = "orders", **more: Any) -> tuple[int, Any]:
        document = {"records": [{"body": body} for body in bodies], **more}
        return self.call("POST", f"/v1/streams/{stream}/records", document)

    def tail(self, stream: str = "orders") -> int:
        _, document = self.call("GET", f"/v1/streams/{stream}/records/tail")
        return int(document["tail"]["seq_num"])

    def read(self, query: str = "seq_num=0", stream: str = "orders") -> tuple[int, Any]:
        return self.call("GET", f"/v1/streams/{stream}/records?{query}")

    def bodies(self, stream: str = "orders") -> list[str]:
        status, document = self.read(stream=stream)
        return [record["body"] for record in document["records"]] if status == 200 else []


def append(actor: Any, *bodies: str, stream: str = "orders", **more: Any) -> None:
    """An actor that appends each body by itself, on one connection."""
    shop = Shop(actor)
    for body in bodies:
        shop.append(body, stream=stream, **more)


def place_once(actor: Any, body: str) -> None:
    """A buggy actor: it looks whether the record is there, and then appends without a condition."""
    shop = Shop(actor)
    if shop.tail() == 0:
        shop.append(body)


def place_guarded(actor: Any, body: str) -> None:
    """The repaired twin of `place_once`: the append has a condition."""
    shop = Shop(actor)
    if shop.tail() == 0:
        shop.append(body, match_seq_num=0)
