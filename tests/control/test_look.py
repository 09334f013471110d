"""`/_s2mock/look` and the seeds of an account: S2's own values, as the description has them."""

import base64
from contextlib import closing
from typing import Any

import pytest

from s2mock import S2Mock
from tests.control.conftest import BASIN, Control

SEEDS: list[Any] = [
    "empty-basin",
    {
        "basin": BASIN,
        "config": {
            "default_stream_config": {"retention_policy": {"infinite": {}}},
            "stream_cipher": "aegis-256",
            "create_stream_on_append": True,
        },
        "streams": [
            "plain",
            {"stream": "requested", "config": {"delete_on_empty": {"min_age_secs": 60}}},
            {
                "name": "log",
                "config": {
                    "storage_class": "standard",
                    "retention_policy": "7days",
                    "timestamping": {"mode": "arrival", "uncapped": None},
                    "delete_on_empty": {"min_age": "1h 30m"},
                },
            },
        ],
    },
]
LOG = f"basin={BASIN}&stream=log"


@pytest.fixture
def seeded(control: Control) -> Control:
    """An account that starts with basins in each form that a seed may have."""
    return control.account(
        basins=SEEDS, locations=["aws:one", {"name": "aws:two", "storage_classes": ["standard"]}]
    )


def test_basin_has_its_description_and_configuration(seeded: Control) -> None:
    empty = seeded("GET", "/look/basin?basin=empty-basin").json()
    assert empty["config"]["default_stream_config"] is None
    whole = seeded("GET", f"/look/basin?basin={BASIN}").json()
    assert whole["info"]["state"] == "active"
    assert whole["info"]["location"] == "aws:one"
    assert whole["config"]["stream_cipher"] == "aegis-256"
    assert whole["config"]["default_stream_config"]["retention_policy"] == {"infinite": {}}


def test_stream_has_its_configuration_and_state(seeded: Control) -> None:
    whole = seeded("GET", f"/look/stream?{LOG}&readers=1&wait=0").json()
    assert "message" in whole
    whole = seeded("GET", f"/look/stream?{LOG}").json()
    assert whole["info"]["cipher"] == "aegis-256"
    assert whole["config"]["retention_policy"] == {"age": 7 * 24 * 3600}
    assert whole["config"]["timestamping"]["mode"] == "arrival"
    assert whole["config"]["delete_on_empty"] == {"min_age_secs": 5400}
    assert whole["tail"] == {"seq_num": 0, "timestamp": 0}
    requested = seeded("GET", f"/look/stream?basin={BASIN}&stream=requested").json()
    assert requested["config"]["delete_on_empty"] == {"min_age_secs": 60}


def test_records_have_what_was_appended(mock: S2Mock, control: Control) -> None:
    stream = mock.stream(BASIN, "log")
    stream.append([b"\xff", b""])
    control.http.post(
        "/v1/streams/log/records",
        json={"records": [{"body": "a", "headers": [["name", "value"]]}]},
        headers={"s2-basin": BASIN},
    )
    records = control("GET", f"/look/records?{LOG}&count=3&wait=5").json()["records"]
    assert [base64.b64decode(record.get("body", "")) for record in records] == [b"\xff", b"", b"a"]
    assert records[2]["headers"] == [["bmFtZQ==", "dmFsdWU="]]


def test_encrypted_record_names_its_key(seeded: Control) -> None:
    key = base64.b64encode(bytes(32)).decode()
    seeded.http.post(
        "/v1/streams/log/records",
        json={"records": [{"body": "a"}]},
        headers={"s2-basin": BASIN, "s2-encryption-key": key},
    ).raise_for_status()
    [record] = seeded("GET", f"/look/records?{LOG}").json()["records"]
    assert len(record["key_sha256"]) == 64


@pytest.mark.parametrize("expires_at", [None, "2999-01-01T00:00:00Z"])
def test_token_has_its_scope(control: Control, expires_at: str | None) -> None:
    scope = {
        "basins": {"exact": BASIN},
        "streams": {"prefix": "orders/"},
        "op_groups": {"stream": {"read": True}},
        "ops": ["append"],
    }
    body = {"id": "t", "scope": scope, "expires_at": expires_at}
    issued = control.http.post("/v1/access-tokens", json=body)
    secret = issued.raise_for_status().json()["access_token"]
    headers = {"s2mock-incarnation": secret}
    token = control("GET", "/look/token?id=t", headers=headers).json()
    assert token["scope"]["streams"] == {"prefix": "orders/"}
    assert token["scope"]["op_groups"]["stream"] == {"read": True, "write": False}
    assert token["scope"]["access_tokens"] is None
    assert token["scope"]["ops"] == ["append"]
    status, _ = control.refused("GET", "/look/token?id=u", headers=headers)
    assert status == 404


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/look/basin?basin=other-basin", 404, "basin_not_found"),
        (f"/look/stream?basin={BASIN}&stream=none", 404, "stream_not_found"),
        (f"/look/records?basin={BASIN}&stream=none", 404, "stream_not_found"),
    ],
)
def test_missing_resource_is_error_of_s2(
    control: Control, path: str, status: int, code: str
) -> None:
    answer = control("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_deleted_stream_is_error_of_s2() -> None:
    with (
        S2Mock(basins=[SEEDS[1]], control=True, deletion_delay=60) as mock,
        closing(Control(mock.url)) as control,
    ):
        mock.stream(BASIN, "log").delete()
        answer = control("GET", f"/look/records?{LOG}")
        assert (answer.status_code, answer.json()["code"]) == (409, "stream_deletion_pending")


def test_incarnation_of_before_a_reset_is_gone(control: Control) -> None:
    number = control("GET", f"/look/stream?{LOG}").json()["incarnation"]
    assert control("POST", "/reset").status_code == 204
    answer = control("GET", f"/look/stream?{LOG}&incarnation={number}")
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")
