"""Append sessions over full-duplex HTTP/1.1. Source: reference: data_plane §6.1, §6.4."""

import pytest

from s2mock import S2Mock, Stream
from s2mock.api.wire.frames import FrameDecoder
from s2mock.api.wire.messages import AppendAck
from s2mock.contract.records import Stream as Remote
from s2mock.contract.records import acks, append_input, frame
from s2mock.contract.sessions import Session
from tests.sessions.endings import released, silent


def test_headers_before_any_frame(remote: Remote) -> None:
    with remote.append_session() as session:
        assert session.status == 200
        assert session.headers["content-type"] == "s2s/proto"
        assert session.headers["cache-control"] == "no-cache, no-transform"
        assert session.headers["x-accel-buffering"] == "no"
        assert "content-length" not in session.headers
        assert silent(session)


def test_each_ack_right_after_its_frame(remote: Remote, stream: Stream) -> None:
    """None is held back until another frame comes, or the end."""
    with remote.append_session() as session:
        for number in range(50):
            session.send(frame(append_input(b"a", b"b")))
            assert acks(session, 1) == [(2 * number, 2 * number + 2)]
            assert stream.tail.seq_num == 2 * number + 2
            assert silent(session)


def test_frames_cut_and_joined_at_will(remote: Remote) -> None:
    with remote.append_session() as session:
        assert session.status == 200
        whole = frame(append_input(b"cut"))
        for at in range(len(whole)):
            assert silent(session)
            session.send(whole[at : at + 1])
        assert acks(session, 1) == [(0, 1)]
        session.send(whole * 3 + whole[:4])
        assert acks(session, 3) == [(1, 2), (2, 3), (3, 4)]
        session.send(whole[4:])
        assert acks(session, 1) == [(4, 5)]


def test_half_close(remote: Remote) -> None:
    """What is pending is finished, and there is no terminal frame on success."""
    with remote.append_session() as session:
        for _ in range(40):
            session.send(frame(append_input(b"a")))
        session.half_close()
        assert acks(session, 40)[-1] == (39, 40)
        assert list(session.frames()) == []
    assert released()


def test_nothing_but_a_half_close(remote: Remote, stream: Stream) -> None:
    with remote.append_session() as session:
        session.half_close()
        assert (session.status, session.rest()) == (200, b"")
    assert stream.tail.seq_num == 0


def test_half_close_within_a_frame(remote: Remote, stream: Stream) -> None:
    with remote.append_session() as session:
        session.send(frame(append_input(b"a")) + b"\0\0")
        session.half_close()
        first, last = session.frames()
        assert first.message(AppendAck).end.seq_num == 1
        assert (last.status, last.error["code"]) == (400, "bad_frame")
        assert last.error["message"] == "bytes remaining on stream"
    assert stream.tail.seq_num == 1


def test_a_failure_ends_it_though_the_request_is_open(remote: Remote, stream: Stream) -> None:
    """Later inputs, also those already sent, are never applied."""
    with remote.append_session() as session:
        good, bad = frame(append_input(b"a")), frame(append_input(b"b", match_seq_num=99))
        session.send(good + bad + good)
        first, last = session.frames()
        assert first.message(AppendAck).end.seq_num == 1
        assert (last.status, last.error) == (412, {"seq_num_mismatch": 1})
    assert released()
    assert [record.body for record in stream.records] == [b"a"]


def test_others_have_a_turn_between_frames_that_came_together(mock: S2Mock) -> None:
    """At every piece that is said, a server may see to others."""
    mock.basin("my-basin").create_stream("t")
    answer = mock.client.post(
        "/v1/streams/t/records",
        headers={"s2-basin": "my-basin"},
        content_type="s2s/proto",
        data=frame(append_input(b"a")) * 1000,
        buffered=False,
    )
    counts = [len([*FrameDecoder().feed(piece)]) for piece in answer.iter_encoded()]
    assert sum(counts) == 1000
    assert max(counts) <= 50


def test_two_sessions_take_turns(remote: Remote) -> None:
    with remote.append_session() as one, remote.append_session() as two:
        for number in range(0, 20, 2):
            one.send(frame(append_input(b"1")))
            assert acks(one, 1) == [(number, number + 1)]
            two.send(frame(append_input(b"2")))
            assert acks(two, 1) == [(number + 1, number + 2)]


def test_a_long_pause(remote: Remote, mock: S2Mock) -> None:
    """There is no idle limit (§6.4)."""
    with remote.append_session() as session:
        session.send(frame(append_input(b"a")))
        assert acks(session, 1) == [(0, 1)]
        mock.clock.advance(7 * 24 * 60 * 60)
        session.send(frame(append_input(b"a")))
        assert acks(session, 1) == [(1, 2)]


class TestClientThatGoes:
    def test_idle(self, remote: Remote, stream: Stream) -> None:
        with remote.append_session() as session:
            assert session.status == 200
        assert released(stream)

    def test_before_it_read_the_headers(self, remote: Remote, stream: Stream) -> None:
        remote.append_session().close()
        assert released(stream)

    def test_within_a_frame(self, remote: Remote, stream: Stream) -> None:
        """What had come whole is appended; the rest is as if it had never come."""
        with remote.append_session() as session:
            session.send(frame(append_input(b"a")))
            assert acks(session, 1) == [(0, 1)]
            session.send(frame(append_input(b"b", b"c"))[:-1])
        assert released(stream)
        assert stream.tail.seq_num == 1

    @pytest.mark.slow
    def test_without_reading_an_ack(self, remote: Remote, stream: Stream) -> None:
        """It sends until neither side can go on, and both are released."""
        inputs = frame(append_input(b"x" * 100)) * 100
        with remote.append_session(timeout=0.3) as session:
            sent = _send_until_stuck(session, inputs)
        assert released(stream)
        # Not one input counts twice, and the log goes on.
        tail = stream.tail.seq_num
        assert tail == len(stream.records) <= sent * 100
        assert stream.append([b"next"]).start.seq_num == tail

    def test_a_hundred_times(self, remote: Remote, stream: Stream) -> None:
        for number in range(100):
            with remote.append_session() as session:
                session.send(frame(append_input(b"a")))
                if number % 2:
                    assert acks(session, 1)
        assert released(stream)
        assert 50 <= stream.tail.seq_num <= 100


def _send_until_stuck(session: Session, data: bytes) -> int:
    """How often the data was sent, the last time in part."""
    for number in range(1, 10_000):
        try:
            session.send(data)
        except TimeoutError:
            return number
    raise AssertionError("the server takes any amount of data")
