"""The list of the tests of simulations that a run of pytest has not run."""

from typing import Final

import pytest

REASON: Final = "simloom, for Python 3.12 and newer, is not installed: run `make simulation`"


def write(terminal: pytest.TerminalReporter) -> None:
    """Write the name of each test that was skipped for want of simloom."""
    names = [
        report.nodeid
        for report in terminal.getreports("skipped")
        if isinstance(report.longrepr, tuple) and report.longrepr[2].endswith(REASON)
    ]
    if names:
        terminal.section("simulations that were not run")
        terminal.write_line(REASON)
        for name in sorted(names):
            terminal.write_line(name)
