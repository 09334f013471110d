"""The pytest plugin: the fixture `s2_mock`, its marker and its options.

It imports nothing heavy before a test uses a fixture: a session that has the plugin installed and
does not use it pays for reading a few small files.
"""

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from s2mock.pytest_plugin import options, teardown

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from s2mock.handles.campaigns.crashes import Crashes
    from s2mock.handles.campaigns.orders import Orders
    from s2mock.handles.campaigns.sweep import Sweep
    from s2mock.handles.mock import S2Mock
    from s2mock.handles.remote import RemoteS2Mock


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, on the command line and in the ini file."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; register the plugins of `--s2mock-coverage` and `--s2mock-report`."""
    config.addinivalue_line("markers", options.marker_declaration())
    options.check_options(config)
    if (file := config.getoption("s2mock_coverage")) is not None:
        from s2mock.pytest_plugin.coverage_report import CoveragePlugin

        config.pluginmanager.register(CoveragePlugin(file), "s2mock_coverage")
    if (folder := config.getoption("s2mock_report")) is not None:
        from s2mock.pytest_plugin.failure_pages import FailurePages

        # pytest-xdist passes this to its processes, which may run in other directories.
        config.option.s2mock_report = folder = str(config.invocation_params.dir / folder)
        pages = FailurePages(folder, is_worker=hasattr(config, "workerinput"))
        config.pluginmanager.register(pages, "s2mock_report")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> "Generator[None, object, object]":
    """Report a failure of the fake with a setup that failed; else the call fails with it."""
    __tracebackhide__ = True
    _add_fixture(item)
    teardown.begin_test()
    with teardown.report_beside_failure(item, "setup"):
        return (yield)


def _add_fixture(item: pytest.Item) -> None:
    """Give a marked test the fixture, even if it does not take it as an argument.

    Before the test's other fixtures, so that those which read the environment find the variables
    that `use_env` has set, and behind the fixtures of a module or a session, which may have set the
    same variables for all of its tests.
    """
    names = getattr(item, "fixturenames", None)
    if names is not None and "s2_mock" not in names and item.get_closest_marker("s2_mock"):
        wider = sum(_is_wider(item, name) for name in names)
        # Another list: parametrized tests share one, and need not share a marker.
        item.fixturenames = [*names[:wider], "s2_mock", *names[wider:]]  # type: ignore[attr-defined]


def _is_wider(item: pytest.Item, name: str) -> bool:
    """True if a fixture lives longer than a test. pytest sets those up first."""
    # The place where pytest keeps the fixtures of an item. There is no request yet to ask instead.
    info = getattr(item, "_fixtureinfo", None)
    found: Sequence[Any] = () if info is None else info.name2fixturedefs.get(name, ())
    return bool(found) and found[-1].scope != "function"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> "Generator[None, object, object]":
    """Fail a test that passed if the fake failed in it or a fault was not used."""
    teardown.note_runs(item)
    with teardown.report_beside_failure(item, "call"):
        result = yield
    teardown.end_call(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> "Generator[None, object, object]":
    """Report what failed here with this test, and not with the next one."""
    with teardown.report_beside_failure(item, "teardown"):
        result = yield
    teardown.fail_for_fake(teardown.advice_as_errors(teardown.take_advice(item)))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # noqa: ARG001  # of the hook
    call: pytest.CallInfo[None],
) -> "Generator[None, pytest.TestReport, pytest.TestReport]":
    """Add the exchanges of its mocks to the report of a test that failed."""
    if call.excinfo is not None and isinstance(call.excinfo.value, TypeError):
        from s2mock.pytest_plugin.argument_notes import add_note

        add_note(call.excinfo.value)
    report = yield
    if report.failed:
        report.sections += teardown.sections()
    return report


def pytest_make_parametrize_id(val: object) -> str | None:
    """Return the id of a fault in a parametrized test: the fault as one would type it."""
    faults = sys.modules.get("s2mock.powers.faults")
    return repr(val) if faults is not None and isinstance(val, faults.Fault) else None


@pytest.fixture(scope="session")
def make_s2_mock(
    pytestconfig: pytest.Config,
) -> "Iterator[Callable[..., S2Mock | RemoteS2Mock]]":
    """Make an S2 account that lives as long as you want: for a module, a session, or two at once.

    Takes the arguments of `S2Mock`; the s2mock options of the ini file and the command line apply,
    except for the port. Each has a port of its own. What is still open is closed with the session.
    """
    with ExitStack() as made:

        def make(**arguments: Any) -> "S2Mock | RemoteS2Mock":
            from s2mock.handles.mock import S2Mock
            from s2mock.pytest_plugin import mocks

            arguments = options.arguments_of(pytestconfig) | arguments
            if options.target_of(pytestconfig) is not None:
                return made.enter_context(mocks.make_remote(pytestconfig, arguments))
            host, _ = options.address_of(pytestconfig)
            mock = S2Mock(**{"host": host} | arguments)
            mock._powers.fixture = f"make_s2_mock, {mock._powers.place}"  # noqa: SLF001  # of ours
            made.callback(mock.close)
            return mock

        yield make


@pytest.fixture
def s2_mock(request: pytest.FixtureRequest) -> "Iterator[S2Mock | RemoteS2Mock]":
    """A fresh S2 account, an `S2Mock`; set up by the marker `s2_mock` and the s2mock options.

    With `--s2mock-target=URL`, that server: a `RemoteS2Mock`.
    """
    from s2mock.pytest_plugin import mocks
    from s2mock.runtime.arguments import check_flag

    arguments, use_env = mocks.arguments_of(request)
    mock: S2Mock | RemoteS2Mock
    try:
        check_flag("use_env", use_env)
        if options.target_of(request.config) is None:
            mock = mocks.make_fake(request, arguments)
        else:
            mock = mocks.make_remote(request.config, arguments, name=request.node.name)
        mocks.set_name(mock, request.node.name)
    except (TypeError, ValueError, ModuleNotFoundError) as error:
        raise pytest.UsageError(f"s2_mock: {error}") from None
    with mock:
        if mocks.has_chosen_port(request.config):
            # Code under test may know the port without reading `url`.
            _ = mock.url
        if use_env:
            mock.use_env(request.getfixturevalue("monkeypatch"))
        yield mock


@pytest.fixture
def s2_sweep(request: pytest.FixtureRequest) -> "Iterator[Sweep]":
    """Try every fault at every operation, in an attempt each: see `Sweep`."""
    from s2mock.handles.campaigns.sweep import Sweep
    from s2mock.pytest_plugin.campaigns import campaign_fixture

    with campaign_fixture(request) as surroundings:
        yield Sweep.for_fixture(surroundings)


@pytest.fixture
def s2_orders(request: pytest.FixtureRequest) -> "Iterator[Orders]":
    """Try every order in which the operations of several actors take effect: see `Orders`."""
    from s2mock.handles.campaigns.orders import Orders
    from s2mock.pytest_plugin.campaigns import campaign_fixture

    with campaign_fixture(request) as surroundings:
        yield Orders.for_fixture(surroundings)


@pytest.fixture
def s2_crash(request: pytest.FixtureRequest) -> "Iterator[Crashes]":
    """Stop a worker right before and right after each of its operations: see `Crashes`."""
    from s2mock.handles.campaigns.crashes import Crashes
    from s2mock.pytest_plugin.campaigns import campaign_fixture

    with campaign_fixture(request) as surroundings:
        yield Crashes.for_fixture(surroundings)
