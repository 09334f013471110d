import pytest
from s2_sdk import S2ServerError

from audit import Audit, TenantExists
from s2mock import S2Mock


async def test_a_tenant_gets_its_streams(audit: Audit, s2_mock: S2Mock) -> None:
    await audit.add_tenant("acme", retention_days=30)

    basin = s2_mock.basin("audit-acme")
    assert basin.streams == ("events/logins", "events/payments")
    assert basin.stream("events/logins").config.retention_policy == 30 * 24 * 60 * 60


async def test_a_tenant_is_added_once(audit: Audit) -> None:
    await audit.add_tenant("acme", retention_days=30)

    with pytest.raises(TenantExists):
        await audit.add_tenant("acme", retention_days=30)


async def test_nothing_can_be_kept_for_no_time(audit: Audit, s2_mock: S2Mock) -> None:
    with pytest.raises(S2ServerError, match="age must be greater than 0 seconds"):
        await audit.add_tenant("acme", retention_days=0)

    assert s2_mock.basins == ()


async def test_payments_may_be_kept_forever(audit: Audit, s2_mock: S2Mock) -> None:
    await audit.add_tenant("acme", retention_days=30)

    await audit.keep_forever("acme", "payments")

    basin = s2_mock.basin("audit-acme")
    assert basin.stream("events/payments").config.retention_policy == "infinite"
    assert basin.stream("events/logins").config.retention_policy != "infinite"


async def test_tenants_are_those_with_a_basin(audit: Audit, s2_mock: S2Mock) -> None:
    s2_mock.create_basin("not-a-tenant")
    for tenant in ("acme", "globex", "initech"):
        await audit.add_tenant(tenant, retention_days=1)

    await audit.remove_tenant("globex")

    assert await audit.tenants() == ["acme", "initech"]
