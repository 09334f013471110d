"""The journal, the clock and the readers, from outside."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import httpx
import pytest

from s2mock import ManualClock, S2Mock
from tests.control.conftest import BASIN, PATIENCE, Control
from tests.powers.conftest import Started

EVENTS = "text/event-stream"


def operations(control: Control, query: str = "") -> list[str]:
    found = control("GET", f"/journal{query}").json()["exchanges"]
    return [exchange["operation"] for exchange in found]


def test_exchanges_are_listed_and_filtered(control: Control) -> None:
    control.append("a")
    control.append("b", stream="orders/eu")
    control.http.get("/v1/basins")
    control.http.get("/v1/basin")
    assert operations(control) == ["append", "append", "list-basins", None]
    assert operations(control, "?operation=append") == ["append"] * 2
    assert operations(control, "?operation=append,list-basins&after=1") == ["append", "list-basins"]
    assert operations(control, "?operation=read&operation=list-basins") == ["list-basins"]
    assert operations(control, "?stream=orders/*") == ["append"]
    assert operations(control, "?basin=my-*") == ["append"] * 2
    assert operations(control, "?status=404") == [None]
    assert operations(control, "?after=4") == []
    whole = control("GET", "/journal").json()
    assert (whole["last"], whole["dropped"]) == (4, 0)
    first, last = whole["exchanges"][0], whole["exchanges"][-1]
    assert json.loads(first["request"]["body"]) == {"records": [{"body": "a"}]}
    assert first["response"]["document"]["tail"]["seq_num"] == 1
    assert first["effect"] == {
        "committed": True,
        "kind": "appended",
        "name": None,
        "first_seq_num": 0,
        "last_seq_num": 0,
    }
    assert "is it /v1/basins?" in last["reason"]
    assert last["curl"].startswith("curl http://")


def test_bytes_that_are_no_text(control: Control) -> None:
    headers = {"s2-basin": BASIN, "s2-format": "base64"}
    document = {"records": [{"body": "/w=="}]}
    control.http.post("/v1/streams/log/records", json=document, headers=headers)
    [exchange] = control("GET", "/journal").json()["exchanges"]
    assert exchange["request"]["document"] == {"records": [{"body": {"base64": "/w=="}}]}


def test_numbers_that_json_cannot_write(control: Control) -> None:
    """Of the kind that JSON can say all the same: the parser of S2 reads it as infinite."""
    headers = {"s2-basin": BASIN, "content-type": "application/json"}
    for number in ("1e400", "-1e400"):
        content = f'{{"retention_policy": {{"age": {number}}}}}'
        answer = control.http.patch("/v1/streams/log", content=content, headers=headers)
        assert answer.status_code == 400
    found = control("GET", "/journal").json()["exchanges"]
    documents = [exchange["request"]["document"] for exchange in found]
    ages = [document["retention_policy"]["age"] for document in documents]
    assert ages == ["inf", "-inf"]
    with control.http.stream("GET", "/_s2mock/journal", headers={"accept": EVENTS}) as answer:
        event = next(events(answer))
    assert json.loads(event["data"], parse_constant=pytest.fail) == found[0]


def test_many_exchanges(control: Control) -> None:
    for number in range(30):
        control.append(str(number))
    assert operations(control) == ["append"] * 30


def test_waiting_for_exchanges_delays_no_other_request(control: Control) -> None:
    waiting = Started(lambda: control("GET", "/journal?operation=append&count=2&wait=30").json())
    control.append("a")
    control.append("b")
    assert [each["number"] for each in waiting.result()["exchanges"]] == [1, 2]
    later = Started(lambda: control("GET", "/journal?after=2&wait=30").json())
    control.append("c")
    assert [each["number"] for each in later.result()["exchanges"]] == [3]


def test_exchanges_that_do_not_come(control: Control) -> None:
    control.append("a")
    status, message = control.refused("GET", "/journal?operation=read&wait=0")
    assert status == 408
    assert "0 of 1 read arrived within 0 s" in message
    assert "append" in message


def test_a_wait_of_a_day_is_the_longest(control: Control) -> None:
    paths = [
        "/journal?count=9",
        "/clock?waiters=1",
        f"/readers?basin={BASIN}&stream=log",
        "/faults/1?hits=1",
        "/holds/1?count=1",
    ]
    for path in paths:
        for wait in ("86400.1", "10000000", "1e300", "1e400", "inf"):
            assert control.refused("GET", f"{path}&wait={wait}") == (
                400,
                f"wait must be at most 86400 seconds, a day, not {wait!r}",
            )
    waiting = Started(lambda: control("GET", "/journal?operation=append&count=2&wait=86400"))
    control.append("a")
    control.append("b")
    assert len(waiting.result().json()["exchanges"]) == 2


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("operation=appent", '"operation": "appent" is no operation: did you mean \'append\'?'),
        ("after=x", "after must be a whole number"),
        ("status=ok", "status must be a whole number"),
        ("steam=a", "did you mean 'stream'?"),
        ("basin=", "basin must be a name or a glob"),
    ],
)
def test_a_filter_that_makes_no_sense(control: Control, query: str, reason: str) -> None:
    for headers in ({}, {"accept": "text/event-stream"}):
        status, message = control.refused("GET", f"/journal?{query}", headers=headers)
        assert status == 400
        assert reason in message


def test_clearing(control: Control) -> None:
    control.append("a")
    assert control("DELETE", "/journal").status_code == 204
    assert operations(control) == []
    control.append("b")
    assert [each["number"] for each in control("GET", "/journal").json()["exchanges"]] == [2]


def events(answer: httpx.Response) -> Iterator[dict[str, str]]:
    text = ""
    for piece in answer.iter_text():
        text += piece
        while "\n\n" in text:
            event, _, text = text.partition("\n\n")
            yield dict(line.split(": ", 1) for line in event.split("\n"))


def test_following_the_journal(control: Control) -> None:
    control.append("a")
    control.append("b")
    headers = {"accept": "text/event-stream"}
    with control.http.stream(
        "GET", "/_s2mock/journal?operation=append&after=1", headers=headers
    ) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        coming = events(answer)
        event = next(coming)
        assert (event["event"], event["id"]) == ("exchange", "2")
        document = json.loads(event["data"])
        assert document == control("GET", "/journal?after=1").json()["exchanges"][0]
        control.http.get("/v1/basins")
        control.append("c")
        assert next(coming)["id"] == "4"
    again = {**headers, "last-event-id": "3"}
    with control.http.stream("GET", "/_s2mock/journal", headers=again) as answer:
        assert next(events(answer))["id"] == "4"


def test_a_follower_that_leaves(mock: S2Mock, control: Control) -> None:
    headers = {"accept": "text/event-stream"}
    with control.http.stream("GET", "/_s2mock/journal", headers=headers):
        while not mock._powers.journal.store.notifier.has_listeners:
            threading.Event().wait(0.001)
    while mock._powers.journal.store.notifier.has_listeners:
        threading.Event().wait(0.001)


def test_a_follower_that_waits_is_a_mistake(control: Control) -> None:
    headers = {"accept": "text/event-stream"}
    assert "leave it out" in control.refused("GET", "/journal?wait=1", headers=headers)[1]


def test_advice_is_told_once(control: Control) -> None:
    made = control.account()
    made.http.get("/v1/basins?prefx=my")
    control.http.get("/v1/basins?prefix=my")
    [told] = made("POST", "/advice").json()["exchanges"]
    assert (told["number"], told["advice"]) == (
        1,
        ["S2 ignores the query parameter `prefx`: did you mean `prefix`?"],
    )
    for each in (made, control):
        assert each("POST", "/advice").json() == {"exchanges": []}
    assert len(made("GET", "/journal").json()["exchanges"][0]["advice"]) == 1


def test_advice_on_an_open_read_session_is_told_unless_the_test_goes_on(control: Control) -> None:
    made = control.account(basins=[{"name": "my-basin", "streams": ["log"]}])
    fields = {"s2-basin": "my-basin", "accept": "text/event-stream"}
    target = "/v1/streams/log/records?seq_num=0"
    with made.http.stream("GET", target, headers=fields) as session:
        pieces = session.iter_raw()
        next(pieces)
        assert made("POST", "/advice?open=false").json() == {"exchanges": []}
        [told] = made("POST", "/advice").json()["exchanges"]
        assert told["advice"][0].startswith("the read session has no end")
        assert made("POST", "/advice").json() == {"exchanges": []}
    with made.http.stream("GET", target, headers=fields) as session:
        next(session.iter_raw())
    assert made("POST", "/advice").json() == {"exchanges": []}


def test_advice_refuses_an_unclear_open(control: Control) -> None:
    status, message = control.refused("POST", "/advice?open=maybe")
    assert (status, message) == (400, "open must be true or false, not 'maybe'")


def test_coverage(control: Control) -> None:
    made = control.account()
    made.append("a")
    made.append("b", stream="no-such-stream")
    made("DELETE", "/journal")
    made.append("c")
    told = made("GET", "/coverage").json()["operations"]["append"]
    assert (told["calls"], told["statuses"]) == (3, {"200": 2, "404": 1})
    made("POST", "/reset")
    made.append("d")
    for _ in range(2):
        assert made("GET", "/coverage").json()["operations"]["append"]["calls"] == 4
    told = control("GET", "/coverage").json()
    assert (told["operations"], told["journals_off"]) == ({}, 0)
    off = control.account(journal_limit=0)
    off.append("a")
    told = off("GET", "/coverage").json()
    assert (told["operations"], told["journals_off"]) == ({}, 1)


def test_the_machines_clock(control: Control) -> None:
    told = control("GET", "/clock").json()
    assert (told["clock"], told["waiters"]) == ("system", 0)
    assert told["timestamp"] == told["now"] // 1_000_000
    assert re.fullmatch(r"20\d\d-.*Z", told["date"])
    for method, path, document in (
        ("POST", "/clock/advance", {"seconds": 1}),
        ("GET", "/clock?wait=1", ...),
    ):
        status, message = control.refused(method, path, document)
        assert status == 409
        assert "--clock manual" in message


def test_a_clock_that_is_turned(manual: Control) -> None:
    assert manual("GET", "/clock").json() == {
        "clock": "manual",
        "now": 1_704_067_200_000_000_000,
        "timestamp": 1_704_067_200_000,
        "date": "2024-01-01T00:00:00Z",
        "waiters": 0,
    }
    manual("POST", "/faults", {"on": "append", "fault": {"Delay": {"seconds": 3600}}})
    late = Started(lambda: manual.append("a"))
    assert manual("GET", "/clock?wait=30").json()["waiters"] == 1
    assert manual.append("b").status_code == 200
    turned = manual("POST", "/clock/advance", {"seconds": 3600.5})
    assert turned.json()["date"] == "2024-01-01T01:00:00.500000Z"
    assert late.result().status_code == 200
    assert manual.read() == ["b", "a"]


def test_advancing_wakes_the_followers_and_waits_for_them(manual: Control) -> None:
    """The follower is served on the loop that answers, which must not wait for itself."""
    headers = {"s2-basin": BASIN, "accept": "text/event-stream"}
    with manual.http.stream("GET", "/v1/streams/log/records?wait=60", headers=headers) as answer:
        coming = answer.iter_text()
        assert "ping" in next(coming)
        manual("GET", "/clock?waiters=1&wait=30")
        assert manual("POST", "/clock/advance", {"seconds": 30}).status_code == 200
        assert "ping" in next(coming)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "lacks 'seconds'"),
        ({"seconds": -1}, "a clock only goes forward"),
        ({"seconds": 1e300}, "seconds must lead to a time up to the year 9999, not 1e+300"),
        ({"seconds": 2.6e11}, "seconds must lead to a time up to the year 9999"),
        ({"seconds": "1"}, "seconds must be a number of seconds"),
        ({"secs": 1}, "did you mean"),
    ],
)
def test_a_turn_that_makes_no_sense(manual: Control, document: object, reason: str) -> None:
    status, message = manual.refused("POST", "/clock/advance", document)
    assert status == 400
    assert reason in message
    assert manual("GET", "/clock").json()["timestamp"] == 1_704_067_200_000


def test_the_clock_of_a_new_account_is_its_own(manual: Control) -> None:
    made = manual.account()
    manual("POST", "/clock/advance", {"seconds": 60})
    assert made("GET", "/clock").json()["date"] == "2024-01-01T00:00:00Z"


def test_readers(control: Control) -> None:
    log = f"/readers?basin={BASIN}&stream=log"
    assert control("GET", log).json() == {"readers": 0}
    waiting = Started(lambda: control("GET", f"{log}&count=1&wait=30").json())
    headers = {"s2-basin": BASIN, "accept": "text/event-stream"}
    with control.http.stream("GET", "/v1/streams/log/records", headers=headers):
        assert waiting.result() == {"readers": 1}
    status, message = control.refused("GET", f"{log}&count=7&wait=0")
    assert status == 408
    assert "of 7 read sessions followed at the tail" in message
    assert control.refused("GET", f"/readers?basin={BASIN}")[0] == 400
    assert control.refused("GET", f"/readers?basin={BASIN}&stream=nope")[0] == 404
    assert control.refused("GET", "/readers?basin=x&stream=log")[0] == 400


def test_waiting_for_readers_of_a_stream_that_the_read_creates(control: Control) -> None:
    config = {"create_stream_on_read": True}
    made = control.account(basins=[{"name": BASIN, "config": config}, {"name": "other-basin"}])
    late = f"/readers?basin={BASIN}&stream=late"
    assert made.refused("GET", late)[0] == 404
    assert made.refused("GET", f"{late}&wait=0") == (
        408,
        f"0 of 1 read sessions followed at the tail of stream 'late' in {BASIN!r} within 0 s",
    )
    with closing(HTTPConnection(made.http.base_url.netloc.decode(), timeout=PATIENCE)) as other:
        headers = {"authorization": f"Bearer {made.token}"}
        other.request("GET", f"/_s2mock{late}&wait=30", headers=headers)
        # One thread serves both: by the last of these answers it has read that request.
        for _ in range(3):
            made("GET", "")
        headers = {"s2-basin": BASIN, "accept": "text/event-stream"}
        with made.http.stream("GET", "/v1/streams/late/records", headers=headers):
            assert json.loads(other.getresponse().read()) == {"readers": 1}
    # Nothing would make the stream here: a typo is told at once.
    for query in ("basin=other-basin&stream=late", "basin=no-such-basin&stream=late"):
        assert made.refused("GET", f"/readers?{query}&wait=30")[0] == 404


def test_many_wait_at_once() -> None:
    """More than there are threads for heavy work."""
    with (
        S2Mock(clock=ManualClock(), control=True) as mock,
        closing(Control(mock.url)) as control,
    ):
        everybody = [
            Started(lambda: control("GET", "/journal?wait=30").status_code) for _ in range(20)
        ]
        while len(mock._powers.journal.store.notifier._listeners) < len(everybody):
            threading.Event().wait(0.001)
        httpx.get(f"{mock.url}/v1/basins", trust_env=False, timeout=PATIENCE)
        assert [each.result() for each in everybody] == [200] * len(everybody)
