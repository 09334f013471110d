"""`python -m s2mock`, as a process: what it prints, what it serves, how it ends."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

import httpx
import pytest

import s2mock
from s2mock import ManualClock, S2Mock
from s2mock.control.command_line.parser import make_parser
from s2mock.handles.mock import CA_VARIABLES
from s2mock.json_bodies.resource_files import parse_duration
from tests.certificates import trusting
from tests.conftest import BASIN
from tests.ports import unused_port
from tests.server.conftest import Raw

Process = subprocess.Popen[str]
Start = Callable[..., Process]

COMMAND = [sys.executable, "-m", "s2mock"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the command with these arguments; it is killed at the end of the test."""
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # As a pipe has it anyway: what is printed must not wait in a buffer.
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def three_lines(process: Process) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(3)]


def url_of(process: Process) -> str:
    return three_lines(process)[0].strip().removeprefix("export S2_ACCOUNT_ENDPOINT=")


def end(process: Process, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    """Stop the command; return its exit status, and its output since the start."""
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def get(url: str, basin: str | None = None) -> httpx.Response:
    return httpx.get(url, headers={"s2-basin": basin} if basin else {}, trust_env=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_prints_the_variables_serves_and_stops(start: Start, number: signal.Signals) -> None:
    process = start("--port", "0")
    lines = three_lines(process)
    url = lines[0].removeprefix("export S2_ACCOUNT_ENDPOINT=").rstrip()
    assert url.startswith("http://127.0.0.1:")
    assert lines == [
        f"export S2_ACCOUNT_ENDPOINT={url}\n",
        f"export S2_BASIN_ENDPOINT={url}\n",
        "export S2_ACCESS_TOKEN=s2mock\n",
    ]
    # It listens by the time that it says so.
    assert get(f"{url}/health").text == "OK"
    assert get(f"{url}/v1/basins").json() == {"basins": [], "has_more": False}
    status, stdout, stderr = end(process, number)
    assert (status, stdout) == (0, "")
    assert url in stderr
    assert "Traceback" not in stderr


@pytest.mark.slow
def test_a_token_of_ones_own(start: Start) -> None:
    assert (
        three_lines(start("--port", "0", "--token", "mine"))[2] == "export S2_ACCESS_TOKEN=mine\n"
    )


@pytest.mark.slow
def test_lines_are_for_a_shell(start: Start) -> None:
    process = start("--port", "0")
    script = "".join(three_lines(process)) + 'printf "%s" "$S2_BASIN_ENDPOINT $S2_ACCESS_TOKEN"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    url, token = said.split(" ")
    assert (get(f"{url}/health").status_code, token) == (200, "s2mock")


@pytest.mark.slow
def test_the_powers_over_http(start: Start) -> None:
    url = url_of(start("--port", "0", "--clock", "manual"))
    assert get(f"{url}/_s2mock").json()["name"] == "s2mock"
    assert get(f"{url}/_s2mock/clock").json()["date"] == "2024-01-01T00:00:00Z"
    # A browser that looks for the page finds it; a client gets what there is for it.
    for path in ("", "/", "/_s2mock"):
        shown = httpx.get(f"{url}{path}", headers={"accept": "text/html,*/*"}, trust_env=False)
        assert (shown.status_code, shown.headers["location"]) == (302, "/_s2mock/")
    assert get(url).status_code == 404
    url = url_of(start("--port", "0", "--no-control"))
    assert get(f"{url}/_s2mock").status_code == 404
    shown = httpx.get(f"{url}/", headers={"accept": "text/html,*/*"}, trust_env=False)
    assert shown.status_code == 404


@pytest.mark.slow
def test_accounts_only(start: Start) -> None:
    process = start("--port=0", "--accounts-only")
    assert process.stdout is not None
    assert process.stderr is not None
    lines = [process.stdout.readline() for _ in range(2)]
    url = lines[0].strip().removeprefix("export S2_ACCOUNT_ENDPOINT=")
    assert lines[1] == f"export S2_BASIN_ENDPOINT={url}\n"
    assert process.stderr.readline() == (
        f"s2mock is listening on {url}; POST {url}/_s2mock/accounts makes an account; "
        "stop it with Ctrl-C\n"
    )
    assert process.stderr.readline() == f"inspect: {url}/_s2mock/\n"
    refused = get(f"{url}/v1/basins")
    assert refused.status_code == 401
    assert refused.json()["message"] == (
        "this server has no first account (--accounts-only): POST /_s2mock/accounts makes one, and "
        "answers its token"
    )
    assert get(f"{url}/_s2mock/journal").status_code == 401
    assert get(f"{url}/health").status_code == 200
    token = httpx.post(f"{url}/_s2mock/accounts", trust_env=False).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    assert httpx.get(f"{url}/v1/basins", headers=headers, trust_env=False).status_code == 200
    # Nothing more than these is printed.
    assert end(process) == (0, "", "")


def test_account_idle(start: Start) -> None:
    # Any time at all is longer than that.
    url = url_of(start("--port=0", "--account-idle=1e-9"))
    token = httpx.post(f"{url}/_s2mock/accounts", trust_env=False).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    assert httpx.get(f"{url}/v1/basins", headers=headers, trust_env=False).status_code == 401
    assert get(f"{url}/v1/basins").status_code == 200


@pytest.mark.parametrize("kind", ["serve", "run", "lite"])
@pytest.mark.parametrize(
    ("given", "seconds"), [(None, 3600.0), ("60", 60.0), ("0", inf), ("never", inf), ("inf", inf)]
)
def test_account_idle_in_seconds(kind: str, given: str | None, seconds: float) -> None:
    arguments = [] if given is None else ["--account-idle", given]
    assert make_parser(kind).parse_args(arguments).account_idle == seconds


def test_open_connections_do_not_keep_it(start: Start) -> None:
    process = start("--port", "0")
    port = int(url_of(process).rpartition(":")[2])
    half = Raw(port)
    whole = Raw(port)
    with half.socket, whole.socket:
        half.socket.sendall(b"POST /v1/basins HTTP/1.1\r\ncontent-length: 100\r\n\r\n{")
        whole.send("GET /health HTTP/1.1")
        assert whole.socket.recv(65536).endswith(b"OK")
        assert end(process)[0] == 0


@pytest.mark.slow
def test_options(start: Start) -> None:
    port = unused_port()
    arguments = ["--host=localhost", f"--port={port}", "--deletion-delay=3600", "--no-cors"]
    process = start(*arguments, "--profile=documented")
    url = url_of(process)
    assert url == f"http://localhost:{port}"
    with httpx.Client(base_url=url, trust_env=False, headers={"s2-basin": BASIN}) as client:
        assert "vary" not in client.get("/health").headers
        client.post("/v1/basins", json={"basin": BASIN})
        zero = {"stream": "s", "config": {"retention_policy": {"age": 0}}}
        assert client.post("/v1/streams", json=zero).status_code == 400
        assert client.delete(f"/v1/basins/{BASIN}").status_code == 202
        assert client.get("/v1/basins").json()["basins"][0]["state"] == "deleting"


@pytest.mark.slow
def test_options_of_the_account(start: Start) -> None:
    process = start("--port=0", "--auth=required", "--token=mine", "--locations=here, there")
    with httpx.Client(base_url=url_of(process), trust_env=False) as client:
        assert client.get("/v1/locations").status_code == 401
        client.headers["authorization"] = "Bearer mine"
        names = [location["name"] for location in client.get("/v1/locations").json()]
        assert names == ["here", "there"]


@pytest.mark.slow
def test_tls_self(start: Start) -> None:
    process = start("--port=0", "--tls-self")
    lines = three_lines(process)
    url = lines[0].strip().removeprefix("export S2_ACCOUNT_ENDPOINT=")
    assert url.startswith("https://127.0.0.1:")
    assert process.stdout is not None
    more = [process.stdout.readline().strip() for _ in CA_VARIABLES]
    variables = dict(line.removeprefix("export ").split("=") for line in more)
    assert (*variables,) == CA_VARIABLES
    [ca_file] = {*variables.values()}
    with httpx.Client(verify=trusting(ca_file), trust_env=False) as http:
        assert http.get(f"{url}/health").text == "OK"
        # Another account is on the same port.
        token = http.post(f"{url}/_s2mock/accounts").json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        assert http.get(f"{url}/v1/basins", headers=headers).status_code == 200
    status, _, stderr = end(process)
    assert (status, Path(ca_file).exists()) == (0, False)
    assert url in stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on the PATH")
def test_run_with_tls() -> None:
    script = 'curl --silent --fail "$S2_ACCOUNT_ENDPOINT/health"'
    ended = subprocess.run(
        [*COMMAND, "run", "--tls-self", "--", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "OK", "")


@pytest.mark.slow
def test_tls_self_without_trustme() -> None:
    program = (
        "import sys; sys.modules['trustme'] = None; sys.argv[0] = 's2mock';"
        "from s2mock.__main__ import main; sys.exit(main())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "--tls-self", "--port=0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "s2mock: --tls-self needs trustme, which makes the certificate, and it is not installed: "
        "pip install 's2mock[tls]'\n"
    )


def test_init_file(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "resources.json"
    streams = [{"name": "a/b", "config": {"retention_policy": "7days"}}, {"name": "c"}]
    config = {"default_stream_config": {"retention_policy": "infinite"}}
    basins = [{"name": BASIN, "config": config, "streams": streams}, {"name": "other-basin"}]
    file.write_text(json.dumps({"basins": basins}))
    url = url_of(start("--port", "0", "--init-file", str(file)))
    listed = get(f"{url}/v1/basins").json()["basins"]
    assert [basin["name"] for basin in listed] == [BASIN, "other-basin"]
    for path, retention in [("a%2Fb", {"age": parse_duration("7days")}), ("c", {"infinite": {}})]:
        shown = get(f"{url}/v1/streams/{path}", BASIN).json()
        assert shown["retention_policy"] == retention


def fails(*arguments: str) -> tuple[int, str]:
    """Return the exit status and the standard error of a start that fails."""
    ended = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "invalid JSON"),
        (b'{"basins":[{"name":"x"}]}', "basin name should be at least 8 bytes in length"),
        (b'{"basins":[{"name":"my-basin","streams":[{"name":"s"},{"name":"s"}]}]}', "duplicate"),
        (b'{"basins":[{"name":"my-basin","stream":[]}]}', "unknown field `stream`"),
        (None, "No such file"),
    ],
)
def test_bad_init_file(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "resources.json"
    if content is not None:
        file.write_bytes(content)
    status, stderr = fails("--port", "0", "--init-file", str(file))
    assert (status, stderr.count("\n")) == (1, 1)
    assert stderr.startswith("s2mock: ")
    assert str(file) in stderr
    assert reason in stderr


@pytest.mark.slow
def test_snapshot(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "account.jsonl"
    with S2Mock(basins=[BASIN], clock=ManualClock(0)) as mock:
        mock.basin(BASIN).create_stream("log").append(["a year ago"])
        mock.snapshot().save(file)
    url = url_of(start("--port", "0", "--snapshot", str(file)))
    answer = get(f"{url}/v1/streams/log/records?seq_num=0", BASIN).json()
    assert answer["records"] == [{"seq_num": 0, "timestamp": 0, "body": "a year ago"}]


@pytest.mark.slow
def test_bad_snapshot(tmp_path: Path) -> None:
    file = tmp_path / "account.jsonl"
    file.write_text('{"s2mock_snapshot": 1, "taken": "1970-01-01T00:00:00Z"}\n{"basin": "x"}\n')
    status, stderr = fails("--port", "0", "--snapshot", str(file))
    reason = "basin: basin name should be at least 8 bytes in length"
    assert (status, stderr) == (1, f"s2mock: cannot load the snapshot: {file}, line 2: {reason}\n")
    status, stderr = fails("--port", "0", "--snapshot", str(tmp_path / "none"))
    assert (status, stderr.count("\n")) == (1, 1)
    assert "No such file" in stderr


@pytest.mark.slow
def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        status, stderr = fails("--port", str(port))
    assert (status, stderr.count("\n")) == (1, 1)
    assert stderr == (
        f"s2mock: cannot start: port {port} of 127.0.0.1 is in use: stop the other server, or "
        "choose another one with --port; --port 0 picks a free one\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port=65536"], "port must be a number from 0 to 65535, not 65536"),
        (["--port=-1"], "port must be a number from 0 to 65535, not -1"),
        (["--port=x"], "argument --port: must be a port number, not 'x'"),
        (["--deletion-delay=-1"], "deletion_delay must be 0 or more seconds, not -1.0"),
        (
            ["--deletion-delay=soon"],
            "argument --deletion-delay: must be a number of seconds, not 'soon'",
        ),
        (["--control-token="], "argument --control-token: must be text that fits into a header"),
        (["--no-control", "--control-token=x"], "--control-token is for /_s2mock"),
        (["--tls-self", "--tls-key=x"], "--tls-self makes a certificate: leave out --tls-cert"),
        (["--tls-cert=x"], "--tls-cert and --tls-key belong together: give both of them"),
        (["--control-origin=http://a.test"], "--control-origin needs --control-token"),
        (["--accounts-only", "--no-control"], "--accounts-only needs /_s2mock"),
        (["--accounts-only", "--token=x"], "--token is for the first account"),
        (
            ["--account-idle=-1"],
            "argument --account-idle: must be a number of seconds such as 3600",
        ),
        (["--account-idle=nan"], "argument --account-idle: must be a number of seconds"),
        (["--account-idle=soon"], "argument --account-idle: must be a number of seconds"),
        (["--clock=fast"], "argument --clock: invalid choice: 'fast'"),
        (["--token=two words"], "token must be text that fits into a header, not 'two words'"),
        (["--append-latency=-1"], "append_latency must be 0 or more seconds, not -1.0"),
        (
            ["--init-file=a", "--snapshot=b"],
            "--init-file and --snapshot both say what to start from: give one of them",
        ),
        (["--profile=fast"], "argument --profile: invalid choice: 'fast'"),
        (["my-basin"], "there is no command 'my-basin': the commands are run, lite, proxy"),
    ],
    ids=lambda part: part[0] if isinstance(part, list) else None,
)
def test_arguments_that_make_no_sense(arguments: list[str], reason: str) -> None:
    status, stderr = fails(*arguments)
    assert status == 2
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith(f"python -m s2mock: error: {reason}")


