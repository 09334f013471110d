"""The steps of a conversation, over both protocols."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from math import inf
from typing import Any

import pytest
from h2.events import PingAckReceived

from s2mock.runtime.conversation import (
    CANCEL_HANDLE,
    READ,
    CloseAfterResponse,
    Conversation,
    Head,
    Outlast,
    ReadWithin,
    Reset,
    RunInThread,
)
from s2mock.server.server import Server
from tests.server.toys import TEXT, Environ, Gate, serving
from tests.server.wires import CALLS, Call, Http1Call
from tests.server_view import lasting

pytestmark = pytest.mark.parametrize("call", CALLS, ids=["http1", "http2"])

PATIENCE = 30


class Closing:
    """Notes when a conversation has been closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.seen: list[BaseException] = []

    def around(self, conversation: Callable[[Environ], Conversation]) -> Any:
        def application(environ: Environ) -> Conversation:
            try:
                yield from conversation(environ)
            except BaseException as error:
                self.seen.append(error)
                raise
            finally:
                self.closed.set()

        return application


def echo(_: Environ) -> Conversation:
    yield Head(200, [TEXT])
    while data := (yield READ):
        yield data


def tail(_: Environ) -> Conversation:
    yield Head(200, [TEXT])
    yield b"begun"
    yield Gate()


class TestBothDirections:
    def test_the_head_comes_before_the_body_has(self, call: Call) -> None:
        with serving(echo) as server, call(server, "/") as client:
            assert client.status() == 200
            for word in (b"one", b"two", b"three"):
                client.send(word)
                assert client.piece(len(word)) == word
            client.end()
            assert client.ends_well()

    def test_a_long_body_there_and_back(self, call: Call) -> None:
        piece = bytes(range(256)) * 40
        with serving(echo) as server, call(server, "/") as client:
            assert client.status() == 200
            received = b""
            for _ in range(200):
                client.send(piece)
                while len(received) < len(piece):
                    received += client.piece(1) if False else client.piece(len(piece))
                assert received == piece
                received = b""

    def test_a_look_that_finds_something_says_nothing_of_what_follows(self, call: Call) -> None:
        """Its time is over in the turn in which it finds it."""
        goes_on = threading.Event()

        def looking(environ: Environ) -> Conversation:
            yield Head(200, [TEXT])
            if environ["REQUEST_URI"] == "/other":
                return
            yield (yield READ)
            yield RunInThread(lambda: goes_on.wait(PATIENCE))
            yield (yield ReadWithin(0)) or b"nothing"
            yield (yield READ) or b"nothing"
            assert (yield READ) == b""

        with serving(looking) as server, call(server, "/") as client:
            assert client.status() == 200
            client.send(b"one")
            assert client.piece(3) == b"one"
            client.send(b"two")
            with call(server, "/other") as other:
                # What was sent before is there by its answer.
                assert other.status() == 200
            goes_on.set()
            assert client.piece(3) == b"two"
            client.send(b"three")
            assert client.piece(5) == b"three"
            client.end()
            assert client.ends_well()

    def test_the_end_of_a_body_that_is_empty(self, call: Call) -> None:
        def length(_: Environ) -> Conversation:
            total = 0
            while data := (yield READ):
                total += len(data)
            yield Head(200, [TEXT])
            yield b"%08d" % total

        with serving(length) as server, call(server, "/") as client:
            client.end()
            assert client.status() == 200
            assert client.piece(8) == b"00000000"


