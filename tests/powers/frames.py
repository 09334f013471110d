"""S2S frames, as a client sees and makes them."""

from collections.abc import Iterator
from typing import NamedTuple

from s2mock.api.wire.messages import AppendAck, AppendInput, ReadBatch

RECONNECT = 0x10
TERMINAL = 0x80


class Frame(NamedTuple):
    """One frame."""

    flag: int
    payload: bytes

    @property
    def bodies(self) -> list[str]:
        """The bodies of the records of a read."""
        return [record.body.decode() for record in ReadBatch.FromString(self.payload).records]

    @property
    def acked(self) -> tuple[int, int]:
        """The sequence numbers of an acknowledgement: of the first record, and behind the last."""
        ack = AppendAck.FromString(self.payload)
        return ack.start.seq_num, ack.end.seq_num


def frames(data: bytes) -> Iterator[Frame]:
    """The complete frames of these bytes."""
    while len(data) >= 4:
        size = int.from_bytes(data[:3], "big")
        if len(data) < 3 + size:
            return
        yield Frame(data[3], data[4 : 3 + size])
        data = data[3 + size :]


def append_frame(*bodies: str) -> bytes:
    """A batch of these records."""
    message = AppendInput()
    for body in bodies:
        message.records.add(body=body.encode())
    payload: bytes = message.SerializeToString()
    return (len(payload) + 1).to_bytes(3, "big") + b"\0" + payload
