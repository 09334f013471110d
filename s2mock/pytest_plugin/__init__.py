"""The pytest plugin: the fixture `s2_mock`, its marker and its options.

Nothing heavy is imported before a fixture is used: a session that has the plugin installed and
does not use it pays for reading this file.
"""

import argparse
import re
import sys
import warnings
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from s2mock.handles.remote import RemoteS2Mock
    from s2mock.mock import S2Mock
    from s2mock.pytest_plugin.sweep import Sweep
    from s2mock.server.lazy_server import LazyServer

_MARKER = (
    "s2_mock(*, basins=[], deletion_delay=0.0, profile='real', cors=True, clock=None, "
    "append_latency=0.0, token=None, auth='open', revocation_delay=0.0, locations=None, "
    "snapshot=None, faults=[], journal_limit=10_000, journal_bytes=64 MiB, control=False, "
    "use_env=False): options of the s2_mock fixture for this test; basins are names, or mappings "
    "in the format of a resource file or of S2's requests, clock may be 'manual', faults are "
    "mappings of the arguments of inject()"
)

# One name in all places: the marker's argument, the ini key behind `s2mock_`, the command line
# option behind `--s2mock-`.
_OPTIONS = {
    "deletion_delay": "how long a deletion stays pending, in seconds (default: 0)",
    "profile": "'real' (default) or 'documented': whom to follow where they differ",
    "append_latency": "how long an append takes to be durable, in seconds (default: 0)",
    "auth": "'open' (default) lets everybody in, 'required' only who brings an access token of the "
    "account",
    "revocation_delay": "how long a revoked access token is still good, in seconds (default: 0)",
    "locations": "names of locations, with commas between them, the default first (default: "
    "aws:us-east-1, aws:us-west-2, aws:eu-north-1)",
    "journal_limit": "how many exchanges the journal keeps, 0 for none (default: 10000)",
    "journal_bytes": "how many bytes of bodies and long heads the journal keeps (default: 64 MiB)",
    "advice": "'on' (default) or 'off': warn of what S2 accepts and a test hardly means",
    "host": "address that the socket listens on (default: 127.0.0.1)",
    "port": "port that the socket listens on (default: 0, a free one)",
    "token": "the account's own access token (default: another one in each test), or the access "
    "token for --s2mock-target (default: s2mock)",
}

# Loaded with the first mock.
_TEARDOWN_REPORT = "s2mock.powers.teardown_report"

_OF_THE_SESSION = {"host", "port"}

