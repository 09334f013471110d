"""The first read of a stream beside its first append: neither loses the other."""

from threading import Thread
from typing import Any

import pytest

from s2mock import S2Mock, Stream
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.rules.read import Read


def test_an_append_while_a_reader_takes_its_place(
    mock: S2Mock, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = mock.account.engine.lock.mutex
    begun = Read._start
    acknowledged = []
    opened = []

    def append_if_it_may() -> None:
        if lock.acquire(blocking=False):
            stream.append(["a"])
            acknowledged.append(b"a")
            lock.release()

    def begin(*arguments: Any) -> Any:
        opened.append(True)
        appender = Thread(target=append_if_it_may)
        appender.start()
        appender.join()
        return begun(*arguments)

    monkeypatch.setattr(Read, "_start", begin)
    wanted = ReadRequest("seq_num", 0)
    session = mock.account.engine.carry_out(Read("my-basin", "my-stream", wanted, is_session=True))
    assert opened, "the reader has not taken its place"
    stream.append(["b"])

    assert [record.body for record in stream.records] == [*acknowledged, b"b"]
    bodies: list[bytes] = []
    for batch in session.batches():
        bodies += [record.body for record in batch.records]
        if b"b" in bodies:
            break
    assert bodies == [*acknowledged, b"b"]
