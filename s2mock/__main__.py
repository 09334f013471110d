"""The standalone server: `python -m s2mock`, for tests in any language."""

import argparse
import gc
import ipaddress
import math
import os
import signal
import sys
from contextlib import closing, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from s2mock.control.command_line import lite, run_command
from s2mock.runtime.arguments import check_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s2mock.mock import S2Mock

_STOP = (signal.SIGINT, signal.SIGTERM)
_SWITCH_SECONDS = 0.0002
_DEFAULT_TOKEN = "s2mock"
_ACCOUNT_IDLE_SECONDS = 3600
# What an interpreter lacks if s2mock was not installed into its environment.
_NEEDED = ("werkzeug", "hpack", "jsonschema", "google")
# By every request, the first one too.
_NEEDED_BY_ALL_REQUESTS = ("s2mock.api.app", "s2mock.control")
# By those that open a session, or have a fault in their body, or are of the powers. They take as
# long to load as all else, so it listens before: the listener leaves descriptors for them.
_NEEDED_BY_SOME_REQUESTS = (
    "werkzeug.wrappers",
    "s2mock.api.wire.messages",
    "s2mock.json_bodies.schema_errors",
    "s2mock.control.faults",
    "s2mock.control.journal",
    "s2mock.control.page",
)


def main() -> int:
    """Serve until SIGINT or SIGTERM, or print the proof. Returns the exit status."""
    _open_standard_streams()
    for name in _NEEDED:
        if find_spec(name) is None:
            return _fail(_not_installed(name))
    return _fidelity() if sys.argv[1:2] == ["fidelity"] else _serve()


def _fidelity() -> int:
    parser = argparse.ArgumentParser(
        prog=f"{_program()} fidelity",
        description="Count the cases of the contract suite, replay every recording of the real "
        "server on the fake, and print what came of it with each known difference, as Markdown. "
        "The exit status is 1 if a recording is not answered as recorded.",
    )
    parser.parse_args(sys.argv[2:])
    # By name and only now: the product does without the proof.
    proof = import_module("s2mock.contract.fidelity")
    return int(proof.main())


def _serve() -> int:
    kind, arguments, command = _divided(sys.argv[1:])
    parser = _parser(kind)
    options = parser.parse_args(arguments)
    if options.version:
        from importlib.metadata import version  # which nothing else needs

        _say(f"s2mock {version('s2mock')}\n", sys.stdout)
        return 0
    _check(kind, parser, options, command)
    if options.verbose:
        _log_requests()
    # Blocked here, and so in every thread that is started below, and waited for at the end. With
    # handlers that wake the main thread, a signal that comes just before it goes to sleep is lost.
    mask = run_command.block() if command else signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    # While modules are loaded there is nothing to collect, and looking takes a tenth of the time.
    gc.disable()
    # The loop lets go of the interpreter with each call to the system. While a heavy body is worked
    # on in another thread it gets it back after so long, which is 5 ms by default.
    sys.setswitchinterval(_SWITCH_SECONDS)
    from s2mock.json_bodies.snapshots.snapshot import Snapshot
    from s2mock.mock import S2Mock
    from s2mock.runtime.clock import ManualClock

    if options.init_file is not None and options.snapshot is not None:
        parser.error("--init-file and --snapshot are both a beginning: give one of them")
    try:
        snapshot = None if options.snapshot is None else Snapshot.load(options.snapshot)
    except (OSError, ValueError) as error:
        return _fail(f"cannot load the snapshot: {error}")
    try:
        mock = S2Mock(
            snapshot=snapshot,
            host=options.host,
            port=options.port,
            deletion_delay=options.deletion_delay,
            append_latency=options.append_latency,
            profile=options.profile,
            cors=not options.no_cors,
            token=options.token,
            auth=options.auth,
            revocation_delay=options.revocation_delay,
            locations=options.locations,
            journal_limit=options.journal_limit,
            journal_bytes=options.journal_bytes,
            clock=ManualClock() if options.clock == "manual" else None,
            control=not options.no_control,
        )
    except ValueError as error:
        parser.error(str(error))
    _set_up(mock, options)
    with closing(mock):
        try:
            if options.init_file is not None:
                failure = _apply_init_file(mock, options.init_file)
                if failure is not None:
                    return _fail(failure)
            _load(_NEEDED_BY_ALL_REQUESTS)
            env = _env(mock, options)
        except OSError as error:
            return _fail(f"cannot start: {error}")
        if not command:
            _announce(kind, mock.url, env)
        if not _is_loopback(options.host) and options.auth == "open":
            _say(
                f"s2mock: --host {options.host} lets in whoever reaches this machine, with any "
                "access token\n",
                sys.stderr,
            )
        # What fails for want of descriptors is loaded by the request that needs it.
        with suppress(OSError, ImportError):
            _load(_NEEDED_BY_SOME_REQUESTS)
        # What is loaded stays, so that the collector need not look through it again.
        gc.freeze()
        gc.enable()
        if command:
            return _run(command, env, mask)
        signal.sigwait(_STOP)
    return 0


