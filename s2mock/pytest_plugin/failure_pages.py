"""`--s2mock-report`: an HTML file for each test that fails, and a list of them.

A page begins with what pytest says of the failure, and has the exchanges of the test's mocks.
"""

import hashlib
import os
import re
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from s2mock.powers import teardown_report
from s2mock.powers.powers import Powers as OwnPowers
from s2mock.powers.protocols import Powers
from s2mock.powers.redaction import redact_issued_tokens
from s2mock.pytest_plugin.failure_index import GENERATOR, ListedFailure, index_page
from s2mock.pytest_plugin.failure_text import failure_to_json, redact_failure
from s2mock.pytest_plugin.teardown import CAMPAIGNS
from s2mock.runtime import failures

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange

_TITLE: Final = "s2mock: the page of this test"
# A test that tries many examples has a mock for each. The last ones are shown.
_MAX_ENDED: Final = 16
_MAX_NAME: Final = 120
_INDEX: Final = "index.html"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+-[0-9a-f]{8}(-[a-z]+)?\.html")
# The mark of a page is within this many bytes.
_HEAD_BYTES: Final = 400


class _Capture(NamedTuple):
    """The state of a mock at one moment, to be serialized if the test fails."""

    powers: OwnPowers
    mark: int
    view: Any
    status: dict[str, Any]


class FailurePages:
    """The plugin of `--s2mock-report`; with pytest-xdist one in each process.

    `folder` is the directory of the files. The first file creates it. The pages of an earlier run
    are removed at the start by the process that is no worker (`is_worker`), which writes the list.
    Raises `pytest.UsageError` for a directory that cannot be written.
    """

    def __init__(self, folder: str, *, is_worker: bool = False) -> None:
        self._folder = Path(folder)
        self._is_worker = is_worker
        # By the names of their files: a subtest that fails has the page of its test.
        self._listed: dict[str, ListedFailure] = {}
        if not is_worker:
            check_folder(self._folder)
            remove_pages(self._folder)
        # By the order in which the mocks were made.
        self._captures: dict[int, _Capture] = {}
        self._ended: list[int] = []
        # The reports of accounts on a server, as that server has written them.
        self._files: dict[int, bytes] = {}
        teardown_report.before_end.append(self._capture_at_end)

    def pytest_unconfigure(self) -> None:
        """Stop capturing mocks that end."""
        teardown_report.before_end.remove(self._capture_at_end)

    # Each hook runs as near to the test as it can: other plugins and fixtures remove its faults.

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        """Forget the test before; capture the mocks after the setup."""
        self._forget()
        return (yield from self._capture_after())

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Capture the mocks when the test has ended."""
        return (yield from self._capture_after())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: "pytest.CallInfo[Any]"
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write the page of a test that failed, and add its path to the report."""
        report = yield
        if report.failed:
            # A test that failed only because of a report has not asked them yet.
            self._ask_servers()
        if report.failed and (text := self._written(item, report, call)) is not None:
            report.sections.append((_TITLE, text))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the page of a test that failed, in this process or in a worker."""
        paths = [text for title, text in report.sections if title == _TITLE]
        if self._is_worker or not paths or not paths[-1].endswith(".html"):
            return
        crash = getattr(report.longrepr, "reprcrash", None)
        message = report.longreprtext if crash is None else str(crash.message)
        name = Path(paths[-1]).name
        text = redact_issued_tokens(message)
        self._listed[name] = ListedFailure(report.nodeid, report.when, name, text)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the list of the pages, and a line that says where it is."""
        if not self._listed:
            return
        path = self._folder / _INDEX
        try:
            path.write_text(index_page(self._listed.values()), "utf-8")
        except OSError as error:
            terminalreporter.write_line(f"s2mock: {path} could not be written: {error}")
            return
        count = len(self._listed)
        pages = f"{count} page{'' if count == 1 else 's'} of failed tests"
        terminalreporter.write_line(f"s2mock: {pages}: {path}")

    def begin_run(self) -> None:
        """Forget what an earlier run of the same test has left, as with Hypothesis."""
        self._forget()

    def _forget(self) -> None:
        self._captures.clear()
        self._ended.clear()
        self._files.clear()

    def _capture_after(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except BaseException:
            self._ask_servers()
            raise
        finally:
            for powers in list(teardown_report.living):
                self._capture(powers)

    def _ask_servers(self) -> None:
        for powers in list(teardown_report.living):
            if not isinstance(powers, OwnPowers) and powers.order not in self._files:
                # A server that has ended has no page any more.
                with suppress(OSError):
                    self._files[powers.order] = powers.page()  # type: ignore[attr-defined]

    def _capture_at_end(self, powers: Powers) -> None:
        if powers.order in self._ended:
            return
        self._capture(powers)
        self._ended.append(powers.order)
        if len(self._ended) > _MAX_ENDED:
            self._captures.pop(self._ended.pop(0), None)

    def _capture(self, powers: Powers) -> None:
        if not isinstance(powers, OwnPowers) or powers.order in self._ended:
            return
        from s2mock.control.views.account_view import capture
        from s2mock.control.views.status import status_to_json

        view, injector, engine = capture(powers.engine), powers.injector, powers.engine
        status = status_to_json(
            view,
            engine.clock,
            powers.journal,
            enumerate(injector.injections, 1),
            enumerate((*injector.hooks, *injector.holds), 1),
            is_out=powers.is_out,
        )
        mark = teardown_report.last_number_before_test(powers)
        if mark is None or powers.journal.last_number > mark:
            self._captures[powers.order] = _Capture(powers, mark or 0, view, status)

    def _written(
        self, item: pytest.Item, report: pytest.TestReport, call: "pytest.CallInfo[Any]"
    ) -> str | None:
        """Write the page; return its path or what went wrong, None if there is nothing to show."""
        if not self._captures and not self._files:
            return None
        path = self._folder / file_name(item.nodeid, report.when)
        try:
            failure = failure_to_json(item, report, call)
            file = self._file(item.nodeid, failure, _campaigns_of(item))
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file)
        except OSError as error:
            return f"it could not be written: {error}"
        except Exception as error:  # noqa: BLE001  # the test's own failure matters more
            failures.note(error)
            return f"it could not be made: {error!r}"
        return str(path)

    def _file(self, about: str, failure: dict[str, Any], campaigns: list[dict[str, Any]]) -> bytes:
        from s2mock.control.views.page import account_to_json, accounts_of, make_report
        from s2mock.powers.cause import find_cause

        accounts = [one for file in self._files.values() for one in accounts_of(file)]
        shown: list[Exchange] = []
        causes = []
        for number, (_, captured) in enumerate(sorted(self._captures.items()), 1):
            exchanges = captured.powers.journal.since(0)
            of_test = [one for one in exchanges if one.number > captured.mark]
            shown += of_test
            if (cause := find_cause(of_test, failure["message"])) is not None:
                causes.append((len(accounts), cause))
            count = f"{len(of_test)} exchange{'' if len(of_test) == 1 else 's'}"
            label = captured.powers.label
            name = f"mock {number}, {count}{f' ({label})' if label else ''}"
            accounts.append(
                account_to_json(name, captured.status, captured.view, exchanges, captured.mark)
            )
        failure = redact_failure(failure, shown)
        # The shortest failure of a campaign explains more than an exchange of its last attempts.
        has_shortest = any(one["shortest"] for one in campaigns)
        if causes and not has_shortest:
            best = find_cause([one for _, one in causes], failure["message"])
            account, cause = next(pair for pair in causes if pair[1] is best)
            failure |= {"account": account, "exchange": cause.number}
        return make_report(about, accounts, failure, campaigns)


