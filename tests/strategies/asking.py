"""Requests with the values of the strategies, each refused or taken by the server."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from s2mock import strategies

BASIN = "my-basin"
# A method, a path, headers and a document; the status and the code that came of it.
Ask = Callable[[str, str, dict[str, str], Any], tuple[int, str | None]]
Request = tuple[str, str, dict[str, str], Any]

IN_BASIN = {"s2-basin": BASIN}


def create_basin(name: Any) -> Request:
    return "POST", "/v1/basins", {}, {"basin": name}


def create_stream(name: Any) -> Request:
    return "POST", "/v1/streams", IN_BASIN, {"stream": name}


def with_token(token: str) -> Request:
    return "POST", "/v1/streams", {**IN_BASIN, "s2-request-token": token}, {"stream": "another"}


def with_stream_config(config: Any) -> Request:
    return "POST", "/v1/streams", IN_BASIN, {"stream": "another", "config": config}


def with_basin_config(config: Any) -> Request:
    return "POST", "/v1/basins", {}, {"basin": "another-basin", "config": config}


def with_record(record: Any) -> Request:
    return "POST", "/v1/streams/log/records", IN_BASIN, {"records": [record]}


def with_batch(records: Any) -> Request:
    return "POST", "/v1/streams/log/records", IN_BASIN, {"records": records}


REFUSED: dict[str, tuple[st.SearchStrategy[strategies.Refused], Callable[[Any], Request]]] = {
    "basin_names": (strategies.invalid_basin_names(), create_basin),
    "stream_names": (strategies.invalid_stream_names(), create_stream),
    "request_tokens": (strategies.invalid_request_tokens(), with_token),
    "stream_configs": (strategies.invalid_stream_configs(), with_stream_config),
    "basin_configs": (strategies.invalid_basin_configs(), with_basin_config),
    "append_records": (strategies.invalid_append_records(), with_record),
    "batches": (strategies.invalid_batches(), with_batch),
}
