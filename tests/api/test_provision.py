"""Create and ensure: documents, defaults, and what a PUT replaces.

Source: reference: control_plane §4.3, §4.4, §5.2 to §5.5, §5.8.
"""

from typing import Any

import pytest

from s2mock import ManualClock
from tests.api.test_reconfigure import DEFAULTS, STORED, SYSTEM
from tests.calls import Api
from tests.conftest import BASIN

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"


def set_defaults(s2: Api, defaults: dict[str, Any] | None) -> None:
    reply = s2.call("PATCH", f"/v1/basins/{BASIN}", {"default_stream_config": defaults})
    assert reply.status == 200, reply


def test_documents_of_a_new_basin_and_stream(api: Api, clock: ManualClock) -> None:
    basin = api.create_basin("new-basin")
    clock.advance(0.25)
    stream = api.within("new-basin").create_stream("s")
    assert basin.headers["content-type"] == stream.headers["content-type"] == "application/json"
    # As bytes: the order of the keys, and no space between them.
    assert basin.body == (
        b'{"name":"new-basin","location":"aws:us-east-1","created_at":"2024-01-01T00:00:00Z",'
        b'"deleted_at":null,"state":"active"}'
    )
    assert stream.body == (
        b'{"name":"s","created_at":"2024-01-01T00:00:00.25Z","deleted_at":null,"cipher":null}'
    )


def test_text_is_not_escaped_more_than_needed(s2: Api) -> None:
    made = s2.create_stream('日/\u2028\x7f\n\x01"\\')
    name = '"name":"日/\u2028\x7f\\n\\u0001\\"\\\\"'
    assert name.encode() in made.body


