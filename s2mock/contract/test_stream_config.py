"""The header `s2-stream-config`: the configuration of a stream that this call may create.

Source: reference: data_plane §14.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.calls import CONFIGURED, Call, append
from s2mock.contract.client import Client
from s2mock.contract.records import Stream, create_stream

NewBasin = Callable[..., Client]

DEFAULTS: dict[str, Any] = {
    "storage_class": "standard",
    "retention_policy": {"age": 3600},
    "timestamping": {"mode": "client-require", "uncapped": True},
    "delete_on_empty": {"min_age_secs": 60},
}

CONFIGURING = pytest.mark.parametrize("call", CONFIGURED)


@CONFIGURING
def test_config_of_the_stream_to_create(new_basin: NewBasin, call: Call) -> None:
    """It lies over the basin's defaults, field by field, within timestamping too (§14)."""
    basin = new_basin(
        create_stream_on_append=True,
        create_stream_on_read=True,
        default_stream_config=DEFAULTS,
    )
    stream = Stream(basin, "new")
    config = {"retention_policy": {"infinite": {}}, "timestamping": {"mode": "arrival"}}
    call(stream, headers={"s2-stream-config": json.dumps(config)})

    assert stream.config().json == {
        **DEFAULTS,
        "retention_policy": {"infinite": {}},
        "timestamping": {"mode": "arrival", "uncapped": True},
    }


def test_check_tail_takes_no_config(new_basin: NewBasin) -> None:
    """Not even a malformed one (§14)."""
    basin = new_basin(create_stream_on_read=True, default_stream_config=DEFAULTS)
    for name, header in (("a", '{"storage_class":"express"}'), ("b", "malformed")):
        stream = Stream(basin, name)
        assert stream.tail(headers={"s2-stream-config": header}).status == 200
        assert stream.config().json == DEFAULTS


@CONFIGURING
def test_config_of_a_stream_that_exists(new_basin: NewBasin, call: Call) -> None:
    """It is ignored (§14)."""
    basin = new_basin(create_stream_on_append=True, create_stream_on_read=True)
    stream = create_stream(basin, retention_policy={"age": 1000})
    before = stream.config().json
    call(stream, headers={"s2-stream-config": '{"retention_policy":{"age":2000}}'})

    assert stream.config().json == before


@CONFIGURING
def test_config_does_not_create_by_itself(s2: Client, call: Call) -> None:
    """Where the basin's flags are off it is still 404 (§14)."""
    stream = Stream(s2, "new")

    assert call(stream, headers={"s2-stream-config": "{}"}).status == 404
    assert stream.info() is None


@pytest.mark.sample(6)
@CONFIGURING
@pytest.mark.parametrize(
    "header",
    [
        "",
        "malformed",
        "{",
        "{} x",
        "null",
        "[]",
        '"standard"',
        '{"retention_policy":{}}',
        '{"retention_policy":{"age":-1}}',
        '{"retention_policy":{"age":1,"infinite":{}}}',
        '{"timestamping":{"mode":"nope"}}',
        '{"storage_class":1}',
        '{"storage_class":"standard","storage_class":"standard"}',
    ],
)
def test_malformed_config(stream: Stream, call: Call, header: str) -> None:
    """400, also where it would be ignored; the parser's own text follows (§14)."""
    answer = call(stream, headers={"s2-stream-config": header})

    assert (answer.status, answer.code) == (400, "bad_header")
    assert answer.message.startswith("Invalid header `s2-stream-config`: invalid JSON: ")


def test_config_of_bad_values(stream: Stream) -> None:
    """The text is that of the rule that is broken (§14)."""
    answer = stream.read(headers={"s2-stream-config": '{"retention_policy":{"age":0}}'})
    assert (answer.status, answer.json) == (
        400,
        {
            "code": "bad_header",
            "message": "Invalid header `s2-stream-config`: age must be greater than 0 seconds",
        },
    )
    answer = stream.read(headers={"s2-stream-config": '{"storage_class":"\xe9"}'})
    assert answer.message == "Invalid header `s2-stream-config`: not UTF-8"


@pytest.mark.parametrize(
    "header",
    ["{}", '{"unknown":1}', '{"retention_policy":null,"timestamping":null,"storage_class":null}'],
)
def test_config_that_sets_nothing(new_basin: NewBasin, header: str) -> None:
    """Unknown keys are ignored, null is absent: the basin's defaults stay (§14)."""
    basin = new_basin(create_stream_on_append=True, default_stream_config=DEFAULTS)
    stream = Stream(basin, "new")
    append(stream, headers={"s2-stream-config": header})

    assert stream.config().json == DEFAULTS
