from contextlib import aclosing

import pytest
from s2_sdk import S2Stream

from orders import NotInCharge, Shop, Warehouse
from s2mock import S2Mock, Stream

DAY = 24 * 60 * 60


async def test_orders_are_written(stream: S2Stream, log: Stream) -> None:
    last = await Shop(stream, token="").take(["tea", "milk"])

    assert last == 1
    assert log.bodies == (b"tea", b"milk")
    assert log.records[0].headers == ((b"kind", b"order"),)


async def test_who_opened_last_is_in_charge(stream: S2Stream, log: Stream) -> None:
    early, late = Shop(stream, token="early"), Shop(stream, token="late")
    await early.open()
    await early.take(["tea"])
    await late.open()

    with pytest.raises(NotInCharge, match="late"):
        await early.take(["milk"])

    assert log.bodies == (b"tea",)
    assert log.fencing_token == "late"


async def test_orders_are_shipped_as_they_come(stream: S2Stream, log: Stream) -> None:
    log.append(["tea"])
    async with aclosing(Warehouse(stream).ship()) as shipped:
        assert await anext(shipped) == "tea"
        # There is no more: the warehouse waits at the tail.
        log.append(["milk", "sugar"])
        assert [await anext(shipped), await anext(shipped)] == ["milk", "sugar"]


async def test_a_warehouse_goes_on_where_it_was(stream: S2Stream, log: Stream) -> None:
    log.append(["tea", "milk"])
    warehouse = Warehouse(stream)
    async with aclosing(warehouse.ship()) as shipped:
        await anext(shipped)

    async with aclosing(warehouse.ship()) as shipped:
        assert await anext(shipped) == "milk"


@pytest.mark.s2_mock(clock="manual")
async def test_orders_of_last_week_are_gone(s2_mock: S2Mock, stream: S2Stream, log: Stream) -> None:
    await Shop(stream, token="").take(["tea", "milk"])

    s2_mock.advance(8 * DAY)

    assert log.records == ()
    assert log.tail.seq_num == 2
    await Shop(stream, token="").take(["sugar"])
    async with aclosing(Warehouse(stream).ship()) as shipped:
        assert await anext(shipped) == "sugar"
