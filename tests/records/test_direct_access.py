"""`s2_mock.basin(b).stream(s)`: the same rules and errors as over HTTP, without HTTP."""

import pytest

import s2mock
from s2mock import (
    AppendAck,
    AppendRecord,
    BasinNotFound,
    S2Error,
    S2Mock,
    SequencedRecord,
    StreamNotFound,
    StreamPosition,
)

HEADERS = {"s2-basin": "my-basin"}
RECORDS = "/v1/streams/my-stream/records"


@pytest.fixture
def mock() -> S2Mock:
    return S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "my-stream"}]}])


def test_written_over_http_and_read_directly(mock: S2Mock) -> None:
    body = {"records": [{"body": "é", "headers": [["k", "v"]]}, {}]}
    ack = mock.client.post(RECORDS, json=body, headers=HEADERS).json
    stream = mock.basin("my-basin").stream("my-stream")

    first, second = stream.records
    assert isinstance(first, SequencedRecord)
    assert (first.seq_num, first.headers, first.body) == (0, ((b"k", b"v"),), "é".encode())
    assert (second.seq_num, second.headers, second.body) == (1, (), b"")
    assert first.timestamp == ack["start"]["timestamp"]
    assert stream.tail == StreamPosition(2, ack["tail"]["timestamp"])


def test_written_directly_and_read_over_http(mock: S2Mock) -> None:
    stream = mock.basin("my-basin").stream("my-stream")
    ack = stream.append([AppendRecord(b"a", [(b"k", b"v")], timestamp=7), "b"])

    assert isinstance(ack, AppendAck)
    answer = mock.client.get(f"{RECORDS}?seq_num=0", headers=HEADERS)
    assert answer.json == {
        "records": [
            {"seq_num": 0, "timestamp": 7, "headers": [["k", "v"]], "body": "a"},
            {"seq_num": 1, "timestamp": ack.end.timestamp, "body": "b"},
        ]
    }
    tail = mock.client.get(f"{RECORDS}/tail", headers=HEADERS).json["tail"]
    assert tail == {"seq_num": 2, "timestamp": ack.tail.timestamp}


@pytest.mark.parametrize(
    ("document", "options"),
    [
        ({"records": [{"body": "x"}], "match_seq_num": 9}, {"match_seq_num": 9}),
        ({"records": [{"body": "x"}], "fencing_token": "t"}, {"fencing_token": "t"}),
        ({"records": []}, {}),
        ({"records": [{"body": "x"}] * 1001}, {}),
    ],
)
def test_errors_are_those_of_http(
    mock: S2Mock, document: dict[str, object], options: dict[str, object]
) -> None:
    answer = mock.client.post(RECORDS, json=document, headers=HEADERS)
    with pytest.raises(S2Error) as refused:
        mock.basin("my-basin").stream("my-stream").append(
            [record["body"] for record in document["records"]], **options
        )

    assert (refused.value.status, refused.value.body()) == (answer.status_code, answer.json)


def test_what_is_not_there(mock: S2Mock) -> None:
    with pytest.raises(StreamNotFound):
        mock.basin("my-basin").stream("other")
    with pytest.raises(BasinNotFound):
        mock.basin("other-basin")


def test_records_are_a_picture_of_the_moment(mock: S2Mock) -> None:
    stream = mock.basin("my-basin").stream("my-stream")
    stream.append([b"a"])
    before = stream.records
    stream.append([b"b", AppendRecord.trim(1)])

    assert [record.seq_num for record in before] == [0]
    assert [record.seq_num for record in stream.records] == [1, 2]


@pytest.mark.parametrize(
    "name",
    [
        "AppendAck",
        "AppendRecord",
        "BadHeader",
        "FencingTokenMismatch",
        "Invalid",
        "SeqNumMismatch",
        "SequencedRecord",
        "StreamPosition",
    ],
)
def test_what_it_takes_and_gives_has_a_public_name(name: str) -> None:
    assert name in s2mock.__all__
    assert getattr(s2mock, name).__name__ == name
