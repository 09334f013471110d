"""Faults are values, and contradict no guarantee of the service."""

import json
import re
from dataclasses import FrozenInstanceError, fields
from math import inf, nan
from typing import Any

import pytest

import s2mock
from s2mock import Answer, Cut, Delay, Drain, Drop, Fail, Late, S2Mock
from s2mock.powers.faults import fault_from_json, fault_to_json, has_place
from s2mock.powers.operations import OPERATION_NAMES
from tests.plugin.conftest import Run

# Reference: account_services §4. Where the service guarantees that nothing has happened, ...
NO_EFFECT = {
    "rate_limited": 429,
    "hot_server": 502,
    "server_draining": 503,
    "transaction_conflict": 409,
    "authn": 401,
    "permission_denied": 403,
    "quota_exhausted": 403,
    "access_token_not_found": 404,
    "basin_not_found": 404,
    "stream_not_found": 404,
    "bad_frame": 400,
    "bad_header": 400,
    "bad_json": 400,
    "bad_path": 400,
    "bad_proto": 400,
    "bad_query": 400,
    "decryption_failed": 400,
    "invalid": 422,
    "resource_already_exists": 409,
    "basin_deletion_pending": 409,
    "stream_deletion_pending": 409,
    "not_implemented": 501,
}
# ... and where it does not.
PERHAPS = {
    "request_timeout": 408,
    "other": 500,
    "storage": 500,
    "unavailable": 503,
    "upstream_timeout": 504,
    "client_hangup": 499,
}

FAULTS = [
    (Fail("unavailable"), "Fail('unavailable')"),
    (
        Fail("unavailable", message="gone", retry_after=1.5, committed=True),
        "Fail('unavailable', message='gone', retry_after=1.5, committed=True)",
    ),
    (Fail("other", records=0), "Fail('other', records=0)"),
    (Drop(), "Drop()"),
    (Drop(committed=True, connection=True), "Drop(committed=True, connection=True)"),
    (Drop(refused=True), "Drop(refused=True)"),
    (Cut(records=2), "Cut(records=2)"),
    (Cut(bytes=0), "Cut(bytes=0)"),
    (Delay(1.5), "Delay(1.5)"),
    (Delay(inf, committed=True), "Delay(inf, committed=True)"),
    (Late(1.5), "Late(1.5)"),
    (Late(0), "Late(0)"),
    (Late(reads=2), "Late(reads=2)"),
    (Late(reads=1, code="storage"), "Late(reads=1, code='storage')"),
    (Answer(502), "Answer(502)"),
    (
        Answer(502, b"<html>", headers=[("Content-Type", "text/html")]),
        "Answer(502, b'<html>', headers=(('content-type', 'text/html'),))",
    ),
    (Drain(), "Drain()"),
    (Drain(records=3), "Drain(records=3)"),
]


@pytest.mark.parametrize(("fault", "text"), FAULTS, ids=[text for _, text in FAULTS])
def test_prints_as_one_would_type_it(fault: Any, text: str) -> None:
    assert repr(fault) == text
    again = eval(
        text, vars(s2mock) | {name: getattr(s2mock, name) for name in s2mock.__all__} | {"inf": inf}
    )
    assert again == fault
    assert hash(again) == hash(fault)
    assert {fault: 1}[again] == 1


@pytest.mark.parametrize("fault", [fault for fault, _ in FAULTS])
def test_json_makes_an_equal_one(fault: Any) -> None:
    assert fault_from_json(json.loads(json.dumps(fault_to_json(fault)))) == fault


def test_is_frozen_and_equal_to_its_like_only() -> None:
    faults = [fault for fault, _ in FAULTS]
    assert len(set(faults)) == len(faults)
    for fault in faults:
        name = fields(fault)[0].name  # type: ignore[arg-type]
        with pytest.raises(FrozenInstanceError):
            setattr(fault, name, getattr(fault, name))
        assert not hasattr(fault, "__dict__")


def test_is_called_so_in_the_ids_of_tests(run: Run) -> None:
    result = run(
        """
        import pytest
        from s2mock import Drop, Fail

        @pytest.mark.parametrize("fault", [Drop(committed=True), Fail("unavailable"), 5])
        def test_it(fault):
            pass
        """,
        "-v",
    )
    result.stdout.fnmatch_lines(
        [
            "*::test_it[[]Drop(committed=True)] PASSED*",
            "*::test_it[[]Fail('unavailable')] PASSED*",
            "*::test_it[[]5] PASSED*",
        ]
    )