class TestWait:
    def test_until_it_is_woken(self, call: Call) -> None:
        gate = Gate()

        def waits(_: Environ) -> Conversation:
            assert (yield gate) is None
            yield Head(200, [TEXT], b"")

        with serving(waits) as server, call(server, "/") as client:
            assert gate.entered.wait(PATIENCE)
            # More than once does no harm.
            gate.open()
            gate.open()
            assert client.status() == 200

    def test_until_the_time_is_over(self, call: Call) -> None:
        def waits(_: Environ) -> Conversation:
            yield Gate(timeout=0.01)
            yield Head(200, [TEXT], b"")

        with serving(waits) as server, call(server, "/") as client:
            assert client.status() == 200

    @pytest.mark.parametrize("seconds", [2**31 / 1000, 1e10, 1e300, inf])
    def test_wait_longer_than_the_selector_takes(self, call: Call, seconds: float) -> None:
        gate, errors = Gate(timeout=seconds), list[BaseException]()

        def waits(environ: Environ) -> Conversation:
            if environ["REQUEST_URI"] == "/long":
                yield gate
            yield Head(200, [TEXT], b"")

        with (
            serving(waits, on_error=errors.append) as server,
            call(server, "/long") as client,
        ):
            assert gate.entered.wait(PATIENCE)
            with call(server, "/other") as other:
                assert other.status() == 200
            gate.open()
            assert client.status() == 200
        assert errors == []

    def test_that_is_over_before_it_begins(self, call: Call) -> None:
        class Over:
            timeout = None

            def subscribe(self, wake: Callable[[], None]) -> None:
                wake()
                wake()

        def waits(_: Environ) -> Conversation:
            for _turn in range(100):
                yield Over()
            yield Head(200, [TEXT], b"")

        with serving(waits) as server, call(server, "/") as client:
            assert client.status() == 200

    def test_a_late_wake_has_no_effect(self, call: Call) -> None:
        """The first wait is woken again while the second is on: that one goes on."""
        first, second = Gate(timeout=0.001), Gate()

        def waits(_: Environ) -> Conversation:
            yield first
            yield second
            yield Head(200, [TEXT], b"")

        with serving(waits) as server, call(server, "/") as client:
            assert second.entered.wait(PATIENCE)
            first.open()
            with call(server, "/") as bystander:
                assert bystander is not None
                second.open()
                assert client.status() == 200

    def test_a_wait_is_not_over_with_the_time_of_an_earlier_one(self, call: Call) -> None:
        """The timer of a wait that was woken is left to the next, which lasts longer."""
        first, second, steps = Gate(timeout=0.05), Gate(timeout=60), list[str]()

        def waits(environ: Environ) -> Conversation:
            if environ["PATH_INFO"] == "/other":
                yield Gate(timeout=0.1)
            else:
                yield first
                yield second
                steps.append("second")
            yield Head(200, [TEXT], b"")

        with serving(waits) as server, call(server, "/") as client:
            assert first.entered.wait(PATIENCE)
            first.open()
            assert second.entered.wait(PATIENCE)
            with call(server, "/other") as other:
                assert other.status() == 200
            assert steps == []
            second.open()
            assert client.status() == 200

    def test_a_wait_is_over_before_the_time_of_an_earlier_one(self, call: Call) -> None:
        first = Gate(timeout=60)

        def waits(_: Environ) -> Conversation:
            yield first
            for _turn in range(3):
                yield Gate(timeout=0.01)
            yield Head(200, [TEXT], b"")

        with serving(waits) as server, call(server, "/") as client:
            assert first.entered.wait(PATIENCE)
            first.open()
            assert client.status() == 200

    def test_many_are_woken_at_once_and_one_fails(self, call: Call) -> None:
        gate, errors = Gate(), list[BaseException]()
        all_wait = threading.Semaphore(0)

        class Counted:
            timeout = None

            def subscribe(self, wake: Callable[[], None]) -> None:
                gate.subscribe(wake)
                all_wait.release()

        def waits(environ: Environ) -> Conversation:
            yield Counted()
            if environ["PATH_INFO"] == "/3":
                raise ValueError("the third")
            yield Head(200, [TEXT], b"")

        with (
            serving(waits, on_error=errors.append) as server,
            ExitStack() as stack,
        ):
            clients = [stack.enter_context(call(server, f"/{number}")) for number in range(8)]
            for _client in clients:
                assert all_wait.acquire(timeout=PATIENCE)
            gate.open()
            statuses = [client.status() for client in clients]
        assert statuses == [200, 200, 200, 500, 200, 200, 200, 200]
        assert [str(error) for error in errors] == ["the third"]

    def test_delays_no_other_request(self, call: Call) -> None:
        gate = Gate()

        def waits(environ: Environ) -> Conversation:
            if environ["PATH_INFO"] == "/wait":
                yield gate
            yield Head(200, [TEXT], b"")

        with serving(waits) as server, call(server, "/wait") as waiting:
            assert gate.entered.wait(PATIENCE)
            with call(server, "/") as other:
                assert other.status() == 200
            gate.open()
            assert waiting.status() == 200


