"""Configurations: merge, reconfigure, and values that are refused.

Source: reference: control_plane §5.3, §5.4, §5.6.
"""

from dataclasses import FrozenInstanceError, fields, replace
from itertools import product
from typing import Any

import pytest

from s2mock import BasinConfig, InvalidConfig, StreamConfig
from s2mock.registry.values.config import SYSTEM_DEFAULTS, UNSET

MINE = StreamConfig("mine", 5, "arrival", timestamping_uncapped=False, delete_on_empty_min_age=0)
OTHER = StreamConfig("other", "infinite", "client-require", True, 60)
LEAVES = [field.name for field in fields(StreamConfig)]


def test_system_defaults() -> None:
    assert StreamConfig("express", 604_800, "client-prefer", False, 0) == SYSTEM_DEFAULTS


@pytest.mark.parametrize("set_leaves", [*product([False, True], repeat=len(LEAVES))])
def test_merge_takes_each_unset_leaf_from_the_defaults(set_leaves: tuple[bool, ...]) -> None:
    kept = dict(zip(LEAVES, set_leaves, strict=True))
    config = StreamConfig(**{leaf: getattr(MINE, leaf) for leaf in LEAVES if kept[leaf]})
    merged = config.merge(OTHER)
    for leaf in LEAVES:
        # A set leaf stays, also where its value is one that is false.
        assert getattr(merged, leaf) == getattr(MINE if kept[leaf] else OTHER, leaf)
    assert merged.merge(SYSTEM_DEFAULTS) == merged
    assert UNSET.merge(config) == config == config.merge(UNSET)


@pytest.mark.parametrize("leaf", LEAVES)
def test_reconfigure_lays_a_leaf_over(leaf: str) -> None:
    changed = MINE.reconfigure({leaf: getattr(OTHER, leaf)})
    assert changed == replace(MINE, **{leaf: getattr(OTHER, leaf)})
    cleared = MINE.reconfigure({leaf: None})
    assert cleared == replace(MINE, **{leaf: None})
    assert MINE.reconfigure({}) == MINE


def test_reconfigure_of_a_basin_goes_into_its_defaults() -> None:
    config = BasinConfig(MINE, "aegis-256", create_stream_on_append=True)
    assert config.reconfigure({}) == config
    assert config.reconfigure({"default_stream_config": {}}) == config
    changed = config.reconfigure({"default_stream_config": {"storage_class": None}})
    assert changed == replace(config, default_stream_config=replace(MINE, storage_class=None))
    assert config.reconfigure({"default_stream_config": None}) == replace(
        config, default_stream_config=UNSET
    )
    assert config.reconfigure({"stream_cipher": None, "create_stream_on_read": True}) == (
        BasinConfig(MINE, None, create_stream_on_append=True, create_stream_on_read=True)
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"storage_class": 1},
        {"storage_class": b"x"},
        {"storage_class": "\ud800"},
        {"retention_policy": 0},
        {"retention_policy": -1},
        {"retention_policy": 2**64},
        {"retention_policy": 1.0},
        {"retention_policy": True},
        {"retention_policy": False},
        {"retention_policy": "forever"},
        {"timestamping_mode": "Arrival"},
        {"timestamping_mode": ""},
        {"timestamping_uncapped": 1},
        {"timestamping_uncapped": 0},
        {"delete_on_empty_min_age": -1},
        {"delete_on_empty_min_age": 2**64},
        {"delete_on_empty_min_age": 1.5},
        {"delete_on_empty_min_age": True},
    ],
    ids=str,
)
def test_bad_leaf(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig) as caught:
        StreamConfig(**bad)
    assert (caught.value.status, caught.value.code) == (422, "invalid")
    with pytest.raises(InvalidConfig):
        MINE.reconfigure(bad)
    with pytest.raises(InvalidConfig):
        BasinConfig().reconfigure({"default_stream_config": bad})


@pytest.mark.parametrize(
    "good",
    [
        {"retention_policy": 1},
        {"retention_policy": 2**64 - 1},
        {"retention_policy": "infinite"},
        {"delete_on_empty_min_age": 0},
        {"delete_on_empty_min_age": 2**64 - 1},
        {"storage_class": ""},
    ],
    ids=str,
)
def test_good_leaf(good: dict[str, Any]) -> None:
    [(leaf, value)] = good.items()
    assert getattr(StreamConfig(**good), leaf) == value


@pytest.mark.parametrize(
    "bad",
    [
        {"stream_cipher": "AEGIS-256"},
        {"stream_cipher": ""},
        {"create_stream_on_append": None},
        {"create_stream_on_append": 1},
        {"create_stream_on_read": "true"},
    ],
    ids=str,
)
def test_bad_basin_leaf(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig):
        BasinConfig(**bad)


@pytest.mark.parametrize("bad", [None, {"storage_class": "x"}, BasinConfig()], ids=str)
def test_defaults_that_are_no_configuration(bad: Any) -> None:
    """Of another type, not of another value: S2 has no answer to it."""
    with pytest.raises(TypeError, match="default_stream_config must be a StreamConfig, not "):
        BasinConfig(default_stream_config=bad)


def test_configs_are_values() -> None:
    assert hash(StreamConfig("x")) == hash(StreamConfig("x"))
    assert BasinConfig(StreamConfig("x")) == BasinConfig(StreamConfig("x"))
    with pytest.raises(FrozenInstanceError):
        MINE.storage_class = "x"
