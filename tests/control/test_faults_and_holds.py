"""`/_s2mock/faults` and `/_s2mock/holds`."""

import json

import httpx
import pytest

from s2mock import S2Mock
from tests.control.conftest import BASIN, Control
from tests.powers.conftest import Started


def test_a_fault_is_met_and_looked_at(control: Control) -> None:
    asked = {
        "on": "append",
        "stream": "orders/*",
        "fault": {"Fail": {"code": "unavailable", "committed": True}},
    }
    made = control("POST", "/faults", asked)
    assert made.status_code == 201
    assert made.json() == {
        "number": 1,
        "fault": {"Fail": {"code": "unavailable", "committed": True}},
        "on": ["append"],
        "basin": "*",
        "stream": "orders/*",
        "skip": 0,
        "times": 1,
        "required": True,
        "hits": 0,
        "remaining": 1,
        "complaint": made.json()["complaint"],
        "exchanges": [],
    }
    assert "never fired" in made.json()["complaint"]
    assert control.append("a").status_code == 200
    assert control.append("b", stream="orders/eu").status_code == 503
    met = control("GET", "/faults/1").json()
    assert (met["hits"], met["remaining"], met["complaint"]) == (1, 0, None)
    [exchange] = met["exchanges"]
    assert exchange["effect"]["committed"] is True
    assert exchange["fault"] == asked["fault"]
    assert exchange["request"]["document"] == {"records": [{"body": "b"}]}
    assert control("GET", "/faults").json() == {"faults": [met]}
    assert control.read("orders/eu") == ["b"]


def test_a_stream_whose_name_is_a_glob_too_is_met_by_its_name(control: Control) -> None:
    for stream in ("run[1]", "run1"):
        control.http.put(f"/v1/streams/{stream}", headers={"s2-basin": BASIN})
    place = {"on": "append", "stream": "run[1]"}
    control("POST", "/faults", {**place, "times": 2, "fault": {"Fail": {"code": "storage"}}})
    for stream in ("run[1]", "run1"):
        assert control.append("a", stream=stream).status_code == 500
    assert control("GET", "/faults/1").json()["hits"] == 2
    exchanges = control("GET", "/journal?operation=append&stream=run%5B1%5D").json()["exchanges"]
    assert [exchange["stream"] for exchange in exchanges] == ["run[1]", "run1"]


def test_a_list_of_faults(control: Control) -> None:
    plan = [{"Answer": {"status": 502, "body": "<html>"}}, None, {"Drop": {}}]
    assert control("POST", "/faults", {"on": "append", "fault": plan}).json()["times"] == 3
    assert control.append("a").text == "<html>"
    assert control.append("b").status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        control.append("c")
    assert control.append("d").status_code == 200
    assert control.read() == ["b", "d"]


def test_a_fault_that_is_removed(control: Control) -> None:
    control("POST", "/faults", {"on": "append", "times": None, "fault": {"Drop": {}}})
    assert control("DELETE", "/faults/1").status_code == 204
    assert control.append("a").status_code == 200
    assert control("GET", "/faults").json() == {"faults": []}
    assert control.refused("DELETE", "/faults/1") == (404, "there is no fault 1; there are none")


def test_waiting_for_a_fault_delays_no_other_request(control: Control) -> None:
    control("POST", "/faults", {"on": "append", "times": 2, "fault": {"Fail": {"code": "storage"}}})
    waiting = Started(lambda: control("GET", "/faults/1?hits=2&wait=30").json())
    assert control.append("a").status_code == 500
    assert control.append("b").status_code == 500
    assert waiting.result()["hits"] == 2


def test_a_fault_that_is_waited_for_in_vain(control: Control) -> None:
    control(
        "POST",
        "/faults",
        {"on": "append", "stream": "order", "fault": {"Drop": {}}, "required": False},
    )
    control.append("a")
    status, message = control.refused("GET", "/faults/1?wait=0")
    assert status == 408
    assert '0 of 1 hits of {"fault": {"Drop": {}}, "on": "append", "stream": "order"}' in message
    assert "1 append arrived, to `log`" in message


