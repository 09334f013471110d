"""A parser that refuses what `s2 lite` refuses, in the words of its parser, clap.

Source: s2-lite 0.43.4, as observed. Flags of s2mock that `s2 lite` does not have are accepted too.
"""

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from s2mock.runtime.near_names import near_name

# The flags of `s2 lite` that take a value, and what its help calls the value.
_VALUES: Final[Mapping[str, str]] = {
    "bucket": "BUCKET",
    "local_root": "DIR",
    "wal_bucket": "WAL_BUCKET",
    "wal_local_root": "DIR",
    "path": "PATH",
    "tls_cert": "TLS_CERT",
    "tls_key": "TLS_KEY",
    "port": "PORT",
    "init_file": "INIT_FILE",
    "append_inflight_bytes": "APPEND_INFLIGHT_BYTES",
}
_SWITCHES: Final = ("tls_self", "no_cors", "no_dashboard")
_CONFLICTS: Final = (
    ("bucket", "local_root"),
    ("wal_bucket", "wal_local_root"),
    ("tls_self", "tls_cert"),
    ("tls_self", "tls_key"),
)
# Each needs one of the others.
_NEEDS: Final = (
    ("tls_cert", ("tls_key",)),
    ("tls_key", ("tls_cert",)),
    ("wal_bucket", ("bucket", "local_root")),
    ("wal_local_root", ("bucket", "local_root")),
)
_MAX_PORT: Final = 65_535
_MAX_INTEGER: Final = 2**63 - 1
_SIZE: Final = re.compile(r"([0-9.]*)\s*(.*)", re.DOTALL)
_FALSE: Final = frozenset({"", "n", "no", "f", "false", "off", "0"})
_NONE_SUPPLIED: Final = "a value is required for {} but none was supplied"


def is_true(text: str) -> bool:
    """Return what clap makes of a switch that is set in the environment."""
    return text.lower() not in _FALSE


class ClapParser(argparse.ArgumentParser):
    """A parser with the errors of clap, for a command with the flags of `s2 lite`."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments, allow_abbrev=False, exit_on_error=False)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parse the arguments. Ends the process with status 2 if `s2 lite` does."""
        assert args is not None, "the command line gives them"
        self._take_types()
        self._check_repeated(args)
        try:
            options, unknown = self.parse_known_args(args, namespace)
        except argparse.ArgumentError as error:
            self._refuse(error)
        if unknown := [one for one in unknown if one != "--"]:
            self._refuse_unknown(unknown[0].partition("=")[0])
        if not options.version:
            self._check_combination(options, args)
        return options

    def error(self, message: str) -> NoReturn:
        """End the process with status 2 and this message."""
        self._end(message, f"Usage: {self.prog} [OPTIONS]\n\n")

    def _end(self, message: str, usage: str = "") -> NoReturn:
        self.exit(2, f"error: {message}\n\n{usage}For more information, try '--help'.\n")

    def _take_types(self) -> None:
        types = {"port": _parse_port, "append_inflight_bytes": _check_size}
        types |= dict.fromkeys(
            ("local_root", "wal_local_root", "tls_cert", "tls_key", "init_file"), _parse_path
        )
        for action in self._actions:
            if action.dest in types:
                action.type = types[action.dest]

    def _check_repeated(self, args: Sequence[str]) -> None:
        given = [one.partition("=")[0] for one in args]
        for name in (*_VALUES, *_SWITCHES):
            if given.count(_flag(name)) > 1:
                self.error(f"the argument '{_shown(name)}' cannot be used multiple times")

    def _refuse(self, error: argparse.ArgumentError) -> NoReturn:
        flag = str(error.argument_name).rpartition("/")[2]
        shown = _shown(flag.removeprefix("--").replace("-", "_"), self._metavar_of(flag))
        message = error.message
        if message.startswith("expected ") or message == _NONE_SUPPLIED:
            self._end(_NONE_SUPPLIED.format(f"'{shown}'"))
        if found := re.fullmatch(r"ignored explicit argument (.*)", message):
            self.error(f"unexpected value {found[1]} for '{shown}' found; no more were expected")
        if found := re.fullmatch(r"(invalid value '.*?')(: .*)", message, re.DOTALL):
            self._end(f"{found[1]} for '{shown}'{found[2]}")
        self._end(f"invalid value for '{shown}': {message}")

    def _metavar_of(self, flag: str) -> str:
        found = (action for action in self._actions if flag in action.option_strings)
        return next((str(action.metavar) for action in found if action.metavar), "")

    def _refuse_unknown(self, unknown: str) -> NoReturn:
        flags = [flag for action in self._actions for flag in action.option_strings]
        near = near_name(unknown, flags) if unknown.startswith("--") else None
        tip = f"\n\n  tip: a similar argument exists: '{near}'" if near else ""
        self.error(f"unexpected argument '{unknown}' found{tip}")

    def _check_combination(self, options: argparse.Namespace, args: Sequence[str]) -> None:
        # A text that is empty is a value too.
        given = [
            name
            for name in (*_VALUES, *_SWITCHES)
            if getattr(options, name) is not None and getattr(options, name) is not False
        ]
        places = {one.partition("=")[0]: place for place, one in reversed([*enumerate(args)])}
        given.sort(key=lambda name: places.get(_flag(name), len(args)))
        for name in given:
            if others := [one for one in _conflicts_of(name) if one in given]:
                self._refuse_conflict(name, others)
        for name, needed in _NEEDS:
            if name in given and not set(needed) & set(given):
                shown = "|".join(map(_shown, needed))
                missing = f"<{shown}>" if len(needed) > 1 else shown
                self.error(f"the following required arguments were not provided:\n  {missing}")

    def _refuse_conflict(self, name: str, others: Iterable[str]) -> NoReturn:
        shown = [_shown(one) for one in others]
        what = f" '{shown[0]}'" if len(shown) == 1 else "".join(f"\n  {one}" for one in shown)
        colon = "" if len(shown) == 1 else ":"
        self.error(f"the argument '{_shown(name)}' cannot be used with{colon}{what}")


