"""A pytest plugin that checks every response of the fake against the published description.

A test during which the fake has sent what neither the description nor the table of gaps has
fails, whichever thread the response was sent from. Nothing is changed about the responses.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from s2mock.api import app as app_module
from s2mock.api.app import App
from s2mock.contract.schema_gaps import Finding, gap_of
from tests.openapi.checker import EVENT_STREAM, Response, check, check_event

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MARKER = "openapi_unchecked"
_SESSIONS = (EVENT_STREAM, "s2s/proto")


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
        self._original = App.__call__

    def pytest_sessionstart(self) -> None:
        original, found = self._original, self._found

        def watched(
            app: App, environ: "WSGIEnvironment", start_response: "StartResponse"
        ) -> Iterable[bytes]:
            return _watch(original, found, app, environ, start_response)

        App.__call__ = watched  # type: ignore[assignment, method-assign]

    def pytest_sessionfinish(self) -> None:
        App.__call__ = self._original  # type: ignore[method-assign]

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
    original: Any,
    found: list[Finding | str],
    app: App,
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
) -> Iterable[bytes]:
    head: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        head[:] = int(status.partition(" ")[0]), headers
        return start_response(status, headers, *exc_info)

    # Called for only now, since the app tidies up the path that it is given.
    chunks = original(app, environ, start)
    status, headers = head
    method, path = environ["REQUEST_METHOD"], app_module._raw_path(environ)
    content_type = dict(headers).get("content-type")
    if method != "HEAD" and content_type in _SESSIONS:
        _note(found, check, Response(method, path, status, headers, None))
        return _Events(found, path, chunks) if content_type == EVENT_STREAM else chunks
    with closing(chunks) if hasattr(chunks, "close") else nullcontext():
        body = b"".join(chunks)
    _note(found, check, Response(method, path, status, headers, body))
    return [body]


def _note(
    found: list[Finding | str], of: Callable[..., Iterable[Finding]], *arguments: Any
) -> None:
    try:
        found += [finding for finding in of(*arguments) if gap_of(finding) is None]
    except Exception as error:  # noqa: BLE001  # it would be lost in a thread of the server
        found.append(f"the check itself failed: {error!r}, on {arguments}")


class _Events:
    """The events of a read, each checked when it is sent."""

    def __init__(self, found: list[Finding | str], path: str, chunks: Iterable[bytes]) -> None:
        self._found = found
        self._path = path
        self._chunks = chunks
        self._events = iter(chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        event = next(self._events)
        _note(self._found, check_event, self._path, event)
        return event

    def close(self) -> None:
        if hasattr(self._chunks, "close"):
            self._chunks.close()
