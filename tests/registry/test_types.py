"""Arguments of the wrong type: refused where they enter, told what would be right."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock import AppendRecord, BasinConfig, S2Mock, StreamConfig
from tests.properties.test_bad_input import picture

Calling = Callable[[S2Mock], object]


def appending(records: Any, **options: Any) -> Calling:
    return lambda mock: mock.basin("my-basin").stream("s").append(records, **options)


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
    (appending(x for x in ("a", 1.5)), f"records[1] {ONE}float: 1.5"),
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
    (lambda mock: mock.account.stream(5, "s"), "a basin's name must be text, not int: 5"),
    (lambda mock: mock.account.stream("my-basin", 5), "a stream's name must be text, not int: 5"),
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

LISTINGS: list[tuple[Calling, str]] = [
    (lambda mock: mock.account.list_basins(prefix=5), "prefix must be text, not int: 5"),
    (lambda mock: mock.account.list_basins(start_after=5), "start_after must be text, not int: 5"),
    (lambda mock: mock.account.list_basins(limit="5"), "limit must be a whole number, not str: "),
    (lambda mock: mock.basin("my-basin").list_streams(prefix=b"a"), "prefix must be text, not byt"),
    (lambda mock: mock.basin("my-basin").list_streams(start_after=1), "start_after must be text"),
    (lambda mock: mock.basin("my-basin").list_streams(limit=1.5), "limit must be a whole number"),
]

SNAPSHOTS: list[tuple[Calling, str]] = [
    (lambda mock: mock.restore("x"), "restore() takes a Snapshot, not 'x'"),
    (lambda mock: mock.restore(mock), "restore() takes a Snapshot, not <S2Mock"),
    (lambda mock: mock.restore(None), "restore() takes a Snapshot, not None"),
]

CASES = [*APPENDS, *RECORDS, *OPTIONS, *NAMES, *CONFIGURATIONS, *LISTINGS, *SNAPSHOTS]


@pytest.mark.parametrize(("call", "message"), CASES, ids=[message for _, message in CASES])
def test_is_refused_at_the_door(call: Calling, message: str) -> None:
    mock = S2Mock(basins=["my-basin"])
    mock.basin("my-basin").create_stream("s").append([b"a"])
    before, state = picture(mock), mock.account.state

    with pytest.raises(TypeError) as refused:
        call(mock)
    assert message in str(refused.value)
    assert mock.account.state is state
    assert picture(mock) == before


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
