"""`python -m s2mock run -- CMD`: a command with a server of its own."""

import os
import signal
import subprocess
import sys
import threading

import httpx
import pytest

from s2mock.control.command_line import run_command

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "s2mock", "run"]
# What a command says of its server.
ASKS = (
    "import os, urllib.request as r; u = os.environ['S2_ACCOUNT_ENDPOINT']; "
    "assert u == os.environ['S2_BASIN_ENDPOINT']; "
    "print(u, os.environ['S2_ACCESS_TOKEN'], r.urlopen(u + '/health').read().decode(), flush=True)"
)


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def python(*lines: str) -> list[str]:
    return ["--", sys.executable, "-c", "; ".join(lines)]


@pytest.mark.parametrize("status", [0, 7])
def test_the_command_has_a_server_and_gives_its_status(status: int) -> None:
    ended = run(*python(ASKS, f"raise SystemExit({status})"))
    assert (ended.returncode, ended.stderr) == (status, "")
    url, token, health = ended.stdout.split()
    assert (token, health) == ("s2mock", "OK")
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_options_are_those_of_the_server() -> None:
    ended = run("--token", "mine", *python(ASKS))
    assert ended.stdout.split()[1] == "mine"


def test_without_a_first_account_there_is_no_token() -> None:
    without = ASKS.replace("os.environ['S2_ACCESS_TOKEN']", "os.environ.get('S2_ACCESS_TOKEN')")
    ended = run("--accounts-only", *python(without))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split()[1:] == ["None", "OK"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "True None"),
        (["--control-token", "secret"], "True secret"),
        (["--no-control"], "False None"),
    ],
)
def test_packages_of_other_languages_find_the_server(options: list[str], expected: str) -> None:
    lines = (
        "import os; e = os.environ",
        "print(e.get('S2MOCK_URL') == e['S2_ACCOUNT_ENDPOINT'], e.get('S2MOCK_CONTROL_TOKEN'))",
    )
    ended = run(*options, *python(*lines))
    assert (ended.returncode, ended.stdout.strip()) == (0, expected)


def test_two_have_ports_of_their_own() -> None:
    inner = [sys.executable, "-m", "s2mock", "run", *python(ASKS)]
    ended = run(*python(ASKS, f"import subprocess; subprocess.run({inner!r}, check=True)"))
    assert ended.returncode == 0
    urls = ended.stdout.split()[::3]
    assert len(set(urls)) == 2


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1], ids=lambda n: n.name
)
def test_signals_are_passed_on(number: signal.Signals) -> None:
    told = "import signal, sys"
    handler = f"signal.signal({int(number)}, lambda *_: sys.exit(21))"
    command = [*COMMAND, *python(told, handler, "print('ready', flush=True)", "signal.pause()")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(60) == 21


def test_a_command_that_a_signal_ends() -> None:
    ended = run(*python("import os", "os.kill(os.getpid(), 9)"))
    assert ended.returncode == 128 + 9


def test_the_command_begins_with_the_signals_of_its_caller() -> None:
    ended = run(*python("import signal", "print(signal.pthread_sigmask(0, []))"))
    assert ended.stdout == f"{signal.pthread_sigmask(signal.SIG_BLOCK, [])}\n"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--", "no-such-command"], 127, "s2mock: there is no command 'no-such-command'\n"),
        (["--", os.devnull], 126, f"s2mock: cannot run '{os.devnull}': Permission denied\n"),
    ],
)
def test_a_command_that_cannot_be_run(arguments: list[str], status: int, said: str) -> None:
    ended = run(*arguments)
    assert (ended.returncode, ended.stderr) == (status, said)


@pytest.mark.parametrize("arguments", [[], ["--"], ["--port", "0"]])
def test_no_command(arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert "which command to run is missing: write it behind --" in ended.stderr


def test_a_fault_that_was_not_used_is_not_the_commands_failure() -> None:
    inject = (
        "r.urlopen(r.Request(u + '/_s2mock/faults', method='POST', "
        'data=b\'{"on": "append", "fault": {"Drop": {}}}\', '
        "headers={'content-type': 'application/json'}))"
    )
    ended = run(*python(ASKS, inject))
    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_signal_is_left_of_a_command_that_ends_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that stays pending would end the process that called `run`, or reach its handler."""

    class EndedAtOnce(threading.Thread):
        def start(self) -> None:
            super().start()
            self.join()

    monkeypatch.setattr(threading, "Thread", EndedAtOnce)
    mask = run_command.block()
    try:
        assert run_command.run([sys.executable, "-S", "-c", ""], {}, mask) == 0
        assert signal.SIGALRM not in signal.sigpending()
    finally:
        # The one that a mistake leaves is taken here: it would end this process.
        if signal.SIGALRM in signal.sigpending():
            signal.sigwait({signal.SIGALRM})
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
