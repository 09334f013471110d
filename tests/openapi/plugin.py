"""A pytest plugin that checks every response of the fake against the published description.

A test during which the fake has sent what neither the description nor the table of gaps has
fails, whichever way the request came in. Nothing is changed about the responses.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from s2mock.api import app as app_module
from s2mock.contract.schema_gaps import Finding, gap_of
from s2mock.powers.middleware import Stack
from s2mock.runtime.conversation import Conversation, Head, Step
from tests.conversations import relayed
from tests.openapi.checker import EVENT_STREAM, Response, check, check_event

MARKER = "openapi_unchecked"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker and begin to watch."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(reason): responses of this test are not checked against openapi.json, since it "
        "breaks the fake on purpose",
    )
    config.pluginmanager.register(_Watch(), "s2mock-openapi-watch")


class _Watch:
    """What the fake has sent during the test that is running."""

    def __init__(self) -> None:
        self._found: list[Finding | str] = []
        self._original = Stack.converse

    def pytest_sessionstart(self) -> None:
        original, found = self._original, self._found

        def watched(app: Stack, environ: dict[str, Any]) -> Conversation:
            return _watch(original, found, app, environ)

        Stack.converse = watched  # type: ignore[method-assign]

    def pytest_sessionfinish(self) -> None:
        Stack.converse = self._original  # type: ignore[method-assign]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        for marker in item.iter_markers(MARKER):
            if not (marker.args and isinstance(marker.args[0], str)):
                raise pytest.UsageError(f"@pytest.mark.{MARKER} takes the reason")
        yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        yield
        self._report(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        yield
        self._report(item)

    def _report(self, item: pytest.Item) -> None:
        found = list(dict.fromkeys(map(str, self._found)))
        self._found.clear()
        if found and item.get_closest_marker(MARKER) is None:
            lines = "\n  ".join(found)
            pytest.fail(f"not described by openapi.json, and no known gap:\n  {lines}", False)


def _watch(
    original: Any, found: list[Finding | str], app: Stack, environ: dict[str, Any]
) -> Conversation:
    method, path = environ["REQUEST_METHOD"], app_module.raw_path_of(environ)
    sends_events = False

    def said(step: Step) -> Step:
        nonlocal sends_events
        if isinstance(step, Head):
            sends_events = dict(step.headers).get("content-type") == EVENT_STREAM
            _note(found, check, Response(method, path, step.status, step.headers, step.body))
        elif isinstance(step, bytes) and sends_events:
            _note(found, check_event, path, step)
        return step

    return relayed(original(app, environ), said)


def _note(
    found: list[Finding | str], of: Callable[..., Iterable[Finding]], *arguments: Any
) -> None:
    try:
        found += [finding for finding in of(*arguments) if gap_of(finding) is None]
    except Exception as error:  # noqa: BLE001  # it would be lost in a thread of the server
        found.append(f"the check itself failed: {error!r}, on {arguments}")
