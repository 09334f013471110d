"""Every option of a mock, once: what it sets, its default, and where it can be set.

The marker, the ini keys and flags of the pytest plugin, the flags of `python -m s2mock`, the
members of `POST /_s2mock/accounts` and the table in the documentation derive from `OPTIONS`. A test
compares it with the signature of `S2Mock`, which is written out for editors and type checkers.

The pytest plugin loads this module in every session, so it imports next to nothing. Its classes are
dataclasses for type checkers only: made by the standard library, they would take most of the time.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, dataclass_transform


@dataclass_transform(kw_only_default=True, frozen_default=True)
class _Fields:
    """A value with fields, given by their names."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class Kind(_Fields):
    """A type of values, and how a value of it is written in an ini file or on a command line.

    `type` is its Python type. `expected` completes "must be ...". `parse` turns a text into a value
    and raises `ValueError`; without it, no text gives such a value. `syntax` describes a text that
    is not obvious.
    """

    type: Any
    expected: str
    parse: Callable[[str], Any] | None = None
    metavar: str | None = None
    syntax: str = ""


_UNITS: Final = {
    "": 1,
    "b": 1,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
}


def _parse_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _parse_latency(text: str) -> float | str:
    return text if text == "cloud" else float(text)


def _parse_size(text: str) -> int:
    number = text.rstrip("BGKMbgikm")
    factor = _UNITS[text[len(number) :].lower()]
    return int(number) * factor


def _parse_limits(text: str) -> str | dict[str, int]:
    if "=" not in text:
        return text
    pairs = [pair.partition("=") for pair in text.split(",")]
    return {name.strip(): int(value) for name, _, value in pairs}


def _parse_prices(text: str) -> dict[str, float]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    return {name.strip(): float(value) for name, _, value in pairs}


SECONDS: Final = Kind(type=float, expected="a number of seconds", parse=float, metavar="SECONDS")
LATENCY: Final = Kind(
    type=float | Literal["cloud"],
    expected="a number of seconds, or 'cloud'",
    parse=_parse_latency,
    metavar="SECONDS",
)
LIMITS: Final = Kind(
    type=Literal["cloud", "free"] | Mapping[str, int | None],
    expected="'cloud', 'free', or limits such as batches_per_second=5,basins=3",
    parse=_parse_limits,
    metavar="LIMITS",
    syntax=": a name, or batches_per_second=, bytes_per_second=, basins= and retention= (in "
    "seconds) with commas between them",
)
PRICES: Final = Kind(
    type=Mapping[str, float],
    expected="prices such as append-ops=0.001,storage=1e-12",
    parse=_parse_prices,
    metavar="PRICES",
    syntax=": SET=USD or SET/SERIES=USD, with commas between them",
)
COUNT: Final = Kind(type=int, expected="a whole number", parse=int, metavar="COUNT")
BYTES: Final = Kind(
    type=int,
    expected="a size such as 64MiB or 67108864",
    parse=_parse_size,
    metavar="SIZE",
    syntax=": a number of bytes, or with a unit as in 64MiB",
)
PORT: Final = Kind(type=int, expected="a port number", parse=int, metavar="PORT")
TEXT: Final = Kind(type=str, expected="text", parse=str)
NAME: Final = Kind(type=str, expected="a name", parse=str, metavar="NAME")
URL: Final = Kind(type=str, expected="a URL", parse=str, metavar="URL")
DIRECTORY: Final = Kind(type=str, expected="the path of a directory", parse=str, metavar="DIR")
CHOICE: Final = Kind(type=str, expected="one of a few texts", parse=str)
NAMES: Final = Kind(
    type=list,
    expected="names",
    parse=_parse_names,
    metavar="NAMES",
    syntax=": names with commas between them",
)
FLAG: Final = Kind(type=bool, expected="True or False")
OBJECT: Final = Kind(type=object, expected="an object of Python")