class TestOffload:
    def test_its_result_comes_back(self, call: Call) -> None:
        def works(_: Environ) -> Conversation:
            name = yield RunInThread(lambda: threading.current_thread().name)
            assert "worker" in name
            try:
                yield RunInThread(lambda: 1 // 0)
            except ZeroDivisionError:
                yield Head(200, [TEXT], b"")

        with serving(works) as server, call(server, "/") as client:
            assert client.status() == 200

    def test_delays_no_other_request_and_leaves_no_thread(self, call: Call) -> None:
        go_on = threading.Event()
        before = threading.active_count()

        def works(environ: Environ) -> Conversation:
            if environ["PATH_INFO"] == "/work":
                yield RunInThread(lambda: go_on.wait(PATIENCE))
            yield Head(200, [TEXT], b"")

        with serving(works) as server:
            assert threading.active_count() == before + 1
            with call(server, "/work") as working, call(server, "/") as other:
                assert other.status() == 200
                go_on.set()
                assert working.status() == 200
        assert threading.active_count() == before


class TestFault:
    """A fault of the application's is logged, reported and answered."""

    def test_before_the_head(self, call: Call, caplog: pytest.LogCaptureFixture) -> None:
        def fails(_: Environ) -> Conversation:
            if False:
                yield READ
            raise ZeroDivisionError("of the test")

        errors: list[BaseException] = []
        with serving(fails, on_error=errors.append) as server, call(server, "/") as client:
            assert client.status() == 500
        assert [type(error) for error in errors] == [ZeroDivisionError]
        [record] = caplog.records
        assert (record.name, record.levelno) == ("s2mock", logging.ERROR)
        assert record.exc_info is not None
        assert record.exc_info[1] is errors[0]

    def test_of_the_application_itself(self, call: Call, caplog: pytest.LogCaptureFixture) -> None:
        def fails(_: Environ) -> Conversation:
            raise ZeroDivisionError("of the test")

        with serving(fails) as server, call(server, "/") as client:
            assert client.status() == 500
        assert len(caplog.records) == 1

    def test_behind_the_head(self, call: Call, caplog: pytest.LogCaptureFixture) -> None:
        """What was sent is there, and that it is not all can be seen."""

        def fails(_: Environ) -> Conversation:
            yield Head(200, [TEXT])
            yield b"begun"
            raise ZeroDivisionError("of the test")

        with serving(fails) as server, call(server, "/") as client:
            assert client.status() == 200
            assert client.piece(5) == b"begun"
            assert not client.ends_well()
        assert len(caplog.records) == 1

    def test_no_answer_is_one(self, call: Call, caplog: pytest.LogCaptureFixture) -> None:
        def says_nothing(_: Environ) -> Conversation:
            if False:
                yield READ

        with serving(says_nothing) as server, call(server, "/") as client:
            assert client.status() == 500
        assert "without an answer" in str(caplog.records[0].exc_info)

    def test_in_the_report(self, call: Call, caplog: pytest.LogCaptureFixture) -> None:
        def fails(_: Environ) -> Conversation:
            raise ZeroDivisionError("of the test")

        def report(_: BaseException) -> None:
            raise RuntimeError("of the report")

        with serving(fails, on_error=report) as server, call(server, "/") as client:
            assert client.status() == 500
        assert len(caplog.records) == 2

    def test_a_header_that_is_none(self, call: Call, caplog: pytest.LogCaptureFixture) -> None:
        def answers(_: Environ) -> Conversation:
            yield Head(200, [("x", "日本")], b"")

        closing = Closing()
        with serving(closing.around(answers)) as server, call(server, "/") as client:
            assert client.status() == 500
            # Not only when the log lets go of the traceback, which holds it.
            assert closing.closed.is_set()
        assert len(caplog.records) == 1

    def test_wait_that_fails(self, call: Call, caplog: pytest.LogCaptureFixture) -> None:
        class Failing(Gate):
            def subscribe(self, _: Callable[[], None]) -> None:
                raise ZeroDivisionError("of the test")

        def answers(_: Environ) -> Conversation:
            yield Failing()

        closing = Closing()
        with serving(closing.around(answers)) as server, call(server, "/") as client:
            assert client.status() == 500
            assert closing.closed.is_set()
        assert len(caplog.records) == 1


class TestGrip:
    @pytest.mark.parametrize("waits_for", [READ, Gate()], ids=["its body", "a wait"])
    def test_one_conversation_ends_another(self, call: Call, waits_for: Any) -> None:
        grips: list[Callable[[], None]] = []

        def answer(environ: Environ) -> Conversation:
            if environ["REQUEST_URI"] == "/other":
                # Its own does nothing while it is the one that goes on.
                grips.append((yield CANCEL_HANDLE))
                for grip in grips:
                    grip()
                yield Head(200, [], b"ended")
                return
            grips.append((yield CANCEL_HANDLE))
            yield Head(200, [TEXT])
            yield b"begun"
            yield waits_for

        closing = Closing()
        with serving(closing.around(answer)) as server, call(server, "/") as client:
            assert client.status() == 200
            assert client.piece(5) == b"begun"
            with call(server, "/other") as other:
                other.end()
                assert other.status() == 200
            assert not client.ends_well()
            assert closing.closed.wait(PATIENCE)
            # What is over cannot end again.
            server.call(grips[0])
            with call(server, "/other") as other:
                other.end()
                assert other.status() == 200


class TestOutlast:
    """A conversation that goes on without its client."""

    def test_until_it_is_needed_no_more(self, call: Call) -> None:
        first, second, steps = Gate(), Gate(), []

        def lasts(_: Environ) -> Conversation:
            needed = [True]
            has_left = yield Outlast(lambda: bool(needed))
            steps.append(has_left())
            yield first
            steps.append(has_left())
            yield Head(200, [TEXT])
            # Nothing is sent, and nothing has to wait for that.
            for _piece in range(100):
                yield b"x" * 100_000
            needed.clear()
            steps.append("to be closed")
            yield second
            steps.append("never")

        closing = Closing()
        with serving(closing.around(lasts)) as server, call(server, "/") as client:
            assert first.entered.wait(PATIENCE)
            leave(client, server)
            assert not closing.closed.is_set()
            first.open()
            assert closing.closed.wait(PATIENCE)
            assert steps == [False, True, "to be closed"]
            assert isinstance(closing.seen[0], GeneratorExit)
            assert not second.entered.is_set()
            assert nothing_lasts(server)

    def test_it_is_closed_at_once_if_it_is_not_needed(self, call: Call) -> None:
        gate = Gate()

        def lasts(_: Environ) -> Conversation:
            yield Outlast(lambda: False)
            yield gate

        closing = Closing()
        with serving(closing.around(lasts)) as server, call(server, "/") as client:
            assert gate.entered.wait(PATIENCE)
            leave(client, server)
            assert closing.closed.is_set()
            assert nothing_lasts(server)

    @pytest.mark.parametrize("is_complete", [False, True])
    def test_it_reads_what_was_received(self, call: Call, is_complete: bool) -> None:
        gate, read = Gate(), []

        def lasts(_: Environ) -> Conversation:
            yield Outlast(lambda: False)
            read.append((yield READ))
            yield gate
            while data := (yield READ):
                read.append(data)
            read.append(b"the end")

        closing = Closing()
        with serving(closing.around(lasts)) as server, call(server, "/") as client:
            client.send(b"first")
            assert gate.entered.wait(PATIENCE)
            client.send(b"second")
            client.send(b"third")
            if is_complete:
                client.end()
            leave(client, server)
            assert not closing.closed.is_set()
            gate.open()
            assert closing.closed.wait(PATIENCE)
            assert b"".join(read) == b"firstsecondthird" + b"the end" * is_complete
            aborted = [isinstance(error, ConnectionAbortedError) for error in closing.seen]
            assert aborted == [True] * (not is_complete)
            assert nothing_lasts(server)

    def test_without_room(self, call: Call) -> None:
        """The client has not read what it was sent, and leaves: the rest goes nowhere."""
        is_over = threading.Event()

        def lasts(_: Environ) -> Conversation:
            yield Outlast(lambda: True)
            yield Head(200, [TEXT])
            for _piece in range(100):
                yield b"x" * 200_000
            is_over.set()

        with serving(lasts) as server, call(server, "/", window=4096) as client:
            assert client.status() == 200
            leave(client, server)
            assert is_over.wait(PATIENCE)

    @pytest.mark.parametrize("is_needed", [False, True])
    def test_asked_for_behind_a_call_in_a_worker(self, call: Call, is_needed: bool) -> None:
        """The client leaves while its body is decoded: what that asks for is still asked for."""
        begun, go_on, gate, steps = threading.Event(), threading.Event(), Gate(), []

        def work() -> str:
            begun.set()
            go_on.wait(PATIENCE)
            return "decoded"

        def works(_: Environ) -> Conversation:
            steps.append((yield RunInThread(work)))
            if is_needed:
                yield Outlast(lambda: True)
            yield gate
            steps.append("done")

        closing = Closing()
        with serving(closing.around(works)) as server, call(server, "/") as client:
            assert begun.wait(PATIENCE)
            leave(client, server)
            go_on.set()
            if is_needed:
                assert gate.entered.wait(PATIENCE)
                gate.open()
            assert closing.closed.wait(PATIENCE)
            assert steps == ["decoded", "done"][: 1 + is_needed]
            assert nothing_lasts(server)

    @pytest.mark.parametrize("end", ["stop", "drop_connections", "refuse"])
    def test_a_server_that_lets_go(self, call: Call, end: str) -> None:
        gate = Gate()

        def lasts(_: Environ) -> Conversation:
            yield Outlast(lambda: True)
            yield gate

        closing = Closing()
        with serving(closing.around(lasts)) as server, call(server, "/") as client:
            assert gate.entered.wait(PATIENCE)
            leave(client, server)
            assert not closing.closed.is_set()
            getattr(server, end)()
            assert closing.closed.is_set()
            assert nothing_lasts(server)

    def test_ended_by_another(self, call: Call) -> None:
        gate, grips = Gate(), []

        def lasts(environ: Environ) -> Conversation:
            if environ["REQUEST_URI"] == "/other":
                grips.pop()()
                yield Head(200, [], b"ended")
                return
            grips.append((yield CANCEL_HANDLE))
            yield Outlast(lambda: True)
            yield gate

        closing = Closing()
        with serving(closing.around(lasts)) as server, call(server, "/") as client:
            assert gate.entered.wait(PATIENCE)
            leave(client, server)
            with call(server, "/other") as other:
                other.end()
                assert other.status() == 200
            assert closing.closed.is_set()
            assert nothing_lasts(server)

    def test_a_fault_of_it_is_told(self, call: Call) -> None:
        gate, told = Gate(), threading.Event()

        def lasts(_: Environ) -> Conversation:
            yield Outlast(lambda: True)
            yield gate
            raise RuntimeError("a fault")

        with (
            serving(lasts, on_error=lambda _: told.set()) as server,
            call(server, "/") as client,
        ):
            assert gate.entered.wait(PATIENCE)
            leave(client, server)
            gate.open()
            assert told.wait(PATIENCE)
            assert nothing_lasts(server)


def leave(client: Any, server: Server) -> None:
    """Let the client leave when all has come, and return when the server has noticed that."""
    if isinstance(client, Http1Call):
        client.socket.shutdown(socket.SHUT_WR)
        while client.socket.recv(65536):
            pass
    else:
        client.leave()
        client.client.h2.ping(b"its turn")
        client.client.flush()
        while not any(
            isinstance(event, PingAckReceived)
            for event in client.client.h2.receive_data(client.socket.recv(65536))
        ):
            pass
    settle(server)


def settle(server: Server) -> None:
    """Return when the server has taken what had come, which may take it a turn or two."""
    for _turn in range(3):
        server.call(lambda: None)


def nothing_lasts(server: Server) -> bool:
    settle(server)
    return not lasting(server.url)


class TestEnd:
    @pytest.mark.parametrize("step", [Reset(), Reset(refused=True), Reset(connection=True)])
    @pytest.mark.parametrize("with_head", [False, True])
    def test_reset(self, call: Call, step: Reset, with_head: bool) -> None:
        def resets(_: Environ) -> Conversation:
            if with_head:
                yield Head(200, [TEXT])
                yield b"begun"
            yield step

        closing = Closing()
        with serving(closing.around(resets)) as server, call(server, "/") as client:
            if with_head:
                assert client.status() == 200
                assert client.piece(5) == b"begun"
            assert not client.ends_well()
            assert closing.closed.wait(PATIENCE)

    def test_retire(self, call: Call) -> None:
        """The answer is whole, and the connection is closed behind it."""

        def retires(_: Environ) -> Conversation:
            while (yield READ):
                pass
            yield CloseAfterResponse()
            yield Head(200, [TEXT])
            yield b"all"

        with serving(retires) as server, call(server, "/") as client:
            client.end()
            assert client.status() == 200
            assert client.piece(3) == b"all"
            while client.socket.recv(65536):
                pass

    def test_a_client_that_leaves(self, call: Call) -> None:
        closing = Closing()
        with serving(closing.around(tail)) as server, call(server, "/") as client:
            assert client.piece(5) == b"begun" if client.status() == 200 else False
            client.leave()
            assert closing.closed.wait(PATIENCE)
            assert isinstance(closing.seen[0], GeneratorExit)

    def test_a_client_that_leaves_within_the_body(self, call: Call) -> None:
        closing = Closing()
        with serving(closing.around(echo)) as server, call(server, "/") as client:
            client.send(b"half")
            assert client.status() == 200
            assert client.piece(4) == b"half"
            client.leave()
            assert closing.closed.wait(PATIENCE)
            assert isinstance(closing.seen[0], ConnectionAbortedError)

    @pytest.mark.parametrize("end", ["stop", "drop_connections", "refuse"])
    def test_a_server_that_lets_go(self, call: Call, end: str) -> None:
        closing = Closing()
        with serving(closing.around(tail)) as server, call(server, "/") as client:
            assert client.status() == 200
            getattr(server, end)()
            # Before that returns.
            assert closing.closed.is_set()
            assert not client.ends_well()

    def test_from_within(self, call: Call) -> None:
        """A conversation that has its own connection dropped is closed at its next step."""
        closing = Closing()

        def drops(_: Environ) -> Conversation:
            server.drop_connections()
            yield Gate()

        with serving(closing.around(drops)) as server, call(server, "/") as client:
            assert not client.ends_well()
            assert closing.closed.wait(PATIENCE)

    def test_in_a_worker(self, call: Call) -> None:
        """The work in progress is abandoned, and its result is dropped."""
        closing, go_on, begun = Closing(), threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            go_on.wait(PATIENCE)

        def works(_: Environ) -> Conversation:
            yield RunInThread(work)

        with serving(closing.around(works)) as server, call(server, "/"):
            assert begun.wait(PATIENCE)
            server.drop_connections()
            assert closing.closed.is_set()
            go_on.set()


def test_endless_answers_let_others_have_a_turn(call: Call) -> None:
    def application(environ: Environ) -> Conversation:
        yield Head(200, [TEXT])
        if environ["PATH_INFO"] == "/endless":
            for number in count():
                yield b"%08d" % number
        yield b"all"

    with serving(application) as server, call(server, "/endless") as endless:
        assert endless.status() == 200
        for turn in range(5):
            assert endless.piece(8) == b"%08d" % turn
            with call(server, "/") as other:
                assert other.status() == 200
                assert other.piece(3) == b"all"


def test_pieces_without_a_receiver_are_not_requested(call: Call) -> None:
    """The answer to HEAD has no body, however much of one there would be."""
    closing = Closing()

    def endless(_: Environ) -> Conversation:
        yield Head(200, [TEXT])
        while True:
            yield b"x"

    with serving(closing.around(endless)) as server, call(server, "/", method="HEAD") as client:
        assert client.status() == 200
        assert closing.closed.wait(PATIENCE)


def test_pieces_that_take_long_to_make_let_others_have_a_turn(call: Call) -> None:
    """Each by itself, the first included."""
    order: list[str] = []
    begun, asked = threading.Event(), threading.Event()

    def application(environ: Environ) -> Conversation:
        if environ["PATH_INFO"] != "/slow":
            order.append(environ["PATH_INFO"])
            yield Head(200, [TEXT], b"")
            return
        yield Head(200, [TEXT])
        begun.set()
        assert asked.wait(PATIENCE)
        for _ in range(3):
            # Longer than a turn of the loop.
            until = time.monotonic() + 0.002
            while time.monotonic() < until:
                pass
            order.append("piece")
            yield b"x"

    with (
        serving(application) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as other,
    ):
        other.sendall(b"GET /in HTTP/1.1\r\n\r\n")
        assert other.recv(65536).startswith(b"HTTP/1.1 200")
        with call(server, "/slow") as slow:
            assert begun.wait(PATIENCE)
            other.sendall(b"GET /other HTTP/1.1\r\n\r\n")
            asked.set()
            assert other.recv(65536).startswith(b"HTTP/1.1 200")
            assert slow.status() == 200
    assert order.index("/other") <= 3
