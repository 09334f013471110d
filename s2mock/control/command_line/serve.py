"""`python -m s2mock`, `run` and `lite`: a server for tests in any language."""

import argparse
import errno
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

from s2mock.control.command_line import lite, parent, run_command
from s2mock.control.command_line.console import fail, say, warn
from s2mock.control.command_line.parser import arguments_of, is_with_upstream, make_parser
from s2mock.control.guard import is_loopback
from s2mock.control.settings import ControlSettings

_NEEDED_WITH_UPSTREAM: Final = (
    "s2mock.upstream.app",
    "s2mock.upstream.http1",
    "s2mock.upstream.http2",
)
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
# Of projects that check which version of `s2` they start.
_VERSION_VARIABLE: Final = "S2MOCK_VERSION_AS"
_SWITCH_SECONDS: Final = 0.0002
# A client that waits for the server sends its first request as soon as it listens.
_FIRST_REQUEST_SECONDS: Final = 0.05
# Every request needs these, the first one too.
_NEEDED_BY_ALL_REQUESTS: Final = (
    "s2mock.powers.middleware",
    "s2mock.control.router",
    "s2mock.server.server",
    "s2mock.server.http1",
)
# Requests that open a session, have an error in their body, or ask for /_s2mock need these. They
# take as long to load as everything else, so the server listens before; it keeps descriptors free
# for them.
_NEEDED_BY_SOME_REQUESTS: Final = (
    "werkzeug.wrappers",
    "s2mock.api.wire.messages",
    "s2mock.json_bodies.schema_errors",
    "s2mock.control.routes",
    "s2mock.powers.response_faults",
)


class StandaloneMock(Protocol):
    """The part of `S2Mock` that the command line uses."""

    @property
    def url(self) -> str:
        """The base URL; the server listens from now on. Raises `OSError`."""

    @property
    def env(self) -> dict[str, str]:
        """The variables that point S2's SDKs to the server."""

    def _set_up_server(self, control: ControlSettings, *, own_hosts_only: bool) -> None: ...

    def _use_certificate(self, certificate_file: Path, key_file: Path) -> None: ...

    def _keep_in(
        self,
        directory: Path,
        mode: Any,
        *,
        report: Callable[[str], object],
        end: Callable[[], object],
    ) -> None: ...

    def _start_from(self, resources: bytes) -> None: ...

    def close(self) -> None:
        """Stop the server and end its sessions."""


def main(command: str, arguments: list[str], make_mock: Callable[..., StandaloneMock]) -> int:
    """Serve until a signal, or until the command of `run` ends. Returns the exit status.

    `command` is "serve", "run", "lite" or "proxy"; `make_mock` takes the arguments of `S2Mock`.
    """
    arguments, to_run = _split_at_command(arguments) if command == "run" else (arguments, [])
    parser = make_parser(command)
    if command == "run" and not to_run:
        _check_separator(parser, arguments)
    options = parser.parse_args(arguments)
    if options.version:
        say(f"{_version()}\n", sys.stdout)
        return 0
    _check(command, parser, options, to_run)
    if options.verbose:
        _log_requests()
    # Blocked here, and so in every thread that is started below, and waited for at the end. With
    # handlers that wake the main thread, a signal just before it goes to sleep would be lost.
    mask = run_command.block() if to_run else signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    if options.with_parent:
        parent.end_with_parent()
    # While modules load there is no garbage, and looking for it takes a tenth of the time.
    gc.disable()
    # The loop releases the interpreter's lock with each system call. While another thread works on
    # a large body, the loop gets the lock back after this time, which is 5 ms by default.
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        mock = _make_mock(options, make_mock)
    except _CannotStart as error:
        return fail(str(error))
    except ValueError as error:
        parser.error(str(error))
    mock._set_up_server(  # noqa: SLF001  # made for this command
        ControlSettings(
            token=options.control_token,
            account_idle=options.account_idle,
            has_first_account=not options.accounts_only,
            has_dashboard=not getattr(options, "no_dashboard", False),  # of lite only
            leads_to_page=command != "lite",
            origins=tuple(options.control_origin),
        ),
        own_hosts_only=options.no_cors and _is_local(options.host),
    )
    with closing(mock):
        failed: list[bool] = []
        try:
            _prepare(mock, options, failed)
            env = _env(mock, options)
        except OSError as error:
            return fail(f"cannot start: {_explain(error, options)}")
        except _CannotStart as error:
            return fail(str(error))
        if not to_run:
            _announce(command, mock.url, env, options)
        if not _is_local(options.host) and options.auth == "open":
            warn(
                f"--host {options.host} accepts requests from other machines, with any access token"
            )
        if not to_run:
            # The first request would share the interpreter with the loading of what few need.
            time.sleep(_FIRST_REQUEST_SECONDS)
        # The request that needs a module loads it, if there are no descriptors for that now.
        with suppress(OSError, ImportError):
            _load(_NEEDED_BY_SOME_REQUESTS)
        # Modules stay loaded, so the collector need not look through them again.
        gc.freeze()
        gc.enable()
        if to_run:
            return _run(to_run, {**env, **_env_of_control(mock, options)}, mask)
        signal.sigwait(STOP_SIGNALS)
    return int(bool(failed))


