"""`S2Mock(clock=...)` and the marker's `clock=`: all of the account's time is that clock's."""

import pytest

from s2mock import ManualClock, S2Mock, SystemClock
from s2mock.runtime.clock import NANOSECONDS

HEADERS = {"s2-basin": "my-basin"}
EIGHT_DAYS = 8 * 24 * 60 * 60
# 2030-05-01T12:00:00Z
START = 1_903_867_200


def test_time_of_everything() -> None:
    mock = S2Mock(clock=ManualClock(START), basins=["my-basin"])
    client = mock.client
    client.post("/v1/streams", json={"stream": "s"}, headers=HEADERS)
    mock.clock.advance(1.5)
    ack = client.post(
        "/v1/streams/s/records", json={"records": [{"body": "a"}]}, headers=HEADERS
    ).json

    [stream] = client.get("/v1/streams", headers=HEADERS).json["streams"]
    assert stream["created_at"].startswith("2030-05-01T12:00:00")
    assert ack["start"]["timestamp"] == START * 1000 + 1500
    [record] = mock.basin("my-basin").stream("s").records
    assert record.timestamp == START * 1000 + 1500


def test_default() -> None:
    assert isinstance(S2Mock().clock, SystemClock)


def test_time_goes_on_through_a_reset() -> None:
    clock = ManualClock(START)
    mock = S2Mock(clock=clock, basins=["my-basin"])
    clock.advance(60)
    mock.reset()

    assert mock.clock is clock is mock.account.engine.clock
    assert mock.basin("my-basin").info.created_at == (START + 60) * NANOSECONDS


def test_one_clock_for_two_accounts() -> None:
    clock = ManualClock(START)
    mocks = [S2Mock(clock=clock, basins=["my-basin"], deletion_delay=30) for _ in range(2)]
    for mock in mocks:
        mock.basin("my-basin").delete()
    clock.advance(30)
    assert [mock.basins for mock in mocks] == [(), ()]


class TestMarker:
    @pytest.mark.s2_mock(clock=ManualClock(START), basins=["my-basin"])
    def test_clock(self, s2_mock: S2Mock) -> None:
        assert s2_mock.clock.now() == START * NANOSECONDS
        s2_mock.clock.advance(EIGHT_DAYS)
        assert s2_mock.clock.now() == (START + EIGHT_DAYS) * NANOSECONDS

    @pytest.mark.s2_mock(clock=ManualClock(START), basins=["my-basin"], deletion_delay=60)
    def test_deletion_delay_is_its_time(self, s2_mock: S2Mock) -> None:
        s2_mock.basin("my-basin").delete()
        s2_mock.clock.advance(59.9)
        assert s2_mock.basins == ("my-basin",)
        s2_mock.clock.advance(0.1)
        assert s2_mock.basins == ()

    @pytest.mark.s2_mock(clock=ManualClock(START), basins=["my-basin"])
    def test_over_the_socket(self, s2_mock: S2Mock) -> None:
        """The socket outlives the test, the clock does not."""
        import httpx

        stream = s2_mock.basin("my-basin").create_stream("s")
        stream.append([b"a"])
        s2_mock.clock.advance(EIGHT_DAYS)
        answer = httpx.get(f"{s2_mock.url}/v1/streams/s/records?seq_num=0", headers=HEADERS)
        assert (answer.status_code, answer.json()) == (200, {"records": []})

    def test_without(self, s2_mock: S2Mock) -> None:
        assert isinstance(s2_mock.clock, SystemClock)
