"""Configurations in JSON bodies: what is refused, and for which reason.

Every failure is 400 `bad_json` and changes nothing (reference: control_plane §2.2, §5.3).
"""

from typing import Any

import pytest

from s2mock.contract.bodies import JSON, refused, send
from s2mock.contract.client import Client
from s2mock.contract.errors import bad_json

MODES = "`client-prefer`, `client-require`, `arrival`"


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("5", "invalid type: integer `5`, expected struct StreamConfig"),
        ('"x"', 'invalid type: string "x", expected struct StreamConfig'),
        ('{"storage_class":5}', "invalid type: integer `5`, expected a string"),
        ('{"storage_class":{}}', "invalid type: map, expected a string"),
        (
            '{"timestamping":true}',
            "invalid type: boolean `true`, expected struct TimestampingConfig",
        ),
        ('{"timestamping":{"uncapped":1}}', "invalid type: integer `1`, expected a boolean"),
        ('{"timestamping":{"uncapped":"x"}}', 'invalid type: string "x", expected a boolean'),
        (
            '{"timestamping":{"mode":"foo"}}',
            f"unknown variant `foo`, expected one of {MODES}",
        ),
        (
            '{"timestamping":{"mode":"ARRIVAL"}}',
            f"unknown variant `ARRIVAL`, expected one of {MODES}",
        ),
        (
            '{"delete_on_empty":5}',
            "invalid type: integer `5`, expected struct DeleteOnEmptyConfig",
        ),
        (
            '{"delete_on_empty":{"min_age_secs":-1}}',
            "invalid value: integer `-1`, expected u64",
        ),
        ('{"retention_policy":{"age":null}}', "invalid type: null, expected u64"),
        (
            '{"retention_policy":{"infinite":null}}',
            "invalid type: null, expected struct InfiniteRetention",
        ),
        (
            '{"retention_policy":{"infinite":5}}',
            "invalid type: integer `5`, expected struct InfiniteRetention",
        ),
        (
            '{"retention_policy":{"foo":5}}',
            "unknown variant `foo`, expected `age` or `infinite`",
        ),
        ('{"retention_policy":"foo"}', "unknown variant `foo`, expected `age` or `infinite`"),
        (
            '{"retention_policy":"infinite"}',
            "invalid type: unit variant, expected newtype variant",
        ),
        ('{"retention_policy":"age"}', "invalid type: unit variant, expected newtype variant"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_bad_configuration(s2: Client, method: str, config: str, reason: str) -> None:
    """Types, variants and numbers, the same in each operation (§2.2, §5.3)."""
    if method == "PATCH":
        reason = reason.replace("Config", "Reconfiguration")
    if method == "POST":
        answer = send(s2, f'{{"stream":"s","config":{config}}}'.encode())
    else:
        answer = s2.request(method, "/v1/streams/s", body=config.encode(), headers=JSON)
    assert refused(s2, answer) == reason


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_minimal_age_of_null(s2: Client, method: str) -> None:
    """Only a reconfiguration has a meaning for this null (§2.2)."""
    config = {"delete_on_empty": {"min_age_secs": None}}
    if method == "POST":
        answer = s2.request("POST", "/v1/streams", {"stream": "s", "config": config})
    else:
        answer = s2.request("PUT", "/v1/streams/s", config)
    assert refused(s2, answer) == "invalid type: null, expected u64"


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        ("true", "invalid type: boolean `true`, expected u64"),
        ('"5"', 'invalid type: string "5", expected u64'),
        ("[]", "invalid type: sequence, expected u64"),
        ("{}", "invalid type: map, expected u64"),
        ("-1", "invalid value: integer `-1`, expected u64"),
        ("-9223372036854775808", "invalid value: integer `-9223372036854775808`, expected u64"),
        ("1.0", "invalid type: floating point `1.0`, expected u64"),
        ("0.5", "invalid type: floating point `0.5`, expected u64"),
        ("1e3", "invalid type: floating point `1000.0`, expected u64"),
        ("-0", "invalid type: floating point `-0.0`, expected u64"),
        (
            "-9223372036854775809",
            "invalid type: floating point `-9.223372036854776e+18`, expected u64",
        ),
        (
            "18446744073709551616",
            "invalid type: floating point `1.8446744073709552e+19`, expected u64",
        ),
    ],
)
def test_a_number_that_is_no_u64(s2: Client, age: str, reason: str) -> None:
    """Anything with a point, an exponent or more than 64 bits is floating point (§2.2)."""
    body = f'{{"stream":"s","config":{{"retention_policy":{{"age":{age}}}}}}}'
    assert refused(s2, send(s2, body.encode())) == reason


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (5, "invalid type: integer `5`, expected struct BasinConfig"),
        ({"stream_cipher": "foo"}, "unknown variant `foo`, expected `aegis-256` or `aes-256-gcm`"),
        (
            {"stream_cipher": "AEGIS-256"},
            "unknown variant `AEGIS-256`, expected `aegis-256` or `aes-256-gcm`",
        ),
        ({"create_stream_on_append": None}, "invalid type: null, expected a boolean"),
        ({"create_stream_on_append": 1}, "invalid type: integer `1`, expected a boolean"),
        ({"create_stream_on_read": "x"}, 'invalid type: string "x", expected a boolean'),
        (
            {"default_stream_config": 5},
            "invalid type: integer `5`, expected struct StreamConfig",
        ),
        (
            {"default_stream_config": {"timestamping": {"mode": "x"}}},
            f"unknown variant `x`, expected one of {MODES}",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_bad_configuration_of_a_basin(s2: Client, method: str, config: Any, reason: str) -> None:
    """The same for the basin, whose flags are never null (§2.2, §4.2)."""
    path = f"/v1/basins/{s2.basin}"
    before = s2.request("GET", path).json
    if method == "PATCH":
        reason = reason.replace("Config", "Reconfiguration")
    answer = s2.request(method, path, {"config": config} if method == "PUT" else config)
    assert answer.error == bad_json(reason)
    assert s2.request("GET", path).json == before


@pytest.mark.parametrize(
    "config",
    [
        {"retention_policy": 5},
        {"retention_policy": True},
        {"retention_policy": []},
        {"retention_policy": {}},
        {"retention_policy": ["age", 5]},
        {"retention_policy": {"age": 5, "infinite": {}}},
        {"retention_policy": {"infinite": [1]}},
        {"timestamping": {"mode": 5}},
        {"timestamping": {"mode": {}}},
        {"timestamping": {"mode": ["arrival"]}},
        {"timestamping": {"mode": {"arrival": None, "client-prefer": None}}},
    ],
    ids=str,
)
def test_a_choice_that_is_none(s2: Client, config: Any) -> None:
    """A value that is none of the words or keys is refused (§2.2)."""
    assert refused(s2, s2.request("POST", "/v1/streams", {"stream": "s", "config": config}))