def _conflicts_of(name: str) -> list[str]:
    pairs = [pair for pair in _CONFLICTS if name in pair]
    return [one for pair in pairs for one in pair if one != name]


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _shown(name: str, metavar: str = "") -> str:
    """Return a flag as clap shows it, with the name of its value, which a switch does not have."""
    value = _VALUES.get(name, metavar)
    return f"{_flag(name)} <{value}>" if value else _flag(name)


def _parse_path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError(_NONE_SUPPLIED)
    return Path(text)


def _parse_port(text: str) -> int:
    if not text:
        reason = "cannot parse integer from empty string"
    elif not re.fullmatch(r"[+-]?[0-9]+", text):
        reason = "invalid digit found in string"
    elif len(text) > len(str(_MAX_INTEGER)) + 1 or abs(int(text)) > _MAX_INTEGER:
        reason = "number too large to fit in target type"
    elif not 0 <= int(text) <= _MAX_PORT:
        reason = f"{int(text)} is not in 0..={_MAX_PORT}"
    else:
        return int(text)
    raise argparse.ArgumentTypeError(f"invalid value '{text}': {reason}")


def _check_size(text: str) -> str:
    found = _SIZE.fullmatch(text)
    assert found is not None, "it matches any text"
    number, unit = found[1], found[2]
    if not number:
        reason = f'couldn\'t parse "{text}" into a ByteSize, cannot parse float from empty string'
    elif not re.fullmatch(r"[0-9]+\.?[0-9]*|\.[0-9]+", number):
        reason = f'couldn\'t parse "{text}" into a ByteSize, invalid float literal'
    elif not re.fullmatch(r"([kmgtpe]i?)?b?", unit, re.IGNORECASE):
        reason = f'couldn\'t parse "{unit}" into a known SI unit, Failed to parse unit "{unit}"'
    else:
        return text
    raise argparse.ArgumentTypeError(f"invalid value '{text}': {reason}")
