"""A process that has served ends on a signal, without errors."""

import signal
import subprocess
import sys

import pytest

from s2mock.runtime.http_client import Client

pytestmark = pytest.mark.slow

# The server's thread is kept inside the interpreter, as may happen by itself on a busy machine.
ENDS_AT_ONCE = """
import selectors, time, urllib.request
from s2mock import S2Mock

lingered = []

class Lingering(selectors.DefaultSelector):
    def select(self, timeout=None):
        ready = super().select(timeout)
        time.sleep(0.05)
        lingered.append(ready)
        return ready

selectors.DefaultSelector = Lingering

with S2Mock() as s2:
    with urllib.request.urlopen(s2.url + "/health"):
        assert lingered
"""


def test_a_process_may_end_right_after_its_server() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS_AT_ONCE], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_process_may_end_before_its_server() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS_AT_ONCE.replace("with S2Mock() as s2:", "if s2 := S2Mock():")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_right_after_a_request_is_not_lost(number: signal.Signals) -> None:
    # It was, half of the time: four times in a row it would be noticed.
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-m", "s2mock", "--port", "0"], stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout is not None
                url = server.stdout.readline().strip().rpartition("=")[2]
                created = Client(url).request("POST", "/v1/basins", {"basin": "my-basin"})
                assert created.status == 201
                server.send_signal(number)
                assert server.wait(timeout=60) == 0
            finally:
                server.kill()
