"""The parser of a command line, which suggests the nearest flag for one that does not exist."""

import argparse
from collections.abc import Sequence
from typing import Any, Final, NoReturn


class ArgumentParser(argparse.ArgumentParser):
    """A parser that suggests the nearest flag for one that does not exist."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Return the arguments. Ends the process with status 2 for one that does not exist."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown)
        return options

    def _refuse(self, unknown: Sequence[str]) -> NoReturn:
        from s2mock.runtime.near_names import near_name

        flags = [flag for action in self._actions for flag in action.option_strings]
        near = near_name(unknown[0].partition("=")[0], flags)
        hint = f"; did you mean {near}?" if near and unknown[0].startswith("--") else ""
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")


class HelpFormatter(argparse.HelpFormatter):
    """A formatter that keeps the lines of a text with several of them."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" not in text:
            return super()._fill_text(text, width, indent)
        return "".join(indent + line for line in text.splitlines(keepends=True))


# Arguments that end the command, so they have no default.
_ENDING: Final = ("help", "version")


def add_defaults(parser: argparse.ArgumentParser) -> None:
    """Say in the help text of each flag what the default is, also that a switch is off."""
    for action in parser._actions:  # noqa: SLF001  # argparse has no other list of them
        has_default = action.option_strings and action.dest not in _ENDING
        if has_default and action.help and "(default: " not in action.help:
            action.help += f" (default: {'off' if action.nargs == 0 else 'none'})"