class Option(_Fields):
    """One option: what it sets, its values, its default, and the places where it can be set.

    `choices` are its values, if those are a few texts. `shown_default` is the text for a default
    that does not tell what it does.

    `is_argument`: of `S2Mock`. `is_in_marker`: of `@pytest.mark.s2_mock`. `is_setting`: as the ini
    key `s2mock_…` and the flag `--s2mock-…` of pytest. `is_member`: of the body of `POST
    /_s2mock/accounts`. `server_flag` is the flag of `python -m s2mock` that sets it, with
    underscores and without the hyphens before it; None for no flag. `is_of_engine`: about the
    engine of this process, which a mock with an upstream does without. `is_of_upstream`: about an
    upstream.
    """

    name: str
    text: str
    kind: Kind
    default: Any
    shown_default: str = ""
    choices: tuple[str, ...] = ()
    is_argument: bool = True
    is_in_marker: bool = True
    is_setting: bool = False
    is_member: bool = False
    server_flag: str | None = None
    is_of_engine: bool = False
    is_of_upstream: bool = False

    @property
    def default_text(self) -> str:
        """The default as a person would write it."""
        if self.shown_default:
            return self.shown_default
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)

    @property
    def description(self) -> str:
        """What the option sets, with its choices and how to write it as text."""
        choices = " or ".join(f"'{choice}'" for choice in self.choices)
        return f"{self.text}{f': {choices}' if choices else ''}{self.kind.syntax}"

    def parse(self, text: str) -> Any:
        """Return the value that a text in an ini file or on a command line means.

        Raises `ValueError` with a message that completes the name of the option.
        """
        assert self.kind.parse is not None, f"{self.name} cannot be written as text"
        try:
            return self.kind.parse(text)
        except (KeyError, ValueError):
            raise ValueError(f"must be {self.kind.expected}, not {text!r}") from None


