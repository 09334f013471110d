"""What a test leaves open is ended with it: many tests leave no more behind than a few.

`S2MOCK_LEFT_BEHIND=2000` sets their number; the default is as many as the whole suite can wait
for.
"""

import json
import os

import pytest

TESTS = int(os.environ.get("S2MOCK_LEFT_BEHIND", "200"))
FEW = 20
# What pytest itself keeps of each test that it ran, its report first of all, is not ours.
BYTES_OF_A_TEST = 16 * 1024

CONFTEST = """
import gc
import json
import os
import resource
import threading
from pathlib import Path

FEW, TESTS = {few}, {tests}
STATM = Path("/proc/self/statm")
# What the latest test has left open: the sockets, which it still holds, and its writer.
LEFT = []
SEEN = {{}}


def counted():
    from s2mock import Account

    gc.collect()
    pages = int(STATM.read_text().split()[1]) if STATM.exists() else 0
    return {{
        "threads": threading.active_count(),
        "descriptors": len(os.listdir("/dev/fd")),
        "accounts": sum(isinstance(one, Account) for one in gc.get_objects()),
        "memory": pages * resource.getpagesize(),
    }}


def pytest_runtest_teardown(item):
    number = item.callspec.params["number"] + 1
    if number in (FEW, TESTS // 2, TESTS):
        SEEN[number] = counted()


def pytest_sessionfinish():
    Path("seen.json").write_text(json.dumps(SEEN))
"""

MODULE = r"""
import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

import pytest

from conftest import LEFT, TESTS

PATH = "/v1/streams/log/records"
SEEDS = [{"name": "my-basin", "streams": [{"name": "log"}]}]


def opened(address, token, *head):
    connection = socket.create_connection(address, timeout=60)
    lines = [*head, "host: x", "s2-basin: my-basin", f"authorization: Bearer {token}", "", ""]
    connection.sendall("\r\n".join(lines).encode())
    return connection


def received_until(connection, expected):
    received = b""
    while expected not in received:
        data = connection.recv(65536)
        assert data, received
        received += data


def frame(body):
    record = b"\x1a" + bytes([len(body)]) + body
    payload = b"\x0a" + bytes([len(record)]) + record
    return (len(payload) + 1).to_bytes(3, "big") + b"\0" + payload


class Writer(threading.Thread):
    '''It goes on, on new connections, until it is told by name that its test is over.'''

    def __init__(self, address, token, body):
        super().__init__(daemon=True)
        self.address, self.token = address, token
        self.document = json.dumps({"records": [{"body": body.decode()}]})
        self.has_written = threading.Event()
        self.refusal = None

    def run(self):
        headers = {
            "s2-basin": "my-basin",
            "content-type": "application/json",
            "authorization": f"Bearer {self.token}",
        }
        while self.refusal is None:
            connection = http.client.HTTPConnection(*self.address, timeout=60)
            try:
                connection.request("POST", PATH, self.document, headers)
                answer = connection.getresponse()
                if answer.status == 200:
                    answer.read()
                    self.has_written.set()
                else:
                    self.refusal = (answer.status, answer.read())
            except (OSError, http.client.HTTPException):
                pass  # dropped at the end of the test: it tries again
            finally:
                connection.close()


@pytest.mark.parametrize("number", range(TESTS))
@pytest.mark.s2_mock(basins=SEEDS)
def test_that_leaves_all_behind(s2_mock, number):
    url = urlsplit(s2_mock.url)
    address, token, body = (url.hostname, url.port), s2_mock.token, b"of test %d" % number
    tail = opened(
        address, token, f"GET {PATH}?seq_num=0 HTTP/1.1", "accept: text/event-stream"
    )
    session = opened(
        address,
        token,
        f"POST {PATH} HTTP/1.1",
        "content-type: s2s/proto",
        "transfer-encoding: chunked",
    )
    received_until(session, b"\r\n\r\n")
    data = frame(body)
    session.sendall(b"%x\r\n%b\r\n" % (len(data), data))
    received_until(tail, body)
    writer = Writer(address, token, body)
    writer.start()
    assert writer.has_written.wait(60)

    if LEFT:
        earlier_tail, earlier_session, earlier_writer = LEFT.pop()
        # Ended by the end of their test, though both ends of it were left open.
        for connection in (earlier_tail, earlier_session):
            with connection:
                try:
                    while connection.recv(65536):
                        pass
                except ConnectionError:
                    pass
        earlier_writer.join(60)
        status, reason = earlier_writer.refusal
        # By the next test's account, or between the two.
        assert status == 401, reason
        assert b"a test that has ended" in reason or b"no s2_mock is in use" in reason
    LEFT.append((tail, session, writer))

    records = s2_mock.basin("my-basin").stream("log").records
    assert {record.body for record in records} == {body}
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_many_tests_leave_no_more_behind_than_a_few(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.format(few=FEW, tests=TESTS))
    pytester.makepyfile(MODULE)
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", "-p", "no:schemathesis")

    result.assert_outcomes(passed=TESTS)
    seen = json.loads((pytester.path / "seen.json").read_text())
    few, half, all_of_them = (seen[str(number)] for number in (FEW, TESTS // 2, TESTS))
    print(json.dumps(seen, indent=1))
    for what in ("threads", "descriptors", "accounts"):
        # Counted while the writer is in the middle of its work: a connection more or less.
        assert all_of_them[what] <= few[what] + 2, seen
    # From the middle on: before, what is loaded once comes on top.
    assert all_of_them["memory"] - half["memory"] <= (TESTS - TESTS // 2) * BYTES_OF_A_TEST, seen
