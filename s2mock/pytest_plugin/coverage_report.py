"""`--s2mock-coverage`: the S2 behaviours that a suite covered, in all of its processes."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from s2mock.powers import teardown_report
from s2mock.powers.coverage import Coverage

_OUTPUT: Final = "s2mock_coverage"


class CoveragePlugin:
    """The plugin of `--s2mock-coverage`; with pytest-xdist one in each process.

    `file` is the path of a JSON file to write, "" for none.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self.coverage = Coverage()
        teardown_report.start_coverage(self.coverage)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Count the remaining exchanges; a process of pytest-xdist sends the counts on."""
        teardown_report.stop_coverage()
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = json.dumps(self.coverage.to_json())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add the counts of a process of pytest-xdist that has ended."""
        # A process that has crashed sends no counts.
        output = getattr(node, "workeroutput", {})
        if _OUTPUT in output:
            self.coverage.add(json.loads(output[_OUTPUT]))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the report, and write it to the file."""
        terminalreporter.write_sep("=", "s2mock: behaviours that the tests covered")
        for line in self.coverage.lines():
            terminalreporter.write_line(line)
        if self._file:
            text = json.dumps(self.coverage.to_json(), indent=2)
            Path(self._file).write_text(f"{text}\n", encoding="utf-8")
            terminalreporter.write_line(f"written to {self._file}")