# What the stream sets, what the basin then has as defaults, and what comes of it.
@pytest.mark.parametrize(
    ("defaults", "config", "expected"),
    [
        (None, None, SYSTEM),
        (None, {}, SYSTEM),
        (DEFAULTS, None, DEFAULTS),
        (DEFAULTS, {"timestamping": {}, "storage_class": None}, DEFAULTS),
        (DEFAULTS, STORED, STORED),
        (None, STORED, STORED),
        ({"storage_class": "x"}, {"retention_policy": {"age": 1}}, None),
        (
            {"timestamping": {"mode": "arrival"}},
            {"timestamping": {"uncapped": True}},
            {**SYSTEM, "timestamping": {"mode": "arrival", "uncapped": True}},
        ),
        (
            {"delete_on_empty": {"min_age_secs": 60}},
            {"delete_on_empty": {}},
            {**SYSTEM, "delete_on_empty": {"min_age_secs": 0}},
        ),
        (
            {"delete_on_empty": {"min_age_secs": 60}},
            {"delete_on_empty": None},
            {**SYSTEM, "delete_on_empty": {"min_age_secs": 60}},
        ),
        (
            {"retention_policy": {"infinite": {}}},
            {"retention_policy": {"age": 5}},
            {**SYSTEM, "retention_policy": {"age": 5}},
        ),
        (
            {"timestamping": {"uncapped": True}},
            {"timestamping": {"uncapped": False}},
            SYSTEM,
        ),
    ],
    ids=lambda part: str(part)[:40],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_defaults_fill_each_leaf(
    s2: Api, method: str, defaults: Any, config: Any, expected: Any
) -> None:
    expected = expected or {**SYSTEM, "storage_class": "x", "retention_policy": {"age": 1}}
    set_defaults(s2, defaults)
    if method == "POST":
        s2.create_stream("s", config)
    else:
        made = s2.call("PUT", "/v1/streams/s", *([] if config is None else [config]))
        assert (made.status, made.result) == (201, "created")
    assert s2.stream_config("s") == expected
    # It is stored with the defaults of then.
    set_defaults(s2, {"storage_class": "later", "retention_policy": {"age": 99}})
    assert s2.stream_config("s") == expected


def test_ensure_stream(s2: Api, clock: ManualClock) -> None:
    path = "/v1/streams/s"
    made = s2.call("PUT", path, STORED)
    assert (made.status, made.result) == (201, "created")
    clock.advance(1)
    steps: list[tuple[Any, str, Any]] = [
        (STORED, "noop", STORED),
        ({"timestamping": {"mode": "arrival"}}, "updated", None),
        ({"timestamping": {"mode": "arrival"}}, "noop", None),
        # All of it is replaced, nothing is merged with what was.
        ({"storage_class": "x"}, "updated", {**SYSTEM, "storage_class": "x"}),
        # A wrapper that is not one: unknown keys, and so a reset.
        ({"config": STORED}, "updated", SYSTEM),
        (SYSTEM, "noop", SYSTEM),
        ({}, "noop", SYSTEM),
        ({"storage_class": None, "timestamping": None}, "noop", SYSTEM),
    ]
    for body, result, config in steps:
        expected = config or {
            **SYSTEM,
            "timestamping": {"mode": "arrival", "uncapped": False},
        }
        reply = s2.call("PUT", path, body)
        assert (reply.status, reply.result, reply.json) == (200, result, made.json)
        assert s2.stream_config("s") == expected
    s2.call("PUT", path, STORED)
    bodyless = s2.call("PUT", path)
    assert (bodyless.status, bodyless.result) == (200, "updated")
    assert s2.stream_config("s") == SYSTEM


def test_ensure_stream_compares_with_what_the_defaults_make_of_it(s2: Api) -> None:
    s2.create_stream("s")
    set_defaults(s2, {"storage_class": "standard"})
    assert s2.call("PUT", "/v1/streams/s", SYSTEM).result == "noop"
    assert s2.call("PUT", "/v1/streams/s").result == "updated"
    assert s2.stream_config("s") == {**SYSTEM, "storage_class": "standard"}


def test_ensure_basin(api: Api, clock: ManualClock) -> None:
    path = "/v1/basins/new-basin"
    full = {
        "default_stream_config": {**STORED, "delete_on_empty": {"min_age_secs": 0}},
        "stream_cipher": "aes-256-gcm",
        "create_stream_on_append": True,
        "create_stream_on_read": True,
    }
    nothing = {
        "default_stream_config": None,
        "stream_cipher": None,
        "create_stream_on_append": False,
        "create_stream_on_read": False,
    }
    made = api.call("PUT", path, {"config": full, "location": "aws:us-east-1", "basin": 1})
    assert (made.status, made.result) == (201, "created")
    clock.advance(1)
    steps: list[tuple[Any, str, dict[str, Any]]] = [
        ({"config": full}, "noop", full),
        ({"config": {"create_stream_on_read": True}}, "updated", {"create_stream_on_read": True}),
        (full, "updated", {}),  # no wrapper: unknown keys, and so a reset
        ({}, "noop", {}),
        ({"config": None}, "noop", {}),
        ({"config": {"default_stream_config": {"timestamping": {}}}}, "noop", {}),
    ]
    for body, result, config in steps:
        reply = api.call("PUT", path, body)
        assert (reply.status, reply.result, reply.json) == (200, result, made.json)
        assert api.basin_config("new-basin") == nothing | config
    explicit = {"default_stream_config": {"delete_on_empty": {}}}
    assert api.call("PUT", path, {"config": explicit}).result == "updated"
    shown = api.basin_config("new-basin")
    assert shown["default_stream_config"]["delete_on_empty"] == {"min_age_secs": 0}
    assert api.call("PUT", path, {"config": shown}).result == "noop"
    assert api.call("PUT", path).result == "updated"
    assert api.basin_config("new-basin") == nothing


@pytest.mark.parametrize(
    ("headers", "body"),
    [({}, b'{"storage_class":"x"}'), ({}, b"\xff not JSON {"), ({}, b"")],
    ids=["json", "garbage", "empty"],
)
def test_body_of_ensure_without_content_type_is_no_body(
    s2: Api, headers: dict[str, str], body: bytes
) -> None:
    s2.create_stream("s", STORED)
    assert s2.call("PUT", "/v1/streams/s", body=body, headers=headers).result == "updated"
    assert s2.stream_config("s") == SYSTEM
    assert s2.call("PUT", f"/v1/basins/{BASIN}", body=body, headers=headers).result == "noop"


def test_empty_json_body_of_ensure_is_no_body(s2: Api) -> None:
    headers = {"content-type": "application/json"}
    assert s2.call("PUT", "/v1/streams/s", body=b"", headers=headers).result == "created"
    assert s2.call("PUT", "/v1/basins/new-basin", body=b"", headers=headers).result == "created"


def test_cipher_is_the_basins_and_stays_with_the_stream(s2: Api) -> None:
    basin = f"/v1/basins/{BASIN}"
    s2.create_stream("plain", {"cipher": "aegis-256"})
    s2.call("PATCH", basin, {"stream_cipher": "aegis-256"})
    assert s2.create_stream("a").json["cipher"] == "aegis-256"
    s2.call("PATCH", basin, {"stream_cipher": "aes-256-gcm"})
    assert s2.call("PUT", "/v1/streams/b").json["cipher"] == "aes-256-gcm"
    assert s2.call("PUT", "/v1/streams/a", STORED).json["cipher"] == "aegis-256"
    s2.call("PATCH", basin, {"stream_cipher": None})
    ciphers = {s["name"]: s["cipher"] for s in s2.call("GET", "/v1/streams").json["streams"]}
    assert ciphers == {"plain": None, "a": "aegis-256", "b": "aes-256-gcm"}


@pytest.mark.parametrize("storage_class", ["standard", "express", "", "anything", "x" * 1000, "é"])
def test_storage_class_is_any_text(s2: Api, storage_class: str) -> None:
    s2.create_stream("s", {"storage_class": storage_class})
    assert s2.stream_config("s") == {**SYSTEM, "storage_class": storage_class}


def test_create_in_a_missing_basin(api: Api) -> None:
    lost = api.within("no-such-basin")
    text = "basin `no-such-basin` not found"
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/v1/streams", {"stream": "s"}),
        ("PUT", "/v1/streams/s", {}),
        ("PATCH", "/v1/streams/s", {}),
        ("PATCH", "/v1/basins/no-such-basin", {}),
        ("GET", "/v1/basins/no-such-basin", ...),
        ("DELETE", "/v1/basins/no-such-basin", ...),
        ("GET", "/v1/streams", ...),
    ]
    for method, path, document in calls:
        assert lost.call(method, path, document).refuses(404, "basin_not_found", text)
    # These look for the stream only.
    text = "stream `s` in basin `no-such-basin` not found"
    for method in ("GET", "DELETE"):
        assert lost.call(method, "/v1/streams/s").refuses(404, "stream_not_found", text)
    assert api.everything() == {}


def test_missing_stream(s2: Api) -> None:
    text = f"stream `s` in basin `{BASIN}` not found"
    for method, document in (("GET", ...), ("PATCH", {}), ("DELETE", ...)):
        assert s2.call(method, "/v1/streams/s", document).refuses(404, "stream_not_found", text)


def test_same_stream_name_in_two_basins(s2: Api) -> None:
    s2.create_basin("other-basin")
    other = s2.within("other-basin")
    s2.create_stream("s", STORED)
    other.create_stream("s")
    assert s2.stream_config("s") == STORED
    assert other.stream_config("s") == SYSTEM
    assert s2.call("DELETE", "/v1/streams/s").status == 202
    assert other.stream_names() == ["s"]
