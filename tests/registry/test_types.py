"""Arguments of the wrong type: refused where they enter, told what would be right."""

import pickle
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import pytest

from s2mock import (
    AppendRecord,
    Basin,
    BasinConfig,
    ManualClock,
    S2Mock,
    StaleHandle,
    Stream,
    StreamConfig,
)
from tests.backends import Make

Calling = Callable[[S2Mock], object]


def appending(records: Any, **options: Any) -> Calling:
    return lambda mock: mock.basin("my-basin").stream("s").append(records, **options)


def appending_from_a_generator(mock: S2Mock) -> object:
    """Makes one each time: a generator is used up by the first."""
    return appending(x for x in ("a", 1.5))(mock)


ITERABLE = "records must be an iterable of records, not "
APPENDS: list[tuple[Calling, str]] = [
    (appending({"body": "x"}), ITERABLE + "dict: {'body': 'x'}"),
    (appending({}), ITERABLE + "dict: {}"),
    (appending(5), ITERABLE + "int: 5"),
    (appending(None), ITERABLE + "NoneType: None"),
    (appending(AppendRecord(b"x")), ITERABLE + "one: try ["),
    (appending("text"), ITERABLE + "one: try ['text']"),
    (appending(b"bytes"), ITERABLE + "one: try [b'bytes']"),
    (appending(bytearray(b"x")), ITERABLE + "one: try [bytearray(b'x')]"),
    (appending(memoryview(b"x")), ITERABLE + "one: try ["),
]

ONE = "must be an AppendRecord, bytes or text, not "
RECORDS: list[tuple[Calling, str]] = [
    (appending([{"body": "x"}]), f"records[0] {ONE}dict: {{'body': 'x'}}"),
    (appending([b"a", bytearray(b"x")]), f"records[1] {ONE}bytearray: "),
    (appending([bytearray(b"x")]), "try bytes(...)"),
    (appending([memoryview(b"x")]), "try bytes(...)"),
    (appending(["a", "b", 5]), f"records[2] {ONE}int: 5"),
    (appending([None]), f"records[0] {ONE}NoneType: None"),
    (appending([["x"]]), f"records[0] {ONE}list: ['x']"),
    (appending_from_a_generator, f"records[1] {ONE}float: 1.5"),
]

OPTIONS: list[tuple[Calling, str]] = [
    (appending(["x"], match_seq_num="1"), "match_seq_num must be a whole number, not str: '1'"),
    (appending(["x"], match_seq_num=1.0), "match_seq_num must be a whole number, not float: 1.0"),
    (appending(["x"], match_seq_num=True), "match_seq_num must be a whole number, not bool: True"),
    (appending(["x"], fencing_token=b"f"), "fencing_token must be text, not bytes: b'f': decode"),
    (appending(["x"], fencing_token=1), "fencing_token must be text, not int: 1"),
    (appending(["x"], encryption_key=bytes(3)), "encryption_key must be text, not bytes: "),
]

NAMES: list[tuple[Calling, str]] = [
    (lambda mock: mock.basin(5), "a basin's name must be text, not int: 5"),
    (lambda mock: mock.create_basin(5), "a basin's name must be text, not int: 5"),
    (lambda mock: mock.create_basin(b"new-basin"), "not bytes: b'new-basin': decode it first"),
    (lambda mock: mock.ensure_basin(None), "a basin's name must be text, not NoneType: None"),
    (lambda mock: mock.stream(5, "s"), "a basin's name must be text, not int: 5"),
    (lambda mock: mock.stream("my-basin", 5), "a stream's name must be text, not int: 5"),
    (lambda mock: mock.basin("my-basin").stream(5), "a stream's name must be text, not int: 5"),
    (lambda mock: mock.basin("my-basin").create_stream(b"n"), "not bytes: b'n': decode it first"),
    (lambda mock: mock.basin("my-basin").create_stream(5), "a stream's name must be text"),
    (lambda mock: mock.basin("my-basin").ensure_stream(5), "a stream's name must be text"),
    (lambda mock: mock.create_basin("new-basin", request_token=1), "request_token must be text"),
    (
        lambda mock: mock.basin("my-basin").create_stream("new", request_token=b"t"),
        "request_token must be text, not bytes: b't': decode it first",
    ),
]

