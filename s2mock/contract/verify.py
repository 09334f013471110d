"""The contract suite on a server of S2, as a table: `python -m s2mock verify URL`."""

import argparse
import contextlib
import io
import os
import re
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from http.client import HTTPException
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import quote, urlsplit, urlunsplit

from s2mock.contract import target_settings
from s2mock.contract.client import Answer, Client
from s2mock.contract.verification_table import Outcome, Verification, render
from s2mock.powers.redaction import REDACTED, redact_issued_tokens
from s2mock.registry.values.names import is_basin_prefix
from s2mock.runtime.argument_parser import ArgumentParser, add_defaults
from s2mock.upstream.address import parse_endpoint

DIFFERS: Final = 1
UNUSABLE: Final = 2
INTERRUPTED: Final = 130

# In seconds. s2-lite removes a basin with many records within about a minute.
_REMOVAL_SECONDS: Final = 180.0
_PAUSE_SECONDS: Final = 0.25
_MAX_DETAIL: Final = 400
_TIME_TO_PASS = re.compile(r"needs [\d.e+]+ s\b")
# These are about the tables of cases, and ask no server.
_OF_TABLES: Final = ("test_cases", "test_control_cases")
_BEARERS = re.compile(r"(Bearer |\\?[\"']access_token\\?[\"']: ?\\?[\"'])[^\s\"'\\]+")
# Requests byte by byte, of which a server behind TLS has no plain form.
_PLAIN_ONLY: Final = ("test_transport", "test_framing")
# In the names of cases.
_OF_ACCOUNT: Final = ("access-token", "locations/default", "no token")
_OF_BASIN_HEADER: Final = ("/v1/streams", ": header")
_DEFAULT_LOCATION: Final = "/v1/locations/default"


class Unusable(Exception):
    """The server or the arguments cannot be used; the message says why."""


def main(program: str = "python -m s2mock", arguments: Sequence[str] = ()) -> int:
    """Run the suite and print the table. Returns the exit status.

    It is 0 if every case has the expected result and nothing is left behind, 1 otherwise, and 2 if
    the suite cannot run there.
    """
    options = _parse(program, arguments)
    token = ""
    # As Ctrl+C: what the suite has created is removed first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        token = _token_of(options.token_env)
        run = _Run(options, token)
        run.check_server()
        try:
            run.run_suite()
        finally:
            run.clean_up()
        text = run.redact(run.report())
    except Unusable as error:
        sys.stderr.write(f"s2mock: {_redact(str(error), token)}\n")
        return UNUSABLE
    except KeyboardInterrupt:
        sys.stderr.write("s2mock: interrupted; what the suite had created was removed\n")
        return INTERRUPTED
    if options.output is None:
        sys.stdout.write(text)
    else:
        try:
            options.output.write_text(text, "utf-8")
        except OSError as error:
            sys.stderr.write(f"s2mock: cannot write {options.output}: {error.strerror}\n")
            sys.stdout.write(text)
            return UNUSABLE
    return DIFFERS if run.differs else 0


def make_parser(program: str) -> ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = ArgumentParser(
        prog=f"{program} verify",
        description="Run the contract suite on a server of S2, and print a dated table of what was "
        "seen, as Markdown. The suite creates basins with names of one prefix, touches no others, "
        "and removes them at the end. The exit status is 1 if the server answers a case otherwise "
        "than expected, or if something is left behind, and 2 if the suite cannot run there.",
    )
    parser.add_argument("url", metavar="URL", help="the server, such as http://127.0.0.1:8080")
    parser.add_argument(
        "--token-env",
        metavar="NAME",
        help="environment variable with the access token, which is in no output",
    )
    parser.add_argument(
        "--basin-prefix",
        metavar="P",
        help="beginning of the names of all basins, which no other basin may have (default: a "
        f"random one); at most {target_settings.MAX_PREFIX_BYTES} bytes",
    )
    parser.add_argument(
        "--basin-endpoint",
        metavar="URL",
        help="where requests for streams are sent, with {basin} in the host, such as "
        "https://{basin}.b.s2.dev for the hosted service (default: URL, with the basin in the "
        "header s2-basin)",
    )
    parser.add_argument(
        "--account",
        action="store_true",
        help="run the cases about access tokens and the default location, too; the tokens are "
        "revoked, and the location is set back",
    )
    parser.add_argument(
        "--slow", action="store_true", help="run the cases that wait for minutes, too"
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        default=[],
        help="run the modules of the suite with this in their names, such as append; may be "
        "repeated",
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write the table to this file instead"
    )
    add_defaults(parser)
    return parser


