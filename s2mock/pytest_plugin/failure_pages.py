"""`--s2mock-report`: an HTML file for each test that fails, with the exchanges of its mocks."""

import hashlib
import re
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from s2mock.powers import teardown_report
from s2mock.powers.powers import Powers as OwnPowers
from s2mock.powers.protocols import Powers
from s2mock.runtime import failures

_TITLE: Final = "s2mock: the page of this test"
# A test that tries many examples has a mock for each. The last ones are shown.
_MAX_ENDED: Final = 16
_MAX_NAME: Final = 120


class _Capture(NamedTuple):
    """The state of a mock at one moment, to be serialized if the test fails."""

    powers: OwnPowers
    mark: int
    view: Any
    status: dict[str, Any]


class FailurePages:
    """The plugin of `--s2mock-report`; with pytest-xdist one in each process.

    `folder` is the directory of the files. The first file creates it.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
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
        self._captures.clear()
        self._ended.clear()
        self._files.clear()
        return (yield from self._capture_after())

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Capture the mocks when the test has ended."""
        return (yield from self._capture_after())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write the page of a test that failed, and add its path to the report."""
        report = yield
        if report.failed:
            # A test that failed only because of a report has not asked them yet.
            self._ask_servers()
        if report.failed and (text := self._written(item, report.when)) is not None:
            report.sections.append((_TITLE, text))
        return report

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

    def _written(self, item: pytest.Item, when: str) -> str | None:
        """Write the page; return its path or what went wrong, None if there is nothing to show."""
        if not self._captures and not self._files:
            return None
        path = self._folder / file_name(item.nodeid, when)
        try:
            file = self._file(item.nodeid)
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file)
        except OSError as error:
            return f"it could not be written: {error}"
        except Exception as error:  # noqa: BLE001  # the test's own failure matters more
            failures.note(error)
            return f"it could not be made: {error!r}"
        return str(path)

    def _file(self, about: str) -> bytes:
        from s2mock.control.views.page import account_to_json, accounts_of, make_report

        accounts = [one for file in self._files.values() for one in accounts_of(file)]
        for number, (_, captured) in enumerate(sorted(self._captures.items()), 1):
            exchanges = captured.powers.journal.since(0)
            count = sum(exchange.number > captured.mark for exchange in exchanges)
            name = f"mock {number}, {count} exchange{'' if count == 1 else 's'}"
            accounts.append(
                account_to_json(name, captured.status, captured.view, exchanges, captured.mark)
            )
        return make_report(about, accounts)


def file_name(nodeid: str, when: str) -> str:
    """Return a file name that is unique to this test and valid on every file system."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid.replace("::", "--")).strip("-.")
    digest = hashlib.sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    phase = "" if when == "call" else f"-{when}"
    return f"{safe[-_MAX_NAME:]}-{digest}{phase}.html"
