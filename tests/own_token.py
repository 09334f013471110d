"""The whole suite with `auth="required"` and the account's own token: `make closed`.

With `S2MOCK_TESTS_AUTH=required`, an account whose test does not set `auth` refuses requests
without a token. The clients of the tests send the account's own token in place of none or of a
made-up one; they send it in the header, as every client does. Tests that set `auth` are not
changed. A request without a token fails its test, which would otherwise not test its subject.

`NOT_SO` has the tests that cannot run in this way, with the reasons. They must fail if they are
run, so that the list has no others.

Not affected are: servers in processes of their own, which have their own options (`tests/test_cli`
and similar); direct calls, which need no token; and the contract suite, which has a switch of its
own, `--s2mock-auth=required` (`tests/contract/test_with_tokens.py`).
"""

import functools
import http.client
import os
import weakref
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from s2mock.api.requests import S2Request
from s2mock.handles.mock import S2Mock
from s2mock.registry.values.errors import Authn
from s2mock.runtime.http_client import Client

VARIABLE: Final = "S2MOCK_TESTS_AUTH"

# The tokens of tests for which the token does not matter.
MADE_UP: Final = ("", "s2mock", "token")

_NOBODY: Final = "is about requests without a token, or with any other"
_ENDED: Final = "asks a mock that is closed, whose own token has ended with it"
_SHOWN: Final = "compares the journal with the page, which blacks the token out"
_CURL: Final = "sends a curl command as the journal shows it, which blacks the token out"
_FILE: Final = "knows a file to the letter, which counts the tokens issued: the own one is one"

NOT_SO: Final[dict[str, str]] = {
    "tests/api/test_access_tokens.py::TestSnapshots::test_the_own_token_is_no_part_of_them": (
        "revokes the own token, and goes on without one"
    ),
    "tests/api/test_basin_of_request.py::test_authorization_is_not_looked_at": _NOBODY,
    "tests/api/test_permission.py::TestExplanations::test_the_caller_is_in_the_journal": _NOBODY,
    "tests/control/test_accounts.py::test_an_unknown_token_is_the_first_account": _NOBODY,
    "tests/control/test_accounts.py::test_snapshots": _FILE,
    "tests/control/test_campaigns.py::TestSeveral::test_campaign_needs_no_first_account": (
        "asks a server without a first account, whose own token is that of none"
    ),
    "tests/control/test_timeline.py::test_one_exchange_has_all_of_it": _SHOWN,
    "tests/differential/test_differential.py::test_what_the_parts_have_compared_adds_up": (
        "compares in processes of their own, whose calls bring no token"
    ),
    "tests/plugin/test_end_of_test.py::test_any_other_token_is_let_in": _NOBODY,
    "tests/plugin/test_failure_pages.py::test_it_has_all_that_the_journal_has": _SHOWN,
    "tests/plugin/test_options.py::test_options_of_the_account": "tells the default of `auth`",
    "tests/powers/test_journal.py::TestAnExchange::test_of_an_append": _NOBODY,
    "tests/powers/test_journal.py::TestCurl::test_sends_it_again": _CURL,
    "tests/powers/test_journal.py::TestCurl::test_of_protobuf": _CURL,
    "tests/registry/test_snapshot_files.py::test_a_person_can_read_it": _FILE,
    "tests/server/test_bytes.py::TestHeaders::test_bytes_beyond_ascii": _NOBODY,
    "tests/server/test_listening.py::TestForgotten::test_without_a_word": _ENDED,
    "tests/test_mock.py::test_close_and_with": _ENDED,
}

# The accounts whose test does not set `auth`.
_closed: "weakref.WeakSet[S2Mock]" = weakref.WeakSet()


def is_made_up(value: str) -> bool:
    """True if a header does not identify the client."""
    return value.strip().removeprefix("Bearer").strip() in MADE_UP


def headers(mock: S2Mock) -> dict[str, str]:
    """Return the header for a request to that mock, or none if any request is accepted."""
    return {"authorization": f"Bearer {mock.token}"} if mock in _closed else {}


def variables(mock: S2Mock) -> dict[str, str]:
    """Return the same header as WSGI variables."""
    return {f"HTTP_{name.upper()}": value for name, value in headers(mock).items()}


def authorization(url: str) -> dict[str, str]:
    """Return the header for a request to the server at that URL."""
    token = _token_at(urlsplit(url).port)
    return {} if token is None else {"authorization": f"Bearer {token}"}


def lines(url: str) -> list[str]:
    """Return the same header as lines of an HTTP/1 head."""
    return [f"{name}: {value}" for name, value in authorization(url).items()]


def head(url: str) -> bytes:
    """Return the same header as the bytes of these lines."""
    return b"".join(line.encode() + b"\r\n" for line in lines(url))


def pytest_configure(config: pytest.Config) -> None:
    """Close the accounts of this process while tests run."""
    if _is_on(config):
        patch = pytest.MonkeyPatch()
        _close(patch)
        config.add_cleanup(patch.undo)
        config.pluginmanager.register(_Watch(patch), "s2mock-own-token-watch")