def _parse(program: str, arguments: Sequence[str]) -> argparse.Namespace:
    parser = make_parser(program)
    options: argparse.Namespace = parser.parse_args(arguments)
    prefix = options.basin_prefix
    if prefix is None:
        options.basin_prefix = f"verify-{uuid.uuid4().hex[:6]}-"
    elif not is_basin_prefix(prefix) or len(prefix) > target_settings.MAX_PREFIX_BYTES:
        parser.error(
            "argument --basin-prefix: must be lowercase letters, numbers and hyphens, at most "
            f"{target_settings.MAX_PREFIX_BYTES}, and begin with no hyphen, not {prefix!r}"
        )
    if options.basin_endpoint is not None:
        try:
            endpoint = parse_endpoint(options.basin_endpoint, "argument --basin-endpoint:")
        except ValueError as error:
            parser.error(str(error))
        options.basin_endpoint = endpoint.template
    target = urlsplit(options.url)
    if target.scheme not in ("http", "https") or not target.hostname:
        parser.error(
            f"argument URL: must be a URL such as http://127.0.0.1:8080, not {options.url!r}"
        )
    return options


def _token_of(name: str | None) -> str:
    """Return the token in that environment variable, `""` without one. Raises `Unusable`."""
    if name is None:
        return ""
    token = os.environ.get(name, "")
    if not token:
        raise Unusable(
            f"the environment variable {name} has no token: set it, or leave out "
            "--token-env for a server that needs none"
        )
    return token


