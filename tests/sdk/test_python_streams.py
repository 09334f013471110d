"""The official Python SDK, unmodified: every operation on streams but those on their records."""

from collections.abc import AsyncIterator
from datetime import UTC

import pytest
import pytest_asyncio
from s2_sdk import (
    S2,
    BasinConfig,
    Encryption,
    EnsureStatus,
    S2Basin,
    S2ServerError,
    StreamConfig,
    Timestamping,
    TimestampingMode,
)

from s2mock import S2Mock

pytestmark = pytest.mark.asyncio

SYSTEM_DEFAULTS = StreamConfig(
    storage_class="express",
    retention_policy=604_800,
    timestamping=Timestamping(mode=TimestampingMode.CLIENT_PREFER, uncapped=False),
    delete_on_empty_min_age=0,
)
FULL = StreamConfig(
    storage_class="standard",
    retention_policy="infinite",
    timestamping=Timestamping(mode=TimestampingMode.ARRIVAL, uncapped=True),
    delete_on_empty_min_age=60,
)


@pytest_asyncio.fixture
async def basin(s2: S2) -> AsyncIterator[S2Basin]:
    await s2.create_basin("my-basin")
    return s2["my-basin"]


async def test_create(basin: S2Basin) -> None:
    info = await basin.create_stream("logs/application")

    assert info.name == "logs/application"
    assert info.created_at.tzinfo is UTC
    assert info.deleted_at is None
    assert info.cipher is None
    [listed] = (await basin.list_streams()).items
    assert listed == info


async def test_create_is_seen_by_direct_access(basin: S2Basin, s2_mock: S2Mock) -> None:
    await basin.create_stream("logs/application", config=StreamConfig(retention_policy=60))

    assert s2_mock.basin("my-basin").streams == ("logs/application",)
    assert s2_mock.basin("my-basin").stream("logs/application").config.retention_policy == 60


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a/b/c",
        " ",
        "a b+c",
        "%",
        "%2F",
        "?x=1",
        "#",
        "&=",
        '"',
        "...",
        "日本語",
        "🙂",
        "é" * 256,
    ],
)
async def test_any_name_is_found_again(basin: S2Basin, name: str) -> None:
    await basin.create_stream(name, config=FULL)

    assert await basin.get_stream_config(name) == FULL
    assert await basin.reconfigure_stream(name, config=StreamConfig()) == FULL
    assert (await basin.ensure_stream(name, config=FULL)).status is EnsureStatus.CONFIG_UNCHANGED
    assert [stream.name for stream in (await basin.list_streams(prefix=name)).items] == [name]
    await basin.delete_stream(name)
    assert (await basin.list_streams()).items == []


async def test_config_of_a_plain_stream_is_resolved(basin: S2Basin) -> None:
    await basin.create_stream("logs")

    assert await basin.get_stream_config("logs") == SYSTEM_DEFAULTS


async def test_config_in_full_comes_back(basin: S2Basin) -> None:
    await basin.create_stream("logs", config=FULL)

    assert await basin.get_stream_config("logs") == FULL


async def test_storage_class_is_any_text(basin: S2Basin) -> None:
    await basin.create_stream("logs", config=StreamConfig(storage_class="my own"))

    assert (await basin.get_stream_config("logs")).storage_class == "my own"


async def test_basin_defaults_are_inherited(s2: S2) -> None:
    await s2.create_basin("my-basin", config=BasinConfig(default_stream_config=FULL))
    basin = s2["my-basin"]

    await basin.create_stream("plain")
    await basin.create_stream("own", config=StreamConfig(retention_policy=60))

    assert await basin.get_stream_config("plain") == FULL
    own = await basin.get_stream_config("own")
    assert (own.storage_class, own.retention_policy) == ("standard", 60)


async def test_cipher_is_that_of_the_basin_at_creation(s2: S2) -> None:
    await s2.create_basin("my-basin", config=BasinConfig(stream_cipher=Encryption.AEGIS_256))
    first = await s2["my-basin"].create_stream("first")
    change = BasinConfig(stream_cipher=Encryption.AES_256_GCM)
    await s2.reconfigure_basin("my-basin", config=change)
    second = await s2["my-basin"].create_stream("second")

    assert (first.cipher, second.cipher) == (Encryption.AEGIS_256, Encryption.AES_256_GCM)
    assert (await s2["my-basin"].list_streams()).items == [first, second]


async def test_create_again_is_a_conflict(basin: S2Basin) -> None:
    await basin.create_stream("logs")

    with pytest.raises(S2ServerError) as caught:
        await basin.create_stream("logs")

    assert (caught.value.status_code, caught.value.code) == (409, "resource_already_exists")
    assert caught.value.message == "stream `logs` in basin `my-basin` already exists"


async def test_create_with_an_invalid_config(basin: S2Basin) -> None:
    with pytest.raises(S2ServerError) as caught:
        await basin.create_stream("logs", config=StreamConfig(retention_policy=0))

    assert (caught.value.status_code, caught.value.code) == (422, "invalid")
    assert (await basin.list_streams()).items == []


async def test_create_with_a_reserved_name(basin: S2Basin) -> None:
    with pytest.raises(S2ServerError) as caught:
        await basin.create_stream("..")

    assert (caught.value.status_code, caught.value.code) == (400, "bad_json")
    assert caught.value.message.startswith('stream name must not be "." or ".."')