class _Watch:
    """A log of the requests that were refused because they had no token."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.refused: list[str] = []
        authenticate, refused = S2Request.authenticate, self.refused

        def watched(request: S2Request) -> None:
            try:
                authenticate(request)
            except Authn:
                is_closed = any(mock.account.engine is request.account for mock in _living())
                if is_closed and request.caller.secret in MADE_UP:
                    refused.append(f"{request.method} {request.raw_path}")
                raise

        patch.setattr(S2Request, "authenticate", watched)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        self.refused.clear()
        yield
        assert not self.refused, f"came without a token: {', '.join(self.refused[:9])}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Expect the tests in `NOT_SO` to fail."""
    if not _is_on(config):
        return
    for item in items:
        for name, why in NOT_SO.items():
            if item.nodeid == name or item.nodeid.startswith((f"{name}[", f"{name}::")):
                # Some cases of a test may not depend on it.
                strict = not hasattr(item, "callspec")
                item.add_marker(pytest.mark.xfail(reason=why, strict=strict))


def _is_on(config: pytest.Config) -> bool:
    # The accounts of another server cannot be closed here.
    is_elsewhere = config.getoption("s2mock_target", None) is not None
    return os.environ.get(VARIABLE) == "required" and not is_elsewhere


def _close(patch: pytest.MonkeyPatch) -> None:
    begin, another, fork = S2Mock.__init__, S2Mock._another, S2Mock.fork

    @functools.wraps(begin)
    def closed(self: S2Mock, **options: Any) -> None:
        if options.get("upstream") is not None or options.get("basin_prefix") is not None:
            # Its upstream decides on tokens.
            begin(self, **options)
            return
        begin(self, **{"auth": "required", **options})
        if "auth" not in options:
            _closed.add(self)

    @functools.wraps(another)
    def closed_another(self: S2Mock, **options: Any) -> S2Mock:
        return _like(self, another(self, **options), options)

    @functools.wraps(fork)
    def closed_fork(self: S2Mock) -> S2Mock:
        return _like(self, fork(self), {})

    patch.setattr(S2Mock, "__init__", closed)
    patch.setattr(S2Mock, "_another", closed_another)
    patch.setattr(S2Mock, "fork", closed_fork)
    _bring(patch)


def _like(origin: S2Mock, made: S2Mock, options: dict[str, Any]) -> S2Mock:
    if origin in _closed and "auth" not in options:
        _closed.add(made)
    return made


def _bring(patch: pytest.MonkeyPatch) -> None:
    """Let each kind of client in the tests send the own token."""
    import httpx
    import werkzeug.test

    without_socket, begin = werkzeug.test.Client.run_wsgi_app, Client.__init__
    send, send_async = httpx.Client.send, httpx.AsyncClient.send
    end_of_head = http.client.HTTPConnection.endheaders

    def run_wsgi_app(self: werkzeug.test.Client, environ: Any, buffered: bool = False) -> Any:
        token = _token_of(self.application)
        if token is not None and is_made_up(environ.get("HTTP_AUTHORIZATION", "")):
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return without_socket(self, environ, buffered)

    def with_token(request: httpx.Request, app: Any) -> httpx.Request:
        token = _token_at(request.url.port) if app is None else _token_of(app)
        if token is not None and is_made_up(request.headers.get("authorization", "")):
            request.headers["authorization"] = f"Bearer {token}"
        return request

    def httpx_send(self: httpx.Client, request: httpx.Request, **options: Any) -> Any:
        app = getattr(self._transport, "app", None)
        return send(self, with_token(request, app), **options)

    async def httpx_send_async(self: httpx.AsyncClient, request: httpx.Request, **more: Any) -> Any:
        return await send_async(self, with_token(request, None), **more)

    def endheaders(self: Any, message_body: Any = None, **options: Any) -> None:
        token = _token_at(self.port)
        if token is not None:
            name = b"authorization:"
            given = [line for line in self._buffer if line.lower().startswith(name)]
            if not given or is_made_up(given[0][len(name) :].decode("latin-1")):
                self._buffer[:] = [line for line in self._buffer if line not in given]
                self.putheader("authorization", f"Bearer {token}")
        end_of_head(self, message_body, **options)

    @functools.wraps(begin)
    def client(self: Client, url: str, **options: Any) -> None:
        begin(self, url, **options)
        # Its sessions are on sockets of their own.
        if self.token == "s2mock" and (token := _token_at(urlsplit(url).port)) is not None:
            self.token = token

    patch.setattr(werkzeug.test.Client, "run_wsgi_app", run_wsgi_app)
    patch.setattr(httpx.Client, "send", httpx_send)
    patch.setattr(httpx.AsyncClient, "send", httpx_send_async)
    patch.setattr(http.client.HTTPConnection, "endheaders", endheaders)
    patch.setattr(Client, "__init__", client)


def _token_of(app: Any) -> str | None:
    """Return the own token of that app's account, if it was closed here."""
    return next((mock.token for mock in _living() if mock._connections.app is app), None)


def _token_at(port: int | None) -> str | None:
    """Return the own token of the account that is served at that port."""
    for mock in _living():
        connections = mock._connections
        # Another server may have the port of one that is closed.
        urls = [server.url for server in connections._loop_servers if not server.is_closed]
        # Before it has started, its address would start it.
        if connections.is_served and connections.lazy_server.started:
            urls.append(connections.lazy_server.url)
        if port in [urlsplit(url).port for url in urls]:
            return mock.token
    return None


def _living() -> Iterator[S2Mock]:
    # Other threads may create mocks at the same time.
    yield from list(_closed)
