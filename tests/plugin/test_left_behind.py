"""What a test leaves open is ended with it: 2,000 tests leave no more behind than 20."""

import json

import pytest

TESTS = 2000

CONFTEST = '''
import gc
import json
import os
import resource
import socket
import threading
from collections import deque
from pathlib import Path

import pytest

# What the latest tests have left open, and still hold.
LEFT = deque(maxlen=3)
SEEN = {}


def counted():
    from s2mock import Account

    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc").exists() else 0
    return {
        "threads": threading.active_count(),
        "descriptors": len(os.listdir("/dev/fd")),
        "accounts": sum(isinstance(one, Account) for one in gc.get_objects()),
        "memory": pages * resource.getpagesize(),
    }


def pytest_runtest_teardown(item):
    number = item.callspec.params["number"]
    if number in (19, 99, %d):
        SEEN[number] = counted()


def pytest_sessionfinish():
    Path("seen.json").write_text(json.dumps(SEEN))
''' % (TESTS - 1)

MODULE = '''
import http.client
import socket
import threading
from urllib.parse import urlsplit

import pytest

from conftest import LEFT
from s2mock import StreamNotFound


def opened(url, head):
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port), timeout=10)
    connection.sendall(head.encode())
    return connection


def frame(body):
    record = b"\\x1a" + bytes([len(body)]) + body
    payload = b"\\x0a" + bytes([len(record)]) + record
    return (len(payload) + 1).to_bytes(3, "big") + b"\\0" + payload


def write_again_and_again(url, token, body, done):
    """A writer that nobody has told that its test is over: it goes on until it is refused."""
    address = urlsplit(url)
    while True:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        try:
            connection.request(
                "POST",
                "/v1/streams/log/records",
                b\'{"records":[{"body":"%%s"}]}\' %% body,
                {
                    "s2-basin": "my-basin",
                    "content-type": "application/json",
                    "authorization": f"Bearer {token}",
                },
            )
            status = connection.getresponse().status
        except OSError:
            continue
        finally:
            connection.close()
        done.set()
        if status == 401:
            return


@pytest.mark.parametrize("number", range(%d))
@pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}])
def test_that_leaves_all_behind(s2_mock, number):
    url, token, body = s2_mock.url, s2_mock.token, b"of-test-%%d" %% number
    if LEFT:
        # The sessions of the test before have been ended, though it still holds them.
        tail, session = LEFT[-1]
        for connection in (tail, session):
            while connection.recv(65536):
                pass
    common = f"host: x\\\\r\\\\ns2-basin: my-basin\\\\r\\\\nauthorization: Bearer {token}\\\\r\\\\n"
    tail = opened(
        url,
        f"GET /v1/streams/log/records?seq_num=0 HTTP/1.1\\\\r\\\\n{common}"
        "accept: text/event-stream\\\\r\\\\n\\\\r\\\\n",
    )
    session = opened(
        url,
        f"POST /v1/streams/log/records HTTP/1.1\\\\r\\\\n{common}"
        "content-type: s2s/proto\\\\r\\\\ntransfer-encoding: chunked\\\\r\\\\n\\\\r\\\\n",
    )
    data = frame(body)
    session.sendall(b"%%x\\\\r\\\\n%%b\\\\r\\\\n" %% (len(data), data))
    written = threading.Event()
    threading.Thread(
        target=write_again_and_again, args=(url, token, body, written), daemon=True
    ).start()
    assert written.wait(10)
    assert tail.recv(65536)
    assert session.recv(65536)
    LEFT.append((tail, session))
    bodies = {record.body for record in s2_mock.basin("my-basin").stream("log").records}
    assert bodies == {body}
''' % TESTS


@pytest.mark.timeout(600)
def test_two_thousand_tests(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(MODULE.replace("\\\\r\\\\n", "\\r\\n"))
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", "-p", "no:randomly")

    result.assert_outcomes(passed=TESTS)
    seen = json.loads((pytester.path / "seen.json").read_text())
    after_few, after_all = seen["99"], seen[str(TESTS - 1)]
    print(seen)
    # A writer of the last test or two may not have heard yet that it is over.
    for what in ("threads", "descriptors", "accounts"):
        assert after_all[what] <= seen["19"][what] + 6, seen
    # What pytest itself keeps of each test that it ran, its report first of all, is not ours.
    assert after_all["memory"] - after_few["memory"] < TESTS * 16 * 1024, seen
