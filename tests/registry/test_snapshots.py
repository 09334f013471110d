"""Snapshots: values of an account, to go back to and to fork from. Sources: control_plane §5."""

import threading
from pathlib import Path
from typing import Any

import pytest

from s2mock import (
    AppendRecord,
    Basin,
    BasinConfig,
    BasinNotFound,
    ManualClock,
    ResourceAlreadyExists,
    S2Mock,
    Snapshot,
    StaleHandle,
    Stream,
    StreamConfig,
    StreamDeletionPending,
    StreamNotFound,
    SystemClock,
)
from s2mock.api.wire.messages import AppendInput
from s2mock.registry.rules.append import Append, OpenAppendSession
from s2mock.registry.values.errors import Unavailable
from s2mock.registry.values.records import AppendInput as Batch
from s2mock.runtime.clock import NANOSECONDS
from tests.backends import Make
from tests.calls import Api, over_wsgi
from tests.observing import Toy, in_a_thread
from tests.records.reads import open_read
from tests.records.staged_clock import StagedClock
from tests.time.watched_clock import PATIENCE

DAY = 24 * 60 * 60


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000_000_000)


@pytest.fixture
def mock(clock: ManualClock) -> S2Mock:
    return S2Mock(basins=["my-basin"], clock=clock)


@pytest.fixture
def basin(mock: S2Mock) -> Basin:
    return mock.basin("my-basin")


@pytest.fixture
def stream(basin: Basin) -> Stream:
    stream = basin.create_stream("s")
    stream.append([b"a"])
    return stream


def everything(mock: S2Mock) -> Any:
    """All that can be seen of the account."""
    api = Api(over_wsgi(mock.wsgi_app))
    seen = api.everything()
    for name in mock.basins:
        basin = mock.basin(name)
        for stream in map(basin.stream, basin.streams):
            if stream.info.deleted_at is None:
                seen[name, stream.name] = stream.records, stream.tail, stream.fencing_token
    return seen


def bodies(stream: Stream) -> list[bytes]:
    return [record.body for record in stream.records]


