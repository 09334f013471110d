"""The three points of an operation, and the observers at them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from s2mock import AppendRecord, BasinConfig, S2Mock, StreamNotFound
from s2mock.api.operations import OPERATIONS
from s2mock.api.requests import RequestCall
from s2mock.api.wire.frames import FrameDecoder, encode_frame
from s2mock.api.wire.messages import AppendAck, AppendInput
from s2mock.registry.operation import Call, Point
from s2mock.registry.rules.append import Append
from s2mock.registry.rules.basins import ListBasins
from s2mock.registry.values.errors import BasinNotFound, Invalid
from s2mock.registry.values.records import AppendInput as Batch
from tests.observing import POINTS, Gate, Toy, in_a_thread
from tests.time.watched_clock import PATIENCE

HEADERS = {"s2-basin": "my-basin"}


@pytest.fixture
def mock() -> Iterator[S2Mock]:
    config = {"create_stream_on_append": True}
    with S2Mock(basins=[{"name": "my-basin", "config": config}]) as mock:
        mock.basin("my-basin").create_stream("s").append([b"a"])
        mock.issue_token("my-token", basins="*", ops=["list-basins"])
        yield mock


@pytest.fixture
def toy(mock: S2Mock) -> Toy:
    return Toy(mock)


Request = tuple[str, str, Any]
RECORDS = "/v1/streams/s/records"
ONE = {"records": [{"body": "x"}]}
SCOPE = {"basins": {"prefix": ""}, "ops": ["list-basins"]}

# One of each operation that the account carries out, by S2's name.
REQUESTS: dict[str, Request] = {
    "list-basins": ("GET", "/v1/basins", None),
    "create-basin": ("POST", "/v1/basins", {"basin": "new-basin"}),
    "get-basin-config": ("GET", "/v1/basins/my-basin", None),
    "ensure-basin": ("PUT", "/v1/basins/my-basin", {}),
    "delete-basin": ("DELETE", "/v1/basins/my-basin", None),
    "reconfigure-basin": ("PATCH", "/v1/basins/my-basin", {"create_stream_on_read": True}),
    "list-streams": ("GET", "/v1/streams", None),
    "create-stream": ("POST", "/v1/streams", {"stream": "new"}),
    "get-stream-config": ("GET", "/v1/streams/s", None),
    "ensure-stream": ("PUT", "/v1/streams/s", {"storage_class": "x"}),
    "delete-stream": ("DELETE", "/v1/streams/s", None),
    "reconfigure-stream": ("PATCH", "/v1/streams/s", {"storage_class": "x"}),
    "read": ("GET", f"{RECORDS}?seq_num=0", None),
    "append": ("POST", RECORDS, ONE),
    "check-tail": ("GET", f"{RECORDS}/tail", None),
    "list-access-tokens": ("GET", "/v1/access-tokens", None),
    "issue-access-token": ("POST", "/v1/access-tokens", {"id": "new-token", "scope": SCOPE}),
    "revoke-access-token": ("DELETE", "/v1/access-tokens/my-token", None),
    "account-metrics": ("GET", "/v1/metrics?set=active-basins&start=0&end=60", None),
    "basin-metrics": ("GET", "/v1/metrics/my-basin?set=storage&start=0&end=60", None),
    "stream-metrics": ("GET", "/v1/metrics/my-basin/s?set=storage&start=0&end=60", None),
    "list-locations": ("GET", "/v1/locations", None),
    "get-default-location": ("GET", "/v1/locations/default", None),
    "set-default-location": ("PUT", "/v1/locations/default", "aws:us-east-1"),
}


def request(mock: S2Mock, wanted: Request) -> Any:
    method, path, document = wanted
    return mock.client.open(path, method=method, json=document, headers=HEADERS)


def test_every_operation_has_a_case() -> None:
    names = {row.name for row in OPERATIONS if row.name is not None}
    assert names == REQUESTS.keys()


@pytest.mark.parametrize("name", REQUESTS)
def test_each_point_once_and_in_order(mock: S2Mock, toy: Toy, name: str) -> None:
    answer = request(mock, REQUESTS[name])
    assert answer.status_code < 300, answer.text
    assert toy.passed == [(point, name) for point in POINTS]
    [call] = toy.calls
    assert call.operation.basin in ("my-basin", "new-basin", None)
    # An observer of the powers knows the request.
    assert isinstance(call, RequestCall)
    assert call.request.raw_path == REQUESTS[name][1].partition("?")[0]
    assert call.error is None


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("create-basin", ("created", None, None)),
        ("ensure-basin", ("updated", None, None)),
        ("delete-basin", ("deleted", None, None)),
        ("create-stream", ("created", None, None)),
        ("reconfigure-stream", ("updated", None, None)),
        ("delete-stream", ("deleted", None, None)),
        ("append", ("appended", 1, 1)),
        ("read", None),
        ("check-tail", None),
        ("list-streams", None),
        ("issue-access-token", ("created", None, None)),
        ("revoke-access-token", ("deleted", None, None)),
        ("set-default-location", ("updated", None, None)),
        ("account-metrics", None),
    ],
)
def test_what_it_has_changed(mock: S2Mock, toy: Toy, name: str, effect: object) -> None:
    seen: dict[Point, object] = {}

    def note(point: Point) -> Callable[[Call], Any]:
        return lambda call: seen.update({point: call.effect})

    for point in POINTS:
        toy.doing[point, name] = note(point)
    request(mock, REQUESTS[name])
    assert seen == {"arrival": None, "commit": None, "answer": effect}


REFUSED: list[Request] = [
    ("POST", "/v1/basins", {"basin": "my-basin"}),
    ("GET", "/v1/basins/no-such-basin", None),
    ("GET", "/v1/streams/nope", None),
    ("GET", f"{RECORDS}?seq_num=99", None),
    ("POST", RECORDS, {**ONE, "match_seq_num": 99}),
    ("POST", RECORDS, {**ONE, "fencing_token": "mine"}),
    ("DELETE", "/v1/streams/nope", None),
]


@pytest.mark.parametrize("wanted", REFUSED, ids=lambda wanted: " ".join(wanted[:2]))
def test_what_refuses_itself_never_reaches_commit(mock: S2Mock, toy: Toy, wanted: Request) -> None:
    answer = request(mock, wanted)
    assert answer.status_code >= 400
    assert [point for point, _ in toy.passed] == ["arrival", "answer"]
    [call] = toy.calls
    assert call.error is not None
    assert call.effect is None


def test_what_makes_its_stream_and_is_refused(mock: S2Mock, toy: Toy) -> None:
    """Refused by itself, so `commit` is not for it; the stream is made all the same."""
    wanted = ("POST", "/v1/streams/made/records", {**ONE, "match_seq_num": 99})
    assert request(mock, wanted).status_code == 412
    assert [point for point, _ in toy.passed] == ["arrival", "answer"]
    assert mock.basin("my-basin").streams == ("made", "s")


def test_what_does_not_reach_the_account(mock: S2Mock, toy: Toy) -> None:
    assert request(mock, ("GET", "/v1/nope", None)).status_code == 404
    assert request(mock, ("POST", "/v1/basins", {"basin": "x"})).status_code >= 400
    assert toy.passed == []


def test_direct_calls_pass_no_point(mock: S2Mock, toy: Toy) -> None:
    """An assertion of the test is nothing to hold, to count or to let fail."""
    basin = mock.create_basin("new-basin")
    stream = basin.create_stream("s")
    stream.append([b"a"])
    _ = stream.records, stream.tail, stream.info, basin.streams, mock.basins
    basin.list_streams()
    stream.delete()
    basin.delete()
    with pytest.raises(BasinNotFound):
        mock.basin("no-such-basin")
    mock.restore(mock.snapshot())
    assert toy.passed == []


def test_appends_of_a_session(mock: S2Mock, toy: Toy) -> None:
    """The session is an operation, and so is each append in it."""
    message = AppendInput()
    message.records.add(body=b"x")
    body = encode_frame(message.SerializeToString(), None) * 3
    headers = {**HEADERS, "content-type": "s2s/proto"}
    answer = mock.client.post(RECORDS, data=body, headers=headers)
    assert len([*FrameDecoder().feed(answer.data)]) == 3
    expected = [(point, name) for name in ["append-session"] + ["append"] * 3 for point in POINTS]
    assert toy.passed == expected


def test_an_append_that_waited_at_commit_is_decided_again(mock: S2Mock, toy: Toy) -> None:
    """The fencing token changes while an append is held, so that it must be refused."""
    gate = toy.hold("commit", "append")
    thread, answers = in_a_thread(
        lambda: request(mock, ("POST", RECORDS, {**ONE, "fencing_token": ""}))
    )
    assert gate.reached.wait(PATIENCE)
    stream = mock.basin("my-basin").stream("s")
    stream.append([AppendRecord.fence("mine")])
    assert stream.tail.seq_num == 2
    gate.open()
    thread.join(PATIENCE)

    assert answers[0].status_code == 412
    assert answers[0].json == {"fencing_token_mismatch": "mine"}
    assert stream.tail.seq_num == 2
    assert [point for point, _ in toy.passed] == list(POINTS)
    assert toy.calls[0].error is not None


def test_an_append_that_waited_at_commit_follows_later_ones(mock: S2Mock, toy: Toy) -> None:
    gate = toy.hold("commit", "append")
    thread, answers = in_a_thread(lambda: request(mock, ("POST", RECORDS, ONE)))
    assert gate.reached.wait(PATIENCE)
    stream = mock.basin("my-basin").stream("s")
    stream.append([b"b", b"c"])
    gate.open()
    thread.join(PATIENCE)

    assert answers[0].json["start"]["seq_num"] == 3
    assert [record.body for record in stream.records] == [b"a", b"b", b"c", b"x"]


def test_whose_stream_goes_while_it_waits_at_commit(mock: S2Mock, toy: Toy) -> None:
    gate = toy.hold("commit", "reconfigure-stream")
    thread, answers = in_a_thread(lambda: request(mock, REQUESTS["reconfigure-stream"]))
    assert gate.reached.wait(PATIENCE)
    mock.basin("my-basin").stream("s").delete()
    gate.open()
    thread.join(PATIENCE)
    assert (answers[0].status_code, answers[0].json["code"]) == (404, "stream_not_found")


@pytest.mark.parametrize("point", POINTS)
def test_an_observers_exception_is_the_outcome(mock: S2Mock, toy: Toy, point: Point) -> None:
    toy.fail(point, "append", Invalid("no appends today"))
    answer = request(mock, ("POST", RECORDS, ONE))
    assert (answer.status_code, answer.json["message"]) == (422, "no appends today")
    # What fails before its commit has not happened; what fails behind it has.
    happened = point == "answer"
    assert mock.basin("my-basin").stream("s").tail.seq_num == (2 if happened else 1)
    assert ("commit", "append") in toy.passed or point == "arrival"


def test_several_observers(mock: S2Mock) -> None:
    """Each is called, in the order in which they were added."""
    first, second = Toy(mock), Toy(mock)
    gates = [first.hold("commit", "append"), second.hold("commit", "append")]
    thread, answers = in_a_thread(lambda: request(mock, ("POST", RECORDS, ONE)))
    for gate in gates:
        assert gate.reached.wait(PATIENCE)
        assert not answers
        gate.open()
    thread.join(PATIENCE)
    assert answers[0].status_code == 200
    assert first.passed == second.passed == [(point, "append") for point in POINTS]


def test_one_that_is_asked_while_another_fails(mock: S2Mock) -> None:
    first, second = Toy(mock), Toy(mock)
    first.fail("commit", "append", Invalid("no"))
    assert request(mock, ("POST", RECORDS, ONE)).status_code == 422
    # The last point is passed by those that failed, too.
    assert [point for point, _ in first.passed] == list(POINTS)
    assert [point for point, _ in second.passed] == list(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_no_other_request_waits(mock: S2Mock, toy: Toy, point: Point) -> None:
    """While one append is held, all else goes on: on the same stream, over WSGI and directly."""
    gate = toy.hold(point, "append")
    thread, answers = in_a_thread(lambda: request(mock, ("POST", RECORDS, ONE)))
    assert gate.reached.wait(PATIENCE)

    def go_on() -> list[int]:
        others = [
            ("POST", RECORDS, {"records": [{"body": "other"}]}),
            ("GET", f"{RECORDS}?seq_num=0", None),
            ("GET", f"{RECORDS}/tail", None),
            ("GET", "/v1/streams", None),
            ("GET", "/v1/basins", None),
            ("POST", "/v1/streams", {"stream": "new"}),
            ("POST", "/v1/basins", {"basin": "new-basin"}),
            ("PATCH", "/v1/streams/s", {"storage_class": "x"}),
        ]
        statuses = [request(mock, wanted).status_code for wanted in others]
        mock.basin("my-basin").stream("s").append([b"direct"])
        return statuses

    bystander, done = in_a_thread(go_on)
    bystander.join(PATIENCE)
    assert done == [[200, 200, 200, 200, 200, 201, 201, 200]]
    assert not answers, "it was to wait"
    gate.open()
    thread.join(PATIENCE)
    assert answers[0].status_code == 200
    bodies = [record.body for record in mock.basin("my-basin").stream("s").records]
    mine = [b"x"]
    others = [b"other", b"direct"]
    assert bodies == [b"a", *(mine + others if point == "answer" else others + mine)]


@pytest.mark.parametrize("point", POINTS)
def test_a_read_that_is_held_misses_nothing(mock: S2Mock, toy: Toy, point: Point) -> None:
    gate = toy.hold(point, "read")
    thread, answers = in_a_thread(lambda: request(mock, ("GET", f"{RECORDS}?seq_num=0", None)))
    assert gate.reached.wait(PATIENCE)
    mock.basin("my-basin").stream("s").append([b"b"])
    gate.open()
    thread.join(PATIENCE)
    bodies = [record["body"] for record in answers[0].json["records"]]
    # Read when it was decided; behind that, it is said as it was.
    assert bodies == (["a"] if point == "answer" else ["a", "b"])


def test_appends_of_a_session_that_are_acknowledged_before_one_waits(
    mock: S2Mock, toy: Toy
) -> None:
    """A wait at a point delays its append, not the answer to the one before."""
    message = AppendInput()
    message.records.add(body=b"x")
    body = encode_frame(message.SerializeToString(), None) * 2
    headers = {**HEADERS, "content-type": "s2s/proto"}
    gate: list[Gate] = []

    def second(_: Call) -> None:
        toy.doing.clear()
        gate.append(toy.hold("commit", "append"))

    toy.doing["answer", "append"] = second  # type: ignore[assignment]  # it waits for nothing
    answer = mock.client.post(RECORDS, data=body, headers=headers, buffered=False)
    pieces = iter(answer.iter_encoded())
    decoder = FrameDecoder()
    [first] = decoder.feed(next(pieces))
    ack = AppendAck()
    ack.ParseFromString(first.payload)
    assert ack.start.seq_num == 1
    assert mock.basin("my-basin").stream("s").tail.seq_num == 2
    gate[0].open()
    [last] = decoder.feed(b"".join(pieces))
    ack.ParseFromString(last.payload)
    assert ack.start.seq_num == 2
    answer.close()


def test_an_operation_in_process(mock: S2Mock, toy: Toy) -> None:
    """`perform` by itself: its caller gets the waits."""
    gate = toy.hold("arrival", "list-basins")
    steps = mock.account.engine.perform(Call(ListBasins()))
    assert next(steps) is gate
    assert next(steps) is gate
    gate.open()
    with pytest.raises(StopIteration) as ended:
        next(steps)
    assert [info.name for info in ended.value.value.items] == ["my-basin"]


def test_one_that_is_given_up(mock: S2Mock, toy: Toy) -> None:
    """Its client has gone: it has not happened, and no caller waits for it."""
    toy.hold("commit", "append")
    operation = Append("my-basin", "s", Batch([AppendRecord(b"x")]))
    steps = mock.account.engine.perform(Call(operation))
    next(steps)
    steps.close()
    assert mock.basin("my-basin").stream("s").tail.seq_num == 1
    with pytest.raises(StreamNotFound):
        mock.basin("my-basin").stream("other")


def test_no_observer_no_cost(mock: S2Mock) -> None:
    """Without an observer an operation is carried out in one go."""
    steps = mock.account.engine.perform(Call(ListBasins()))
    with pytest.raises(StopIteration):
        next(steps)


def test_a_config_is_given_to_the_operation(mock: S2Mock, toy: Toy) -> None:
    request(mock, ("PUT", "/v1/basins/other-basin", {"config": {"create_stream_on_read": True}}))
    assert mock.basin("other-basin").config == BasinConfig(create_stream_on_read=True)
    assert [call.operation.basin for call in toy.calls] == ["other-basin"]
