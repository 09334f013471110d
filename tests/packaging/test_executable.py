"""The executable of `make binary`: every command, in an environment without Python."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

import s2mock
from s2mock.contract.ledger import KNOWN_DIFFERENCES
from tests.executable import REPO, build_executable, without_python

LONG = [pytest.mark.timeout(600), pytest.mark.slow, pytest.mark.long]


def load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", REPO / ".ci" / "executable" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"Py_ENABLE_SHARED": 0}, "was built without a shared library, which the executable needs"),
        (
            {"Py_ENABLE_SHARED": 1, "LIBDIR": "/none", "INSTSONAME": "libpython9.so.1.0"},
            "has no shared library (libpython9.so.1.0 is not installed)",
        ),
    ],
)
def test_python_without_shared_library_is_refused(config: dict[str, Any], message: str) -> None:
    refusal = load_build().refusal(config)
    assert refusal.startswith(f"{sys.executable} {message}")
    assert "make binary PYTHON=" in refusal


@pytest.mark.parametrize(
    "config",
    [
        {"PYTHONFRAMEWORK": "Python", "Py_ENABLE_SHARED": 0},
        # A library that this process has anyway.
        {"Py_ENABLE_SHARED": 1, "LIBDIR": "/none", "INSTSONAME": "libc.so.6"},
    ],
)
def test_python_with_shared_library_can_be_used(config: dict[str, Any]) -> None:
    if "LIBDIR" in config and sys.platform != "linux":
        pytest.skip("the C library has another name here")
    assert load_build().refusal(config) is None


class Program:
    """The executable, in an environment without Python."""

    def __init__(self, path: Path, env: Mapping[str, str], folder: Path) -> None:
        self.path = path
        self.env = env
        self.folder = folder

    def run(self, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.path, *arguments],
            cwd=self.folder,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def serve(self, *arguments: str, expected: str = "") -> Iterator[str]:
        """Start a server, and return its URL; stop it at the end."""
        with subprocess.Popen(
            [self.path, *arguments, "--port", "0"],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            try:
                lines = []
                while "S2_BASIN_ENDPOINT" not in (line := process.stdout.readline()):
                    assert line, process.stderr.read()
                    lines.append(line)
                assert expected in "".join(lines)
                yield line.strip().partition("=")[2].replace("//localhost", "//127.0.0.1")
            finally:
                process.send_signal(signal.SIGTERM)
                said = process.communicate()
            assert process.returncode == 0, said


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("executable")
    return Program(build_executable(), without_python(folder / "bin"), folder)


def append(url: str, *bodies: str) -> httpx.Response:
    headers = {"authorization": "Bearer s2mock", "s2-basin": "my-basin"}
    records = [{"body": body} for body in bodies]
    return httpx.post(
        f"{url}/v1/streams/log/records", headers=headers, json={"records": records}, trust_env=False
    )


RESOURCES = {"basins": [{"name": "my-basin", "streams": [{"name": "log"}]}]}


class TestCommands:
    pytestmark = LONG

    def test_environment_has_no_python(self, program: Program) -> None:
        for name in ("python", "python3"):
            code = f"command -v {name}"
            found = subprocess.run(["sh", "-c", code], env=program.env, check=False)
            assert found.returncode != 0

    def test_version_and_helps(self, program: Program) -> None:
        assert program.run("--version").stdout == f"s2mock {s2mock.__version__}\n"
        for command in ("", "lite", "run", "proxy", "verify", "drift", "fidelity"):
            said = program.run(*command.split(), "--help")
            assert (said.returncode, said.stderr) == (0, ""), command
            assert said.stdout.startswith(f"usage: s2mock {command}".rstrip()), command

    def test_server_answers(self, program: Program) -> None:
        (program.folder / "init.json").write_text(json.dumps(RESOURCES))
        with program.serve("--init-file", "init.json") as url:
            assert append(url, "a").json()["end"]["seq_num"] == 1
            assert httpx.get(f"{url}/_s2mock", trust_env=False).json()["name"] == "s2mock"
            page = httpx.get(f"{url}/_s2mock/", trust_env=False)
            assert page.headers["content-type"] == "text/html; charset=utf-8"

    def test_data_is_kept(self, program: Program) -> None:
        (program.folder / "init.json").write_text(json.dumps(RESOURCES))
        options = ("--data", "kept", "--init-file", "init.json")
        for number in (1, 2):
            with program.serve(*options) as url:
                assert append(url, "a").json()["end"]["seq_num"] == number

    def test_lite_has_the_output_of_s2_lite(self, program: Program) -> None:
        with program.serve("lite", expected="starting plain http server addr=") as url:
            assert httpx.get(f"{url}/health", trust_env=False).text == "OK"

    def test_tls_with_a_certificate_of_its_own(self, program: Program) -> None:
        with program.serve("--tls-self") as url:
            assert httpx.get(f"{url}/health", trust_env=False, verify=False).text == "OK"

    def test_proxy_and_verify(self, program: Program) -> None:
        with program.serve() as url, program.serve("proxy", "--upstream", url) as proxy:
            for server in (url, proxy):
                said = program.run("verify", server, "--only", "test_framing")
                assert said.returncode == 0, said.stdout + said.stderr
                assert re.search(r"\| \d\d+ \| 0 \| 0 \|$", said.stdout.strip()), said.stdout

    def test_drift(self, program: Program) -> None:
        (program.folder / "init.json").write_text(json.dumps(RESOURCES))
        with program.serve("--init-file", "init.json") as url:
            append(url, "a")
            cassette = httpx.get(f"{url}/_s2mock/journal/cassette", trust_env=False).text
        (program.folder / "cassette.jsonl").write_text(cassette)
        said = program.run("drift", "cassette.jsonl")
        assert (said.returncode, said.stderr) == (0, ""), said.stdout

    def test_fidelity_is_that_of_python(self, program: Program) -> None:
        # Another test compares the page with what Python prints, which takes seconds.
        table, _, lists = program.run("fidelity").stdout.partition("\n\n")
        assert table in (REPO / "docs" / "reference" / "fidelity.md").read_text("utf-8")
        assert all(f"| `{one.name}` |" in lists for one in KNOWN_DIFFERENCES)

    @pytest.mark.parametrize("library_path", [None, "/opt/mine"])
    def test_command_of_run_has_the_environment_of_its_user(
        self, program: Program, library_path: str | None
    ) -> None:
        mine = {} if library_path is None else {"LD_LIBRARY_PATH": library_path}
        said = program.run("run", "--", "env", **mine)
        assert (said.returncode, said.stderr) == (0, "")
        env = dict(line.split("=", 1) for line in said.stdout.splitlines())
        added = {"S2_ACCESS_TOKEN", "S2_ACCOUNT_ENDPOINT", "S2_BASIN_ENDPOINT", "S2MOCK_URL"}
        assert env.keys() - {"PWD", "SHLVL", "_"} == {*program.env, *mine, *added}
        assert env.get("LD_LIBRARY_PATH") == library_path

    def test_run_inside_run(self, program: Program) -> None:
        inner = [str(program.path), "run", "--", "sh", "-c", "exit 7"]
        said = program.run("run", "--", *inner)
        assert (said.returncode, said.stderr) == (7, "")

    def test_ends_with_its_parent(self, program: Program) -> None:
        """The program keeps the process that was started, so that its parent is the caller."""
        code = f"'{program.path}' --port 0 --with-parent 2>&1 & echo $!; read line"
        with subprocess.Popen(
            ["sh", "-c", code],
            env=program.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as shell:
            assert shell.stdout is not None
            assert shell.stdin is not None
            number = int(shell.stdout.readline())
            while "is listening" not in (line := shell.stdout.readline()):
                assert line
            os.kill(number, 0)
            shell.stdin.close()
            assert shell.stdout.readline().startswith("inspect: ")
            # The pipe ends with the last process that holds it.
            assert shell.stdout.read() == ""

    def test_licenses_of_all_libraries_are_beside_it(self, program: Program) -> None:
        text = (program.path.parent / "LICENSES.txt").read_text()
        for name in ("Python", "Werkzeug", "cryptography", "protobuf", "s2mock"):
            assert f"==== {name} " in text
        assert "PYTHON SOFTWARE FOUNDATION LICENSE" in text