class TestValue:
    def test_does_not_change_with_the_account(
        self, mock: S2Mock, basin: Basin, stream: Stream
    ) -> None:
        before, snapshot = everything(mock), mock.snapshot()
        stream.append([AppendRecord.fence("t")])
        stream.append([AppendRecord.trim(2)])
        stream.reconfigure(storage_class="express")
        basin.reconfigure(create_stream_on_read=True)
        basin.create_stream("other")
        mock.create_basin("other-basin")
        assert everything(mock) != before
        mock.restore(snapshot)
        assert everything(mock) == before
        stream.delete()
        basin.delete()
        mock.restore(snapshot)
        assert everything(mock) == before

    def test_is_taken_again_and_again(self, mock: S2Mock, stream: Stream) -> None:
        """Each is what was there when it was taken, and not what came of another one."""
        taken = [(mock.snapshot(), everything(mock))]
        for number in range(20):
            stream.append([b"%d" % number])
            mock.basin("my-basin").create_stream(f"stream-{number}")
            taken.append((mock.snapshot(), everything(mock)))
        for snapshot, seen in [*taken, *reversed(taken)]:
            mock.restore(snapshot)
            assert everything(mock) == seen

    def test_holds_request_tokens(self, mock: S2Mock, basin: Basin) -> None:
        made = basin.create_stream("tokened", request_token="mine")
        mock.restore(mock.snapshot())
        assert basin.create_stream("tokened", request_token="mine") == made
        with pytest.raises(ResourceAlreadyExists):
            basin.create_stream("tokened", request_token="another's")

    def test_holds_fencing_tokens(self, mock: S2Mock, stream: Stream) -> None:
        stream.append([AppendRecord.fence("mine")])
        snapshot = mock.snapshot()
        stream.append([AppendRecord.fence("")], fencing_token="mine")
        mock.restore(snapshot)
        assert stream.fencing_token == "mine"

    def test_goes_to_other_accounts(self, mock: S2Mock, stream: Stream) -> None:
        snapshot, before = mock.snapshot(), everything(mock)
        others = [S2Mock(snapshot=snapshot) for _ in range(3)]
        for number, other in enumerate(others):
            other.basin("my-basin").stream("s").append([b"%d" % number])
        stream.append([b"mine"])
        assert bodies(stream) == [b"a", b"mine"]
        for number, other in enumerate(others):
            assert bodies(other.basin("my-basin").stream("s")) == [b"a", b"%d" % number]
        assert everything(S2Mock(snapshot=snapshot)) == before

    @pytest.mark.usefixtures("stream")
    def test_is_shared_by_threads(self, mock: S2Mock, basin: Basin) -> None:
        """Nothing of it is written to, also not to put its names in order."""
        for number in range(3000):
            basin.create_stream(f"stream-{number}")
        assert len(basin.streams) == 3001
        for number in range(30):
            # Out of order, the more so as the order has been asked for.
            basin.create_stream(f"later-{number}")
        snapshot, ready = mock.snapshot(), threading.Barrier(4)

        def use(number: int) -> tuple[tuple[str, ...], list[bytes]]:
            ready.wait(PATIENCE)
            fork = S2Mock(snapshot=snapshot)
            fork.basin("my-basin").create_stream(f"mine-{number}")
            fork.basin("my-basin").stream("s").append([b"%d" % number])
            fork.restore(snapshot)
            fork.basin("my-basin").stream("s").append([b"%d" % number])
            return fork.basin("my-basin").streams, bodies(fork.basin("my-basin").stream("s"))

        using = [in_a_thread(lambda number=number: use(number)) for number in range(4)]
        for number, (thread, answers) in enumerate(using):
            thread.join(PATIENCE)
            assert answers == [(basin.streams, [b"a", b"%d" % number])]

    def test_has_few_public_members(self, mock: S2Mock) -> None:
        names = [name for name in dir(mock.snapshot()) if not name.startswith("_")]
        assert names == ["from_bytes", "load", "save", "time", "to_bytes"]
        assert repr(mock.snapshot()) == "<Snapshot of 1 basin>"

    def test_knows_its_time(self, mock: S2Mock, clock: ManualClock) -> None:
        clock.advance(5)
        snapshot = mock.snapshot()
        clock.advance(5)
        assert snapshot.time == 1_000_000_005 * NANOSECONDS
        mock.restore(snapshot)
        # By the clock, however often what is due was moved.
        assert mock.snapshot().time == 1_000_000_010 * NANOSECONDS


@pytest.mark.usefixtures("stream")
class TestEquality:
    def test_of_an_unchanged_account(self, mock: S2Mock, clock: ManualClock) -> None:
        one = mock.snapshot()
        clock.advance(DAY)
        other = mock.snapshot()
        assert one.time != other.time
        assert one == other
        assert hash(one) == hash(other)

    @pytest.mark.parametrize(
        "change",
        [
            lambda mock, _: mock.create_basin("other-basin"),
            lambda mock, _: mock.basin("my-basin").create_stream("t"),
            lambda _, stream: stream.append([b"b"]),
            lambda _, stream: stream.append([AppendRecord.trim(1)]),
            lambda _, stream: stream.reconfigure(storage_class="standard"),
            lambda mock, _: mock.issue_token("reader", basins={"prefix": ""}, ops=["read"]),
            lambda mock, _: mock.client.put("/v1/locations/default", json="aws:us-west-2"),
        ],
        ids=["basin", "stream", "record", "trim", "configuration", "token", "location"],
    )
    def test_ends_with_a_change(self, mock: S2Mock, stream: Stream, change: Any) -> None:
        before = mock.snapshot()
        change(mock, stream)
        assert mock.snapshot() != before

    def test_of_a_file(self, mock: S2Mock) -> None:
        mock.issue_token("reader", basins={"prefix": ""}, ops=["read"], expires_in=3600)
        snapshot = mock.snapshot()
        assert Snapshot.from_bytes(snapshot.to_bytes(), "the file") == snapshot

    def test_of_a_restored_account(self, mock: S2Mock, stream: Stream) -> None:
        before = mock.snapshot()
        stream.append([b"b"])
        mock.restore(before)
        assert mock.snapshot() == before

    def test_what_is_due_moves_with_a_restore(self, mock: S2Mock, clock: ManualClock) -> None:
        before = mock.snapshot()
        clock.advance(60)
        mock.restore(before)
        assert mock.snapshot() != before

    def test_with_something_else(self, mock: S2Mock) -> None:
        assert mock.snapshot() != b"a snapshot"


