"""What every test would write by hand: bodies, waiting for records, the two commands."""

import asyncio
import threading
from typing import Any

import pytest

from s2mock import AppendRecord, FencingTokenMismatch, Invalid, S2Mock, Stream, StreamNotFound
from tests.backends import Make
from tests.conftest import BASIN


@pytest.fixture
def mock(make: Make) -> Any:
    return make()


@pytest.fixture
def log(mock: S2Mock) -> Stream:
    return mock.create_basin(BASIN).create_stream("logs")


def test_a_stream_by_its_basin_and_name(mock: S2Mock, log: Stream) -> None:
    assert mock.stream(BASIN, "logs") == log
    with pytest.raises(StreamNotFound):
        mock.stream(BASIN, "log")
    with pytest.raises(StreamNotFound):
        mock.stream("no-such-basin", "logs")


def test_bodies_are_those_of_plain_records(log: Stream) -> None:
    assert log.bodies == ()
    log.append(["a", AppendRecord(b"b", headers=[("name", "value")])])
    log.fence("token")
    assert log.bodies == (b"a", b"b")
    assert len(log.records) == 3


def test_commands(log: Stream) -> None:
    log.append(["a", "b", "c"])
    assert log.fence("first").end.seq_num == 4
    assert log.fencing_token == "first"
    with pytest.raises(FencingTokenMismatch):
        log.append(["d"], fencing_token="second")
    assert log.trim(2).end.seq_num == 5
    assert log.bodies == (b"c",)
    with pytest.raises(Invalid):
        log.fence("x" * 37)
    with pytest.raises(TypeError):
        log.trim("2")  # type: ignore[arg-type]


def test_records_that_are_there_are_waited_for_no_longer(log: Stream) -> None:
    log.append(["a", "b"])
    assert log.wait_for(2, timeout=0) == log.wait_for(timeout=0) == log.records


def test_records_that_come(log: Stream) -> None:
    found = []
    waiting = threading.Thread(target=lambda: found.append(log.wait_for(3, timeout=60)))
    waiting.start()
    log.append(["a"])
    log.append(["b", "c"])
    waiting.join()
    assert [record.body for record in found[0]] == [b"a", b"b", b"c"]


def test_the_twin_for_asyncio(log: Stream) -> None:
    async def main() -> None:
        waiting = asyncio.create_task(log.async_wait_for(2, timeout=60))
        await asyncio.sleep(0)
        log.append(["a", "b"])
        assert len(await waiting) == 2
        with pytest.raises(TimeoutError, match="held 2 of 3 records within 0 s: b'a', b'b'$"):
            await log.async_wait_for(3, timeout=0)

    asyncio.run(main())


def test_a_wait_in_vain_reports_what_is_there(log: Stream) -> None:
    with pytest.raises(TimeoutError) as caught:
        log.wait_for(timeout=0)
    assert str(caught.value) == f"<Stream 'logs' in '{BASIN}'> held 0 of 1 records within 0 s"

    log.append([str(number) for number in range(12)])
    with pytest.raises(TimeoutError, match=r"held 12 of 13 records within 0 s: \.\.\., b'2', "):
        log.wait_for(13, timeout=0)


def test_a_stream_that_goes_away_is_not_waited_for(log: Stream) -> None:
    errors = []

    def wait() -> None:
        with pytest.raises(StreamNotFound) as caught:
            log.wait_for(timeout=60)
        errors.append(caught.value)

    waiting = threading.Thread(target=wait)
    waiting.start()
    log.delete()
    waiting.join()
    assert errors


@pytest.mark.parametrize(("count", "error"), [(0, ValueError), (True, TypeError), ("1", TypeError)])
def test_counts_that_make_no_sense(log: Stream, count: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="count must be"):
        log.wait_for(count)
