"""The subcommands of `python -m s2mock`: their list, and the completions of a shell."""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Final

from s2mock.control.command_line.console import fail, program, say
from s2mock.runtime.argument_parser import ArgumentParser

SUBCOMMANDS: Final = {
    "run": "run a command with a server of its own: run -- npm test",
    "lite": "a drop-in replacement for `s2 lite`",
    "proxy": "forward requests to a real server, behind faults, holds and the journal",
    "fidelity": "replay all recordings of the real server, and print the numbers",
    "verify": "run the contract suite on a server, and print a dated table",
    "drift": "send the requests of a cassette to a fresh fake, and list the differences",
    "completion": "print the completions for a shell: bash, zsh or tcsh",
    "help": "print the help of a command: help run",
}
WRONG_USAGE: Final = 2


def listing() -> str:
    """Return the list of all subcommands, with a line each."""
    lines = [f"  {name:<12}{text}\n" for name, text in SUBCOMMANDS.items()]
    return f"commands:\n{''.join(lines)}\nWithout a command it is a server with the options above."


def refuse(name: str) -> int:
    """Print that there is no such subcommand, with the nearest one; return the exit status."""
    from s2mock.runtime.near_names import suggest

    hint = suggest(name, SUBCOMMANDS, "the commands are")
    say(f"{program()}: error: there is no command {name!r}: {hint}\n", sys.stderr)
    return WRONG_USAGE


def make_completion_parser() -> ArgumentParser:
    """Return the parser of `completion`."""
    parser = ArgumentParser(
        prog=f"{program()} completion",
        description="Print the completions for a shell, as in: source <(s2mock completion bash). "
        "Needs shtab: pip install 's2mock[completion]'.",
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell")
    return parser


def print_completions(
    arguments: list[str], parsers: Mapping[str, Callable[[], argparse.ArgumentParser]]
) -> int:
    """Print the script with which a shell completes commands and flags; return the exit status.

    `parsers` makes the parser of each subcommand, and under `""` that of the server.
    """
    options = make_completion_parser().parse_args(arguments)
    try:
        import shtab
    except ImportError:
        return fail("completion needs shtab: pip install 's2mock[completion]'")
    root = parsers[""]()
    root.prog = "s2mock"
    commands = root.add_subparsers(metavar="COMMAND")
    for name, text in SUBCOMMANDS.items():
        parents = [parsers[name]()] if name in parsers else []
        commands.add_parser(
            name, help=text, parents=parents, add_help=False, conflict_handler="resolve"
        )
    say(shtab.complete(root, shell=options.shell), sys.stdout)
    return 0
