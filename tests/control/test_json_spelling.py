"""Messages over HTTP have the spelling of its requests; a client in Python has its own."""

import json

import pytest

from s2mock import Answer, Cut, Delay, Drain, Drop, Fail, Late, S2Mock, Silence, Slow
from s2mock.control.json_spelling import spell_message
from s2mock.handles.backends.control_client import ControlClient
from s2mock.powers.faults import Fault, fault_from_json
from tests.control.conftest import Control

FAULTS: list[Fault] = [
    Fail("unavailable"),
    Fail("rate_limited", message='it\'s (too) "fast", Drop()', retry_after=1.5),
    Drop(),
    Drop(committed=True, connection="reset"),
    Cut(records=2),
    Delay(float("inf")),
    Delay(1, jitter=0.5),
    Late(reads=1, code="storage"),
    Silence(bytes=3),
    Slow(chunk=1),
    Answer(502, b"<html>", headers={"content-type": "text/html"}),
    Answer(200, b"\xff"),
    Drain(records=1),
]


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_each_fault_is_what_a_request_has(fault: Fault) -> None:
    before, after = "a fault never fired: ", "; no append arrived"
    spelled = spell_message(f"{before}{fault!r}{after}")
    assert spelled.startswith(before)
    assert spelled.endswith(after)
    document = json.loads(spelled.removeprefix(before).removesuffix(after))
    assert fault_from_json(document) == fault


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        (
            "never fired: inject([Drop(), None], on=('append', 'read'), stream='a(b', skip=1); x",
            (
                'never fired: {"fault": [{"Drop": {}}, null], "on": ["append", "read"], '
                '"stream": "a(b", "skip": 1}; x'
            ),
        ),
        ("hold(on='append', at='commit')", '{"on": "append", "at": "commit"}'),
        ("on('append', at='commit')", '{"on": "append", "at": "commit"}'),
        # No fault that there can be, as in the message that refuses it.
        (
            "Fail('hot_server', committed=True): committed=True is wrong",
            '{"Fail": {"code": "hot_server", "committed": true}}: "committed": true is wrong',
        ),
        ("Cut(records=...) of a read", '{"Cut": {"records": ...}} of a read'),
        ("on='append-session' affects it", '"on": "append-session" affects it'),
        # Parameters of a query, other calls, and what is cut off.
        ("add wait, in seconds, as in wait=5", "add wait, in seconds, as in wait=5"),
        ("Late(seconds) applies it, f(x=1)", "Late(seconds) applies it, f(x=1)"),
        ("Drop(committed=", "Drop(committed="),
    ],
)
def test_calls_and_arguments(text: str, spelled: str) -> None:
    assert spell_message(text) == spelled


def test_complaints(mock: S2Mock, control: Control) -> None:
    fault = {"on": "append", "fault": {"Fail": {"code": "unavailable", "committed": True}}}
    text = 'never fired: {"fault": {"Fail": {"code": "unavailable", "committed": true}}, "on": "app'
    assert text in control("POST", "/faults", fault).json()["complaint"]
    [listed] = control("GET", "/faults").json()["faults"]
    assert text in listed["complaint"]
    hold = control("POST", "/holds", {"on": "append"}).json()
    assert '{"on": "append", "at": "commit"}' in hold["complaint"]
    # The test that they were made for is over.
    assert len(mock._powers.injector.check()) == 2


def test_refusals_and_timeouts(control: Control) -> None:
    fault = {"Drop": {"refused": True, "committed": True}}
    status, message = control.refused("POST", "/faults", {"on": "append", "fault": fault})
    assert (status, "=True" in message) == (400, False)
    assert message.startswith('{"Drop": {"refused": true}} promises that nothing has happened')
    control("POST", "/faults", {"on": "append", "fault": {"Drop": {}}, "required": False})
    status, message = control.refused("GET", "/faults/1?wait=0")
    assert status == 408
    assert '0 of 1 hits of {"fault": {"Drop": {}}, "on": "append"} arrived' in message
    status, message = control.refused("POST", "/faults", {"on": "append", "fault": {"Drop": True}})
    assert (status, message.rpartition("; ")[2]) == (400, "not true")


def test_text_of_the_timeline(control: Control) -> None:
    fault = {"Fail": {"code": "unavailable", "committed": True}}
    control("POST", "/faults", {"on": "append", "fault": fault})
    assert control.append("a").status_code == 503
    answer = control("GET", "/timeline", headers={"accept": "text/plain"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    title, line, *more = answer.text.splitlines()
    assert title == "s2mock: 1 exchange, 1 fault"
    assert (
        '503  unavailable  1 record, 0..0  {"Fail": {"code": "unavailable", "committed": true'
        in (line)
    )
    assert more[0].strip() == 'injected: {"Fail": {"code": "unavailable", "committed": true}}'
    assert more[1].strip().startswith("curl ")
    assert control("GET", "/timeline?after=1", headers={"accept": "text/plain"}).text == (
        "s2mock: 0 exchanges\n"
    )


def test_client_in_python_gets_python() -> None:
    with S2Mock(control=True) as mock:
        client = ControlClient(mock.url, mock.token)
        made = client("POST", "/faults", {"on": "append", "fault": {"Drop": {}}})
        assert "never fired: inject(Drop(), on='append')" in made["complaint"]
        client("DELETE", "/faults/1")
