"""Create a stream: `POST /v1/streams` (reference: control_plane §5.5)."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.client import Answer, Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import AGE_OF_ZERO, basin_not_found, stream_exists
from s2mock.contract.streams import SYSTEM_DEFAULTS

TOKEN, OTHER_TOKEN = "create-once", "create-twice"


def create(s2: Client, config: Any = ..., *, stream: str = "s", token: str | None = None) -> Answer:
    """Create a stream."""
    document = {"stream": stream} if config is ... else {"stream": stream, "config": config}
    return s2.request("POST", "/v1/streams", document, headers={"s2-request-token": token})


@control_case(43)
def test_a_new_stream_is_described_with_all_its_keys(s2: Client) -> None:
    """A create answers 201, says `created`, and describes the stream (§5.2)."""
    answer = create(s2)
    assert (answer.status, answer.result) == (201, "created")
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["name", "created_at", "deleted_at", "cipher"]
    expected = {"name": "s", "deleted_at": None, "cipher": None}
    assert answer.json == {**expected, "created_at": answer.json["created_at"]}


@control_case(44)
def test_a_name_that_is_taken(s2: Client) -> None:
    """A second create without a token is a conflict (§5.5)."""
    assert create(s2).status == 201
    assert create(s2).error == stream_exists(s2.basin)


def test_one_name_in_two_basins(target: Client, fresh: Callable[[], str]) -> None:
    """A stream's name is its basin's (§5.5)."""
    first, second = (target.in_basin(fresh()) for _ in range(2))
    for s2 in (first, second):
        target.request("PUT", f"/v1/basins/{s2.basin}")
        assert create(s2, token=TOKEN).result == "created"
    first.request("PATCH", "/v1/streams/s", {"storage_class": "standard"})
    assert second.request("GET", "/v1/streams/s").json == SYSTEM_DEFAULTS
    assert first.request("DELETE", "/v1/streams/s").status == 202
    assert second.request("GET", "/v1/streams/s").status == 200


def test_one_token_makes_many_streams(s2: Client) -> None:
    """A token belongs to the name that it was used with (§5.5)."""
    for stream in ("s", "t"):
        assert create(s2, stream=stream, token=TOKEN).result == "created"
    assert create(s2, token=TOKEN).result == "noop"


@control_case(45)
def test_a_replay_answers_the_stream_that_was_made(s2: Client) -> None:
    """The same token and configuration again: 201, `noop`, the original times (§5.5)."""
    config = {"storage_class": "standard", "delete_on_empty": {"min_age_secs": 60}}
    first = create(s2, config, token=TOKEN)
    again = create(s2, config, token=TOKEN)
    assert (first.status, first.result) == (201, "created")
    assert (again.status, again.result, again.json) == (201, "noop", first.json)


@control_case(46)
@pytest.mark.parametrize(
    ("token", "config"),
    [
        pytest.param(OTHER_TOKEN, {"storage_class": "standard"}, id="another token"),
        pytest.param(None, {"storage_class": "standard"}, id="no token"),
        pytest.param(TOKEN, {"storage_class": "express"}, id="another config"),
        pytest.param(TOKEN, ..., id="no config"),
    ],
)
def test_what_is_no_replay(s2: Client, token: str | None, config: Any) -> None:
    """Another token, no token or another configuration: a conflict, nothing changes (§5.5)."""
    create(s2, {"storage_class": "standard"}, token=TOKEN)
    before = s2.request("GET", "/v1/streams/s").json
    assert create(s2, config, token=token).error == stream_exists(s2.basin)
    assert s2.request("GET", "/v1/streams/s").json == before


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_stream_made_without_a_token_has_no_replay(s2: Client, method: str) -> None:
    """A token later on is no replay of a create without one, nor of an ensure (§5.5)."""
    if method == "POST":
        create(s2)
    else:
        s2.request("PUT", "/v1/streams/s", headers={"s2-request-token": TOKEN})
    assert create(s2, token=TOKEN).error == stream_exists(s2.basin)


@control_case(47)
def test_a_replay_after_the_basin_has_changed(s2: Client) -> None:
    """What counts is the request as it was made, not what it was merged with (§5.5)."""
    first = create(s2, token=TOKEN)
    s2.request(
        "PATCH",
        f"/v1/basins/{s2.basin}",
        {"default_stream_config": {"storage_class": "standard"}, "stream_cipher": "aegis-256"},
    )
    again = create(s2, token=TOKEN)
    assert (again.status, again.result, again.json) == (201, "noop", first.json)
    assert s2.request("GET", "/v1/streams/s").json == SYSTEM_DEFAULTS


@control_case(48)
def test_a_replay_after_the_stream_has_changed(s2: Client) -> None:
    """The token remembers the original configuration, through PUT and PATCH (§5.5)."""
    first = create(s2, {"retention_policy": {"age": 60}}, token=TOKEN)
    s2.request("PUT", "/v1/streams/s", {"retention_policy": {"age": 90}})
    s2.request("PATCH", "/v1/streams/s", {"storage_class": "standard"})
    changed = s2.request("GET", "/v1/streams/s").json
    again = create(s2, {"retention_policy": {"age": 60}}, token=TOKEN)
    assert (again.status, again.result, again.json) == (201, "noop", first.json)
    assert s2.request("GET", "/v1/streams/s").json == changed


@control_case(49)
@pytest.mark.parametrize(
    "config",
    [
        None,
        {},
        {"timestamping": {}},
        {"timestamping": None},
        {"timestamping": {"mode": None, "uncapped": None}},
        dict.fromkeys(SYSTEM_DEFAULTS),
        {"unknown": {"x": 1}, "cipher": "aegis-256"},
    ],
    ids=str,
)
def test_configurations_that_say_nothing_are_equal(s2: Client, config: Any) -> None:
    """Absent, null, empty and unknown leaves are one configuration to a replay (§5.5)."""
    create(s2, token=TOKEN)
    assert create(s2, config, token=TOKEN).result == "noop"


@control_case(50)
@pytest.mark.parametrize(
    "config",
    [
        {"storage_class": "express"},
        {"retention_policy": {"age": 604800}},
        {"timestamping": {"mode": "client-prefer"}},
        {"timestamping": {"uncapped": False}},
        {"delete_on_empty": {}},
        {"delete_on_empty": {"min_age_secs": 0}},
    ],
    ids=str,
)
def test_a_default_that_is_spelled_out_is_another_configuration(s2: Client, config: Any) -> None:
    """To a replay, an explicit value differs from an absent one (§5.5)."""
    create(s2, token=TOKEN)
    assert create(s2, config, token=TOKEN).error == stream_exists(s2.basin)


@pytest.mark.parametrize("spelling", [{}, {"unknown": 60}, []], ids=str)
def test_a_delete_on_empty_without_an_age_is_an_explicit_zero(s2: Client, spelling: Any) -> None:
    """With any unknown keys, it is the same configuration as `{"min_age_secs": 0}` (§5.5)."""
    create(s2, {"delete_on_empty": spelling}, token=TOKEN)
    again = create(s2, {"delete_on_empty": {"min_age_secs": 0}}, token=TOKEN)
    assert again.result == "noop"


def test_keys_in_any_order_are_the_same_configuration(s2: Client) -> None:
    """What is compared is the configuration, not its spelling (§5.5)."""
    create(s2, {"storage_class": "standard", "delete_on_empty": {}}, token=TOKEN)
    again = create(s2, {"delete_on_empty": {}, "storage_class": "standard"}, token=TOKEN)
    assert again.result == "noop"


@control_case(51)
def test_a_missing_basin(target: Client, fresh: Callable[[], str]) -> None:
    """404, naming the basin (§5.5)."""
    s2 = target.in_basin(fresh())
    assert create(s2).error == basin_not_found(s2.basin)


@control_case(56)
def test_an_age_of_zero_is_invalid_and_makes_nothing(s2: Client, fresh: Callable[[], str]) -> None:
    """422, also where the basin is missing; no stream is made (§2.5, §5.3)."""
    assert create(s2, {"retention_policy": {"age": 0}}).error == AGE_OF_ZERO
    assert create(s2.in_basin(fresh()), {"retention_policy": {"age": 0}}).error == AGE_OF_ZERO
    assert s2.request("GET", "/v1/streams").json["streams"] == []


@control_case(57)
def test_the_defaults_of_the_basin(s2: Client) -> None:
    """Each leaf that a stream leaves out comes from its basin (§5.4)."""
    defaults = {
        "storage_class": "standard",
        "retention_policy": {"infinite": {}},
        "timestamping": {"mode": "client-require"},
    }
    s2.request("PATCH", f"/v1/basins/{s2.basin}", {"default_stream_config": defaults})
    create(s2)
    create(s2, {"timestamping": {"uncapped": True}}, stream="t")
    inherited = {
        **defaults,
        "timestamping": {"mode": "client-require", "uncapped": False},
        "delete_on_empty": {"min_age_secs": 0},
    }
    assert s2.request("GET", "/v1/streams/s").json == inherited
    assert s2.request("GET", "/v1/streams/t").json == {
        **inherited,
        "timestamping": {"mode": "client-require", "uncapped": True},
    }


@control_case(58)
@pytest.mark.parametrize("own", [{}, {"min_age_secs": 0}], ids=str)
def test_an_explicit_zero_overrides_the_basin(s2: Client, own: Any) -> None:
    """0 seconds is a value of the stream's own, also when it is put again (§5.4)."""
    defaults = {"delete_on_empty": {"min_age_secs": 60}}
    s2.request("PATCH", f"/v1/basins/{s2.basin}", {"default_stream_config": defaults})
    create(s2, {"delete_on_empty": own})
    stored = s2.request("GET", "/v1/streams/s").json
    assert stored["delete_on_empty"] == {"min_age_secs": 0}
    assert s2.request("PUT", "/v1/streams/s", {"delete_on_empty": own}).result == "noop"