def _set_up(mock: "S2Mock", options: argparse.Namespace) -> None:
    """Set what a mock has as a server of its own only."""
    mock._own_hosts_only = options.no_cors and _is_loopback(options.host)  # noqa: SLF001
    mock._control_token = options.control_token  # noqa: SLF001
    mock._has_dashboard = not getattr(options, "no_dashboard", False)  # noqa: SLF001  # of lite
    mock._account_idle = options.account_idle  # noqa: SLF001
    if options.accounts_only:
        from s2mock.control.request import NO_FIRST

        mock._refusal = NO_FIRST  # noqa: SLF001


def _env(mock: "S2Mock", options: argparse.Namespace) -> dict[str, str]:
    """The variables that lead to the server, without a token where it has no first account."""
    env = mock.env
    if options.accounts_only:
        del env["S2_ACCESS_TOKEN"]
    return env


def _apply_init_file(mock: "S2Mock", init_file: Path) -> str | None:
    """Make what it begins with, and begins again with. Returns what is wrong with the file.

    Raises `OSError`.
    """
    from s2mock.json_bodies.resource_files import ResourcesError, apply_resources

    resources = init_file.read_bytes()
    try:
        apply_resources(mock.account.engine, resources)
    except ResourcesError as error:
        return f"cannot apply {init_file}: {error}"
    mock._resources = resources  # noqa: SLF001
    return None


def _load(modules: "Iterable[str]") -> None:
    """Load what requests need, now and not with the first of them."""
    for module in modules:
        import_module(module)


def _check(
    kind: str,
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    command: list[str],
) -> None:
    """End the process where the options make no sense together; say which change nothing."""
    if kind == "run" and not command:
        parser.error("say which command to run, behind --, as in: run -- npm test")
    if options.no_control and options.control_token is not None:
        parser.error("--control-token says who is let in to what --no-control does not serve")
    if options.accounts_only and options.no_control:
        parser.error("--accounts-only needs /_s2mock, which makes accounts: leave out --no-control")
    if options.accounts_only and options.token != parser.get_default("token"):
        parser.error("--token is that of the first account, which --accounts-only leaves out")
    if kind == "lite":
        for warning in lite.check(parser, options):
            _say(f"s2mock: {warning}\n", sys.stderr)


def _announce(kind: str, url: str, env: dict[str, str]) -> None:
    """Say that it listens, and where."""
    port = int(url.rpartition(":")[2])
    if kind == "lite":
        log, rest = lite.announcement(port, env["S2_ACCESS_TOKEN"])
        # It prints all to standard output; who reads only the log may well read the other.
        _say(log + rest, sys.stdout)
        _say(log, sys.stderr)
    else:
        lines = "".join(f"export {name}={value}\n" for name, value in env.items())
        _say(lines, sys.stdout)
        is_without = "S2_ACCESS_TOKEN" not in env
        how = f"; POST {url}/_s2mock/accounts makes an account" if is_without else ""
        _say(f"s2mock is listening on {url}{how}; stop it with Ctrl-C\n", sys.stderr)


def _run(command: list[str], env: dict[str, str], mask: "Iterable[signal.Signals | int]") -> int:
    try:
        return run_command.run(command, env, mask)
    except FileNotFoundError:
        _fail(f"there is no command {command[0]!r}")
        return run_command.NOT_FOUND
    except OSError as error:
        _fail(f"cannot run {command[0]!r}: {error.strerror}")
        return run_command.NOT_EXECUTABLE


def _divided(arguments: list[str]) -> tuple[str, list[str], list[str]]:
    """What is to be done, with which options, and for `run` the command."""
    kind = arguments[0] if arguments[:1] in (["lite"], ["run"]) else "serve"
    rest = arguments if kind == "serve" else arguments[1:]
    if kind != "run" or "--" not in rest:
        return kind, rest, []
    end = rest.index("--")
    return kind, rest[:end], rest[end + 1 :]


def _open_standard_streams() -> None:
    """See to it that the first three descriptors are there, so that nothing else takes them."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115  # as long as we run
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115


def _say(text: str, stream: TextIO) -> None:
    """Print; where nobody takes it, the server serves all the same."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # What is left in the buffer would fail once more at the end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        if stream is sys.stdout:
            _say(f"s2mock: cannot write to standard output: {error}\n", sys.stderr)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _program() -> str:
    """How it was started: by `python -m`, or by the script that pip installs."""
    return "python -m s2mock" if Path(sys.argv[0]).name == "__main__.py" else "s2mock"


def _log_requests() -> None:
    import logging

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("s2mock: %(message)s"))
    # Where nobody takes it, the server serves all the same.
    logging.raiseExceptions = False
    logger = logging.getLogger("s2mock")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def _not_installed(name: str) -> str:
    made_here = Path(__file__).parent.parent / ".venv" / "bin" / "python"
    if made_here.exists() and Path(sys.executable) != made_here:
        way = f"run {made_here} -m s2mock"
    else:
        way = "run `make serve` in the checkout, or install s2mock with pip"
    return f"{sys.executable} has no module {name}, which s2mock needs: {way}"


