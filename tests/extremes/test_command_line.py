"""Numbers on the command line of the standalone server."""

import gc
import signal
import sys
from collections.abc import Iterator

import pytest

from s2mock import S2Mock, __main__
from s2mock.control.command_line.parser import make_parser
from s2mock.handles import mock
from s2mock.runtime import failures
from tests.extremes.test_pytest_options import NUMERIC
from tests.extremes.values import VALUES, exercise

pytestmark = pytest.mark.slow

OPTIONS = [
    (kind, action.option_strings[0])
    for kind in ("serve", "lite")
    for action in make_parser(kind)._actions
    if action.dest in NUMERIC or "bytes" in action.dest
]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[S2Mock]]:
    """No signals, and nothing of the process is set; the mocks that are made are in the list."""
    made: list[S2Mock] = []

    class Noting(S2Mock):
        def __init__(self, **options: object) -> None:
            super().__init__(**options)  # type: ignore[arg-type]
            made.append(self)

    monkeypatch.setattr(mock, "S2Mock", Noting)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *_: set())
    monkeypatch.setattr(signal, "sigwait", lambda _: exercise(made[-1]))
    monkeypatch.setattr(sys, "setswitchinterval", lambda _: None)
    for name in ("disable", "enable", "freeze"):
        monkeypatch.setattr(gc, name, lambda: None)
    yield made
    for one in made:
        one.close()


@pytest.mark.parametrize(("kind", "option"), OPTIONS, ids=map("-".join, OPTIONS))
def test_a_number_is_refused_or_works(
    quiet: list[S2Mock],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    option: str,
) -> None:
    wrong: list[str] = []
    for what, value in VALUES.items():
        rest = [] if option == "--port" else ["--port", "0"]
        given = ["--host", "127.0.0.1", *rest, f"{option}={value}"]
        monkeypatch.setattr(sys, "argv", ["s2mock", *([kind] if kind != "serve" else []), *given])
        count = len(quiet)
        try:
            status = __main__.main()
        except SystemExit as ending:
            printed = capsys.readouterr().err
            name = option.removeprefix("--").replace("-", "_")
            is_clear = ending.code == 2 and (name in printed or option in printed)
            if not is_clear or "Traceback" in printed:
                wrong.append(f"{what}: {printed}")
        except Exception as error:  # noqa: BLE001  # all of them are told at once
            wrong.append(f"{what}: {error!r}")
        else:
            if status != 0 or len(quiet) != count + 1:
                wrong.append(f"{what}: {status} {capsys.readouterr().err}")
        wrong += [f"{what}: {trace[-500:]}" for trace in failures.take()]
    assert not wrong, "\n".join(wrong)


def test_each_option_of_a_mock_with_a_number_is_there() -> None:
    names = {option.removeprefix("--").replace("-", "_") for _, option in OPTIONS}
    assert names >= NUMERIC
