"""The ways in which public projects start s2-lite, and what each of them waits for.

A program `s2` on the `PATH` is `python -m s2mock` here. Where a project starts a container, whose
port 80 is mapped, the command gets a free port instead.
"""

import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import trustme

from tests.ports import unused_port

pytestmark = pytest.mark.slow

# Between two questions, as in these projects. It is a wait for nothing but the next question.
PAUSE = 0.05
PATIENCE = 60
BASIN = "my-basin"
SPEC = {
    "$schema": "https://raw.githubusercontent.com/s2-streamstore/s2/main/cli/schema.json",
    "basins": [
        {
            "name": BASIN,
            "config": {"create_stream_on_append": True, "create_stream_on_read": True},
            "streams": [],
        }
    ],
}


class Started(NamedTuple):
    """A server that was started, and where it is expected."""

    process: "subprocess.Popen[str]"
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


Wait = Callable[[Started], None]


def again_and_again(is_there: Callable[[], bool], started: Started) -> None:
    """Ask until the answer is yes."""
    until = time.monotonic() + PATIENCE
    while not is_there():
        assert started.process.poll() is None, started.log.read_text()
        assert time.monotonic() < until, started.log.read_text()
        time.sleep(PAUSE)


def status(url: str, method: str = "GET", **more: object) -> int:
    """The status of an answer; 0 without one."""
    try:
        return httpx.request(method, url, trust_env=False, **more).status_code  # type: ignore[arg-type]
    except httpx.TransportError:
        return 0


def health(started: Started) -> None:
    again_and_again(lambda: status(f"{started.url}/health") == 200, started)


def ping(started: Started) -> None:
    again_and_again(lambda: status(f"{started.url}/ping") == 200, started)


def https_health(started: Started) -> None:
    """As the kubelet asks, which looks at no certificate."""
    url = f"https://127.0.0.1:{started.port}/health"
    again_and_again(lambda: status(url, verify=False) == 200, started)


def any_answer(started: Started) -> None:
    again_and_again(lambda: status(f"{started.url}/") != 0, started)


def open_port(started: Started) -> None:
    def is_open() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", started.port)) == 0

    again_and_again(is_open, started)


def log_line(pattern: str) -> Wait:
    def wait(started: Started) -> None:
        again_and_again(lambda: bool(re.search(pattern, started.log.read_text())), started)

    return wait


def tail_of_a_probe(started: Started) -> None:
    """A stream that is not there counts as ready, too."""
    url = f"{started.url}/v1/streams/readyprobe/records/tail"
    headers = {"s2-basin": BASIN, "authorization": "Bearer s2lite-test"}
    again_and_again(lambda: status(url, headers=headers) in (200, 404), started)


def basins(started: Started) -> None:
    url = f"{started.url}/v1/basins"
    headers = {"authorization": "Bearer ignored"}
    again_and_again(lambda: status(url, headers=headers) == 200, started)


def ensured_basin(started: Started) -> None:
    """The first call of an SDK, which it sends again until there is a server."""
    url = f"{started.url}/v1/basins/{BASIN}"
    headers = {"authorization": "Bearer local-token"}
    config = {"default_stream_config": {"storage_class": "express"}}
    again_and_again(lambda: status(url, "PUT", headers=headers, json=config) in (200, 201), started)


class Start(NamedTuple):
    """A command line and its environment, in which {port}, {dir} and {spec} are set, and a wait."""

    command: str
    wait: Wait
    env: dict[str, str] = {}  # noqa: RUF012  # never changed
    has_basin: bool = False


