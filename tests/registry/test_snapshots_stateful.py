"""Many accounts that come from each other, each against a model of its own that shares nothing.

Snapshots are taken, restored and forked in any order, and each account is written to. The models
are plain dictionaries that are copied as a whole; what the accounts share they must not see.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from s2mock import (
    AppendRecord,
    ManualClock,
    S2Mock,
    Snapshot,
    StaleHandle,
    Stream,
    StreamConfig,
    StreamDeletionPending,
    StreamNotFound,
)

pytestmark = pytest.mark.slow

DELAY = 10
AGES = [None, 20]
BASINS = ["basin-one", "basin-two"]

numbers = count()


@dataclass
class StreamModel:
    number: int
    age: int | None
    # Sequence number, body, and the account's time when it is over.
    records: list[tuple[int, bytes, int | None]] = field(default_factory=list)
    tail: int = 0
    token: str = ""
    gone_at: int | None = None

    def write(self, bodies: list[bytes], time: int) -> None:
        for body in bodies:
            expires = None if self.age is None else time + self.age
            self.records.append((self.tail, body, expires))
            self.tail += 1


@dataclass
class State:
    """What a snapshot has, by the account's own time."""

    time: int = 0
    streams: dict[tuple[str, str], StreamModel] = field(default_factory=dict)

    def settle(self) -> None:
        for key, stream in [*self.streams.items()]:
            if stream.gone_at is not None and stream.gone_at <= self.time:
                del self.streams[key]

    def bodies(self, key: tuple[str, str]) -> list[tuple[int, bytes]]:
        return [
            (seq_num, body)
            for seq_num, body, expires in self.streams[key].records
            if expires is None or expires > self.time
        ]


@dataclass
class Twin:
    """An account and its model."""

    mock: S2Mock
    state: State
    restored: int = 0
    # The streams that it began with, last.
    origin: set[int] = field(default_factory=set)

    def stream(self, key: tuple[str, str]) -> Stream:
        return self.mock.basin(key[0]).stream(key[1])

    def check(self) -> None:
        self.state.settle()
        for basin in BASINS:
            names = sorted(name for where, name in self.state.streams if where == basin)
            assert list(self.mock.basin(basin).streams) == names
        for key, model in self.state.streams.items():
            if model.gone_at is None:
                stream = self.stream(key)
                found = [(record.seq_num, record.body) for record in stream.records]
                assert found == self.state.bodies(key)
                assert (stream.tail.seq_num, stream.fencing_token) == (model.tail, model.token)

    def start_over(self, state: State) -> None:
        self.state = deepcopy(state)
        self.restored += 1
        self.origin = {stream.number for stream in state.streams.values()}


keys = st.tuples(st.sampled_from(BASINS), st.sampled_from("abc"))
# A chunk of the log holds 1024 records.
sizes = st.sampled_from([1, 1, 1, 3, 500, 1000])