@pytest.mark.slow
def test_help_names_every_option() -> None:
    shown = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for option in (
        "verbose",
        "version",
        "host",
        "port",
        "init-file",
        "snapshot",
        "deletion-delay",
        "append-latency",
        "profile",
        "token",
        "no-cors",
    ):
        assert f"--{option}" in shown


@pytest.mark.slow
def test_help_of_the_subcommand() -> None:
    shown = subprocess.run(
        [*COMMAND, "fidelity", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert shown.startswith("usage: python -m s2mock fidelity [-h]")
    assert "replay every recording" in shown


def test_version() -> None:
    shown = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"s2mock {s2mock.__version__}\n"


@pytest.mark.slow
def test_the_script_says_its_own_name() -> None:
    program = "import sys, s2mock.__main__ as m; sys.argv[0] = '/bin/s2mock'; sys.exit(m.main())"
    shown = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert shown.startswith("usage: s2mock [-h]")
    assert "\n  fidelity " in shown


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--journal-limit=0"]])
def test_a_line_for_each_request(start: Start, more: list[str]) -> None:
    process = start("--port", "0", "--verbose", *more)
    url = url_of(process)
    get(f"{url}/v1/streams/a%2Fb?x=1", BASIN)
    get(f"{url}/nowhere")
    _, _, stderr = end(process)
    lines = [line.partition(" (")[0] for line in stderr.splitlines() if "GET" in line]
    assert lines == [
        f"s2mock: GET /v1/streams/a%2Fb?x=1 404 get-stream-config {BASIN} a/b stream_not_found",
        "s2mock: GET /nowhere 404",
    ]


@pytest.mark.slow
def test_quiet_without_verbose(start: Start) -> None:
    process = start("--port", "0")
    get(f"{url_of(process)}/health")
    assert "GET" not in end(process)[2]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--port=0"], ["--help"], ["fidelity"]])
def test_an_interpreter_without_what_it_needs(arguments: list[str]) -> None:
    """As in a checkout outside its virtual environment."""
    repo = Path(s2mock.__file__).parent.parent
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "s2mock", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(repo)},
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(
        f"s2mock: {sys.executable} has no module werkzeug, which s2mock needs: run "
    )
    assert ended.stderr.count("\n") == 1
