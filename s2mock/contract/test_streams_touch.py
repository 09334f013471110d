"""Touch a stream: POST `/v1/streams/{stream}/touch` (reference: control_plane §5.11)."""

from collections.abc import Callable

from s2mock.contract.client import Client
from s2mock.contract.deletion import delete
from s2mock.contract.errors import STREAM_BEING_DELETED, stream_not_found


def test_touch_is_answered_with_its_time_and_changes_nothing(s2: Client) -> None:
    """The time is not before the creation of the stream, and no answer about it differs (§5.11)."""
    created = s2.request("PUT", "/v1/streams/s").json
    before = [s2.request("GET", path).json for path in ("/v1/streams", "/v1/streams/s")]
    answer = s2.request("POST", "/v1/streams/s/touch")
    assert (answer.status, answer.result, list(answer.json)) == (200, None, ["touched_at"])
    assert answer.json["touched_at"] >= created["created_at"]
    after = [s2.request("GET", path).json for path in ("/v1/streams", "/v1/streams/s")]
    assert after == before


def test_touch_of_a_missing_stream_or_basin_is_refused(
    s2: Client, fresh: Callable[[], str]
) -> None:
    """In both cases it is the stream that is reported as missing (§5.11)."""
    for client in (s2, s2.in_basin(fresh())):
        answer = client.request("POST", "/v1/streams/missing/touch")
        assert answer.error == stream_not_found(client.basin, "missing")


def test_touch_of_a_deleted_stream_is_refused(s2: Client) -> None:
    """A conflict until the deletion is complete, then 404 (§5.11)."""
    s2.request("PUT", "/v1/streams/s")
    delete(s2, "/v1/streams/s")
    error = s2.request("POST", "/v1/streams/s/touch").error
    assert error in (STREAM_BEING_DELETED, stream_not_found(s2.basin))
