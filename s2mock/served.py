"""An account that is served: by a socket, by WSGI, and by the variables that lead to it."""

import weakref
from typing import TYPE_CHECKING, Any, Protocol

from s2mock.powers.powers import Powers
from s2mock.registry.account import Account
from s2mock.runtime.conversation import Conversation
from s2mock.server.lazy_server import LazyServer

if TYPE_CHECKING:
    from werkzeug.test import Client

    from s2mock.api.app import App


def sdk_environment(url: str, token: str) -> dict[str, str]:
    """The variables that point S2's SDKs and command line to a server."""
    return {"S2_ACCOUNT_ENDPOINT": url, "S2_BASIN_ENDPOINT": url, "S2_ACCESS_TOKEN": token}


class MonkeyPatch(Protocol):
    """The part of `pytest.MonkeyPatch` that is needed here."""

    def setenv(self, name: str, value: str) -> None:
        """Set an environment variable until the test is over."""


class Served:
    """The ways in from outside."""

    account: Account
    token: str
    _powers: Powers

    def __init__(self, listening: LazyServer | None, *, host: str, port: int, cors: bool) -> None:
        self._cors = cors
        # The standalone server sets it; a test of one's own names hosts as it likes.
        self._own_hosts_only = False
        # So does it, where all accounts are made over HTTP.
        self._refusal: str | None = None
        self._listening = LazyServer(host=host, port=port) if listening is None else listening
        self._owns_listening = listening is None
        self._app: App | None = None
        self._is_closed = False
        self._answering = _Answering(self)

    @property
    def wsgi_app(self) -> "App":
        """The WSGI app, for a client that calls one without a socket."""
        if self._app is None:
            from s2mock.api.app import App

            self._app = App(
                self.account.engine,
                cors=self._cors,
                own_hosts_only=self._own_hosts_only,
                refusal=self._refusal,
                powers=self._powers,
            )
        return self._app

    @property
    def client(self) -> "Client":
        """A Werkzeug test client: requests without a socket."""
        from werkzeug.test import Client

        return Client(self.wsgi_app)

    @property
    def url(self) -> str:
        """The base URL of the socket, HTTP/1.1 and h2c; it listens from now on.

        Raises `OSError` if the address cannot be had, `RuntimeError` once the mock is closed.
        """
        if self._is_closed:
            raise RuntimeError(
                "this S2Mock is closed, and has no URL any more: use it within its `with` block, "
                "or before close()"
            )
        self._listening.app = self._answering
        url = self._listening.url
        if self._powers.is_out:
            self._listening.refuse()
        return url

    @property
    def env(self) -> dict[str, str]:
        """The variables that point S2's SDKs and command line here."""
        return sdk_environment(self.url, self.token)

    def use_env(self, monkeypatch: MonkeyPatch) -> None:
        """Set `env` for the rest of the test, so that unmodified code comes here."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)

    def _converse(self, environ: dict[str, Any]) -> Conversation:
        return self.wsgi_app.converse(environ)

    @property
    def _is_listened_to(self) -> bool:
        return self._listening.app is self._answering

    def _go_out(self) -> None:
        if self._is_listened_to:
            self._listening.refuse()
        if self._app is not None:
            self._app.drop_calls()

    def _come_back(self) -> None:
        if self._is_listened_to:
            self._listening.accept()


class _Answering:
    """A mock's app for the server. It is loaded when the first request comes.

    Many a test has its code pointed here, and then makes no call.
    """

    def __init__(self, mock: Served) -> None:
        # Weak, so that a mock that nobody closes warns as soon as it is let go of.
        self._mock = weakref.ref(mock)

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""
        mock = self._mock()
        assert mock is not None, "a mock and its server end together"
        return mock._converse(environ)  # noqa: SLF001  # two halves of one thing
