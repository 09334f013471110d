"""The first read of a stream beside its first append: there is one log for both."""

from threading import Thread

import pytest

from s2mock import S2Mock, Stream
from s2mock.registry import stream as stream_module
from s2mock.registry.log import Log
from s2mock.registry.reading import ReadRequest, ReadSession


def test_an_append_while_a_reader_makes_the_log(
    mock: S2Mock, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = mock.account.turn.lock
    acknowledged = []

    def append_if_it_may() -> None:
        if lock.acquire(blocking=False):
            stream.append(["a"])
            acknowledged.append(b"a")
            lock.release()

    def make() -> Log:
        monkeypatch.setattr(stream_module, "Log", Log)
        appender = Thread(target=append_if_it_may)
        appender.start()
        appender.join()
        return Log()

    monkeypatch.setattr(stream_module, "Log", make)
    ReadSession(stream, ReadRequest())
    assert stream_module.Log is Log, "the reader made no log"
    stream.append(["b"])

    assert [record.body for record in stream.records] == [*acknowledged, b"b"]
