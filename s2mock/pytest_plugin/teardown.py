"""What the end of a phase of a test reports: failures of the fake, unused faults, advice.

A session that never uses s2mock must not load it. So the modules that hold these reports are looked
up among the loaded ones: if a module is not loaded, there is nothing to report.
"""

import inspect
import sys
import warnings
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

from s2mock.pytest_plugin.options import is_advice_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from s2mock.handles.campaigns.driver import Surroundings

CAMPAIGNS: "pytest.StashKey[list[Surroundings]]" = pytest.StashKey()


def teardown_report() -> "ModuleType | None":
    """Return the module that collects the reports of a test; None before the first mock."""
    return sys.modules.get("s2mock.powers.teardown_report")


def begin_test() -> None:
    """Forget the reports of the test before."""
    if (report := teardown_report()) is not None:
        report.begin_test()


def note_runs(item: pytest.Item) -> None:
    """Have each run of a test that Hypothesis runs many times noted: the last one is reported."""
    # The attribute that Hypothesis documents for plugins.
    handle = getattr(getattr(item, "obj", None), "hypothesis", None)
    inner = getattr(handle, "inner_test", None)
    if inner is None or hasattr(inner, "s2mock_notes_runs"):
        return

    def begin_run() -> None:
        if (report := teardown_report()) is not None:
            report.begin_run()
        if (pages := item.config.pluginmanager.get_plugin("s2mock_report")) is not None:
            pages.begin_run()

    if inspect.iscoroutinefunction(inner):

        @wraps(inner)
        async def noted(*arguments: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            begin_run()
            return await inner(*arguments, **named)
    else:

        @wraps(inner)
        def noted(*arguments: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            begin_run()
            return inner(*arguments, **named)

    noted.s2mock_notes_runs = True  # type: ignore[attr-defined]
    handle.inner_test = noted  # type: ignore[union-attr]


@contextmanager
def report_beside_failure(item: pytest.Item, when: str) -> "Iterator[None]":
    """Add what failed in the fake to the report of another failure, a skip or an xfail."""
    try:
        yield
    except BaseException:
        # What is late is dropped with the faults, and advice depends on it.
        unused = _unused_faults(has_failed=True)
        # Before the failures: it may fail, too.
        advice = take_advice(item)
        texts = [*_failures_of_the_fake(), *unused]
        _add_to_report(item, when, texts, advice)
        raise


def end_call(item: pytest.Item) -> None:
    """Fail the test that passed if it left something unused or undone, or got advice as an error.

    A test of unittest that has failed gets the same texts as sections of its report.
    """
    # Of unittest: pytest learns of this failure later.
    has_failed = bool(getattr(item, "_excinfo", None))
    # What is late is dropped with the faults, and advice depends on it.
    unused = _unused_faults(has_failed=has_failed)
    advice, unfinished = take_advice(item), list[str]()
    if has_failed:
        _add_to_report(item, "call", unused, advice)
        unused, advice = [], []
    else:
        unfinished = unfinished_campaigns(item, has_failed=False)
    fail_for_fake([*unfinished, *unused, *advice_as_errors(advice)])


def _add_to_report(
    item: pytest.Item, when: str, texts: "Iterable[str]", advice: "Iterable[str]"
) -> None:
    for text in texts:
        item.add_report_section(when, "s2mock", text)
    for text in advice:
        _warn(item, text, always=True)


def fail_for_fake(others: "Iterable[str]" = ()) -> None:
    """Fail the test if the fake itself failed, or if there are `others`."""
    if texts := [*_failures_of_the_fake(), *others]:
        pytest.fail("\n".join(texts), pytrace=False)


def _failures_of_the_fake() -> list[str]:
    """Return the failures of s2mock itself since the last call, each with its traceback."""
    failures = sys.modules.get("s2mock.runtime.failures")
    if failures is None:
        return []
    return [
        f"s2mock itself failed in this test, please report it:\n{trace}"
        for trace in failures.take()
    ]


def _unused_faults(*, has_failed: bool) -> list[str]:
    """Return the complaints about faults that the test injected and did not use; remove those."""
    report = teardown_report()
    return [] if report is None else report.take_complaints(has_failed=has_failed)


def unfinished_campaigns(item: pytest.Item, *, has_failed: bool) -> list[str]:
    """Return the complaints about the test's campaigns whose attempts did not all run."""
    found = item.stash.get(CAMPAIGNS, [])
    return [text for one in found for text in one.take_unfinished(has_failed=has_failed)]


def advice_as_errors(advice: "Iterable[str]") -> list[str]:
    """Return the texts of advice as they are shown where a filter makes them errors."""
    return [f"S2Advice: {text}" for text in advice]


def take_advice(item: pytest.Item) -> list[str]:
    """Warn of the test's advice; return the texts that a filter turned into errors.

    A late request never fails the test, since an earlier test sent it.
    """
    tokens, report = sys.modules.get("s2mock.runtime.mock_tokens"), teardown_report()
    late = [] if tokens is None else tokens.take_late()
    advice = [] if report is None else report.take_advice()
    advice += [text for one in item.stash.get(CAMPAIGNS, []) for text in one.take_advice()]
    if not is_advice_on(item.config):
        return []
    for text in late:
        if not _warn(item, text):
            _warn(item, text, always=True)
    return [text for text in advice if not _warn(item, text)]


def _warn(item: pytest.Item, text: str, *, always: bool = False) -> bool:
    """Emit the warning; return False if a filter turned it into an error.

    With `always` no filter applies.
    """
    from s2mock.powers.errors import S2Advice

    where = (str(item.path), (item.location[1] or 0) + 1)
    try:
        with warnings.catch_warnings() if always else nullcontext():
            if always:
                warnings.simplefilter("always", S2Advice)
            warnings.warn_explicit(text, S2Advice, *where)
    except S2Advice:
        return False
    return True


def sections() -> "list[Any]":
    """Return the sections for the report of a test that failed: the exchanges of its mocks."""
    report = teardown_report()
    return [] if report is None else report.timelines()
