"""The standard streams of `python -m s2mock`: which stream has which output, also if closed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import BASIN
from tests.ports import unused_port
from tests.time.watched_clock import PATIENCE

pytestmark = pytest.mark.slow

Start = Callable[..., str]

FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
NOBODY = {
    "standard output closed": ">&-",
    "standard output full": ">/dev/full",
    "standard error closed": "2>&-",
    "standard error full": "2>/dev/full",
    "both full": ">/dev/full 2>&1",
    "all closed": "<&- >&- 2>&-",
}


class Standalone:
    """A server in a new process, on a port that is known before it starts."""

    def __init__(self, folder: Path) -> None:
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._files = folder / "out", folder / "err"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str, redirected: str = "", stdout: int | None = None) -> None:
        out, err = (file.open("wb") for file in self._files)
        with out, err:
            self.process = subprocess.Popen(
                ["sh", "-c", f'exec "$@" {redirected}', "sh"]
                + [sys.executable, "-m", "s2mock", "--port", str(self.port), *options],
                stdout=out if stdout is None else stdout,
                stderr=err,
            )
        patience = time.monotonic() + PATIENCE
        while True:
            try:
                assert self.get("/health").text == "OK"
            except httpx.TransportError:
                # It does not report when it listens.
                assert self.process.poll() is None, self.said
                assert time.monotonic() < patience
                time.sleep(0.01)
            else:
                return

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=headers, trust_env=False)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    @property
    def said(self) -> tuple[str, str]:
        """Return the output on standard output and on standard error."""
        out, err = (file.read_text() for file in self._files)
        return out, err

    @property
    def exports(self) -> str:
        return (
            f"export S2_ACCOUNT_ENDPOINT={self.url}\nexport S2_BASIN_ENDPOINT={self.url}\n"
            "export S2_ACCESS_TOKEN=s2mock\n"
        )


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[Standalone]:
    standalone = Standalone(tmp_path)
    yield standalone
    if standalone.process is not None:
        standalone.process.kill()
        standalone.process.wait()


@pytest.mark.parametrize(
    "redirected",
    [pytest.param(it, marks=FULL if "full" in it else ()) for it in NOBODY.values()],
    ids=NOBODY,
)
def test_output_that_is_not_taken(standalone: Standalone, redirected: str) -> None:
    standalone.start(redirected=redirected)
    assert standalone.get("/v1/basins").status_code == 200
    assert standalone.stop() == 0
    out, err = standalone.said
    # Nothing gets into the other stream, either.
    assert out == (standalone.exports if redirected.startswith("2") else "")
    assert "Traceback" not in err
    assert "export" not in err


def test_the_reader_of_the_output_has_gone(standalone: Standalone) -> None:
    """As in `python -m s2mock | true`."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        standalone.start(stdout=writing)
    finally:
        os.close(writing)
    assert standalone.stop() == 0
    out, err = standalone.said
    assert out == ""
    refusal, *others = err.splitlines()
    assert refusal.startswith("s2mock: cannot write to standard output: ")
    # Each text is there once: the address, and that of the page.
    assert [line.partition(" ")[0] for line in others] == ["s2mock", "inspect:"]


def test_on_every_address(standalone: Standalone) -> None:
    """The output says which clients are allowed, and the exported variables can be used."""
    standalone.start("--host", "0.0.0.0")
    assert standalone.stop() == 0
    out, err = standalone.said
    assert out == standalone.exports
    assert "--host 0.0.0.0 accepts requests from other machines, with any access token" in err


def test_on_the_own_address_only(standalone: Standalone) -> None:
    standalone.start()
    assert standalone.stop() == 0
    assert "lets in" not in standalone.said[1]


@pytest.mark.parametrize(
    ("options", "status"), [([], 200), (["--no-cors"], 403)], ids=["with CORS", "without"]
)
def test_hosts(standalone: Standalone, options: list[str], status: int) -> None:
    """Without CORS, no browser is allowed under a name that a page made up for this machine."""
    standalone.start(*options)
    port = standalone.port
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", "[::1]", "s2.localhost"):
        assert standalone.get("/v1/basins", host=host).status_code == 200, host
    for host in (f"evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example"):
        assert standalone.get("/v1/basins", host=host).status_code == status, host


def test_a_duration_of_any_length(tmp_path: Path) -> None:
    file = tmp_path / "resources.json"
    policy = "9" * 5000 + "days"
    streams = f'[{{"name": "s", "config": {{"retention_policy": "{policy}"}}}}]'
    file.write_text(f'{{"basins": [{{"name": "{BASIN}", "streams": {streams}}}]}}')
    ended = subprocess.run(
        [sys.executable, "-m", "s2mock", "--port", "0", "--init-file", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert (
        ended.stderr
        == f"s2mock: cannot apply {file}: invalid duration: more than 40 digits in a number\n"
    )
