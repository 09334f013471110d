"""Streams that are created by their first use (reference: control_plane §5.9)."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import basin_not_found, stream_not_found
from s2mock.contract.streams import SYSTEM_DEFAULTS

APPEND: tuple[str, str, Any] = ("POST", "/v1/streams/s/records", {"records": [{"body": "x"}]})
READ: tuple[str, str, Any] = ("GET", "/v1/streams/s/records?seq_num=0", ...)
TAIL: tuple[str, str, Any] = ("GET", "/v1/streams/s/records/tail", ...)


def allow(s2: Client, **config: Any) -> None:
    """Reconfigure the client's basin."""
    assert s2.request("PATCH", f"/v1/basins/{s2.basin}", config).status == 200


@control_case(84)
def test_an_append_makes_the_stream(s2: Client) -> None:
    """With `create_stream_on_append`, an append to a missing stream makes it (§5.9)."""
    allow(s2, create_stream_on_append=True, default_stream_config={"storage_class": "standard"})
    answer = s2.request(*APPEND)
    assert (answer.status, answer.json["tail"]["seq_num"]) == (200, 1)
    config = s2.request("GET", "/v1/streams/s").json
    assert config == {**SYSTEM_DEFAULTS, "storage_class": "standard"}


@control_case(85)
def test_a_read_makes_the_stream(s2: Client) -> None:
    """With `create_stream_on_read`, a read makes it, and finds nothing yet (§5.9)."""
    allow(s2, create_stream_on_read=True, default_stream_config={"retention_policy": {"age": 60}})
    answer = s2.request(*READ)
    assert (answer.status, answer.json) == (416, {"tail": {"seq_num": 0, "timestamp": 0}})
    config = s2.request("GET", "/v1/streams/s").json
    assert config == {**SYSTEM_DEFAULTS, "retention_policy": {"age": 60}}


@control_case(86)
def test_a_look_at_the_tail_makes_the_stream(s2: Client) -> None:
    """With `create_stream_on_read`, checking the tail makes it too (§5.9)."""
    allow(s2, create_stream_on_read=True)
    answer = s2.request(*TAIL)
    assert (answer.status, answer.json) == (200, {"tail": {"seq_num": 0, "timestamp": 0}})
    assert s2.request("GET", "/v1/streams/s").json == SYSTEM_DEFAULTS


@control_case(84)
@pytest.mark.parametrize(
    ("use", "flag"),
    [
        pytest.param(APPEND, "create_stream_on_read", id="append"),
        pytest.param(READ, "create_stream_on_append", id="read"),
        pytest.param(TAIL, "create_stream_on_append", id="tail"),
    ],
)
def test_not_allowed(s2: Client, use: tuple[str, str, Any], flag: str) -> None:
    """Each flag is for its own kind of use; without it the stream is missing (§5.9)."""
    allow(s2, **{flag: True})
    assert s2.request(*use).error == stream_not_found(s2.basin)
    assert s2.request("GET", "/v1/streams").json["streams"] == []


@pytest.mark.parametrize("use", [APPEND, READ, TAIL], ids=["append", "read", "tail"])
def test_a_missing_basin(
    target: Client, fresh: Callable[[], str], use: tuple[str, str, Any]
) -> None:
    """Where the stream is missing too, it is the basin that is reported (§5.9)."""
    s2 = target.in_basin(fresh())
    assert s2.request(*use).error == basin_not_found(s2.basin)


def test_only_uses_of_records_make_streams(s2: Client) -> None:
    """Asking for a configuration, changing one or deleting makes nothing (§5.9)."""
    allow(s2, create_stream_on_append=True, create_stream_on_read=True)
    for method, document in (("GET", ...), ("PATCH", {}), ("DELETE", ...)):
        assert s2.request(method, "/v1/streams/s", document).error.code == "stream_not_found"


def test_the_stream_has_the_cipher_of_the_basin(s2: Client) -> None:
    """An auto-created stream is like one that was created without a configuration (§5.9)."""
    allow(s2, create_stream_on_read=True, stream_cipher="aegis-256")
    assert s2.request(*TAIL).status == 200
    [info] = s2.request("GET", "/v1/streams").json["streams"]
    assert info["cipher"] == "aegis-256"


def test_a_missing_key_is_found_out_after_the_stream_is_made(s2: Client) -> None:
    """An append without a key into a basin with a cipher makes the stream, then fails (§5.9)."""
    allow(s2, create_stream_on_append=True, stream_cipher="aegis-256")
    assert s2.request(*APPEND).error == (
        400,
        "bad_header",
        "missing encryption key for stream cipher 'aegis-256'",
    )
    assert s2.request("GET", "/v1/streams/s").status == 200


def test_an_auto_created_stream_has_no_replay(s2: Client) -> None:
    """It was made without a token: a create of that name is a conflict (§5.9)."""
    allow(s2, create_stream_on_read=True)
    s2.request(*TAIL)
    answer = s2.request(
        "POST", "/v1/streams", {"stream": "s"}, headers={"s2-request-token": "once"}
    )
    assert answer.error.code == "resource_already_exists"