def _campaigns_of(item: pytest.Item) -> list[dict[str, Any]]:
    """Return the campaigns of a test, with their attempts, as JSON."""
    found = [one for each in item.stash.get(CAMPAIGNS, []) for one in each.campaigns]
    return [overview for one in found if (overview := one.overview()) is not None]


def check_folder(folder: Path) -> None:
    """Check that pages can be written to a directory. Raises `pytest.UsageError`."""
    there = folder
    while not there.exists() and there.parent != there:
        there = there.parent
    if not there.is_dir():
        raise pytest.UsageError(
            f"--s2mock-report writes to a directory, and {there} is a file: name another one"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise pytest.UsageError(
            f"--s2mock-report cannot write to {there}: give it the permission, or name another one"
        )


def remove_pages(folder: Path) -> None:
    """Remove the pages and the list that an earlier run has written, and nothing else."""
    for path in folder.glob("*.html") if folder.is_dir() else ():
        if path.name != _INDEX and not _NAME.fullmatch(path.name):
            continue
        with suppress(OSError):
            with path.open("rb") as file:
                is_ours = GENERATOR.encode() in file.read(_HEAD_BYTES)
            if is_ours:
                path.unlink()


def file_name(nodeid: str, when: str) -> str:
    """Return a file name that is unique to this test and valid on every file system."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid.replace("::", "--")).strip("-.")
    digest = hashlib.sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    phase = "" if when == "call" else f"-{when}"
    return f"{safe[-_MAX_NAME:]}-{digest}{phase}.html"
