"""What a client sees of each fault in a session: of appends, of a read by frames and by events."""

import json
from typing import Any

import pytest

from s2mock import Answer, Cut, Drain, Drop, Fail, Fault, S2Mock
from s2mock.powers import response_faults
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, Way, bodies, headers_of
from tests.powers.frames import RECONNECT, TERMINAL, append_frame, frames
from tests.sessions.h2_client import H2Client

BOUNDED = f"{RECORDS}?seq_num=0&count=5"
ONE_TO_FIVE = ["1", "2", "3", "4", "5"]


@pytest.fixture
def five(mock: S2Mock) -> None:
    """Five records, in two appends."""
    log = mock.basin(BASIN).stream("log")
    log.append(ONE_TO_FIVE[:3])
    log.append(ONE_TO_FIVE[3:])


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the five seconds for which a drained session is still served."""
    assert response_faults._DRAIN_SECONDS == 5.0
    monkeypatch.setattr(response_faults, "_DRAIN_SECONDS", 0.2)


def events(data: bytes) -> list[tuple[str, Any]]:
    """Name and document of the complete events."""
    found = []
    for block in data.split(b"\n\n")[:-1]:
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n"))
        if b"event" in fields:
            found.append((fields[b"event"].decode(), json.loads(fields[b"data"])))
    return found


def told(data: bytes) -> list[str]:
    """The bodies of the records in events."""
    return [
        record["body"]
        for name, document in events(data)
        if name == "batch"
        for record in document["records"]
    ]


def append_all(way: Way, *batches: str) -> tuple[bytes, bool]:
    content = b"".join(map(append_frame, batches))
    return way.session(RECORDS, FRAMES, "POST", content)


@pytest.mark.usefixtures("five")
class TestReadOfFrames:
    @pytest.mark.sample(3)
    @pytest.mark.parametrize("count", range(6))
    def test_fails_after_so_many_records(self, mock: S2Mock, way: Way, count: int) -> None:
        mock.inject(Fail("storage", message="lost a disk", records=count), on="read")
        received, broke_off = way.session(BOUNDED, FRAMES)
        assert not broke_off
        *batches, terminal = frames(received)
        assert [body for frame in batches for body in frame.bodies] == ONE_TO_FIVE[:count]
        assert terminal.flag == TERMINAL
        assert int.from_bytes(terminal.payload[:2], "big") == 500
        assert json.loads(terminal.payload[2:]) == {"code": "storage", "message": "lost a disk"}

    def test_fails_at_its_end_where_fewer_come(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Fail("storage", records=100), on="read")
        *batches, terminal = frames(way.session(BOUNDED, FRAMES)[0])
        assert sum(len(frame.bodies) for frame in batches) == 5
        assert terminal.flag == TERMINAL

    @pytest.mark.sample(3)
    @pytest.mark.parametrize("count", range(6))
    def test_breaks_off_between_two_frames(self, mock: S2Mock, way: Way, count: int) -> None:
        mock.inject(Cut(records=count), on="read")
        received, broke_off = way.session(BOUNDED, FRAMES)
        assert broke_off
        assert [body for frame in frames(received) for body in frame.bodies] == ONE_TO_FIVE[:count]

    @pytest.mark.parametrize("size", [0, 1, 10])
    def test_breaks_off_inside_a_frame(self, mock: S2Mock, way: Way, size: int) -> None:
        whole, _ = way.session(BOUNDED, FRAMES)
        mock.inject(Cut(bytes=size), on="read")
        received, broke_off = way.session(BOUNDED, FRAMES)
        assert broke_off
        assert received == whole[:size]

    def test_breaks_off_in_place_of_its_end(self, mock: S2Mock, way: Way) -> None:
        whole, broke_off = way.session(BOUNDED, FRAMES)
        assert not broke_off
        mock.inject(Cut(bytes=len(whole)), on="read")
        assert way.session(BOUNDED, FRAMES) == (whole, True)

    @pytest.mark.parametrize("fault", [Drop(), Drop(committed=True)])
    def test_is_dropped_without_a_head(self, mock: S2Mock, way: Way, fault: Drop) -> None:
        mock.inject(fault, on="read")
        assert way.session(BOUNDED, FRAMES) == (b"", True)
        assert mock.journal.of("read")[0].response is None

    @pytest.mark.parametrize("count", [None, 0, 1, 3, 4])
    def test_is_advised_to_reconnect_and_served_on(
        self, mock: S2Mock, way: Way, count: int | None
    ) -> None:
        mock.inject(Drain(records=count), on="read")
        received, broke_off = way.session(BOUNDED, FRAMES)
        assert not broke_off
        found = list(frames(received))
        assert [body for frame in found for body in frame.bodies] == ONE_TO_FIVE
        [advised] = [number for number, frame in enumerate(found) if frame.flag & RECONNECT]
        before = [body for frame in found[:advised] for body in frame.bodies]
        assert before == ONE_TO_FIVE[: count or 0]

    def test_a_connection_that_drains_ends_with_goaway(self, mock: S2Mock) -> None:
        mock.inject(Drain(), on="read")
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            stream = client.open("GET", BOUNDED, FRAMES)
            assert [frame.flag & RECONNECT for frame in frames(client.rest(stream))] == [RECONNECT]
            assert client.until_goaway() == 0

    @pytest.mark.usefixtures("short_limit")
    def test_a_client_that_does_not_leave_gets_the_error_after_its_time(
        self, mock: S2Mock, http1: Way
    ) -> None:
        mock.inject(Drain(), on="read")
        received, broke_off = http1.session(f"{RECORDS}?seq_num=0", FRAMES)
        assert not broke_off
        *_, terminal = frames(received)
        assert terminal.flag == TERMINAL
        assert json.loads(terminal.payload[2:])["code"] == "server_draining"


@pytest.mark.usefixtures("five")
class TestReadOfEvents:
    @pytest.mark.sample(3)
    @pytest.mark.parametrize("count", range(6))
    def test_fails_after_so_many_records(self, mock: S2Mock, way: Way, count: int) -> None:
        mock.inject(Fail("storage", message="lost a disk", records=count), on="read")
        received, broke_off = way.session(BOUNDED, EVENTS)
        assert not broke_off
        assert told(received) == ONE_TO_FIVE[:count]
        assert events(received)[-1] == ("error", {"code": "storage", "message": "lost a disk"})
        assert b"[DONE]" not in received

    @pytest.mark.sample(3)
    @pytest.mark.parametrize("count", range(6))
    def test_breaks_off_between_two_events(self, mock: S2Mock, way: Way, count: int) -> None:
        mock.inject(Cut(records=count), on="read")
        received, broke_off = way.session(BOUNDED, EVENTS)
        assert broke_off
        assert told(received) == ONE_TO_FIVE[:count]

    @pytest.mark.sample(3)
    def test_breaks_off_inside_an_event_and_is_resumed(self, mock: S2Mock, way: Way) -> None:
        """As a browser's EventSource does it, by `Last-Event-ID`, without gap or duplicate."""
        whole, _ = way.session(BOUNDED, EVENTS)
        for size in range(0, len(whole), 7):
            mock.inject(Cut(bytes=size), on="read")
            received, broke_off = way.session(BOUNDED, EVENTS)
            assert broke_off
            headers = dict(EVENTS)
            # A browser forgets the event that was not complete.
            ids = [
                line.removeprefix(b"id: ").decode()
                for block in received.split(b"\n\n")[:-1]
                for line in block.split(b"\n")
                if line.startswith(b"id: ")
            ]
            if ids:
                headers["last-event-id"] = ids[-1]
            rest, broke_off = way.session(BOUNDED, headers)
            assert not broke_off
            assert told(received) + told(rest) == ONE_TO_FIVE

    @pytest.mark.parametrize("count", [None, 0, 2])
    def test_a_server_that_drains_says_so(self, mock: S2Mock, way: Way, count: int | None) -> None:
        mock.inject(Drain(records=count), on="read")
        received, broke_off = way.session(BOUNDED, EVENTS)
        assert not broke_off
        assert told(received) == ONE_TO_FIVE[: count or 0]
        name, document = events(received)[-1]
        assert (name, document["code"]) == ("error", "server_draining")