class TestHandles:
    def test_live_on_where_their_stream_is_in_it(
        self, mock: S2Mock, basin: Basin, stream: Stream
    ) -> None:
        snapshot = mock.snapshot()
        stream.append([b"b"])
        mock.restore(snapshot)
        assert bodies(stream) == [b"a"]
        assert basin.streams == ("s",)
        assert basin.stream("s") == stream
        stream.append([b"c"])
        assert bodies(stream) == [b"a", b"c"]

    def test_come_back_to_life(self, mock: S2Mock, basin: Basin, stream: Stream) -> None:
        snapshot = mock.snapshot()
        basin.delete()
        with pytest.raises(StreamNotFound):
            _ = stream.records
        mock.restore(snapshot)
        assert bodies(stream) == [b"a"]
        assert basin.info.name == "my-basin"

    @pytest.mark.usefixtures("stream")
    def test_say_so_where_it_is_not(self, mock: S2Mock, basin: Basin) -> None:
        snapshot = mock.snapshot()
        later, other = basin.create_stream("later"), mock.create_basin("other-basin")
        mock.restore(snapshot)
        for use in (lambda: later.records, lambda: later.append([b"x"]), later.delete):
            with pytest.raises(StaleHandle, match="<Stream 'later' in 'my-basin'> is from before"):
                use()
        for use in (lambda: other.config, other.delete, other.list_streams):
            with pytest.raises(StaleHandle, match="<Basin 'other-basin'> is from before"):
                use()

    def test_are_of_none_that_has_their_name_now(self, mock: S2Mock, basin: Basin) -> None:
        snapshot = mock.snapshot()
        before = basin.create_stream("later")
        mock.restore(snapshot)
        after = basin.create_stream("later")
        assert before != after
        with pytest.raises(StaleHandle):
            before.append([b"x"])
        assert after.records == ()

    def test_whose_stream_goes_later_say_just_that(
        self, mock: S2Mock, basin: Basin, stream: Stream
    ) -> None:
        """They have lived on: what ended their stream is its deletion."""
        mock.restore(mock.snapshot())
        basin.stream("s").delete()
        with pytest.raises(StreamNotFound):
            _ = stream.records
        mock.basin("my-basin").delete()
        with pytest.raises(BasinNotFound):
            _ = basin.info

    def test_end_with_a_reset(self, mock: S2Mock, basin: Basin, stream: Stream) -> None:
        mock.restore(mock.snapshot())
        mock.reset()
        for use in (lambda: stream.records, lambda: basin.info, lambda: basin.create_stream("t")):
            with pytest.raises(StaleHandle, match=r"reset\(\) or restore\(\)"):
                use()
        # One of the account as it is now is told the truth.
        stream = mock.basin("my-basin").create_stream("s")
        stream.delete()
        with pytest.raises(StreamNotFound):
            _ = stream.records

    def test_outlive_the_end_of_the_mock(self, mock: S2Mock, stream: Stream) -> None:
        """A test may look at what is there when the server has been stopped."""
        mock.close()
        assert bodies(stream) == [b"a"]
        stream.delete()
        with pytest.raises(StreamNotFound):
            _ = stream.records


