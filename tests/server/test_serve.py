"""`S2Mock.serve`: the account on the caller's event loop, without a thread."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine
from importlib.util import find_spec
from typing import Any

import httpx
import pytest
from s2_sdk import S2, AppendInput, Endpoints, Record, Retry, S2Error, SeqNum

from s2mock import Delay, Drop, NotOnTarget, RemoteS2Mock, S2Mock
from s2mock.runtime.conversation import Conversation, Head, RunInThread
from s2mock.server.connection import MAX_UNSENT_BYTES
from s2mock.server.driver import RequestDriver
from s2mock.server.loop_server import LoopServer
from s2mock.server.protocols import PREFACE
from tests import own_token
from tests.server.h2_shapes import Said
from tests.server.test_driver import PATIENCE
from tests.server.test_server import descriptors
from tests.server.toys import TEXT, Environ

BASINS = [{"name": "my-basin", "streams": ["log"]}]
RECORDS = "/v1/streams/log/records"

Main = Callable[[], Coroutine[Any, Any, None]]
Run = Callable[[Main], None]


def _loops() -> list[Any]:
    loops = [pytest.param(asyncio.SelectorEventLoop, id="asyncio")]
    if find_spec("uvloop") is not None:
        import uvloop

        loops.append(pytest.param(uvloop.new_event_loop, id="uvloop", marks=pytest.mark.slow))
    return loops


@pytest.fixture(params=_loops())
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine function on a loop of each kind that is installed."""

    def run(main: Main) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(main(), PATIENCE))

    return run


@pytest.fixture
def threads() -> Callable[[], list[str]]:
    """Return the names of s2mock's threads that were started during the test."""
    before = set(threading.enumerate())
    return lambda: [
        one.name for one in set(threading.enumerate()) - before if one.name.startswith("s2mock")
    ]


def client(server: LoopServer, *, is_http2: bool = False) -> httpx.AsyncClient:
    headers = {"s2-basin": "my-basin"}
    return httpx.AsyncClient(
        base_url=server.url,
        headers=headers,
        http1=not is_http2,
        http2=is_http2,
        trust_env=False,
        timeout=PATIENCE,
    )


async def append(http: httpx.AsyncClient, body: str = "a") -> httpx.Response:
    return await http.post(RECORDS, json={"records": [{"body": body}]})


async def is_gone(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def connect(server: LoopServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))


def check_tail(server: LoopServer) -> bytes:
    """Return the request for the tail of the stream."""
    head = f"GET {RECORDS}/tail HTTP/1.1\r\nhost: x\r\ns2-basin: my-basin\r\n".encode()
    return head + own_token.head(server.url) + b"\r\n"


async def serve_application(application: Callable[[Environ], Conversation]) -> LoopServer:
    return await LoopServer.start(application, host="127.0.0.1", port=0, on_error=pytest.fail)


def test_both_protocols_on_one_port_without_a_thread(
    run: Run, threads: Callable[[], list[str]]
) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            async with await mock.serve() as server:
                for is_http2 in (False, True):
                    async with client(server, is_http2=is_http2) as http:
                        answer = await append(http)
                        assert answer.status_code == 200
                        assert answer.http_version == ("HTTP/2" if is_http2 else "HTTP/1.1")
                assert threads() == []
            assert len(mock.stream("my-basin", "log").bodies) == 2

    run(main)