AS_BASIN = "config must be a BasinConfig, not "
AS_STREAM = "config must be a StreamConfig, not "
CONFIGURATIONS: list[tuple[Calling, str]] = [
    (
        lambda mock: mock.create_basin("new-basin", {"stream_cipher": None}),
        AS_BASIN + "dict: {'stream_cipher': None}: try BasinConfig(...)",
    ),
    (lambda mock: mock.ensure_basin("my-basin", {}), AS_BASIN + "dict: {}: try BasinConfig(...)"),
    (lambda mock: mock.create_basin("new-basin", StreamConfig("x")), AS_BASIN + "StreamConfig: "),
    (lambda mock: mock.fresh_basin({}), AS_BASIN + "dict: {}"),
    (
        lambda mock: mock.basin("my-basin").create_stream("new", {"storage_class": "x"}),
        AS_STREAM + "dict: {'storage_class': 'x'}: try StreamConfig(...)",
    ),
    (lambda mock: mock.basin("my-basin").ensure_stream("s", {}), AS_STREAM + "dict: {}: try Str"),
    (
        lambda mock: mock.basin("my-basin").create_stream("new", BasinConfig()),
        AS_STREAM + "BasinConfig: ",
    ),
]

# Of what there is in this process only.
OF_THE_ACCOUNT: list[tuple[Calling, str]] = [
    (lambda mock: mock.account.list_basins(prefix=5), "prefix must be text, not int: 5"),
    (lambda mock: mock.account.list_basins(start_after=5), "start_after must be text, not int: 5"),
    (lambda mock: mock.account.list_basins(limit="5"), "limit must be a whole number, not str: "),
    (lambda mock: mock.account.stream(5, "s"), "a basin's name must be text, not int: 5"),
    (lambda _: S2Mock(clock=5), "clock must have now() and wait(), as ManualClock() has, not 5"),
    (lambda _: S2Mock(clock=ManualClock), "clock must be a clock, not a class: try ManualClock()"),
]

LISTINGS: list[tuple[Calling, str]] = [
    (lambda mock: mock.basin("my-basin").list_streams(prefix=b"a"), "prefix must be text, not byt"),
    (lambda mock: mock.basin("my-basin").list_streams(start_after=1), "start_after must be text"),
    (lambda mock: mock.basin("my-basin").list_streams(limit=1.5), "limit must be a whole number"),
]

SNAPSHOTS: list[tuple[Calling, str]] = [
    (lambda mock: mock.restore("x"), "restore() takes a Snapshot, not 'x'"),
    (lambda mock: mock.restore(mock), "restore() takes a Snapshot, not <"),
    (lambda mock: mock.restore(None), "restore() takes a Snapshot, not None"),
]

RECORD = "must be bytes or text, not "
MADE: list[tuple[Calling, str]] = [
    (lambda _: AppendRecord(5), f"body {RECORD}int: 5"),
    (lambda _: AppendRecord(None), f"body {RECORD}NoneType: None"),
    (lambda _: AppendRecord({"body": "x"}), f"body {RECORD}dict: {{'body': 'x'}}"),
    (lambda _: AppendRecord(bytearray(b"x")), f"body {RECORD}bytearray: bytearray(b'x'): try byt"),
    (lambda _: AppendRecord(memoryview(b"x")), f"body {RECORD}memoryview: "),
    (lambda _: AppendRecord(b"", {"a": "b"}), "headers must be pairs, not dict: {'a': 'b'}: try h"),
    (lambda _: AppendRecord(b"", "ab"), "headers must be an iterable of pairs, not str: 'ab'"),
    (lambda _: AppendRecord(b"", 5), "headers must be an iterable of pairs, not int: 5"),
    (lambda _: AppendRecord(b"", ["ab"]), "headers[0] must be a pair of name and value, not str"),
    (lambda _: AppendRecord(b"", [("a",)]), "headers[0] must be a pair of name and value, not tup"),
    (lambda _: AppendRecord(b"", [("a", 1)]), f"headers[0] {RECORD}int: 1"),
    (lambda _: AppendRecord(b"", [("a", "b"), (1, "b")]), f"name of headers[1] {RECORD}int: 1"),
    (lambda _: AppendRecord(b"", timestamp="1"), "timestamp must be a whole number, not str: '1'"),
    (lambda _: AppendRecord(b"", timestamp=1.0), "timestamp must be a whole number, not float: 1"),
    (lambda _: AppendRecord(b"", timestamp=True), "timestamp must be a whole number, not bool"),
    (lambda _: AppendRecord.fence(b"t"), "token must be text, not bytes: b't': decode it first"),
    (lambda _: AppendRecord.fence(None), "token must be text, not NoneType: None"),
    (lambda _: AppendRecord.trim("1"), "seq_num must be a whole number, not str: '1'"),
    (lambda _: AppendRecord.trim(None), "seq_num must be a whole number, not NoneType: None"),
    (lambda _: AppendRecord.trim(1.0), "seq_num must be a whole number, not float: 1.0"),
]

