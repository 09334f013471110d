"""One stream under everything that can happen to it, against a model of its own.

Appends, reads of one batch and tails go through the HTTP app; followers are stepped in this
thread, on a clock that turns where they would wait.
"""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from s2mock import AppendRecord, BasinConfig, S2Error, S2Mock, StreamConfig
from s2mock.registry.log.batch import Batch
from s2mock.registry.rules.encryption import key_digest
from s2mock.registry.values.errors import ReadUnwritten
from tests.properties.stream_model import (
    FENCE,
    MAX_U64,
    TRIM,
    End,
    Given,
    Kept,
    Output,
    Reader,
    Refused,
    Rest,
    Settings,
    StreamModel,
    Wanted,
)
from tests.records.reads import following_of, open_read
from tests.records.staged_clock import StagedClock

pytestmark = pytest.mark.slow

KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2)]
TOKENS = ["", "a", "b"]

keys = st.sampled_from([KEYS[0], KEYS[0], KEYS[0], KEYS[1]])
ages = st.sampled_from([None, None, 5, 60, 3600])
modes = st.sampled_from(["client-prefer", "client-prefer", "client-require", "arrival"])
stream_settings = st.builds(Settings, modes, st.booleans(), ages)

# Times are drawn relative to the clock or the tail, as a pair: from where, and how far.
times = st.one_of(
    st.tuples(st.just("zero"), st.integers(0, 50)),
    st.tuples(st.just("now"), st.integers(-5000, 5000)),
    st.tuples(st.just("tail"), st.integers(-3, 3)),
)
headers = st.lists(st.tuples(st.binary(min_size=1, max_size=3), st.binary(max_size=3)), max_size=2)
plain = st.tuples(st.just("plain"), st.binary(max_size=6), headers)
fences = st.tuples(st.just("fence"), st.sampled_from(TOKENS), st.none())
trims = st.tuples(st.just("trim"), st.integers(-3, 3), st.sampled_from(["tail", "zero", "end"]))
records = st.tuples(st.one_of(plain, plain, plain, fences, trims), times | st.none())
batches = st.lists(records, min_size=1, max_size=4)

starts = st.one_of(
    st.tuples(st.just("tail_offset"), st.just("zero"), st.integers(0, 8)),
    st.tuples(st.just("seq_num"), st.just("zero"), st.integers(0, 4)),
    st.tuples(st.just("seq_num"), st.just("tail"), st.integers(-6, 2)),
    st.tuples(st.just("timestamp"), st.sampled_from(["zero", "now", "tail"]), st.integers(-3, 40)),
)
no_limits = st.just((None, None, None))
limits = st.tuples(st.none() | st.integers(0, 6), st.none() | st.integers(0, 60), st.none() | times)
waits = st.sampled_from([None, None, None, 0, 4, 9, 30, 100])