def test_official_sdk(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            async with await mock.serve() as server:
                endpoints = Endpoints(account=server.url, basin=server.url)
                async with S2(mock.token, endpoints=endpoints) as s2:
                    stream = s2["my-basin"].stream("log")

                    async def follow() -> list[bytes]:
                        seen: list[bytes] = []
                        async with stream.read_session(start=SeqNum(0)) as batches:
                            async for batch in batches:
                                seen += [record.body for record in batch.records]
                                if len(seen) == 2:
                                    break
                        return seen

                    following = asyncio.create_task(follow())
                    await mock.stream("my-basin", "log").async_wait_for_readers(timeout=PATIENCE)
                    await stream.append(AppendInput([Record(b"one"), Record(b"two")]))
                    assert await following == [b"one", b"two"]

    run(main)


def test_several_mocks_on_one_loop(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS) as one, S2Mock(basins=BASINS) as other:
            servers = [await one.serve(), await other.serve(), await one.serve()]
            assert len({server.url for server in servers}) == 3
            for server in servers:
                async with client(server) as http:
                    assert (await append(http)).status_code == 200
            assert len(one.stream("my-basin", "log").bodies) == 2
            assert len(other.stream("my-basin", "log").bodies) == 1

    run(main)


def test_beside_an_application_on_the_same_loop(run: Run) -> None:
    """An application that uses S2, served by uvicorn, and a client of it: one loop for all."""
    import fastapi
    import uvicorn

    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            async with await mock.serve() as s2, client(s2) as to_s2:
                app = fastapi.FastAPI()

                @app.post("/orders")
                async def place() -> int:
                    return (await append(to_s2, "order")).status_code

                config = uvicorn.Config(app, port=0, log_level="error", lifespan="off")
                server = uvicorn.Server(config)
                # The signals of the process are those of pytest.
                server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
                serving = asyncio.create_task(server.serve())
                while not server.started:  # it has no event of its own
                    await asyncio.sleep(0)
                port = server.servers[0].sockets[0].getsockname()[1]
                async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
                    url = f"http://127.0.0.1:{port}/orders"
                    answers = await asyncio.gather(*(http.post(url) for _ in range(20)))
                assert {answer.json() for answer in answers} == {200}
                server.should_exit = True
                await serving
            assert mock.stream("my-basin", "log").bodies == (b"order",) * 20

    run(main)


def test_closing_with_open_sessions_ends_them(run: Run) -> None:
    """Read and append sessions of the SDK, of an event stream, and a long poll."""

    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            log = mock.stream("my-basin", "log")
            server = await mock.serve()
            async with S2(
                mock.token, endpoints=Endpoints(server.url, server.url), retry=Retry(max_attempts=1)
            ) as s2:
                stream = s2["my-basin"].stream("log")

                async def follow() -> None:
                    async with stream.read_session(start=SeqNum(0)) as batches:
                        async for _ in batches:
                            pass

                session = stream.append_session()
                await (await session.submit(AppendInput([Record(b"one")])))
                async with client(server) as http:
                    poll = {"seq_num": 1, "wait": 60, "clamp": True}
                    events = {"accept": "text/event-stream"}
                    tasks = [
                        asyncio.create_task(follow()),
                        asyncio.create_task(http.get(RECORDS, params=poll)),
                        asyncio.create_task(
                            http.get(RECORDS, params={"seq_num": 0}, headers=events)
                        ),
                    ]
                    await log.async_wait_for_readers(3, timeout=PATIENCE)
                    await server.close()
                    ended = await asyncio.gather(*tasks, return_exceptions=True)
                    assert isinstance(ended[0], S2Error)
                    assert [type(error) for error in ended[1:]] == [httpx.RemoteProtocolError] * 2
                with pytest.raises(S2Error):
                    await (await session.submit(AppendInput([Record(b"two")])))
                with contextlib.suppress(S2Error):
                    await session.close()
            assert log.readers == 0
            assert log.bodies == (b"one",)
            # The account can be served again.
            async with await mock.serve() as server, client(server) as http:
                assert (await append(http)).status_code == 200

    run(main)


@pytest.mark.parametrize("is_sdk", [False, True], ids=["httpx", "sdk"])
def test_request_that_is_cancelled_midway(run: Run, is_sdk: bool) -> None:
    """Its client leaves: the read ends; the append, which was admitted, is applied."""

    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            log = mock.stream("my-basin", "log")
            async with (
                await mock.serve() as server,
                client(server) as http,
                S2(mock.token, endpoints=Endpoints(server.url, server.url)) as s2,
            ):
                stream = s2["my-basin"].stream("log")

                async def follow() -> None:
                    async with stream.read_session(start=SeqNum(0)) as batches:
                        async for _ in batches:
                            pass

                async def append_one(body: str) -> None:
                    if is_sdk:
                        await stream.append(AppendInput([Record(body.encode())]))
                    else:
                        await append(http, body)

                poll = {"seq_num": 0, "wait": 60, "clamp": True}
                reading = asyncio.create_task(
                    follow() if is_sdk else http.get(RECORDS, params=poll)  # type: ignore[arg-type]
                )
                await log.async_wait_for_readers(timeout=PATIENCE)
                reading.cancel()
                # In the SDK, `wait_for` of Python 3.11 loses a cancellation that comes together
                # with the data it waits for.
                while is_sdk and not reading.done():
                    await asyncio.sleep(0)
                    reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
                while log.readers:  # the end has to arrive
                    await asyncio.sleep(0)
                with mock.hold(on="append") as held:
                    appending = asyncio.create_task(append_one("cancelled"))
                    await held.async_wait(timeout=PATIENCE)
                    appending.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await appending
                assert await log.async_wait_for(timeout=PATIENCE)
                # The others go on.
                await append_one("next")
            assert log.bodies == (b"cancelled", b"next")

    run(main)


def test_wait_that_is_over_at_once(run: Run) -> None:
    """uvloop's handle of a timer that is due at once does not tell its time."""

    class Wait:
        timeout = 1e-9

        def subscribe(self, wake: Callable[[], None]) -> None:
            pass

    def application(_: Environ) -> Conversation:
        for _ in range(3):
            yield Wait()
        yield Head(200, [TEXT], b"done")

    async def main() -> None:
        async with await serve_application(application) as server, client(server) as http:
            assert (await http.get("/")).text == "done"

    run(main)


def test_task_that_serves_is_cancelled_in_mid_request(run: Run) -> None:
    """The block of the server ends with the task, and its requests with it."""

    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            urls: asyncio.Queue[LoopServer] = asyncio.Queue()

            async def serve() -> None:
                async with await mock.serve() as server:
                    await urls.put(server)
                    await asyncio.Event().wait()

            serving = asyncio.create_task(serve())
            server = await urls.get()
            async with client(server) as http:
                with mock.hold(on="append") as held:
                    appending = asyncio.create_task(append(http))
                    await held.async_wait(timeout=PATIENCE)
                    serving.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await serving
                    assert server.is_closed
                    with pytest.raises(httpx.RemoteProtocolError):
                        await appending
            assert mock.stream("my-basin", "log").bodies == ()

    run(main)


def test_held_append_leaves_the_loop_to_others(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            async with await mock.serve() as server, client(server) as http:
                with mock.hold(on="append") as held:
                    appending = asyncio.create_task(append(http))
                    await held.async_wait(timeout=PATIENCE)
                    assert (await http.get(f"{RECORDS}/tail")).json()["tail"]["seq_num"] == 0
                    assert not appending.done()
                assert (await appending).status_code == 200

    run(main)


def test_delay_and_long_poll(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS, clock="manual") as mock:
            mock.inject(Delay(5), on="append")
            async with await mock.serve() as server, client(server) as http:
                polling = asyncio.create_task(
                    http.get(RECORDS, params={"seq_num": 0, "wait": 60, "clamp": True})
                )
                await mock.stream("my-basin", "log").async_wait_for_readers(timeout=PATIENCE)
                appending = asyncio.create_task(append(http, "late"))
                await mock.async_wait_for_waiters(2, timeout=PATIENCE)
                mock.advance(5)
                assert (await appending).status_code == 200
                assert [one["body"] for one in (await polling).json()["records"]] == ["late"]

    run(main)


def test_append_from_another_thread_wakes_a_reader(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            log = mock.stream("my-basin", "log")
            async with await mock.serve() as server, client(server) as http:
                polling = asyncio.create_task(
                    http.get(RECORDS, params={"seq_num": 0, "wait": 60, "clamp": True})
                )
                await log.async_wait_for_readers(timeout=PATIENCE)
                await asyncio.to_thread(log.append, [b"one"])
                assert len((await polling).json()["records"]) == 1

    run(main)


def test_long_call_runs_in_a_worker_thread(run: Run, threads: Callable[[], list[str]]) -> None:
    may_end = threading.Event()

    def application(environ: Environ) -> Conversation:
        if environ["PATH_INFO"] == "/long":
            yield RunInThread(lambda: may_end.wait(PATIENCE))
        yield Head(200, [TEXT], b"done")

    async def main() -> None:
        async with await serve_application(application) as server, client(server) as http:
            long = asyncio.create_task(http.get("/long"))
            while not threads():  # the thread has no event of its own
                await asyncio.sleep(0)
            assert (await http.get("/")).text == "done"
            may_end.set()
            assert (await long).text == "done"

    run(main)


def test_close_drops_connections_and_gives_back_every_descriptor(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            # The first request loads modules, and the loop makes what it keeps.
            async with await mock.serve() as server, client(server) as http:
                await append(http)
            before = descriptors()
            server = await mock.serve()
            connections = [await connect(server) for _ in range(3)]
            reader, writer = connections[0]
            writer.write(check_tail(server))
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            # The last one may be waiting to be accepted.
            await server.close()
            await server.close()
            assert server.is_closed
            for reader, writer in connections:
                await is_gone(reader)
                writer.close()
            with pytest.raises(OSError, match=r"refused|Connect call failed"):
                await connect(server)
            while descriptors() > before:
                # The clients' own ends are closed by the loop.
                await asyncio.sleep(0)

    run(main)


def test_closing_the_mock_closes_its_servers(run: Run) -> None:
    async def main() -> None:
        mock = S2Mock(basins=BASINS)
        server = await mock.serve()
        reader, writer = await connect(server)
        writer.write(check_tail(server))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        mock.close()
        assert server.is_closed
        await is_gone(reader)
        writer.close()
        await server.close()
        with pytest.raises(RuntimeError, match=r"closed: call serve\(\) before close\(\)"):
            await mock.serve()

    run(main)


def test_closing_the_mock_from_another_thread(run: Run) -> None:
    async def main() -> None:
        mock = S2Mock(basins=BASINS)
        server = await mock.serve()
        reader, writer = await connect(server)
        await asyncio.to_thread(mock.close)
        assert server.is_closed
        assert await is_gone(reader)
        writer.close()

    run(main)


def test_closing_the_mock_after_the_end_of_the_loop() -> None:
    """Only asyncio's own loop: uvloop closes the listening socket itself, with a warning."""
    with S2Mock(basins=BASINS) as mock:

        async def main() -> str:
            return (await mock.serve()).url

        url = asyncio.run(main())
    port = int(url.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_reset_and_outage_drop_connections(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            async with await mock.serve() as server:
                reader, writer = await connect(server)
                writer.write(check_tail(server))
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
                mock.reset()
                await is_gone(reader)
                writer.close()
                with mock.outage():
                    reader, writer = await connect(server)
                    assert await is_gone(reader)
                    writer.close()
                    late = await mock.serve()
                    reader, writer = await connect(late)
                    assert await is_gone(reader)
                    writer.close()
                async with client(server) as http:
                    assert (await append(http)).status_code == 200

    run(main)


@pytest.mark.parametrize("is_http2", [False, True])
def test_dropped_answer(run: Run, is_http2: bool) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            mock.inject(Drop(committed=True), on="append")
            async with await mock.serve() as server, client(server, is_http2=is_http2) as http:
                with pytest.raises(httpx.RemoteProtocolError):
                    await append(http)
                assert len(mock.stream("my-basin", "log").bodies) == 1

    run(main)


def test_control_api_drops_the_calls_of_its_account(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS, control=True) as mock:
            async with await mock.serve() as server, client(server) as http:
                with mock.hold(on="append", required=False) as held:
                    appending = asyncio.create_task(append(http))
                    await held.async_wait(timeout=PATIENCE)
                    assert (await http.post("/_s2mock/outage")).status_code == 204
                    with pytest.raises(httpx.RemoteProtocolError):
                        await appending

    run(main)


def test_restore_ends_a_request_in_the_thread_that_drives_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the server with its own thread has started, on which restore() ends requests."""
    threads_of_ends: list[threading.Thread] = []
    original = RequestDriver.close

    def close(driver: RequestDriver) -> None:
        threads_of_ends.append(threading.current_thread())
        original(driver)

    async def main() -> None:
        with S2Mock(basins=BASINS, control=True) as mock:
            before = mock.snapshot()
            assert mock.url
            async with await mock.serve() as server, client(server) as http:
                with mock.hold(on="append", required=False) as held:
                    appending = asyncio.create_task(append(http))
                    await held.async_wait(timeout=PATIENCE)
                    monkeypatch.setattr(RequestDriver, "close", close)
                    await asyncio.to_thread(mock.restore, before)
                    with pytest.raises(httpx.RemoteProtocolError):
                        await appending
                    monkeypatch.undo()
                assert set(threads_of_ends) == {threading.current_thread()}

    run(main)


def test_client_that_ends_its_sending_is_answered(run: Run) -> None:
    """A half-closed connection stays open for an answer to a body that is cut off."""

    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            async with await mock.serve() as server:
                reader, writer = await connect(server)
                head = b"POST /v1/basins HTTP/1.1\r\n" + own_token.head(server.url)
                writer.write(head + b"content-length: 5\r\n\r\nab")
                writer.write_eof()
                assert (await reader.read()).startswith(b"HTTP/1.1 400")
                writer.close()
                reader, writer = await connect(server)
                # Not enough to tell the protocol by.
                writer.write(b"PRI")
                writer.write_eof()
                await reader.read()
                writer.close()

    run(main)


def test_answer_before_the_body_reaches_a_client_that_is_still_sending(run: Run) -> None:
    async def main() -> None:
        with S2Mock() as mock:
            async with await mock.serve() as server:
                reader, writer = await connect(server)
                writer.write(b"POST / HTTP/1.1\r\ncontent-length: 9999999\r\n\r\n" + b"x" * 500_000)
                assert (await reader.read()).startswith(b"HTTP/1.1 404")
                writer.close()

    run(main)


@pytest.mark.parametrize("request_bytes", [b"GET / HTTP/1.1\r\n\r\n", PREFACE])
def test_reset_by_the_client_ends_the_conversation(run: Run, request_bytes: bytes) -> None:
    ended = asyncio.Event()

    def endless(_: Environ) -> Conversation:
        try:
            yield Head(200, [TEXT])
            while True:
                yield b"x" * 10_000
        finally:
            ended.set()

    async def main() -> None:
        async with await serve_application(endless) as server:
            reader, writer = await connect(server)
            if request_bytes == PREFACE:
                writer.write(PREFACE + Said().settings().request().data)
            else:
                writer.write(request_bytes)
            await reader.readexactly(9)
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
            writer.transport.abort()
            await ended.wait()

    run(main)


def test_client_that_does_not_read_stalls_its_conversation(run: Run) -> None:
    pieces = []

    def endless(environ: Environ) -> Conversation:
        yield Head(200, [TEXT])
        while environ["PATH_INFO"] == "/endless":
            pieces.append(1)
            yield b"x" * 100_000

    async def main() -> None:
        async with await serve_application(endless) as server, client(server) as http:
            reader, writer = await connect(server)
            writer.write(b"GET /endless HTTP/1.1\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            count = -1
            # Other requests are answered, and in the end the buffers of the system are full.
            while len(pieces) != count:
                count = len(pieces)
                for _ in range(5):
                    assert (await http.get("/")).status_code == 200
            assert count * 100_000 < 64 * 1024 * 1024 + MAX_UNSENT_BYTES
            while len(pieces) == count:
                await reader.read(1024 * 1024)
            writer.close()

    run(main)


def test_many_clients_at_once(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS) as mock:
            async with await mock.serve() as server:
                for is_http2 in (False, True):
                    async with client(server, is_http2=is_http2) as http:
                        answers = await asyncio.gather(*(append(http) for _ in range(100)))
                        assert {one.status_code for one in answers} == {200}
            assert len(mock.stream("my-basin", "log").bodies) == 200

    run(main)


def test_address(run: Run) -> None:
    async def main() -> None:
        with S2Mock() as mock:
            for wrong in ({"port": -1}, {"port": True}, {"host": ""}):
                with pytest.raises(ValueError, match=r"host|port"):
                    await mock.serve(**wrong)  # type: ignore[arg-type]  # on purpose
            async with await mock.serve(host="::1") as server:
                assert server.url.startswith("http://[::1]:")
            async with await mock.serve(host="0.0.0.0") as server:
                assert server.url.startswith("http://127.0.0.1:")
                assert repr(server) == f"<LoopServer at {server.url}>"
                port = int(server.url.rpartition(":")[2])
                with pytest.raises(OSError, match="in use"):
                    await mock.serve(port=port)
            assert repr(server) == f"<LoopServer at {server.url}, closed>"

    run(main)


def test_remote_mock_has_none() -> None:
    with S2Mock() as mock, RemoteS2Mock(mock.url) as remote, pytest.raises(NotOnTarget):
        _ = remote.serve
