"""Delete a basin: `DELETE /v1/basins/{basin}` (reference: control_plane §4.6)."""

from collections.abc import Callable

import pytest

from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.deletion import delete, wait_until_gone
from s2mock.contract.errors import basin_being_deleted, basin_not_found


@pytest.fixture
def deleted(s2: Client) -> Client:
    """A client in a basin that had streams and has just been deleted."""
    s2.request("PUT", "/v1/streams/s")
    delete(s2, f"/v1/basins/{s2.basin}")
    return s2


@control_case(32)
def test_a_deleted_basin_is_gone_or_marked(deleted: Client) -> None:
    """Deletion is accepted, with no body; the list marks what is not yet gone (§4.6)."""
    listing = deleted.request("GET", f"/v1/basins?prefix={deleted.basin}").json["basins"]
    assert all(info["state"] == "deleting" for info in listing)
    assert all(info["deleted_at"] >= info["created_at"] for info in listing)


def test_the_answer_has_no_body_and_no_content_type(s2: Client) -> None:
    """202 with `content-length: 0` (§4.6)."""
    answer = s2.request("DELETE", f"/v1/basins/{s2.basin}")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (202, b"", "0")
    assert "content-type" not in answer.headers


@control_case(33)
def test_deleting_again(deleted: Client) -> None:
    """A second deletion is accepted while the first is pending, and changes nothing (§4.6)."""
    marks = "/v1/basins?prefix=" + (deleted.basin or "")
    before = deleted.request("GET", marks).json["basins"]
    answer = deleted.request("DELETE", f"/v1/basins/{deleted.basin}")
    assert answer.status == 202 or answer.error == basin_not_found(deleted.basin)
    assert deleted.request("GET", marks).json["basins"] in (before, [])


@control_case(34)
def test_the_name_is_taken_until_the_deletion_is_complete(deleted: Client) -> None:
    """Until then a basin cannot be created, ensured or changed under that name (§4.6)."""
    path = f"/v1/basins/{deleted.basin}"
    changed = deleted.request("PATCH", path, {})
    assert changed.error in (basin_being_deleted(deleted.basin), basin_not_found(deleted.basin))
    created = deleted.request("POST", "/v1/basins", {"basin": deleted.basin})
    if created.status == 201:
        return  # the deletion was complete
    assert created.error == basin_being_deleted(deleted.basin)
    ensured = deleted.request("PUT", path)
    assert ensured.status == 201 or ensured.error == basin_being_deleted(deleted.basin)


def test_a_replay_does_not_bring_it_back(target: Client, fresh: Callable[[], str]) -> None:
    """The original token gets no deleted basin: a conflict while pending, then a new one (§4.3)."""
    s2, token = target.in_basin(fresh()), {"s2-request-token": "once"}
    document = {"basin": s2.basin}
    first = s2.request("POST", "/v1/basins", document, headers=token)
    s2.request("PUT", "/v1/streams/s")
    delete(s2, f"/v1/basins/{s2.basin}")
    again = s2.request("POST", "/v1/basins", document, headers=token)
    if again.status == 201:
        assert again.result == "created"
        assert again.json["created_at"] > first.json["created_at"]
    else:
        assert again.error == basin_being_deleted(s2.basin)


@control_case(35)
def test_its_configuration_can_be_read_while_it_lasts(deleted: Client) -> None:
    """GET answers 200 until the deletion is complete (§4.5)."""
    answer = deleted.request("GET", f"/v1/basins/{deleted.basin}")
    assert answer.status == 200 or answer.error == basin_not_found(deleted.basin)


@control_case(36)
def test_a_missing_basin(target: Client, fresh: Callable[[], str]) -> None:
    """There is nothing to delete: 404 (§4.6)."""
    s2 = target.in_basin(fresh())
    assert s2.request("DELETE", f"/v1/basins/{s2.basin}").error == basin_not_found(s2.basin)


@control_case(52)
def test_streams_cannot_be_made_in_it(deleted: Client) -> None:
    """In a basin that is being deleted, a stream cannot be created, ensured or changed (§4.6)."""
    for answer in (
        deleted.request("POST", "/v1/streams", {"stream": "new"}),
        deleted.request("PUT", "/v1/streams/new"),
        deleted.request("PATCH", "/v1/streams/s", {}),
        deleted.request("PATCH", "/v1/streams/missing", {}),
    ):
        assert answer.error in (basin_being_deleted(deleted.basin), basin_not_found(deleted.basin))


def test_the_name_of_an_empty_basin_is_soon_free(s2: Client) -> None:
    """After the deletion: 404, and the name can be taken again (§4.6)."""
    path = f"/v1/basins/{s2.basin}"
    delete(s2, path)
    assert wait_until_gone(s2, path).error == basin_not_found(s2.basin)
    assert s2.request("DELETE", path).error == basin_not_found(s2.basin)
    again = s2.request("POST", "/v1/basins", {"basin": s2.basin})
    assert (again.status, again.result) == (201, "created")
    assert s2.request("GET", "/v1/streams").json == {"streams": [], "has_more": False}