def _explain(error: OSError, options: argparse.Namespace) -> str:
    """Return the text of an error at the start; for a port, with what to do about it."""
    way = "choose another one with --port; --port 0 picks a free one"
    if error.errno == errno.EADDRINUSE:
        return f"port {options.port} of {options.host} is in use: stop the other server, or {way}"
    if error.errno == errno.EACCES and error.filename is None:
        return f"port {options.port} is not open to this user: {way}"
    return str(error)


def _version() -> str:
    """Return the text of `--version`, which may be another program's."""
    if text := os.environ.get(_VERSION_VARIABLE):
        return text
    from importlib.metadata import version  # loaded late: nothing else needs it

    return f"s2mock {version('s2mock')}"


class _CannotStart(Exception):
    """A file that the server is to start from is wrong; the message says what is wrong."""


def _split_at_command(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the options before `--` and the command behind it."""
    if "--" not in arguments:
        return arguments, []
    end = arguments.index("--")
    return arguments[:end], arguments[end + 1 :]


def _check_separator(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """End the process if a command to run is there, and no `--` before it."""
    _, unknown = parser.parse_known_args(arguments)
    word = next((one for one in unknown if not one.startswith("-")), None)
    if word is not None:
        place = arguments.index(word)
        written = " ".join([*arguments[:place], "--", *arguments[place:]])
        parser.error(f"-- is missing before the command to run: {parser.prog} {written}")


def _check(
    command: str,
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    to_run: list[str],
) -> None:
    """End the process for options that contradict each other; warn of those without an effect."""
    if command == "run" and not to_run:
        parser.error("which command to run is missing: write it behind --, as in: run -- npm test")
    if options.init_file is not None and options.snapshot is not None:
        parser.error("--init-file and --snapshot both say what to start from: give one of them")
    if command == "proxy" and options.upstream is None:
        parser.error(
            "which server to forward to is missing: --upstream http://127.0.0.1:8080, for an "
            "s2-lite there"
        )
    if options.no_control and options.control_token is not None:
        parser.error("--control-token is for /_s2mock, which --no-control does not serve")
    if options.control_origin and options.control_token is None:
        parser.error("--control-origin needs --control-token, which the pages of it must send")
    if options.accounts_only and options.no_control:
        parser.error("--accounts-only needs /_s2mock, which makes accounts: leave out --no-control")
    if options.accounts_only and options.token != parser.get_default("token"):
        parser.error("--token is for the first account, which --accounts-only leaves out")
    _check_certificate(parser, options)
    if command != "proxy":
        _check_data(parser, options)
    if command == "lite":
        for warning in lite.check(options):
            warn(warning)


def _check_certificate(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the process for options of TLS that contradict each other."""
    if options.tls_self and (options.tls_cert or options.tls_key):
        parser.error("--tls-self makes a certificate: leave out --tls-cert and --tls-key")
    if bool(options.tls_cert) != bool(options.tls_key):
        parser.error("--tls-cert and --tls-key belong together: give both of them")


def _check_data(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the process for options that contradict `--data`."""
    if getattr(options, "local_root", None) is not None and options.data is not None:
        parser.error("--local-root and --data are the same: give one of them")
    if options.accounts_only and options.data is not None:
        parser.error("--data keeps the first account, which --accounts-only leaves out")
    if is_with_upstream(options) and options.data is not None:
        parser.error("--data keeps the account of s2mock itself, not the server at --upstream")


def _make_mock(
    options: argparse.Namespace, make_mock: Callable[..., StandaloneMock]
) -> StandaloneMock:
    """Return the mock to serve. Raises `_CannotStart`, and `ValueError` for a wrong option."""
    from s2mock.json_bodies.snapshots.snapshot import Snapshot

    arguments: dict[str, Any] = arguments_of(options)
    if options.snapshot is not None:
        try:
            arguments["snapshot"] = Snapshot.load(options.snapshot)
        except (OSError, ValueError) as error:
            raise _CannotStart(f"cannot load the snapshot: {error}") from None
    try:
        return make_mock(
            **arguments,
            cors=not options.no_cors,
            clock=None if options.clock == "system" else options.clock,
            control=not options.no_control,
            tls=options.tls_self,
        )
    except ImportError as error:
        raise _CannotStart(str(error).replace("tls=True", "--tls-self")) from None
    except RuntimeError as error:
        raise _CannotStart(f"cannot start: {error}") from None


def _prepare(mock: StandaloneMock, options: argparse.Namespace, failed: list[bool]) -> None:
    """Do what comes before the server listens. `failed` as for `_keep`.

    Raises `OSError`, `_CannotStart`.
    """
    _use_certificate(mock, options)
    _keep(mock, options, failed)
    _apply_init_file(mock, options)
    _load(_NEEDED_BY_ALL_REQUESTS)
    if is_with_upstream(options):
        _load(_NEEDED_WITH_UPSTREAM)


def _use_certificate(mock: StandaloneMock, options: argparse.Namespace) -> None:
    """Serve with the certificate of `--tls-cert`. Raises `OSError`, `_CannotStart`."""
    if options.tls_cert is not None:
        try:
            mock._use_certificate(options.tls_cert, options.tls_key)  # noqa: SLF001  # as above
        except ValueError as error:
            raise _CannotStart(f"cannot start: {error}") from None


def _keep(mock: StandaloneMock, options: argparse.Namespace, failed: list[bool]) -> None:
    """Keep the account in `--data`. `failed` is added to when the server ends for a failing disk.

    Raises `OSError`, `_CannotStart`.
    """
    if is_with_upstream(options) or options.data is None:
        return
    from s2mock.data_directory.files import DataDirectoryError

    def end() -> None:
        failed.append(True)
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        mock._keep_in(options.data, options.sync, report=warn, end=end)  # noqa: SLF001  # as above
    except DataDirectoryError as error:
        raise _CannotStart(f"cannot start: {error}") from None


def _apply_init_file(mock: StandaloneMock, options: argparse.Namespace) -> None:
    """Create the basins of `--init-file`. Raises `OSError`, `_CannotStart`."""
    if options.init_file is not None:
        resources = options.init_file.read_bytes()
        try:
            mock._start_from(resources)  # noqa: SLF001  # made for this command
        except ValueError as error:
            raise _CannotStart(f"cannot apply {options.init_file}: {error}") from None


def _load(modules: Iterable[str]) -> None:
    """Load the modules now, so that the first requests do not wait for it."""
    for module in modules:
        import_module(module)


def _env(mock: StandaloneMock, options: argparse.Namespace) -> dict[str, str]:
    """Return the variables for S2's SDKs, without a token if there is no first account."""
    env = mock.env
    if options.accounts_only:
        del env["S2_ACCESS_TOKEN"]
    return env


def _env_of_control(mock: StandaloneMock, options: argparse.Namespace) -> dict[str, str]:
    """Return the variables with which the packages for other languages use this server."""
    if options.no_control:
        return {}
    token = {"S2MOCK_CONTROL_TOKEN": options.control_token} if options.control_token else {}
    return {"S2MOCK_URL": mock.url, **token}


def _announce(command: str, url: str, env: dict[str, str], options: argparse.Namespace) -> None:
    """Print that the server listens, and where."""
    if command == "lite":
        log, rest = lite.announcement(url, env, options)
        # `s2 lite` prints all to standard output. Programs that wait for the log may read only
        # standard error, so it goes there too.
        say(log + rest, sys.stdout)
        say(log, sys.stderr)
    else:
        lines = "".join(f"export {name}={value}\n" for name, value in env.items())
        say(lines, sys.stdout)
        is_without = "S2_ACCESS_TOKEN" not in env
        how = f"; POST {url}/_s2mock/accounts makes an account" if is_without else ""
        page = "" if options.no_control else f"inspect: {url}/_s2mock/\n"
        say(f"s2mock is listening on {url}{how}; stop it with Ctrl-C\n{page}", sys.stderr)


def _run(command: list[str], env: dict[str, str], mask: Iterable[signal.Signals | int]) -> int:
    """Run the command with these variables; return its exit status."""
    try:
        return run_command.run(command, env, mask)
    except FileNotFoundError:
        warn(f"there is no command {command[0]!r}")
        return run_command.NOT_FOUND
    except OSError as error:
        warn(f"cannot run {command[0]!r}: {error.strerror}")
        return run_command.NOT_EXECUTABLE


def _is_local(host: str) -> bool:
    """True if only this machine can reach a server at the host."""
    return host == "localhost" or is_loopback(host)


def _log_requests() -> None:
    """Print a line for each request on standard error."""
    import logging

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("s2mock: %(message)s"))
    # A closed standard error does not stop the server.
    logging.raiseExceptions = False
    logger = logging.getLogger("s2mock")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
