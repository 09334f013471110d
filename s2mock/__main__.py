"""The standalone server: `python -m s2mock`, for tests in any language."""

import argparse
import ipaddress
import os
import signal
import sys
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

_STOP = (signal.SIGINT, signal.SIGTERM)
_SWITCH_SECONDS = 0.0002
_DEFAULT_TOKEN = "s2mock"
# What an interpreter lacks if s2mock was not installed into its environment.
_NEEDED = ("werkzeug", "hpack", "jsonschema", "google")


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
    parser = _parser()
    options = parser.parse_args()
    if options.verbose:
        _log_requests()
    # Blocked here, and so in every thread that is started below, and waited for at the end. With
    # handlers that wake the main thread, a signal that comes just before it goes to sleep is lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    # The loop lets go of the interpreter with each call to the system. While a heavy body is worked
    # on in another thread it gets it back after so long, which is 5 ms by default.
    sys.setswitchinterval(_SWITCH_SECONDS)
    from s2mock.mock import S2Mock
    from s2mock.resources import ResourcesError, apply_resources

    try:
        mock = S2Mock(
            host=options.host,
            port=options.port,
            deletion_delay=options.deletion_delay,
            profile=options.profile,
            cors=not options.no_cors,
            token=options.token,
            journal_limit=options.journal_limit,
            journal_bytes=options.journal_bytes,
        )
    except ValueError as error:
        parser.error(str(error))
    mock._own_hosts_only = options.no_cors and _is_loopback(options.host)  # noqa: SLF001
    with mock:
        try:
            if options.init_file is not None:
                apply_resources(mock.account, options.init_file.read_bytes())
            env = mock.env
        except ResourcesError as error:
            return _fail(f"cannot apply {options.init_file}: {error}")
        except OSError as error:
            return _fail(f"cannot start: {error}")
        _say("".join(f"export {name}={value}\n" for name, value in env.items()), sys.stdout)
        _say(f"s2mock is listening on {mock.url}; stop it with Ctrl-C\n", sys.stderr)
        if not _is_loopback(options.host):
            _say(
                f"s2mock: --host {options.host} lets in whoever reaches this machine, with any "
                "access token\n",
                sys.stderr,
            )
        # Loaded now and not with the first request, or the first that has a body or a fault in it.
        import s2mock.api.app
        import s2mock.api.wire.messages
        import s2mock.documents.explaining
        import s2mock.documents.parsing  # noqa: F401

        signal.sigwait(_STOP)
    return 0


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


def _parser() -> argparse.ArgumentParser:
    # With the account it is loaded anyway, and not for the proof.
    from s2mock.powers.journal import JOURNAL_BYTES, JOURNAL_LIMIT

    parser = argparse.ArgumentParser(
        prog=_program(),
        description="An S2 account in memory, as a server. Prints the environment variables that "
        "point S2's SDKs to it, once it is listening.",
        epilog=f"`{_program()} fidelity` serves nothing: it prints how s2mock compares with the "
        "real server. `--help` after it says more.",
    )
    parser.add_argument("--version", action="version", version=f"s2mock {version('s2mock')}")
    parser.add_argument(
        "--verbose", action="store_true", help="print a line for each request on standard error"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8080,
        help="port to listen on; 0 picks a free one (default: 8080)",
    )
    parser.add_argument(
        "--init-file",
        type=Path,
        metavar="FILE",
        help="JSON file of basins and streams to begin with, as for s2-lite",
    )
    parser.add_argument(
        "--deletion-delay",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long a deletion stays pending",
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
        help=f"the account's own access token (default: {_DEFAULT_TOKEN})",
    )
    parser.add_argument(
        "--journal-limit",
        type=int,
        default=JOURNAL_LIMIT,
        metavar="COUNT",
        help=f"how many exchanges the journal keeps, 0 for none (default: {JOURNAL_LIMIT})",
    )
    parser.add_argument(
        "--journal-bytes",
        type=int,
        default=JOURNAL_BYTES,
        metavar="BYTES",
        help="how many bytes of bodies the journal keeps (default: 64 MiB)",
    )
    parser.add_argument(
        "--no-cors",
        action="store_true",
        help="send no CORS headers, and on a loopback address refuse requests whose Host is "
        "another name than this machine's own",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
