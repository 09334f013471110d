"""The account by direct calls: life of basins and streams, typed errors, handles that outlive them.

The rules themselves are tested over HTTP in tests/api; here it is that they hold without it.
"""

from typing import TYPE_CHECKING, Any, Unpack

import pytest

from s2mock import (
    Account,
    Basin,
    BasinConfig,
    BasinDeletionPending,
    BasinInfo,
    BasinNotFound,
    InvalidConfig,
    InvalidName,
    ManualClock,
    ResourceAlreadyExists,
    S2Error,
    Stream,
    StreamConfig,
    StreamDeletionPending,
    StreamInfo,
    StreamNotFound,
)
from s2mock.registry.rules.streams import GetStreamConfig, ReconfigureStream
from s2mock.registry.values.config import SYSTEM_DEFAULTS, StreamConfigChanges
from s2mock.registry.values.profile import DOCUMENTED
from tests.backends import Make
from tests.handles_inside import incarnation_of

if TYPE_CHECKING:
    from collections.abc import Callable

START = 1_704_067_200_000_000_000
SECOND = 1_000_000_000
WINDOW = 60.0

X = StreamConfig("x")
Y = StreamConfig("y")


def get_config(stream: Stream) -> StreamConfig:
    """The configuration as the operation gives it, of that very stream."""
    operation = GetStreamConfig(stream.basin.name, stream.name, incarnation_of(stream))
    config: StreamConfig = stream._backend.carry_out(operation, stream._place)
    return config


def reconfigure_stream(
    account: Any, name: str, **changes: Unpack[StreamConfigChanges]
) -> StreamConfig:
    """Reconfigure the stream that has the name."""
    operation = ReconfigureStream("my-basin", name, changes)
    config: StreamConfig = account._account_backend.carry_out(operation)
    return config


@pytest.fixture
def account(make: Make) -> Any:
    return Account(clock=ManualClock()) if make.is_in_process else make(clock="manual")


@pytest.fixture
def held(make: Make) -> Any:
    options: Any = {"deletion_delay": WINDOW}
    if make.is_in_process:
        return Account(clock=ManualClock(), **options)
    return make(clock="manual", **options)


def test_basin(account: Any) -> None:
    config = BasinConfig(X, "aegis-256")
    basin = account.create_basin("my-basin", config)
    assert basin.info == BasinInfo("my-basin", created_at=START, deleted_at=None)
    assert (basin.name, basin.config) == ("my-basin", config)
    assert account.basin("my-basin") == basin
    account.clock.advance(1)
    assert account.ensure_basin("my-basin", config) == basin
    assert account.ensure_basin("my-basin") == basin
    assert (basin.config, basin.info.created_at) == (BasinConfig(), START)
    changed = basin.reconfigure(create_stream_on_read=True, default_stream_config={})
    assert changed == basin.config == BasinConfig(create_stream_on_read=True)
    account.create_basin("aa-basin")
    assert account.basins == ("aa-basin", "my-basin")
    basin.delete()
    assert account.basins == ("aa-basin",)
    missing = r"^basin `my-basin` not found\ndid you mean the basin `aa-basin`\?$"
    with pytest.raises(BasinNotFound, match=missing):
        account.basin("my-basin")


def test_stream(account: Any) -> None:
    basin = account.create_basin("my-basin", BasinConfig(X, "aegis-256"))
    account.clock.advance(1)
    stream = basin.create_stream("s", StreamConfig(timestamping_uncapped=True))
    assert stream.info == StreamInfo("s", START + SECOND, None, "aegis-256")
    expected = StreamConfig("x", 604_800, "client-prefer", True, 0)
    assert stream.config == stream.config == expected
    assert basin.stream("s") == account.stream("my-basin", "s") == stream
    assert basin.ensure_stream("s") == stream
    assert stream.config == X.merge(SYSTEM_DEFAULTS)
    assert stream.reconfigure(retention_policy="infinite", storage_class=None) == stream.config
    assert (stream.config.retention_policy, stream.config.storage_class) == ("infinite", "x")
    assert reconfigure_stream(account, "s", storage_class="z").storage_class == "z"
    basin.create_stream("a")
    assert basin.streams == ("a", "s")
    stream.delete()
    assert basin.streams == ("a",)
    missing = r"^stream `s` in basin `my-basin` not found\nthe streams in that basin are `a`$"
    with pytest.raises(StreamNotFound, match=missing):
        basin.stream("s")