class _Run:
    """One run of the suite on a server."""

    def __init__(self, options: argparse.Namespace, token: str) -> None:
        self._options = options
        self._token = token
        target = urlsplit(options.url.rstrip("/"))
        # Requests byte by byte name the basin in a header.
        self._is_plain = target.scheme == "http" and options.basin_endpoint is None
        # Without credentials, which a URL may have.
        host = target.netloc.rpartition("@")[2]
        self._shown_url = urlunsplit((target.scheme, host, target.path, "", ""))
        self._client = Client(self._shown_url, token=token or None)
        self._prefix: str = options.basin_prefix
        self._began = datetime.now(UTC)
        self._location: Any = None
        self._outcomes: list[Outcome] = []
        self._not_run: Counter[str] = Counter()
        self._left: list[str] = []
        self._pending: list[str] = []
        self._is_interrupted = False

    @property
    def differs(self) -> bool:
        """True if a case has another result than expected, or something is left behind."""
        return bool(self._left) or any(one.result == "failed" for one in self._outcomes)

    def redact(self, text: str) -> str:
        """Return the text without the token."""
        return _redact(text, self._token)

    def check_server(self) -> None:
        """Check that the server answers, and has no basin of the prefix. Raises `Unusable`."""
        try:
            listed = self._list("basins")
        except (OSError, HTTPException) as error:
            raise Unusable(_describe_unreachable(self._shown_url, error)) from None
        except AssertionError as error:
            raise Unusable(f"{self._shown_url} does not list basins as S2 does: {error}") from None
        if listed:
            raise Unusable(
                f"{self._shown_url} has basins whose names begin with {self._prefix}, such as "
                f"{listed[0]['name']}, and all of these would be removed: choose another "
                "--basin-prefix"
            )
        if self._options.account:
            answer = self._client.request("GET", _DEFAULT_LOCATION)
            self._location = answer.json["name"] if answer.status == 200 else None

    def run_suite(self) -> None:
        """Run the cases. Raises `Unusable` if the suite cannot run."""
        import pytest

        target_settings.basin_prefix = self._prefix
        target_settings.basin_endpoint = self._options.basin_endpoint
        if self._token:
            target_settings.token = self._token
        directory = Path(str(files("s2mock.contract")))
        modules = [
            str(path)
            for path in sorted(directory.glob("test_*.py"))
            if path.stem not in _OF_TABLES
            and (not self._options.only or any(name in path.stem for name in self._options.only))
        ]
        if not modules:
            raise Unusable(
                f"no module of the suite has {' or '.join(self._options.only)} in its "
                "name: leave out --only to run all"
            )
        arguments = [
            *modules,
            "--rootdir",
            str(directory),
            "-c",
            os.devnull,
            # For whole values in the text of a difference.
            "--verbosity=2",
            *("-p", "no:cacheprovider"),
            # The plugin of s2mock is already imported, about which pytest would warn.
            *("-p", "s2mock.pytest_plugin", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
            f"--s2mock-target={self._shown_url}",
            *(["--s2mock-slow"] if self._options.slow else []),
        ]
        only_these = patch.dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS="")
        sys.stderr.write(
            f"s2mock: running the contract suite on {self._shown_url}; the names of its basins "
            f"begin with {self._prefix}\n"
        )
        with only_these, contextlib.redirect_stdout(io.StringIO()) as output:
            status = pytest.main(arguments, plugins=[_Plugin(self)])
        if self._is_interrupted:
            raise KeyboardInterrupt
        if status == pytest.ExitCode.NO_TESTS_COLLECTED:
            why = ", ".join(f"{count} {reason}" for reason, count in self._not_run.items())
            raise Unusable(f"no case of these modules can run here: {why}")
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            raise Unusable(f"the contract suite cannot run:\n{output.getvalue()}")

    # The hooks of pytest call these.

    def set_options(self, config: Any) -> None:
        """Set the token, which is in no argument of pytest."""
        config.option.s2mock_token = self._token or None

    def refuse_case(self, item: Any) -> str | None:
        """Return the reason why a case is not run, or None."""
        if not self._options.account and (
            item.get_closest_marker("account") or any(part in item.nodeid for part in _OF_ACCOUNT)
        ):
            return "about access tokens or the default location, which needs --account"
        if item.get_closest_marker("any_name"):
            return "about names of basins without the prefix"
        if self._options.basin_endpoint is not None and (
            item.get_closest_marker("basin_header")
            or all(part in item.nodeid for part in _OF_BASIN_HEADER)
        ):
            return "about the header s2-basin, in the place of which is the host"
        if not self._is_plain and item.path.stem.startswith(_PLAIN_ONLY):
            return "sent byte by byte, by plain HTTP with a header s2-basin"
        return None

    def note_refused(self, reason: str) -> None:
        """Count a case that is not run."""
        self._not_run[reason] += 1

    def note_interrupt(self) -> None:
        """Note that the user has ended the run."""
        self._is_interrupted = True

    def note(self, outcome: Outcome) -> None:
        """Add the result of a case."""
        self._outcomes.append(outcome)

    # At the end.

    def clean_up(self) -> None:
        """Remove everything of the prefix, and wait until it is gone."""
        until = time.monotonic() + _REMOVAL_SECONDS
        try:
            self._remove_basins(until)
            if self._options.account:
                self._restore_account()
        except (OSError, HTTPException, AssertionError) as error:
            self._left.append(f"unknown: the server has failed while all was removed: {error}")

    def _remove_basins(self, until: float) -> None:
        while True:
            listed = self._list("basins")
            there = [one["name"] for one in listed if one.get("deleted_at") is None]
            for name in there:
                self._client.request("DELETE", f"/v1/basins/{quote(name)}")
            if not listed:
                return
            if time.monotonic() > until:
                self._left += [f"basin {name}" for name in there]
                self._pending = [one["name"] for one in listed if one["name"] not in there]
                return
            time.sleep(_PAUSE_SECONDS)

    def _restore_account(self) -> None:
        for one in self._list("access-tokens"):
            name = one["id"]
            answer = self._client.request("DELETE", f"/v1/access-tokens/{quote(name, safe='')}")
            if answer.status >= 300 and answer.status != 404:
                self._left.append(f"access token {name}")
        if self._location is not None:
            answer = self._client.request("PUT", _DEFAULT_LOCATION, self._location)
            if answer.status >= 300:
                self._left.append(f"another default location than {self._location}")

    def _list(self, what: str) -> list[dict[str, Any]]:
        """Return the basins or access tokens of the prefix; none where they are not served."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            query = f"prefix={self._prefix}&start_after={quote(after, safe='')}"
            answer = self._client.request("GET", f"/v1/{what}?{query}", timeout=30.0)
            if answer.status == 501:
                return found
            _check_listing(answer)
            page = answer.json[what.replace("-", "_")]
            found += page
            if not answer.json["has_more"] or not page:
                return found
            after = page[-1].get("name") or page[-1]["id"]

    def report(self) -> str:
        """Return the table, as Markdown."""
        return render(
            Verification(
                self._shown_url,
                self._began,
                self._prefix,
                self._outcomes,
                self._not_run,
                self._left,
                self._pending,
            )
        )


class _Plugin:
    """A plugin of pytest that gives a run its settings, and takes its results."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        # What the module of a case is about, and the rule that the case checks.
        self._titles: dict[str, tuple[str, str]] = {}

    def pytest_configure(self, config: Any) -> None:
        """Set the token."""
        self._run.set_options(config)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave out the cases that must not run, or cannot."""
        kept = []
        for item in items:
            reason = self._run.refuse_case(item)
            if reason is None:
                kept.append(item)
                self._titles[item.nodeid] = _title(item.module), _title(item.function)
            else:
                self._run.note_refused(reason)
        items[:] = kept

    def pytest_keyboard_interrupt(self) -> None:
        """Note that the user has ended the run."""
        self._run.note_interrupt()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take the result of a case: that of its call, or of another phase that failed."""
        if report.when != "call" and report.passed:
            return
        if report.when == "teardown" and not report.failed:
            return
        path, _, name = report.nodeid.partition(".py::")
        case = f"{path.rpartition('/')[2].removeprefix('test_')}::{name}"
        title, rule = self._titles.get(report.nodeid, (report.nodeid, ""))
        # Cut at the end: a part of the token would not be recognised.
        detail = " ".join(self._run.redact(_detail(report)).split())[:_MAX_DETAIL]
        self._run.note(Outcome(title, case, report.outcome, detail, rule))


