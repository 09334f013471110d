"""Basins and streams of an account of another process, as a test's direct calls.

They go through S2's own API under `/_s2mock/v1/`, where nobody stands at their points, and raise
its errors.
"""

import base64
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Unpack
from urllib.parse import urlencode

from s2mock.handles.over_http.config_changes import basin_changes_to_json, stream_changes_to_json
from s2mock.handles.over_http.control import Control, ControlError
from s2mock.json_bodies.control_plane import (
    basin_config,
    basin_config_to_json,
    stream_config,
    stream_config_to_json,
)
from s2mock.registry.handles import LogFace
from s2mock.registry.rules.listing import MAX_PAGE, Page
from s2mock.registry.state import StreamInfo
from s2mock.registry.values import errors
from s2mock.registry.values.config import (
    BasinConfig,
    BasinConfigChanges,
    StreamConfig,
    StreamConfigChanges,
)
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.names import BasinName, LocationName, StreamName
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import (
    AppendAck,
    AppendRecord,
    SequencedRecord,
    batch_of,
    metered_bytes,
)
from s2mock.registry.values.rfc3339 import parse_timestamp
from s2mock.runtime.arguments import check_config, check_name, check_number, check_text
from s2mock.runtime.http_client import Answer, segment
from s2mock.runtime.monotonic import monotonic
from s2mock.runtime.notifier import PATIENCE, check_count, check_timeout, loop_advice

_BY_CODE: Final[dict[str, type[S2Error]]] = {
    kind.code: kind
    for kind in (
        errors.AccessTokenNotFound,
        errors.BadHeader,
        errors.BasinDeletionPending,
        errors.BasinNotFound,
        errors.Invalid,
        errors.ResourceAlreadyExists,
        errors.StreamDeletionPending,
        errors.StreamNotFound,
    )
}
_UNWRITTEN: Final = 416
_LOOK_SECONDS: Final = 0.02


