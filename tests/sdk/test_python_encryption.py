"""The official Python SDK, unmodified: streams with a cipher."""

from base64 import b64encode
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from s2_sdk import (
    S2,
    AppendInput,
    BasinConfig,
    CommandRecord,
    Encryption,
    Record,
    S2Basin,
    S2ServerError,
    SeqNum,
)

from s2mock import S2Mock

pytestmark = pytest.mark.asyncio

KEY = bytes(range(1, 33))
OTHER = bytes(32)


@pytest_asyncio.fixture(params=Encryption, ids=lambda cipher: cipher.value)
async def basin(s2: S2, request: pytest.FixtureRequest) -> AsyncIterator[S2Basin]:
    """A basin whose streams have that cipher, with the stream `logs`."""
    await s2.create_basin(
        "my-basin",
        config=BasinConfig(stream_cipher=request.param, create_stream_on_append=True),
    )
    info = await s2["my-basin"].create_stream("logs")
    assert info.cipher is request.param
    yield s2["my-basin"]


async def test_the_same_key(basin: S2Basin, s2_mock: S2Mock) -> None:
    stream = basin.stream("logs", encryption_key=KEY)
    await stream.append(AppendInput([Record(b"a", [(b"kind", b"secret")])]))
    async with stream.append_session() as session:
        await session.submit(AppendInput([Record(b"b" * 2000)]))
    async with stream.producer() as producer:
        await producer.submit(Record(b"c"))

    # As bytes, or as the text of their base64.
    again = basin.stream("logs", encryption_key=b64encode(KEY).decode())
    batch = await again.read(start=SeqNum(0))
    async with again.read_session(start=SeqNum(0)) as session:
        followed = await anext(session)

    assert [record.body for record in batch.records] == [b"a", b"b" * 2000, b"c"]
    assert batch.records[0].headers == [(b"kind", b"secret")]
    assert followed.records == batch.records
    assert [r.body for r in s2_mock.basin("my-basin").stream("logs").records] == [
        record.body for record in batch.records
    ]


async def test_another_key(basin: S2Basin) -> None:
    await basin.stream("logs", encryption_key=KEY).append(AppendInput([Record(b"a")]))
    stream = basin.stream("logs", encryption_key=OTHER)
    session = stream.read_session(start=SeqNum(0))

    for call in (stream.read(start=SeqNum(0)), anext(session)):
        with pytest.raises(S2ServerError) as caught:
            await call
        assert (caught.value.status_code, caught.value.code) == (400, "decryption_failed")
        assert caught.value.message == "record decryption failed"


async def test_no_key(basin: S2Basin, s2_mock: S2Mock) -> None:
    stream = basin.stream("logs")
    session = stream.append_session()
    ticket = await session.submit(AppendInput([Record(b"a")]))

    for call in (
        stream.append(AppendInput([Record(b"a")])),
        stream.read(start=SeqNum(0)),
        anext(stream.read_session(start=SeqNum(0))),
        ticket,
    ):
        with pytest.raises(S2ServerError) as caught:
            await call
        assert (caught.value.status_code, caught.value.code) == (400, "bad_header")
        assert caught.value.message.startswith("missing encryption key for stream cipher")
    with pytest.raises(S2ServerError):
        await session.close()
    assert (await stream.check_tail()).seq_num == 0
    assert s2_mock.basin("my-basin").stream("logs").records == ()


async def test_commands_are_not_encrypted(basin: S2Basin) -> None:
    await basin.stream("logs", encryption_key=KEY).append(
        AppendInput([Record(b"a"), CommandRecord.fence("mine"), CommandRecord.trim(1)])
    )

    batch = await basin.stream("logs", encryption_key=OTHER).read(start=SeqNum(0))

    assert [record.seq_num for record in batch.records] == [1, 2]


async def test_auto_creation_with_the_basins_cipher(basin: S2Basin, s2_mock: S2Mock) -> None:
    stream = basin.stream("new", encryption_key=KEY)
    await stream.append(AppendInput([Record(b"a")]))

    assert [record.body for record in (await stream.read(start=SeqNum(0))).records] == [b"a"]
    assert s2_mock.basin("my-basin").stream("new").cipher is not None


async def test_a_key_where_none_is_needed(s2: S2, s2_mock: S2Mock) -> None:
    s2_mock.create_basin("my-basin").create_stream("logs")
    await s2["my-basin"].stream("logs", encryption_key=KEY).append(AppendInput([Record(b"a")]))

    batch = await s2["my-basin"].stream("logs").read(start=SeqNum(0))

    assert [record.body for record in batch.records] == [b"a"]
