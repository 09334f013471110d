"""The code under test: the headlines of a stream as server-sent events, with no SDK."""

import base64
import json
from collections.abc import Generator, Iterator
from typing import NamedTuple
from urllib.parse import quote

import httpx


class Headline(NamedTuple):
    number: int
    text: str


class Feed:
    """Reads headlines, and after a break goes on behind the last one."""

    def __init__(self, client: httpx.Client, basin: str, stream: str) -> None:
        self._client = client
        self._path = f"/v1/streams/{quote(stream, safe='')}/records"
        self._headers = {"S2-Basin": basin, "S2-Format": "base64", "Accept": "text/event-stream"}

    def headlines(self, **bounds: int) -> Generator[Headline, None, None]:
        """Each headline as it comes: for ever, or within the bounds of S2's read."""
        query = {"seq_num": 0, **bounds}
        with self._client.stream(
            "GET", self._path, params=query, headers=self._headers
        ) as response:
            response.raise_for_status()
            for event, event_id, data in _events(response.iter_lines()):
                if event_id is not None:
                    self._headers["Last-Event-ID"] = event_id
                if event == "error":
                    raise RuntimeError(data)
                if event == "batch":
                    for record in json.loads(data)["records"]:
                        text = base64.b64decode(record.get("body", "")).decode()
                        yield Headline(record["seq_num"], text)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str | None, str]]:
    """The name, the id and the data of each event, until the server says that it is done."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields.get("data") == "[DONE]":
            return
        else:
            yield fields.get("event", "message"), fields.get("id"), fields["data"]
            fields = {}
