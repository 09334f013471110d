"""What the page asks for: rows, single exchanges, the status, streams."""

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from s2mock import Drop, Fail, Late, S2Mock
from tests.control.conftest import BASIN, Control, against
from tests.powers.conftest import Started

EVENTS = {"accept": "text/event-stream"}
READ = "/v1/streams/log/records?seq_num=0"


def batches(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The data of each event."""
    text = ""
    for piece in answer.iter_text():
        text += piece
        while "\n\n" in text:
            event, _, text = text.partition("\n\n")
            if event.startswith("event: rows\n"):
                yield json.loads(event.partition("data: ")[2])


def test_a_row_says_what_came_of_it(mock: S2Mock, control: Control) -> None:
    control.append("a", "b", "c")
    mock.inject([Drop(committed=True), Fail("unavailable")], on="append")
    with pytest.raises(httpx.RemoteProtocolError):
        control.append("d")
    control.append("e")
    control.http.get(READ, headers={"s2-basin": BASIN})
    control.http.put("/v1/streams/new", headers={"s2-basin": BASIN})
    control.http.get("/v1/basin")
    whole = control("GET", "/timeline").json()
    told = [
        (row["number"], row["operation"], row["status"], row["code"], row["did"], row["fault"])
        for row in whole["rows"]
    ]
    assert told == [
        (1, "append", 200, None, "+3 → 0..2", None),
        (2, "append", None, None, "+1 → 3..3", "Drop(committed=True)"),
        (3, "append", 503, "unavailable", "", "Fail('unavailable')"),
        (4, "read", 200, None, "read 0..3", None),
        (5, "ensure-stream", 201, None, "created", None),
        (6, "GET", 404, "not found", "", None),
    ]
    assert [row["is_write"] for row in whole["rows"]] == [True, True, True, False, True, False]
    assert whole["rows"][5]["path"] == "/v1/basin"
    assert (whole["first"], whole["last"], whole["dropped"]) == (1, 6, 0)
    assert [row["number"] for row in control("GET", "/timeline?after=4").json()["rows"]] == [5, 6]


def test_rows_come_as_events_and_sessions_come_again(control: Control) -> None:
    control.append("a")
    with control.http.stream("GET", "/_s2mock/timeline", headers=EVENTS) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        coming = batches(answer)
        first = next(coming)
        for row in first["rows"]:
            against({"$ref": "#/components/schemas/TimelineRow"}, row)
        assert [row["number"] for row in first["rows"]] == [1]
        headers = {"s2-basin": BASIN, **EVENTS}
        with control.http.stream("GET", READ, headers=headers):
            rows = seen_until(coming, lambda row: row["number"] == 2)
            assert (rows["by"], rows["ended"]) == ("session 2", None)
            control.append("b")
            gone_on = seen_until(coming, lambda row: row["last_seq_num"] == 1)
            assert gone_on["number"] in (2, 3)
        over = seen_until(coming, lambda row: row["number"] == 2 and row["ended"] is not None)
        assert over["did"] == "read 0..1"


def test_a_row_comes_again_when_its_operation_is_applied_late(
    mock: S2Mock, control: Control
) -> None:
    mock.inject(Late(reads=1), on="append")
    with control.http.stream("GET", "/_s2mock/timeline", headers=EVENTS) as answer:
        coming = batches(answer)
        with pytest.raises(httpx.RemoteProtocolError):
            control.append("a")
        pending = seen_until(coming, lambda row: row["number"] == 1)
        assert (pending["status"], pending["did"]) == (None, "")
        control.http.get("/v1/streams/log/records/tail", headers={"s2-basin": BASIN})
        applied = seen_until(coming, lambda row: row["number"] == 1)
        assert (applied["status"], applied["did"]) == (None, "+1 → 0..0")


def seen_until(coming: Iterator[dict[str, Any]], wanted: Any) -> dict[str, Any]:
    for batch in coming:
        for row in batch["rows"]:
            if wanted(row):
                return dict(row)
    raise AssertionError("the events have ended")


def test_records_that_a_session_delivers_come_as_an_event_before_the_next_heartbeat(
    mock: S2Mock, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No heartbeat comes: only the delivery itself is told.
    monkeypatch.setattr("s2mock.control.routes.timeline._HEARTBEAT_SECONDS", 3600.0)
    log = mock.stream(BASIN, "log")
    headers = {"s2-basin": BASIN, **EVENTS}
    with (
        control.http.stream("GET", "/_s2mock/timeline", headers=EVENTS) as answer,
        control.http.stream("GET", "/v1/streams/log/records?seq_num=0", headers=headers),
    ):
        coming = batches(answer)
        seen_until(coming, lambda row: row["operation"] == "read")
        log.wait_for_readers()
        while not mock._powers.journal.store.notifier.has_listeners:
            threading.Event().wait(0.001)
        # A direct call is in no journal, so that nothing else tells of it.
        log.append(["a", "b"])
        row = seen_until(coming, lambda row: row["last_seq_num"] == 1)
    assert (row["operation"], row["did"], row["ended"]) == ("read", "read 0..1", None)


def test_there_is_an_event_at_once_where_nothing_came(control: Control) -> None:
    with control.http.stream("GET", "/_s2mock/timeline", headers=EVENTS) as answer:
        assert next(batches(answer)) == {"rows": [], "first": 1, "last": 0, "dropped": 0}


def test_many_rows_come_in_several_events(control: Control) -> None:
    for number in range(501):
        control.append(str(number))
    with control.http.stream("GET", "/_s2mock/timeline?after=0", headers=EVENTS) as answer:
        coming = batches(answer)
        assert [len(next(coming)["rows"]) for _ in range(2)] == [500, 1]


def test_one_exchange_has_all_of_it(mock: S2Mock, control: Control) -> None:
    control.append("a")
    control.http.get("/v1/streams/lag/records?seq_num=0", headers={"s2-basin": BASIN})
    found = control("GET", "/journal/2").json()
    assert found["exchange"] == control("GET", "/journal").json()["exchanges"][1]
    assert "there is a stream `log`" in found["exchange"]["reason"]
    assert found["row"] == control("GET", "/timeline").json()["rows"][1]
    status, message = control.refused("GET", "/journal/3")
    assert (status, message) == (404, "the journal has no exchange 3")
    mock.journal.clear()
    assert control.refused("GET", "/journal/2")[0] == 404


def test_secrets_are_blacked_out(mock: S2Mock, control: Control) -> None:
    token = mock.issue_token("reader", basins={"prefix": ""}, ops=["read"])
    control.http.post(
        "/v1/access-tokens",
        json={"id": "other", "scope": {"basins": {"prefix": ""}, "ops": ["read"]}},
        headers={"authorization": "Bearer my-secret"},
    )
    control.http.get(READ, headers={"s2-basin": BASIN, "authorization": f"Bearer {token.secret}"})
    for number in (1, 2):
        text = control("GET", f"/journal/{number}").text
        assert '"authorization": "***"' in text
        assert "my-secret" not in text
        assert token.secret not in text
        assert not re.search("[0-9A-Za-z]{43}", text)


def test_faults_and_holds_of_the_test_itself_are_there(mock: S2Mock, control: Control) -> None:
    mock.inject(Drop(), on="append", stream="log", times=2, required=False)
    held = mock.hold(on="append", at="arrival")
    first = Started(lambda: control.append("a", stream="orders/eu"))
    held.wait()
    status = control("GET", "/status").json()
    [fault] = status["faults"]
    assert fault == {
        "number": 1,
        "text": "inject(Drop(), on='append', stream='log', times=2)",
        "hits": 0,
        "remaining": 2,
        "complaint": None,
    }
    [hold] = status["holds"]
    assert (hold["text"], hold["released"], hold["count"]) == (
        "hold(on='append', at='arrival')",
        False,
        1,
    )
    assert hold["held"][0]["stream"] == "orders/eu"
    # By these numbers they are removed and released, and listed with the others.
    assert control("POST", f"/holds/{hold['number']}/release").json()["released"]
    assert first.result().status_code == 200
    assert len(control("GET", "/faults").json()["faults"]) == 1
    assert control("DELETE", f"/faults/{fault['number']}").status_code == 204
    again = control("GET", "/status").json()
    assert (again["faults"], again["holds"][0]["released"]) == ([], True)


def test_hooks_of_the_test_itself_and_of_other_languages(mock: S2Mock, control: Control) -> None:
    calls = []
    hook = mock.on("append", calls.append, at="arrival", stream="log")
    given = {"on": "create-basin", "hook": True, "required": False}
    made = control("POST", "/holds", given).json()
    assert control.append("a").status_code == 200
    creating = Started(lambda: control.http.post("/v1/basins", json={"basin": "another-basin"}))
    control("GET", f"/holds/{made['number']}?wait=30")
    status = control("GET", "/status").json()
    assert status["holds"] == []
    other, own = status["hooks"]
    assert other["number"] == made["number"]
    assert (other["text"], other["calls"]) == ("on('create-basin', at='commit')", 1)
    [append] = mock.journal.of("append")
    assert own == {
        "number": made["number"] + 1,
        "text": "on('append', stream='log', at='arrival')",
        "removed": False,
        "calls": 1,
        "exchanges": [
            {
                "number": append.number,
                "operation": "append",
                "basin": append.basin,
                "stream": "log",
                "held": append.held,
                "is_waiting": False,
                "by": f"c{append.connection}",
                "began": append.began,
            }
        ],
    }
    control("POST", f"/holds/{made['number']}/release")
    assert creating.result().status_code == 201
    hook.remove()
    assert [one["removed"] for one in control("GET", "/status").json()["hooks"]] == [True, True]
    assert len(calls) == 1


def test_what_waits_until_when(control: Control) -> None:
    other = control.account(
        clock="manual", deletion_delay=60, basins=[{"name": BASIN, "streams": [{"name": "log"}]}]
    )
    other("POST", "/faults", {"on": "append", "fault": {"Delay": {"seconds": 5}}})
    waiting = Started(lambda: other.append("a"))
    other("GET", "/clock?waiters=1&wait=30")
    other.http.delete("/v1/streams/log", headers={"s2-basin": BASIN})
    status = other("GET", "/status").json()
    now = status["clock"]["now"]
    assert [((one["until"] - now) / 1e9, one["what"]) for one in status["waiting"]["next"]] == [
        (5.0, "an operation that is delayed, or waits to be durable"),
        (60.0, f"the deletion of log in {BASIN} is complete"),
    ]
    other("POST", "/clock/advance", {"seconds": 60})
    assert waiting.result().status_code == 404
    assert other("GET", "/status").json()["waiting"] == {"count": 0, "next": []}


def test_streams_in_few_words(mock: S2Mock, control: Control) -> None:
    mock.basin(BASIN).stream("log").fence("me")
    mock.basin(BASIN).stream("log").reconfigure(retention_policy=3600)
    mock.create_basin("other-basin")
    found = control("GET", "/streams").json()
    assert [basin["name"] for basin in found["basins"]] == [BASIN, "other-basin"]
    log, orders = found["streams"]
    assert (log["tail"]["seq_num"], log["fencing_token"], log["config"]) == (
        1,
        "me",
        {"retention_policy": {"age": 3600}},
    )
    assert (orders["name"], orders["config"], orders["readers"]) == ("orders/eu", {}, 0)
    part = control("GET", "/streams?contains=orders&limit=0").json()
    assert (part["streams"], part["count"]) == ([], 1)
    with control.http.stream("GET", READ, headers={"s2-basin": BASIN, **EVENTS}):
        mock.stream(BASIN, "log").wait_for_readers()
        assert control("GET", "/streams").json()["streams"][0]["readers"] == 1
    mock.account.engine.settings = mock.account.engine.settings._replace(deletion_delay=60.0)
    mock.stream(BASIN, "log").delete()
    assert control("GET", "/streams").json()["streams"][0]["is_deleting"]


def test_looking_carries_out_nothing(mock: S2Mock, control: Control) -> None:
    """A test that counts what has happened is not to be disturbed by a page that is open."""
    before = mock.account.engine.state
    control("GET", "/status")
    control("GET", "/streams")
    control("GET", "/streams/records?basin=my-basin&stream=log")
    assert mock.account.engine.state is before
    assert not mock.journal
