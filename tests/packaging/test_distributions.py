"""What is published, in use: the wheel alone in a fresh place, and the sdist as a checkout."""

import re
import signal
import subprocess
import sys
import tarfile
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s2mock.runtime.http_client import Client
from tests.packaging.running import REPO, clean_env, run

# Building and installing ask the package index; elsewhere nothing takes so long.
pytestmark = [pytest.mark.timeout(600), pytest.mark.slow, pytest.mark.long]

A_TEST = """
def test_fixture(s2_mock):
    basin = s2_mock.create_basin("my-basin")
    made = s2_mock.client.post(
        "/v1/streams", json={"stream": "logs"}, headers={"s2-basin": "my-basin"}
    )
    assert made.status_code == 201
    assert basin.streams == ("logs",)
"""


def test_the_wheel_alone_is_complete(python: Path, tmp_path: Path) -> None:
    checked = run(python, "-m", "pip", "check", cwd=tmp_path)

    assert checked.returncode == 0, checked.stdout


@pytest.fixture
def server(python: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [python, "-m", "s2mock", "--port", "0"],
        cwd=tmp_path,
        env=clean_env(),
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        yield server
        server.kill()


def test_the_wheel_alone_serves(server: "subprocess.Popen[str]") -> None:
    assert server.stdout is not None
    exports = dict(
        server.stdout.readline().strip().removeprefix("export ").split("=") for _ in range(3)
    )
    url = exports["S2_ACCOUNT_ENDPOINT"]
    assert exports["S2_BASIN_ENDPOINT"] == url

    assert Client(url).request("GET", "/health").body == b"OK"
    assert Client(url).request("POST", "/v1/basins", {"basin": "my-basin"}).status == 201

    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=60) == 0


def test_the_wheel_alone_has_the_fixture(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(A_TEST)

    tested = run(python, "-m", "pytest", "-W", "error", cwd=tmp_path)

    assert pytest.RunResult.parse_summary_nouns(tested.stdout.splitlines()) == {"passed": 1}


def test_the_first_screen_of_the_readme_by_copy_and_paste(
    wheel: Path, once: Callable[[str, Callable[[Path], None]], Path], tmp_path: Path
) -> None:
    """The first screen of the README works with the packages that it installs, and no others."""

    def install(folder: Path) -> None:
        venv.create(folder, with_pip=True, system_site_packages=False)
        pip = (folder / "bin" / "python", "-m", "pip")
        installed = run(*pip, "install", "--quiet", wheel, "s2-sdk", cwd=folder)
        assert installed.returncode == 0, installed.stderr

    python = once("first-screen", install) / "bin" / "python"
    screen = (REPO / "README.md").read_text().partition("## Two commands")[0]
    assert "pip install path/to/this/checkout s2-sdk" in screen
    for name, text in re.findall(
        r"^<!-- file: (\S+) -->\n```python\n(.*?)^```$", screen, re.MULTILINE | re.DOTALL
    ):
        (tmp_path / name).write_text(text)

    tested = run(python, "-m", "pytest", "-q", cwd=tmp_path)

    outcomes = pytest.RunResult.parse_summary_nouns(tested.stdout.splitlines())
    assert outcomes == {"passed": 1}, tested.stdout


def test_the_script_is_installed(python: Path, tmp_path: Path) -> None:
    shown = run(python.parent / "s2mock", "--help", cwd=tmp_path)

    assert shown.stdout.startswith("usage: s2mock [-h]")


def test_the_wheel_alone_has_the_contract_suite(python: Path, tmp_path: Path) -> None:
    collect = ("-m", "pytest", "--pyargs", "s2mock.contract", "--collect-only", "--quiet")

    there = run(python, *collect, cwd=tmp_path)
    here = run(Path(sys.executable), *collect, cwd=tmp_path)

    def cases(listed: "subprocess.CompletedProcess[str]") -> list[str]:
        # Without the arguments, for which another version of pytest has other names.
        listing = [line.partition("[")[0] for line in listed.stdout.splitlines() if "::" in line]
        return [name.rpartition("/")[2] for name in listing]

    assert cases(there) == cases(here)
    assert there.returncode == here.returncode
    assert there.returncode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def test_the_wheel_alone_passes_the_contract_suite(python: Path, tmp_path: Path) -> None:
    """A part of the suite passes with the newest version of each package that it needs."""
    modules = ("test_append_protobuf", "test_read_forms", "test_session_frames")
    arguments = (f"s2mock.contract.{module}" for module in modules)

    tested = run(python, "-m", "pytest", "-W", "error", "--pyargs", *arguments, cwd=tmp_path)

    outcomes = pytest.RunResult.parse_summary_nouns(tested.stdout.splitlines())
    assert outcomes.keys() == {"passed"}, tested.stdout


@pytest.fixture
def checkout(sdist: Path, tmp_path: Path) -> Path:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [checkout] = tmp_path.iterdir()
    return checkout


def test_make_serve_needs_nothing_but_a_checkout(checkout: Path) -> None:
    """A new user unpacks it, runs `make serve`, and uses it; then with an existing environment."""
    serve(checkout)

    # As if another tool had made it, without pip, and a package had been put into it.
    environment = checkout / ".venv"
    run(environment / "bin" / "python", "-m", "pip", "uninstall", "--yes", "pip", cwd=checkout)
    (environment / ".package").unlink()
    kept = environment / "kept"
    kept.touch()

    serve(checkout)
    assert kept.exists()


def test_make_refuses_an_environment_that_is_none(checkout: Path) -> None:
    kept = checkout / ".venv" / "kept"
    kept.parent.mkdir()
    kept.touch()

    made = run("make", "serve", "PORT=0", PYTHON, cwd=checkout)

    assert made.returncode != 0
    assert ".venv is no usable environment of Python 3.11 or newer." in made.stderr
    assert kept.exists()


PYTHON = f"PYTHON={sys.base_prefix}/bin/python3"


def serve(checkout: Path) -> None:
    """Run `make serve` there, use what it serves, and stop it."""
    with subprocess.Popen(
        ["make", "serve", "PORT=0", PYTHON],
        cwd=checkout,
        env=clean_env(),
        stdout=subprocess.PIPE,
        text=True,
    ) as make:
        try:
            assert make.stdout is not None
            # What make prints of its own comes first.
            exports = (line for line in make.stdout if line.startswith("export "))
            url = next(exports).strip().rpartition("=")[2]
            assert Client(url).request("GET", "/health").body == b"OK"
        finally:
            make.terminate()
    with pytest.raises(ConnectionRefusedError):
        Client(url).request("GET", "/health")