def call(
    control: Control,
    method: str,
    path: str,
    document: Any = ...,
    *,
    basin: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """What S2 answers. Raises `S2Error`, `ControlError`, `OSError`."""
    client = control.client.in_basin(basin)
    answer = client.request(method, f"/_s2mock{path}", document, headers=headers, timeout=30.0)
    if answer.status < 300:
        return answer.json if answer.body else None
    raise _error(answer)


def names_of(
    control: Control, path: str, what: str, basin: str | None = None, *, name: str = "name"
) -> Iterator[dict[str, Any]]:
    """All items of a listing, page by page; `name` is what their name is called."""
    after = ""
    while True:
        page = call(control, "GET", f"{path}?start_after={segment(after)}", basin=basin)
        yield from page[what]
        if not page["has_more"]:
            return
        after = page[what][-1][name]


class RemoteBasin:
    """As `Basin`."""

    def __init__(self, control: Control, name: str) -> None:
        self._control = control
        self.name = name

    def __repr__(self) -> str:
        return f"<RemoteBasin {self.name!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteBasin) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def _call(self, method: str, document: Any = ...) -> Any:
        return call(self._control, method, f"/v1/basins/{segment(self.name)}", document)

    @property
    def config(self) -> BasinConfig:
        """Its configuration. Raises `BasinNotFound` once it is gone."""
        return basin_config(self._call("GET"))

    def reconfigure(self, **changes: Unpack[BasinConfigChanges]) -> BasinConfig:
        """As `Basin.reconfigure`."""
        return basin_config(self._call("PATCH", basin_changes_to_json(changes)))

    def delete(self) -> None:
        """As `Basin.delete`."""
        self._call("DELETE")

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of its streams, in order. Raises `BasinNotFound` once it is gone."""
        listed = names_of(self._control, "/v1/streams", "streams", self.name)
        return tuple(info["name"] for info in listed)

    def stream(self, name: str) -> "RemoteStream":
        """As `Basin.stream`."""
        found = RemoteStream(self._control, self, StreamName(check_name("a stream's name", name)))
        if name not in self.streams:
            raise errors.StreamNotFound(self.name, name)
        return found

    def list_streams(
        self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE
    ) -> Page[StreamInfo]:
        """As `Basin.list_streams`."""
        check_text("prefix", prefix)
        check_text("start_after", start_after)
        check_number("limit", limit)
        query = urlencode({"prefix": prefix, "start_after": start_after, "limit": limit})
        page = call(self._control, "GET", f"/v1/streams?{query}", basin=self.name)
        return Page([_info(info) for info in page["streams"]], page["has_more"])

    def create_stream(
        self, name: str, config: StreamConfig | None = None, *, request_token: str | None = None
    ) -> "RemoteStream":
        """As `Basin.create_stream`."""
        check_name("a stream's name", name)
        check_config(config, StreamConfig)
        check_text("request_token", request_token)
        document: dict[str, Any] = {"stream": StreamName(name)}
        if config is not None:
            document["config"] = stream_config_to_json(config)
        headers = {} if request_token is None else {"s2-request-token": request_token}
        path = "/v1/streams"
        call(self._control, "POST", path, document, basin=self.name, headers=headers)
        return RemoteStream(self._control, self, name)

    def ensure_stream(self, name: str, config: StreamConfig | None = None) -> "RemoteStream":
        """As `Basin.ensure_stream`."""
        check_name("a stream's name", name)
        check_config(config, StreamConfig)
        document = ... if config is None else stream_config_to_json(config)
        path = f"/v1/streams/{segment(StreamName(name))}"
        call(self._control, "PUT", path, document, basin=self.name)
        return RemoteStream(self._control, self, name)


class RemoteStream(LogFace):
    """As `Stream`."""

    def __init__(self, control: Control, basin: RemoteBasin, name: str) -> None:
        self._control = control
        self.basin = basin
        self.name = str(name)

    def __repr__(self) -> str:
        return f"<RemoteStream {self.name!r} in {self.basin.name!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteStream) and (self.basin, self.name) == (
            other.basin,
            other.name,
        )

    def __hash__(self) -> int:
        return hash((self.basin, self.name))

    def _call(self, method: str, rest: str = "", document: Any = ..., **headers: str | None) -> Any:
        path = f"/v1/streams/{segment(self.name)}{rest}"
        given = {name.replace("_", "-"): text for name, text in headers.items() if text is not None}
        return call(self._control, method, path, document, basin=self.basin.name, headers=given)

    @property
    def config(self) -> StreamConfig:
        """Its configuration, resolved. Raises `StreamNotFound` once it is gone."""
        return stream_config(self._call("GET"))

    def reconfigure(self, **changes: Unpack[StreamConfigChanges]) -> StreamConfig:
        """As `Stream.reconfigure`."""
        return stream_config(self._call("PATCH", "", stream_changes_to_json(changes)))

    def delete(self) -> None:
        """As `Stream.delete`."""
        self._call("DELETE")

    @property
    def tail(self) -> StreamPosition:
        """Where the next record goes, and the timestamp of the last one."""
        return StreamPosition(**self._call("GET", "/records/tail")["tail"])

    @property
    def records(self) -> tuple[SequencedRecord, ...]:
        """The records that survive, commands too, in order."""
        found: list[SequencedRecord] = []
        end = self.tail.seq_num
        start = 0
        while start < end:
            try:
                batch = self._call("GET", f"/records?seq_num={start}", s2_format="base64")
            except errors.ReadUnwritten:
                break
            got = [_record(record) for record in batch["records"]]
            if not got:
                break
            found += got
            start = got[-1].seq_num + 1
        return tuple(found)

    def wait_for(self, count: int = 1, *, timeout: float = PATIENCE) -> tuple[SequencedRecord, ...]:
        """As `Stream.wait_for`."""
        check_count("count", count)
        check_timeout(timeout)
        given_up = monotonic() + min(timeout, threading.TIMEOUT_MAX)
        while len(records := self.records) < count:
            if monotonic() >= given_up:
                raise TimeoutError(
                    f"{self!r} held {len(records)} of {count} records within {timeout:g} s"
                    + loop_advice()
                )
            # A read that waits would be a reader at the tail, which others count.
            time.sleep(_LOOK_SECONDS)
        return records

    async def async_wait_for(self, count: int = 1, **more: Any) -> tuple[SequencedRecord, ...]:
        """As `wait_for`, for an event loop."""
        import asyncio

        return await asyncio.to_thread(self.wait_for, count, **more)

    def append(
        self,
        records: Iterable[AppendRecord | bytes | str],
        *,
        match_seq_num: int | None = None,
        fencing_token: str | None = None,
        encryption_key: str | None = None,
    ) -> AppendAck:
        """As `Stream.append`."""
        batch = batch_of(records, match_seq_num, fencing_token)
        check_text("encryption_key", encryption_key)
        document: dict[str, Any] = {"records": []}
        for record in batch.records:
            one: dict[str, Any] = {"body": _base64(record.body)}
            if record.headers:
                one["headers"] = [[_base64(part) for part in pair] for pair in record.headers]
            if record.timestamp is not None:
                one["timestamp"] = record.timestamp
            document["records"].append(one)
        if match_seq_num is not None:
            document["match_seq_num"] = match_seq_num
        if fencing_token is not None:
            document["fencing_token"] = fencing_token
        ack = self._call(
            "POST",
            "/records",
            document,
            s2_format="base64",
            s2_encryption_key=encryption_key,
        )
        start, end, tail = (StreamPosition(**ack[name]) for name in ("start", "end", "tail"))
        return AppendAck(start, end, tail)

    def _readers(self, **query: Any) -> int:
        place = {"basin": self.basin.name, "stream": self.name}
        answer = self._control("GET", "/readers", query={**place, **query})
        readers: int = answer["readers"]
        return readers

    @property
    def readers(self) -> int:
        """How many read sessions follow at the tail now."""
        return self._readers()

    def wait_for_readers(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """As `Stream.wait_for_readers`."""
        check_count("count", count)
        check_timeout(timeout)
        self._readers(count=count, wait=timeout)

    async def async_wait_for_readers(self, count: int = 1, **more: Any) -> None:
        """As `wait_for_readers`, for an event loop."""
        import asyncio

        await asyncio.to_thread(self.wait_for_readers, count, **more)


def checked_basin(name: str) -> BasinName:
    """The name of a basin. Raises `InvalidName`, `TypeError`."""
    return BasinName(check_name("a basin's name", name))


def put_basin(
    control: Control,
    method: str,
    name: str,
    config: BasinConfig | None,
    request_token: str | None = None,
    location: str | None = None,
) -> RemoteBasin:
    """Create or ensure a basin. Raises `S2Error`."""
    name = checked_basin(name)
    check_config(config, BasinConfig)
    check_text("request_token", request_token)
    check_text("location", location)
    document: dict[str, Any] = {}
    if config is not None:
        document["config"] = basin_config_to_json(config)
    if location is not None:
        document["location"] = LocationName(location)
    if method == "POST":
        headers = {} if request_token is None else {"s2-request-token": request_token}
        call(control, "POST", "/v1/basins", {"basin": name, **document}, headers=headers)
    else:
        call(control, "PUT", f"/v1/basins/{segment(name)}", document)
    return RemoteBasin(control, str(name))


def _info(document: dict[str, Any]) -> StreamInfo:
    created, deleted = document["created_at"], document["deleted_at"]
    return StreamInfo(
        document["name"],
        parse_timestamp(created),
        None if deleted is None else parse_timestamp(deleted),
        document.get("cipher"),
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _record(document: dict[str, Any]) -> SequencedRecord:
    body = base64.b64decode(document.get("body", ""))
    headers = tuple(
        (base64.b64decode(name), base64.b64decode(value))
        for name, value in document.get("headers", ())
    )
    return SequencedRecord(
        document["seq_num"], document["timestamp"], headers, body, metered_bytes(headers, body)
    )


def _error(answer: Answer) -> Exception:
    document = answer.json
    if "seq_num_mismatch" in document:
        return errors.SeqNumMismatch(document["seq_num_mismatch"])
    if "fencing_token_mismatch" in document:
        return errors.FencingTokenMismatch(document["fencing_token_mismatch"])
    if answer.status == _UNWRITTEN:
        return errors.ReadUnwritten(StreamPosition(**document["tail"]))
    kind = _BY_CODE.get(document["code"])
    if kind is None:
        return ControlError(f"{answer.status}: {document['message']}")
    error = kind.__new__(kind)
    S2Error.__init__(error, document["message"])
    return error
