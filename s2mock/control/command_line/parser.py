"""The arguments of `python -m s2mock`: the options of a mock as flags, and those of a server."""

import argparse
import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from s2mock.control.command_line import lite
from s2mock.control.command_line.clap import ClapParser
from s2mock.control.command_line.console import program
from s2mock.control.command_line.subcommands import listing
from s2mock.options import OPTIONS, Option
from s2mock.runtime.argument_parser import ArgumentParser, HelpFormatter, add_defaults
from s2mock.runtime.arguments import check_token

ACCOUNT_IDLE_SECONDS: Final = 3600
# Other defaults than those of `S2Mock`, which makes a token for each test and picks free ports.
_DEFAULTS: Final = {"port": 8080, "token": "s2mock"}
# `lite` and `run` have other defaults, so the help takes them from the parser.
_BY_COMMAND: Final = ("append_latency", "host", "port", "token")

_DESCRIPTIONS: Final = {
    "serve": "An S2 account in memory, as a server. It prints the environment variables that point "
    "S2's SDKs to it, once it is listening. A page at /_s2mock/ shows what happens in it.",
    "lite": "A drop-in replacement for `s2 lite`: same options, same output; listens on "
    "0.0.0.0:80.",
    "proxy": "The faults, the holds and the journal of s2mock in front of a real server, such as "
    "s2-lite. Every request goes on to it, and its answer comes back as it is.",
    "run": "Run a command with such a server on a free port, and with the environment variables "
    "that point S2's SDKs to it. Ends with the command, with its status.",
}
_SERVER: Final = "the server"
_ACCOUNT: Final = "the account"
_CONTROL: Final = "the control API"
# The groups of options in the help; all others are about the account.
_GROUPS: Final = {
    **dict.fromkeys(("verbose", "host", "port", "tls", "cors", "with_parent"), _SERVER),
    **dict.fromkeys(("journal_limit", "journal_bytes"), "the journal"),
    **dict.fromkeys(
        ("control", "control_token", "control_origin", "account_idle", "accounts_only"), _CONTROL
    ),
    **dict.fromkeys(
        ("upstream", "upstream_token_env", "upstream_basin_endpoint", "basin_prefix"),
        "a real server behind it",
    ),
}


_WIDE: Final = partial(HelpFormatter, width=80)


def make_parser(command: str = "serve") -> argparse.ArgumentParser:
    """Return the parser of the command: "serve", "lite", "run" or "proxy"."""
    make: type[argparse.ArgumentParser] = ClapParser if command == "lite" else ArgumentParser
    parser = make(
        prog=program() if command == "serve" else f"{program()} {command}",
        usage="%(prog)s [options] -- command [argument ...]" if command == "run" else None,
        description=_DESCRIPTIONS[command],
        epilog=listing() if command == "serve" else None,
        # To check an argument, argparse makes a formatter, which loads five modules to measure the
        # terminal, unless it is told a width.
        formatter_class=_WIDE,
    )
    parser.add_argument(
        "-V",
        "--version",
        action="store_true",
        help="print the version, or the text in S2MOCK_VERSION_AS, and end",
    )
    _group(parser, "verbose").add_argument(
        "--verbose", action="store_true", help="print a line for each request on standard error"
    )
    for option in OPTIONS.values():
        if option.server_flag is not None and _is_of(command, option):
            add_option = _OWN_FLAGS.get(option.name, _add_option)
            add_option(_group(parser, option.name), option)
    _add_server_options(parser)
    if command == "run":
        parser.set_defaults(port=0)
    if command == "proxy":
        parser.set_defaults(clock="system", snapshot=None, auth="open")
    if command == "lite":
        lite.add_options(parser)
        # It replaces a server with one account.
        parser.set_defaults(accounts_only=False)
    else:
        _group(parser, "accounts_only").add_argument(
            "--accounts-only",
            action="store_true",
            help="start without a first account: a request without the token of an account that "
            "POST /_s2mock/accounts has made is refused with 401",
        )
    add_defaults(parser)
    parser.formatter_class = HelpFormatter
    return parser


