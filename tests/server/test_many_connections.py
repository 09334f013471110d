"""More connections than a careful server would take, and more than the process may have open."""

import resource

import pytest

from tests.server.test_server import run

pytestmark = pytest.mark.slow

NEEDED = 4096

CODE = """
import http.client, logging, os, resource, socket, sys
from urllib.parse import urlsplit
from s2mock import S2Mock

resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
mock = S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}])
port = urlsplit(mock.url).port
stream = mock.basin("my-basin").stream("log")

def connect():
    return socket.create_connection(("127.0.0.1", port), timeout=30)

def status():
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/v1/streams/log/records/tail", headers={"s2-basin": "my-basin"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status

TAIL = (
    b"GET /v1/streams/log/records?seq_num=0 HTTP/1.1\\r\\ns2-basin: my-basin\\r\\n"
    b"accept: text/event-stream\\r\\n\\r\\n"
)
def until(client, mark):
    data = b""
    while mark not in data:
        got = client.recv(65536)
        assert got, data
        data += got

idle = [connect() for _ in range(1000)]
tails = [connect() for _ in range(500)]
for tail in tails:
    tail.sendall(TAIL)
for tail in tails:
    until(tail, b"event: ping")
assert stream.readers == 500
for _ in range(20):
    assert status() == 200
stream.append([b"to all"])
for tail in tails:
    until(tail, b"to all")
idle[500].sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
until(idle[500], b"OK")
print("all served")

waiting = [socket.socket() for _ in range(50)]
used = []
in_use = len(os.listdir("/dev/fd"))
resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 10, in_use + 10))
while True:
    try:
        used.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        break
for client in waiting:
    client.settimeout(30)
    client.connect(("127.0.0.1", port))
for client in waiting:
    try:
        assert client.recv(1) == b""
    except ConnectionResetError:
        pass
# The connections that are open notice nothing.
idle[0].sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
until(idle[0], b"OK")
mock.close()
for client in [*idle, *tails]:
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        pass
    client.close()
for client in waiting:
    client.close()
print("stopped")
"""


@pytest.mark.skipif(
    not 0 <= NEEDED <= resource.getrlimit(resource.RLIMIT_NOFILE)[1] % 2**63,
    reason=f"a process may not have {NEEDED} files open here",
)
def test_a_thousand_idle_ones_and_five_hundred_readers() -> None:
    said = run(CODE).splitlines()
    assert said[0] == "all served"
    # One line for all that are turned away, with what to do about it.
    assert said[1].startswith("WARNING s2mock's server on port ")
    assert "ulimit -n" in said[1]
    assert said[2:] == ["stopped"]