_SWEEP: "pytest.StashKey[Sweep]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, on the command line and in the ini file."""
    group = parser.getgroup("s2mock", "s2mock: an S2 account in memory")
    for name, text in _OPTIONS.items():
        flag = f"--s2mock-{name.replace('_', '-')}"
        group.addoption(flag, dest=f"s2mock_{name}", default=None, help=text)
        parser.addini(f"s2mock_{name}", text, default=None)
    group.addoption(
        "--s2mock-target",
        metavar="URL",
        default=None,
        help="hand this server to tests that use s2_mock, and to the contract suite, "
        "in place of the fake",
    )
    group.addoption(
        "--s2mock-coverage",
        metavar="FILE.json",
        nargs="?",
        const="",
        default=None,
        help="say at the end what the tests have met, and what never; write it to a file, too",
    )
    group.addoption(
        "--s2mock-report",
        metavar="DIR",
        default=None,
        help="write a page of what happened for each test that fails, an HTML file by itself",
    )
    group.addoption(
        "--s2mock-slow",
        action="store_true",
        # Of use to this project only, so it is not shown: see CONTRIBUTING.md.
        help=argparse.SUPPRESS,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", _MARKER)
    if (advice := _option(config, "advice") or "on") not in ("on", "off"):
        raise pytest.UsageError(f"s2mock_advice must be 'on' or 'off', not {advice!r}")
    if (file := config.getoption("s2mock_coverage")) is not None:
        if file and not file.endswith(".json"):
            raise pytest.UsageError(
                f"--s2mock-coverage writes to a .json file, not to {file!r}: put tests before it, "
                "or write --s2mock-coverage=FILE.json"
            )
        from s2mock.pytest_plugin.coverage_report import CoveragePlugin

        config.pluginmanager.register(CoveragePlugin(file), "s2mock_coverage")
    if (folder := config.getoption("s2mock_report")) is not None:
        from s2mock.pytest_plugin.failure_pages import FailurePages

        # As it is handed to the processes of pytest-xdist.
        config.option.s2mock_report = folder = str(config.invocation_params.dir / folder)
        config.pluginmanager.register(FailurePages(folder), "s2mock_report")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> "Generator[None, object, object]":
    """Report a failure of the fake with a setup that failed; else the call fails with it."""
    __tracebackhide__ = True
    _use_if_marked(item)
    if (teardown_report := sys.modules.get(_TEARDOWN_REPORT)) is not None:
        teardown_report.begin_test()
    with _reported_with_others(item, "setup"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> "Generator[None, object, object]":
    """Fail the test in which the fake failed or a fault was not used, if it passed otherwise."""
    with _reported_with_others(item, "call"):
        result = yield
    advice, unfinished = _advise(item), list[str]()
    if getattr(item, "_excinfo", None):
        # A test of unittest that has failed, which is told later.
        for text in _unused_faults(has_failed=True):
            item.add_report_section("call", "s2mock", text)
        for text in advice:
            _warn(item, text, always=True)
        advice = []
    else:
        unfinished = _unfinished_sweeps(item, has_failed=False)
    _fail_for_ours(
        [*unfinished, *_unused_faults(has_failed=False), *map("S2Advice: {}".format, advice)]
    )
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> "Generator[None, object, object]":
    """Do not let the next test answer for what failed here."""
    with _reported_with_others(item, "teardown"):
        result = yield
    _fail_for_ours(map("S2Advice: {}".format, _advise(item)))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # noqa: ARG001  # of the hook
) -> "Generator[None, pytest.TestReport, pytest.TestReport]":
    """Say what a test that failed has met."""
    report = yield
    teardown_report = sys.modules.get(_TEARDOWN_REPORT)
    if report.failed and teardown_report is not None:
        report.sections += teardown_report.timelines()
    return report


def pytest_make_parametrize_id(val: object) -> str | None:
    """Call a fault in a test's id what one would type."""
    faults = sys.modules.get("s2mock.powers.faults")
    return repr(val) if faults is not None and isinstance(val, faults.Fault) else None


def _use_if_marked(item: pytest.Item) -> None:
    """Give a marked test the fixture, whether or not it takes it.

    Before the test's other fixtures, so that those which read the environment find what `use_env`
    has set, and behind those of a module or a session, which may have set it for all.
    """
    names = getattr(item, "fixturenames", None)
    if names is not None and "s2_mock" not in names and item.get_closest_marker("s2_mock"):
        wider = sum(_is_wider(item, name) for name in names)
        # Another list: parametrized tests share one, and need not share a marker.
        item.fixturenames = [*names[:wider], "s2_mock", *names[wider:]]  # type: ignore[attr-defined]


def _is_wider(item: pytest.Item, name: str) -> bool:
    """Whether a fixture lives longer than a test. Those come first."""
    # Where pytest keeps what it has found; a request, which would tell, is not there yet.
    info = getattr(item, "_fixtureinfo", None)
    found: Sequence[Any] = () if info is None else info.name2fixturedefs.get(name, ())
    return bool(found) and found[-1].scope != "function"


@contextmanager
def _reported_with_others(item: pytest.Item, when: str) -> "Iterator[None]":
    """Tell what failed in the fake beside another failure, a skip or an xfail."""
    try:
        yield
    except BaseException:
        # First: it may fail, too.
        advice = _advise(item)
        for text in [*_failures_of_ours(), *_unused_faults(has_failed=True)]:
            item.add_report_section(when, "s2mock", text)
        for text in advice:
            _warn(item, text, always=True)
        raise


def _fail_for_ours(others: "Iterable[str]" = ()) -> None:
    if texts := [*_failures_of_ours(), *others]:
        pytest.fail("\n".join(texts), pytrace=False)


def _failures_of_ours() -> list[str]:
    """What went wrong in the fake since this was last asked, each with its traceback."""
    failures = sys.modules.get("s2mock.runtime.failures")
    if failures is None:
        return []
    return [
        f"s2mock itself failed in this test, please report it:\n{trace}"
        for trace in failures.take()
    ]


def _unused_faults(*, has_failed: bool) -> list[str]:
    """Which faults the test has injected and not used; they are removed."""
    teardown_report = sys.modules.get(_TEARDOWN_REPORT)
    return [] if teardown_report is None else teardown_report.take_complaints(has_failed=has_failed)


def _unfinished_sweeps(item: pytest.Item, *, has_failed: bool) -> list[str]:
    """What to say of the test's sweeps of which not all attempts were run."""
    sweep = item.stash.get(_SWEEP, None)
    return [] if sweep is None else sweep.take_unfinished(has_failed=has_failed)


def _advise(item: pytest.Item) -> list[str]:
    """Warn of what the test would want to know; what a filter makes an error is returned.

    A request that came late is never a failure, since it is another test's doing.
    """
    own_tokens, teardown_report = (
        sys.modules.get("s2mock.runtime.mock_tokens"),
        sys.modules.get(_TEARDOWN_REPORT),
    )
    late = [] if own_tokens is None else own_tokens.take_late()
    advice = [] if teardown_report is None else teardown_report.take_advice()
    if _option(item.config, "advice") == "off":
        return []
    for text in late:
        if not _warn(item, text):
            _warn(item, text, always=True)
    return [text for text in advice if not _warn(item, text)]


def _warn(item: pytest.Item, text: str, *, always: bool = False) -> bool:
    """Whether that was no error."""
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


@pytest.fixture(scope="session")
def _s2mock_listening(pytestconfig: pytest.Config) -> "Iterator[LazyServer]":
    from s2mock.server.lazy_server import LazyServer

    host, port = _option(pytestconfig, "host") or "127.0.0.1", _option(pytestconfig, "port") or "0"
    try:
        listening = LazyServer(host=host, port=int(port))
    except ValueError:
        raise pytest.UsageError(f"s2mock_port must be a port number, not {port!r}") from None
    if int(port):
        _listen_now(pytestconfig, listening, int(port))
    yield listening
    listening.stop()


def _listen_now(config: pytest.Config, listening: "LazyServer", port: int) -> None:
    """Take a port that somebody has chosen, since somebody may know it without asking for `url`."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        raise pytest.UsageError(
            f"s2mock_port={port}: one port cannot serve {workers} workers; leave the port out, so "
            "that each worker takes a free one, or run the tests in one process with -n 0"
        )
    try:
        _ = listening.url
    except OSError as error:
        raise pytest.UsageError(f"s2mock_port={port}: {error}") from None


@pytest.fixture(scope="session")
def make_s2_mock(
    pytestconfig: pytest.Config,
) -> "Iterator[Callable[..., S2Mock | RemoteS2Mock]]":
    """Make an S2 account that lives as long as you want: for a module, a session, or two at once.

    Takes the arguments of `S2Mock`; the s2mock options of the ini file and the command line count,
    except for the port. Each has a port of its own. What is still open is closed with the session.
    """
    with ExitStack() as made:

        def make(**arguments: Any) -> "S2Mock | RemoteS2Mock":
            from s2mock.mock import S2Mock

            of_the_server = {"host": _option(pytestconfig, "host") or "127.0.0.1"}
            arguments = _from_config(pytestconfig) | arguments
            if pytestconfig.getoption("s2mock_target") is not None:
                return made.enter_context(_remote(pytestconfig, arguments))
            mock = S2Mock(**of_the_server | arguments)
            made.callback(mock.close)
            return mock

        yield make


@pytest.fixture
def s2_mock(request: pytest.FixtureRequest) -> "Iterator[S2Mock | RemoteS2Mock]":
    """A fresh S2 account, an `S2Mock`; set up by the marker `s2_mock` and the s2mock options.

    With `--s2mock-target=URL`, that server: a `RemoteS2Mock`.
    """
    from s2mock.runtime.arguments import check_flag

    arguments = _from_config(request.config) | _from_markers(request.node)
    use_env = arguments.pop("use_env", False)
    mock: S2Mock | RemoteS2Mock
    try:
        check_flag("use_env", use_env)
        if request.config.getoption("s2mock_target") is None:
            mock = _fake(request, arguments)
        else:
            mock = _remote(request.config, arguments)
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"s2_mock: {error}") from None
    with mock:
        if _has_chosen_port(request.config):
            # Whoever knows the port may come without being told.
            _ = mock.url
        if use_env:
            mock.use_env(request.getfixturevalue("monkeypatch"))
        yield mock


def _has_chosen_port(config: pytest.Config) -> bool:
    return _option(config, "port") not in (None, "0")


@pytest.fixture
def s2_sweep(request: pytest.FixtureRequest) -> "Iterator[Sweep]":
    """Every fault at every operation, one after the other: see `Sweep`."""
    from s2mock.pytest_plugin.sweep import Sweep

    config = request.config
    if (url := config.getoption("s2mock_target")) is not None:
        from s2mock.handles.remote import NotOnTarget

        raise NotOnTarget(
            f"s2_sweep is a power of the fake, and switched off by --s2mock-target={url}"
        )
    arguments = _from_config(config) | _from_markers(request.node)
    use_env = arguments.pop("use_env", False)

    def make(**options: Any) -> "S2Mock":
        mock = _fake(request, arguments | options)
        if use_env:
            mock.use_env(request.getfixturevalue("monkeypatch"))
        return mock

    sweep = request.node.stash[_SWEEP] = Sweep(make, partial(_show_progress, config))
    yield sweep
    if texts := _unfinished_sweeps(request.node, has_failed=True):
        pytest.fail("\n".join(texts), pytrace=False)


def _show_progress(config: pytest.Config, mark: str) -> None:
    """Say at the terminal that a test goes on, where somebody looks at it."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and config.get_verbosity() >= 0:
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            reporter.write(mark, flush=True)


def _fake(request: pytest.FixtureRequest, arguments: dict[str, Any]) -> "S2Mock":
    from s2mock.mock import S2Mock
    from s2mock.runtime.clock import ManualClock

    # A marker is evaluated once for all its tests, and a sweep's options for all its attempts. A
    # subclass may have a constructor and a state of its own, so it stays as it is.
    if type(clock := arguments.get("clock")) is ManualClock:
        arguments = {**arguments, "clock": clock.fresh()}
    # Where both are used they are not of one socket.
    if "s2_mock" in request.fixturenames and request.fixturename != "s2_mock":
        return S2Mock(**arguments)
    return S2Mock(**arguments, listening=request.getfixturevalue("_s2mock_listening"))


def _remote(config: pytest.Config, arguments: dict[str, Any]) -> "RemoteS2Mock":
    from s2mock.handles.remote import RemoteS2Mock

    return RemoteS2Mock(config.getoption("s2mock_target"), **arguments)


def _from_markers(node: pytest.Item) -> dict[str, Any]:
    """The markers' arguments, those nearest to the test winning."""
    arguments: dict[str, Any] = {}
    for marker in node.iter_markers("s2_mock"):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.s2_mock takes keyword arguments only, not {marker.args!r}"
            )
        arguments = {**marker.kwargs, **arguments}
    for name in _OF_THE_SESSION & arguments.keys():
        raise pytest.UsageError(
            f"@pytest.mark.s2_mock takes no {name}: the tests of a session share one socket; "
            f"set the ini key s2mock_{name}, or --s2mock-{name} on the command line"
        )
    known = re.findall(r"(\w+)=", _MARKER)
    if unknown := sorted(arguments.keys() - known):
        from s2mock.runtime.near_names import near_name

        near = near_name(unknown[0], known)
        hint = f"did you mean {near}? " if near else ""
        raise pytest.UsageError(
            f"@pytest.mark.s2_mock has no option {unknown[0]}: {hint}There are {', '.join(known)}"
        )
    return arguments


def _from_config(config: pytest.Config) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name in ("deletion_delay", "append_latency", "revocation_delay"):
        if (seconds := _option(config, name)) is not None:
            try:
                arguments[name] = float(seconds)
            except ValueError:
                message = f"s2mock_{name} must be a number of seconds, not {seconds!r}"
                raise pytest.UsageError(message) from None
    for name in ("journal_limit", "journal_bytes"):
        if (limit := _option(config, name)) is not None:
            try:
                arguments[name] = int(limit)
            except ValueError:
                message = f"s2mock_{name} must be a whole number, not {limit!r}"
                raise pytest.UsageError(message) from None
    if (names := _option(config, "locations")) is not None:
        arguments["locations"] = [name.strip() for name in names.split(",")]
    for name in ("profile", "token", "auth"):
        if (value := _option(config, name)) is not None:
            arguments[name] = value
    return arguments


def _option(config: pytest.Config, name: str) -> str | None:
    """The command line's value, else the ini file's, else nothing."""
    value: str | None = config.getoption(f"s2mock_{name}")
    return config.getini(f"s2mock_{name}") or None if value is None else value