_ALL: Final = (
    Option(
        name="basins",
        text="basins and streams that exist from the start: names, or mappings in the format of a "
        "resource file or of S2's requests",
        kind=OBJECT,
        default=(),
        shown_default="none",
        is_member=True,
        server_flag="init_file",
    ),
    Option(
        name="deletion_delay",
        text="how long a deletion stays pending, in seconds",
        kind=SECONDS,
        default=0.0,
        is_setting=True,
        is_member=True,
        server_flag="deletion_delay",
        is_of_engine=True,
    ),
    Option(
        name="profile",
        text="which to follow where the service and its documentation disagree",
        kind=CHOICE,
        choices=("real", "documented"),
        default="real",
        is_setting=True,
        is_member=True,
        server_flag="profile",
        is_of_engine=True,
    ),
    Option(
        name="cors",
        text="send the CORS headers that let browsers read responses",
        kind=FLAG,
        default=True,
        is_member=True,
        server_flag="no_cors",
    ),
    Option(
        name="clock",
        text="the clock that all times come from; 'manual' for a ManualClock, which stays "
        "until a test advances it, 'auto' for one that advances by itself while every open request "
        "waits on it, 'loop' for that of the event loop that serves",
        kind=OBJECT,
        default=None,
        shown_default="SystemClock()",
        is_member=True,
        server_flag="clock",
        is_of_engine=True,
    ),
    Option(
        name="append_latency",
        text="how long an append takes to become durable, in seconds; s2-lite takes 0.005; 'cloud' "
        "for the bound of the stream's storage class, 0.04 for express and 0.4 for standard",
        kind=LATENCY,
        default=0.0,
        is_setting=True,
        is_member=True,
        server_flag="append_latency",
        is_of_engine=True,
    ),
    Option(
        name="host",
        text="address to listen on",
        kind=TEXT,
        default="127.0.0.1",
        is_in_marker=False,
        is_setting=True,
        server_flag="host",
    ),
    Option(
        name="port",
        text="port to listen on; 0 picks a free one",
        kind=PORT,
        default=0,
        is_in_marker=False,
        is_setting=True,
        server_flag="port",
    ),
    Option(
        name="tls",
        text="serve over TLS, https://, with a certificate of an authority made for this process",
        kind=FLAG,
        default=False,
        server_flag="tls_self",
    ),
    Option(
        name="token",
        text="the account's own access token",
        kind=TEXT,
        default=None,
        shown_default="another one in each test",
        is_setting=True,
        server_flag="token",
    ),
    Option(
        name="snapshot",
        text="a snapshot to start from, in place of basins",
        kind=OBJECT,
        default=None,
        shown_default="none",
        is_member=True,
        server_flag="snapshot",
        is_of_engine=True,
    ),
    Option(
        name="faults",
        text="faults that are injected from the start: mappings of the arguments of inject()",
        kind=OBJECT,
        default=(),
        shown_default="none",
        is_member=True,
    ),
    Option(
        name="journal_limit",
        text="how many exchanges the journal keeps; 0 for none",
        kind=COUNT,
        default=10_000,
        is_setting=True,
        is_member=True,
        server_flag="journal_limit",
    ),
    Option(
        name="journal_bytes",
        text="how many bytes of bodies and long heads the journal keeps",
        kind=BYTES,
        default=64 * 1024 * 1024,
        shown_default="64 MiB",
        is_setting=True,
        is_member=True,
        server_flag="journal_bytes",
    ),
    Option(
        name="control",
        text="serve the powers over HTTP at /_s2mock",
        kind=FLAG,
        default=False,
        server_flag="no_control",
    ),
    Option(
        name="auth",
        text="accept every request, or only those with an access token of this account",
        kind=CHOICE,
        choices=("open", "required"),
        default="open",
        is_setting=True,
        is_member=True,
        server_flag="auth",
        is_of_engine=True,
    ),
    Option(
        name="revocation_delay",
        text="how long a revoked access token still works, in seconds",
        kind=SECONDS,
        default=0.0,
        is_setting=True,
        is_member=True,
        server_flag="revocation_delay",
        is_of_engine=True,
    ),
    Option(
        name="locations",
        text="where basins can be, the default location first",
        kind=NAMES,
        default=None,
        shown_default="aws:us-east-1, aws:us-west-2, aws:eu-north-1",
        is_setting=True,
        is_member=True,
        server_flag="locations",
        is_of_engine=True,
    ),
    Option(
        name="limits",
        text="the limits of the hosted service: 'cloud' for those of each account, 'free' for "
        "those of the free tier",
        kind=LIMITS,
        default=None,
        shown_default="none",
        is_setting=True,
        is_member=True,
        server_flag="limits",
        is_of_engine=True,
    ),
    Option(
        name="prices",
        text="US dollars per unit of what the account uses, for the metrics of estimated costs",
        kind=PRICES,
        default=None,
        shown_default="none",
        is_setting=True,
        is_member=True,
        server_flag="prices",
        is_of_engine=True,
    ),
    Option(
        name="upstream",
        text="the URL of a real server that answers the requests, such as s2-lite, behind the "
        "faults, the holds and the journal",
        kind=URL,
        default=None,
        shown_default="none",
        is_setting=True,
        server_flag="upstream",
        is_of_upstream=True,
    ),
    Option(
        name="upstream_token_env",
        text="the environment variable with the access token for the upstream",
        kind=NAME,
        default=None,
        shown_default="none",
        is_setting=True,
        server_flag="upstream_token_env",
        is_of_upstream=True,
    ),
    Option(
        name="upstream_basin_endpoint",
        text="where the requests for streams go at an upstream that takes the basin from the host, "
        "as the hosted service does: a URL with {basin} in its host; without it they go to the "
        "upstream, with the header s2-basin",
        kind=URL,
        default=None,
        shown_default="none",
        is_setting=True,
        server_flag="upstream_basin_endpoint",
        is_of_upstream=True,
    ),
    Option(
        name="basin_prefix",
        text="put before the name of each basin at the upstream, and taken off again; a * in it "
        "is replaced by random letters, others for each mock",
        kind=TEXT,
        default=None,
        shown_default="none",
        is_setting=True,
        server_flag="basin_prefix",
        is_of_upstream=True,
    ),
    Option(
        name="data",
        text="directory that keeps the first account over a restart; made if it does not exist",
        kind=DIRECTORY,
        default=None,
        shown_default="none: everything is in memory",
        is_argument=False,
        is_in_marker=False,
        server_flag="data",
        is_of_engine=True,
    ),
    Option(
        name="sync",
        text="how changes get to the disk, with --data: 'always' syncs each one before its answer, "
        "'batch' all of one turn together, before their answers, 'never' leaves it to the system, "
        "which loses answered changes only if the machine fails",
        kind=CHOICE,
        choices=("always", "batch", "never"),
        default="batch",
        is_argument=False,
        is_in_marker=False,
        server_flag="sync",
        is_of_engine=True,
    ),
    Option(
        name="use_env",
        text="set S2's environment variables to the account during the test",
        kind=FLAG,
        default=False,
        is_argument=False,
    ),
    Option(
        name="advice",
        text="warn of requests that S2 accepts and that a test hardly means",
        kind=CHOICE,
        choices=("on", "off"),
        default="on",
        is_argument=False,
        is_in_marker=False,
        is_setting=True,
    ),
)

OPTIONS: Final = {option.name: option for option in _ALL}
"""All options by their names."""

MARKER_OPTIONS: Final = tuple(option for option in _ALL if option.is_in_marker)
SETTINGS: Final = tuple(option for option in _ALL if option.is_setting)
ACCOUNT_MEMBERS: Final = tuple(option.name for option in _ALL if option.is_member)
