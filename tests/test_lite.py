"""`python -m s2mock lite`, the drop-in replacement for `s2 lite`."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from s2mock.control.command_line.lite import check
from s2mock.control.command_line.parser import make_parser
from s2mock.handles.mock import CA_VARIABLES
from s2mock.server.tls import ALPN
from tests.certificates import trusting
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
    # s2-lite has nothing there.
    root = httpx.get(f"http://127.0.0.1:{port}/", headers={"accept": "text/html"}, trust_env=False)
    assert root.status_code == 404
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


def test_an_append_takes_as_long_as_in_the_real_one() -> None:
    for arguments, latency in (((), 0.005), (("--append-latency", "0"), 0.0)):
        options = make_parser("lite").parse_args(arguments)
        [*check(options)]
        assert options.append_latency == latency


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


def test_a_manual_clock_holds_no_append_by_default() -> None:
    for arguments, latency in (
        (["--clock", "manual"], 0.0),
        (["--clock", "manual", "--append-latency", "0.005"], 0.005),
    ):
        options = make_parser("lite").parse_args(arguments)
        [*check(options)]
        assert options.append_latency == latency


def test_an_account_with_a_manual_clock_holds_no_append(start: Start) -> None:
    port = unused_port()
    process = start("--port", str(port))
    assert process.stderr is not None
    until_it_listens(iter(process.stderr.readline, ""))
    url = f"http://localhost:{port}"
    resources = [{"name": "my-basin", "streams": [{"name": "log"}]}]
    made = httpx.post(
        f"{url}/_s2mock/accounts", json={"clock": "manual", "basins": resources}, trust_env=False
    )
    answer = httpx.post(
        f"{url}/v1/streams/log/records",
        json={"records": [{"body": "x"}]},
        headers={"s2-basin": "my-basin", "authorization": f"Bearer {made.json()['token']}"},
        trust_env=False,
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("arguments", "environment", "is_there"),
    [
        ([], None, True),
        (["--no-dashboard"], None, False),
        ([], "yes", False),
        ([], "off", True),
        ([], "", True),
    ],
)
def test_the_switch_of_the_dashboard(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: str | None, is_there: bool
) -> None:
    if environment is not None:
        monkeypatch.setenv("S2LITE_NO_DASHBOARD", environment)
    assert make_parser("lite").parse_args(arguments).no_dashboard is not is_there


@pytest.mark.parametrize("kind", ["self", "files"])
def test_tls(start: Start, tmp_path: Path, kind: str) -> None:
    port = unused_port()
    authority = trustme.CA()
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued = authority.issue_cert("localhost")
    certificate.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    files = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    process = start("--port", str(port), *(["--tls-self"] if kind == "self" else files))
    assert process.stdout is not None
    lines = []
    for line in iter(process.stdout.readline, ""):
        lines.append(line.rstrip())
        if "dashboard" in line:
            break
    address = f'addr="0.0.0.0:{port}"'
    local = f"https://localhost:{port}"
    assert lines[0].partition("INFO ")[2] == (
        "s2_lite::server: starting https server with self-signed certificate, clients will need to "
        f"use --insecure {address}"
        if kind == "self"
        else f"s2_lite::server: starting https server with provided certificate {address} "
        f'cert_path="{certificate}"'
    )
    assert lines[2:5] == [
        f"export S2_ACCOUNT_ENDPOINT={local}",
        f"export S2_BASIN_ENDPOINT={local}",
        "export S2_ACCESS_TOKEN=ignored",
    ]
    assert lines[-1] == f"or use the dashboard at {local}/dashboard"
    ca_file = tmp_path / "ca.pem"
    if kind == "self":
        assert lines[5] == "export S2_SSL_NO_VERIFY=1"
        variables = dict(line.removeprefix("export ").split("=") for line in lines[6:-2])
        assert variables.keys() == set(CA_VARIABLES)
        ca_file = Path(variables["SSL_CERT_FILE"])
    else:
        assert lines[5] == ""
        authority.cert_pem.write_to_path(ca_file)
    trusted = trusting(str(ca_file), *ALPN)
    with httpx.Client(verify=trusted, http2=True, trust_env=False) as http:
        answer = http.get(f"{local}/health")
        assert (answer.text, answer.http_version) == ("OK", "HTTP/2")
        # The page's own requests have the https origin.
        assert http.get(f"{local}/_s2mock", headers={"origin": local}).status_code == 200
    process.terminate()
    assert process.wait(60) == 0
    if kind == "self":
        assert not ca_file.exists()


def test_a_certificate_that_cannot_be_loaded(tmp_path: Path) -> None:
    file, missing = tmp_path / "cert.pem", tmp_path / "missing.pem"
    file.write_text("no certificate")
    for files, reason in [
        ((file, missing), f"[Errno 2] No such file or directory: '{missing}'"),
        ((missing, file), f"[Errno 2] No such file or directory: '{missing}'"),
        ((file, file), f"{file} and {file} must be PEM files, of a certificate and of its key: "),
    ]:
        ended = subprocess.run(
            [*COMMAND, "--tls-cert", files[0], "--tls-key", files[1]],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 1
        [line] = ended.stderr.splitlines()
        assert line.startswith(f"s2mock: cannot start: {reason}")


def test_a_key_with_a_password_is_refused(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("localhost")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(file)
    coded = BestAvailableEncryption(b"secret")
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, coded))
    ended = subprocess.run(
        [*COMMAND, "--tls-cert", file, "--tls-key", key_file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        f"s2mock: cannot start: the key in {key_file} is encrypted: decrypt it first\n"
    )


@pytest.mark.parametrize(
    ("arguments", "port"),
    [
        ([], 80),
        (["--tls-self"], 443),
        (["--tls-cert", "a", "--tls-key", "b"], 443),
        (["--tls-self", "--port", "80"], 80),
    ],
)
def test_the_port_is_that_of_the_real_one(arguments: list[str], port: int) -> None:
    options = make_parser("lite").parse_args(arguments)
    [*check(options)]
    assert (options.port, options.host) == (port, "0.0.0.0")