def arguments_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `S2Mock` that are written on the command line as they are."""
    return {
        option.name: getattr(options, option.name)
        for option in OPTIONS.values()
        if option.server_flag is not None
        and option.is_argument
        and option.name not in _OWN_FLAGS
        and hasattr(options, option.server_flag)
        and not (option.is_of_engine and is_with_upstream(options))
    }


def is_with_upstream(options: argparse.Namespace) -> bool:
    """True if a real server answers the requests."""
    return getattr(options, "upstream", None) is not None


def _is_of(command: str, option: Option) -> bool:
    """True if the command has the option."""
    if command == "proxy":
        return not option.is_of_engine
    return command != "lite" or not option.is_of_upstream


def _group(parser: argparse.ArgumentParser, name: str) -> "argparse._ArgumentGroup":
    """Return the group of the parser for the option of that name."""
    title = _GROUPS.get(name, _ACCOUNT)
    for group in parser._action_groups:  # noqa: SLF001  # argparse has no other list of them
        if group.title == title:
            return group
    return parser.add_argument_group(title)


def _add_option(parser: "argparse._ArgumentGroup", option: Option) -> None:
    """Add the flag of an option whose value the text gives."""
    default = _DEFAULTS.get(option.name, option.default)
    shown = "%(default)s" if option.name in _BY_COMMAND else option.default_text
    parser.add_argument(
        f"--{option.name.replace('_', '-')}",
        type=_parse_with(option.parse),
        choices=option.choices or None,
        default=default,
        metavar=None if option.choices else option.kind.metavar,
        help=f"{option.text}{option.kind.syntax} (default: {shown})",
    )


def _add_basins(parser: "argparse._ArgumentGroup", option: Option) -> None:  # noqa: ARG001
    parser.add_argument(
        "--init-file",
        type=_parse_path,
        metavar="FILE",
        help="JSON file of basins and streams that exist from the start, as for s2-lite",
    )


def _add_snapshot(parser: "argparse._ArgumentGroup", option: Option) -> None:  # noqa: ARG001
    parser.add_argument(
        "--snapshot",
        type=_parse_path,
        metavar="FILE",
        help="file of a snapshot to start from, as Snapshot.save() writes it",
    )


def _add_cors(parser: "argparse._ArgumentGroup", option: Option) -> None:  # noqa: ARG001
    parser.add_argument(
        "--no-cors",
        action="store_true",
        help="send no CORS headers, and on a loopback address refuse requests whose Host is "
        "another name than this machine's own",
    )


def _add_clock(parser: "argparse._ArgumentGroup", option: Option) -> None:  # noqa: ARG001
    parser.add_argument(
        "--clock",
        choices=("system", "manual", "auto"),
        default="system",
        help="'manual' stays at 2024-01-01 until POST /_s2mock/clock/advance moves it, 'auto' "
        "advances by itself while every open request waits on it (default: %(default)s)",
    )


def _add_control(parser: "argparse._ArgumentGroup", option: Option) -> None:  # noqa: ARG001
    parser.add_argument("--no-control", action="store_true", help="do not serve /_s2mock at all")


def _add_tls(parser: "argparse._ArgumentGroup", option: Option) -> None:
    parser.add_argument("--tls-self", action="store_true", help=option.text)
    parser.add_argument(
        "--tls-cert",
        type=_parse_path,
        metavar="FILE",
        help="serve over TLS with the certificate in this PEM file, and the key in --tls-key",
    )
    parser.add_argument(
        "--tls-key", type=_parse_path, metavar="FILE", help="PEM file of the key of --tls-cert"
    )


def _add_data(parser: "argparse._ArgumentGroup", option: Option) -> None:
    parser.add_argument(
        "--data",
        type=_parse_path,
        metavar="DIR",
        help=f"{option.text}; without it everything is in memory",
    )


# The options that are written in another way than `--name VALUE`.
_OWN_FLAGS: Final[dict[str, Callable[["argparse._ArgumentGroup", Option], None]]] = {
    "basins": _add_basins,
    "snapshot": _add_snapshot,
    "cors": _add_cors,
    "clock": _add_clock,
    "control": _add_control,
    "tls": _add_tls,
    "data": _add_data,
}


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a server with several accounts, which `S2Mock` does not have."""
    _group(parser, "control_token").add_argument(
        "--control-token",
        type=_parse_token,
        metavar="TOKEN",
        help="serve /_s2mock to other machines too, if a request carries this token in the header "
        "S2Mock-Control-Token",
    )
    _group(parser, "control_origin").add_argument(
        "--control-origin",
        type=_parse_origin,
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let the pages of this origin, such as http://localhost:5173, use /_s2mock from a "
        "browser, if they send the control token; may be given several times",
    )
    _group(parser, "account_idle").add_argument(
        "--account-idle",
        type=_parse_idle,
        default=ACCOUNT_IDLE_SECONDS,
        metavar="SECONDS",
        help="end an account that POST /_s2mock/accounts has made after this time without a "
        f"request; 0 or never keeps it (default: {ACCOUNT_IDLE_SECONDS})",
    )

    _group(parser, "with_parent").add_argument(
        "--with-parent",
        action="store_true",
        help="end when the process that has started this one ends",
    )


def _parse_with(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return `parse` with the error that argparse shows together with the flag."""

    def parse_argument(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_argument


def _parse_token(text: str) -> str:
    try:
        return check_token(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("token ")) from None


def _parse_origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#@\s]+", text, re.IGNORECASE):
        raise argparse.ArgumentTypeError(
            f"must be an origin such as http://localhost:5173, without a path, not {text!r}"
        )
    return text.lower()


def _parse_idle(text: str) -> float:
    try:
        seconds = 0.0 if text == "never" else float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(
            f"must be a number of seconds such as {ACCOUNT_IDLE_SECONDS}, or never, not {text!r}"
        )
    return seconds or math.inf


def _parse_path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("must be a path, not an empty text")
    return Path(text)
