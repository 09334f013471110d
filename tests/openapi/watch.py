"""Every response of the fake, in all tests of a run, checked against the published description."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from s2mock.api.app import App
from s2mock.contract.schema_gaps import Deviation, gap_of
from tests.openapi.description import EVENT_STREAM, deviations, operation_of

# Is given the body of a response, or nothing where it is not known.
Check = Callable[[bytes | None], None]

_BROKEN = "broken_fake"


class Watch:
    """A pytest plugin. A test in which the fake deviates, in a way that is no known gap, fails."""

    def __init__(self) -> None:
        self.deviations: list[Deviation] = []
        self._call = App.__call__

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", f"{_BROKEN}: the fake fails here on purpose")

    def pytest_sessionstart(self) -> None:
        def watched(app: App, environ: Any, start_response: Any) -> Iterable[bytes]:
            return self.watched(app, environ, start_response)

        # A function and not a method, so that it is given the app.
        App.__call__ = watched

    def pytest_sessionfinish(self) -> None:
        App.__call__ = self._call

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report: pytest.TestReport = yield
        if call.when != "call":
            return report
        found, self.deviations = self.deviations, []
        if found and report.passed and not item.get_closest_marker(_BROKEN):
            report.outcome = "failed"
            lines = "\n".join(map(str, dict.fromkeys(found)))
            report.longrepr = f"{item.nodeid}: not as tests/openapi/openapi.json says:\n{lines}"
        return report

    def watched(self, app: App, environ: Any, start_response: Any) -> Iterable[bytes]:
        """The response of the app, checked on its way out."""
        path = environ.get("REQUEST_URI", environ["PATH_INFO"]).partition("?")[0]
        operation = operation_of(environ["REQUEST_METHOD"], path)
        if operation is None:
            return self._call(app, environ, start_response)
        head: list[tuple[int, dict[str, str]]] = []

        def started(status: str, headers: Any, *rest: Any) -> Any:
            head.append((int(status[:3]), {name.lower(): value for name, value in headers}))
            return start_response(status, headers, *rest)

        chunks = self._call(app, environ, started)
        [(status, headers)] = head
        is_events = headers.get("content-type") == EVENT_STREAM
        check = self._checker(environ, operation, status, headers)
        return _Checked(chunks, check, is_events=is_events)

    def _checker(self, environ: Any, operation: str, status: int, headers: dict[str, str]) -> Check:
        whole = environ["REQUEST_METHOD"] != "HEAD" and "content-encoding" not in headers

        def check(body: bytes | None) -> None:
            content_type = headers.get("content-type")
            for deviation in deviations(operation, status, content_type, body if whole else None):
                if gap_of(deviation) is None:
                    self.deviations.append(deviation)

        return check


class _Checked:
    """Chunks of a body that are looked at when all of them have been sent, or no more will be."""

    def __init__(self, chunks: Iterable[bytes], check: Check, *, is_events: bool) -> None:
        self._chunks = chunks
        self._check: Check | None = check
        self._is_events = is_events
        self._sent: list[bytes] = []

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._sent.append(chunk)
            yield chunk
        self._finish(b"".join(self._sent))

    def close(self) -> None:
        if hasattr(self._chunks, "close"):
            self._chunks.close()
        # Left before its end: of an event stream all whole events are there, of JSON nothing is.
        self._finish(b"".join(self._sent) if self._is_events else None)

    def _finish(self, body: bytes | None) -> None:
        check, self._check = self._check, None
        if check is not None:
            check(body)
