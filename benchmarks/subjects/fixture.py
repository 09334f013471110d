"""The cost of the fixture for a test: sessions of many empty tests, with and without it.

Processor time, which other programs on the machine affect less than the clock.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers import absence
from benchmarks.rounds import interleave
from benchmarks.table import Row, milliseconds

# Measures the tests alone, without the start of the session and the collection, and the first one,
# which pays for imports and the socket, apart from the others.
_CONFTEST = """
import itertools, json, pathlib, time, pytest

ends = [time.process_time()]

@pytest.hookimpl(wrapper=True)
def pytest_runtestloop():
    ends[:] = [time.process_time()]
    return (yield)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    result = yield
    ends.append(time.process_time())
    return result

def pytest_sessionfinish():
    first, *others = [b - a for a, b in itertools.pairwise(ends)]
    pathlib.Path("seconds").write_text(json.dumps([first, sum(others) / len(others)]))

@pytest.fixture
def empty():
    yield object()
"""
_TESTS = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test({arguments}):
    {body}
"""
_HTTPSERVER = "pytest-httpserver"
# The test's arguments and body.
_SIDES = {
    "nothing": ("number", "pass"),
    "empty fixture": ("number, empty", "pass"),
    "s2_mock": ("number, s2_mock", "pass"),
    "basin": ("number, s2_mock", "s2_mock.create_basin('my-basin').create_stream('logs')"),
    "url": ("number, s2_mock", "s2_mock.url"),
    _HTTPSERVER: ("number, httpserver", "httpserver.url_for('/')"),
}
_TITLES = {
    "s2_mock": "fixture s2_mock, per test",
    "basin": "fixture s2_mock, a basin and a stream created, per test",
    "url": "fixture s2_mock, url read, per test",
}


def measure(quick: bool) -> Iterator[Row]:
    """Seconds that a test takes longer than one without any fixture."""
    rounds, tests = (1, 100) if quick else (5, 2000)
    absent = absence(_HTTPSERVER)
    with TemporaryDirectory() as folder:
        (Path(folder) / "conftest.py").write_text(_CONFTEST)
        firsts: dict[str, list[float]] = {name: [] for name in _SIDES}
        sides = {
            name: partial(_time_of_tests, Path(folder), *side, tests, firsts[name])
            for name, side in _SIDES.items()
            if name != _HTTPSERVER or not absent
        }
        times = interleave(sides, rounds)
    costs = {name: _more(times[name], times["nothing"]) for name in times}
    for name, title in _TITLES.items():
        peer = _HTTPSERVER if name == "url" else "empty fixture"
        yield Row(
            title,
            costs[name],
            milliseconds,
            peer=peer,
            theirs=costs.get(peer),
            aim=0.3e-3,
            absolute=True,
            absent=absent if peer == _HTTPSERVER else "",
        )
    yield Row(
        "fixture s2_mock, url read, first in a session",
        _more(firsts["url"], firsts["nothing"]),
        milliseconds,
        peer=_HTTPSERVER,
        theirs=_more(firsts[_HTTPSERVER], firsts["nothing"]) or None,
        aim=40e-3,
        absolute=True,
        absent=absent,
    )


def _more(times: list[float], base: list[float]) -> list[float]:
    """Return the additional time of each round, or nothing for a side that was not measured."""
    return [time - without for time, without in zip(times, base, strict=False)]


def _time_of_tests(
    folder: Path, arguments: str, body: str, count: int, firsts: list[float]
) -> float:
    """Return the mean of all tests but the first, whose time is added to `firsts`."""
    source = _TESTS.format(arguments=arguments, body=body, count=count)
    (folder / "test_empty.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "s2mock.pytest_plugin"]
    if "httpserver" in arguments:
        command += ["-p", "pytest_httpserver.pytest_plugin"]
    subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    first, others = json.loads((folder / "seconds").read_text())
    firsts.append(first)
    return float(others)
