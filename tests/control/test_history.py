"""What is in a stream and what was in it, worked out from the log and the journal."""

import struct
from typing import Any

import httpx
import pytest

from s2mock import AppendRecord, Late, S2Mock
from s2mock.control.views.account_view import capture
from s2mock.control.views.stream_history import history_to_json
from tests.control.conftest import BASIN, Control

LOG = f"/streams/records?basin={BASIN}&stream=log"
HEADERS = {"s2-basin": BASIN}


def lives(control: Control, more: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = control("GET", f"{LOG}{more}").json()["lives"]
    return found


def told(life: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(record[name] for name in names) for record in life["records"]]


def bodies_after(control: Control, number: int) -> list[Any]:
    """What the page shows of the log after that exchange."""
    found = [
        life
        for life in lives(control)
        if life["start"] <= number and (life["end"] is None or number < life["end"])
    ]
    if not found:
        return []
    life = found[-1]

    def is_shown(one: dict[str, Any]) -> bool:
        return one["since"] is not None and one["since"] <= number

    trims = [
        min(int(one["value"]), one["seq_num"] + 1)
        for one in life["commands"]
        if one["command"] == "trim" and is_shown(one)
    ]
    return [
        record["body"]
        for record in life["records"]
        if record["seq_num"] >= max(trims, default=0) and is_shown(record)
    ]


def test_each_record_came_with_an_exchange(control: Control) -> None:
    control.append("a", "b")
    control.append("other", stream="orders/eu")
    control.append("c")
    [life] = lives(control)
    assert told(life, "seq_num", "body", "by", "since", "gone") == [
        (0, "a", 1, 1, None),
        (1, "b", 1, 1, None),
        (2, "c", 3, 3, None),
    ]
    assert (life["is_there"], life["tail"], life["tails"]) == (True, 3, [[1, 2], [3, 3]])
    assert [bodies_after(control, number) for number in range(4)] == [
        [],
        ["a", "b"],
        ["a", "b"],
        ["a", "b", "c"],
    ]


def test_what_was_trimmed_is_taken_from_the_journal(mock: S2Mock, control: Control) -> None:
    control.append("a", "b")
    control.append("c")
    mock.stream(BASIN, "log").trim(2)
    [life] = lives(control)
    assert told(life, "seq_num", "body", "by", "gone", "command") == [
        (0, "a", 1, "trimmed", None),
        (1, "b", 1, "trimmed", None),
        (2, "c", 2, None, None),
        (3, "\0" * 7 + "\2", None, None, "trim"),
    ]
    assert life["trim_point"] == 2
    assert life["records"][0]["timestamp"] == life["records"][1]["timestamp"] > 0
    assert bodies_after(control, 2) == ["a", "b", "c"]
    mock.journal.clear()
    [life] = lives(control)
    assert told(life, "seq_num", "by", "gone") == [(2, None, None), (3, None, None)]


def test_a_trim_by_an_exchange_takes_its_records_from_then_on(control: Control) -> None:
    control.append("a", "b")
    trim = {"headers": [["", "dHJpbQ=="]], "body": "AAAAAAAAAAE="}
    control.http.post(
        "/v1/streams/log/records",
        json={"records": [trim]},
        headers={**HEADERS, "s2-format": "base64"},
    )
    assert bodies_after(control, 1) == ["a", "b"]
    assert bodies_after(control, 2) == ["b", "\0" * 7 + "\1"]
    [life] = lives(control)
    assert life["commands"] == [{"seq_num": 2, "command": "trim", "value": "1", "since": 2}]


def test_a_command_that_is_gone_is_known_from_the_journal(mock: S2Mock, control: Control) -> None:
    fence = {"headers": [["", "fence"]], "body": "me"}
    control.http.post("/v1/streams/log/records", json={"records": [fence]}, headers=HEADERS)
    for number in range(3):
        control.append(str(number))
    mock.stream(BASIN, "log").trim(4)
    life = lives(control, "&count=1")[0]
    assert life["low"] == 4
    assert [(one["command"], one["value"]) for one in life["commands"]] == [
        ("fence", "me"),
        ("trim", "4"),
    ]
    assert life["fencing_token"] == "me"


def test_what_no_exchange_brought_has_come_between_two(mock: S2Mock, control: Control) -> None:
    log = mock.stream(BASIN, "log")
    log.append(["seed"])
    control.append("a")
    log.append(["direct"])
    control.http.get("/v1/basins")
    control.append("b")
    log.append(["last"])
    [life] = lives(control)
    assert told(life, "body", "by", "after", "since") == [
        ("seed", None, 0, 1),
        ("a", 1, None, 1),
        ("direct", None, 1, 3),
        ("b", 3, None, 3),
        ("last", None, 3, None),
    ]


def test_a_read_and_a_look_at_the_tail_show_what_was_there(mock: S2Mock, control: Control) -> None:
    log = mock.stream(BASIN, "log")
    log.append(["one"])
    control.http.get("/v1/streams/log/records?seq_num=0", headers=HEADERS)
    log.append(["two"])
    control.http.get("/v1/streams/log/records/tail", headers=HEADERS)
    assert told(lives(control)[0], "body", "since") == [("one", 1), ("two", 2)]


def test_a_stream_that_was_made_again_has_another_life(control: Control) -> None:
    control.append("first")
    control.http.delete("/v1/streams/log", headers=HEADERS)
    gone = lives(control)
    assert [(life["start"], life["end"], life["is_there"]) for life in gone] == [(0, 2, False)]
    assert told(gone[0], "body", "gone") == [("first", "deleted")]
    control.http.put("/v1/streams/log", headers=HEADERS)
    control.append("second")
    one, other = lives(control)
    assert (one["end"], other["start"], other["end"], other["is_there"]) == (2, 3, None, True)
    assert told(other, "seq_num", "body") == [(0, "second")]
    assert [bodies_after(control, number) for number in range(5)] == [
        [],
        ["first"],
        [],
        [],
        ["second"],
    ]


def test_a_basin_takes_its_streams_with_it(control: Control) -> None:
    control.append("first")
    control.http.delete(f"/v1/basins/{BASIN}")
    [life] = lives(control)
    assert (life["end"], life["is_there"]) == (2, False)


def test_a_life_that_ended_unseen(mock: S2Mock, control: Control) -> None:
    snapshot = mock.snapshot()
    control.append("first")
    mock.restore(snapshot)
    control.append("second")
    one, other = lives(control)
    assert (told(one, "body", "gone"), told(other, "body", "gone")) == (
        [("first", "deleted")],
        [("second", None)],
    )
    mock.stream(BASIN, "log").delete()
    assert not any(life["is_there"] for life in lives(control))
    mock.basin(BASIN).create_stream("log")
    assert [life["is_there"] for life in lives(control)] == [False, False, True]


def test_answers_that_leave_in_another_order(mock: S2Mock, control: Control) -> None:
    """An exchange that is answered late is numbered late, and is no other stream."""
    from tests.powers.conftest import Started

    with mock.hold(on="append", at="answer") as held:
        first = Started(lambda: control.append("first"))
        held.wait()
        control.append("second")
    first.result()
    [life] = lives(control)
    assert told(life, "body", "by", "since") == [("first", 2, 1), ("second", 1, 1)]


def test_a_part_of_many(mock: S2Mock, control: Control) -> None:
    mock.stream(BASIN, "log").append([str(number) for number in range(50)])
    assert told(lives(control, "&count=3")[0], "seq_num") == [(47,), (48,), (49,)]
    older = lives(control, "&count=3&before=47")[0]
    assert (older["low"], [body for (body,) in told(older, "body")]) == (44, ["44", "45", "46"])


def test_expired_records_are_told_from_trimmed_ones(manual: Control) -> None:
    manual.http.patch("/v1/streams/log", json={"retention_policy": {"age": 60}}, headers=HEADERS)
    manual.append("a")
    manual("POST", "/clock/advance", {"seconds": 61})
    manual.append("b")
    assert told(lives(manual)[0], "body", "gone") == [("a", "expired"), ("b", None)]


def test_long_bodies_are_cut_between_characters(mock: S2Mock, control: Control) -> None:
    mock.stream(BASIN, "log").append(["x" + "é" * 2000, b"\xff" * 3000])
    text, data = lives(control)[0]["records"]
    assert (text["body"], text["bytes"]) == ("x" + "é" * 999, 4001)
    assert (list(data["body"]), data["bytes"]) == (["base64"], 3000)


def test_a_batch_whose_records_have_times_of_their_own(mock: S2Mock, control: Control) -> None:
    records = [AppendRecord("a", timestamp=1), AppendRecord("b", [("k", "v")], timestamp=2)]
    mock.stream(BASIN, "log").append(records)
    found = lives(control)[0]["records"]
    assert [(one["timestamp"], one["headers"]) for one in found] == [(1, []), (2, [["k", "v"]])]
    document = {"records": [{"body": "c", "timestamp": number} for number in (3, 4, 5)]}
    control.http.post("/v1/streams/log/records", json=document, headers=HEADERS)
    mock.stream(BASIN, "log").trim(5)
    # The acknowledgement has the first and the last of them only.
    assert told(lives(control)[0], "timestamp")[:3] == [(3,), (None,), (5,)]


def test_an_append_that_was_applied_late_is_not_there_before(
    mock: S2Mock, control: Control
) -> None:
    mock.inject(Late(reads=1), on="append")
    with pytest.raises(httpx.RemoteProtocolError):
        control.append("late")
    control.append("other")
    control.http.get("/v1/streams/log/records/tail", headers=HEADERS)
    control.append("last")
    assert told(lives(control)[0], "body", "by", "since") == [
        ("other", 2, 2),
        ("late", 1, 4),
        ("last", 4, 4),
    ]
    assert bodies_after(control, 1) == []
    assert bodies_after(control, 3) == ["other"]
    assert bodies_after(control, 4) == ["other", "late", "last"]


def test_a_late_append_is_the_last_of_a_deleted_stream(mock: S2Mock, control: Control) -> None:
    mock.inject(Late(reads=1), on="append")
    with pytest.raises(httpx.RemoteProtocolError):
        control.append("late")
    control.http.get("/v1/streams/log/records/tail", headers=HEADERS)
    control.http.delete("/v1/streams/log", headers=HEADERS)
    assert told(lives(control)[0], "body", "gone") == [("late", "deleted")]


def test_a_stream_that_never_was_has_no_life(control: Control) -> None:
    found = control("GET", f"/streams/records?basin={BASIN}&stream=none").json()
    assert found == {"basin": BASIN, "stream": "none", "lives": []}


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("basin=my-basin", 400, "the parameter 'stream' is missing"),
        ("basin=my-basin&stream=log&count=0", 400, "count must be 1 or more"),
        ("basin=my-basin&stream=log&count=10001", 400, "count must be at most 10000, not 10001"),
    ],
)
def test_what_makes_no_sense(control: Control, query: str, status: int, reason: str) -> None:
    found, message = control.refused("GET", f"/streams/records?{query}")
    assert found == status
    assert reason in message


def test_a_body_that_the_journal_has_let_go(mock: S2Mock) -> None:
    with S2Mock(basins=[{"name": BASIN, "streams": ["log"]}], journal_bytes=1) as small:
        body = {"records": [{"body": "a"}]}
        small.client.post("/v1/streams/log/records", json=body, headers=HEADERS)
        small.stream(BASIN, "log").trim(1)
        view, exchanges = capture(small.account.engine), small.journal.since(0)
        [life] = history_to_json(view, exchanges, BASIN, "log")["lives"]
        assert [record["seq_num"] for record in life["records"]] == [1]
        assert life["records"][0]["value"] == str(struct.unpack(">Q", b"\0" * 7 + b"\1")[0])
    assert mock.account.basins == (BASIN,)
