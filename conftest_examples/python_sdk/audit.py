"""The code under test: every tenant gets a basin, and in it a stream for each kind of event."""

import os

from s2_sdk import S2, BasinConfig, Endpoints, S2ServerError, StreamConfig

KINDS = ("logins", "payments")
DAY = 24 * 60 * 60


def connect() -> S2:
    """A client of the account that the environment names."""
    s2: S2 = S2(os.environ["S2_ACCESS_TOKEN"], endpoints=Endpoints.from_env())
    return s2


class TenantExists(Exception):
    pass


class Audit:
    def __init__(self, s2: S2) -> None:
        self._s2 = s2

    async def add_tenant(self, tenant: str, *, retention_days: int) -> None:
        defaults = StreamConfig(retention_policy=retention_days * DAY)
        try:
            await self._s2.create_basin(
                f"audit-{tenant}", config=BasinConfig(default_stream_config=defaults)
            )
        except S2ServerError as error:
            if error.code != "resource_already_exists":
                raise
            raise TenantExists(tenant) from error
        for kind in KINDS:
            await self._s2[f"audit-{tenant}"].create_stream(f"events/{kind}")

    async def keep_forever(self, tenant: str, kind: str) -> None:
        await self._s2[f"audit-{tenant}"].reconfigure_stream(
            f"events/{kind}", config=StreamConfig(retention_policy="infinite")
        )

    async def remove_tenant(self, tenant: str) -> None:
        await self._s2.delete_basin(f"audit-{tenant}", ignore_not_found=True)

    async def tenants(self) -> list[str]:
        basins = self._s2.list_all_basins(prefix="audit-")
        return [basin.name.removeprefix("audit-") async for basin in basins]
