"""The backends of the handles: what a test asks of `make` is in this process, then over HTTP.

Each mock over HTTP is an account of its own on one server for the whole session.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest

from s2mock import RemoteS2Mock, S2Mock
from s2mock.options import OPTIONS

BACKENDS: Final = ("in_process", "http")


@pytest.fixture(scope="session")
def standalone() -> Iterator[str]:
    """The URL of a standalone s2mock."""
    command = [sys.executable, "-m", "s2mock", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip().removeprefix("export S2_ACCOUNT_ENDPOINT=")
        finally:
            process.terminate()


class MakeWithUpstream:
    """Makes mocks in front of another one, which has the place of a real server."""

    is_in_process = False

    def __init__(self, made: ExitStack) -> None:
        self._made = made

    def __call__(self, **options: Any) -> S2Mock:
        """A mock with these options; a test with one of the engine's own is skipped."""
        for name in options:
            if name in OPTIONS and OPTIONS[name].is_of_engine:
                pytest.skip(f"{name} is the upstream's own")
        real = self._made.enter_context(S2Mock(auth="open"))
        return self._made.enter_context(S2Mock(upstream=real.url, **options))


class Make:
    """Makes mocks on one backend; they are closed after the test."""

    def __init__(self, url: str | None, made: ExitStack) -> None:
        self._url = url
        self._made = made

    @property
    def is_in_process(self) -> bool:
        return self._url is None

    def __call__(self, **options: Any) -> Any:
        """A mock with these options, which `S2Mock` and `RemoteS2Mock` have alike."""
        made = S2Mock(**options) if self._url is None else RemoteS2Mock(self._url, **options)
        return self._made.enter_context(made)


def make_on(backend: str, request: pytest.FixtureRequest) -> Iterator[Make | MakeWithUpstream]:
    """For fixtures: what makes mocks on that backend."""
    if backend == "upstream":
        with ExitStack() as made:
            yield MakeWithUpstream(made)
        return
    url = None if backend == "in_process" else request.getfixturevalue("standalone")
    with ExitStack() as made:
        yield Make(url, made)


@pytest.fixture(params=BACKENDS)
def make(request: pytest.FixtureRequest) -> Iterator[Make | MakeWithUpstream]:
    """What makes mocks, on each backend in turn."""
    yield from make_on(request.param, request)