@pytest.mark.parametrize(("code", "status"), (NO_EFFECT | PERHAPS).items())
def test_each_code_of_the_table_has_its_status(code: str, status: int) -> None:
    assert Fail(code).status == status


@pytest.mark.parametrize("code", PERHAPS)
def test_what_may_have_happened_may_be_committed(code: str) -> None:
    assert Fail(code, committed=True).committed
    assert Late(1, code=code).code == code


@pytest.mark.parametrize("code", NO_EFFECT)
def test_what_has_not_happened_may_not(code: str) -> None:
    with pytest.raises(ValueError, match=f"'{code}' promises that nothing has happened") as caught:
        Fail(code, committed=True)
    # It says what would be right.
    assert all(repr(other) in str(caught.value) for other in PERHAPS)
    with pytest.raises(ValueError, match=f"'{code}' promises that nothing has happened") as caught:
        Late(reads=1, code=code)
    assert all(repr(other) in str(caught.value) for other in PERHAPS)


def test_an_unknown_code_lists_the_codes() -> None:
    with pytest.raises(ValueError, match=re.escape("did you mean 'rate_limited'?")) as caught:
        Fail("rate_limit")
    assert all(code in str(caught.value) for code in NO_EFFECT | PERHAPS)


WRONG: list[tuple[str, type[Exception], str]] = [
    ("Fail(5)", TypeError, "takes the code"),
    ("Fail('other', message=5)", TypeError, "message must be text"),
    ("Fail('other', retry_after='1')", TypeError, "retry_after must be a number of seconds"),
    ("Fail('other', retry_after=-1)", ValueError, "retry_after must be 0 or more"),
    ("Fail('other', retry_after=inf)", ValueError, "retry_after must be 0 or more"),
    ("Fail('other', committed=1)", TypeError, "committed must be True or False"),
    ("Fail('other', records=-1)", ValueError, "records must be 0 or more"),
    ("Fail('other', records=1, committed=True)", ValueError, "a read changes nothing"),
    ("Drop(committed=None)", TypeError, "committed must be True or False"),
    ("Drop(refused=True, committed=True)", ValueError, "promises that nothing has happened"),
    ("Drop(refused=True, connection=True)", ValueError, "leave one of them out"),
    ("Cut()", ValueError, "a number of records or of bytes"),
    ("Cut(records=1, bytes=1)", ValueError, "give one of them"),
    ("Cut(bytes=-1)", ValueError, "bytes must be 0 or more"),
    ("Cut(records=True)", TypeError, "records must be a whole number"),
    ("Delay('1')", TypeError, "seconds must be a number"),
    ("Delay(-1)", ValueError, "seconds must be 0 or more"),
    ("Delay(nan)", ValueError, "seconds must be 0 or more"),
    ("Late()", ValueError, "give one of them, as in Late(1.5) or Late(reads=1)"),
    ("Late(1, reads=1)", ValueError, "give one of them, as in Late(1.5) or Late(reads=1)"),
    ("Late('1')", TypeError, "seconds must be a number"),
    ("Late(-1)", ValueError, "seconds must be 0 or more"),
    ("Late(nan)", ValueError, "seconds must be 0 or more"),
    ("Late(inf)", ValueError, "an operation that is never applied is lost by Drop()"),
    ("Late(reads=0)", ValueError, "reads must be 1 or more"),
    ("Late(reads=1.5)", TypeError, "reads must be a whole number"),
    ("Late(1, code=5)", TypeError, "Late takes the code of an error"),
    ("Late(1, code='storag')", ValueError, "did you mean 'storage'?"),
    ("Answer('502')", TypeError, "status must be a whole number"),
    ("Answer(99)", ValueError, "status must be from 200 to 599"),
    ("Answer(502, '<html>')", TypeError, "body must be bytes, not text: try b'<html>'"),
    ("Answer(204, b'x')", ValueError, "has no body"),
    ("Answer(502, headers='x')", TypeError, "headers must be pairs"),
    ("Answer(502, headers=[('a b', 'c')])", ValueError, "no name of a header"),
    ("Answer(502, headers=[('a', 'b\\n')])", ValueError, "no value of a header"),
    ("Drain(records='1')", TypeError, "records must be a whole number"),
]


