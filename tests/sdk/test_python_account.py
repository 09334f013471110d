"""The official Python SDK, unmodified: access tokens, metrics and locations, with enforcement."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from s2_sdk import (
    S2,
    AccessTokenScope,
    AccountMetricSet,
    AppendInput,
    BasinMetricSet,
    Endpoints,
    ExactMatch,
    Operation,
    OperationGroupPermissions,
    Permission,
    PrefixMatch,
    Record,
    S2ServerError,
    StreamMetricSet,
    TimeseriesInterval,
)

from s2mock import ManualClock, S2Mock
from tests.sdk.conftest import AT_ONCE

pytestmark = [pytest.mark.asyncio, pytest.mark.s2_mock(auth="required", basins=["my-basin"])]

ANY = PrefixMatch("")
WORK = AccessTokenScope(basins=ANY, streams=ANY, ops=[Operation.APPEND, Operation.READ])


@asynccontextmanager
async def client(mock: S2Mock, token: str) -> AsyncIterator[S2]:
    endpoints = Endpoints(account=mock.url, basin=mock.url)
    async with S2(token, endpoints=endpoints, retry=AT_ONCE) as made:
        yield made


@pytest_asyncio.fixture
async def own(s2_mock: S2Mock) -> AsyncIterator[S2]:
    """With the account's own token."""
    s2_mock.basin("my-basin").create_stream("logs")
    async with client(s2_mock, s2_mock.token) as made:
        yield made


def is_refused(error: pytest.ExceptionInfo[S2ServerError], status: int, code: str) -> bool:
    return (error.value.status_code, error.value.code) == (status, code)


async def test_a_stranger(s2_mock: S2Mock) -> None:
    async with client(s2_mock, "no-such-token") as stranger:
        with pytest.raises(S2ServerError) as caught:
            await stranger.list_basins()
    assert is_refused(caught, 401, "authn")


async def test_issue_list_and_revoke(own: S2, s2_mock: S2Mock) -> None:
    end = datetime(2040, 1, 1, tzinfo=UTC)
    scope = AccessTokenScope(
        basins=ExactMatch("my-basin"),
        streams=PrefixMatch("logs"),
        op_groups=OperationGroupPermissions(stream=Permission.READ),
        ops=[Operation.APPEND],
    )
    secret = await own.issue_access_token("svc", scope=scope, expires_at=end)
    tokens = [token async for token in own.list_all_access_tokens()]
    assert [token.id for token in tokens] == ["s2mock", "svc"]
    issued = tokens[1]
    assert issued.expires_at == end
    assert (issued.scope.basins, issued.scope.streams) == (
        ExactMatch("my-basin"),
        PrefixMatch("logs"),
    )
    assert issued.scope.ops == [Operation.APPEND]
    with pytest.raises(S2ServerError) as caught:
        await own.issue_access_token("svc", scope=scope)
    assert is_refused(caught, 409, "resource_already_exists")
    await own.revoke_access_token("svc")
    async with client(s2_mock, secret) as gone:
        with pytest.raises(S2ServerError) as caught:
            await gone.basin("my-basin").stream("logs").check_tail()
    assert is_refused(caught, 401, "authn")
    with pytest.raises(S2ServerError) as caught:
        await own.revoke_access_token("svc")
    assert is_refused(caught, 404, "access_token_not_found")


async def test_a_narrow_token(own: S2, s2_mock: S2Mock) -> None:
    secret = await own.issue_access_token("svc", scope=WORK)
    async with client(s2_mock, secret) as svc:
        basin = svc.basin("my-basin")
        stream = basin.stream("logs")
        ack = await stream.append(AppendInput(records=[Record(body=b"a")]))
        assert ack.end.seq_num == 1
        for call in (stream.check_tail(), basin.create_stream("other"), svc.list_basins()):
            with pytest.raises(S2ServerError) as caught:
                await call
            assert is_refused(caught, 403, "permission_denied")
            assert caught.value.message == "Operation not permitted"


async def test_an_append_session_of_a_token_that_is_revoked(own: S2, s2_mock: S2Mock) -> None:
    secret = await own.issue_access_token("svc", scope=WORK)

    async def write(svc: S2) -> None:
        async with svc.basin("my-basin").stream("logs").append_session() as session:
            await (await session.submit(AppendInput(records=[Record(body=b"a")])))
            await own.revoke_access_token("svc")
            await (await session.submit(AppendInput(records=[Record(body=b"b")])))

    async with client(s2_mock, secret) as svc:
        with pytest.raises(S2ServerError) as caught:
            await write(svc)
    assert is_refused(caught, 401, "authn")
    assert s2_mock.basin("my-basin").stream("logs").tail.seq_num == 1


