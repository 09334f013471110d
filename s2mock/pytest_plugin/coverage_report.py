"""`--s2mock-coverage`: what a suite has met, of all its processes, said at its end."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from s2mock.powers import teardown_report
from s2mock.powers.coverage import Coverage

_OUTPUT: Final = "s2mock_coverage"


class CoveragePlugin:
    """Registered where the option is given; with pytest-xdist in each of its processes.

    `file` is where to write it as JSON, "" for nowhere.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self.coverage = Coverage()
        teardown_report.start_coverage(self.coverage)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Count what is left; hand it over to whoever has started this process, if anybody has."""
        teardown_report.stop_coverage()
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = json.dumps(self.coverage.to_json())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A process of pytest-xdist has ended."""
        # One that has crashed has counted for nothing.
        output = getattr(node, "workeroutput", {})
        if _OUTPUT in output:
            self.coverage.add(json.loads(output[_OUTPUT]))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say it, and write it."""
        terminalreporter.write_sep("=", "s2mock: what the tests have met")
        for line in self.coverage.lines():
            terminalreporter.write_line(line)
        if self._file:
            text = json.dumps(self.coverage.to_json(), indent=2)
            Path(self._file).write_text(f"{text}\n", encoding="utf-8")
            terminalreporter.write_line(f"written to {self._file}")