def _fail(message: str) -> int:
    _say(f"s2mock: {message}\n", sys.stderr)
    return 1


def _token(text: str) -> str:
    try:
        return check_token(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("token ")) from None


def _idle_seconds(text: str) -> float:
    try:
        seconds = 0.0 if text == "never" else float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(
            f"must be a number of seconds such as {_ACCOUNT_IDLE_SECONDS}, or never, not {text!r}"
        )
    return seconds or math.inf


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("must be the path of a file, not an empty text")
    return Path(text)


def _parser(kind: str = "serve") -> argparse.ArgumentParser:
    # With the account it is loaded anyway, and not for the proof.
    from s2mock.powers.journal import JOURNAL_BYTES, JOURNAL_LIMIT

    parser = argparse.ArgumentParser(
        prog=_program() if kind == "serve" else f"{_program()} {kind}",
        usage="%(prog)s [options] -- command [argument ...]" if kind == "run" else None,
        description=_DESCRIPTIONS[kind],
        epilog=_EPILOG.format(_program()) if kind == "serve" else None,
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    parser.add_argument(
        "--verbose", action="store_true", help="print a line for each request on standard error"
    )
    # A help text takes its default from the parser, since `lite` has others.
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=0 if kind == "run" else 8080,
        help="port to listen on; 0 picks a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--init-file",
        type=_path,
        metavar="FILE",
        help="JSON file of basins and streams to begin with, as for s2-lite",
    )
    parser.add_argument(
        "--snapshot",
        type=_path,
        metavar="FILE",
        help="file of a snapshot to begin with, as Snapshot.save() writes it",
    )
    parser.add_argument(
        "--deletion-delay",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long a deletion stays pending",
    )
    parser.add_argument(
        "--append-latency",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long an append takes to be durable; 0.005 is the pace of s2-lite",
    )
    parser.add_argument(
        "--profile",
        choices=("real", "documented"),
        default="real",
        help="whom to follow where the running service and its documentation differ",
    )
    parser.add_argument(
        "--token",
        default=_DEFAULT_TOKEN,
        help="the account's own access token (default: %(default)s)",
    )
    parser.add_argument(
        "--auth",
        choices=("open", "required"),
        default="open",
        help="whether requests without an access token of this account are let in",
    )
    parser.add_argument(
        "--revocation-delay",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long a revoked access token is still good",
    )
    parser.add_argument(
        "--locations",
        type=lambda text: [name.strip() for name in text.split(",")],
        metavar="NAMES",
        help="where basins can be: names with commas between them, the default first",
    )
    parser.add_argument(
        "--journal-limit",
        type=int,
        default=JOURNAL_LIMIT,
        metavar="COUNT",
        help="how many exchanges the journal keeps, 0 for none (default: %(default)s)",
    )
    parser.add_argument(
        "--journal-bytes",
        type=int,
        default=JOURNAL_BYTES,
        metavar="BYTES",
        help="how many bytes of bodies and long heads the journal keeps (default: 64 MiB)",
    )
    parser.add_argument(
        "--no-cors",
        action="store_true",
        help="send no CORS headers, and on a loopback address refuse requests whose Host is "
        "another name than this machine's own",
    )
    parser.add_argument(
        "--clock",
        choices=("system", "manual"),
        default="system",
        help="'manual' stands at 2024-01-01 until POST /_s2mock/clock/advance turns it",
    )
    parser.add_argument(
        "--control-token",
        type=_token,
        metavar="TOKEN",
        help="serve /_s2mock to whoever brings this in the header S2Mock-Control-Token too, and "
        "not only to this machine",
    )
    parser.add_argument(
        "--account-idle",
        type=_idle_seconds,
        default=_ACCOUNT_IDLE_SECONDS,
        metavar="SECONDS",
        help="end an account that POST /_s2mock/accounts has made when no request has used it for "
        f"so long; 0 or never keeps it (default: {_ACCOUNT_IDLE_SECONDS})",
    )
    parser.add_argument("--no-control", action="store_true", help="do not serve /_s2mock at all")
    if kind == "lite":
        lite.add_options(parser)
        # It is in the place of a server with one account.
        parser.set_defaults(accounts_only=False)
    else:
        parser.add_argument(
            "--accounts-only",
            action="store_true",
            help="start without a first account: a request without the token of an account that "
            "POST /_s2mock/accounts has made is refused with 401",
        )
    return parser


_DESCRIPTIONS = {
    "serve": "An S2 account in memory, as a server. Prints the environment variables that point "
    "S2's SDKs to it, once it is listening.",
    "lite": "The same in the place of `s2 lite`, with its options, its port and what it prints.",
    "run": "Run a command with such a server on a free port, and with the environment variables "
    "that point S2's SDKs to it. Ends with the command, with its status.",
}
_EPILOG = (
    "`{0} lite` takes the place of `s2 lite`; `{0} run -- COMMAND` runs a command with a server of "
    "its own; `{0} fidelity` prints how s2mock was compared with real servers, and what came of it."
)


if __name__ == "__main__":
    sys.exit(main())
