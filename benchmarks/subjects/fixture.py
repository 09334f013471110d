"""The cost of the fixture for a test: many empty tests, with and without it, in turn.

The tests of one session alternate: one session is slower than another by more than a fixture takes.
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

# Measures each test alone, without the start of the session and the collection, and the first one,
# which pays for imports and the socket, apart from the others.
_CONFTEST = """
import json, pathlib, statistics, time, pytest

seconds = {}

def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.callspec.params["number"])

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    start = time.process_time()
    result = yield
    seconds.setdefault(item.originalname, []).append(time.process_time() - start)
    return result

def pytest_sessionfinish():
    found = {name: [all[0], statistics.median(all[1:] or all)] for name, all in seconds.items()}
    pathlib.Path("seconds").write_text(json.dumps(found))

@pytest.fixture
def empty():
    yield object()

@pytest.fixture
def requesting(request):
    yield object()
"""
_TEST = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_{name}({arguments}):
    {body}
"""
_HTTPSERVER = "httpserver"
# The test's arguments and body.
_SIDES = {
    "nothing": ("number", "pass"),
    "empty": ("number, empty", "pass"),
    "requesting": ("number, requesting", "pass"),
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
    rounds, tests = (1, 20) if quick else (5, 500)
    absent = absence("pytest-httpserver")
    sides = [name for name in _SIDES if name != _HTTPSERVER or not absent]
    rest: dict[str, list[float]] = {name: [] for name in sides}
    with TemporaryDirectory() as folder:
        (Path(folder) / "conftest.py").write_text(_CONFTEST)

        def first(name: str) -> float:
            return _seconds(Path(folder), [name], 1)[name][0]

        for _ in range(rounds):
            for name, (_, seconds) in _seconds(Path(folder), sides, tests).items():
                rest[name].append(seconds)
        starting = [name for name in ("url", "nothing", _HTTPSERVER) if name in sides]
        firsts = interleave({name: partial(first, name) for name in starting}, rounds)
    costs = {name: _more(times, rest["nothing"]) for name, times in rest.items()}
    yield Row(
        "fixture that takes `request` and returns an object, per test",
        costs["requesting"],
        milliseconds,
        peer="empty fixture",
        theirs=costs["empty"],
    )
    for name, title in _TITLES.items():
        peer = _HTTPSERVER if name == "url" else "empty"
        yield Row(
            title,
            costs[name],
            milliseconds,
            peer="pytest-httpserver" if name == "url" else "empty fixture",
            theirs=costs.get(peer),
            aim=2.5 if name == "url" else 4 if name == "s2_mock" else None,
            absent=absent if name == "url" else "",
        )
    yield Row(
        "fixture s2_mock, url read, first in a session",
        _more(firsts["url"], firsts["nothing"]),
        milliseconds,
        peer="pytest-httpserver",
        theirs=_more(firsts[_HTTPSERVER], firsts["nothing"]) if _HTTPSERVER in firsts else None,
        aim=40e-3,
        absolute=True,
        absent=absent,
    )


def _more(times: list[float], base: list[float]) -> list[float]:
    """Return the additional time of each round."""
    return [time - without for time, without in zip(times, base, strict=True)]


def _seconds(folder: Path, sides: list[str], count: int) -> dict[str, tuple[float, float]]:
    """Return the seconds of the first test of each side, and the median of its others."""
    source = "".join(
        _TEST.format(count=count, name=name, arguments=_SIDES[name][0], body=_SIDES[name][1])
        for name in sides
    )
    (folder / "test_empty.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "s2mock.pytest_plugin"]
    if _HTTPSERVER in sides:
        command += ["-p", "pytest_httpserver.pytest_plugin"]
    subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    found = json.loads((folder / "seconds").read_text())
    return {name.removeprefix("test_"): (first, others) for name, (first, others) in found.items()}
