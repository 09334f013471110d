"""Metrics of a day, as a test counts them by itself. Source: reference: account_services §2."""

import random
import tracemalloc
from collections import defaultdict
from typing import Any, NamedTuple

import pytest

from s2mock import ManualClock, S2Mock
from s2mock.registry.log.chunks import Written
from s2mock.registry.rules.append import Append
from s2mock.registry.state import Change, StreamState
from s2mock.registry.usage.usage import Usage
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import AppendInput, Record
from s2mock.runtime.clock import Moment
from tests.calls import Api, over_wsgi

pytestmark = pytest.mark.slow

T = 1_704_067_200
DAY = 86_400
STEPS = {"minute": 60, "hour": 3600, "day": DAY}
BASINS = ["basin-aa", "basin-bb"]
TRIM = [["", "dHJpbQ=="]]


class Stored(NamedTuple):
    """A record: where, how large, and from when to when it is there, in seconds."""

    place: tuple[str, str]
    seq_num: int
    size: int
    since: float
    until: float


class Day:
    """An account, and what a test counts of what it does to it."""

    def __init__(self, api: Api, clock: ManualClock, seed: int) -> None:
        self.api = api
        self.clock = clock
        self.random = random.Random(seed)
        self.now = float(T)
        self.streams: dict[tuple[str, str], float] = {}
        self.tails: dict[tuple[str, str], int] = {}
        self.records: list[Stored] = []
        # By set and basin, then by name: how much at which second.
        self.counted: dict[tuple[str, str | None], dict[str, dict[int, float]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(float))
        )
        self.minutes: set[Any] = set()
        for basin in BASINS:
            self.ask("POST", "/v1/basins", {"basin": basin})
            self.note("account-ops", None, "create_basin")
            for number in range(10):
                self.create(basin, f"s{number}", [60, 1800, 7200, None][number % 4])

    def ask(self, method: str, target: str, document: Any = ..., basin: str = "") -> Any:
        headers = {"s2-format": "base64"}
        reply = self.api.within(basin or None).call(method, target, document, headers=headers)
        assert reply.status < 300, reply
        return reply.json if reply.body else None

    def note(self, which: str, basin: str | None, name: str, value: float = 1) -> None:
        self.counted[which, basin][name][int(self.now) // 60 * 60] += value

    def create(self, basin: str, name: str, age: int | None) -> None:
        policy: Any = {"infinite": {}} if age is None else {"age": age}
        document = {"stream": name, "config": {"retention_policy": policy}}
        self.ask("POST", "/v1/streams", document, basin)
        self.note("basin-ops", basin, "create_stream")
        self.streams[basin, name] = float("inf") if age is None else age
        self.tails[basin, name] = 0

    def take_away(self, place: tuple[str, str], below: float) -> None:
        self.records = [
            one._replace(until=min(one.until, self.now))
            if one.place == place and one.seq_num < below
            else one
            for one in self.records
        ]

    def write(self, place: tuple[str, str], sizes: list[int], trims_to: int | None = None) -> None:
        for size in sizes:
            until = self.now + self.streams[place]
            self.records.append(Stored(place, self.tails[place], size, self.now, until))
            self.tails[place] += 1
        if trims_to is not None:
            self.take_away(place, trims_to)
        basin, _ = place
        self.note("append-throughput", basin, "express", sum(sizes))
        # Without a connection all calls are over one.
        if (place, int(self.now) // 60) not in self.minutes:
            self.minutes.add((place, int(self.now) // 60))
            self.note("append-ops", basin, "express")

    def step(self) -> None:
        place = basin, name = self.random.choice(sorted(self.streams))
        path = f"/v1/streams/{name}"
        match self.random.choices(
            ["append", "read", "trim", "tail", "list", "config", "account", "again"],
            [40, 25, 5, 8, 8, 8, 5, 1],
        )[0]:
            case "append":
                count = self.random.randint(1, 4)
                body = "YWFh" * self.random.randint(0, 9)
                self.ask("POST", f"{path}/records", {"records": [{"body": body}] * count}, basin)
                self.write(place, [8 + len(body) // 4 * 3] * count)
            case "trim":
                record = {"headers": TRIM, "body": "AAAAAAAAAAo="}
                self.ask("POST", f"{path}/records", {"records": [record]}, basin)
                self.write(place, [8 + 2 + 4 + 8], trims_to=10)
            case "read":
                there = [one for one in self.records if one.place == place]
                sizes = [one.size for one in there if one.since <= self.now < one.until][:5]
                # Where there is nothing to read, that is refused, and not counted.
                if not sizes:
                    return
                self.ask("GET", f"{path}/records?seq_num=0&count=5", ..., basin)
                self.note("read-ops", basin, "unary")
                self.note("read-throughput", basin, "read", sum(sizes))
            case "tail":
                self.ask("GET", f"{path}/records/tail", ..., basin)
                self.note("basin-ops", basin, "check_tail")
            case "list":
                self.ask("GET", "/v1/streams", ..., basin)
                self.note("basin-ops", basin, "list_streams")
            case "config":
                self.ask("PATCH", path, {}, basin)
                self.note("basin-ops", basin, "reconfigure_stream")
            case "account":
                self.ask("GET", "/v1/basins")
                self.note("account-ops", None, "list_basins")
            case "again":
                self.ask("DELETE", path, ..., basin)
                self.note("basin-ops", basin, "delete_stream")
                self.take_away(place, float("inf"))
                age = self.streams.pop(place)
                self.create(basin, name, None if age == float("inf") else int(age))

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.now += seconds


# Not of the module: in random order it would be lived once more for each test.
@pytest.fixture(scope="session")
def day() -> Any:
    clock = ManualClock(T)
    with S2Mock(clock=clock, journal_limit=0, auth="open") as mock:
        day = Day(Api(over_wsgi(mock.wsgi_app)), clock, seed=10)
        for _ in range(4_000):
            day.advance(day.random.choice([0.5, 6, 20, 30, 50]))
            day.step()
        day.advance(T + DAY + 300 - day.now if day.now < T + DAY + 300 else 300)
    # When closed it still answers calls of its app, since it requires no token; and no other test
    # meets an open mock that is not its own.
    return day


def shown(day: Day, where: str, name: str, start: int, interval: str) -> dict[str, Any]:
    query = f"set={name}&start={start}&end={int(day.now)}&interval={interval}"
    found = {}
    for metric in day.ask("GET", f"/v1/metrics{where}?{query}")["values"]:
        [(_, series)] = metric.items()
        found[series["name"]] = series["values"]
    return found


@pytest.mark.parametrize("interval", STEPS)
@pytest.mark.parametrize(
    "name", ["append-ops", "append-throughput", "read-ops", "read-throughput", "basin-ops"]
)
@pytest.mark.parametrize("basin", BASINS)
def test_accumulations(day: Day, basin: str, name: str, interval: str) -> None:
    step, expected = STEPS[interval], {}
    for series, counts in day.counted[name, basin].items():
        sums: dict[int, float] = defaultdict(float)
        for at, value in counts.items():
            sums[at // step * step] += value
        expected[series] = [[at, value] for at, value in sorted(sums.items())]
    found = shown(day, f"/{basin}", name, T, interval)
    # What the tests themselves ask for is counted, too.
    found.pop("basin_metrics", None)
    found.pop("stream_metrics", None)
    if name == "read-ops":
        assert found.pop("streaming") == []
    if name.startswith("append-"):
        assert found.pop("standard") == []
    assert found == expected


def test_operations_on_the_account(day: Day) -> None:
    found = shown(day, "", "account-ops", T, "day")
    found.pop("account_metrics", None)
    assert {name: sum(value for _, value in values) for name, values in found.items()} == {
        name: sum(counts.values()) for name, counts in day.counted["account-ops", None].items()
    }


def stored(day: Day, at: int, basin: str, stream: str | None = None) -> int:
    return sum(
        one.size
        for one in day.records
        if one.since <= at < one.until and one.place[0] == basin and stream in (None, one.place[1])
    )


@pytest.mark.parametrize("basin", BASINS)
def test_storage_of_a_basin(day: Day, basin: str) -> None:
    [values] = shown(day, f"/{basin}", "storage", T - 3600, "hour").values()
    assert [at for at, _ in values] == list(range(T - 3600, int(day.now) + 1, 3600))
    assert values == [[at, stored(day, at, basin)] for at, _ in values]


@pytest.mark.parametrize("number", range(0, 10, 3))
@pytest.mark.parametrize("basin", BASINS)
def test_storage_of_a_stream(day: Day, basin: str, number: int) -> None:
    [values] = shown(day, f"/{basin}/s{number}", "storage", T, "minute").values()
    assert [at for at, _ in values] == list(range(T, int(day.now) + 1, 60))
    own = [one for one in day.records if one.place == (basin, f"s{number}")]
    for at, value in values:
        assert value == sum(one.size for one in own if one.since <= at < one.until), at - T


@pytest.mark.slow
def test_many_operations_take_little_room() -> None:
    """A minute is kept, and not a call: here are 4 calls of each basin in a minute."""
    record = Record(b"x" * 100, (), None)
    batch = AppendInput((record,))
    operations = [Append(BASINS[number % 2], f"s{number}", batch) for number in range(20)]
    states = [_a_stream(operation.stream) for operation in operations]
    tail = StreamPosition(1, 1)
    written = Written((record,), (record.metered_bytes,), (1,), 0, None, tail, "", 0)
    changes = [
        Change(stream=(operation.basin, operation.stream, state), written=written)
        for operation, state in zip(operations, states, strict=True)
    ]
    usage = Usage()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(50_000):
            # Over a twentieth of the 90 days that are kept.
            now = (T + number * 9 * DAY // 2 // 50_000) * 1_000_000_000
            which = number % 20
            moment = Moment(now, now, now)
            usage.record("append", BASINS[which % 2], changes[which], None, moment)
        usage.finish_minute()
        assert len(usage.series("append-ops", BASINS[0])["express"]) > 5_000
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 1024 * 1024, grown


def _a_stream(name: str) -> StreamState:
    from s2mock.registry.values.config import SYSTEM_DEFAULTS

    return StreamState(name, 1, SYSTEM_DEFAULTS, None, 0, None, None, 0, None, None)