async def test_a_tenant(own: S2, s2_mock: S2Mock) -> None:
    scope = AccessTokenScope(
        basins=ANY,
        streams=PrefixMatch("tenant/"),
        op_groups=OperationGroupPermissions(
            basin=Permission.READ_WRITE, stream=Permission.READ_WRITE
        ),
    )
    secret = await own.issue_access_token("tenant", scope=scope, auto_prefix_streams=True)
    async with client(s2_mock, secret) as tenant:
        basin = tenant.basin("my-basin")
        assert (await basin.create_stream("x")).name == "x"
        await basin.stream("x").append(AppendInput(records=[Record(body=b"a")]))
        assert [info.name async for info in basin.list_all_streams()] == ["x"]
    streams = own.basin("my-basin").list_all_streams()
    assert [info.name async for info in streams] == ["logs", "tenant/x"]


async def test_a_token_issues_no_broader_one(own: S2, s2_mock: S2Mock) -> None:
    scope = AccessTokenScope(access_tokens=ANY, ops=[Operation.ISSUE_ACCESS_TOKEN])
    secret = await own.issue_access_token("issuer", scope=scope)
    async with client(s2_mock, secret) as issuer:
        with pytest.raises(S2ServerError) as caught:
            await issuer.issue_access_token("broader", scope=WORK)
        assert is_refused(caught, 403, "permission_denied")
        await issuer.issue_access_token("as-narrow", scope=scope)


async def test_what_makes_no_token(own: S2) -> None:
    with pytest.raises(S2ServerError) as caught:
        await own.issue_access_token("svc", scope=AccessTokenScope(basins=ANY))
    assert is_refused(caught, 422, "invalid")
    assert caught.value.message == "Access token permissions cannot be empty"
    past = datetime.now(UTC) - timedelta(hours=1)
    with pytest.raises(S2ServerError) as caught:
        await own.issue_access_token("svc", scope=WORK, expires_at=past)
    assert is_refused(caught, 422, "invalid")


@pytest.mark.s2_mock(clock=ManualClock(1_704_067_200))
async def test_metrics(own: S2) -> None:
    start = 1_704_067_200
    await own.basin("my-basin").stream("logs").append(AppendInput(records=[Record(body=b"12345")]))
    period = {"start": start, "end": start}
    [operations] = await own.account_metrics(set=AccountMetricSet.ACTIVE_BASINS, **period)
    assert operations.values == ["my-basin"]
    [counted] = await own.account_metrics(set=AccountMetricSet.ACCOUNT_OPS, **period)
    assert (counted.name, counted.interval) == ("account_metrics", TimeseriesInterval.HOUR)
    series = await own.basin_metrics("my-basin", set=BasinMetricSet.APPEND_OPS, **period)
    assert [one.name for one in series] == ["express", "standard"]
    appends = series[0]
    assert (appends.name, list(map(tuple, appends.values))) == ("express", [(start, 1.0)])
    [stored] = await own.stream_metrics("my-basin", "logs", set=StreamMetricSet.STORAGE, **period)
    assert (stored.name, list(map(tuple, stored.values))) == ("metered_size", [(start, 13.0)])
    reads = await own.basin_metrics("my-basin", set=BasinMetricSet.READ_OPS, **period)
    assert [each.name for each in reads] == ["unary", "streaming"]
    for wrong in ({"start": start}, {"start": start, "end": start - 1}):
        with pytest.raises(S2ServerError) as caught:
            await own.account_metrics(set=AccountMetricSet.ACCOUNT_OPS, **wrong)
        assert is_refused(caught, 422, "invalid")


async def test_locations(own: S2) -> None:
    names = [location.name for location in await own.list_locations()]
    assert names == ["aws:us-east-1", "aws:us-west-2", "aws:eu-north-1"]
    assert (await own.get_default_location()).name == "aws:us-east-1"
    assert (await own.set_default_location("aws:us-west-2")).name == "aws:us-west-2"
    assert (await own.create_basin("new-basin")).location == "aws:us-west-2"
    with pytest.raises(S2ServerError) as caught:
        await own.create_basin("other-basin", location="aws:nowhere")
    assert is_refused(caught, 422, "invalid")
