"""Streams that come into being by use. Source: reference: data_plane §8.4, §14."""

import base64

import pytest

from s2mock import (
    Basin,
    BasinConfig,
    BasinNotFound,
    S2Mock,
    Stream,
    StreamConfig,
    StreamDeletionPending,
    StreamNotFound,
)
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.rules.append import OpenAppendSession
from s2mock.registry.rules.read import Read
from s2mock.registry.values.config import SYSTEM_DEFAULTS
from s2mock.registry.values.errors import BasinDeletionPending, InvalidName
from tests.handles_inside import incarnation_of

KEY = base64.b64encode(bytes(32)).decode()
CONFIG = StreamConfig(storage_class="standard", retention_policy=3600)


def basin_that_creates(mock: S2Mock, *, on: str | None) -> Basin:
    return mock.create_basin(
        "my-basin",
        BasinConfig(
            default_stream_config=CONFIG,
            stream_cipher="aegis-256",
            create_stream_on_append=on == "append",
            create_stream_on_read=on == "read",
        ),
    )


def open_stream(
    mock: S2Mock, name: str, *, create_on: str, config: StreamConfig | None = None
) -> Stream:
    """Open a stream as an append or a read does."""
    if create_on == "append":
        operation = OpenAppendSession("my-basin", name, key=KEY, config=config)
        opened = mock.account.engine.carry_out(operation).incarnation
    else:
        reading = Read("my-basin", name, ReadRequest(), key=KEY, config=config, is_session=True)
        session = mock.account.engine.carry_out(reading)
        session.close()
        opened = session._incarnation
    stream = mock.account.stream("my-basin", name)
    assert incarnation_of(stream) == opened
    return stream


@pytest.mark.parametrize("operation", ["append", "read"])
def test_created(mock: S2Mock, operation: str) -> None:
    basin = basin_that_creates(mock, on=operation)
    stream = open_stream(mock, "s", create_on=operation)

    assert basin.streams == ("s",)
    assert basin.stream("s") == stream
    assert stream.config == CONFIG.merge(SYSTEM_DEFAULTS)
    assert stream.config.retention_policy == 3600
    assert stream.cipher == "aegis-256"
    assert stream.tail == (0, 0)


@pytest.mark.parametrize(
    ("operation", "on"),
    [("append", "read"), ("read", "append"), ("append", None), ("read", None)],
)
def test_not_created(mock: S2Mock, operation: str, on: str | None) -> None:
    """Each flag is for its own operations."""
    basin = basin_that_creates(mock, on=on)
    with pytest.raises(StreamNotFound, match="stream `s` in basin `my-basin` not found"):
        open_stream(mock, "s", create_on=operation)

    assert basin.streams == ()


def test_a_stream_that_is_there(mock: S2Mock) -> None:
    basin = basin_that_creates(mock, on="append")
    made = basin.create_stream("s", StreamConfig(retention_policy="infinite"))
    opened = open_stream(mock, "s", create_on="append", config=StreamConfig("x"))

    assert opened == made
    assert made.config.storage_class == "standard"


def test_configuration_of_the_request(mock: S2Mock) -> None:
    """Laid over the basin's default, leaf by leaf."""
    basin_that_creates(mock, on="append")
    wanted = StreamConfig(timestamping_mode="arrival", storage_class="express")
    stream = open_stream(mock, "s", create_on="append", config=wanted)

    assert stream.config.timestamping_mode == "arrival"
    assert stream.config.storage_class == "express"
    assert stream.config.retention_policy == 3600


def test_basin_that_is_missing(mock: S2Mock) -> None:
    with pytest.raises(BasinNotFound):
        open_stream(mock, "s", create_on="append")


def test_name_that_is_none(mock: S2Mock) -> None:
    basin = basin_that_creates(mock, on="append")
    with pytest.raises(InvalidName):
        open_stream(mock, "x" * 513, create_on="append")
    assert basin.streams == ()


class TestPendingDeletions:
    @pytest.fixture
    def mock(self) -> S2Mock:
        return S2Mock(deletion_delay=float("inf"))

    def test_of_the_stream(self, mock: S2Mock) -> None:
        basin_that_creates(mock, on="append").create_stream("s").delete()
        with pytest.raises(StreamDeletionPending):
            open_stream(mock, "s", create_on="append")

    @pytest.mark.parametrize(
        ("on", "error"), [("append", BasinDeletionPending), (None, StreamNotFound)]
    )
    def test_of_the_basin(self, mock: S2Mock, on: str | None, error: type[Exception]) -> None:
        """Existing streams go on; a missing one is refused as the flag says."""
        basin = basin_that_creates(mock, on=on)
        stream = basin.create_stream("there")
        basin.delete()

        assert open_stream(mock, "there", create_on="append") == stream
        with pytest.raises(error):
            open_stream(mock, "s", create_on="append")
