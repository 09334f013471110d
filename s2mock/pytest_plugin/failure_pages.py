"""`--s2mock-report`: for each test that fails, a page of what its mocks have met, in one file."""

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
# A test that tries many examples has a mock for each, of which the last are told.
_MAX_ENDED: Final = 16
_MAX_NAME: Final = 120


class _Look(NamedTuple):
    """A mock as it was when somebody looked; what takes long is put into words later."""

    powers: OwnPowers
    mark: int
    seen: Any
    status: dict[str, Any]


class FailurePages:
    """Registered where the option is given; with pytest-xdist in each of its processes.

    `folder` is where the files go. It is made with the first.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        # By the order in which they were made.
        self._looks: dict[int, _Look] = {}
        self._ended: list[int] = []
        # Of accounts on a server: what that has written.
        self._files: dict[int, bytes] = {}
        teardown_report.before_end.append(self._look_at_the_end)

    def pytest_unconfigure(self) -> None:
        """Look no longer."""
        teardown_report.before_end.remove(self._look_at_the_end)

    # Each as near to the test as can be: others take away its faults.

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        """Begin anew."""
        self._looks.clear()
        self._ended.clear()
        self._files.clear()
        return (yield from self._looking())

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Look at what there is when the test has ended."""
        return (yield from self._looking())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write the page of a test that failed, and say where it is."""
        report = yield
        if report.failed:
            # Where it has not failed by itself they are not there yet.
            self._ask_servers()
        if report.failed and (text := self._written(item, report.when)) is not None:
            report.sections.append((_TITLE, text))
        return report

    def _looking(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except BaseException:
            self._ask_servers()
            raise
        finally:
            for powers in list(teardown_report.living):
                self._look_at(powers)

    def _ask_servers(self) -> None:
        for powers in list(teardown_report.living):
            if not isinstance(powers, OwnPowers) and powers.order not in self._files:
                # Where the server is gone, so is what it had.
                with suppress(OSError):
                    self._files[powers.order] = powers.page()  # type: ignore[attr-defined]

    def _look_at_the_end(self, powers: Powers) -> None:
        if powers.order in self._ended:
            return
        self._look_at(powers)
        self._ended.append(powers.order)
        if len(self._ended) > _MAX_ENDED:
            self._looks.pop(self._ended.pop(0), None)

    def _look_at(self, powers: Powers) -> None:
        if not isinstance(powers, OwnPowers) or powers.order in self._ended:
            return
        from s2mock.control.account_view import see
        from s2mock.control.status import status_form

        seen, injector, engine = see(powers.engine), powers.injector, powers.engine
        status = status_form(
            seen,
            engine.clock,
            powers.journal,
            enumerate(injector.injections, 1),
            enumerate(injector.holds, 1),
            is_out=powers.is_out,
        )
        mark = teardown_report.last_number_before_test(powers)
        if mark is None or powers.journal.last_number > mark:
            self._looks[powers.order] = _Look(powers, mark or 0, seen, status)

    def _written(self, item: pytest.Item, when: str) -> str | None:
        """Where the page is, or why it is not; None where there is nothing to show."""
        if not self._looks and not self._files:
            return None
        path = self._folder / file_name(item.nodeid, when)
        try:
            file = self._file(item.nodeid)
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file)
        except OSError as error:
            return f"it could not be written: {error}"
        except Exception as error:  # noqa: BLE001  # the test's own failure is what counts
            failures.note(error)
            return f"it could not be made: {error!r}"
        return str(path)

    def _file(self, about: str) -> bytes:
        from s2mock.control.page import account_form, accounts_of, report

        accounts = [one for file in self._files.values() for one in accounts_of(file)]
        for number, (_, look) in enumerate(sorted(self._looks.items()), 1):
            exchanges = look.powers.journal.since(0)
            count = sum(exchange.number > look.mark for exchange in exchanges)
            name = f"mock {number}, {count} exchange{'' if count == 1 else 's'}"
            accounts.append(account_form(name, look.status, look.seen, exchanges, look.mark))
        return report(about, accounts)


def file_name(nodeid: str, when: str) -> str:
    """A name that every file system takes, of this test and no other."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid.replace("::", "--")).strip("-.")
    digest = hashlib.sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    phase = "" if when == "call" else f"-{when}"
    return f"{safe[-_MAX_NAME:]}-{digest}{phase}.html"