class TestSessions:
    """They are none of a snapshot's, and end as by a deletion."""

    def test_reads(self, mock: S2Mock, stream: Stream) -> None:
        follower, behind = open_read(stream, kind="seq_num"), open_read(stream)
        outputs = iter(follower)
        assert [record.seq_num for record in next(outputs).records] == [0]
        assert next(outputs).records == ()
        assert stream.readers == 1
        mock.restore(mock.snapshot())
        assert stream.readers == 0
        for session in (outputs, iter(behind)):
            with pytest.raises(Unavailable):
                next(session)
        assert not mock.account.engine.sessions.waiters

    @pytest.mark.usefixtures("stream")
    @pytest.mark.openapi_unchecked(
        "S2 describes no read of a stream that is deleted during its wait"
    )
    def test_a_read_that_waits_in_another_thread(self, mock: S2Mock) -> None:
        assert isinstance(mock.clock, ManualClock)
        headers = {"s2-basin": "my-basin"}
        path = "/v1/streams/s/records?seq_num=1&wait=60"
        thread, answers = in_a_thread(lambda: mock.client.get(path, headers=headers))
        mock.clock.wait_for_waiters(1, timeout=PATIENCE)
        mock.restore(mock.snapshot())
        thread.join(PATIENCE)
        assert (answers[0].status_code, answers[0].json["code"]) == (503, "unavailable")

    def test_appends(self, mock: S2Mock, stream: Stream) -> None:
        account = mock.account
        opening = OpenAppendSession("my-basin", "s", key=None, config=None)
        target = account.engine.carry_out(opening)

        def append() -> None:
            batch = Batch([AppendRecord(b"x")])
            account.engine.carry_out(Append("my-basin", "s", batch, target=target))

        append()
        mock.restore(mock.snapshot())
        with pytest.raises(Unavailable):
            append()
        assert bodies(stream) == [b"a", b"x"]

    def test_an_append_that_is_held_meets_what_there_is(self, mock: S2Mock, stream: Stream) -> None:
        """It is no session: it is decided again, on what there is then."""
        snapshot = mock.snapshot()
        gate = Toy(mock).hold("commit", "append")
        message = AppendInput()
        message.records.add(body=b"held")
        headers = {"s2-basin": "my-basin", "content-type": "application/protobuf"}
        thread, answers = in_a_thread(
            lambda: mock.client.post(
                "/v1/streams/s/records", data=message.SerializeToString(), headers=headers
            )
        )
        assert gate.reached.wait(PATIENCE)
        stream.append([b"gone"])
        mock.restore(snapshot)
        gate.open()
        thread.join(PATIENCE)
        assert answers[0].json["start"]["seq_num"] == 1
        assert bodies(stream) == [b"a", b"held"]


class TestTime:
    """Dates stay as they are; what is due moves by the time since the snapshot."""

    def test_dates(self, mock: S2Mock, clock: ManualClock, stream: Stream) -> None:
        info, records, snapshot = stream.info, stream.records, mock.snapshot()
        clock.advance(100)
        mock.restore(snapshot)
        assert (stream.info, stream.records) == (info, records)
        stream.append([b"b"])
        assert stream.tail.timestamp == 1_000_000_100_000

    def test_expiry(self, mock: S2Mock, clock: ManualClock, basin: Basin) -> None:
        aged = basin.create_stream("aged", StreamConfig(retention_policy=60))
        aged.append([b"a"])
        clock.advance(40)
        aged.append([b"b"])
        snapshot = mock.snapshot()
        clock.advance(DAY)
        assert bodies(aged) == []
        mock.restore(snapshot)
        assert bodies(aged) == [b"a", b"b"]
        clock.advance(19)
        assert bodies(aged) == [b"a", b"b"]
        clock.advance(1)
        assert bodies(aged) == [b"b"]
        aged.append([b"c"])
        clock.advance(40)
        assert bodies(aged) == [b"c"]
        clock.advance(20)
        assert bodies(aged) == []

    def test_expiry_on_a_clock_that_is_behind(self, mock: S2Mock, basin: Basin) -> None:
        aged = basin.create_stream("aged", StreamConfig(retention_policy=60))
        aged.append([b"a"])
        clock = ManualClock(5)
        other = S2Mock(snapshot=mock.snapshot(), clock=clock).basin("my-basin").stream("aged")
        clock.advance(59)
        assert bodies(other) == [b"a"]
        clock.advance(1)
        assert bodies(other) == []

    def test_the_end_of_a_deletion(self, clock: ManualClock) -> None:
        mock = S2Mock(basins=["my-basin"], clock=clock, deletion_delay=60)
        basin = mock.basin("my-basin")
        stream = basin.create_stream("s")
        stream.delete()
        clock.advance(40)
        deleted, snapshot = stream.info.deleted_at, mock.snapshot()
        clock.advance(DAY)
        assert basin.streams == ()
        mock.restore(snapshot)
        assert stream.info.deleted_at == deleted
        clock.advance(19)
        with pytest.raises(StreamDeletionPending):
            basin.create_stream("s")
        clock.advance(1)
        assert basin.create_stream("s").tail.seq_num == 0

    def test_delete_on_empty(self, mock: S2Mock, clock: ManualClock, basin: Basin) -> None:
        config = StreamConfig(delete_on_empty_min_age=100)
        basin.create_stream("empty", config)
        clock.advance(90)
        snapshot = mock.snapshot()
        clock.advance(DAY)
        assert basin.streams == ()
        mock.restore(snapshot)
        clock.advance(9)
        assert basin.streams == ("empty",)
        # It looks only every minute.
        clock.advance(1 + 60)
        assert basin.streams == ()

    def test_moves_again_with_each(self, mock: S2Mock, clock: ManualClock, basin: Basin) -> None:
        aged = basin.create_stream("aged", StreamConfig(retention_policy=60))
        aged.append([b"a"])
        for _ in range(5):
            clock.advance(10)
            snapshot = mock.snapshot()
            clock.advance(DAY)
            mock.restore(snapshot)
        assert bodies(aged) == [b"a"]
        clock.advance(10)
        assert bodies(aged) == []

    def test_of_an_account_with_a_clock_of_the_machine(self, mock: S2Mock) -> None:
        aged = mock.basin("my-basin").create_stream("aged", StreamConfig(retention_policy=DAY))
        aged.append([b"old"])
        with S2Mock(snapshot=mock.snapshot()) as now:
            assert isinstance(now.clock, SystemClock)
            assert bodies(now.basin("my-basin").stream("aged")) == [b"old"]


