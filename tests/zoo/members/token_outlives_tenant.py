"""A token that outlives its tenant.

A tenant has a stream, and an access token for it. To remove the tenant, the program deletes the
stream, and then revokes the token. If it crashes between the two, it finds no stream when it starts
again, and believes that the tenant is gone. The next tenant of that name shares its stream with the
token of the old one. The twin revokes the token first: the stream is the mark that there is work
left.
"""

from typing import Any

import pytest

from tests.zoo.client import AsyncStream, Refused, Stream, shop
from tests.zoo.member import Member


async def remove(s2_mock: Any) -> None:
    async with AsyncStream(s2_mock, "tenant") as tenant:
        try:
            await tenant.delete()
        except Refused as refused:
            if refused.status == 404:
                # The tenant is gone already.
                return
            raise
        await tenant.call("DELETE", "/v1/access-tokens/tenant")


async def remove_repaired(s2_mock: Any) -> None:
    async with AsyncStream(s2_mock, "tenant") as tenant:
        for method, path in (
            ("DELETE", "/v1/access-tokens/tenant"),
            ("DELETE", "/v1/streams/tenant"),
        ):
            try:
                await tenant.call(method, path)
            except Refused as refused:
                assert refused.status == 404


@pytest.mark.s2_mock(basins=shop("tenant"), auth="required")
def test_the_token_ends_with_its_tenant(s2_crash: Any, program: Any) -> None:
    for attempt in s2_crash(on=["delete-stream", "revoke-access-token"]):
        with attempt as s2_mock:
            token = s2_mock.issue_token(
                "tenant", basins="shop-basin", streams="tenant", ops=["append"]
            ).secret
            attempt.run(program, s2_mock)
            # It starts again.
            attempt.run(program, s2_mock)
            Stream(s2_mock, "tenant").create()
            try:
                Stream(s2_mock, "tenant", token=token).append("from the old tenant")
            except Refused as refused:
                assert refused.status in {401, 403}
            assert Stream(s2_mock, "tenant").bodies() == []


MEMBER = Member(
    bug=remove,
    twin=remove_repaired,
    test=test_the_token_ends_with_its_tenant,
    report="""\
s2_crash: 2 of 5 attempts failed

a crash after delete-stream 1 of 2: AssertionError: assert ['from the old tenant'] == []
    s2_crash.replay('after', 'delete-stream', 1)
""",
)
