"""Create and its replay: the same request with the same token is answered as it was.

The rules are the same for basins and streams. Source: reference: control_plane §4.3, §5.5.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NamedTuple

import pytest

from s2mock import ManualClock, S2Mock
from tests.calls import Api, Reply, over_wsgi
from tests.conftest import BASIN


class Kind(NamedTuple):
    """A basin or a stream, by what its create and its path look like."""

    root: str
    key: str
    name: str
    exists: str
    config: dict[str, Any]
    other: dict[str, Any]

    @property
    def path(self) -> str:
        return f"{self.root}/{self.name}"

    def put_body(self, config: dict[str, Any]) -> dict[str, Any]:
        return {"config": config} if self.key == "basin" else config


BASINS = Kind(
    "/v1/basins",
    "basin",
    "new-basin",
    "basin `new-basin` already exists",
    {"create_stream_on_append": True},
    {"create_stream_on_read": True},
)
STREAMS = Kind(
    "/v1/streams",
    "stream",
    "s",
    f"stream `s` in basin `{BASIN}` already exists",
    {"storage_class": "standard"},
    {"storage_class": "express"},
)

both = pytest.mark.parametrize("kind", [BASINS, STREAMS], ids=["basin", "stream"])


def create(
    api: Api, kind: Kind, config: Any = ..., *, token: str | None = None, name: str | None = None
) -> Reply:
    document = {kind.key: name or kind.name} | ({} if config is ... else {"config": config})
    return api.call("POST", kind.root, document, headers={"s2-request-token": token})


def is_taken(reply: Reply, kind: Kind) -> bool:
    return reply.refuses(409, "resource_already_exists", kind.exists)


@both
def test_same_token_and_config_is_the_same_create(s2: Api, kind: Kind, clock: ManualClock) -> None:
    first = create(s2, kind, kind.config, token="t")
    assert (first.status, first.result) == (201, "created")
    before = s2.everything()
    clock.advance(1)
    replay = create(s2, kind, kind.config, token="t")
    assert (replay.status, replay.result, replay.json) == (201, "noop", first.json)
    assert s2.everything() == before


@both
@pytest.mark.parametrize("first", ["t", "", None])
@pytest.mark.parametrize("second", ["t", "", None])
def test_only_the_same_token_is_a_replay(
    s2: Api, kind: Kind, first: str | None, second: str | None
) -> None:
    made = create(s2, kind, token=first)
    before = s2.everything()
    reply = create(s2, kind, token=second)
    if first == second is not None:
        assert (reply.status, reply.result, reply.json) == (201, "noop", made.json)
    else:
        assert is_taken(reply, kind)
    assert s2.everything() == before


@both
def test_same_token_and_other_config_is_taken(s2: Api, kind: Kind) -> None:
    create(s2, kind, kind.config, token="t")
    before = s2.everything()
    assert is_taken(create(s2, kind, kind.other, token="t"), kind)
    assert is_taken(create(s2, kind, token="t"), kind)
    assert is_taken(create(s2, kind, kind.config, token="T"), kind)
    assert s2.everything() == before


@both
def test_made_by_ensure_is_no_create_to_replay(s2: Api, kind: Kind) -> None:
    made = s2.call("PUT", kind.path, headers={"s2-request-token": "t"})
    assert (made.status, made.result) == (201, "created")
    assert is_taken(create(s2, kind, token="t"), kind)


@both
def test_replay_does_not_see_later_changes_nor_undo_them(s2: Api, kind: Kind) -> None:
    made = create(s2, kind, kind.config, token="t")
    assert s2.call("PUT", kind.path, kind.put_body(kind.other)).result == "updated"
    assert s2.call("PATCH", kind.path, kind.other).status == 200
    before = s2.everything()
    replay = create(s2, kind, kind.config, token="t")
    assert (replay.status, replay.result, replay.json) == (201, "noop", made.json)
    assert is_taken(create(s2, kind, kind.other, token="t"), kind)
    assert s2.everything() == before


def test_changed_basin_defaults_do_not_break_a_replay(s2: Api) -> None:
    s2.create_stream("s", token="t")
    defaults = {"default_stream_config": {"storage_class": "standard"}}
    assert s2.call("PATCH", f"/v1/basins/{BASIN}", defaults).status == 200
    assert s2.create_stream("s", token="t").result == "noop"
    # The same configuration, written out in full, is another request.
    s2.create_stream("s", defaults["default_stream_config"], token="t", expect=409)


@both
def test_token_belongs_to_the_name(s2: Api, kind: Kind) -> None:
    first = create(s2, kind, token="t")
    second = create(s2, kind, token="t", name=f"{kind.name}-2")
    assert (first.result, second.result) == ("created", "created")
    assert create(s2, kind, token="t").json == first.json


def test_token_belongs_to_the_basin(s2: Api) -> None:
    s2.create_basin("other-basin")
    assert s2.create_stream("s", token="t").result == "created"
    assert s2.within("other-basin").create_stream("s", token="t").result == "created"


@both
def test_replay_after_delete_creates_afresh(s2: Api, kind: Kind, clock: ManualClock) -> None:
    made = create(s2, kind, kind.config, token="t")
    clock.advance(1)
    assert s2.call("DELETE", kind.path).status == 202
    again = create(s2, kind, kind.config, token="t")
    assert (again.status, again.result) == (201, "created")
    assert again.json["created_at"] > made.json["created_at"]
    assert create(s2, kind, kind.config, token="t").json == again.json


# Requests that are equal, and requests that differ, when S2 compares them.
SAME_STREAM = [
    (..., None),
    (..., {}),
    (None, {"timestamping": {}}),
    ({}, {"storage_class": None, "retention_policy": None, "timestamping": None}),
    ({}, {"timestamping": {"mode": None, "uncapped": None}, "delete_on_empty": None}),
    ({}, {"unknown": 1}),
    ({"delete_on_empty": {}}, {"delete_on_empty": {"min_age_secs": 0}}),
    ({"retention_policy": {"infinite": {}}}, {"retention_policy": {"infinite": {"x": 1}}}),
]
OTHER_STREAM = [
    ({}, {"storage_class": "express"}),
    ({}, {"retention_policy": {"age": 604800}}),
    ({}, {"timestamping": {"mode": "client-prefer"}}),
    ({}, {"timestamping": {"uncapped": False}}),
    ({}, {"delete_on_empty": {}}),
    ({"retention_policy": {"age": 1}}, {"retention_policy": {"age": 2}}),
    ({"storage_class": "standard"}, {"storage_class": "Standard"}),
]


@pytest.mark.parametrize(
    ("kind", "left", "right", "same"),
    [
        *[(STREAMS, left, right, True) for left, right in SAME_STREAM],
        *[(STREAMS, left, right, False) for left, right in OTHER_STREAM],
        (BASINS, ..., None, True),
        (BASINS, ..., {"create_stream_on_append": False, "stream_cipher": None}, True),
        (BASINS, {}, {"default_stream_config": {"timestamping": {}}}, True),
        (BASINS, {}, {"default_stream_config": None}, True),
        (BASINS, {}, {"default_stream_config": {"delete_on_empty": {}}}, False),
        (BASINS, {}, {"default_stream_config": {"storage_class": "express"}}, False),
        (BASINS, {}, {"create_stream_on_read": True}, False),
        (BASINS, {}, {"stream_cipher": "aegis-256"}, False),
    ],
)
def test_which_configs_are_the_same(s2: Api, kind: Kind, left: Any, right: Any, same: bool) -> None:
    for first, second in ((left, right), (right, left)):
        made = create(s2, kind, first, token="t")
        reply = create(s2, kind, second, token="t")
        if same:
            assert (reply.status, reply.result, reply.json) == (201, "noop", made.json)
        else:
            assert is_taken(reply, kind)
        assert s2.call("DELETE", kind.path).status == 202


def test_location_is_no_part_of_the_request_that_is_compared(api: Api) -> None:
    for location in ("aws:us-east-1", "aws:us-west-2", None):
        document = {"basin": "new-basin", "location": location}
        reply = api.call("POST", "/v1/basins", document, headers={"s2-request-token": "t"})
        assert reply.result == ("created" if location == "aws:us-east-1" else "noop")


@both
@pytest.mark.parametrize("token", ["", " ", "t", "x" * 36, "a,b;c=d", "~!@#$%^&*()"])
def test_acceptable_token(s2: Api, kind: Kind, token: str) -> None:
    assert create(s2, kind, token=token).result == "created"
    assert create(s2, kind, token=token).result == "noop"


@both
@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("x" * 37, "request token was longer than 36 bytes in length: 37"),
        ("x" * 1000, "request token was longer than 36 bytes in length: 1000"),
        ("\u00e9", "not UTF-8"),
        ("\u00c3\u00a9", "not UTF-8"),  # UTF-8 it is; S2 says so of all that is not ASCII
    ],
)
def test_unacceptable_token(s2: Api, kind: Kind, token: str, reason: str) -> None:
    before = s2.everything()
    message = f"Invalid header `s2-request-token`: {reason}"
    assert create(s2, kind, token=token).refuses(400, "bad_header", message)
    assert s2.everything() == before


@both
def test_token_is_not_looked_at_elsewhere(s2: Api, kind: Kind) -> None:
    headers = {"s2-request-token": "x" * 37}
    assert s2.call("PUT", kind.path, headers=headers).status == 201
    assert s2.call("PATCH", kind.path, {}, headers=headers).status == 200
    assert s2.call("GET", kind.path, headers=headers).status == 200
    assert s2.call("DELETE", kind.path, headers=headers).status == 202


@both
@pytest.mark.parametrize("token", ["t", None])
def test_race_of_32_creates(mock: S2Mock, kind: Kind, token: str | None) -> None:
    mock.create_basin(BASIN)
    ready = Barrier(32)

    def race(_: int) -> Reply:
        api = Api(over_wsgi(mock.wsgi_app), BASIN)
        ready.wait()
        return create(api, kind, kind.config, token=token)

    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(race, range(32)))
    [winner] = [reply for reply in replies if reply.result == "created"]
    losers = [reply for reply in replies if reply is not winner]
    assert len(losers) == 31
    for reply in losers:
        if token is None:
            assert is_taken(reply, kind)
        else:
            assert (reply.status, reply.result, reply.json) == (201, "noop", winner.json)


class TestDocumentedProfile:
    """Two corners of create stream in which the documentation says something else."""

    @pytest.fixture
    def documented(self, clock: ManualClock) -> Iterator[Api]:
        with S2Mock(profile="documented", clock=clock, basins=[BASIN]) as mock:
            yield Api(over_wsgi(mock.wsgi_app), BASIN)

    def test_token_alone_makes_the_replay(self, documented: Api) -> None:
        made = documented.create_stream("s", STREAMS.config, token="t")
        before = documented.everything()
        replay = documented.create_stream("s", STREAMS.other, token="t")
        assert (replay.result, replay.json) == ("noop", made.json)
        assert is_taken(create(documented, STREAMS, STREAMS.config, token="u"), STREAMS)
        assert is_taken(create(documented, STREAMS, STREAMS.config), STREAMS)
        assert documented.everything() == before

    def test_config_with_an_invalid_value_is_a_400(self, documented: Api) -> None:
        before = documented.everything()
        zero = {"retention_policy": {"age": 0}}
        text = "age must be greater than 0 seconds"
        assert create(documented, STREAMS, zero).refuses(400, "bad_json", text)
        assert documented.call("PUT", STREAMS.path, zero).refuses(400, "bad_json", text)
        assert documented.everything() == before
