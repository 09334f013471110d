"""The official Python SDK, unmodified: every operation on basins."""

from datetime import UTC

import pytest
from s2_sdk import (
    S2,
    BasinConfig,
    Encryption,
    EnsureStatus,
    S2ServerError,
    StreamConfig,
    Timestamping,
    TimestampingMode,
)

from s2mock import S2Mock

pytestmark = pytest.mark.asyncio

FULL = BasinConfig(
    default_stream_config=StreamConfig(
        storage_class="standard",
        retention_policy="infinite",
        timestamping=Timestamping(mode=TimestampingMode.CLIENT_REQUIRE, uncapped=True),
        delete_on_empty_min_age=3600,
    ),
    stream_cipher=Encryption.AEGIS_256,
    create_stream_on_append=True,
    create_stream_on_read=True,
)


async def test_create(s2: S2) -> None:
    info = await s2.create_basin("my-basin")

    assert info.name == "my-basin"
    assert info.created_at.tzinfo is UTC
    assert info.deleted_at is None
    [listed] = (await s2.list_basins()).items
    assert listed == info


async def test_create_is_seen_by_direct_access(s2: S2, s2_mock: S2Mock) -> None:
    await s2.create_basin("my-basin", config=BasinConfig(create_stream_on_append=True))

    assert s2_mock.basins == ("my-basin",)
    assert s2_mock.basin("my-basin").config.create_stream_on_append


async def test_config_in_full_comes_back(s2: S2) -> None:
    await s2.create_basin("my-basin", config=FULL)

    assert await s2.get_basin_config("my-basin") == FULL


async def test_config_of_a_plain_basin(s2: S2) -> None:
    await s2.create_basin("my-basin")

    assert await s2.get_basin_config("my-basin") == BasinConfig(
        create_stream_on_append=False, create_stream_on_read=False
    )


async def test_a_location(s2: S2) -> None:
    info = await s2.create_basin("my-basin", location="aws:us-west-2")

    assert info.location == "aws:us-west-2"


async def test_create_again_is_a_conflict(s2: S2) -> None:
    await s2.create_basin("my-basin")

    with pytest.raises(S2ServerError) as caught:
        await s2.create_basin("my-basin")

    assert (caught.value.status_code, caught.value.code) == (409, "resource_already_exists")
    assert caught.value.message == "basin `my-basin` already exists"


async def test_create_with_an_invalid_config(s2: S2) -> None:
    config = BasinConfig(default_stream_config=StreamConfig(retention_policy=0))

    with pytest.raises(S2ServerError) as caught:
        await s2.create_basin("my-basin", config=config)

    assert (caught.value.status_code, caught.value.code) == (422, "invalid")
    assert caught.value.message == "age must be greater than 0 seconds"
    assert (await s2.list_basins()).items == []


async def test_create_at_an_invalid_location(s2: S2) -> None:
    with pytest.raises(S2ServerError) as caught:
        await s2.create_basin("my-basin", location="under the sea")

    assert (caught.value.status_code, caught.value.code) == (400, "bad_json")
    assert caught.value.message.startswith("location name must comprise ASCII letters")


async def test_ensure_creates_then_leaves_then_updates(s2: S2) -> None:
    created = await s2.ensure_basin("my-basin")
    unchanged = await s2.ensure_basin("my-basin")
    updated = await s2.ensure_basin("my-basin", config=FULL)

    assert created.status is EnsureStatus.CREATED
    assert unchanged.status is EnsureStatus.CONFIG_UNCHANGED
    assert updated.status is EnsureStatus.CONFIG_UPDATED
    assert created.basin == unchanged.basin == updated.basin
    assert await s2.get_basin_config("my-basin") == FULL


async def test_ensure_replaces_the_whole_config(s2: S2) -> None:
    await s2.create_basin("my-basin", config=FULL)

    await s2.ensure_basin("my-basin", config=BasinConfig(create_stream_on_read=True))

    assert await s2.get_basin_config("my-basin") == BasinConfig(
        create_stream_on_append=False, create_stream_on_read=True
    )


async def test_ensure_with_the_config_that_get_returns_changes_nothing(s2: S2) -> None:
    await s2.create_basin("my-basin", config=FULL)

    ensured = await s2.ensure_basin("my-basin", config=await s2.get_basin_config("my-basin"))

    assert ensured.status is EnsureStatus.CONFIG_UNCHANGED


async def test_ensure_with_a_location(s2: S2) -> None:
    ensured = await s2.ensure_basin("my-basin", location="aws:us-east-1")

    assert ensured.status is EnsureStatus.CREATED
    assert ensured.basin.location == "aws:us-east-1"


async def test_list_is_in_order_and_in_pages(s2: S2) -> None:
    for number in (3, 1, 5, 2, 4):
        await s2.create_basin(f"basin-{number:03}")

    first = await s2.list_basins(limit=2)
    second = await s2.list_basins(limit=2, start_after=first.items[-1].name)
    third = await s2.list_basins(limit=2, start_after=second.items[-1].name)

    pages = [[basin.name for basin in page.items] for page in (first, second, third)]
    assert pages == [["basin-001", "basin-002"], ["basin-003", "basin-004"], ["basin-005"]]
    assert [page.has_more for page in (first, second, third)] == [True, True, False]


