"""Numbers in resource files and in files of snapshots."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import pytest

from s2mock import AppendRecord, Invalid, ManualClock, S2Mock, Snapshot, StreamConfig
from s2mock.json_bodies.resource_files import ResourcesError, apply_resources
from s2mock.json_bodies.snapshots import reader, values
from s2mock.json_bodies.validators import schema_node
from s2mock.runtime import failures
from tests.extremes.test_http import Steps, numbers, put
from tests.extremes.values import VALUES, exercise, judge, made, use
from tests.powers.conftest import BASIN

pytestmark = pytest.mark.slow

# Resource files.


def durations(schema: Mapping[str, Any]) -> Iterator[Steps]:
    """The ways to the durations, which are texts."""
    if "duration" in schema.get("description", ""):
        yield ()
    for name, part in schema.get("properties", {}).items():
        yield from ((name, *rest) for rest in durations(part))
    if isinstance(schema.get("items"), dict):
        yield from ((0, *rest) for rest in durations(schema["items"]))


DURATIONS = [*durations(schema_node("resources").schema)]
# S2's own form, in which Python may write the same.
CONFIGS = [*numbers(schema_node("stream_config").schema)]


def test_each_duration_of_the_schemas_is_known() -> None:
    assert {steps[-1] for steps in DURATIONS} == {"retention_policy", "min_age"}
    assert {steps[-1] for steps in CONFIGS} == {"age", "min_age_secs"}
    assert [*numbers(schema_node("resources").schema)] == []


def named(document: Any) -> Any:
    """The same with the names that it needs."""
    for basin in document["basins"]:
        basin["name"] = BASIN
        for stream in basin.setdefault("streams", [{}]):
            stream["name"] = "log"
    return document


@pytest.mark.whole(3)
@pytest.mark.parametrize("steps", DURATIONS, ids=lambda steps: ".".join(map(str, steps)))
@pytest.mark.parametrize("unit", ["ns", "ms", "s", "years", ""])
def test_a_duration_of_a_resource_file(steps: Steps, unit: str) -> None:
    def apply(value: float) -> None:
        text = json.dumps(named(put(steps, f"{value}{unit}"))).encode()
        with closing(made(basins=())) as mock:
            try:
                apply_resources(mock.account.engine, text)
            finally:
                exercise(mock)

    # S2 says of a retention of nothing what it says to a request.
    judge(("invalid duration", "age must be greater than 0"), apply)


@pytest.mark.parametrize("steps", DURATIONS, ids=lambda steps: ".".join(map(str, steps)))
def test_a_number_in_the_place_of_a_duration(steps: Steps) -> None:
    def apply(value: float) -> None:
        text = json.dumps(named(put(steps, value))).encode()
        with closing(made(basins=())) as mock, pytest.raises(ResourcesError) as refused:
            apply_resources(mock.account.engine, text)
        raise refused.value

    judge(("expected a string", "expected value", "invalid"), apply)


@pytest.mark.parametrize("steps", CONFIGS, ids=lambda steps: ".".join(map(str, steps)))
@pytest.mark.parametrize("place", [("config", "default_stream_config"), ("streams", 0, "config")])
def test_a_number_of_basins(place: Steps, steps: Steps) -> None:
    judge(
        ("age", "invalid duration", "retention_policy", "delete_on_empty", "expected value"),
        lambda value: use(basins=[named({"basins": [put((*place, *steps), value)]})["basins"][0]]),
    )


# Snapshots.


def lines() -> list[dict[str, Any]]:
    """A file with all fields that there are."""
    clock = ManualClock(1_000_000_000)
    with S2Mock(clock=clock, basins=[BASIN], deletion_delay=60, revocation_delay=60) as mock:
        mock.issue_token("t", basins="*", ops=["read"], expires_in=60).revoke()
        mock.issue_token("u", basins="*", ops=["read"], expires_in=60)
        basin = mock.basin(BASIN)
        log = basin.create_stream("log", StreamConfig(retention_policy=60))
        log.append(["a", AppendRecord.trim(1), AppendRecord("b", timestamp=5)])
        basin.create_stream("deleted").delete()
        basin.create_stream("empty", StreamConfig(delete_on_empty_min_age=60))
        trimmed = basin.create_stream("trimmed", StreamConfig(retention_policy=5))
        trimmed.append(["a", "b"])
        clock.advance(1)
        log.reconfigure(retention_policy=100)
        log.append(["c"])
        clock.advance(5)
        mock.create_basin("other-basin").delete()
        data = mock.snapshot().to_bytes()
    return [json.loads(line) for line in data.splitlines()]


LINES = lines()
DATE = re.compile(r"\d{4}-\d\d-\d\dT")


def places(document: Any) -> Iterator[Steps]:
    """The ways to numbers and dates."""
    if isinstance(document, dict):
        for name, part in document.items():
            yield from ((name, *rest) for rest in places(part))
    elif type(document) is int or (isinstance(document, str) and DATE.match(document)):
        yield ()


PLACES = [(number, steps) for number, line in enumerate(LINES) for steps in places(line)]
# What a line has beyond its fields, and what is one within another.
_READS_NUMBERS = ("whole", "date_from_file", "time_from_file", "position", "check", "expiry")


def test_each_number_that_is_read_is_in_the_file() -> None:
    there = {name for _, steps in PLACES for name in steps if isinstance(name, str)}
    source = inspect.getsource(reader)
    taken = re.findall(r'take\(\s*"(\w+)", (?:or_null\()?(\w+)', source)
    wanted = {name for name, read in taken if read in _READS_NUMBERS}
    wanted |= {"tokens_issued", "due", "carried_out", "trim"}
    assert {"taken", "expires_at", "tail", "empty_check", "deletion_finishes_at"} < wanted
    assert there >= wanted, wanted - there
    assert [name for name in _READS_NUMBERS if hasattr(reader, name)] == [*_READS_NUMBERS]
    assert inspect.ismodule(values)


def replaced(document: Any, steps: Steps, value: Any) -> Any:
    if not steps:
        return value
    return {**document, steps[0]: replaced(document[steps[0]], steps[1:], value)}


@pytest.mark.whole(3)
@pytest.mark.parametrize(
    ("number", "steps"), PLACES, ids=[f"{n}-{'.'.join(map(str, s))}" for n, s in PLACES]
)
def test_a_number_of_a_snapshot(number: int, steps: Steps) -> None:
    wrong: list[str] = []
    for what, value in [*VALUES.items(), *TEXTS.items()]:
        changed = [*LINES]
        changed[number] = replaced(LINES[number], steps, value)
        data = "".join(f"{json.dumps(line)}\n" for line in changed).encode()
        try:
            snapshot = Snapshot.from_bytes(data, "it")
        except ValueError as error:
            if not re.match(r"it, line \d+: ", str(error)):
                wrong.append(f"{what}: an unclear refusal: {error!r}"[:300])
            continue
        try:
            with closing(made(basins=(), snapshot=snapshot, clock="manual")) as mock:
                used(mock)
        except Exception as error:  # noqa: BLE001  # all of them are told at once
            wrong.append(f"{what}: {error!r}"[:300])
        wrong += [f"{what}: {trace[-600:]}" for trace in failures.take()]
    assert not wrong, "\n".join(wrong)


TEXTS = {
    "1970": "1970-01-01T00:00:00Z",
    "2262": "2262-04-11T23:47:16.854775808Z",
    "9999": "9999-12-31T23:59:59.999999999Z",
    "0000": "0000-01-01T00:00:00Z",
}


@contextmanager
def suppress_beyond_the_last() -> Iterator[None]:
    """Behind the last sequence number, S2's own words refuse an append."""
    try:
        yield
    except Invalid as error:
        assert "max assignable sequence number" in str(error)  # noqa: PT017


def used(mock: S2Mock) -> None:
    for name in mock.basins:
        basin = mock.basin(name)
        for stream in map(basin.stream, basin.streams):
            assert stream.info.name == stream.name
            if stream.info.deleted_at is None:
                assert len(stream.records) <= 10
                with suppress_beyond_the_last():
                    stream.append(["x"])
                stream.tail  # noqa: B018
    if mock.clock.now() < 10**18:
        mock.advance(120)
    exercise(mock)