def test_what_is_late_is_dropped_on_request(control: Control) -> None:
    late = {"on": "append", "times": 2, "fault": {"Late": {"reads": 1, "code": "storage"}}}
    control("POST", "/faults", late)
    headers = {"s2-basin": BASIN}
    for body in ("a", "b"):
        assert control.append(body).status_code == 500
        if body == "a":
            control.http.get("/v1/streams/log/records/tail", headers=headers)
    [remark] = control("DELETE", "/late").json()["remarks"]
    assert remark == (
        f"an operation was never applied: append {BASIN} log, by "
        '{"Late": {"reads": 1, "code": "storage"}}; '
        "0 of 1 reads or tail checks of its stream were answered"
    )
    assert control("DELETE", "/late").json() == {"remarks": []}
    assert control.read() == ["a"]
    assert control.read() == ["a"]
    exchanges = control("GET", "/faults/1").json()["exchanges"]
    assert [one["effect"]["committed"] for one in exchanges] == [True, False]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"on": "append"}, "lacks 'fault'"),
        ({"fault": {"Drop": {}}}, "lacks 'on'"),
        ({"on": "appent", "fault": {"Drop": {}}}, "did you mean 'append'?"),
        ({"on": "append", "fault": {"drop": {}}}, "'drop' is no fault: did you mean 'Drop'?"),
        ({"on": "append", "fault": "Drop"}, "an object of one key"),
        ({"on": "append", "fault": {"Drop": {}, "Cut": {}}}, "an object of one key"),
        ({"on": "append", "fault": {"Drop": None}}, "an object of its arguments"),
        ({"on": "append", "fault": {"Drop": {"comitted": True}}}, "did you mean 'committed'?"),
        ({"on": "append", "fault": {"Fail": {}}}, "Fail needs 'code'"),
        ({"on": "append", "fault": {"Fail": {"code": "slow"}}}, "no error code of S2"),
        ({"on": "append", "fault": {"Delay": {"seconds": "1"}}}, "must be a number of seconds"),
        ({"on": "append", "fault": {"Answer": {"status": 502, "body": 1}}}, "body must be text"),
        ({"on": "append", "fault": {"Cut": {"records": 1}}}, "counted in records"),
        ({"on": "append", "fault": {"Late": {}}}, '{"Late": {"reads": 1}}'),
        ({"on": "append", "fault": {"Late": {"read": 1}}}, "did you mean 'reads'?"),
        ({"on": "read", "fault": {"Late": {"reads": 1}}}, "that changes nothing"),
        ({"on": "append", "fault": {"Late": {"seconds": "inf"}}}, "seconds must be finite"),
        ({"on": "append", "fault": []}, "holds no fault"),
        ({"on": "append", "fault": {"Drop": {}}, "strem": "a"}, "did you mean 'stream'?"),
        ({"on": "append", "fault": {"Drop": {}}, "times": 0}, "times must be 1 or more"),
        ({"on": 1, "fault": {"Drop": {}}}, "on must be the name of an operation"),
        (["append"], "must be a JSON object"),
    ],
)
def test_a_fault_that_makes_no_sense(control: Control, document: object, reason: str) -> None:
    status, message = control.refused("POST", "/faults", document)
    assert status == 400
    assert reason in message
    assert control("GET", "/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/faults", {"on": "append", "fault": {"Fail": {"code": "other", "message": "\ud800"}}}),
        ("/faults", {"on": "append", "fault": {"Answer": {"status": 502, "body": "\ud800"}}}),
        ("/faults", {"on": "append", "fault": {"Drop": {}}, "stream": "\ud800"}),
        ("/holds", {"on": "append", "basin": "\ud800"}),
        ("/accounts", {"faults": [{"on": "read", "fault": {"Fail": {"code": "\ud800"}}}]}),
    ],
)
def test_half_of_a_surrogate_pair_is_refused(
    control: Control, path: str, document: dict[str, object]
) -> None:
    body = json.dumps(document).encode()
    answer = control.http.post(
        f"/_s2mock{path}", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert "\\ud800" in answer.json()["message"]
    assert control("GET", "/faults").json() == {"faults": []}
    assert control.append("a").status_code == 200


def test_a_hold_keeps_one_and_no_other(control: Control) -> None:
    made = control("POST", "/holds", {"on": "append", "at": "commit"})
    assert (made.status_code, made.json()["count"], made.json()["released"]) == (201, 0, False)
    first = Started(lambda: control.append("a"))
    held = control("GET", "/holds/1?wait=30").json()
    assert held["count"] == 1
    assert held["exchanges"][0]["number"] == 0
    assert held["exchanges"][0]["response"] is None
    assert control.append("b").status_code == 200
    assert control.read() == ["b"]
    released = control("POST", "/holds/1/release").json()
    assert released["released"] is True
    assert first.result().status_code == 200
    assert control.read() == ["b", "a"]
    assert control("POST", "/holds/1/release").status_code == 200
    [listed] = control("GET", "/holds").json()["holds"]
    assert listed["exchanges"][0]["number"] == 2


def test_a_hold_that_nothing_reaches(control: Control) -> None:
    asked = {"on": ["append", "read"], "stream": "order", "required": False}
    made = control("POST", "/holds", asked).json()
    assert (made["required"], made["complaint"]) == (False, None)
    control.append("a")
    status, message = control.refused("GET", "/holds/1?wait=0.01&count=2")
    assert status == 408
    assert '0 of 2 operations were held by {"on": ' in message
    assert control.refused("GET", "/holds/2")[0] == 404
    assert control.refused("GET", "/holds/x") == (404, "'x' is no number such as 1")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("count=2", "add wait"),
        ("wait=soon", "wait must be a number of seconds such as 5, not 'soon'"),
        ("wait=-1", "wait must be a number of seconds"),
        ("wait=nan", "wait must be a number of seconds"),
        ("wait=1&count=0", "count must be 1 or more"),
        ("wait=1&count=x", "count must be a whole number"),
        ("wiat=1", "unknown parameter 'wiat': did you mean 'wait'?"),
        ("wait=1&wait=2", "twice"),
    ],
)
def test_a_wait_that_makes_no_sense(control: Control, query: str, reason: str) -> None:
    control("POST", "/holds", {"on": "append", "required": False})
    status, message = control.refused("GET", f"/holds/1?{query}")
    assert status == 400
    assert reason in message


