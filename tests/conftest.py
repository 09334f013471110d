"""What tests of several folders share."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import none

from s2mock import ManualClock, S2Mock
from tests.calls import Api, over_wsgi

pytest_plugins = [
    # For the tests of the plugin, which run pytest within pytest.
    "pytester",
    # Checks whatever the fake answers during any test, those of the contract suite included.
    "tests.openapi.plugin",
    # Runs all of it with `auth="required"`, where it is told so.
    "tests.own_token",
    # Both backends of the handles.
    "tests.backends",
]

BASIN = "my-basin"

# How long an example takes, and how long it took to think of, is a property of the machine.
settings.register_profile("s2mock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("s2mock")


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what is there for the whole run.

    pytest has it look at everything at the end of a run, and hundreds of tests run pytest within
    pytest: with 10,000 tests in memory each look takes half a second.
    """
    # Once, since Hypothesis asks the collector who knows its source of randomness.
    given(none())(lambda _: None)()
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured, which depends on the machine, and so fails none of them."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "measured" and report.when == "call":
                terminalreporter.write_line(f"measured: {value}")


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at 2024-01-01T00:00:00Z."""
    return ManualClock()


@pytest.fixture
def mock(clock: ManualClock) -> Iterator[S2Mock]:
    """An empty account, where a deletion is complete at once."""
    with S2Mock(clock=clock) as mock:
        yield mock


@pytest.fixture
def api(mock: S2Mock) -> Api:
    """Calls to `mock` without a socket, with no basin named."""
    return Api(over_wsgi(mock.wsgi_app))


@pytest.fixture
def s2(api: Api) -> Api:
    """Calls to `mock` without a socket, in the basin `my-basin`, which is there and empty."""
    api.create_basin(BASIN)
    return api.within(BASIN)
