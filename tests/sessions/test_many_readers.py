"""A hundred and one readers at once, and one writer: all see every record, in order."""

from contextlib import ExitStack

from s2mock import Stream
from s2mock.api.wire.messages import ReadBatch
from s2mock.contract.records import Stream as Remote
from s2mock.contract.records import acks, append_input, frame
from s2mock.contract.sessions import Session
from tests.sessions.endings import released
from tests.time.watched_clock import WatchedClock

READERS = 101


def test_tailing(remote: Remote, stream: Stream, clock: WatchedClock) -> None:
    with ExitStack() as still_open:
        readers = [
            still_open.enter_context(remote.read_session() if number % 2 else remote.sse())
            for number in range(READERS)
        ]
        clock.await_waiters(READERS)
        assert stream.readers == READERS
        # No other request waits for them.
        writer = still_open.enter_context(remote.append_session())
        sizes = [1, 3, 2] * 12
        for size in sizes:
            writer.send(frame(append_input(*[b"x"] * size)))
        writer.half_close()
        assert acks(writer, len(sizes))[-1] == (sum(sizes) - sizes[-1], sum(sizes))
        assert remote.tail_ok()["seq_num"] == sum(sizes)

        for reader in readers:
            assert _received(reader, sum(sizes)) == list(range(sum(sizes)))
    assert released(stream)


def test_waiting_for_one_record(remote: Remote, stream: Stream, clock: WatchedClock) -> None:
    with ExitStack() as still_open:
        polls = [still_open.enter_context(remote.poll(wait=60)) for _ in range(READERS)]
        clock.await_waiters(READERS)
        assert remote.append_ok("the one")["end"]["seq_num"] == 1

        for poll in polls:
            answer = poll.answer()
            assert [record["body"] for record in answer.json["records"]] == ["the one"]
            assert answer.json["tail"]["seq_num"] == 1
    assert released(stream)


def test_catching_up(remote: Remote, stream: Stream) -> None:
    """All of them over the same log, each at its own pace."""
    for _ in range(20):
        stream.append([b"x"] * 100)
    with ExitStack() as still_open:
        readers = [
            still_open.enter_context(remote.read_session(seq_num=number, until=2**63))
            for number in range(READERS)
        ]
        for number, reader in enumerate(readers):
            assert _received(reader, 2000 - number) == list(range(number, 2000))
            assert list(reader.frames()) == []
    assert released(stream)


def _received(reader: Session, count: int) -> list[int]:
    seq_nums: list[int] = []
    sse = reader.headers["content-type"] == "text/event-stream"
    outputs = reader.events() if sse else reader.frames()
    while len(seq_nums) < count:
        output = next(outputs)
        if not sse:
            seq_nums += [record.seq_num for record in output.message(ReadBatch).records]
        elif output.name == "batch":
            seq_nums += [record["seq_num"] for record in output.json["records"]]
    return seq_nums
