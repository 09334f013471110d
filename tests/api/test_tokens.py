"""Creates of one name at the same time, and replays with `profile="documented"`.

The rules of replays are in the contract suite. Source: reference: control_plane §4.3, §5.5.
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
    """A basin or a stream, by the form of its create."""

    root: str
    key: str
    name: str
    exists: str
    config: dict[str, Any]


BASINS = Kind(
    "/v1/basins",
    "basin",
    "new-basin",
    "basin `new-basin` already exists",
    {"create_stream_on_append": True},
)
STREAMS = Kind(
    "/v1/streams",
    "stream",
    "s",
    f"stream `s` in basin `{BASIN}` already exists",
    {"storage_class": "standard"},
)

both = pytest.mark.parametrize("kind", [BASINS, STREAMS], ids=["basin", "stream"])


def create(api: Api, kind: Kind, config: Any, *, token: str | None = None) -> Reply:
    document = {kind.key: kind.name, "config": config}
    return api.call("POST", kind.root, document, headers={"s2-request-token": token})


def is_taken(reply: Reply, kind: Kind) -> bool:
    return reply.refuses(409, "resource_already_exists", kind.exists)


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
        replay = documented.create_stream("s", {"storage_class": "express"}, token="t")
        assert (replay.result, replay.json) == ("noop", made.json)
        assert is_taken(create(documented, STREAMS, STREAMS.config, token="u"), STREAMS)
        assert is_taken(create(documented, STREAMS, STREAMS.config), STREAMS)
        assert documented.everything() == before

    def test_config_with_an_invalid_value_is_a_400(self, documented: Api) -> None:
        before = documented.everything()
        zero = {"retention_policy": {"age": 0}}
        text = "age must be greater than 0 seconds"
        assert create(documented, STREAMS, zero).refuses(400, "bad_json", text)
        assert documented.call("PUT", "/v1/streams/s", zero).refuses(400, "bad_json", text)
        assert documented.everything() == before
