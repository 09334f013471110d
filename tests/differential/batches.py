"""Batches to append, and their forms."""

import base64
from typing import Any

from hypothesis import strategies as st

from s2mock.api.wire import messages
from tests.differential.edges import rarely

texts = st.sampled_from(["", "x", "héllo", "\0\n", "y" * 50]) | st.text(
    st.characters(codec="utf-8"), max_size=5
)
timestamps = st.sampled_from([0, 1, 1000, 1001, 2000, 5000, 2**63, 2**64 - 1])


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A record as bytes: plain, a command, or an odd one."""
    kind = draw(st.integers(0, 11))
    record: dict[str, Any] = {"headers": [], "body": draw(texts).encode(), "timestamp": None}
    if kind <= 3:
        record["headers"] = [
            (draw(texts).encode() or b"n", draw(texts).encode())
            for _ in range(draw(st.integers(1, 2)))
        ]
    elif kind == 4:
        record["headers"] = [(b"", b"fence")]
        record["body"] = draw(st.sampled_from([b"", b"tok", b"tok", b"f" * 36, b"f" * 37, b"\xff"]))
    elif kind == 5:
        record["headers"] = [(b"", b"trim")]
        point = draw(st.sampled_from([0, 1, 2, 3, 10, 2**64 - 1]))
        record["body"] = draw(st.sampled_from([point.to_bytes(8, "big")] * 4 + [b"", b"123"]))
    elif kind == 6 and draw(rarely):
        record["headers"] = draw(
            st.sampled_from(
                [[(b"", b"other")], [(b"", b"fence"), (b"x", b"y")], [(b"x", b""), (b"", b"")]]
            )
        )
    elif kind == 7:
        record["body"] = draw(st.binary(max_size=9))
    if draw(st.booleans()):
        record["timestamp"] = draw(timestamps)
    return record


@st.composite
def batches(draw: st.DrawFn) -> dict[str, Any]:
    """An append, as bytes."""
    batch: dict[str, Any] = {"records": draw(st.lists(records(), min_size=1, max_size=4))}
    if draw(rarely):
        batch["records"] = []
    if draw(st.integers(0, 3)) == 2:
        batch["match_seq_num"] = draw(st.sampled_from([0, 1, 2, 3, 4, 10]))
    if draw(st.integers(0, 3)) == 2:
        batch["fencing_token"] = draw(st.sampled_from(["", "tok", "f" * 36, "f" * 37, "é"]))
    return batch


def batch_as_json(batch: dict[str, Any], form: str) -> dict[str, Any]:
    """The batch as a JSON document in a format of `S2-Format`."""

    def text(data: bytes) -> str:
        if form == "base64":
            return base64.b64encode(data).decode()
        return data.decode("utf-8", "replace")

    written = []
    for record in batch["records"]:
        document: dict[str, Any] = {"body": text(record["body"])}
        if record["headers"]:
            document["headers"] = [[text(name), text(value)] for name, value in record["headers"]]
        if record["timestamp"] is not None:
            document["timestamp"] = record["timestamp"]
        written.append(document)
    return {**batch, "records": written}


def batch_as_proto(batch: dict[str, Any]) -> bytes:
    """The batch as an `AppendInput` message."""
    message = messages.AppendInput()
    for record in batch["records"]:
        added = message.records.add(body=record["body"])
        if record["timestamp"] is not None:
            added.timestamp = record["timestamp"]
        for name, value in record["headers"]:
            added.headers.add(name=name, value=value)
    if "match_seq_num" in batch:
        message.match_seq_num = batch["match_seq_num"]
    if "fencing_token" in batch:
        message.fencing_token = batch["fencing_token"]
    data: bytes = message.SerializeToString()
    return data
