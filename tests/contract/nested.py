"""Runs of tests inside a test, on the fake of this process: of the contract suite, and of ours."""

import contextlib
import gc
import io
import os
import sys
import warnings
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import conftest


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
    directory = files("s2mock.contract")
    paths = [str(directory.joinpath(_file(test))) for test in tests]
    return _run(paths, str(directory), monkeypatch, *options)


def run_ours(
    tests: Iterable[str], folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> Outcome:
    """Run those tests of a folder of this project, `module::test` each, as `run_contract` does."""
    # The collection of garbage after each run would take longer than the tests.
    monkeypatch.delattr(conftest, "pytest_collection_finish", raising=False)
    paths = [f"{folder}/{_file(test)}" for test in tests]
    root = str(Path(conftest.__file__).parent.parent)
    try:
        return _run(paths, root, monkeypatch, "-W", "ignore::ResourceWarning", *options)
    finally:
        # A test that has failed is kept there, with its sockets, which no later test has to answer
        # for.
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            vars(sys).pop(name, None)
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            gc.collect()


def _run(
    paths: list[str], directory: str, monkeypatch: pytest.MonkeyPatch, *options: str
) -> Outcome:
    # No plugin but ours, and none of this project's settings.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    recorder, output = _Recorder(), io.StringIO()
    arguments = [*paths, "-p", "s2mock.pytest_plugin", "-p", "no:cacheprovider", "-c", os.devnull]
    arguments += ["--rootdir", directory, "--capture=no", "-q", *options]
    with contextlib.redirect_stdout(output):
        status = pytest.main(arguments, plugins=[recorder])
    assert status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), output.getvalue()
    return Outcome(recorder.passed, recorder.failed, recorder.skipped, output.getvalue())


def _file(test: str) -> str:
    module, separator, rest = test.partition("::")
    return f"{module}.py{separator}{rest}"