class Family(RuleBasedStateMachine):
    twins = Bundle("twins")
    snapshots = Bundle("snapshots")
    handles = Bundle("handles")

    @initialize(target=twins)
    def begin(self) -> Twin:
        mock = S2Mock(basins=BASINS, clock=ManualClock(1000), deletion_delay=DELAY)
        self.all = [Twin(mock, State())]
        return self.all[0]

    def _add(self, mock: S2Mock, state: State) -> Twin:
        self.all.append(Twin(mock, State()))
        self.all[-1].start_over(state)
        return self.all[-1]

    # The origin of each account.

    @rule(target=twins, twin=twins)
    def fork(self, twin: Twin) -> Twin:
        return self._add(twin.mock.fork(), twin.state)

    @rule(target=snapshots, twin=twins)
    def snapshot(self, twin: Twin) -> tuple[Snapshot, State]:
        return twin.mock.snapshot(), deepcopy(twin.state)

    @rule(twin=twins, snapshot=snapshots)
    def restore(self, twin: Twin, snapshot: tuple[Snapshot, State]) -> None:
        twin.mock.restore(snapshot[0])
        twin.start_over(snapshot[1])

    @rule(target=twins, snapshot=snapshots, start=st.sampled_from([None, 5, 10**9]))
    def begin_with(self, snapshot: tuple[Snapshot, State], start: int | None) -> Twin:
        clock = ManualClock(start)
        mock = S2Mock(snapshot=snapshot[0], clock=clock, deletion_delay=DELAY)
        return self._add(mock, snapshot[1])

    # What becomes of each.

    @rule(twin=twins, key=keys, age=st.sampled_from(AGES))
    def create(self, twin: Twin, key: tuple[str, str], age: int | None) -> None:
        twin.state.settle()
        config = StreamConfig(retention_policy="infinite" if age is None else age)
        known = twin.state.streams.get(key)
        if known is None:
            twin.mock.basin(key[0]).create_stream(key[1], config)
            twin.state.streams[key] = StreamModel(next(numbers), age)
        elif known.gone_at is not None:
            with pytest.raises(StreamDeletionPending):
                twin.mock.basin(key[0]).create_stream(key[1], config)
        else:
            twin.mock.basin(key[0]).ensure_stream(key[1], config)
            known.age = age

    @rule(twin=twins, basin=st.sampled_from(BASINS), number=st.sampled_from([1, 30, 1100]))
    def create_many(self, twin: Twin, basin: str, number: int) -> None:
        """So that the map of names grows; a bucket of it holds 1024."""
        if len(twin.state.streams) > 2500:
            return
        for _ in range(number):
            made = StreamModel(next(numbers), None)
            name = f"many-{made.number * 2_654_435_761 % 2**32}"
            twin.mock.basin(basin).create_stream(name, StreamConfig(retention_policy="infinite"))
            twin.state.streams[basin, name] = made

    @rule(twin=twins, key=keys, size=sizes, times=st.integers(1, 3))
    def append(self, twin: Twin, key: tuple[str, str], size: int, times: int) -> None:
        if (model := self._living(twin, key)) is None:
            return
        for _ in range(times):
            bodies = [b"%d" % next(numbers) for _ in range(size)]
            assert twin.stream(key).append(bodies).start.seq_num == model.tail
            model.write(bodies, twin.state.time)

    @rule(twin=twins, key=keys, token=st.sampled_from(["", "t", "u"]))
    def fence(self, twin: Twin, key: tuple[str, str], token: str) -> None:
        if (model := self._living(twin, key)) is not None:
            twin.stream(key).append([AppendRecord.fence(token)], fencing_token=model.token)
            model.write([token.encode()], twin.state.time)
            model.token = token

    @rule(twin=twins, key=keys, back=st.sampled_from([0, 1, 2, 1000, 1500]))
    def trim(self, twin: Twin, key: tuple[str, str], back: int) -> None:
        if (model := self._living(twin, key)) is not None:
            point = max(0, model.tail - back)
            twin.stream(key).append([AppendRecord.trim(point)])
            model.write([point.to_bytes(8, "big")], twin.state.time)
            model.records = [record for record in model.records if record[0] >= point]

    @rule(twin=twins, key=keys)
    def delete(self, twin: Twin, key: tuple[str, str]) -> None:
        if (model := self._living(twin, key)) is not None:
            twin.stream(key).delete()
            model.gone_at = twin.state.time + DELAY

    @rule(twin=twins, seconds=st.sampled_from([1, 4, DELAY, 19, 20, 100]))
    def turn_the_clock(self, twin: Twin, seconds: int) -> None:
        assert isinstance(twin.mock.clock, ManualClock)
        twin.mock.clock.advance(seconds)
        twin.state.time += seconds

    # What is seen.

    @rule(twin=twins)
    def look(self, twin: Twin) -> None:
        twin.check()

    @rule(target=handles, twin=twins, key=keys)
    def keep_a_handle(self, twin: Twin, key: tuple[str, str]) -> Any:
        twin.state.settle()
        model = twin.state.streams.get(key)
        if model is None:
            return None
        return twin, key, twin.stream(key), model.number, twin.restored

    @rule(handle=handles)
    def use_a_handle(self, handle: Any) -> None:
        if handle is None:
            return
        twin, key, stream, number, restored = handle
        twin.state.settle()
        model = twin.state.streams.get(key)
        if model is not None and model.number == number:
            assert stream.info.name == key[1]
        elif restored == twin.restored or number in twin.origin:
            with pytest.raises(StreamNotFound):
                _ = stream.info
        else:
            with pytest.raises(StaleHandle):
                _ = stream.info

    def teardown(self) -> None:
        for twin in getattr(self, "all", ()):
            twin.check()

    def _living(self, twin: Twin, key: tuple[str, str]) -> StreamModel | None:
        twin.state.settle()
        model = twin.state.streams.get(key)
        return None if model is None or model.gone_at is not None else model


TestFamily = Family.TestCase
TestFamily.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
