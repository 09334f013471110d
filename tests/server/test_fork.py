"""A process that forks while others use the account: the child has it for itself, and all of it."""

import pytest

from tests.server.test_server import run

pytestmark = pytest.mark.slow


def test_while_others_use_the_account() -> None:
    code = """
    import faulthandler, os, threading
    from s2mock import S2Mock
    from s2mock.contract.client import Client

    mock = S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}])
    url = mock.url
    stream = mock.basin("my-basin").stream("log")
    over = threading.Event()

    appended = []

    def append():
        while not over.is_set():
            stream.append([b"of the parent"])
            appended.append(1)

    def ask():
        while not over.is_set():
            assert Client(url, basin="my-basin").request("GET", "/v1/streams/log").status == 200

    # A client loads this, and a fork during the load hangs the child: no fault of the server.
    "x".encode("idna")
    # The server loads the app with the first request, while the first child is born.
    users = [threading.Thread(target=use, daemon=True) for use in (append, ask) * 2]
    for user in users:
        user.start()
    for _ in range(20):
        child = os.fork()
        if child == 0:
            # A child that hangs says where, and ends.
            faulthandler.dump_traceback_later(30, exit=True)
            tail = stream.tail.seq_num
            stream.append([b"of the child"])
            assert stream.tail.seq_num == tail + 1
            assert mock.fork().basin("my-basin").stream("log").tail.seq_num == tail + 1
            # The parent's port is the parent's; the child has one of its own when it asks.
            again = mock.url
            assert again != url
            answer = Client(again, basin="my-basin").request("GET", "/v1/streams/log/records/tail")
            assert answer.json["tail"]["seq_num"] == tail + 1
            mock.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    over.set()
    for user in users:
        user.join()
    # Nothing of the children's.
    assert stream.tail.seq_num == len(appended)
    mock.close()
    print("well")
    """
    assert run(code) == "well\n"


def test_without_closing_in_the_child() -> None:
    """The address that the parent serves is not taken for the child's own."""
    code = """
    import faulthandler, os
    from s2mock import S2Mock
    from s2mock.contract.client import Client

    with S2Mock() as mock:
        url = mock.url
        child = os.fork()
        if child == 0:
            faulthandler.dump_traceback_later(30, exit=True)
            mock.create_basin("of-the-child")
            assert mock.url != url
            [basin] = Client(mock.url).request("GET", "/v1/basins").json["basins"]
            assert basin["name"] == "of-the-child"
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert Client(url).request("GET", "/v1/basins").json["basins"] == []
    print("well")
    """
    assert run(code) == "well\n"


def test_while_an_observer_is_asked() -> None:
    """An account's lock is taken before those that are taken while it is held, in any order."""
    code = """
    import faulthandler, os, threading, time
    import s2mock.registry.engine.engine
    from s2mock import S2Mock

    faulthandler.dump_traceback_later(20, exit=True)
    mock = S2Mock()
    turn, inner = mock.account.engine.lock, mock._powers.injector._lock
    in_turn = threading.Event()

    def decide():
        with turn:
            in_turn.set()
            # Until the fork has taken it, which it is not to do now.
            until = time.monotonic() + 0.5
            while not inner.locked() and time.monotonic() < until:
                time.sleep(0.001)
            with inner:
                pass

    thread = threading.Thread(target=decide)
    thread.start()
    in_turn.wait()
    child = os.fork()
    if not child:
        mock.create_basin("my-basin")
        os._exit(0)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    mock.close()
    """
    run(code)


def test_while_others_wait() -> None:
    """Children wait as their parent does, also if its threads are about to notify a waiter."""
    code = """
    import faulthandler, os, sys, threading
    from s2mock import S2Mock

    sys.setswitchinterval(1e-5)
    mock = S2Mock()
    over = threading.Event()

    def wait():
        try:
            mock.journal.wait_for("append", timeout=0)
        except TimeoutError:
            pass

    def wait_on_and_on():
        while not over.is_set():
            wait()

    users = [threading.Thread(target=wait_on_and_on, daemon=True) for _ in range(3)]
    for user in users:
        user.start()
    for _ in range(100):
        child = os.fork()
        if child == 0:
            faulthandler.dump_traceback_later(30, exit=True)
            wait()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    over.set()
    for user in users:
        user.join()
    mock.close()
    """
    run(code)