class TestAppends:
    def test_the_opening_fails(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Fail("unavailable"), on="append-session")
        assert way("POST", RECORDS, content=append_frame("a"), headers=FRAMES).status == 503
        assert bodies(mock) == []

    @pytest.mark.parametrize("committed", [False, True])
    def test_a_batch_fails(self, mock: S2Mock, way: Way, committed: bool) -> None:
        mock.inject(Fail("unavailable", committed=committed), on="append", skip=1)
        received, broke_off = append_all(way, "a", "b", "c")
        assert not broke_off
        ack, terminal = frames(received)
        assert ack.acked == (0, 1)
        assert terminal.flag == TERMINAL
        assert json.loads(terminal.payload[2:])["code"] == "unavailable"
        assert bodies(mock) == (["a", "b"] if committed else ["a"])

    @pytest.mark.parametrize("committed", [False, True])
    def test_an_acknowledgement_is_lost(self, mock: S2Mock, way: Way, committed: bool) -> None:
        mock.inject(Drop(committed=committed), on="append", skip=1)
        received, broke_off = append_all(way, "a", "b", "c")
        assert broke_off
        assert [frame.acked for frame in frames(received)] == [(0, 1)]
        assert bodies(mock) == (["a", "b"] if committed else ["a"])

    @pytest.mark.parametrize("size", [0, 2, 1000])
    def test_an_acknowledgement_breaks_off(self, mock: S2Mock, way: Way, size: int) -> None:
        mock.inject(Cut(bytes=size), on="append", skip=1)
        received, broke_off = append_all(way, "a", "b", "c")
        assert broke_off
        first = 3 + int.from_bytes(received[:3], "big")
        assert len(list(frames(received))) == 1
        assert len(received) - first == size or size == 1000
        assert bodies(mock) == ["a", "b"]

    def test_a_session_breaks_off(self, mock: S2Mock, way: Way) -> None:
        whole, _ = append_all(way, "a", "b")
        mock.inject(Cut(bytes=len(whole) // 2), on="append-session")
        received, broke_off = append_all(way, "c", "d")
        assert broke_off
        assert len(received) == len(whole) // 2

    @pytest.mark.parametrize("on", ["append", "append-session"])
    def test_advised_to_reconnect_and_served_on(self, mock: S2Mock, way: Way, on: str) -> None:
        mock.inject(Drain(), on=on)
        received, broke_off = append_all(way, "a", "b", "c")
        assert not broke_off
        flags = [frame.flag for frame in frames(received)]
        assert flags == [RECONNECT, 0, 0]
        assert bodies(mock) == ["a", "b", "c"]

    def test_the_connection_ends_when_the_client_has_ended(self, mock: S2Mock) -> None:
        mock.inject(Drain(), on="append", skip=1)
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            stream = client.open("POST", RECORDS, FRAMES, end=False)
            for body, flag in (("a", 0), ("b", RECONNECT), ("c", 0)):
                client.send(stream, append_frame(body))
                head = client.body(stream, 4)
                assert head[3] == flag
                client.body(stream, int.from_bytes(head[:3], "big") - 1)
            client.send(stream, end=True)
            assert client.rest(stream) == b""
            assert client.until_goaway() == 0
        assert bodies(mock) == ["a", "b", "c"]

    @pytest.mark.usefixtures("short_limit")
    def test_a_client_that_does_not_leave_gets_the_error_after_its_time(self, mock: S2Mock) -> None:
        mock.inject(Drain(), on="append")
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            stream = client.open("POST", RECORDS, FRAMES, end=False)
            client.send(stream, append_frame("a"))
            *_, terminal = frames(client.rest(stream))
            assert terminal.flag == TERMINAL
            assert json.loads(terminal.payload[2:])["code"] == "server_draining"
            assert client.until_goaway() == 0

    @pytest.mark.parametrize("fault", [Answer(502), Drop(refused=True)], ids=repr)
    def test_what_needs_an_answer_passes_batches_by(
        self, mock: S2Mock, way: Way, fault: Fault
    ) -> None:
        injected = mock.inject(fault, on="append", required=False)
        received, broke_off = append_all(way, "a", "b")
        assert not broke_off
        assert len(list(frames(received))) == 2
        assert injected.hits == 0
        with pytest.raises(TimeoutError, match="on='append-session' affects the opening"):
            injected.wait(timeout=0)