class TestManualClock:
    @pytest.fixture
    def snapshot(self, mock: S2Mock) -> Snapshot:
        return mock.snapshot()

    def test_without_a_start_begins_there(self, snapshot: Snapshot) -> None:
        mock = S2Mock(snapshot=snapshot, clock=ManualClock())
        assert mock.clock.now() == snapshot.time == 1_000_000_000 * NANOSECONDS
        mock.clock.advance(1)
        mock.restore(snapshot)
        assert mock.clock.now() == snapshot.time + NANOSECONDS

    def test_begins_there_where_it_is_restored_at_once(self, snapshot: Snapshot) -> None:
        """As a fixture does that restores what another one has built."""
        mock = S2Mock(clock=ManualClock())
        mock.restore(snapshot)
        assert mock.clock.now() == snapshot.time

    def test_with_a_start_begins_there(self, snapshot: Snapshot) -> None:
        clock = ManualClock(2_000_000_000)
        S2Mock(snapshot=snapshot, clock=clock)
        assert clock.now() == 2_000_000_000 * NANOSECONDS

    @pytest.mark.parametrize("use", [ManualClock.now, lambda clock: clock.advance(0)])
    def test_that_has_been_used_stays(self, snapshot: Snapshot, use: Any) -> None:
        """It only goes forward."""
        clock = ManualClock()
        use(clock)
        S2Mock(snapshot=snapshot, clock=clock)
        assert clock.now() == 1_704_067_200 * NANOSECONDS

    def test_of_a_fork(self, mock: S2Mock, clock: ManualClock) -> None:
        clock.advance(7)
        fork = mock.fork()
        assert isinstance(fork.clock, ManualClock)
        assert fork.clock is not clock
        assert fork.clock.now() == clock.now()
        clock.advance(1)
        assert fork.clock.now() == clock.now() - NANOSECONDS


