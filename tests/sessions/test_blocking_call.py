"""The thread behind a session: what it reads, what it sends, and how it ends."""

import asyncio
import http.client
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import pytest

from s2mock.blocking_call import BlockingCall
from s2mock.server import Server
from tests.sessions.endings import released
from tests.time.watched_clock import PATIENCE

Environ = dict[str, Any]


class App:
    """An app of one function."""

    def __init__(self, answer: Callable[[Environ], Iterable[bytes]]) -> None:
        self.answer = answer

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        chunks = self.answer(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return chunks


def may_block(environ: Environ) -> bool:
    return environ["QUERY_STRING"] == "block"


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Environ], Iterable[bytes]]], str]]:
    """Serves apps; the URL at which a call may block."""
    servers: list[Server] = []

    def start(answer: Callable[[Environ], Iterable[bytes]]) -> str:
        servers.append(Server(App(answer), may_block=may_block))
        return f"{servers[-1].url}/?block"

    yield start
    for server in servers:
        server.stop()


Serve = Callable[[Callable[[Environ], Iterable[bytes]]], str]


class TestFailingApp:
    """A fault of ours becomes an answer, and never a client that waits for ever."""

    @pytest.mark.parametrize("query", ["", "block"])
    def test_before_the_response(
        self, serve: Serve, query: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(_: Environ) -> Iterable[bytes]:
            raise ZeroDivisionError("of the test")

        url = serve(fail).removesuffix("block") + query
        with caplog.at_level(logging.CRITICAL + 1, "s2mock"):
            assert httpx.get(url).status_code == 500
            assert httpx.get(url).status_code == 500
        assert released()

    def test_within_the_response(self, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
        """What was sent is there, and that it is not all can be seen; the log says why."""

        def fail(_: Environ) -> Iterable[bytes]:
            yield b"begun"
            raise ZeroDivisionError("of the test")

        connection = http.client.HTTPConnection(httpx.URL(serve(fail)).netloc.decode())
        connection.request("GET", "/?block")
        response = connection.getresponse()
        assert response.status == 200
        with pytest.raises(http.client.IncompleteRead):
            response.read()
        connection.close()
        assert released()
        [record] = caplog.records
        assert (record.name, record.levelno) == ("s2mock", logging.ERROR)
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], ZeroDivisionError)

    def test_that_reads_no_more(self, serve: Serve) -> None:
        """An answer before the body has come, as a refused session gives it."""

        def answer(_: Environ) -> Iterable[bytes]:
            return [b"enough"]

        def body() -> Iterator[bytes]:
            for _ in range(50):
                yield bytes(10_000)

        assert httpx.post(serve(answer), content=body()).text == "enough"
        assert released()


