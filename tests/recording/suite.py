"""Recording the contract suite: a pytest plugin that watches the tests of a run."""

import hashlib
import socket
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from s2mock.contract import client, records
from s2mock.contract.pending_deletions import NotReplayable
from tests.recording.groups import group
from tests.recording.observed import Observed, ObservedConnection, ObservedSession

if TYPE_CHECKING:
    from s2mock.contract.recordings import Group


class SuiteRecorder:
    """What the tests of a run have sent and got, by module."""

    def __init__(self) -> None:
        self.groups: dict[str, list[Group]] = {}
        self.left_out: dict[str, dict[str, str]] = {}
        self._given: dict[str, Group] = {}
        self._observed: list[Observed] = []
        self._refused: str | None = None
        self._names = 0
        self._current = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Any:
        """Watch the clients for as long as tests run."""
        with pytest.MonkeyPatch.context() as patch:
            self._watch(patch)
            return (yield)

    def _watch(self, patch: pytest.MonkeyPatch) -> None:
        recorder = self

        def connect(self: client.Client, *, timeout: float = 10.0) -> ObservedConnection:
            connection = ObservedConnection(
                urlsplit(self.url).netloc,
                timeout=timeout,
                note=recorder._observed_append,
                refuse=recorder._refuse,
            )
            connection.connect()
            return connection

        open_socket = client.Client.open_socket

        def refused_socket(self: client.Client, **options: Any) -> socket.socket:
            recorder._refuse("a request that is no HTTP client's")
            return open_socket(self, **options)

        ObservedSession.note = self._observed_append
        ObservedSession.refuse = self._refuse
        patch.setattr(client.Client, "connect", connect)
        patch.setattr(client.Client, "open_socket", refused_socket)
        patch.setattr(records, "Session", ObservedSession)
        # The same names in every recording, so that two of them can be compared.
        patch.setattr(uuid, "uuid4", self._next_name)

    def _observed_append(self, observed: Observed) -> None:
        self._observed.append(observed)

    def _refuse(self, why: str) -> None:
        self._refused = self._refused or why

    def _next_name(self) -> uuid.UUID:
        self._names += 1
        digest = hashlib.sha256(f"{self._current} {self._names}".encode()).digest()
        return uuid.UUID(bytes=digest[:16])

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        """What a fixture does for many tests is a group of its own."""
        if fixturedef.scope == "function":
            return (yield)
        outer, self._observed = self._observed, []
        before = self._current
        self._current = fixturedef.argname
        try:
            return (yield)
        finally:
            if self._observed:
                name = fixturedef.argname
                self._given[name] = group(name, self._observed)
            self._observed, self._current = outer, before

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._observed, self._refused = [], None
        self._current, self._names = item.nodeid, 0
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report = yield
        if report.when == "call" or not report.passed:
            self._end(item, report)
        return report

    def _end(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """The test has run; what is only cleaned up after it is not recorded."""
        module = Path(str(item.path)).stem
        name = item.name
        if not report.passed:
            self._refuse("skipped" if report.skipped else "failed")
        given = [fixture for fixture in getattr(item, "fixturenames", ()) if fixture in self._given]
        try:
            if self._refused is not None:
                raise NotReplayable(self._refused)
            recorded = group(name, self._observed, given)
        except NotReplayable as why:
            self.left_out.setdefault(module, {})[name] = str(why)
            return
        groups = self.groups.setdefault(module, [])
        groups += [self._given[name] for name in given if self._given[name] not in groups]
        if recorded.exchanges:
            groups.append(recorded)