def test_a_hold_that_nothing_reaches_is_a_complaint(mock: S2Mock, control: Control) -> None:
    made = control("POST", "/holds", {"on": "append", "stream": "order"}).json()
    assert made["required"] is True
    assert made["complaint"] == (
        'a hold held nothing: {"on": "append", "stream": "order", "at": "commit"}; '
        "no append arrived, "
        "and nothing else; the hold waits for `order`"
    )
    control.append("a")
    released = control("POST", "/holds/1/release").json()
    assert "; 1 append arrived, to `log`; the hold waits for `order`" in released["complaint"]
    assert control("GET", "/holds/1").json() == released
    # The test that it was made for fails: here it is told that it may pass.
    [complaint] = mock._powers.injector.check()
    assert complaint.partition("; ")[2] == released["complaint"].partition("; ")[2]


def test_a_hold_that_holds_something_is_no_complaint(control: Control) -> None:
    control("POST", "/holds", {"on": "append"})
    appending = Started(lambda: control.append("a"))
    assert control("GET", "/holds/1?wait=30").json()["complaint"] is None
    assert control("POST", "/holds/1/release").json()["complaint"] is None
    assert appending.result().status_code == 200


def test_a_hold_that_makes_no_sense(control: Control) -> None:
    message = control.refused("POST", "/holds", {"on": "read", "required": 1})[1]
    assert message == "required must be true or false, not 1"
    assert (
        '"arrival", "commit" or' in control.refused("POST", "/holds", {"on": "read", "at": "x"})[1]
    )
    assert control("GET", "/holds").json() == {"holds": []}


def test_those_of_the_mock_itself_are_met_too(mock: S2Mock, control: Control) -> None:
    with mock.hold(on="append") as held:
        first = Started(lambda: control.append("a"))
        held.wait()
        assert control("GET", "/holds").json() == {"holds": []}
    assert first.result().status_code == 200


