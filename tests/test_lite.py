"""`python -m s2mock lite`, the drop-in replacement for `s2 lite`."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.ports import unused_port

pytestmark = pytest.mark.slow

Process = subprocess.Popen[str]
Start = Callable[..., Process]
COMMAND = [sys.executable, "-m", "s2mock", "lite"]
LISTENS = "starting plain http server"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start it with these arguments and this environment."""
    started: list[Process] = []

    def start(*arguments: str, **env: str) -> Process:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env or None,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until_it_listens(lines: "Iterator[str]") -> str:
    """Wait for the line of the log that says so."""
    return next(line for line in lines if LISTENS in line)


def get(port: int, path: str) -> httpx.Response:
    return httpx.get(f"http://localhost:{port}{path}", trust_env=False)


def test_waiting_for_the_line_of_the_log(start: Start) -> None:
    port = unused_port()
    process = start("--port", str(port))
    assert process.stderr is not None
    line = until_it_listens(iter(process.stderr.readline, ""))
    assert line.endswith(f'INFO s2_lite::server: {LISTENS} addr="0.0.0.0:{port}"\n')
    assert get(port, "/v1/basins").json() == {"basins": [], "has_more": False}


def test_the_lines_for_the_command_line(start: Start) -> None:
    port = unused_port()
    process = start("--port", str(port))
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(5)]
    assert LISTENS in lines[0]
    assert "copy/paste into a new terminal to point the S2 CLI at this server:" in lines[1]
    assert lines[2:] == [
        f"export S2_ACCOUNT_ENDPOINT=http://localhost:{port}\n",
        f"export S2_BASIN_ENDPOINT=http://localhost:{port}\n",
        "export S2_ACCESS_TOKEN=ignored\n",
    ]


def test_waiting_for_an_answer(start: Start) -> None:
    port = unused_port()
    process = start("--port", str(port), "--no-cors", "--no-dashboard")
    assert process.stderr is not None
    until_it_listens(iter(process.stderr.readline, ""))
    assert (get(port, "/").status_code, get(port, "/").content) == (404, b"")
    for path in ("/health", "/ping"):
        assert (get(port, path).status_code, get(port, path).text) == (200, "OK")
    metrics = get(port, "/metrics")
    assert (metrics.status_code, metrics.headers["content-type"]) == (
        200,
        "text/plain; version=0.0.4",
    )
    assert "\nprocess_threads " in metrics.text
    assert "vary" not in metrics.headers
    assert get(port, "/dashboard").status_code == 404
    assert get(port, "/_s2mock").json()["name"] == "s2mock"


def test_the_dashboard(start: Start) -> None:
    port = unused_port()
    process = start("--port", str(port))
    assert process.stderr is not None
    until_it_listens(iter(process.stderr.readline, ""))
    answer = get(port, "/dashboard")
    assert (answer.status_code, answer.headers["location"]) == (302, "/_s2mock/")
    page = get(port, "/_s2mock/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("by", ["option", "environment"])
def test_init_file(start: Start, tmp_path: Path, by: str) -> None:
    file = tmp_path / "resources.json"
    file.write_text(json.dumps({"basins": [{"name": "my-basin", "streams": [{"name": "s"}]}]}))
    port = unused_port()
    if by == "option":
        process = start("--port", str(port), "--init-file", str(file))
    else:
        process = start("--port", str(port), S2LITE_INIT_FILE=str(file))
    assert process.stderr is not None
    until_it_listens(iter(process.stderr.readline, ""))
    url = f"http://localhost:{port}"
    with httpx.Client(base_url=url, headers={"s2-basin": "my-basin"}, trust_env=False) as http:
        names = [stream["name"] for stream in http.get("/v1/streams").json()["streams"]]
        assert names == ["s"]
        # What the server was started with is there again after a reset.
        http.delete("/v1/streams/s")
        assert http.post("/_s2mock/reset").status_code == 204
        assert http.get("/v1/streams/s").status_code == 200


def test_what_is_lost_is_said(start: Start) -> None:
    port = unused_port()
    arguments = ["--bucket", "data", "--append-inflight-bytes=1GiB", "--wal-bucket", "logs"]
    process = start("--port", str(port), *arguments)
    assert process.stderr is not None
    said = []
    for line in iter(process.stderr.readline, ""):
        said.append(line)
        if LISTENS in line:
            break
    assert [line.split(" is ignored: ")[0] for line in said[:-1]] == [
        "s2mock: --bucket",
        "s2mock: --wal-bucket",
        "s2mock: --append-inflight-bytes",
    ]
    assert "everything is in memory" in said[0]


@pytest.mark.parametrize(("path", "below"), [((), "."), (("--path", "/below/it/"), "below/it")])
def test_local_root_keeps_the_account(
    start: Start, tmp_path: Path, path: tuple[str, ...], below: str
) -> None:
    port = unused_port()
    for status in (201, 409):
        process = start("--port", str(port), "--local-root", str(tmp_path / "root"), *path)
        assert process.stderr is not None
        # Without a warning before it.
        assert LISTENS in process.stderr.readline()
        answer = httpx.post(
            f"http://localhost:{port}/v1/basins", json={"basin": "my-basin"}, trust_env=False
        )
        assert answer.status_code == status
        process.kill()
        process.communicate()
    assert (tmp_path / "root" / below / "log-1").exists()


def test_local_root_and_data_contradict(tmp_path: Path) -> None:
    arguments = [*COMMAND, "--local-root", str(tmp_path / "a"), "--data", str(tmp_path / "b")]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "--local-root and --data are the same: give one of them" in ended.stderr


def test_what_is_ignored_beside_local_root(start: Start, tmp_path: Path) -> None:
    port = unused_port()
    root = tmp_path / "root"
    process = start("--port", str(port), "--local-root", str(root), "--wal-local-root", "/wal")
    assert process.stderr is not None
    said = process.stderr.readline()
    assert said == f"s2mock: --wal-local-root is ignored: everything is in {root}\n"


@pytest.mark.parametrize("flag", ["--tls-self", "--tls-cert=a", "--tls-key=b"])
def test_tls_is_refused(flag: str) -> None:
    ended = subprocess.run([*COMMAND, flag], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "s2mock speaks plain HTTP only" in ended.stderr.splitlines()[-1]


def test_the_port_is_that_of_the_real_one() -> None:
    from s2mock.control.command_line.parser import make_parser

    options = make_parser("lite").parse_args([])
    assert (options.port, options.host) == (80, "0.0.0.0")
