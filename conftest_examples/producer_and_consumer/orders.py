"""The code under test: orders are written to a stream, and a reader ships them."""

import os
from collections.abc import AsyncGenerator, Iterable

from s2_sdk import (
    S2,
    AppendInput,
    CommandRecord,
    Endpoints,
    FencingTokenMismatchError,
    Record,
    S2Stream,
    SeqNum,
)


def connect() -> S2:
    """A client of the account that the environment names."""
    s2: S2 = S2(os.environ["S2_ACCESS_TOKEN"], endpoints=Endpoints.from_env())
    return s2


class NotInCharge(Exception):
    pass


class Shop:
    """Takes orders. The last one that is opened is in charge, and the others notice."""

    def __init__(self, stream: S2Stream, token: str) -> None:
        self._stream = stream
        self._token = token

    async def open(self) -> None:
        await self._stream.append(AppendInput([CommandRecord.fence(self._token)]))

    async def take(self, orders: Iterable[str]) -> int:
        """Write the orders, as many at a time as there are. Returns the number of the last one."""
        number = -1
        try:
            async with self._stream.append_session() as session:
                tickets = [
                    await session.submit(
                        AppendInput(
                            [Record(order.encode(), headers=[(b"kind", b"order")])],
                            fencing_token=self._token,
                        )
                    )
                    for order in orders
                ]
                for ticket in tickets:
                    number = (await ticket).end.seq_num - 1
        except FencingTokenMismatchError as error:
            raise NotInCharge(error.expected_fencing_token) from error
        return number


class Warehouse:
    """Ships what is ordered, and remembers how far it is."""

    def __init__(self, stream: S2Stream) -> None:
        self._stream = stream
        self._next = 0

    async def ship(self) -> AsyncGenerator[str, None]:
        """Each order as it comes, from where the last one ended."""
        async with self._stream.read_session(
            start=SeqNum(self._next), ignore_command_records=True
        ) as session:
            async for batch in session:
                for record in batch.records:
                    self._next = record.seq_num + 1
                    yield record.body.decode()
