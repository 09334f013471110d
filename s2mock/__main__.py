"""The standalone server: `python -m s2mock`, for tests in any language."""

import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from s2mock.control.command_line import console

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from s2mock.handles.mock import S2Mock

# Missing in an interpreter into whose environment s2mock was not installed.
_DEPENDENCIES: Final = ("werkzeug", "hpack", "jsonschema", "google")
# Commands, each with a module of that name in `s2mock.contract`.
_PROOFS: Final = ("fidelity", "drift", "verify")
_SERVERS: Final = ("lite", "run", "proxy")


def main() -> int:
    """Serve until SIGINT or SIGTERM, or print a comparison. Returns the exit status."""
    console.open_standard_streams()
    for name in _DEPENDENCIES:
        if find_spec(name) is None:
            return console.fail(_not_installed(name))
    arguments = sys.argv[1:]
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:2], "--help"]
    command = arguments[0] if arguments and not arguments[0].startswith("-") else None
    if command in _PROOFS:
        return int(_proof(command).main(console.program(), arguments[1:]))
    from s2mock.control.command_line import serve, subcommands

    if command in _SERVERS:
        return serve.main(command, arguments[1:], _make_mock)
    if command == "completion":
        return subcommands.print_completions(arguments[1:], _parsers())
    if command is not None:
        return subcommands.refuse(command)
    return serve.main("serve", arguments, _make_mock)


def _proof(command: str) -> Any:
    """Return the module of a command. By name and late: the product works without the proof."""
    return import_module(f"s2mock.contract.{command}")


def _parsers() -> "dict[str, Callable[[], ArgumentParser]]":
    """Return what makes the parser of each subcommand, and under `""` that of the server."""
    from s2mock.control.command_line.parser import make_parser

    return {
        "": make_parser,
        **{name: partial(make_parser, name) for name in _SERVERS},
        **{name: partial(_proof(name).make_parser, console.program()) for name in _PROOFS},
    }


def _make_mock(**arguments: Any) -> "S2Mock":
    from s2mock.handles.mock import S2Mock  # loaded late: --help and --version do without

    return S2Mock(**arguments)


def _not_installed(name: str) -> str:
    """Return the message for a missing dependency: how to run s2mock where it is installed."""
    made_here = Path(__file__).parent.parent / ".venv" / "bin" / "python"
    if made_here.exists() and Path(sys.executable) != made_here:
        way = f"run {made_here} -m s2mock"
    else:
        way = "run `make serve` in the checkout, or install s2mock with pip"
    return f"{sys.executable} has no module {name}, which s2mock needs: {way}"


if __name__ == "__main__":
    sys.exit(main())
