"""The options of the plugin: ini keys `s2mock_…`, flags `--s2mock-…`, the marker `s2_mock`."""

import argparse
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

from s2mock.options import MARKER_OPTIONS, OPTIONS, SETTINGS, Option

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

# The fixture's server is the same for all tests of a session.
_OF_THE_SERVER: Final = ("host", "port")
_ARGUMENTS: Final = tuple(
    option for option in SETTINGS if option.is_argument and option.name not in _OF_THE_SERVER
)
# With a target, the token has another meaning.
_TARGET_TOKEN: Final = "; with --s2mock-target, the access token for that server (default: s2mock)"


# The flags that only the command line has, since they are about a single run: name, text, and what
# argparse is told of the value.
FLAGS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    (
        "target",
        "run the tests that use s2_mock, and the contract suite, on this server, not on the fake",
        {"metavar": "URL"},
    ),
    (
        "coverage",
        "list at the end which S2 behaviours the tests covered, and which not; FILE gets it too",
        {"metavar": "FILE.json", "nargs": "?", "const": ""},
    ),
    (
        "report",
        "for each test that fails, write an HTML page of what happened to this directory",
        {"metavar": "DIR"},
    ),
)


def help_of(option: Option) -> str:
    """Return the help text of a setting, with its default."""
    more = _TARGET_TOKEN if option.name == "token" else ""
    return f"{option.description} (default: {option.default_text}){more}"


def add_options(parser: pytest.Parser) -> None:
    """Declare the ini keys and the flags."""
    group = parser.getgroup("s2mock", "s2mock: an S2 account in memory")
    for option in SETTINGS:
        name, text = option.name, help_of(option)
        group.addoption(_flag(name), dest=f"s2mock_{name}", default=None, help=text)
        parser.addini(f"s2mock_{name}", text, default=None)
    for name, text, arguments in FLAGS:
        group.addoption(
            _flag(name),
            dest=f"s2mock_{name}",
            default=None,
            help=f"{text} (default: none)",
            **arguments,
        )
    group.addoption(
        "--s2mock-slow",
        action="store_true",
        # For the development of s2mock only, so hidden: see CONTRIBUTING.md.
        help=argparse.SUPPRESS,
    )


def _flag(name: str) -> str:
    return f"--s2mock-{name.replace('_', '-')}"


def marker_declaration() -> str:
    """Return the line that declares the marker, with its arguments and their defaults."""
    return (
        f"s2_mock(*, {', '.join(map(_signature, MARKER_OPTIONS))}): options of the s2_mock fixture "
        "for this test; basins are names, or mappings in the format of a resource file or of S2's "
        "requests, clock may be 'manual', faults are mappings of the arguments of inject()"
    )


def _signature(option: Option) -> str:
    if option.default == ():
        return f"{option.name}=[]"
    is_explained = option.default is not None and option.shown_default
    return f"{option.name}={option.shown_default if is_explained else repr(option.default)}"


def check_options(config: pytest.Config) -> None:
    """Check what can be checked before any test. Raises `pytest.UsageError`."""
    option = OPTIONS["advice"]
    advice = setting_of(config, option.name) or option.default
    if advice not in option.choices:
        choices = " or ".join(f"'{choice}'" for choice in option.choices)
        raise pytest.UsageError(f"s2mock_advice must be {choices}, not {advice!r}")
    file = config.getoption("s2mock_coverage")
    if file and not file.endswith(".json"):
        raise pytest.UsageError(
            f"--s2mock-coverage writes to a .json file, not to {file!r}: put tests before it, "
            "or write --s2mock-coverage=FILE.json"
        )


def once_in_a_session(
    read: "Callable[[pytest.Config], Result]",
) -> "Callable[[pytest.Config], Result]":
    """Return a function that reads settings at its first call, and keeps the result.

    Every test asks for them, and they do not change in a session.
    """
    key = pytest.StashKey[Result]()

    @wraps(read)
    def result_of(config: pytest.Config) -> Result:
        if key not in config.stash:
            config.stash[key] = read(config)
        return config.stash[key]

    return result_of


def setting_of(config: pytest.Config, name: str) -> str | None:
    """Return the setting on the command line, else the one in the ini file, else None."""
    value: str | None = config.getoption(f"s2mock_{name}")
    return config.getini(f"s2mock_{name}") or None if value is None else value


@once_in_a_session
def is_advice_on(config: pytest.Config) -> bool:
    """True if tests are to be warned of requests that they hardly mean."""
    return setting_of(config, "advice") != "off"


def target_of(config: pytest.Config) -> str | None:
    """Return the URL of the server that replaces the fake, or None for the fake."""
    url: str | None = config.getoption("s2mock_target")
    return url


@once_in_a_session
def address_of(config: pytest.Config) -> tuple[str, str]:
    """Return host and port of the fixture's server; the port is not parsed yet."""
    host, port = (setting_of(config, name) or str(OPTIONS[name].default) for name in _OF_THE_SERVER)
    return host, port


@once_in_a_session
def arguments_of(config: pytest.Config) -> dict[str, Any]:
    """Return the arguments of `S2Mock` that are set, without its address. Do not change them.

    Raises `pytest.UsageError`.
    """
    arguments: dict[str, Any] = {}
    for option in _ARGUMENTS:
        if (text := setting_of(config, option.name)) is not None:
            try:
                arguments[option.name] = option.parse(text)
            except ValueError as error:
                raise pytest.UsageError(f"s2mock_{option.name} {error}") from None
    return arguments
