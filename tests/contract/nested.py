"""Runs of the contract suite inside a test, on the fake of this process."""

import contextlib
import io
import os
from collections.abc import Iterable
from importlib.resources import files
from typing import NamedTuple

import pytest


class Outcome(NamedTuple):
    """What came of a run. Tests are named as pytest names them, without directories."""

    passed: list[str]
    failed: list[str]
    skipped: list[str]
    output: str


class _Recorder:
    def __init__(self) -> None:
        self.passed: list[str] = []
        self.failed: list[str] = []
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("/")[2]
        if report.failed:
            self.failed.append(name)
        elif report.skipped:
            self.skipped.append(name)
        elif report.passed and report.when == "call":
            self.passed.append(name)


def run_contract(tests: Iterable[str], monkeypatch: pytest.MonkeyPatch, *options: str) -> Outcome:
    """Run those tests, `module::test` each, as `pytest --pyargs s2mock.contract` would.

    Fails if there is a test that cannot be collected.
    """
    # No plugin but ours, and none of this project's settings.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    directory = files("s2mock.contract")
    recorder, output = _Recorder(), io.StringIO()
    arguments = [str(directory.joinpath(_file(test))) for test in tests]
    arguments += ["-p", "s2mock.pytest_plugin", "-p", "no:cacheprovider", "-c", os.devnull]
    arguments += ["--rootdir", str(directory), "--capture=no", "-q", *options]
    with contextlib.redirect_stdout(output):
        status = pytest.main(arguments, plugins=[recorder])
    assert status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), output.getvalue()
    return Outcome(recorder.passed, recorder.failed, recorder.skipped, output.getvalue())


def _file(test: str) -> str:
    module, separator, rest = test.partition("::")
    return f"{module}.py{separator}{rest}"
