"""Strategies for configurations. Sources: reference: control_plane §4.2, §5.3."""

from typing import Any, Final

from hypothesis import strategies as st

from s2mock.json_bodies.control_plane import basin_config_to_json, stream_config_to_json
from s2mock.registry.values.config import U64_MAX, BasinConfig, StreamConfig
from s2mock.strategies.refusals import Refused, bad_json, invalid, no_boolean, no_text, no_u64

_CIPHERS: Final = ("aegis-256", "aes-256-gcm")
_MODES: Final = ("client-prefer", "client-require", "arrival")


def stream_configs() -> st.SearchStrategy[StreamConfig]:
    """Return a strategy for configurations of streams, any leaf of which may be unset."""
    return st.builds(
        StreamConfig,
        storage_class=st.sampled_from([None, "express", "standard"]),
        retention_policy=st.sampled_from([None, "infinite"]) | st.integers(1, U64_MAX),
        timestamping_mode=st.sampled_from([None, *_MODES]),
        timestamping_uncapped=st.none() | st.booleans(),
        delete_on_empty_min_age=st.none() | st.integers(0, U64_MAX),
    )


def basin_configs() -> st.SearchStrategy[BasinConfig]:
    """Return a strategy for configurations of basins."""
    return st.builds(
        BasinConfig,
        default_stream_config=stream_configs(),
        stream_cipher=st.sampled_from([None, *_CIPHERS]),
        create_stream_on_append=st.booleans(),
        create_stream_on_read=st.booleans(),
    )


def invalid_stream_configs() -> st.SearchStrategy[Refused]:
    """Return a strategy for JSON that a create of a stream refuses as its `config`."""
    good = stream_configs().map(stream_config_to_json)
    malformed = st.one_of(
        no_text().map(lambda value: {"storage_class": value}),
        no_u64().map(lambda age: {"retention_policy": {"age": age}}),
        st.sampled_from(["infinite", "7d", 5, {}, {"age": 5, "infinite": {}}]).map(
            lambda policy: {"retention_policy": policy}
        ),
        _other_than(_MODES).map(lambda mode: {"timestamping": {"mode": mode}}),
        no_boolean().map(lambda value: {"timestamping": {"uncapped": value}}),
        no_u64().map(lambda age: {"delete_on_empty": {"min_age_secs": age}}),
    )
    return st.one_of(
        bad_json(_with(good, malformed)),
        invalid(_with(good, st.just({"retention_policy": {"age": 0}}))),
        bad_json(st.sampled_from([5, "express", True])),
    )


def invalid_basin_configs() -> st.SearchStrategy[Refused]:
    """Return a strategy for JSON that a create of a basin refuses as its `config`."""
    good = basin_configs().map(basin_config_to_json)
    malformed = st.one_of(
        _other_than(_CIPHERS).map(lambda cipher: {"stream_cipher": cipher}),
        (no_boolean() | st.none()).map(lambda value: {"create_stream_on_append": value}),
        (no_boolean() | st.none()).map(lambda value: {"create_stream_on_read": value}),
    )
    in_defaults = st.builds(
        lambda document, wrong: Refused(
            {**document, "default_stream_config": wrong.value}, wrong.code, wrong.status
        ),
        good,
        invalid_stream_configs(),
    )
    return bad_json(_with(good, malformed)) | in_defaults


def _with(
    good: st.SearchStrategy[dict[str, Any]], wrong: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for valid documents with one leaf replaced by an invalid one."""
    return st.builds(lambda document, leaf: {**document, **leaf}, good, wrong)


def _other_than(words: tuple[str, ...]) -> st.SearchStrategy[Any]:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    return text.filter(lambda word: word not in words)