def test_request_tokens(account: Any) -> None:
    basin = account.create_basin("my-basin", request_token="t")
    assert account.create_basin("my-basin", BasinConfig(), request_token="t") == basin
    for config, token in [(None, None), (None, "u"), (BasinConfig(X), "t")]:
        with pytest.raises(ResourceAlreadyExists, match=r"^basin `my-basin` already exists$"):
            account.create_basin("my-basin", config, request_token=token)
    stream = basin.create_stream("s", X, request_token="")
    assert basin.create_stream("s", X, request_token="") == stream
    for config, token in [(X, None), (X, "u"), (Y, ""), (None, "")]:
        text = "^stream `s` in basin `my-basin` already exists$"
        with pytest.raises(ResourceAlreadyExists, match=text):
            basin.create_stream("s", config, request_token=token)
    for create in (account.create_basin, basin.create_stream):
        with pytest.raises(InvalidName, match="longer than 36 bytes in length: 38"):
            create("new-name", request_token="é" * 19)
    assert (account.basins, basin.streams) == (("my-basin",), ("s",))


@pytest.mark.parametrize("name", ["short", "", "Nope-nope", "x" * 49])
def test_bad_basin_name(account: Any, name: str) -> None:
    calls: list[Callable[[str], object]] = [
        account.basin,
        account.create_basin,
        account.ensure_basin,
        lambda name: account.basin(name).list_streams(),
        lambda name: account.stream(name, "s"),
    ]
    for call in calls:
        with pytest.raises(InvalidName):
            call(name)
    assert account.basins == ()


@pytest.mark.parametrize("name", ["", ".", "..", "a\0", "é" * 257, "\ud800"], ids=ascii)
def test_bad_stream_name(account: Any, name: str) -> None:
    basin = account.create_basin("my-basin")
    calls: list[Callable[[str], object]] = [
        basin.stream,
        basin.create_stream,
        basin.ensure_stream,
        lambda name: reconfigure_stream(account, name),
        lambda name: account.stream("my-basin", name),
    ]
    for call in calls:
        with pytest.raises(InvalidName):
            call(name)
    assert basin.streams == ()


def test_reconfiguration_that_is_refused_changes_nothing(account: Any) -> None:
    basin = account.create_basin("my-basin", BasinConfig(X))
    stream = basin.create_stream("s")
    before = basin.config, stream.config
    with pytest.raises(InvalidConfig, match=r"^age must be greater than 0 seconds$"):
        stream.reconfigure(storage_class="z", retention_policy=0)
    with pytest.raises(InvalidConfig):
        basin.reconfigure(create_stream_on_read=True, default_stream_config={"retention_policy": 0})
    assert (basin.config, stream.config) == before


class TestWindow:
    """A deletion that is pending, and what it leaves behind."""

    def test_stream(self, held: Any) -> None:
        basin = held.create_basin("my-basin")
        stream = basin.create_stream("s", request_token="t")
        held.clock.advance(1)
        stream.delete()
        stream.delete()
        held.clock.advance(WINDOW - 1)
        assert stream.info == StreamInfo("s", START, START + SECOND, None)
        assert (basin.streams, basin.stream("s")) == (("s",), stream)
        for call in (
            lambda: get_config(stream),
            stream.reconfigure,
            lambda: reconfigure_stream(held, "s"),
            lambda: basin.create_stream("s", request_token="t"),
            lambda: basin.ensure_stream("s"),
        ):
            with pytest.raises(StreamDeletionPending, match=r"^stream deletion pending$"):
                call()
        held.clock.advance(1)
        assert basin.streams == ()
        new = basin.create_stream("s", request_token="t")
        assert (new != stream, new.info.created_at) == (True, START + 61 * SECOND)

    def test_basin(self, held: Any) -> None:
        basin = held.create_basin("my-basin", request_token="t")
        stream = basin.create_stream("s")
        held.clock.advance(1)
        basin.delete()
        basin.delete()
        held.clock.advance(WINDOW - 1)
        assert basin.info == BasinInfo("my-basin", START, START + SECOND)
        assert (held.basins, held.basin("my-basin")) == (("my-basin",), basin)
        assert stream.config == stream.config
        for call in (
            lambda: held.create_basin("my-basin", request_token="t"),
            lambda: held.ensure_basin("my-basin"),
            basin.reconfigure,
            lambda: basin.create_stream("t"),
            lambda: basin.ensure_stream("s"),
            lambda: reconfigure_stream(held, "s"),
            stream.reconfigure,
        ):
            with pytest.raises(BasinDeletionPending, match=r"^basin `my-basin` is being deleted$"):
                call()
        held.clock.advance(1)
        assert held.basins == ()
        new = held.create_basin("my-basin", request_token="t")
        assert (new != basin, new.info.created_at) == (True, START + 61 * SECOND)
        assert new.streams == ()

    def test_stream_and_then_its_basin(self, held: Any) -> None:
        basin = held.create_basin("my-basin")
        stream = basin.create_stream("s")
        basin.delete()
        held.clock.advance(1)
        stream.delete()
        held.clock.advance(WINDOW - 1)
        assert held.basins == ()
        new = held.create_basin("my-basin").create_stream("s")
        # What was due for the old stream does nothing to the new one.
        held.clock.advance(1)
        assert held.stream("my-basin", "s") == new

    def test_that_never_ends(self, clock: ManualClock) -> None:
        account = Account(clock=clock, deletion_delay=float("inf"))
        account.create_basin("my-basin").delete()
        clock.advance(1e9)
        assert account.basins == ("my-basin",)


