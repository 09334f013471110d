"""Resource files: the basins and streams that they create, and that an invalid one creates none.

Each file here was given to the reference server, 0.43.4, too.
"""

import json
from typing import Any

import pytest

from s2mock import Account, BasinConfig, StreamConfig
from s2mock.json_bodies.resource_files import ResourcesError, apply_resources, parse_duration
from s2mock.registry.values.config import SYSTEM_DEFAULTS, UNSET

FULL = {
    "x": "unknown here, and only here, is ignored",
    "basins": [
        {
            "name": "full-basin",
            "config": {
                "default_stream_config": {
                    "storage_class": "standard",
                    "retention_policy": "7days",
                    "timestamping": {"mode": "client-require", "uncapped": True},
                    "delete_on_empty": {"min_age": "1h 30m"},
                },
                "stream_cipher": "aegis-256",
                "create_stream_on_append": True,
                "create_stream_on_read": None,
            },
            "streams": [
                {"name": "a/b"},
                {"name": "c", "config": None},
                {
                    "name": "own",
                    "config": {
                        "storage_class": "express",
                        "retention_policy": "Infinite",
                        "timestamping": {"mode": "arrival"},
                        "delete_on_empty": {"min_age": "0"},
                    },
                },
            ],
        },
        {"name": "plain-basin"},
        {"name": "empty-basin", "config": {"default_stream_config": {}}, "streams": []},
    ],
}


@pytest.fixture
def account() -> Account:
    return Account()


def apply(account: Account, document: Any) -> None:
    apply_resources(account.engine, json.dumps(document).encode())


def test_full_file(account: Account) -> None:
    apply(account, FULL)
    assert account.basins == ("empty-basin", "full-basin", "plain-basin")
    basin = account.basin("full-basin")
    defaults = StreamConfig("standard", 604_800, "client-require", True, 5400)
    assert basin.config == BasinConfig(defaults, "aegis-256", create_stream_on_append=True)
    assert basin.streams == ("a/b", "c", "own")
    assert basin.stream("a/b").config == basin.stream("c").config == defaults
    assert basin.stream("own").config == StreamConfig("express", "infinite", "arrival", True, 0)
    assert basin.stream("own").cipher == "aegis-256"
    for name in ("plain-basin", "empty-basin"):
        assert account.basin(name).config == BasinConfig(UNSET)
        assert account.basin(name).streams == ()


def test_what_exists_gets_the_configuration_of_the_file(account: Account) -> None:
    basin = account.create_basin("full-basin", BasinConfig(create_stream_on_read=True))
    stream = basin.create_stream("c", StreamConfig("x", retention_policy=1))
    other = basin.create_stream("other", StreamConfig("x"))
    apply(account, FULL)
    apply(account, FULL)
    assert account.basin("full-basin") == basin
    assert basin.stream("c") == stream
    assert (basin.config.create_stream_on_append, basin.config.create_stream_on_read) == (
        True,
        False,
    )
    assert stream.config == basin.config.default_stream_config.merge(SYSTEM_DEFAULTS)
    # What the file does not mention is left alone.
    assert other.config == StreamConfig("x").merge(SYSTEM_DEFAULTS)


@pytest.mark.parametrize("document", [{}, {"basins": []}, {"x": 1}])
def test_nothing_to_do(account: Account, document: Any) -> None:
    apply(account, document)
    assert account.basins == ()


def basin(**fields: Any) -> dict[str, Any]:
    return {"basins": [{"name": "good-basin"}, {"name": "my-basin", **fields}]}


def config(**fields: Any) -> dict[str, Any]:
    return basin(config={"default_stream_config": fields})


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "EOF"),
        (b"{", ""),
        (b"\xff", ""),
        (b"null", "null"),
        (b'"x"', "string"),
        ({"basins": None}, "null"),
        ({"basins": {}}, "map"),
        ({"basins": ["my-basin"]}, "string"),
        ({"basins": [{}]}, "missing field `name`"),
        (basin(name="x"), "at least 8 bytes"),
        (basin(name=None), "null"),
        (basin(x=1), "unknown field `x`"),
        (basin(streams=None), "null"),
        (basin(streams=["s"]), "string"),
        (basin(streams=[{"name": ""}]), "must not be empty"),
        (basin(streams=[{"name": "s", "x": 1}]), "unknown field `x`"),
        (basin(streams=[{"name": "s"}, {"name": "s"}]), "duplicate stream name"),
        ({"basins": [{"name": "my-basin"}, {"name": "my-basin"}]}, "duplicate basin name"),
        (basin(config={"x": 1}), "unknown field `x`"),
        (basin(config={"stream_cipher": "rot13"}), "rot13"),
        (basin(config={"create_stream_on_append": 1}), "expected a boolean"),
        (config(x=1), "unknown field `x`"),
        (config(storage_class=1), "expected a string"),
        (config(retention_policy="0s"), "greater than 0 seconds"),
        (config(retention_policy="soon"), "soon"),
        (config(retention_policy=604_800), "integer `604800`"),
        (config(retention_policy={"age": 1}), "map"),
        (config(timestamping={"mode": "x"}), "unknown variant `x`"),
        (config(timestamping={"x": 1}), "unknown field `x`"),
        (config(delete_on_empty={"min_age_secs": 1}), "unknown field `min_age_secs`"),
        (config(delete_on_empty={"min_age": "1 fortnight"}), "1 fortnight"),
        (basin(streams=[{"name": "s", "config": {"retention_policy": "0s"}}]), "greater than 0"),
    ],
    ids=str,
)
def test_bad_file_sets_up_nothing(account: Account, document: Any, reason: str) -> None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(ResourcesError) as caught:
        apply_resources(account, body)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert account.basins == ()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("7days", 604_800),
        ("1week", 604_800),
        ("1h 30m", 5400),
        ("1h30m", 5400),
        ("  2 hours  5 min ", 7500),
        ("1month", 2_630_016),
        ("1M", 2_630_016),
        ("1m", 60),
        ("1y 1d", 31_644_000),
        ("999ms", 0),
        ("1999ms", 1),
        ("500ms 500ms", 1),
        ("1000000us", 1),
        ("1500000000ns", 1),
        ("1.5h", 5400),
        ("0.5 days", 43_200),
        ("1.25min", 75),
        ("0", 0),
        ("0s", 0),
        ("18446744073709551615s", 2**64 - 1),
    ],
)
def test_duration(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1",
        "s",
        "-1s",
        "+1s",
        "1.s",
        ".5s",
        "1e3s",
        "1S",
        "1Day",
        "1 fortnight",
        "1s,",
        "1s 2",
        "1,5h",
        "\u0661s",  # an Arabic digit
        "00",
        "18446744073709551616s",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ResourcesError, match="invalid duration"):
        parse_duration(text)
