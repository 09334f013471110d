"""`python -m s2mock` with an unusual text for each flag: it serves, or reports the error."""

import gc
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2mock import __main__ as command
from s2mock.control.command_line.parser import make_parser
from s2mock.control.command_line.serve import STOP_SIGNALS

pytestmark = pytest.mark.slow

# An empty one, such as an unset variable of a shell; one that is no text, as the system hands it
# over; and what each kind of value may stumble over.
ODD = ("", " ", ",", "a,,b", "é", "\udcff", "nan", "-1", "9" * 30, "x" * 300, "é" * 100)
KINDS = ("serve", "lite", "run")


def flags(kind: str) -> list[str]:
    """The flags that take a value."""
    actions = make_parser(kind)._actions
    return [
        action.option_strings[-1]
        for action in actions
        if action.option_strings and action.nargs != 0
    ]


CASES = [(kind, flag) for kind in KINDS for flag in flags(kind)]


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What `main` does to its process is undone, and it is stopped as soon as it serves."""
    # Of a flag for a directory, one with that text as its name is made.
    monkeypatch.chdir(tmp_path)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    interval, handlers = sys.getswitchinterval(), [signal.getsignal(one) for one in STOP_SIGNALS]
    monkeypatch.setattr(signal, "sigwait", lambda _: signal.SIGTERM)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    yield
    gc.enable()
    sys.setswitchinterval(interval)
    for number, handler in zip(STOP_SIGNALS, handlers, strict=True):
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def ended(kind: str, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    """The exit status of the command with these arguments, on a free port unless they say it."""
    before = [] if kind == "serve" else [kind]
    port = [] if any(one.startswith("--port") for one in arguments) else ["--port=0"]
    host = [] if any(one.startswith("--host") for one in arguments) else ["--host=127.0.0.1"]
    behind = ["--", sys.executable, "-S", "-c", ""] if kind == "run" else []
    monkeypatch.setattr(sys, "argv", ["s2mock", *before, *port, *host, *arguments, *behind])
    try:
        return command.main()
    except SystemExit as error:
        return error.code


def test_every_flag_with_a_value_is_tried() -> None:
    assert {"--locations", "--token", "--host", "--init-file"} <= {flag for _, flag in CASES}
    assert "--tls-cert" in flags("lite")


@pytest.mark.parametrize(("kind", "flag"), CASES)
def test_odd_text_is_a_usage_error_or_works(
    kind: str, flag: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Any other exception would be a traceback."""
    for text in ODD:
        status = ended(kind, f"{flag}={text}", monkeypatch=monkeypatch)
        said = capfd.readouterr().err
        if status:
            # `lite` refuses in the words of `s2 lite`.
            is_refused = said.startswith("error: ") and kind == "lite"
            assert is_refused or said.splitlines()[-1].startswith("s2mock"), (text, said)
        else:
            assert status == 0, text
        assert "Traceback" not in said


@pytest.mark.parametrize("flag", flags("serve"))
def test_empty_text_is_a_usage_error_that_names_its_flag(
    flag: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As where a shell's variable is not set."""
    assert ended("serve", f"{flag}=", monkeypatch=monkeypatch) == 2
    said = capfd.readouterr().err
    assert said.startswith("usage: ")
    assert flag.removeprefix("--").replace("-", "_") in said.splitlines()[-1].replace("-", "_")


@pytest.mark.parametrize("flag", ["--tls-cert", "--tls-key"])
def test_empty_text_for_tls_is_refused_too(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended("lite", f"{flag}=", monkeypatch=monkeypatch) == 2
