"""Snapshots in files: written, read, written by hand, damaged."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2mock import (
    AppendRecord,
    BasinConfig,
    Invalid,
    ManualClock,
    S2Mock,
    Snapshot,
    StreamConfig,
)
from s2mock.registry.log.log import LogState
from s2mock.registry.state import AccountState, BasinState, StreamState
from s2mock.registry.values.schedule import CheckEmpty, FinishDeletion
from s2mock.registry.values.tokens import AccessToken, Tokens
from tests.calls import Api, over_wsgi

DAY = 24 * 60 * 60
# 2020-02-02T02:02:02.000000007Z
START = 1_580_608_922 * 10**9 + 7
BY_HAND = """\
{"s2mock_snapshot": 1, "taken": "2024-01-01T00:00:00Z"}
{"basin": "my-basin", "config": {"create_stream_on_append": true}}
{"stream": "log"}
{"body": "one"}
{"body": "two", "headers": [["content-type", "text/plain"]]}
{"body_base64": "gA=="}
{"stream": "orders/eu", "config": {"retention_policy": {"infinite": {}}}}
{"seq_num": 7, "timestamp": 5, "body": "seven"}
{"fence": "me"}
"""


def everything(mock: S2Mock) -> Any:
    """All that can be seen of the account."""
    seen = Api(over_wsgi(mock.wsgi_app)).everything()
    for name in mock.basins:
        basin = mock.basin(name)
        for stream in map(basin.stream, basin.streams):
            if stream.info.deleted_at is None:
                seen[name, stream.name] = stream.records, stream.tail, stream.fencing_token
    return seen


# The last day of which 64 bits have all nanoseconds, and one that they do not reach.
STARTS = pytest.mark.parametrize("start", [START, 2**63 - 86_400 * 10**9, 10**20 + 7])


def rich(start: int = START) -> S2Mock:
    """An account with something of everything in it."""
    clock = ManualClock.at(start)
    mock = S2Mock(clock=clock, deletion_delay=3 * DAY)
    first = mock.create_basin("first-basin", BasinConfig(stream_cipher="aegis-256"))
    secret = first.create_stream("secret")
    key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    answer = mock.client.post(
        "/v1/streams/secret/records",
        json={"records": [{"body": "hidden"}, {"body": "more"}]},
        headers={"s2-basin": "first-basin", "s2-encryption-key": key},
    )
    assert answer.status_code == 200
    secret.append([AppendRecord(b"\x80", [(b"\xff", "v"), ("n", b"")])], encryption_key=key)
    first.reconfigure(stream_cipher=None)
    second = mock.create_basin(
        "second-basin",
        BasinConfig(StreamConfig(retention_policy=2 * DAY), create_stream_on_read=True),
        request_token="a token",
    )
    log = second.create_stream("log/ä", StreamConfig(timestamping_uncapped=True), request_token="t")
    log.append([AppendRecord("a\n\u2028b", timestamp=2**63), AppendRecord.fence("mine")])
    clock.advance(DAY)
    # Between records that live on, some will have expired.
    log.reconfigure(retention_policy=5)
    log.append(["short", "lived"])
    log.reconfigure(retention_policy="infinite")
    log.append(["for", "ever"])
    clock.advance(10)
    trimmed = second.create_stream("trimmed")
    trimmed.append(["x"] * 5)
    trimmed.append([AppendRecord.trim(4)])
    second.create_stream("empty", StreamConfig(delete_on_empty_min_age=DAY))
    lasting = second.create_stream("never-empty", StreamConfig(delete_on_empty_min_age=60))
    lasting.append(["x"])
    second.create_stream("goes").append(["y"])
    second.stream("goes").delete()
    mock.create_basin("third-basin").create_stream("gone-with-it")
    mock.basin("third-basin").delete()
    return mock


@STARTS
def test_the_same_account_and_the_same_bytes(tmp_path: Path, start: int) -> None:
    with rich(start) as mock:
        first, second, snapshot = tmp_path / "first", tmp_path / "second", mock.snapshot()
        snapshot.save(first)
        loaded = Snapshot.load(str(first))
        loaded.save(second)
        assert second.read_bytes() == first.read_bytes()
        assert loaded.time == snapshot.time
        before = everything(mock)
        with S2Mock(snapshot=loaded, clock="manual") as copy:
            assert everything(copy) == before
            assert copy.clock.now() == mock.clock.now()


@pytest.mark.sample(3)
@STARTS
@pytest.mark.parametrize("seconds", [5, 2 * DAY - 30, 2 * DAY + 30, 4 * DAY, 30 * DAY])
def test_what_is_due_is_due_at_the_same_time(tmp_path: Path, start: int, seconds: int) -> None:
    """Expiry, the end of deletions, delete-on-empty."""
    with rich(start) as mock:
        mock.snapshot().save(tmp_path / "file")
        loaded = Snapshot.load(tmp_path / "file")
        with S2Mock(snapshot=loaded, clock="manual", deletion_delay=3 * DAY) as copy:
            mock.advance(seconds)
            copy.advance(seconds)
            assert everything(copy) == everything(mock)


@pytest.mark.parametrize("left", [0, 1])
def test_append_beyond_the_last_sequence_number_is_refused(left: int) -> None:
    """Only a file leads there: the API has no room for such a number."""
    last = 2**64 - 1
    data = (
        '{"s2mock_snapshot": 1, "taken": "2024-01-01T00:00:00Z"}\n{"basin": "my-basin"}\n'
        f'{{"stream": "log", "tail": {{"seq_num": {last - left}, "timestamp": 5}}}}\n'
    )
    with S2Mock(snapshot=Snapshot.from_bytes(data.encode(), "it")) as mock:
        stream = mock.stream("my-basin", "log")
        for number in range(left):
            assert stream.append(["a"]).end.seq_num == last - left + number + 1
        with pytest.raises(Invalid, match=f"max assignable sequence number is {last - 1}; att"):
            stream.append(["a"])
        assert stream.tail.seq_num == last


def test_request_tokens_and_keys_go_with_it(tmp_path: Path) -> None:
    with rich() as mock:
        mock.snapshot().save(tmp_path / "file")
    with S2Mock(snapshot=Snapshot.load(tmp_path / "file")) as copy:
        config = StreamConfig(timestamping_uncapped=True)
        basin = copy.basin("second-basin")
        again = basin.create_stream("log/ä", config, request_token="t")
        assert again.info.created_at == START
        answer = copy.client.get(
            "/v1/streams/secret/records?seq_num=0", headers={"s2-basin": "first-basin"}
        )
        assert answer.status_code == 400
        assert copy.basin("first-basin").stream("secret").info.cipher == "aegis-256"


def test_after_a_restore_what_is_due_goes_by_the_time_of_the_file(tmp_path: Path) -> None:
    """The account's own time is another than the clock's by then."""
    with S2Mock(clock=ManualClock(1000), basins=["my-basin"]) as mock:
        stream = mock.basin("my-basin").create_stream("log")
        stream.append(["a"])
        snapshot = mock.snapshot()
        mock.advance(100 * DAY)
        mock.restore(snapshot)
        mock.advance(6 * DAY)
        mock.snapshot().save(tmp_path / "file")
    with S2Mock(snapshot=Snapshot.load(tmp_path / "file"), clock="manual") as copy:
        stream = copy.basin("my-basin").stream("log")
        assert copy.clock.now() == (1000 + 106 * DAY) * 10**9
        copy.advance(DAY - 1)
        assert len(stream.records) == 1
        copy.advance(1)
        assert stream.records == ()


def test_one_from_a_year_ago_arrives_with_its_records_alive(tmp_path: Path) -> None:
    with S2Mock(clock=ManualClock(0), basins=["my-basin"]) as mock:
        mock.basin("my-basin").create_stream("log").append(["a"])
        mock.snapshot().save(tmp_path / "file")
    with S2Mock(clock=ManualClock(365 * DAY), snapshot=Snapshot.load(tmp_path / "file")) as later:
        stream = later.basin("my-basin").stream("log")
        [record] = stream.records
        assert record.timestamp == 0
        later.advance(7 * DAY)
        assert stream.records == ()


def test_one_by_hand(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(BY_HAND)
    with S2Mock(snapshot=Snapshot.load(tmp_path / "file"), clock="manual") as mock:
        basin = mock.basin("my-basin")
        assert basin.config.create_stream_on_append
        log, orders = basin.stream("log"), basin.stream("orders/eu")
        now = 1_704_067_200_000
        assert [(r.seq_num, r.timestamp, r.body) for r in log.records] == [
            (0, now, b"one"),
            (1, now, b"two"),
            (2, now, b"\x80"),
        ]
        assert log.records[1].headers == ((b"content-type", b"text/plain"),)
        assert [(r.seq_num, r.timestamp, r.body) for r in orders.records] == [
            (7, 5, b"seven"),
            (8, now, b"me"),
        ]
        assert (orders.tail.seq_num, orders.fencing_token) == (9, "me")
        assert orders.append(["next"], fencing_token="me").start.seq_num == 9
        assert orders.config.retention_policy == "infinite"
        mock.advance(7 * DAY)
        assert log.records == ()
        assert len(orders.records) == 3


def test_a_stream_by_hand_is_deleted_when_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(
        '{"s2mock_snapshot": 1, "taken": "2024-01-01T00:00:00Z"}\n{"basin": "my-basin"}\n'
        '{"stream": "log", "config": {"delete_on_empty": {"min_age_secs": 60}}}'
    )
    with S2Mock(snapshot=Snapshot.load(tmp_path / "file"), clock="manual") as mock:
        mock.advance(100)
        assert mock.basin("my-basin").streams == ("log",)
        mock.advance(100)
        assert mock.basin("my-basin").streams == ()


def test_a_person_can_read_it(tmp_path: Path) -> None:
    with S2Mock(clock=ManualClock(0), basins=["my-basin"]) as mock:
        stream = mock.basin("my-basin").create_stream("log", StreamConfig(retention_policy=60))
        stream.append(["hällo", AppendRecord.fence("me"), AppendRecord.trim(0)])
        mock.snapshot().save(tmp_path / "file")
    first, basin, log, *records = map(json.loads, (tmp_path / "file").read_text().splitlines())
    assert first == {"s2mock_snapshot": 1, "taken": "1970-01-01T00:00:00Z", "lines": 6}
    assert basin["basin"] == "my-basin"
    assert (log["stream"], log["config"]["retention_policy"]) == ("log", {"age": 60})
    assert records == [
        {"seq_num": 0, "timestamp": 0, "body": "hällo"},
        {"seq_num": 1, "timestamp": 0, "fence": "me"},
        {"seq_num": 2, "timestamp": 0, "trim": 0},
    ]
    assert "hällo" in (tmp_path / "file").read_text()


LINES = BY_HAND.splitlines()


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("number", "line", "what"),
    [
        (1, "{}", 'no snapshot of s2mock: its first line is {"s2mock_snapshot": 1, ...}'),
        (1, "", "not JSON: Expecting value at column 1"),
        (1, '{"s2mock_snapshot": 2}', "the file has format 2, and this s2mock reads up to 1"),
        (1, '{"s2mock_snapshot": "1"}', "the format is 1, not '1'"),
        (1, '{"s2mock_snapshot": 1}', "there is no 'taken'"),
        (1, '{"s2mock_snapshot": 1, "taken": "today"}', "taken: a date is written"),
        (1, '{"s2mock_snapshot": 1, "taken": "2024-13-01T00:00:00Z"}', "month was not in range"),
        (1, '{"s2mock_snapshot": 1, "taken": "2024-01-01T00:00:00Z", "lines": 10}', ""),
        (2, '{"basin": "my"}', "basin: basin name should be at least 8 bytes in length"),
        (2, '{"basin": 5}', "basin: this is text, not 5"),
        (2, '{"basin": "my-basin", "config": {"stream_cipher": "rot13"}}', "config: "),
        (2, '{"basin": "my-basin", "confg": {}}', "unknown field 'confg': did you mean 'config'?"),
        (2, '{"stream": "log"}', "a stream must follow its basin"),
        (2, '{"body": "x"}', "a line must have a basin, a stream below it, or a record below that"),
        (3, '{"basin": "my-basin"}', "there is a basin 'my-basin' above"),
        (3, '{"stream": ""}', "stream: stream name must not be empty"),
        (3, '{"stream": "log", "config": {"retention_policy": {"age": 0}}}', "config: age must be"),
        (3, '{"stream": "log", "cipher": "rot13"}', "cipher: stream_cipher must be one of"),
        (3, '{"stream": "log", "created_at": 5}', "created_at: a date is written"),
        (3, '{"stream": "log", "last_write": -5}', "last_write: a date is written"),
        (3, '{"stream": "log", "tail": {"seq_num": 2, "timestamp": 0}}', "tail: 2 is not behind"),
        (3, '{"stream": "log", "tail": {"seq_num": 2}}', "tail: this has the fields seq_num and"),
        (
            3,
            '{"stream": "log", "fencing_token": "%s"}' % ("x" * 37),
            "fencing_token: fencing token",
        ),
        (3, '{"stream": "log", "request_token": "%s"}' % ("x" * 37), "request_token: "),
        (4, '{"body": "one"', "not JSON: Expecting ',' delimiter at column 15"),
        (4, '["one"]', "each line is a JSON object, not ['one']"),
        (4, "[" * 100_000, "nested too deeply to be read"),
        (4, "", "not JSON"),
        (4, '{"body": "one", "body": "two"}', "the field 'body' is repeated"),
        (4, '{"body": "\\ud800"}', "body: no Unicode text: '\\ud800'"),
        (4, '{"body": null}', "body: this is text, not None"),
        (4, '{"body_base64": "?"}', "body_base64: no base64"),
        (4, '{"seq_num": 0}', "a record has a `body`, or a `body_base64`, or is a `fence`"),
        (4, '{"body": "a", "fence": "b"}', "a record has a `body`, or a `body_base64`, or is a"),
        (4, '{"trim": -1}', "trim: this is a whole number from 0 to 2^64-1, not -1"),
        (4, '{"body": "a", "headers": [["a"]]}', "headers: these are pairs of name and value"),
        (4, '{"body": "a", "headers": {"a": "b"}}', "headers: these are pairs of name and value"),
        (4, '{"body": "a", "headers": [["", "x"]]}', "body: unknown command"),
        (4, '{"body": "a", "key_sha256": "ff"}', "key_sha256: this is 64 hexadecimal digits"),
        (4, '{"body": "a", "expires_at": "soon"}', "expires_at: a date is written"),
        (4, '{"body": "a", "seq_num": 18446744073709551615}', "seq_num: must be less than"),
        (5, '{"body": "a", "timestamp": true}', "timestamp: this is a whole number"),
        (5, '{"body": "a", "timestamp": 1}', "timestamp: 1 must be 1704067200000 or more"),
        (5, '{"body": "a", "seq_num": 0}', "seq_num: 0 must be more than 0"),
        (7, '{"stream": "log"}', "there is a stream 'log' in basin 'my-basin' above"),
    ],
)
def test_a_damaged_one_is_refused_with_its_line(
    tmp_path: Path, number: int, line: str, what: str
) -> None:
    file = tmp_path / "file"
    file.write_text("\n".join([*LINES[: number - 1], line, *LINES[number:]]))
    # Of a file that is too short or too long, that is the last one.
    shown = number if what else len(LINES)
    with pytest.raises(ValueError, match=re.escape(f"{file}, line {shown}: ")) as caught:
        Snapshot.load(file)
    assert what in str(caught.value)


def objects_in(value: Any) -> list[dict[str, Any]]:
    """The object, and all that there are in it."""
    if isinstance(value, list):
        return [found for below in value for found in objects_in(below)]
    if not isinstance(value, dict):
        return []
    return [value, *objects_in([*value.values()])]


def test_an_unknown_field_is_refused_at_every_level(tmp_path: Path) -> None:
    """It is added to each object of each line in turn."""
    file = tmp_path / "file"
    with rich() as mock:
        mock.client.put("/v1/locations/default", json="aws:us-west-2")
        mock.issue_token("worker", basins="my-*", ops=["append"], op_groups={"stream": "read"})
        mock.snapshot().save(file)
    lines = file.read_text().removesuffix("\n").split("\n")
    levels = set()
    for index, line in enumerate(lines):
        for at in range(len(objects_in(json.loads(line)))):
            document = json.loads(line)
            found = objects_in(document)[at]
            levels.add(frozenset(found))
            found["strange"] = None
            file.write_text("\n".join([*lines[:index], json.dumps(document), *lines[index + 1 :]]))
            expected = re.escape(f"{file}, line {index + 1}: ") + ".*unknown field 'strange'"
            with pytest.raises(ValueError, match=expected):
                Snapshot.load(file)
    fields = {field for level in levels for field in level}
    assert fields >= {"s2mock_snapshot", "default_location", "op_groups", "prefix", "read"}
    assert fields >= {"mode", "min_age_secs", "age", "tail", "due", "body", "fence"}


@pytest.mark.parametrize(
    ("number", "line", "what"),
    [
        (
            1,
            '{"s2mock_snapshot": 1, "taken": "2024-01-01T00:00:00Z", "line": 9}',
            "unknown field 'line': did you mean 'lines'?",
        ),
        (2, '{"basn": "my-basin"}', "unknown field 'basn': did you mean 'basin'?"),
        (2, '{"zzz": 1}', "unknown field 'zzz': the fields are account, access_token, basin,"),
        (
            2,
            '{"basin": "my-basin", "config": {"create_streams_on_append": true}}',
            "config: unknown field 'create_streams_on_append': did you mean 'create_stream_on_ap",
        ),
        (
            2,
            '{"basin": "basin-01", "config": {"default_stream_config": {"timestamping": {"M":5}}}}',
            "config: unknown field 'M' in default_stream_config.timestamping: the fields are mode",
        ),
        (
            2,
            '{"basin": "my-basin", "request_token": "t", "requested_config": {"cipher": null}}',
            "requested_config: unknown field 'cipher': did you mean 'stream_cipher'?",
        ),
        (
            3,
            '{"stream": "log", "config": {"delete_on_empty": {"min_age": 5}}}',
            "config: unknown field 'min_age' in delete_on_empty: did you mean 'min_age_secs'?",
        ),
        (
            3,
            '{"stream": "log", "config": {"retention_policy": {"infinite": {"age": 5}}}}',
            "config: unknown field 'age' in retention_policy.infinite: it has no fields",
        ),
        (3, '{"strem": "log"}', "unknown field 'strem': did you mean 'stream'?"),
        (3, '{"stream": "log", "tial": {}}', "unknown field 'tial': did you mean 'tail'?"),
        (
            3,
            '{"stream": "log", "tail": {"seqnum": 2, "timestamp": 0}}',
            "tail: unknown field 'seqnum': did you mean 'seq_num'?",
        ),
        (
            3,
            '{"stream": "log", "empty_check": {"due": 5, "carriedout": 5}}',
            "empty_check: unknown field 'carriedout': did you mean 'carried_out'?",
        ),
        (4, '{"strem": "other"}', "unknown field 'strem': did you mean 'stream'?"),
        (4, '{"bdy": "one"}', "unknown field 'bdy': did you mean 'body'?"),
        (4, '{"body": "one", "header": []}', "unknown field 'header': did you mean 'headers'?"),
        (4, '{"fence": "me", "headers": []}', "unknown field 'headers': the fields are seq_num,"),
        (
            4,
            '{"access_token": "t", "secret": "x", "scope": {}, "expires": null}',
            "unknown field 'expires': did you mean 'expires_at'?",
        ),
        (
            4,
            '{"access_token": "t", "secret": "x", "scope": {"op_group": {}}}',
            "scope: unknown field 'op_group': did you mean 'op_groups'?",
        ),
        (
            4,
            '{"access_token": "t", "secret": "x", "scope": {"op_groups": {"stream": {"raed": 1}}}}',
            "scope: unknown field 'raed' in op_groups.stream: did you mean 'read'?",
        ),
    ],
)
def test_an_unknown_field_is_told_with_its_line_and_the_nearest_name(
    tmp_path: Path, number: int, line: str, what: str
) -> None:
    file = tmp_path / "file"
    file.write_text("\n".join([*LINES[: number - 1], line, *LINES[number:]]))
    with pytest.raises(ValueError, match=re.escape(f"{file}, line {number}: {what}")):
        Snapshot.load(file)


def test_one_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    with rich() as mock:
        mock.snapshot().save(tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    # But for the end of the last line, which changes nothing.
    for size in [*range(0, len(whole) - 1, 97), len(whole) - 2]:
        (tmp_path / "part").write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"part, line \d+: "):
            Snapshot.load(tmp_path / "part")


@pytest.mark.parametrize("gone", [1, 4, -1])
def test_one_whose_lines_came_or_went_is_refused(tmp_path: Path, gone: int) -> None:
    with rich() as mock:
        mock.snapshot().save(tmp_path / "file")
    lines = (tmp_path / "file").read_text().splitlines()
    del lines[gone]
    (tmp_path / "file").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"file, line \d+: "):
        Snapshot.load(tmp_path / "file")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BY_HAND.encode() + b'{"body": "\xff"}')
    with pytest.raises(ValueError, match="line 10: not UTF-8"):
        Snapshot.load(tmp_path / "file")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Snapshot.load(tmp_path / "file")


def test_an_account_with_nothing_in_it(tmp_path: Path) -> None:
    with S2Mock() as mock:
        mock.snapshot().save(tmp_path / "file")
    with S2Mock(snapshot=Snapshot.load(tmp_path / "file")) as mock:
        assert mock.basins == ()


BODIES = st.binary(max_size=8) | st.text(max_size=8).map(str.encode)
RECORDS = st.builds(
    AppendRecord,
    BODIES,
    st.lists(st.tuples(BODIES.filter(bool), BODIES), max_size=2),
    st.none() | st.integers(0, 2**64 - 1),
)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(batches=st.lists(st.lists(RECORDS, min_size=1, max_size=4), max_size=4))
def test_any_records(tmp_path_factory: Any, batches: list[list[AppendRecord]]) -> None:
    directory = tmp_path_factory.mktemp("snapshots")
    with S2Mock(clock=ManualClock(5), basins=["my-basin"]) as mock:
        stream = mock.basin("my-basin").create_stream("s", StreamConfig(timestamping_uncapped=True))
        for batch in batches:
            stream.append(batch)
        mock.snapshot().save(directory / "first")
        loaded = Snapshot.load(directory / "first")
        loaded.save(directory / "second")
        assert (directory / "first").read_bytes() == (directory / "second").read_bytes()
        with S2Mock(snapshot=loaded) as copy:
            assert copy.basin("my-basin").stream("s").records == stream.records


def test_number_of_issued_tokens_goes_with_it_without_a_token(tmp_path: Path) -> None:
    with S2Mock(auth="required") as mock:
        taken = mock.snapshot()
    taken.save(tmp_path / "account")
    assert Snapshot.load(tmp_path / "account") == taken


def test_access_tokens_and_locations_go_with_it(tmp_path: Path) -> None:
    clock = ManualClock.at(START)
    with S2Mock(clock=clock, revocation_delay=60) as mock:
        put = mock.client.put("/v1/locations/default", json="aws:us-west-2")
        assert put.status_code == 200
        mock.create_basin("my-basin")
        lasting = mock.issue_token("lasting", basins="*", ops=["get-basin-config"])
        ending = mock.issue_token("ending", basins="*", ops=["get-basin-config"], expires_in=100)
        own = mock.issue_token(
            "own", basins="*", streams="a/*", ops=["append"], auto_prefix_streams=True
        )
        gone = mock.issue_token("gone", basins="*", ops=["get-basin-config"])
        gone.revoke()
        mock.snapshot().save(tmp_path / "first")
        loaded = Snapshot.load(tmp_path / "first")
        loaded.save(tmp_path / "second")
        assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
        listed = mock.client.get("/v1/access-tokens").json

    with S2Mock(snapshot=loaded, clock=ManualClock()) as copy:

        def status(secret: str) -> int:
            headers = {"authorization": f"Bearer {secret}"}
            return copy.client.get("/v1/basins/my-basin", headers=headers).status_code

        assert copy.client.get("/v1/access-tokens").json == listed
        assert copy.client.get("/v1/locations/default").json["name"] == "aws:us-west-2"
        assert [status(token.secret) for token in (lasting, ending, own, gone)] == [
            200,
            200,
            403,
            200,
        ]
        copy.advance(61)
        assert [status(token.secret) for token in (lasting, ending, gone)] == [200, 200, 401]
        copy.advance(40)
        assert [status(token.secret) for token in (lasting, ending, gone)] == [200, 401, 401]
        # No secret is issued twice.
        assert copy.issue_token("new", basins="*", ops=["read"]).secret not in {
            token.secret for token in (lasting, ending, own, gone)
        }


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"access_token": "t", "scope": {}}', "there is no 'secret'"),
        ('{"access_token": "t", "secret": "x"}', "there is no 'scope'"),
        (
            '{"access_token": "t", "secret": "x", "scope": {"ops": ["fly"]}}',
            "scope: unknown variant `fly`",
        ),
        ('{"access_token": "t", "scope": {}, "secret": 7}', "secret: this is text, not 7"),
        (
            '{"access_token": "t", "secret": "x", "scope": {}, "auto_prefix_streams": 1}',
            "auto_prefix_streams: this is true or false, not 1",
        ),
        (
            '{"account": {"default_locaton": "x"}}',
            "account: unknown field 'default_locaton': did you mean 'default_location'?",
        ),
        ('{"account": 5}', "account: this has the fields"),
        ('{"account": {"tokens_issued": -1}}', "account: this is a whole number"),
    ],
)
def test_a_damaged_token(tmp_path: Path, line: str, what: str) -> None:
    text = f'{{"s2mock_snapshot": 1, "taken": "2024-01-01T00:00:00Z"}}\n{line}\n'
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError, match="line 2: " + re.escape(what)):
        Snapshot.load(tmp_path / "file")


def test_the_file_knows_all_that_there_is() -> None:
    """A new part of the state belongs in `s2mock/json_bodies/snapshots`, and then here."""
    assert AccountState._fields == ("basins", "schedule", "tokens", "default_location")
    assert Tokens._fields == ("by_id", "by_secret", "issued")
    assert AccessToken._fields == (
        "id",
        "secret",
        "scope",
        "expires",
        "auto_prefix_streams",
        "ends",
    )
    assert BasinState._fields == (
        "name",
        "incarnation",
        "config",
        "created_at",
        "deleted_at",
        "creation",
        "streams",
        "location",
    )
    assert StreamState._fields == (
        "name",
        "incarnation",
        "config",
        "cipher",
        "created_at",
        "deleted_at",
        "creation",
        "last_write",
        "check_due",
        "log",
    )
    assert LogState._fields == (
        "chunks",
        "skipped",
        "size",
        "tail",
        "fencing_token",
        "trim_point",
        "next_expiry",
    )
    assert FinishDeletion._fields == ("basin", "stream", "incarnation")
    assert CheckEmpty._fields == ("basin", "stream", "incarnation", "at")