def test_release_of_one_exchange_with_a_fault(control: Control) -> None:
    control("POST", "/holds", {"on": "append", "times": None})
    first = Started(lambda: control.append("a"))
    control("GET", "/holds/1?wait=30")
    second = Started(lambda: control.append("b"))
    held = control("GET", "/holds/1?count=2&wait=30").json()["exchanges"]
    assert [(it["number"], it["held"]) for it in held] == [(0, 1), (0, 2)]
    fault = {"Fail": {"code": "unavailable", "committed": True}}
    released = control("POST", "/holds/1/release", {"exchange": 2, "fault": fault}).json()
    assert second.result().status_code == 503
    assert released["released"] is False
    assert not first.is_over
    # It is released already: again is harmless, and a fault would meet nothing.
    assert control("POST", "/holds/1/release", {"exchange": 2}).status_code == 200
    late = {"exchange": 2, "fault": {"Drop": {}}}
    status, message = control.refused("POST", "/holds/1/release", late)
    assert status == 409
    assert message == (
        '{"on": "append", "at": "commit"} does not hold the operation 2 now (`held` of its '
        "exchange): it holds 1"
    )
    assert control("POST", "/holds/1/release", {"fault": fault}).json()["released"] is True
    assert first.result().status_code == 503
    assert control.read() == ["b", "a"]
    [listed] = control("GET", "/holds").json()["holds"]
    assert [it["held"] for it in listed["exchanges"]] == [1, 2]
    assert [it["fault"] for it in listed["exchanges"]] == [fault, fault]


@pytest.mark.parametrize(
    ("document", "status", "reason"),
    [
        ({"exchange": 3}, 409, "does not hold the operation 3 now"),
        ({"exchange": "1"}, 400, 'exchange must be a whole number, not "1"'),
        ({"exchange": None}, 400, "exchange must be a whole number, not null"),
        (
            {"fault": {"Drop": {}}},
            400,
            '{"Drop": {}} at the answer of',
        ),
        *(
            ({"fault": fault}, 400, "the operation is applied, and this fault denies that")
            for fault in (
                {"Drop": {"refused": True}},
                {"Fail": {"code": "unavailable"}},
                {"Answer": {"status": 502}},
                {"Late": {"seconds": 1}},
                {"Late": {"reads": 1}},
                {"Late": {"seconds": 1, "code": "unavailable"}},
            )
        ),
        ({"fault": {"Cut": {"records": 1}}}, 400, "counted in records"),
        ({"fault": {"drop": {}}}, 400, "did you mean 'Drop'?"),
        ({"fault": None}, 400, "a fault is an object of one key"),
        ({"falut": {}}, 400, "did you mean 'fault'?"),
    ],
)
def test_wrong_release_releases_nothing(
    control: Control, document: object, status: int, reason: str
) -> None:
    control("POST", "/holds", {"on": "append", "at": "answer"})
    appending = Started(lambda: control.append("a"))
    control("GET", "/holds/1?wait=30")
    found, message = control.refused("POST", "/holds/1/release", document)
    assert found == status
    assert reason in message
    assert not appending.is_over
    control("POST", "/holds/1/release")
    assert appending.result().status_code == 200


def test_fault_for_a_hold_that_holds_nothing(control: Control) -> None:
    control("POST", "/holds", {"on": "append", "required": False})
    status, message = control.refused("POST", "/holds/1/release", {"fault": {"Drop": {}}})
    assert (status, message.partition(" now,")[0]) == (
        409,
        '{"on": "append", "at": "commit"} holds nothing',
    )
    assert control("GET", "/holds/1").json()["released"] is False


def test_hook_comes_before_a_hold(control: Control) -> None:
    """Two hooks and a hold hold one operation, one after the other."""
    control("POST", "/holds", {"on": "append", "required": False})
    for _ in range(2):
        made = control("POST", "/holds", {"on": "append", "required": False, "hook": True}).json()
        assert made["hook"] is True
    appending = Started(lambda: control.append("a"))
    for number, later in ((2, (1, 3)), (3, (1,)), (1, ())):
        [exchange] = control("GET", f"/holds/{number}?wait=30").json()["exchanges"]
        assert exchange["held"] == 1
        for other in later:
            assert control("GET", f"/holds/{other}").json()["count"] == 0
        assert not appending.is_over
        control("POST", f"/holds/{number}/release", {"exchange": 1})
    assert appending.result().status_code == 200


def test_wait_for_a_hook_is_over_when_it_is_released(control: Control) -> None:
    """What calls the function learns of the end; the wait for a hold goes on."""
    control("POST", "/holds", {"on": "append", "required": False, "hook": True, "times": None})
    waiting = Started(lambda: control("GET", "/holds/1?wait=30").json())
    control("POST", "/holds/1/release")
    assert waiting.result()["released"] is True
    assert control.refused("POST", "/holds", {"on": "read", "hook": 1})[1] == (
        "hook must be true or false, not 1"
    )