class TestBody:
    def test_as_it_comes(self, serve: Serve) -> None:
        def echo(environ: Environ) -> Iterable[bytes]:
            while data := environ["wsgi.input"].read1(5):
                yield b"<" + data + b">"

        host, port = httpx.URL(serve(echo)).netloc.decode().split(":")
        with socket.create_connection((host, int(port)), PATIENCE) as connection:
            connection.sendall(
                b"POST /?block HTTP/1.1\r\nhost: s2\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            received = b""
            for data in (b"a", b"bc", b"d"):
                connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
                while b"<" + data + b">" not in received:
                    received += connection.recv(1000)
            connection.sendall(b"0\r\n\r\n")
            while b"0\r\n\r\n" not in received:
                received += connection.recv(1000)
        assert received.count(b"HTTP/1.1 200") == 1

    @pytest.mark.parametrize("size", [-1, 0, 1, 7, 99_999, 100_000, 100_001])
    def test_so_many_bytes(self, serve: Serve, size: int) -> None:
        """Whatever the chunks were; what is read too much stays for the next read."""
        data = bytes(range(250)) * 400

        def read(environ: Environ) -> Iterable[bytes]:
            source = environ["wsgi.input"]
            first = source.read(size)
            yield b"%d," % len(first)
            rest = source.read()
            assert first + rest == data
            yield b"%d" % len(source.read())

        def chunks() -> Iterator[bytes]:
            for start in range(0, len(data), 33_333):
                yield data[start : start + 33_333]

        expected = min(size, len(data)) if size >= 0 else len(data)
        assert httpx.post(serve(read), content=chunks()).text == f"{expected},0"

    def test_content_length(self) -> None:
        """Sent off with a length, a response needs no end of its own."""

        class Counted(App):
            def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
                start_response("200 OK", [("Content-Length", "4")])
                return [environ["wsgi.input"].read()]

        server = Server(Counted(lambda _: []), may_block=may_block)
        response = httpx.post(f"{server.url}/?block", content=b"body")
        server.stop()
        assert (response.text, response.headers["content-length"]) == ("body", "4")


class Sink:
    """Where a call's events go, which takes one only when it is told to."""

    def __init__(self, *, patience: int) -> None:
        self.events: list[dict[str, Any]] = []
        self.may_take = asyncio.Semaphore(patience)

    async def send(self, event: dict[str, Any]) -> None:
        await self.may_take.acquire()
        self.events.append(event)


async def until(condition: Callable[[], bool]) -> None:
    """Let threads and tasks go on until that is so."""
    for _ in range(int(PATIENCE / 0.002)):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("that does not come about")


class TestBackpressure:
    """A side that is too slow holds the other one up, and nothing piles up between them."""

    def test_slow_client(self) -> None:
        produced: list[int] = []

        def produce(_: Environ) -> Iterator[bytes]:
            for number in range(1000):
                produced.append(number)
                yield b"x"

        async def run() -> None:
            sink = Sink(patience=0)
            call = BlockingCall(App(produce), {}, asyncio.get_running_loop())
            responding = asyncio.create_task(call.respond(sink.send))
            # The start and the chunk that sends it off are two of 64.
            await until(lambda: len(produced) >= 63)
            for taken in range(100):
                sink.may_take.release()
                await until(lambda taken=taken: len(sink.events) == taken + 1)
                assert len(produced) <= 63 + taken + 1
            for _ in range(1000):
                sink.may_take.release()
            await responding
            assert len(produced) == 1000
            bodies = [event for event in sink.events if event["type"] == "http.response.body"]
            assert b"".join(event["body"] for event in bodies) == b"x" * 1000
            assert [event["more_body"] for event in bodies] == [True] * 1001 + [False]

        asyncio.run(run())

    def test_slow_app(self) -> None:
        received: list[int] = []
        may_read = threading.Semaphore(0)
        read: list[bytes] = []

        def consume(environ: Environ) -> Iterator[bytes]:
            while True:
                may_read.acquire()
                data = environ["wsgi.input"].read1()
                if not data:
                    return
                read.append(data)
                yield b""

        async def receive() -> dict[str, Any]:
            if len(received) == 300:
                await asyncio.Event().wait()
            received.append(len(received))
            number = received[-1]
            return {"type": "http.request", "body": b"%d." % number, "more_body": number < 299}

        async def run() -> None:
            sink = Sink(patience=10_000)
            call = BlockingCall(App(consume), {}, asyncio.get_running_loop())
            responding = asyncio.create_task(call.respond(sink.send))
            pumping = asyncio.create_task(call.pump(receive))
            await until(lambda: len(received) >= 64)
            for taken in range(1, 100):
                may_read.release()
                await until(lambda taken=taken: len(read) == taken)
                assert len(received) <= 64 + taken + 1
            may_read.release(300)
            await until(lambda: len(read) == 300)
            assert b"".join(read) == b"".join(b"%d." % number for number in range(300))
            await responding
            pumping.cancel()

        asyncio.run(run())


class TestHangUp:
    """Whatever the thread does when the client goes, it is let go."""

    def calls_ending(
        self, answer: Callable[[Environ], Iterable[bytes]], ready: threading.Event
    ) -> list[str]:
        """Hang up on a call once it is ready; what it did in the end."""
        ended: list[str] = []

        def watched(environ: Environ) -> Iterator[bytes]:
            try:
                yield from answer(environ)
                ended.append("to its end")
            except GeneratorExit:
                ended.append("closed")
                raise

        async def run() -> None:
            call = BlockingCall(App(watched), {}, asyncio.get_running_loop())
            responding = asyncio.create_task(call.respond(Sink(patience=0).send))
            await until(ready.is_set)
            call.hang_up()
            call.hang_up()
            await until(lambda: bool(ended))
            responding.cancel()

        asyncio.run(run())
        assert released()
        return ended

    def test_waiting_for_the_body(self) -> None:
        ready = threading.Event()

        def answer(environ: Environ) -> Iterator[bytes]:
            ready.set()
            while data := environ["wsgi.input"].read1():
                yield data

        assert self.calls_ending(answer, ready) == ["to its end"]

    def test_waiting_for_a_whole_body(self) -> None:
        """What there is of it is not taken for the whole."""
        ready = threading.Event()
        failures: list[Exception] = []

        def answer(environ: Environ) -> Iterator[bytes]:
            ready.set()
            try:
                environ["wsgi.input"].read(10)
            except ConnectionAbortedError as error:
                failures.append(error)
            yield b""

        assert self.calls_ending(answer, ready) == ["closed"]
        assert len(failures) == 1

    def test_waiting_to_send(self) -> None:
        ready = threading.Event()

        def answer(_: Environ) -> Iterator[bytes]:
            for number in range(10_000):
                if number == 62:
                    ready.set()
                yield b"x"

        assert self.calls_ending(answer, ready) == ["closed"]

    def test_waiting_for_something_else(self) -> None:
        """It is told by a callback, once."""
        ready = threading.Event()
        gone = threading.Semaphore(0)

        def answer(environ: Environ) -> Iterator[bytes]:
            environ["s2mock.on_hangup"](gone.release)
            ready.set()
            gone.acquire()
            yield b"x"

        assert self.calls_ending(answer, ready) == ["closed"]
        assert not gone.acquire(blocking=False)

    def test_who_asks_too_late(self) -> None:
        """A callback that comes after the hang-up is called at once."""
        ready, hung_up = threading.Event(), threading.Event()
        told: list[str] = []

        def answer(environ: Environ) -> Iterator[bytes]:
            environ["s2mock.on_hangup"](hung_up.set)
            ready.set()
            hung_up.wait(PATIENCE)
            environ["s2mock.on_hangup"](lambda: told.append("at once"))
            yield b"x"

        assert self.calls_ending(answer, ready) == ["closed"]
        assert told == ["at once"]

    def test_after_the_loop_has_closed(self) -> None:
        """Nobody is left to be told, and the thread ends all the same."""
        go_on = threading.Event()
        ended = threading.Event()

        def answer(_: Environ) -> Iterator[bytes]:
            try:
                for _ in range(100):
                    go_on.wait(PATIENCE)
                    yield b"x"
            finally:
                ended.set()

        async def run() -> None:
            call = BlockingCall(App(answer), {}, asyncio.get_running_loop())
            responding = asyncio.create_task(call.respond(Sink(patience=100).send))
            await asyncio.sleep(0)
            responding.cancel()

        asyncio.run(run())
        go_on.set()
        assert ended.wait(PATIENCE)
        assert released()