def _title(documented: Any) -> str:
    """Return what a module or a case is about: the first line of its docstring."""
    first = (documented.__doc__ or "").partition("\n")[0]
    title: str = re.split(r"\.? ?(?:\(reference|Source:)", first)[0].rstrip(".")
    return title


def _detail(report: Any) -> str:
    """Return why a case was skipped, or what it has expected and seen."""
    if report.passed:
        return ""
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        text = str(reason).removeprefix("Skipped: ").replace("--s2mock-slow", "--slow")
        return _TIME_TO_PASS.sub("needs time to pass", text)
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr if crash is None else crash.message)
    return text.removeprefix("AssertionError: ")


def _describe_unreachable(url: str, error: Exception) -> str:
    import ssl

    if isinstance(error, ssl.SSLError):
        from s2mock.runtime.tls_trust import tls_failure

        return f"the server {url} {tls_failure(error)}"
    return f"cannot reach {url}: {error}"


def _check_listing(answer: Answer) -> None:
    assert answer.status == 200, f"status {answer.status}, {answer.body[:200]!r}"


def _redact(text: str, token: str) -> str:
    """Return the text without the token, and without tokens that the suite was issued."""
    text = text.replace(token, REDACTED) if token else text
    return _BEARERS.sub(rf"\1{REDACTED}", redact_issued_tokens(text))


if __name__ == "__main__":
    sys.exit(main(arguments=sys.argv[1:]))