@control_case(59)
def test_the_defaults_of_the_system(s2: Client) -> None:
    """Where neither the stream nor its basin says anything (§5.2)."""
    create(s2)
    config = s2.request("GET", "/v1/streams/s").json
    assert config == SYSTEM_DEFAULTS
    assert list(config) == list(SYSTEM_DEFAULTS)


@control_case(78)
def test_the_cipher_is_that_of_the_basin_at_creation(s2: Client) -> None:
    """A stream keeps the cipher that its basin had when it was made (§5.4)."""
    path = f"/v1/basins/{s2.basin}"
    ciphers = ("aegis-256", "aes-256-gcm", None)
    for cipher in ciphers:
        s2.request("PATCH", path, {"stream_cipher": cipher})
        assert create(s2, stream=f"with {cipher}").json["cipher"] == cipher
    for cipher in ciphers:
        s2.request("PUT", f"/v1/streams/with%20{cipher}", {"storage_class": "standard"})
    listing = s2.request("GET", "/v1/streams").json["streams"]
    assert {info["name"]: info["cipher"] for info in listing} == {
        f"with {cipher}": cipher for cipher in ciphers
    }


@pytest.mark.parametrize("storage_class", ["standard", "Express", "", "é", "x" * 300, "nul\0"])
def test_any_word_is_a_storage_class(s2: Client, storage_class: str) -> None:
    """The storage class is free text, kept as it is (§5.3; s2-lite since 0.43)."""
    assert create(s2, {"storage_class": storage_class}).status == 201
    assert s2.request("GET", "/v1/streams/s").json["storage_class"] == storage_class