class TestFork:
    def test_goes_its_own_way(self, mock: S2Mock, stream: Stream) -> None:
        fork = mock.fork()
        other = fork.basin("my-basin").stream("s")
        stream.append([b"here"])
        other.append([b"there"])
        other.append([AppendRecord.fence("t")])
        fork.create_basin("new-basin")
        assert (bodies(stream), stream.fencing_token) == ([b"a", b"here"], "")
        assert (bodies(other), other.fencing_token) == ([b"a", b"there", b"t"], "t")
        assert (mock.basins, fork.basins) == (("my-basin",), ("my-basin", "new-basin"))

    def test_has_handles_of_its_own(self, mock: S2Mock, stream: Stream) -> None:
        fork = mock.fork()
        other = fork.basin("my-basin").stream("s")
        assert other != stream
        other.delete()
        assert bodies(stream) == [b"a"]

    def test_has_the_options_of_its_origin(self) -> None:
        origin = S2Mock(deletion_delay=float("inf"), profile="documented", cors=False)
        fork = origin.fork()
        assert fork.account.engine.settings.deletion_delay == float("inf")
        assert fork.account.engine.settings.profile == origin.account.engine.settings.profile
        answer = fork.client.get("/v1/basins")
        assert "access-control-allow-credentials" not in answer.headers

    def test_has_a_socket_of_its_own_when_asked(self) -> None:
        with S2Mock(basins=["my-basin"]) as origin:
            fork = origin.fork()
            assert not fork._connections.lazy_server.started
            assert fork.url != origin.url
            assert fork.token != origin.token

    def test_ends_with_its_origin(self) -> None:
        with S2Mock() as origin:
            fork = origin.fork()
            forked_again = fork.fork()
            assert forked_again.url
        assert not forked_again._connections.lazy_server.started

    def test_of_a_fork_begins_where_that_is(self, mock: S2Mock, stream: Stream) -> None:
        fork = mock.fork()
        fork.basin("my-basin").stream("s").append([b"b"])
        again = fork.fork()
        assert bodies(again.basin("my-basin").stream("s")) == [b"a", b"b"]
        assert bodies(stream) == [b"a"]

    def test_does_not_meet_the_followers_of_its_origin(self, mock: S2Mock, stream: Stream) -> None:
        session = iter(open_read(stream))
        assert next(session).records == ()
        other = mock.fork().basin("my-basin").stream("s")
        assert (stream.readers, other.readers) == (1, 0)
        other.append([b"there"])
        stream.append([b"here"])
        assert [record.body for record in next(session).records] == [b"here"]


class TestBeginning:
    def test_basins_beside_it(self, mock: S2Mock) -> None:
        with pytest.raises(
            ValueError, match="basins and snapshot both say what the account starts from"
        ):
            S2Mock(basins=["my-basin"], snapshot=mock.snapshot())
        assert S2Mock(basins=[], snapshot=mock.snapshot()).basins == ("my-basin",)

    @pytest.mark.parametrize("wrong", ["x", {}, S2Mock()], ids=["text", "dict", "mock"])
    def test_of_the_wrong_type(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match=r"takes a Snapshot, not "):
            S2Mock(snapshot=wrong)

    @pytest.mark.usefixtures("stream")
    def test_reset_goes_back_to_it(self, mock: S2Mock) -> None:
        other = S2Mock(snapshot=mock.snapshot(), clock=StagedClock())
        before = everything(other)
        other.basin("my-basin").stream("s").append([b"b"])
        other.create_basin("other-basin")
        other.reset()
        assert everything(other) == before

    @pytest.mark.usefixtures("stream")
    def test_reset_goes_back_to_nothing_else(self, mock: S2Mock) -> None:
        """What it was restored to since is not what it began with."""
        mock.restore(mock.snapshot())
        mock.reset()
        assert mock.basin("my-basin").streams == ()


def test_configurations_of_basins_are_in_it(mock: S2Mock, basin: Basin) -> None:
    config = BasinConfig(
        create_stream_on_append=True, default_stream_config=StreamConfig(retention_policy=5)
    )
    basin = mock.ensure_basin("my-basin", config)
    snapshot = mock.snapshot()
    basin.reconfigure(create_stream_on_append=False)
    mock.restore(snapshot)
    assert basin.config == config


def test_a_snapshot_goes_to_any_account(make: Make, tmp_path: Path) -> None:
    """Of this process or of a server, from either, and by a file."""
    mock = make(basins=[{"name": "my-basin", "streams": ["s"]}], clock="manual")
    stream = mock.stream("my-basin", "s")
    stream.append(["a"])
    before = mock.snapshot()
    assert before.time == mock.clock.now()
    stream.append(["b"])
    before.save(tmp_path / "account.jsonl")
    loaded = Snapshot.load(tmp_path / "account.jsonl")
    assert (loaded == before, loaded == mock.snapshot()) == (True, False)
    with S2Mock(snapshot=before) as here:
        assert here.stream("my-basin", "s").bodies == (b"a",)
        here.stream("my-basin", "s").append(["c"])
        mock.restore(here.snapshot())
        assert mock.stream("my-basin", "s").bodies == (b"a", b"c")
    mock.restore(loaded)
    assert mock.stream("my-basin", "s").bodies == (b"a",)
    assert make(snapshot=loaded).stream("my-basin", "s").bodies == (b"a",)
    mock.restore(before)
    assert stream.bodies == (b"a",)
