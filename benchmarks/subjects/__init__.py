"""One module for each subject; each has `measure(quick)`, which yields rows."""

from collections.abc import Iterator
from importlib import import_module

from benchmarks.table import Row

# The name on the command line, and the module that measures it.
SUBJECTS = {
    "socket": "benchmarks.subjects.create_by_socket",
    "in-process": "benchmarks.subjects.create_in_process",
    "operations": "benchmarks.subjects.operations",
    "account": "benchmarks.subjects.account",
    "fixture": "benchmarks.subjects.fixture",
    "plugin": "benchmarks.subjects.idle_plugin",
    "startup": "benchmarks.subjects.startup",
    "executable": "benchmarks.subjects.executable",
    "scale": "benchmarks.subjects.scale",
    "append": "benchmarks.subjects.append",
    "read": "benchmarks.subjects.read",
    "log": "benchmarks.subjects.log_scale",
    "proxy": "benchmarks.subjects.proxy",
    "journal": "benchmarks.subjects.journal",
    "snapshot": "benchmarks.subjects.snapshot",
    "campaigns": "benchmarks.subjects.campaigns",
    "kept": "benchmarks.subjects.kept",
}


def measure(subject: str, *, quick: bool) -> Iterator[Row]:
    """Yield the rows of that subject, each as soon as it is measured."""
    rows: Iterator[Row] = import_module(SUBJECTS[subject]).measure(quick)
    return rows