LEAVES = "there are storage_class, retention_policy, timestamping_mode, "
CHANGES: list[tuple[Calling, str]] = [
    (
        lambda _: BasinConfig(default_stream_config={"storage_class": "x"}),
        "default_stream_config must be a StreamConfig, not dict: {'storage_class': 'x'}: try Str",
    ),
    (
        lambda mock: mock.basin("my-basin").reconfigure(default_stream_config=StreamConfig()),
        "changes must be a dict, not StreamConfig: ",
    ),
    (
        lambda mock: mock.basin("my-basin").reconfigure(default_stream_config={"storage": "x"}),
        f"no such leaf: storage; {LEAVES}",
    ),
    (
        lambda mock: mock.basin("my-basin").reconfigure(cipher="x"),
        "no such leaf: cipher; there are default_stream_config, stream_cipher, ",
    ),
    (
        lambda mock: mock.basin("my-basin").stream("s").reconfigure(retention="x"),
        f"no such leaf: retention; {LEAVES}",
    ),
]

CASES = [*APPENDS, *RECORDS, *OPTIONS, *NAMES, *CONFIGURATIONS, *LISTINGS, *SNAPSHOTS]
CASES += [*MADE, *CHANGES]


def picture(mock: S2Mock) -> list[Any]:
    """All that could have been changed."""
    shown: list[Any] = []
    for name in mock.basins:
        basin = mock.basin(name)
        shown.append((basin.info, basin.config))
        for stream in map(basin.stream, basin.streams):
            shown += [stream.info, stream.config, stream.records, stream.tail]
            shown += [stream.fencing_token, stream.readers]
    return shown


@pytest.mark.sample(3)
@pytest.mark.parametrize(("call", "message"), CASES, ids=[message for _, message in CASES])
def test_is_refused_at_the_door(make: Make, call: Calling, message: str) -> None:
    mock = make(basins=["my-basin"])
    mock.basin("my-basin").create_stream("s").append([b"a"])
    before = picture(mock)
    with pytest.raises(TypeError) as refused:
        call(mock)
    assert message in str(refused.value)
    assert picture(mock) == before


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("call", "message"),
    [*CASES, *OF_THE_ACCOUNT],
    ids=[message for _, message in [*CASES, *OF_THE_ACCOUNT]],
)
def test_what_is_refused_changes_no_state(call: Calling, message: str) -> None:
    mock = S2Mock(basins=["my-basin"])
    mock.basin("my-basin").create_stream("s").append([b"a"])
    state = mock.account.engine.state
    with pytest.raises(TypeError) as refused:
        call(mock)
    assert message in str(refused.value)
    assert mock.account.engine.state is state


def test_a_long_value_is_not_told_in_full() -> None:
    stream = S2Mock(basins=["my-basin"]).basin("my-basin").create_stream("s")
    with pytest.raises(TypeError) as refused:
        stream.append([[b"x" * 1000]])
    assert len(str(refused.value)) < 200
    assert str(refused.value).endswith("...")


@pytest.mark.parametrize(
    "records",
    [[b"a", "b"], (b"a", "b"), iter([b"a", "b"]), (x for x in [AppendRecord(b"a"), "b"])],
    ids=["list", "tuple", "iterator", "generator"],
)
def test_what_is_right(records: Any) -> None:
    stream = S2Mock(basins=["my-basin"]).basin("my-basin").create_stream("s")
    stream.append(records, match_seq_num=0, fencing_token="")
    assert [record.body for record in stream.records] == [b"a", b"b"]


