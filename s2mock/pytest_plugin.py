"""The pytest plugin: the fixture `s2_mock`, its marker and its options.

Nothing heavy is imported before a fixture is used: a session that has the plugin installed and
does not use it pays for reading this file.
"""

import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from s2mock.listening import Listening
    from s2mock.mock import S2Mock
    from s2mock.remote import RemoteS2Mock

_MARKER = (
    "s2_mock(*, basins=[], deletion_delay=0.0, profile='real', cors=True, clock=None, "
    "token=None, snapshot=None, faults=[], journal_limit=10_000, journal_bytes=64 MiB, "
    "control=False, use_env=False): options of the s2_mock fixture for this test; basins are "
    "names, or mappings in the format of a resource file, faults are mappings of the arguments of "
    "inject()"
)

# One name in all places: the marker's argument, the ini key behind `s2mock_`, the command line
# option behind `--s2mock-`.
_OPTIONS = {
    "deletion_delay": "how long a deletion stays pending, in seconds (default: 0)",
    "profile": "'real' (default) or 'documented': whom to follow where they differ",
    "journal_limit": "how many exchanges the journal keeps, 0 for none (default: 10000)",
    "journal_bytes": "how many bytes of bodies the journal keeps (default: 64 MiB)",
    "host": "address that the socket listens on (default: 127.0.0.1)",
    "port": "port that the socket listens on (default: 0, a free one)",
    "token": "the account's own access token (default: another one in each test), or the access "
    "token for --s2mock-target (default: s2mock)",
}

# Loaded with the first mock.
_OF_A_TEST = "s2mock.powers.of_a_test"

_OF_THE_SESSION = {"host", "port"}


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
        "--s2mock-slow",
        action="store_true",
        help="run the contract cases that wait for minutes on a server whose clock is real",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> "Generator[None, object, object]":
    """Report a failure of the fake with a setup that failed; else the call fails with it."""
    __tracebackhide__ = True
    if (of_a_test := sys.modules.get(_OF_A_TEST)) is not None:
        of_a_test.begin()
    with _reported_with_others(item, "setup"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> "Generator[None, object, object]":
    """Fail the test in which the fake failed or a fault was not used, if it passed otherwise."""
    with _reported_with_others(item, "call"):
        result = yield
    _advise(item)
    if getattr(item, "_excinfo", None):
        # A test of unittest that has failed, which is told later.
        for text in _unused_faults(has_failed=True):
            item.add_report_section("call", "s2mock", text)
    _fail_for_ours(_unused_faults(has_failed=False))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> "Generator[None, object, object]":
    """Do not let the next test answer for what failed here."""
    with _reported_with_others(item, "teardown"):
        result = yield
    _fail_for_ours()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # noqa: ARG001  # of the hook
) -> "Generator[None, pytest.TestReport, pytest.TestReport]":
    """Say what a test that failed has met."""
    report = yield
    of_a_test = sys.modules.get(_OF_A_TEST)
    if report.failed and of_a_test is not None:
        report.sections += of_a_test.sections()
    return report


def pytest_make_parametrize_id(val: object) -> str | None:
    """Call a fault in a test's id what one would type."""
    faults = sys.modules.get("s2mock.powers.faults")
    return repr(val) if faults is not None and isinstance(val, faults.Fault) else None


@contextmanager
def _reported_with_others(item: pytest.Item, when: str) -> "Iterator[None]":
    """Tell what failed in the fake beside another failure, a skip or an xfail."""
    try:
        yield
    except BaseException:
        for text in [*_failures_of_ours(), *_unused_faults(has_failed=True)]:
            item.add_report_section(when, "s2mock", text)
        _advise(item)
        raise


def _fail_for_ours(others: "Iterable[str]" = ()) -> None:
    if texts := [*_failures_of_ours(), *others]:
        pytest.fail("\n".join(texts), pytrace=False)