@pytest.mark.parametrize(("text", "kind", "says"), WRONG, ids=[text for text, _, _ in WRONG])
def test_what_makes_no_sense_is_refused(text: str, kind: type[Exception], says: str) -> None:
    names = {name: getattr(s2mock, name) for name in s2mock.__all__} | {"inf": inf, "nan": nan}
    with pytest.raises(kind, match=re.escape(says)):
        eval(text, names)


MISPLACED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"fault": Cut(records=1), "on": "create-stream"}, ValueError, "Cut(bytes=...)"),
    ({"fault": Cut(records=1), "on": ["read", "append"]}, ValueError, "on 'append'"),
    ({"fault": Fail("other", records=1), "on": "append"}, ValueError, "Fail('other') fails any"),
    ({"fault": Drain(records=1), "on": "append"}, ValueError, "Drain() drains any"),
    ({"fault": Late(1), "on": "read"}, ValueError, "that changes nothing"),
    ({"fault": Late(1), "on": "check-tail"}, ValueError, "Drop() loses its answer"),
    ({"fault": Late(1), "on": "list-basins"}, ValueError, "on 'list-basins'"),
    ({"fault": Late(1), "on": "get-stream-config"}, ValueError, "that changes nothing"),
    ({"fault": Late(1), "on": ["append", "read"]}, ValueError, "on 'read'"),
    ({"fault": Late(1), "on": "append-session"}, ValueError, "on='append' applies a batch"),
    ({"fault": Late(reads=1), "on": "create-basin"}, ValueError, "Late(seconds) applies it"),
    ({"fault": [None, Late(1)], "on": "read"}, ValueError, "that changes nothing"),
    ({"fault": Drop, "on": "append"}, TypeError, "make one, as in Drop()"),
    ({"fault": "Drop()", "on": "append"}, TypeError, "a fault is one of Answer("),
    ({"fault": None, "on": "append"}, TypeError, "a fault is one of"),
    ({"fault": [], "on": "append"}, ValueError, "holds no fault"),
    ({"fault": [None], "on": "append"}, ValueError, "holds no fault"),
    ({"fault": [Drop(), 5], "on": "append"}, TypeError, "a fault is one of"),
    ({"fault": [Drop()], "on": "append", "times": 2}, ValueError, "leave it out"),
    ({"fault": [Drop()], "on": "append", "times": None}, ValueError, "leave it out"),
    ({"fault": Drop(), "on": "apend"}, ValueError, "did you mean 'append'?"),
    ({"fault": Drop(), "on": "create_stream"}, ValueError, "did you mean 'create-stream'?"),
    ({"fault": Drop(), "on": []}, ValueError, "there are list-basins"),
    ({"fault": Drop(), "on": 5}, TypeError, "on must be the name of an operation"),
    ({"fault": Drop(), "on": "append", "times": 0}, ValueError, "times must be 1 or more"),
    ({"fault": Drop(), "on": "append", "skip": -1}, ValueError, "skip must be 0 or more"),
    ({"fault": Drop(), "on": "append", "stream": ""}, ValueError, "'*' matches all"),
    ({"fault": Drop(), "on": "append", "basin": None}, TypeError, "basin must be a name"),
    ({"fault": Drop(), "on": "append", "required": 1}, TypeError, "required must be True"),
]


@pytest.mark.parametrize(("arguments", "kind", "says"), MISPLACED)
def test_what_means_nothing_where_it_is_put_is_refused(
    mock: S2Mock, arguments: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=re.escape(says)):
        mock.inject(**arguments)
    # Nothing is left of it, so the mock ends without a complaint.
    assert mock.client.get("/v1/basins").status_code == 200


def test_late_has_a_meaning_where_there_is_an_effect() -> None:
    """By the names of S2: what lists, reads, gets or checks changes nothing."""
    reading = ("list-", "get-", "read", "check-", "account-", "basin-metrics", "stream-metrics")
    for name in OPERATION_NAMES:
        writes = not name.startswith(reading) and name != "append-session"
        assert has_place(Late(1), name) is writes, name
        is_of_a_stream = "stream" in name or name in ("append", "trim", "fence")
        assert has_place(Late(reads=1), name) is (writes and is_of_a_stream), name
    assert all(has_place(Late(reads=1), name) for name in ("trim", "fence"))
