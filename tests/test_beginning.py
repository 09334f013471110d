"""The initial state of a test's account, in each form in which it may be written."""

from typing import Any

import pytest

from s2mock import BasinConfig, S2Mock, StreamConfig

CONFIG = StreamConfig("standard", 604_800, "arrival", True, 60)
BASIN_CONFIG = BasinConfig(CONFIG, "aegis-256", create_stream_on_append=True)

OBJECTS = {
    "name": "my-basin",
    "config": BASIN_CONFIG,
    "streams": [{"name": "own", "config": StreamConfig(retention_policy="infinite")}, "plain"],
}
RESOURCE_FILE = {
    "name": "my-basin",
    "config": {
        "default_stream_config": {
            "storage_class": "standard",
            "retention_policy": "7days",
            "timestamping": {"mode": "arrival", "uncapped": True},
            "delete_on_empty": {"min_age": "1m"},
        },
        "stream_cipher": "aegis-256",
        "create_stream_on_append": True,
    },
    "streams": [{"name": "own", "config": {"retention_policy": "infinite"}}, {"name": "plain"}],
}
REQUESTS = {
    "basin": "my-basin",
    "config": {
        "default_stream_config": {
            "storage_class": "standard",
            "retention_policy": {"age": 604_800},
            "timestamping": {"mode": "arrival", "uncapped": True},
            "delete_on_empty": {"min_age_secs": 60},
        },
        "stream_cipher": "aegis-256",
        "create_stream_on_append": True,
    },
    "streams": [
        {"stream": "own", "config": {"retention_policy": {"infinite": {}}}},
        {"stream": "plain", "config": None},
    ],
}


AGE_OF_A_HALF = {"retention_policy": {"age": 0.5}}
AGE_BELOW_ZERO = {"delete_on_empty": {"min_age_secs": -1}}


@pytest.mark.parametrize("basin", [OBJECTS, RESOURCE_FILE, REQUESTS])
def test_forms(basin: Any) -> None:
    with S2Mock(basins=[basin, "other-basin"]) as mock:
        assert mock.basins == ("my-basin", "other-basin")
        assert mock.basin("my-basin").config == BASIN_CONFIG
        assert mock.basin("my-basin").streams == ("own", "plain")
        assert mock.stream("my-basin", "own").config == StreamConfig(
            "standard", "infinite", "arrival", True, 60
        )
        assert mock.stream("my-basin", "plain").config == CONFIG


@pytest.mark.parametrize(
    ("basin", "error", "message"),
    [
        ({"name": "my-basin", "config": CONFIG}, TypeError, "must be a BasinConfig or a mapping"),
        (
            {"name": "my-basin", "streams": [{"name": "s", "config": BASIN_CONFIG}]},
            TypeError,
            "must be a StreamConfig or a mapping",
        ),
        ({"basin": "x"}, ValueError, "basin name should be at least 8 bytes"),
        ({"basin": "my-basin", "name": "my-basin"}, ValueError, "unknown field `basin`"),
        (
            {"basin": "my-basin", "streams": [{"stream": "s", "config": {"retention": 1}}]},
            ValueError,
            "unknown field `retention`",
        ),
        (
            {"name": "my-basin", "streams": [{"name": "s", "config": {"retention_policy": {}}}]},
            ValueError,
            "invalid type: map, expected a string",
        ),
        (
            {"name": "my-basin", "streams": [{"name": "s", "config": AGE_OF_A_HALF}]},
            TypeError,
            "age of retention_policy must be a whole number, not",
        ),
        (
            {"basin": "my-basin", "config": {"default_stream_config": AGE_BELOW_ZERO}},
            ValueError,
            "min_age_secs of delete_on_empty must be 0 or more, not -1",
        ),
    ],
)
def test_what_is_no_form(basin: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        S2Mock(basins=[basin])
