"""All descriptors are taken as soon as the server listens: the first requests are answered."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.conftest import BASIN
from tests.server.conftest import Raw
from tests.server.test_server import run

pytestmark = pytest.mark.slow

# Takes all descriptors but a few once it listens, and goes on when it is told to.
STANDALONE = """
import os, resource, sys
from s2mock import __main__ as standalone
from s2mock.control.command_line import console, serve

def say_and_wait(text, stream):
    # First the variables, on standard output, and last a line on standard error.
    if stream is sys.stdout:
        free = os.dup(0)
        os.close(free)
        limit = free + {left}
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    console.say(text, stream)
    if stream is sys.stderr:
        sys.stdin.readline()

serve.say = say_and_wait
sys.argv[1:] = ["--port=0", "--init-file={file}"]
sys.exit(standalone.main())
"""
RECORDS = json.dumps({"records": [{"body": "hi"}]}).encode()
REFUSED = b'{"records": [{"body": 1}]}'
PROTOBUF = bytes.fromhex("0a041a026869")  # one record: "hi"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Resources to begin with: a basin with a stream."""
    path = tmp_path / "resources.json"
    path.write_text(json.dumps({"basins": [{"name": BASIN, "streams": [{"name": "log"}]}]}))
    return path


@contextmanager
def standalone(file: Path, left: int) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """The server with this number of descriptors left, before it has loaded all, and its port."""
    with subprocess.Popen(
        [sys.executable, "-c", STANDALONE.format(file=file, left=left)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            for _ in range(2):
                process.stdout.readline()
            yield process, int(url.rpartition(":")[2])
        finally:
            process.kill()


def go_on(process: "subprocess.Popen[str]") -> None:
    """Let it load the rest."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def end(process: "subprocess.Popen[str]") -> str:
    """Stop it, which still runs; what it printed on standard error."""
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in stderr
    return stderr


def ask(raw: Raw, method: str, path: str, body: bytes = b"", kind: str = "") -> int:
    """The status of a request over that connection."""
    connection = HTTPConnection("127.0.0.1")
    connection.sock = raw.socket
    kinds = {"content-type": kind} if kind else {}
    connection.request(method, path, body=body, headers={"s2-basin": BASIN, **kinds})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_of_the_standalone_server_by_connections(file: Path) -> None:
    with standalone(file, left=8 + 4) as (process, port):
        clients = [Raw(port) for _ in range(30)]
        for client in clients[4:]:
            with suppress(ConnectionResetError):
                assert client.socket.recv(1) == b""
        go_on(process)
        records = "/v1/streams/log/records"
        assert ask(clients[0], "POST", records, RECORDS, "application/json") == 200
        assert ask(clients[1], "POST", records, PROTOBUF, "application/protobuf") == 200
        assert ask(clients[2], "POST", records, REFUSED, "application/json") == 400
        assert ask(clients[3], "GET", f"{records}?seq_num=0") == 200
        for path in ("/health", "/metrics", "/_s2mock", "/_s2mock/", "/_s2mock/journal"):
            assert ask(clients[0], "GET", path) == 200
        assert "ulimit -n" in end(process)
        for client in clients:
            client.socket.close()


def test_of_the_standalone_server_by_what_else_runs_there(file: Path) -> None:
    """It loads less, and does not end."""
    with standalone(file, left=0) as (process, port):
        go_on(process)
        # Turned away, and so it is there.
        client = Raw(port)
        assert client.receive() == b""
        client.socket.close()
        end(process)


def test_of_a_mock_that_no_request_has_used() -> None:
    code = """
    import http.client, logging, os, resource, socket, sys
    from s2mock import S2Mock

    logging.basicConfig(stream=sys.stdout, format="%(levelname)s")
    mock = S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}])
    port = int(mock.url.rpartition(":")[2])
    clients = [socket.socket() for _ in range(20)]
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 8 + 2, free + 8 + 2))
    for client in clients:
        client.settimeout(30)
        client.connect(("127.0.0.1", port))
    for client in clients[2:]:
        try:
            assert client.recv(1) == b""
        except ConnectionResetError:
            pass
    for body, status in ('{"records": [{"body": "hi"}]}', 200), ('{"records": 1}', 400):
        connection = http.client.HTTPConnection("127.0.0.1")
        connection.sock = clients.pop(0)
        headers = {"s2-basin": "my-basin", "content-type": "application/json"}
        connection.request("POST", "/v1/streams/log/records", body, headers)
        answer = connection.getresponse()
        assert answer.status == status, answer.read()
        connection.close()
    for client in clients:
        client.close()
    mock.close()
    """
    # That connections are turned away, and nothing of the fake's own that has failed.
    assert run(code) == "WARNING\n"


def test_schemas_are_loaded_with_the_app() -> None:
    code = """
    import sys
    import s2mock.api.app
    from s2mock.json_bodies.decoder import decode

    def no_more(event, arguments):
        if event == "open":
            raise OSError(24, "Too many open files")

    sys.addaudithook(no_more)
    decode(b'{"records": []}', "append_input")
    decode(b'{"basin": "my-basin"}', "create_basin")
    """
    run(code)