def _failures_of_ours() -> list[str]:
    """What went wrong in the fake since this was last asked, each with its traceback."""
    failures = sys.modules.get("s2mock.failures")
    if failures is None:
        return []
    return [
        f"s2mock itself failed in this test, please report it:\n{trace}"
        for trace in failures.take()
    ]


def _unused_faults(*, has_failed: bool) -> list[str]:
    """Which faults the test has injected and not used; they are removed."""
    of_a_test = sys.modules.get(_OF_A_TEST)
    return [] if of_a_test is None else of_a_test.complaints(has_failed=has_failed)


def _advise(item: pytest.Item) -> None:
    """Warn of requests that came late: never a failure, since it is another test's doing."""
    own_tokens = sys.modules.get("s2mock.own_tokens")
    texts = [] if own_tokens is None else own_tokens.take_late()
    for text in texts:
        from s2mock.powers.advice import S2Advice

        where = (str(item.path), (item.location[1] or 0) + 1)
        try:
            warnings.warn_explicit(text, S2Advice, *where)
        except S2Advice:
            # A filter would make it an error.
            with warnings.catch_warnings():
                warnings.simplefilter("always", S2Advice)
                warnings.warn_explicit(text, S2Advice, *where)


@pytest.fixture(scope="session")
def _s2mock_listening(pytestconfig: pytest.Config) -> "Iterator[Listening]":
    from s2mock.listening import Listening

    host, port = _option(pytestconfig, "host") or "127.0.0.1", _option(pytestconfig, "port") or "0"
    try:
        listening = Listening(host=host, port=int(port))
    except ValueError:
        raise pytest.UsageError(f"s2mock_port must be a port number, not {port!r}") from None
    yield listening
    listening.stop()


@pytest.fixture
def s2_mock(request: pytest.FixtureRequest) -> "Iterator[S2Mock | RemoteS2Mock]":
    """A fresh S2 account, an `S2Mock`; set up by the marker `s2_mock` and the s2mock options.

    With `--s2mock-target=URL`, that server: a `RemoteS2Mock`.
    """
    arguments = _from_config(request.config) | _from_markers(request.node)
    use_env = arguments.pop("use_env", False)
    target = request.config.getoption("s2mock_target")
    make = _fake if target is None else _remote
    try:
        mock = make(request, arguments)
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"s2_mock: {error}") from None
    with mock:
        if use_env:
            mock.use_env(request.getfixturevalue("monkeypatch"))
        yield mock


def _fake(request: pytest.FixtureRequest, arguments: dict[str, Any]) -> "S2Mock":
    from s2mock.mock import S2Mock

    return S2Mock(**arguments, listening=request.getfixturevalue("_s2mock_listening"))


def _remote(request: pytest.FixtureRequest, arguments: dict[str, Any]) -> "RemoteS2Mock":
    from s2mock.remote import RemoteS2Mock

    return RemoteS2Mock(request.config.getoption("s2mock_target"), **arguments)


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
    return arguments


def _from_config(config: pytest.Config) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if (delay := _option(config, "deletion_delay")) is not None:
        try:
            arguments["deletion_delay"] = float(delay)
        except ValueError:
            message = f"s2mock_deletion_delay must be a number of seconds, not {delay!r}"
            raise pytest.UsageError(message) from None
    for name in ("journal_limit", "journal_bytes"):
        if (limit := _option(config, name)) is not None:
            try:
                arguments[name] = int(limit)
            except ValueError:
                message = f"s2mock_{name} must be a whole number, not {limit!r}"
                raise pytest.UsageError(message) from None
    for name in ("profile", "token"):
        if (value := _option(config, name)) is not None:
            arguments[name] = value
    return arguments


def _option(config: pytest.Config, name: str) -> str | None:
    """The command line's value, else the ini file's, else nothing."""
    value: str | None = config.getoption(f"s2mock_{name}")
    return config.getini(f"s2mock_{name}") or None if value is None else value
