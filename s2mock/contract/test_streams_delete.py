"""Delete a stream: `DELETE /v1/streams/{stream}` (reference: control_plane §5.7)."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.deletion import delete, wait_until_gone
from s2mock.contract.errors import STREAM_BEING_DELETED, stream_not_found


@pytest.fixture
def deleted(s2: Client) -> Client:
    """A client in a basin with a stream `s` that has just been deleted."""
    s2.request("POST", "/v1/streams", {"stream": "s"}, headers={"s2-request-token": "once"})
    delete(s2, "/v1/streams/s")
    return s2


@control_case(73)
def test_a_deleted_stream_is_gone_or_marked(deleted: Client) -> None:
    """The list marks what is not yet gone (§5.7)."""
    for info in deleted.request("GET", "/v1/streams").json["streams"]:
        assert info["deleted_at"] >= info["created_at"]


def test_the_answer_has_no_body_and_no_content_type(s2: Client) -> None:
    """202 with `content-length: 0` (§5.7)."""
    s2.request("PUT", "/v1/streams/s")
    answer = s2.request("DELETE", "/v1/streams/s")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (202, b"", "0")
    assert "content-type" not in answer.headers


@control_case(74)
@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("GET", "/v1/streams/s", ...),
        ("PATCH", "/v1/streams/s", {}),
        ("GET", "/v1/streams/s/records/tail", ...),
        ("GET", "/v1/streams/s/records", ...),
        ("POST", "/v1/streams/s/records", {"records": [{"body": "x"}]}),
    ],
)
def test_what_a_deleted_stream_answers(
    deleted: Client, method: str, path: str, document: Any
) -> None:
    """A conflict until the deletion is complete, then 404 (§5.7)."""
    error = deleted.request(method, path, document).error
    assert error in (STREAM_BEING_DELETED, stream_not_found(deleted.basin))


@control_case(74)
@pytest.mark.parametrize("token", [None, "once"], ids=["no token", "the token of the create"])
def test_the_name_is_taken_until_the_deletion_is_complete(
    deleted: Client, token: str | None
) -> None:
    """Until then no stream can be created under that name, not even by a replay (§5.5, §5.7)."""
    headers = {"s2-request-token": token}
    created = deleted.request("POST", "/v1/streams", {"stream": "s"}, headers=headers)
    if created.status != 201:
        assert created.error == STREAM_BEING_DELETED
        ensured = deleted.request("PUT", "/v1/streams/s")
        assert ensured.result == "created" or ensured.error == STREAM_BEING_DELETED
    else:
        assert created.result == "created"


@control_case(75)
def test_deleting_again(deleted: Client) -> None:
    """A second deletion is accepted while the first is pending (§5.7)."""
    answer = deleted.request("DELETE", "/v1/streams/s")
    assert answer.status == 202 or answer.error == stream_not_found(deleted.basin)


@control_case(76)
def test_a_missing_stream_and_a_missing_basin(s2: Client, fresh: Callable[[], str]) -> None:
    """In both cases it is the stream that is reported as missing (§5.7)."""
    for client in (s2, s2.in_basin(fresh())):
        assert client.request("DELETE", "/v1/streams/s").error == stream_not_found(client.basin)


@control_case(77)
def test_after_the_deletion_the_name_is_free(s2: Client) -> None:
    """404, then the token of the first stream makes a second one (§5.5, §5.7)."""
    token = {"s2-request-token": "once"}
    document = {"stream": "s", "config": {"storage_class": "standard"}}
    first = s2.request("POST", "/v1/streams", document, headers=token)
    delete(s2, "/v1/streams/s")
    assert wait_until_gone(s2, "/v1/streams/s").error == stream_not_found(s2.basin)
    assert s2.request("DELETE", "/v1/streams/s").error == stream_not_found(s2.basin)
    again = s2.request("POST", "/v1/streams", document, headers=token)
    assert (again.status, again.result) == (201, "created")
    assert again.json["created_at"] > first.json["created_at"]


def test_other_streams_stay(deleted: Client) -> None:
    """A deletion is of one stream (§5.7)."""
    deleted.request("PUT", "/v1/streams/s2")
    listing = deleted.request("GET", "/v1/streams?start_after=s").json
    assert [info["name"] for info in listing["streams"]] == ["s2"]
    assert deleted.request("GET", "/v1/streams/s2").status == 200