async def test_list_with_a_prefix(s2: S2) -> None:
    for name in ("eu-basin-1", "us-basin-1", "us-basin-2"):
        await s2.create_basin(name)

    page = await s2.list_basins(prefix="us-")
    rest = await s2.list_basins(prefix="us-", start_after="us-basin-1")

    assert [basin.name for basin in page.items] == ["us-basin-1", "us-basin-2"]
    assert [basin.name for basin in rest.items] == ["us-basin-2"]


async def test_list_with_an_invalid_prefix(s2: S2) -> None:
    with pytest.raises(S2ServerError) as caught:
        await s2.list_basins(prefix="Upper")

    assert (caught.value.status_code, caught.value.code) == (400, "bad_query")


async def test_list_all_goes_on_after_the_largest_page(s2: S2, s2_mock: S2Mock) -> None:
    names = [f"basin-{number:04}" for number in range(1001)]
    for name in names:
        s2_mock.create_basin(name)

    assert [basin.name async for basin in s2.list_all_basins()] == names
    assert [basin.name async for basin in s2.list_all_basins(prefix="basin-0")] == names[:1000]


async def test_reconfigure_changes_what_it_names(s2: S2) -> None:
    await s2.create_basin("my-basin", config=FULL)
    change = BasinConfig(
        default_stream_config=StreamConfig(
            retention_policy=86_400, timestamping=Timestamping(uncapped=False)
        ),
        create_stream_on_read=False,
    )

    config = await s2.reconfigure_basin("my-basin", config=change)

    assert config == BasinConfig(
        default_stream_config=StreamConfig(
            storage_class="standard",
            retention_policy=86_400,
            timestamping=Timestamping(mode=TimestampingMode.CLIENT_REQUIRE, uncapped=False),
            delete_on_empty_min_age=3600,
        ),
        stream_cipher=Encryption.AEGIS_256,
        create_stream_on_append=True,
        create_stream_on_read=False,
    )
    assert await s2.get_basin_config("my-basin") == config


async def test_reconfigure_with_nothing_changes_nothing(s2: S2) -> None:
    await s2.create_basin("my-basin", config=FULL)

    assert await s2.reconfigure_basin("my-basin", config=BasinConfig()) == FULL


async def test_reconfigure_with_an_invalid_config(s2: S2) -> None:
    await s2.create_basin("my-basin", config=FULL)
    change = BasinConfig(default_stream_config=StreamConfig(retention_policy=0))

    with pytest.raises(S2ServerError) as caught:
        await s2.reconfigure_basin("my-basin", config=change)

    assert (caught.value.status_code, caught.value.code) == (422, "invalid")
    assert await s2.get_basin_config("my-basin") == FULL


async def test_delete(s2: S2) -> None:
    await s2.create_basin("my-basin")

    await s2.delete_basin("my-basin")

    assert [basin async for basin in s2.list_all_basins()] == []


async def test_what_is_missing_is_not_found(s2: S2) -> None:
    calls = (
        s2.get_basin_config("my-basin"),
        s2.reconfigure_basin("my-basin", config=FULL),
        s2.delete_basin("my-basin"),
    )
    for call in calls:
        with pytest.raises(S2ServerError) as caught:
            await call
        assert (caught.value.status_code, caught.value.code) == (404, "basin_not_found")
        assert caught.value.message == "basin `my-basin` not found"


async def test_delete_of_what_is_missing_may_be_ignored(s2: S2) -> None:
    await s2.delete_basin("my-basin", ignore_not_found=True)


async def test_a_name_that_the_sdk_lets_through(s2: S2) -> None:
    with pytest.raises(S2ServerError) as caught:
        await s2.get_basin_config("short")

    assert (caught.value.status_code, caught.value.code) == (400, "bad_path")
    assert "at least 8 bytes" in caught.value.message


@pytest.mark.s2_mock(deletion_delay=float("inf"))
async def test_while_the_deletion_is_pending(s2: S2) -> None:
    await s2.create_basin("my-basin")
    await s2.delete_basin("my-basin")
    await s2.delete_basin("my-basin")

    for call in (
        s2.create_basin("my-basin"),
        s2.ensure_basin("my-basin"),
        s2.reconfigure_basin("my-basin", config=FULL),
    ):
        with pytest.raises(S2ServerError) as caught:
            await call
        assert (caught.value.status_code, caught.value.code) == (409, "basin_deletion_pending")
    assert [basin async for basin in s2.list_all_basins()] == []
    [deleted] = [basin async for basin in s2.list_all_basins(include_deleted=True)]
    assert deleted.deleted_at is not None
    assert deleted.deleted_at >= deleted.created_at
