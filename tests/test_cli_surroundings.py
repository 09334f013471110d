"""`python -m s2mock` in odd surroundings: streams that are closed or full, hosts, browsers."""

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s2mock.http_client import Client
from tests.ports import unused_port

# Each starts a process or two.
pytestmark = pytest.mark.slow

Start = Callable[[str], tuple[subprocess.Popen[str], Client]]
COMMAND = f"{shlex.quote(sys.executable)} -m s2mock"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a line of shell, with the command and a port in it; returns when it listens."""
    started = []

    def start(line: str) -> tuple[subprocess.Popen[str], Client]:
        port = unused_port()
        process = subprocess.Popen(
            ["bash", "-c", line.format(f"{COMMAND} --port {port}")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        client = Client(f"http://127.0.0.1:{port}")
        while True:
            try:
                assert client.request("GET", "/health").body == b"OK"
            except ConnectionRefusedError:
                # Not yet, or it has ended: pytest's own limit is the last one.
                assert process.poll() is None, process.communicate()
            else:
                return process, client

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate()
    return process.returncode, stdout, stderr


EXPORTS = re.compile(r"(export S2_\w+=\S+\n){3}")
LISTENS = re.compile(r"s2mock is listening on \S+; stop it with Ctrl-C\n")


def test_with_standard_output_closed(start: Start) -> None:
    process, _ = start("exec {} >&-")
    status, stdout, stderr = ended(process)
    assert (status, stdout) == (0, "")
    assert LISTENS.fullmatch(stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_with_standard_output_full(start: Start) -> None:
    process, _ = start("exec {} >/dev/full")
    status, stdout, stderr = ended(process)
    assert (status, stdout) == (0, "")
    first, rest = stderr.split("\n", 1)
    assert first.startswith("s2mock: cannot write to standard output: ")
    assert LISTENS.fullmatch(rest)


def test_with_standard_output_that_nobody_reads(start: Start) -> None:
    # The reader has gone by the time that there is something to read.
    process, _ = start("exec {} > >(exit)")
    status, _, stderr = ended(process)
    assert status == 0
    assert "Traceback" not in stderr
    assert LISTENS.search(stderr)


def test_with_standard_error_closed(start: Start) -> None:
    process, client = start("exec {} 2>&-")
    # Whatever is logged, it is not logged where the variables are read.
    client.raw(b"no request\r\n\r\n")
    status, stdout, stderr = ended(process)
    assert (status, stderr) == (0, "")
    assert EXPORTS.fullmatch(stdout)


def test_with_all_closed(start: Start) -> None:
    process, client = start("exec {} <&- >&- 2>&-")
    # No socket has taken the place of a stream.
    assert client.request("PUT", "/v1/basins/my-basin").status == 201
    assert ended(process) == (0, "", "")


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "localhost"])
def test_it_says_who_gets_in(start: Start, host: str) -> None:
    process, client = start(f"exec {{}} --host {host}")
    status, stdout, stderr = ended(process)
    warning = f"s2mock: --host {host} lets in whoever reaches this machine, with any access token\n"
    assert status == 0
    assert (warning in stderr) == (host == "0.0.0.0")
    # An address that a client can use.
    named = client.url.replace("127.0.0.1", "localhost") if host == "localhost" else client.url
    assert f"export S2_BASIN_ENDPOINT={named}\n" in stdout


def status_for(client: Client, host: str) -> int:
    return client.request("GET", "/v1/basins", headers={"host": host}).status


LOCAL = ["localhost", "localhost:80", "127.0.0.1:9", "[::1]:9", "10.0.0.1"]
FOREIGN = ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"]


def test_without_cors_it_answers_to_its_own_names(start: Start) -> None:
    process, client = start("exec {} --no-cors")
    assert {host: status_for(client, host) for host in LOCAL} == dict.fromkeys(LOCAL, 200)
    assert {host: status_for(client, host) for host in FOREIGN} == dict.fromkeys(FOREIGN, 403)
    assert ended(process)[0] == 0


@pytest.mark.parametrize("options", ["", "--no-cors --host 0.0.0.0"])
def test_otherwise_to_any(start: Start, options: str) -> None:
    process, client = start(f"exec {{}} {options}")
    assert {status_for(client, host) for host in LOCAL + FOREIGN} == {200}
    assert ended(process)[0] == 0


def test_the_token(start: Start) -> None:
    process, _ = start("exec {} --token of-my-own")
    assert "export S2_ACCESS_TOKEN=of-my-own\n" in ended(process)[1]


def test_a_token_that_fits_into_no_header() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "s2mock", "--port", "0", "--token", "two words"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "token must be text that fits into a header, not 'two words'" in done.stderr


def test_a_duration_of_thousands_of_digits(tmp_path: Path) -> None:
    file = tmp_path / "resources.json"
    config = {"default_stream_config": {"retention_policy": "1" * 5000 + "s"}}
    file.write_text(json.dumps({"basins": [{"name": "my-basin", "config": config}]}))
    done = subprocess.run(
        [sys.executable, "-m", "s2mock", "--port", "0", "--init-file", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"s2mock: cannot apply {file}: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 1000
