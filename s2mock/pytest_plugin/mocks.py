"""The mocks that the fixtures return, made from the settings and the marker of a test."""

from typing import TYPE_CHECKING, Any, Final

import pytest

from s2mock.options import MARKER_OPTIONS, OPTIONS
from s2mock.pytest_plugin import options
from s2mock.runtime.loading import loading
from s2mock.runtime.near_names import near_name

if TYPE_CHECKING:
    from s2mock.handles.mock import S2Mock
    from s2mock.handles.remote import RemoteS2Mock
    from s2mock.server.lazy_server import LazyServer

_MARKER_NAMES: Final = tuple(option.name for option in MARKER_OPTIONS)


def arguments_of(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Any]:
    """Return the arguments of the test's mock, and `use_env`. Raises `pytest.UsageError`."""
    arguments = options.arguments_of(request.config) | _marker_arguments(request.node)
    use_env = arguments.pop("use_env", False)
    return arguments, use_env


def _marker_arguments(node: pytest.Item) -> dict[str, Any]:
    """Return the arguments of a test's markers; the marker nearest to the test wins.

    Raises `pytest.UsageError`.
    """
    arguments: dict[str, Any] = {}
    for marker in node.iter_markers("s2_mock"):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.s2_mock takes keyword arguments only, not {marker.args!r}"
            )
        arguments = {**marker.kwargs, **arguments}
    for name in sorted(arguments.keys() - _MARKER_NAMES):
        if name in OPTIONS and OPTIONS[name].is_setting:
            why = ": the tests of a session share one socket" if name != "advice" else ""
            raise pytest.UsageError(
                f"@pytest.mark.s2_mock takes no {name}{why}; "
                f"set the ini key s2mock_{name}, or --s2mock-{name} on the command line"
            )
        near = near_name(name, _MARKER_NAMES)
        hint = f"did you mean {near}? " if near else ""
        raise pytest.UsageError(
            f"@pytest.mark.s2_mock has no option {name}: {hint}There are {', '.join(_MARKER_NAMES)}"
        )
    return arguments


def make_fake(
    request: pytest.FixtureRequest,
    arguments: dict[str, Any],
    server: "LazyServer | None" = None,
) -> "S2Mock":
    """Return a fake with these arguments, behind that server, or else that of the session.

    Raises `TypeError`, `ValueError`.
    """
    with loading():
        from s2mock.handles.mock import S2Mock
        from s2mock.runtime.clock import ManualClock

    # A marker is evaluated once for all its tests, and a sweep's options for all its attempts. A
    # subclass may have a constructor and a state of its own, so it is used as it is.
    if type(clock := arguments.get("clock")) is ManualClock:
        arguments = {**arguments, "clock": clock.fresh()}
    listening = _server_of(request.config) if server is None else server
    return S2Mock(**arguments, listening=listening)


def set_name(mock: "S2Mock | RemoteS2Mock", name: str) -> None:
    """Name the mock of the fixture `s2_mock` in reports, and its account on the page."""
    powers: Any = mock._powers  # noqa: SLF001  # of this package
    if hasattr(powers, "fixture"):
        powers.fixture, powers.name = "s2_mock", name
    elif powers is not None:
        powers.label = "fixture s2_mock"


def make_remote(
    config: pytest.Config, arguments: dict[str, Any], name: str | None = None
) -> "RemoteS2Mock":
    """Return the mock for the server of `--s2mock-target`, where its account has that name.

    Raises `TypeError`, `ValueError`, `TargetError`, and `pytest.UsageError` without a server.
    """
    from s2mock.handles.remote import RemoteS2Mock, TargetError, check_target

    url = config.getoption("s2mock_target")
    if url.startswith(("http://", "https://")):
        try:
            check_target(url)
        except TargetError as error:
            raise pytest.UsageError(str(error)) from None
    return RemoteS2Mock(url, account_name=name, **arguments)


@options.once_in_a_session
def _server_of(config: pytest.Config) -> "LazyServer":
    """Return the server of the session. With a chosen port it listens from now on.

    No fixture, since each test would take time to find it.

    Raises `pytest.UsageError`.
    """
    from s2mock.server.lazy_server import LazyServer

    host, port = options.address_of(config)
    try:
        server = LazyServer(host=host, port=int(port))
    except ValueError:
        raise pytest.UsageError(f"s2mock_port must be a port number, not {port!r}") from None
    if int(port):
        _listen_now(config, server, int(port))
    config.add_cleanup(server.stop)
    return server


def _listen_now(config: pytest.Config, server: "LazyServer", port: int) -> None:
    """Listen at once: code under test may know a chosen port without reading `url`."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        raise pytest.UsageError(
            f"s2mock_port={port}: one port cannot serve {workers} workers; leave the port out, so "
            "that each worker takes a free one, or run the tests in one process with -n 0"
        )
    try:
        _ = server.url
    except OSError as error:
        raise pytest.UsageError(f"s2mock_port={port}: {error}") from None


def has_chosen_port(config: pytest.Config) -> bool:
    """True if a setting chooses the port of the session's server."""
    return options.address_of(config)[1] != "0"


def show_progress(config: pytest.Config, mark: str) -> None:
    """Write a mark to the terminal while a test goes on, unless pytest is quiet."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and config.get_verbosity() >= 0:
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            reporter.write(mark, flush=True)