STARTS = {
    # The README of S2, and its earlier one.
    "docker run": Start("s2 lite --port {port}", health),
    "docker run of the earlier image": Start("s2 lite --port {port}", ping),
    # testcontainers, as trigger.dev uses them: the file is copied into the container.
    "testcontainers in TypeScript": Start(
        "s2 lite --init-file {spec} --port {port}",
        log_line("starting plain http server"),
        has_basin=True,
    ),
    "s2-testcontainers in Rust": Start("s2 lite --port {port}", health),
    # effect-s2 and the packages around it.
    "spawn with the file in a variable": Start(
        "s2 lite --port {port}", tail_of_a_probe, {"S2LITE_INIT_FILE": "{spec}"}, has_basin=True
    ),
    "spawn after a look at the version": Start(
        "s2 lite --port {port}", health, {"S2MOCK_VERSION_AS": "s2 0.36.6"}
    ),
    "init file from the documentation": Start(
        "s2 lite --init-file {spec} --port {port}", health, has_basin=True
    ),
    # A harness of workloads, and one in Go: the log is a file.
    "a directory, and a file for the log": Start(
        "s2 lite --port {port} --local-root {dir}/data", health
    ),
    "a process in Go": Start(
        "s2 lite --port {port} --local-root {dir}/storage", health, {"RUST_LOG": "error"}
    ),
    # The workflow that tests S2's SDKs.
    "the SDKs' workflow": Start("s2 lite --port {port}", health),
    # Compose files, which have no health check since the image has no client.
    "compose with a volume": Start("s2 lite --local-root {dir}/volume --port {port}", basins),
    "compose with a bucket": Start(
        "s2 lite --bucket s2-bench --path s2lite --port {port}",
        any_answer,
        {
            "AWS_ACCESS_KEY_ID": "minioadmin",
            "AWS_SECRET_ACCESS_KEY": "minioadmin",
            "AWS_ENDPOINT_URL_S3": "http://minio:9000",
        },
    ),
    "a pod with a bucket": Start(
        "s2 lite --bucket streams --path durable-streams --port {port}", open_port
    ),
    # S2's Helm chart.
    "the chart": Start("s2 lite --port {port}", health),
    "the chart with TLS of its own": Start("s2 lite --port {port} --tls-self", https_health),
    "the chart with a certificate": Start(
        "s2 lite --port {port} --tls-cert {dir}/cert.pem --tls-key {dir}/key.pem", https_health
    ),
    # By hand, before the tests or the program.
    "by hand, for tests in Elixir": Start("s2 lite --port {port}", basins),
    "by hand, for a program in Python": Start(
        "s2 lite --local-root {dir}/s2lite-data --port {port} --no-cors", ensured_basin
    ),
    # S2's server for MCP, and programs that ask for nothing but the port.
    "spawn without any output": Start("s2 lite --port {port}", open_port),
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A `PATH` with a program `s2`."""
    program = tmp_path / "bin" / "s2"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m s2mock "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@pytest.fixture
def start(tmp_path: Path, path: str) -> Iterator[Callable[[Start], Started]]:
    """Start a command as a project does; it is killed at the end of the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(one: Start) -> Started:
        spec = tmp_path / "s2-spec.json"
        spec.write_text(json.dumps(SPEC))
        issued = trustme.CA().issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
        issued.private_key_pem.write_to_path(tmp_path / "key.pem")
        places = {"port": str(unused_port()), "dir": str(tmp_path), "spec": str(spec)}
        log = tmp_path / "server.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                shlex.split(one.command.format(**places)),
                env={**os.environ, "PATH": path}
                | {name: value.format(**places) for name, value in one.env.items()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        processes.append(process)
        return Started(process, int(places["port"]), log)

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", STARTS)
def test_a_project_starts_it_and_finds_it_ready(
    start: Callable[[Start], Started], name: str
) -> None:
    one = STARTS[name]
    started = start(one)
    one.wait(started)
    # It is ready: an append is acknowledged.
    scheme = "https" if "--tls-" in one.command else "http"
    url = f"{scheme}://127.0.0.1:{started.port}/v1"
    headers = {"s2-basin": BASIN, "authorization": "Bearer ignored"}
    with httpx.Client(trust_env=False, verify=False, headers=headers) as http:
        if not one.has_basin:
            assert http.put(f"{url}/basins/{BASIN}", json={}).status_code in (200, 201)
            assert http.put(f"{url}/streams/log", json={}).status_code == 201
        record = {"records": [{"body": "x"}]}
        answer = http.post(f"{url}/streams/log/records", json=record)
        assert (answer.status_code, answer.json()["tail"]["seq_num"]) == (200, 1)
    # And as they stop it.
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(PATIENCE) == 0
    assert "Traceback" not in started.log.read_text()


@pytest.mark.parametrize(
    "name", [name for name, one in STARTS.items() if "--local-root" in one.command]
)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_project_that_has_a_directory_finds_its_records_after_a_restart(
    start: Callable[[Start], Started], name: str, how: signal.Signals
) -> None:
    one = STARTS[name]
    with httpx.Client(trust_env=False, headers={"s2-basin": BASIN}) as http:
        started = start(one)
        one.wait(started)
        url = f"http://127.0.0.1:{started.port}/v1"
        assert http.put(f"{url}/basins/{BASIN}", json={}).status_code in (200, 201)
        assert http.put(f"{url}/streams/log", json={}).status_code == 201
        appended = http.post(f"{url}/streams/log/records", json={"records": [{"body": "x"}]})
        assert appended.status_code == 200
        started.process.send_signal(how)
        started.process.wait(PATIENCE)

        started = start(one)
        one.wait(started)
        url = f"http://127.0.0.1:{started.port}/v1"
        [record] = http.get(f"{url}/streams/log/records?seq_num=0").json()["records"]
    assert record["body"] == "x"


def test_a_certificate_is_checked_where_it_is_looked_at(start: Callable[[Start], Started]) -> None:
    """What the wait of the chart leaves out: `verify` is not what makes it pass."""
    started = start(STARTS["the chart with a certificate"])
    https_health(started)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(
            f"https://127.0.0.1:{started.port}/health",
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
        )


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["lite", "--version"]])
def test_the_version_that_a_project_asks_for(path: str, arguments: list[str]) -> None:
    shown = subprocess.run(
        ["s2", *arguments],
        env={**os.environ, "PATH": path, "S2MOCK_VERSION_AS": "s2 0.43.4"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (shown.stdout, shown.stderr) == ("s2 0.43.4\n", "")


def test_the_lines_that_are_copied_into_a_shell(start: Callable[[Start], Started]) -> None:
    started = start(STARTS["docker run"])
    log_line("or use the dashboard at")(started)
    exports = re.findall(r"^export \S+$", started.log.read_text(), re.MULTILINE)
    script = "\n".join([*exports, 'curl -sf "$S2_ACCOUNT_ENDPOINT/health"'])
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == "OK"


def test_the_workflow_takes_the_token_from_the_log_or_has_its_own(
    start: Callable[[Start], Started],
) -> None:
    started = start(STARTS["the SDKs' workflow"])
    health(started)
    # What its `sed` looks for is not what s2-lite prints either.
    assert not re.search(r'S2_ACCESS_TOKEN="([^"]*)"', started.log.read_text())
    assert status(f"{started.url}/v1/basins", headers={"authorization": "Bearer test"}) == 200
