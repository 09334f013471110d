"""The cost of the plugin for a session that does not use it.

Processor time: the difference of two sessions is small, and other programs on the machine affect
processor time less than the clock.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers import absence
from benchmarks.rounds import interleave
from benchmarks.table import Row, milliseconds

_HTTPSERVER = "pytest-httpserver"
_IMPORT = """
import pytest, time
start = time.process_time()
import {module}
print(time.process_time() - start)
"""


def measure(quick: bool) -> Iterator[Row]:
    """Seconds of a session: of the import alone, and of everything."""
    absent = absence(_HTTPSERVER)
    modules = {"s2mock": "s2mock.pytest_plugin"}
    plugins = {"none": "", "s2mock": "s2mock"}
    if not absent:
        modules[_HTTPSERVER] = "pytest_httpserver.pytest_plugin"
        plugins[_HTTPSERVER] = "pytest_httpserver"
    imports = {name: partial(_time_of_import, module) for name, module in modules.items()}
    times = interleave(imports, 1 if quick else 15)
    with TemporaryDirectory() as folder:
        (Path(folder) / "test_empty.py").write_text("def test():\n    pass\n")
        sessions = {
            name: partial(_time_of_session, folder, plugin) for name, plugin in plugins.items()
        }
        interleave(sessions, 1)
        whole = interleave(sessions, 1 if quick else 25)
    costs = {
        name: [a - b for a, b in zip(whole[name], whole["none"], strict=True)] for name in whole
    }
    for title, values in (("import of the plugin", times), ("idle plugin, per session", costs)):
        yield Row(
            title,
            values["s2mock"],
            milliseconds,
            peer=_HTTPSERVER,
            theirs=values.get(_HTTPSERVER),
            aim=2e-3,
            absolute=True,
            absent=absent,
        )
    yield Row("a whole session without the plugin", whole["none"], milliseconds)


def _time_of_import(module: str) -> float:
    command = [sys.executable, "-c", _IMPORT.format(module=module)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def _time_of_session(folder: str, plugin: str) -> float:
    """Return the time of a session with that plugin and only those of pytest."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    installed = {point.name for point in entry_points(group="pytest11")}
    for other in sorted(installed - {plugin}):
        command += ["-p", f"no:{other}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