def outlived(account: Any, kind: str) -> tuple[Basin, Stream]:
    basin = account.create_basin("my-basin")
    stream = basin.create_stream("s")
    (basin if kind == "basin" else stream).delete()
    return basin, stream


def test_handle_of_a_deleted_stream(account: Any) -> None:
    basin, stream = outlived(account, "stream")
    new = basin.create_stream("s")
    for call in (lambda: get_config(stream), stream.reconfigure, stream.delete):
        with pytest.raises(StreamNotFound):
            call()
    # The handle is of what it was of, not of what now has the name.
    assert basin.stream("s") == new
    assert new.config == SYSTEM_DEFAULTS


def test_handle_of_a_deleted_basin(account: Any) -> None:
    basin, stream = outlived(account, "basin")
    new = account.create_basin("my-basin")
    calls: list[Callable[[], object]] = [
        basin.reconfigure,
        basin.delete,
        basin.list_streams,
        lambda: basin.create_stream("s"),
        lambda: basin.ensure_stream("s"),
        lambda: basin.streams,
        lambda: basin.config,
        lambda: basin.info,
    ]
    for call in calls:
        with pytest.raises(BasinNotFound):
            call()
    calls = [
        lambda: get_config(stream),
        stream.delete,
        stream.reconfigure,
        lambda: stream.append([b"a"]),
        lambda: stream.config,
        lambda: stream.info,
        lambda: basin.stream("s"),
    ]
    for call in calls:
        with pytest.raises(StreamNotFound):
            call()
    assert new.streams == ()


def test_reconfiguration_where_no_basin_has_the_name(account: Any) -> None:
    _, stream = outlived(account, "basin")
    for call in (stream.reconfigure, lambda: reconfigure_stream(account, "s")):
        with pytest.raises(BasinNotFound):
            call()


def test_missing(account: Any) -> None:
    with pytest.raises(BasinNotFound):
        account.basin("no-such-basin").list_streams()
    # For a stream it is the stream that is missing, in any basin.
    with pytest.raises(StreamNotFound, match="stream `s` in basin `no-such-basin` not found"):
        account.stream("no-such-basin", "s")


def test_documented_profile() -> None:
    account = Account(profile=DOCUMENTED)
    basin = account.create_basin("my-basin", request_token="t")
    assert account.create_basin("my-basin", BasinConfig(X), request_token="t") == basin
    stream = basin.create_stream("s", X, request_token="t")
    assert basin.create_stream("s", Y, request_token="t") == stream
    assert stream.config.storage_class == "x"
    with pytest.raises(ResourceAlreadyExists):
        basin.create_stream("s", X, request_token="u")
    with pytest.raises(ResourceAlreadyExists):
        basin.create_stream("s", X)


@pytest.mark.parametrize("delay", [-1, -0.001, float("-inf"), float("nan")])
def test_bad_deletion_delay(delay: float) -> None:
    with pytest.raises(ValueError, match="deletion_delay must be 0 or more seconds"):
        Account(deletion_delay=delay)


def test_reprs_name_the_thing(account: Any) -> None:
    basin, stream = outlived(account, "stream")
    assert repr(basin) == "<Basin 'my-basin'>"
    assert repr(stream) == "<Stream 's' in 'my-basin'>"


def test_every_error_is_an_s2_error() -> None:
    for error in (
        BasinNotFound("b"),
        StreamNotFound("b", "s"),
        ResourceAlreadyExists("x"),
        BasinDeletionPending("b"),
        StreamDeletionPending(),
        InvalidConfig("x"),
        InvalidName("x"),
    ):
        assert isinstance(error, S2Error)
        assert error.body() == {"code": error.code, "message": str(error)}


def test_metrics_leave_direct_calls_out(make: Make) -> None:
    mock = make(clock="manual")
    mock.create_basin("my-basin").create_stream("s").append(["a", "b"])

    mock.advance(60)
    # A manual clock starts with the year 2024.
    minute = {"start": 1_704_067_200, "end": 1_704_067_260}

    answer = mock.client.get(
        "/v1/metrics/my-basin",
        query_string={"set": "append-ops", "interval": "minute", **minute},
        headers={"authorization": f"Bearer {mock.token}"},
    )

    assert answer.status_code == 200
    assert [one["accumulation"]["values"] for one in answer.json["values"]] == [[], []]
