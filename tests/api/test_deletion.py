"""Deletion, and what each call answers while one is pending.

Source: reference: control_plane §4.6, §5.7. The clock stays within the window.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from s2mock import ManualClock, S2Mock
from tests.calls import Api, over_wsgi, stream_path
from tests.conftest import BASIN

WINDOW = 60.0

STREAM_PENDING = (409, "stream_deletion_pending", "stream deletion pending")
BASIN_PENDING = (409, "basin_deletion_pending", f"basin `{BASIN}` is being deleted")
NO_STREAM = (404, "stream_not_found", f"stream `s` in basin `{BASIN}` not found")
NO_BASIN = (404, "basin_not_found", f"basin `{BASIN}` not found")

Call = tuple[str, str, Any]

CREATE: Call = ("POST", "/v1/streams", {"stream": "s"})
ENSURE: Call = ("PUT", "/v1/streams/s", {})
GET: Call = ("GET", "/v1/streams/s", ...)
PATCH: Call = ("PATCH", "/v1/streams/s", {})
DELETE: Call = ("DELETE", "/v1/streams/s", ...)
CREATE_BASIN: Call = ("POST", "/v1/basins", {"basin": BASIN})
ENSURE_BASIN: Call = ("PUT", f"/v1/basins/{BASIN}", {})
GET_BASIN: Call = ("GET", f"/v1/basins/{BASIN}", ...)
PATCH_BASIN: Call = ("PATCH", f"/v1/basins/{BASIN}", {})
DELETE_BASIN: Call = ("DELETE", f"/v1/basins/{BASIN}", ...)


@pytest.fixture
def held(clock: ManualClock) -> Iterator[Api]:
    """The basin `my-basin` with the stream `s`, both made with the token `t`."""
    with S2Mock(clock=clock, deletion_delay=WINDOW) as mock:
        api = Api(over_wsgi(mock.wsgi_app), BASIN)
        api.create_basin(BASIN, token="t")
        api.create_stream("s", token="t")
        clock.advance(1)
        yield api


def listed_basins(s2: Api) -> list[Any]:
    basins: list[Any] = s2.call("GET", "/v1/basins").json["basins"]
    return basins


def listed_streams(s2: Api) -> list[Any]:
    streams: list[Any] = s2.call("GET", "/v1/streams").json["streams"]
    return streams


def test_deletion_is_complete_before_the_answer_by_default(s2: Api) -> None:
    s2.create_stream("s")
    deleted = s2.call(*DELETE)
    assert (deleted.status, deleted.is_empty, deleted.result) == (202, True, None)
    assert deleted.headers["content-length"] == "0"
    for call in (GET, PATCH, DELETE):
        assert s2.call(*call).refuses(*NO_STREAM)
    assert listed_streams(s2) == []
    deleted = s2.call(*DELETE_BASIN)
    assert (deleted.status, deleted.is_empty) == (202, True)
    for call in (GET_BASIN, PATCH_BASIN, DELETE_BASIN):
        assert s2.call(*call).refuses(*NO_BASIN)
    assert listed_basins(s2) == []


def test_basin_takes_its_streams_with_it(s2: Api) -> None:
    s2.create_stream("s", {"storage_class": "x"})
    assert s2.call(*DELETE_BASIN).status == 202
    s2.create_basin(BASIN)
    assert listed_streams(s2) == []
    assert s2.create_stream("s").result == "created"
    assert s2.stream_config("s")["storage_class"] == "express"


class TestPendingStream:
    @pytest.fixture
    def pending(self, held: Api, clock: ManualClock) -> Api:
        assert held.call(*DELETE).status == 202
        clock.advance(WINDOW - 1)
        return held

    @pytest.mark.parametrize("call", [GET, CREATE, ENSURE, PATCH], ids=lambda call: call[0])
    @pytest.mark.parametrize("token", ["t", None])
    def test_is_neither_there_nor_gone(self, pending: Api, call: Call, token: str | None) -> None:
        before = pending.everything()
        reply = pending.call(*call, headers={"s2-request-token": token})
        assert reply.refuses(*STREAM_PENDING)
        assert pending.everything() == before

    def test_is_listed_with_the_time_of_its_deletion(self, pending: Api) -> None:
        assert listed_streams(pending) == [
            {
                "name": "s",
                "created_at": "2024-01-01T00:00:00Z",
                "deleted_at": "2024-01-01T00:00:01Z",
                "cipher": None,
            }
        ]

    def test_deleting_again_changes_nothing(self, pending: Api, clock: ManualClock) -> None:
        before = pending.everything()
        again = pending.call(*DELETE)
        assert (again.status, again.is_empty) == (202, True)
        assert pending.everything() == before
        # The window goes on from the first deletion.
        clock.advance(1)
        assert pending.call(*GET).refuses(*NO_STREAM)

    def test_others_are_not_touched(self, pending: Api) -> None:
        assert pending.create_stream("s2").result == "created"
        assert pending.call(*GET_BASIN).status == 200
        pending.create_basin("other-basin")
        assert pending.within("other-basin").create_stream("s").result == "created"

    def test_is_gone_when_the_time_has_come(self, pending: Api, clock: ManualClock) -> None:
        clock.advance(1)
        assert listed_streams(pending) == []
        for call in (GET, PATCH, DELETE):
            assert pending.call(*call).refuses(*NO_STREAM)
        # With the stream went its token.
        again = pending.create_stream("s", token="t")
        assert (again.result, again.json["created_at"]) == ("created", "2024-01-01T00:01:01Z")
        # And what is new is not deleted with what was.
        clock.advance(10 * WINDOW)
        assert pending.call(*GET).status == 200


class TestPendingBasin:
    @pytest.fixture
    def pending(self, held: Api, clock: ManualClock) -> Api:
        assert held.call(*DELETE_BASIN).status == 202
        clock.advance(WINDOW - 1)
        return held

    @pytest.mark.parametrize(
        "call",
        [CREATE_BASIN, ENSURE_BASIN, PATCH_BASIN, CREATE, ENSURE, PATCH],
        ids=lambda call: f"{call[0]} {call[1]}",
    )
    @pytest.mark.parametrize("token", ["t", None])
    def test_takes_no_change(self, pending: Api, call: Call, token: str | None) -> None:
        before = pending.everything()
        reply = pending.call(*call, headers={"s2-request-token": token})
        assert reply.refuses(*BASIN_PENDING)
        assert pending.everything() == before

    def test_takes_no_new_stream_either(self, pending: Api) -> None:
        for call in [
            ("POST", "/v1/streams", {"stream": "new"}),
            ("PUT", "/v1/streams/new", {}),
            ("PATCH", "/v1/streams/new", {}),
        ]:
            assert pending.call(*call).refuses(*BASIN_PENDING)

    def test_still_answers_questions(self, pending: Api) -> None:
        assert pending.call(*GET_BASIN).status == 200
        assert pending.call(*GET).status == 200
        [stream] = listed_streams(pending)
        assert (stream["name"], stream["deleted_at"]) == ("s", None)

    def test_is_listed_with_the_time_of_its_deletion(self, pending: Api) -> None:
        assert listed_basins(pending) == [
            {
                "name": BASIN,
                "location": "aws:us-east-1",
                "created_at": "2024-01-01T00:00:00Z",
                "deleted_at": "2024-01-01T00:00:01Z",
                "state": "deleting",
            }
        ]

    def test_deleting_again_changes_nothing(self, pending: Api, clock: ManualClock) -> None:
        before = pending.everything()
        again = pending.call(*DELETE_BASIN)
        assert (again.status, again.is_empty) == (202, True)
        assert pending.everything() == before
        clock.advance(1)
        assert pending.call(*GET_BASIN).refuses(*NO_BASIN)

    def test_its_streams_can_be_deleted(self, pending: Api, clock: ManualClock) -> None:
        assert pending.call(*DELETE).status == 202
        assert pending.call(*GET).refuses(*STREAM_PENDING)
        # The basin goes before the others, also where both are pending.
        for call in (CREATE, ENSURE, PATCH):
            assert pending.call(*call).refuses(*BASIN_PENDING)
        clock.advance(1)
        assert pending.call(*GET).refuses(*NO_STREAM)
        # Both windows have ended, the stream's after its basin was gone.
        clock.advance(WINDOW)
        assert listed_basins(pending) == []

    def test_is_gone_when_the_time_has_come(self, pending: Api, clock: ManualClock) -> None:
        clock.advance(1)
        assert listed_basins(pending) == []
        for call in (GET_BASIN, PATCH_BASIN, DELETE_BASIN, CREATE, ENSURE, PATCH):
            assert pending.call(*call).refuses(*NO_BASIN)
        assert pending.call("GET", "/v1/streams").refuses(*NO_BASIN)
        again = pending.create_basin(BASIN, token="t")
        assert (again.result, again.json["created_at"]) == ("created", "2024-01-01T00:01:01Z")
        assert listed_streams(pending) == []
        assert pending.create_stream("s", token="t").result == "created"
        clock.advance(10 * WINDOW)
        assert pending.call(*GET).status == 200


def test_window_that_never_ends(clock: ManualClock) -> None:
    mock = S2Mock(clock=clock, deletion_delay=float("inf"), basins=[BASIN])
    s2 = Api(over_wsgi(mock.wsgi_app), BASIN)
    s2.create_stream("s")
    s2.call(*DELETE)
    clock.advance(1e9)
    assert s2.call(*GET).refuses(*STREAM_PENDING)


def test_windows_end_in_the_order_of_the_deletions(clock: ManualClock) -> None:
    mock = S2Mock(clock=clock, deletion_delay=WINDOW, basins=[BASIN])
    s2 = Api(over_wsgi(mock.wsgi_app), BASIN)
    names = [f"s{number}" for number in range(5)]
    for name in names:
        s2.create_stream(name)
    for name in reversed(names):
        s2.call("DELETE", stream_path(name))
        clock.advance(1)
    clock.advance(WINDOW - 5)
    for left in (names[:4], names[:3], names[:2], names[:1], []):
        assert s2.stream_names() == left
        clock.advance(1)
