"""The entries of the command line in the reference, made from its parsers."""

import argparse
from collections.abc import Callable
from typing import Final

from docs.markdown import table
from s2mock.contract import drift, fidelity, verify
from s2mock.control.command_line import subcommands
from s2mock.control.command_line.parser import make_parser

# Each subcommand with its parser. "" is the command without a subcommand.
COMMANDS: Final[dict[str, Callable[[], argparse.ArgumentParser]]] = {
    "": lambda: make_parser("serve"),
    "run": lambda: make_parser("run"),
    "lite": lambda: make_parser("lite"),
    "proxy": lambda: make_parser("proxy"),
    "fidelity": lambda: fidelity.make_parser("s2mock"),
    "verify": lambda: verify.make_parser("s2mock"),
    "drift": lambda: drift.make_parser("s2mock"),
    "completion": subcommands.make_completion_parser,
}
# These have the options of the server, too.
SERVERS = ("run", "lite", "proxy")
USAGES = {"run": "s2mock run [options] -- COMMAND [argument ...]"}


def command(name: str) -> list[str]:
    """Return the entry of a subcommand: its usage, its description and its options."""
    parser = COMMANDS[name]()
    actions = [action for action in parser._actions if is_shown(action)]
    arguments = [one.metavar or one.dest for one in actions if not one.option_strings]
    usage = USAGES.get(name) or " ".join(filter(None, ("s2mock", name, "[options]", *arguments)))
    lines = ["```{code-block} text", usage, "```", "", parser.description or ""]
    if name in SERVERS:
        shared = {flag(one): text(parser, one) for one in COMMANDS[""]()._actions}
        actions = [one for one in actions if shared.get(flag(one)) != text(parser, one)]
        left = sorted(shared.keys() - {flag(one) for one in parser._actions})
        missing = f", but for {', '.join(f'`{one}`' for one in left)}" if left else ""
        lines += ["", f"It has the options of [the server](#the-server){missing}. These differ:"]
        if not actions:
            lines[-1] = lines[-1].replace(" These differ:", "")
    if actions:
        rows = [[f"`{flag(one)}`", text(parser, one)] for one in actions]
        lines += ["", *table(("argument", "what it sets"), rows)]
    return lines


def flag(action: argparse.Action) -> str:
    """Return how an argument is written: its flags, and the name of its value."""
    value = action.metavar
    if value is None and action.choices:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if value is None and action.nargs != 0:
        value = action.dest.upper()
    return " ".join(filter(None, (", ".join(action.option_strings), str(value or ""))))


def text(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Return the help of an argument. Raises `LookupError` for one without."""
    if not action.help:
        raise LookupError(f"docs/commands.py: {flag(action)} has no help text")
    return argparse.HelpFormatter(parser.prog)._expand_help(action)


def is_shown(action: argparse.Action) -> bool:
    """True for all arguments but `--help`, which each parser has."""
    return action.dest != "help" and action.help != argparse.SUPPRESS