def test_while_others_make_mocks() -> None:
    """Each fork takes all locks, those too that are made while it looks for them."""
    code = """
    import faulthandler, os, sys, threading
    from collections import deque
    from s2mock import S2Mock
    from s2mock.runtime.fork_locks import Rank, take_at_fork

    sys.setswitchinterval(1e-5)
    mock = S2Mock(basins=["my-basin"])
    over = threading.Event()
    # What is made lives for a while, and ends at any moment.
    made = deque(maxlen=200)

    def make():
        while not over.is_set():
            for rank in Rank:
                lock = threading.RLock()
                take_at_fork(lock, rank)
                made.append(lock)
                with lock:
                    pass

    users = [threading.Thread(target=make, daemon=True) for _ in range(3)]
    for user in users:
        user.start()
    for _ in range(100):
        child = os.fork()
        if child == 0:
            faulthandler.dump_traceback_later(30, exit=True)
            for lock in list(made):
                lock.acquire()
            mock.basin("my-basin").create_stream("log")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    over.set()
    for user in users:
        user.join()
    mock.close()
    """
    # On standard error is what fails before a fork.
    run(code)


def test_with_a_lock_that_is_made_at_the_last_moment() -> None:
    """When all that there were are taken, a new one is not to be had before the fork is over."""
    code = """
    import os, threading

    is_held = threading.Event()
    made, threads = [], []

    def hold():
        from s2mock.runtime.fork_locks import Rank, take_at_fork

        made.append(threading.Lock())
        take_at_fork(made[0], Rank.INNER)
        made[0].acquire()
        is_held.set()

    def make():
        threads.append(threading.Thread(target=hold))
        threads[0].start()
        # It is not to come, so there is nothing else to wait for.
        is_held.wait(0.3)

    # Called after that of s2mock, which is loaded later.
    os.register_at_fork(before=make)
    import s2mock.runtime.fork_locks

    child = os.fork()
    if child == 0:
        os._exit(0 if made[0].acquire(blocking=False) else 1)
    status = os.waitpid(child, 0)[1]
    threads[0].join()
    assert is_held.is_set()
    assert status == 0
    """
    run(code)


def test_while_another_looks_for_advice() -> None:
    """The child finds out itself what there is to advise."""
    code = """
    import os, threading, time
    import s2mock.diagnostics
    from s2mock import S2Mock

    mock = S2Mock(basins=["my-basin"])
    mock.client.get("/v1/streams?nonsense=1", headers={"s2-basin": "my-basin"})
    load = mock._powers.journal._load_diagnostics
    is_looking = threading.Event()

    def slow():
        is_looking.set()
        # Until the fork has taken the next one, which it is not to do now.
        until = time.monotonic() + 0.3
        while not mock._powers.injector._lock.locked() and time.monotonic() < until:
            time.sleep(0.001)
        return load()

    mock._powers.journal.set_diagnostics(slow)
    thread = threading.Thread(target=lambda: mock.journal[0])
    thread.start()
    is_looking.wait()
    child = os.fork()
    if child == 0:
        mock.client.get("/v1/streams?nonsense=2", headers={"s2-basin": "my-basin"})
        os._exit(0 if mock.journal[1].advice else 1)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    mock.close()
    """
    run(code)


def test_a_signal_while_it_waits_for_a_lock() -> None:
    """What its handler raises ends that wait; what was taken is let go, and the next is whole."""
    code = """
    import faulthandler, os, signal, sys, threading
    from s2mock import S2Mock
    from s2mock.runtime.fork_locks import Rank, take_at_fork

    faulthandler.dump_traceback_later(40, exit=True)
    failures = []
    sys.unraisablehook = lambda failure: failures.append(failure.exc_type)
    mock = S2Mock()
    lock = threading.Lock()
    take_at_fork(lock, Rank.INNER)
    in_turn, may_end = threading.Event(), threading.Event()

    def hold():
        with lock:
            in_turn.set()
            may_end.wait()

    def interrupt(*_):
        raise KeyboardInterrupt

    def use():
        mock.create_basin(f"basin-of-{os.getpid()}")

    signal.signal(signal.SIGALRM, interrupt)
    thread = threading.Thread(target=hold)
    thread.start()
    in_turn.wait()
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert failures == [KeyboardInterrupt]
    may_end.set()
    thread.join()
    child = os.fork()
    for way in (use, lambda: take_at_fork(threading.Lock(), Rank.INNER)):
        user = threading.Thread(target=way, daemon=True)
        user.start()
        user.join()
    assert lock.acquire(blocking=False)
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    mock.close()
    """
    run(code)
