"""The client's half of the operation table: what it sends is what the server's half reads."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock import AppendRecord, BasinConfig, ManualClock, S2Mock, StreamConfig
from s2mock.api.codec import CODECS, decode_response, encode_request, error_of
from s2mock.api.operations import OPERATIONS
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.operation import Operation
from s2mock.registry.rules import access_tokens, append, basins, locations, metrics, read, streams
from s2mock.registry.rules.provision import Provisioned
from s2mock.registry.values import errors
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import ReadBatch, batch_of
from s2mock.registry.values.scopes import ResourceSet, Scope
from s2mock.registry.values.tokens import AccessToken
from tests import own_token

BASIN = "my-basin"
START = 1_704_067_200
DEFAULTS = StreamConfig("x", 60, "arrival", True, 5)
SCOPE = Scope(
    ResourceSet("prefix", ""),
    ResourceSet("exact", "a"),
    ResourceSet("exact", ""),
    ("stream.read",),
    ("append",),
)
ODD = AppendRecord(b"\xff", [(b"\xfe", "é"), ("a", "")], 9)
PERIOD = ("account-ops", START - 60, START, "minute")

CASES: dict[str, list[Callable[[], Operation]]] = {
    "list-basins": [
        basins.ListBasins,
        lambda: basins.ListBasins(prefix="my", start_after="aa-basin", limit=1),
        lambda: basins.ListBasins(limit=-1),
    ],
    "create-basin": [
        lambda: basins.CreateBasin("new-basin"),
        lambda: basins.CreateBasin(
            "new-basin", BasinConfig(DEFAULTS, "aegis-256", True), "a token", "aws:us-west-2"
        ),
        lambda: basins.CreateBasin(BASIN),
        lambda: basins.CreateBasin("new-basin", location="nowhere"),
    ],
    "get-basin-config": [
        lambda: basins.GetBasinConfig(BASIN),
        lambda: basins.GetBasinConfig("no-such-basin"),
    ],
    "ensure-basin": [
        lambda: basins.EnsureBasin("new-basin", BasinConfig(DEFAULTS), "aws:us-west-2"),
        lambda: basins.EnsureBasin(BASIN),
    ],
    "delete-basin": [lambda: basins.DeleteBasin(BASIN)],
    "reconfigure-basin": [
        lambda: basins.ReconfigureBasin(BASIN, {"create_stream_on_read": True}),
        lambda: basins.ReconfigureBasin(
            BASIN, {"default_stream_config": {"storage_class": None, "retention_policy": 7}}
        ),
        lambda: basins.ReconfigureBasin(BASIN, {"default_stream_config": None}),
    ],
    "list-streams": [
        lambda: streams.ListStreams(BASIN),
        lambda: streams.ListStreams(BASIN, prefix="a/", start_after="a/b", limit=5),
    ],
    "create-stream": [
        lambda: streams.CreateStream(BASIN, "new/é", DEFAULTS, "t"),
        lambda: streams.CreateStream(BASIN, "a/b"),
    ],
    "get-stream-config": [lambda: streams.GetStreamConfig(BASIN, "a/b")],
    "ensure-stream": [
        lambda: streams.EnsureStream(BASIN, "a/b", DEFAULTS),
        lambda: streams.EnsureStream(BASIN, "new"),
    ],
    "delete-stream": [lambda: streams.DeleteStream(BASIN, "a/b")],
    "reconfigure-stream": [
        lambda: streams.ReconfigureStream(
            BASIN, "a/b", {"timestamping_mode": None, "delete_on_empty_min_age": 5}
        ),
        lambda: streams.ReconfigureStream(BASIN, "a/b", {"retention_policy": "infinite"}),
        lambda: streams.ReconfigureStream(BASIN, "none", {"timestamping_uncapped": True}),
    ],
    "read": [
        lambda: read.Read(BASIN, "a/b", ReadRequest("seq_num", 1, count=1)),
        lambda: read.Read(BASIN, "a/b", ReadRequest("timestamp", 8, until=99, bytes=500)),
        lambda: read.Read(BASIN, "a/b", ReadRequest("seq_num", 7, count=1)),
    ],
    "append": [
        lambda: append.Append(BASIN, "a/b", batch_of([ODD, "plain", b""], 3, "")),
        lambda: append.Append(BASIN, "a/b", batch_of(["x"], 7, None)),
        lambda: append.Append(BASIN, "a/b", batch_of(["x"], None, "mine")),
        lambda: append.Append(BASIN, "a/b", batch_of(["x"], None, None), key="no key"),
    ],
    "check-tail": [lambda: read.CheckTail(BASIN, "a/b"), lambda: read.CheckTail(BASIN, "none")],
    "list-access-tokens": [access_tokens.ListAccessTokens],
    "issue-access-token": [
        lambda: access_tokens.IssueAccessToken("new", SCOPE, expires_at=(START + 60) * 10**9 + 5),
        lambda: access_tokens.IssueAccessToken("new", SCOPE, expires_at=5),
    ],
    "revoke-access-token": [
        lambda: access_tokens.RevokeAccessToken("a/token"),
        lambda: access_tokens.RevokeAccessToken("none"),
    ],
    "account-metrics": [lambda: metrics.AccountMetrics(*PERIOD)],
    "basin-metrics": [
        lambda: metrics.BasinMetrics("storage", *PERIOD[1:], basin=BASIN),
        lambda: metrics.BasinMetrics("storage", START, START - 60, "minute", basin=BASIN),
    ],
    "stream-metrics": [
        lambda: metrics.StreamMetrics("storage", *PERIOD[1:], basin=BASIN, stream="a/b")
    ],
    "list-locations": [locations.ListLocations],
    "get-default-location": [locations.GetDefaultLocation],
    "set-default-location": [
        lambda: locations.SetDefaultLocation("aws:us-west-2"),
        lambda: locations.SetDefaultLocation("nowhere"),
    ],
}


def test_every_operation_has_a_row_and_a_case() -> None:
    names = {row.name for row in OPERATIONS if row.name is not None}
    assert CODECS.keys() == CASES.keys() == names


def made() -> S2Mock:
    mock = S2Mock(clock=ManualClock(START), token="own")
    stream = mock.create_basin(BASIN, BasinConfig(DEFAULTS)).create_stream("a/b")
    stream.append([ODD, "b"])
    stream.append([AppendRecord("c", timestamp=11)])
    mock.issue_token("a/token", streams="*", ops=["read", "append"], expires_in=5.5)
    return mock


def outcome(call: Callable[[], Any]) -> Any:
    """The result, or the type and text of the error; without what two accounts have each."""
    try:
        result = call()
    except S2Error as error:
        return type(error), error.message, error.body()
    match result:
        case Provisioned():
            return result._replace(incarnation=0)
        case AccessToken():
            return result.id, result.scope, result.auto_prefix_streams
        case ReadBatch():
            return result.records
    return result


def carried_out(mock: S2Mock, operation: Operation) -> Any:
    result = mock.account.engine.carry_out(operation)
    if not operation.waits:
        return result
    with pytest.raises(StopIteration) as done:
        next(result.answer())
    read = {seq_num for seq_num, _, _ in done.value.value.rows}
    records = mock.stream(BASIN, "a/b").records
    return tuple(record for record in records if record.seq_num in read)


@pytest.mark.parametrize(
    "case",
    [case for cases in CASES.values() for case in cases],
    ids=[f"{name}-{number}" for name, cases in CASES.items() for number in range(len(cases))],
)
@pytest.mark.openapi_unchecked("some of it is asked for in vain")
def test_what_is_sent_is_what_is_carried_out(case: Callable[[], Operation]) -> None:
    with made() as twin, made() as mock:
        expected = outcome(lambda: carried_out(twin, case()))

        def send() -> Any:
            operation = case()
            request = encode_request(operation)
            body = {} if request.document is ... else {"json": request.document}
            headers = {**own_token.headers(mock), **request.headers}
            answer = mock.client.open(
                request.target, method=request.method, headers=headers, **body
            )
            told = {name.lower(): value for name, value in answer.headers}
            return decode_response(operation, answer.status_code, told, answer.json)

        assert outcome(send) == expected
        assert mock.basins == twin.basins
        assert mock.tokens == twin.tokens


@pytest.mark.parametrize(
    "error",
    [
        errors.SeqNumMismatch(5),
        errors.FencingTokenMismatch("mine"),
        errors.ReadUnwritten(StreamPosition(5, 6)),
        errors.StreamNotFound("b", "s"),
        errors.StreamDeletionPending(),
        errors.BasinDeletionPending("b"),
        errors.PermissionDenied("x"),
        errors.Authn("x"),
        errors.Unavailable(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_what_it_was(error: S2Error) -> None:
    found = error_of(error.status, error.body())
    assert (type(found), found.message, found.body()) == (type(error), error.message, error.body())


def test_an_error_of_another_server_tells_what_it_was() -> None:
    found = error_of(418, {"code": "teapot", "message": "short and stout"})
    assert str(found) == "418 teapot: short and stout"