class TestRecord:
    def test_text_is_what_its_bytes_are(self) -> None:
        text = AppendRecord("é", [("é", "value"), ("name", b"\xff")])
        assert text == AppendRecord("é".encode(), [("é".encode(), b"value"), (b"name", b"\xff")])
        assert (text.body, text.metered_bytes) == (b"\xc3\xa9", 8 + 2 + 2 * 2 + 7 + 5)

    def test_text_is_appended_as_append_itself_does(self) -> None:
        stream = S2Mock(basins=["my-basin"]).basin("my-basin").create_stream("s")
        stream.append(["é", AppendRecord("é"), AppendRecord("", [["a", "b"]])])
        first, second, third = stream.records
        assert first.body == second.body == "é".encode()
        assert third.headers == ((b"a", b"b"),)

    def test_a_command_may_be_written_as_text(self) -> None:
        stream = S2Mock(basins=["my-basin"]).basin("my-basin").create_stream("s")
        stream.append([AppendRecord("mine", [("", "fence")])])
        assert stream.fencing_token == "mine"

    @pytest.mark.parametrize("name", ["body", "headers", "timestamp", "command", "metered_bytes"])
    def test_is_a_value(self, name: str) -> None:
        record = AppendRecord("x", timestamp=5)
        before = getattr(record, name)
        with pytest.raises(AttributeError, match=f"an AppendRecord is a value: .*{name}"):
            setattr(record, name, before)
        with pytest.raises(AttributeError, match="an AppendRecord is a value"):
            delattr(record, name)
        with pytest.raises(AttributeError):
            record.other = 1
        assert getattr(record, name) == before

    def test_compares_and_prints(self) -> None:
        record = AppendRecord("x", [("a", "b")], 5)
        assert record == AppendRecord(b"x", [(b"a", b"b")], 5)
        assert len({record, AppendRecord("x", [("a", "b")], 5), AppendRecord("x")}) == 2
        assert record not in (AppendRecord("x", [("a", "b")]), AppendRecord("y", [("a", "b")], 5))
        assert record != b"x"
        assert repr(record) == "AppendRecord(b'x', [(b'a', b'b')], timestamp=5)"
        assert repr(AppendRecord("x")) == "AppendRecord(b'x')"
        assert copy(record) == deepcopy(record) == pickle.loads(pickle.dumps(record)) == record


def shown(handle: object) -> list[str]:
    return [name for name in dir(handle) if not name.startswith("_")]


def test_handles_show_what_a_test_should_touch(make: Make) -> None:
    basin = make(basins=["my-basin"]).basin("my-basin")
    verbs = ["create_stream", "delete", "ensure_stream", "list_streams", "reconfigure", "stream"]
    assert shown(basin) == sorted([*verbs, "config", "info", "name", "streams"])
    stream = basin.create_stream("s")
    looks = ["basin", "bodies", "cipher", "config", "fencing_token", "info", "name", "readers"]
    verbs = ["append", "delete", "fence", "reconfigure", "trim", "wait_for", "wait_for_readers"]
    twins = ["async_wait_for", "async_wait_for_readers"]
    assert shown(stream) == sorted([*looks, "records", "tail", *verbs, *twins])


@pytest.mark.parametrize("name", ["config", "info", "name", "streams"])
def test_what_a_basin_shows_is_not_set(make: Make, name: str) -> None:
    basin = make(basins=["my-basin"]).basin("my-basin")
    with pytest.raises(AttributeError):
        setattr(basin, name, getattr(basin, name))


@pytest.mark.parametrize("name", ["config", "info", "name", "records", "tail", "readers", "basin"])
def test_what_a_stream_shows_is_not_set(make: Make, name: str) -> None:
    stream = make(basins=["my-basin"]).basin("my-basin").create_stream("s")
    with pytest.raises(AttributeError):
        setattr(stream, name, getattr(stream, name))


USES: dict[str, Callable[[Basin, Stream], object]] = {
    "a look at the basin": lambda basin, _: basin.info,
    "its streams": lambda basin, _: basin.streams,
    "its listing": lambda basin, _: basin.list_streams(),
    "a stream of it": lambda basin, _: basin.stream("s"),
    "a new stream in it": lambda basin, _: basin.create_stream("new"),
    "its configuration": lambda basin, _: basin.reconfigure(create_stream_on_read=True),
    "its deletion": lambda basin, _: basin.delete(),
    "a look at the stream": lambda _, stream: stream.info,
    "its tail": lambda _, stream: stream.tail,
    "its records": lambda _, stream: stream.records,
    "its readers": lambda _, stream: stream.readers,
    "an append": lambda _, stream: stream.append(["x"]),
    "the stream's configuration": lambda _, stream: stream.reconfigure(storage_class="x"),
    "the stream's deletion": lambda _, stream: stream.delete(),
}


@pytest.mark.parametrize("use", USES)
def test_a_handle_from_before_a_reset_says_so(make: Make, use: str) -> None:
    """And it does nothing to what has its name now."""
    mock = make(basins=[{"name": "my-basin", "streams": [{"name": "s"}]}])
    basin = mock.basin("my-basin")
    stream = basin.stream("s")
    mock.reset()
    before = picture(mock)
    with pytest.raises(StaleHandle, match=r"is from before the account's reset\(\)") as refused:
        USES[use](basin, stream)
    assert "ask the mock for it again" in str(refused.value)
    assert picture(mock) == before
