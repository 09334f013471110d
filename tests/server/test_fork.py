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

    # A client loads this, and a fork meanwhile hangs the child: not the server's affair.
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
    """An account's lock is taken before those that are taken in its turn, whatever came first."""
    code = """
    import faulthandler, os, threading, time
    import s2mock.registry.engine
    from s2mock import S2Mock

    faulthandler.dump_traceback_later(20, exit=True)
    mock = S2Mock()
    turn, inner = mock.account.turn, mock._powers.stage._lock
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