async def test_ensure_creates_then_leaves_then_updates(basin: S2Basin) -> None:
    created = await basin.ensure_stream("logs")
    unchanged = await basin.ensure_stream("logs", config=SYSTEM_DEFAULTS)
    updated = await basin.ensure_stream("logs", config=FULL)

    assert created.status is EnsureStatus.CREATED
    assert unchanged.status is EnsureStatus.CONFIG_UNCHANGED
    assert updated.status is EnsureStatus.CONFIG_UPDATED
    assert created.stream == unchanged.stream == updated.stream
    assert await basin.get_stream_config("logs") == FULL


async def test_ensure_replaces_the_whole_config(basin: S2Basin) -> None:
    await basin.create_stream("logs", config=FULL)

    ensured = await basin.ensure_stream("logs")

    assert ensured.status is EnsureStatus.CONFIG_UPDATED
    assert await basin.get_stream_config("logs") == SYSTEM_DEFAULTS


async def test_list_is_in_byte_order_and_in_pages(basin: S2Basin) -> None:
    for name in ("é", "b", "B", "a/1", "a"):
        await basin.create_stream(name)

    first = await basin.list_streams(limit=3)
    second = await basin.list_streams(limit=3, start_after=first.items[-1].name)

    assert [stream.name for stream in first.items] == ["B", "a", "a/1"]
    assert [stream.name for stream in second.items] == ["b", "é"]
    assert (first.has_more, second.has_more) == (True, False)


async def test_list_with_a_prefix(basin: S2Basin) -> None:
    for name in ("users/ca/0001", "users/eu/0001", "users/ca/0002"):
        await basin.create_stream(name)

    page = await basin.list_streams(prefix="users/ca/")
    rest = await basin.list_streams(prefix="users/ca/", start_after="users/ca/0001")

    assert [stream.name for stream in page.items] == ["users/ca/0001", "users/ca/0002"]
    assert [stream.name for stream in rest.items] == ["users/ca/0002"]


async def test_list_all_goes_on_after_the_largest_page(basin: S2Basin, s2_mock: S2Mock) -> None:
    names = [f"s/{number:04}" for number in range(1001)]
    for name in names:
        s2_mock.basin("my-basin").create_stream(name)

    assert [stream.name async for stream in basin.list_all_streams()] == names
    assert [stream.name async for stream in basin.list_all_streams(prefix="s/0")] == names[:1000]


async def test_reconfigure_changes_what_it_names(basin: S2Basin) -> None:
    await basin.create_stream("logs", config=FULL)
    mode = TimestampingMode.CLIENT_REQUIRE

    config = await basin.reconfigure_stream(
        "logs", config=StreamConfig(timestamping=Timestamping(mode=mode))
    )

    assert config == StreamConfig(
        storage_class="standard",
        retention_policy="infinite",
        timestamping=Timestamping(mode=mode, uncapped=True),
        delete_on_empty_min_age=60,
    )
    assert await basin.get_stream_config("logs") == config


async def test_reconfigure_with_an_invalid_config(basin: S2Basin) -> None:
    await basin.create_stream("logs", config=FULL)

    with pytest.raises(S2ServerError) as caught:
        await basin.reconfigure_stream("logs", config=StreamConfig(retention_policy=0))

    assert (caught.value.status_code, caught.value.code) == (422, "invalid")
    assert await basin.get_stream_config("logs") == FULL


async def test_what_is_missing_is_not_found(basin: S2Basin) -> None:
    for call in (
        basin.get_stream_config("logs"),
        basin.reconfigure_stream("logs", config=FULL),
        basin.delete_stream("logs"),
    ):
        with pytest.raises(S2ServerError) as caught:
            await call
        assert (caught.value.status_code, caught.value.code) == (404, "stream_not_found")
        assert caught.value.message == "stream `logs` in basin `my-basin` not found"


async def test_delete_of_what_is_missing_may_be_ignored(basin: S2Basin) -> None:
    await basin.delete_stream("logs", ignore_not_found=True)


async def test_in_a_missing_basin(s2: S2) -> None:
    basin = s2["no-such-basin"]
    answers = []
    for call in (
        basin.create_stream("logs"),
        basin.ensure_stream("logs"),
        basin.reconfigure_stream("logs", config=FULL),
        basin.list_streams(),
        basin.get_stream_config("logs"),
        basin.delete_stream("logs"),
    ):
        with pytest.raises(S2ServerError) as caught:
            await call
        answers.append((caught.value.status_code, caught.value.code))

    assert answers == [(404, "basin_not_found")] * 4 + [(404, "stream_not_found")] * 2


async def test_a_name_is_free_after_the_deletion(basin: S2Basin) -> None:
    await basin.create_stream("logs", config=FULL)
    await basin.delete_stream("logs")
    await basin.create_stream("logs")

    assert await basin.get_stream_config("logs") == SYSTEM_DEFAULTS


@pytest.mark.s2_mock(deletion_delay=float("inf"))
async def test_while_the_deletion_is_pending(basin: S2Basin) -> None:
    await basin.create_stream("logs")
    await basin.delete_stream("logs")
    await basin.delete_stream("logs")

    for call in (
        basin.create_stream("logs"),
        basin.ensure_stream("logs"),
        basin.get_stream_config("logs"),
        basin.reconfigure_stream("logs", config=FULL),
    ):
        with pytest.raises(S2ServerError) as caught:
            await call
        assert (caught.value.status_code, caught.value.code) == (409, "stream_deletion_pending")
    assert [stream async for stream in basin.list_all_streams()] == []
    [deleted] = [stream async for stream in basin.list_all_streams(include_deleted=True)]
    assert deleted.deleted_at is not None
    assert deleted.deleted_at >= deleted.created_at
