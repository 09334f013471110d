"""The pytest plugin: the fixture `s2_mock`, its marker and its options.

Nothing heavy is imported before a fixture is used: a session that has the plugin installed and
does not use it pays for reading this file.
"""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from s2mock.listening import Listening
    from s2mock.mock import S2Mock
    from s2mock.remote import RemoteS2Mock

_MARKER = (
    "s2_mock(*, basins=[], deletion_delay=0.0, profile='real', cors=True, clock=None, "
    "token=None, snapshot=None, use_env=False): options of the s2_mock fixture for this test; "
    "basins are names, or mappings in the format of a resource file"
)

# One name in all places: the marker's argument, the ini key behind `s2mock_`, the command line
# option behind `--s2mock-`.
_OPTIONS = {
    "deletion_delay": "how long a deletion stays pending, in seconds (default: 0)",
    "profile": "'real' (default) or 'documented': whom to follow where they differ",
    "host": "address that the socket listens on (default: 127.0.0.1)",
    "port": "port that the socket listens on (default: 0, a free one)",
    "token": "the account's own access token (default: another one in each test), or the access "
    "token for --s2mock-target (default: s2mock)",
}

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> "Generator[None, object, object]":
    """Report a failure of the fake with a setup that failed; else the call fails with it."""
    with _reported_with_others(item, "setup"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> "Generator[None, object, object]":
    """Fail the test in which the fake itself failed, if it passed otherwise."""
    with _reported_with_others(item, "call"):
        result = yield
    _fail_for_ours()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> "Generator[None, object, object]":
    """Do not let the next test answer for what failed here."""
    with _reported_with_others(item, "teardown"):
        result = yield
    _fail_for_ours()
    return result


@contextmanager
def _reported_with_others(item: pytest.Item, when: str) -> "Iterator[None]":
    """Tell what failed in the fake beside another failure, a skip or an xfail."""
    try:
        yield
    except BaseException:
        for text in _failures_of_ours():
            item.add_report_section(when, "s2mock", text)
        raise


def _fail_for_ours() -> None:
    if texts := _failures_of_ours():
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

    url = request.config.getoption("s2mock_target")
    if fake_only := sorted(arguments.keys() - {"basins", "token"}):
        raise ValueError(
            f"{', '.join(fake_only)}: options of the fake, switched off by --s2mock-target={url}"
        )
    token = arguments.pop("token", None) or "s2mock"
    return RemoteS2Mock(url, token=token, **arguments)


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
    for name in ("profile", "token"):
        if (value := _option(config, name)) is not None:
            arguments[name] = value
    return arguments


def _option(config: pytest.Config, name: str) -> str | None:
    """The command line's value, else the ini file's, else nothing."""
    value: str | None = config.getoption(f"s2mock_{name}")
    return config.getini(f"s2mock_{name}") or None if value is None else value