class OneStream(RuleBasedStateMachine):
    @initialize(first=stream_settings, encrypted=st.booleans())
    def create(self, first: Settings, encrypted: bool) -> None:
        self.clock = StagedClock()
        self.mock = S2Mock(clock=self.clock)
        cipher = "aes-256-gcm" if encrypted else None
        self.basin = self.mock.create_basin("my-basin", BasinConfig(stream_cipher=cipher))
        self.client = self.mock.client
        # Those that have not ended: what each should say, and what it does.
        self.followers: list[tuple[Reader, Iterator[Batch]]] = []
        self._create_stream(first)

    def _create_stream(self, chosen: Settings) -> None:
        self.stream = self.basin.create_stream("s", StreamConfig(**_as_config(chosen)))
        self.model = StreamModel(chosen, encrypted=self.stream.cipher is not None)

    # What changes the stream.

    @rule(
        batch=batches,
        match=st.sampled_from([None, 0, 0, 1, -1]),
        token=st.sampled_from([None, "right", "right", "a"]),
        key=keys,
    )
    def append(self, batch: list[Any], match: int | None, token: str | None, key: str) -> None:
        self._append(
            [self._given(what, time) for what, time in batch],
            match_seq_num=None if match is None else max(0, self.model.tail.seq_num + match),
            fencing_token=self.model.token if token == "right" else token,
            key=key,
        )

    @rule(appends=st.lists(batches, min_size=1, max_size=4), key=keys, looked_at=st.booleans())
    def append_without_conditions(
        self, appends: list[list[Any]], key: str, looked_at: bool
    ) -> None:
        """Followers may take what comes at once, or let it gather."""
        for batch in appends:
            self._append([self._given(what, time) for what, time in batch], key=key)
            if looked_at:
                self.step_all()

    @rule(sizes=st.sampled_from([[1] * 24, [1] * 26, [1] * 40, [1000], [400] * 3]), key=keys)
    def append_much(self, sizes: list[int], key: str) -> None:
        """So that a read needs several batches, or a follower falls behind."""
        now = self.clock.milliseconds
        for size in sizes:
            self.stream.append([AppendRecord(timestamp=now)] * size, encryption_key=key)
            self.model.append([Given(timestamp=now)] * size, self.clock.now(), key=key)

    def _append(self, batch: list[Given], *, key: str, **conditions: Any) -> None:
        document = {"records": [_as_json(given) for given in batch], **conditions}
        answer = self.client.post(
            "/v1/streams/s/records", json=document, headers=self._headers(key)
        )
        try:
            start, end = self.model.append(batch, self.clock.now(), key=key, **conditions)
        except Refused as refused:
            refused.is_answer(answer.status_code, answer.json)
        else:
            assert answer.status_code == 200, answer.text
            assert answer.json == {
                "start": start._asdict(),
                "end": end._asdict(),
                "tail": end._asdict(),
            }

    @rule(chosen=stream_settings)
    def reconfigure(self, chosen: Settings) -> None:
        self.stream.reconfigure(**_as_config(chosen))
        self.model.settings = chosen

    @precondition(lambda self: self.model.tail.seq_num > 20)
    @rule(chosen=stream_settings)
    def delete_and_create(self, chosen: Settings) -> None:
        self.stream.delete()
        self.model.delete(self.clock.now())
        self._create_stream(chosen)

    @rule(seconds=st.sampled_from([0.0005, 1, 4.9, 5, 10, 59, 3600]))
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # What looks at it.

    @rule(start=starts, clamp=st.booleans(), limits=no_limits | limits, wait=waits, key=keys)
    def read(self, *, key: str, **drawn: Any) -> None:
        wanted = self._wanted(**drawn)
        query = {name: value for name, value in vars(wanted).items() if value is not None}
        query[query.pop("kind")] = query.pop("start")
        query["clamp"] = str(wanted.clamp).lower()
        before = self.clock.now()
        answer = self.client.get(
            f"/v1/streams/s/records?{urlencode(query)}", headers=self._headers(key)
        )
        if wanted.kind == "timestamp" and wanted.until is not None and wanted.start >= wanted.until:
            assert (answer.status_code, answer.json["code"]) == (422, "invalid")
            return
        try:
            expected, waited = self._one_batch(wanted, key, before)
        except Refused as refused:
            refused.is_answer(answer.status_code, answer.json)
            return
        if isinstance(expected, End):
            assert (answer.status_code, answer.json["code"]) == (400, "decryption_failed")
            return
        assert answer.status_code == 200, answer.text
        got = [_from_json(record) for record in answer.json["records"]]
        assert got == [_shown(record) for record in expected]
        assert "tail" not in answer.json
        assert self.clock.now() - before == waited

    def _one_batch(self, wanted: Wanted, key: str, now: int) -> tuple[list[Kept] | End, int]:
        """What a read of one batch answers, and how long it takes."""
        wanted.count = min(1000, MAX_U64 if wanted.count is None else wanted.count)
        wanted.bytes = min(1 << 20, MAX_U64 if wanted.bytes is None else wanted.bytes)
        wanted.wait = None if wanted.wait is None else min(60, wanted.wait)
        reader = Reader.open(self.model, wanted, now, key=key)
        found: list[Kept] = []
        while isinstance(said := reader.next(now), Output):
            if found and not said.records:
                break
            found += said.records
        reader.is_following = False
        if isinstance(said, End) and said.error:
            return said, 0
        # No append comes while it waits, since there is one thread.
        return found, (reader.deadline or now) - now if isinstance(said, Rest) else 0

    @rule()
    def tail(self) -> None:
        answer = self.client.get("/v1/streams/s/records/tail", headers=self._headers(KEYS[0]))
        assert answer.json == {"tail": self.model.tail._asdict()}

    # Followers.

    @precondition(lambda self: len(self.followers) < 4)
    @rule(
        start=starts,
        clamp=st.booleans(),
        tells_tail=st.booleans(),
        limits=no_limits | no_limits | limits,
        wait=waits,
        key=keys,
    )
    def follow(self, *, tells_tail: bool, key: str, **drawn: Any) -> None:
        wanted = self._wanted(**drawn)
        now = self.clock.now()
        digest = key_digest(self.stream.cipher, key)
        try:
            reader = Reader.open(self.model, wanted, now, key=key, tells_tail=tells_tail)
        except Refused as refused:
            with pytest.raises(ReadUnwritten) as raised:
                open_read(self.stream, tell_tail=tells_tail, digest=digest, **vars(wanted))
            refused.is_answer(raised.value.status, raised.value.body())
        else:
            session = open_read(self.stream, tell_tail=tells_tail, digest=digest, **vars(wanted))
            self.followers.append((reader, iter(session)))

    @precondition(lambda self: self.followers)
    @rule(which=st.integers(0, 3), steps=st.sampled_from([1, 2, 5]))
    def step(self, which: int, steps: int) -> None:
        reader, outputs = self.followers[which % len(self.followers)]
        while steps and self._step(reader, outputs):
            steps -= 1

    @precondition(lambda self: self.followers)
    @rule()
    def step_all(self) -> None:
        for reader, outputs in self.followers.copy():
            self._step(reader, outputs)

    def _step(self, reader: Reader, outputs: Iterator[Batch]) -> bool:
        """Compare the next output, and say whether there may be more."""
        expected = reader.next(self.clock.now())
        got: Batch | str | None
        try:
            got = next(outputs, None)
        except S2Error as error:
            got = type(error).__name__
        now = self.clock.now()
        if isinstance(expected, Output):
            assert isinstance(got, Batch)
            shown = [(r.seq_num, r.timestamp, r.headers, r.body) for r in got.records]
            assert shown == [_shown(record) for record in expected.records]
            assert got.tail == expected.tail
            return True
        if isinstance(expected, Rest) and isinstance(got, Batch):
            assert expected.earliest <= now <= expected.latest
            assert expected.deadline is None or now < expected.deadline
            assert (got.records, got.tail) == ((), reader.tail)
            return True
        if isinstance(expected, Rest):
            assert got is None
            assert expected.deadline is not None
            assert expected.deadline == now <= expected.latest
        else:
            assert got == expected.error
        self._forget(reader)
        return False

    @precondition(lambda self: len(self.followers) > 2)
    @rule(which=st.integers(0, 3))
    def leave(self, which: int) -> None:
        reader, outputs = self.followers[which % len(self.followers)]
        outputs.close()
        self._forget(reader)

    def _forget(self, reader: Reader) -> None:
        reader.is_following = False
        self.followers = [known for known in self.followers if known[0] is not reader]

    @invariant()
    def same(self) -> None:
        kept = [(r.seq_num, r.timestamp, r.headers, r.body) for r in self.stream.records]
        assert kept == [_shown(record) for record in self.model.surviving(self.clock.now())]
        assert self.stream.tail == self.model.tail
        assert self.stream.fencing_token == self.model.token
        following = sum(reader.is_following for reader in self.model.readers)
        assert self.stream.readers == following
        count, kept_for_them = following_of(self.stream)
        assert count == following
        assert following or not kept_for_them

    # How things are drawn relative to the stream.

    def _given(self, what: Any, time: Any) -> Given:
        kind, value, more = what
        timestamp = None if time is None else self._time(*time)
        if kind == "plain":
            return Given(value, tuple(more), timestamp)
        if kind == "fence":
            return Given(value.encode(), FENCE, timestamp)
        base = {"zero": 0, "tail": self.model.tail.seq_num, "end": MAX_U64}[more]
        return Given(min(MAX_U64, max(0, base + value)).to_bytes(8, "big"), TRIM, timestamp)

    def _time(self, base: str, offset: int) -> int:
        bases = {"zero": 0, "now": self.clock.milliseconds, "tail": self.model.tail.timestamp}
        return min(MAX_U64, max(0, bases[base] + offset))

    def _wanted(self, *, start: Any, clamp: bool, limits: Any, wait: int | None) -> Wanted:
        kind, base, offset = start
        count, size, until = limits
        if kind == "timestamp":
            number = self._time(base, offset)
        else:
            number = max(0, offset + (self.model.tail.seq_num if base == "tail" else 0))
        end = None if until is None else self._time(*until)
        return Wanted(kind, number, clamp, count, size, end, wait)

    def _headers(self, key: str) -> dict[str, str]:
        return {"s2-basin": "my-basin", "s2-format": "base64", "s2-encryption-key": key}


def _as_config(chosen: Settings) -> dict[str, Any]:
    return {
        "timestamping_mode": chosen.mode,
        "timestamping_uncapped": chosen.uncapped,
        "retention_policy": "infinite" if chosen.age is None else chosen.age,
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _as_json(given: Given) -> dict[str, Any]:
    pairs = [[_text(name), _text(value)] for name, value in given.headers]
    return {"body": _text(given.body), "headers": pairs, "timestamp": given.timestamp}


def _from_json(record: dict[str, Any]) -> tuple[Any, ...]:
    pairs = tuple(
        (base64.b64decode(name), base64.b64decode(value))
        for name, value in record.get("headers", ())
    )
    body = base64.b64decode(record.get("body", ""))
    return record["seq_num"], record["timestamp"], pairs, body


def _shown(record: Kept) -> tuple[Any, ...]:
    return record.seq_num, record.timestamp, record.headers, record.body


TestOneStream = OneStream.TestCase
TestOneStream.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
