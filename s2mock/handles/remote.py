"""`RemoteS2Mock`: the fixture `s2_mock` in front of a server of another process."""

import ipaddress
import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from s2mock.handles.initial_state import as_resources
from s2mock.handles.mock_base import MockBase
from s2mock.powers import teardown_report
from s2mock.powers.errors import NotOnTarget, raise_at_end
from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.runtime.http_client import Client, connect

if TYPE_CHECKING:
    from s2mock.handles.backends.control_client import ControlClient
    from s2mock.handles.backends.forwarding import Forwarding
    from s2mock.handles.backends.http import HttpPowers

_OPTION: Final = "--s2mock-target"
_TOKEN: Final = "s2mock"
# The public names that need the engine in this process.
_IN_PROCESS: Final = frozenset({"account", "ca_file", "serve"})
# Those that any server has; all others of `MockBase` need an s2mock with its control API.
_ON_ANY_SERVER: Final = frozenset(
    {"basin_name", "close", "env", "fresh_basin", "is_fake", "token", "url", "use_env"}
)
_POWERS: Final = (
    frozenset(name for name in (*dir(MockBase), "clock") if not name.startswith("_"))
    - _ON_ANY_SERVER
)


class TargetError(RuntimeError):
    """The server behind `--s2mock-target` did not do what the fixture needs."""


class RemoteS2Mock(MockBase):
    """The fixture `s2_mock` with `--s2mock-target=URL`: the endpoint of a real server.

    `url`, `token`, `env`, `use_env`, `basin_name` and `fresh_basin` work as on `S2Mock`, so that
    one suite runs on the fake in seconds and on the real engine before a release. Every other
    member of `S2Mock` raises `NotOnTarget`; a test that needs one checks `is_fake` first.

    A standalone s2mock that serves `/_s2mock` has them all. Each `RemoteS2Mock` is then an account
    of its own there, which ends when it is closed; `options` are those of `S2Mock`, with
    `clock="manual"` for a manual clock. `client` and `wsgi_app` send each request on to it, and
    `fork` is another account there. Only what needs the mock in this process (`account`) raises
    `NotOnTarget`. With a `token` of yours it is the account of that token, which stays.
    `account_name` is the name of the account on the server's page.

    A server outlives your run, and other tests may use it too. So take basins from `basin_name` or
    `fresh_basin`, and do not choose names yourself. `close` deletes the basins that were named or
    created here; the server may take another minute for that.

    `basins` are created at the start, as for `S2Mock`. Raises `ValueError` for an invalid argument,
    and `TargetError` if the server cannot be reached or refuses a basin, most often because its
    name is still taken by an earlier run.
    """

    _powers: "HttpPowers | None"

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        basins: Iterable[str | Mapping[str, Any]] = (),
        account_name: str | None = None,
        **options: Any,
    ) -> None:
        # Set before anything that may raise, since `__getattribute__` reads it.
        self._powers = None
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{_OPTION} must be a URL such as http://127.0.0.1:8080, not {url!r}")
        resources = as_resources(basins)
        self._url = url.rstrip("/")
        control = control_of(self._url, token)
        self._owns_account = control is not None and token is None
        if options.pop("tls", False) and not self._url.startswith("https://"):
            raise ValueError(
                f"tls=True: {_OPTION}={self._url} speaks plain HTTP; start that server with "
                "--tls-self, or give another URL"
            )
        if options and not self._owns_account:
            raise ValueError(
                f"{', '.join(sorted(options))}: options of the fake, switched off by "
                f"{_OPTION}={self._url}"
            )
        if self._owns_account:
            from s2mock.handles.backends.http import make_account

            if resources is not None:
                options |= json.loads(resources)
            # It is served over HTTP already.
            options.pop("control", None)
            control, token = make_account(self._url, options, account_name)
            resources = None
        self.token = token or _TOKEN
        self._client = Client(self._url, token=self.token)
        self._names: list[str] = []
        self._forks: list[RemoteS2Mock] = []
        if control is not None:
            self._connect(control)
        if resources is not None:
            self._apply(resources)

    def _connect(self, control: "ControlClient") -> None:
        """Use the powers of that account."""
        from s2mock.handles.backends.http import HttpAccount, HttpPowers

        self._control = control
        self._of_account = HttpAccount(control)
        self._of_powers = self._powers = HttpPowers(control)
        self.clock = self._powers.clock
        if self._owns_account:
            teardown_report.living.add(self._powers)

    @property
    def is_fake(self) -> bool:
        """True if the server has the powers of the fake."""
        return self._powers is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raised, complaints = None, list[str]()
        if self._powers is not None and kind is None:
            raised = self._powers.injector.hook_calls.wait_for_error()
            if self._owns_account:
                complaints = self._powers.injector.check()
        self.close()
        raise_at_end(raised, complaints)

    def __repr__(self) -> str:
        return f"<RemoteS2Mock at {self._url}>"

    def __getattribute__(self, name: str) -> Any:
        if name in _POWERS and object.__getattribute__(self, "_powers") is None:
            # Python then calls `__getattr__`, whose error gives the reason.
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        if name in _POWERS | _IN_PROCESS and self._powers is None:
            raise NotOnTarget(
                f"s2_mock.{name} is a power of the fake, and switched off by "
                f"{_OPTION}={self._url}: a real server has only its HTTP API. A test that cannot "
                "do without it begins with `if not s2_mock.is_fake: pytest.skip(...)`."
            )
        if name in _IN_PROCESS:
            raise NotOnTarget(
                f"s2_mock.{name} needs the mock in this process, and {_OPTION}={self._url} has it "
                "in another: call it by HTTP, at s2_mock.url"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return self._url

    @property
    def wsgi_app(self) -> "Forwarding":
        """A WSGI app that sends each request on to the account."""
        from s2mock.handles.backends.forwarding import Forwarding

        return Forwarding(self._control.client)

    def close(self) -> None:
        """Delete the basins that were named or made here. Closing twice is harmless.

        An account of its own ends, and its forks.
        """
        forks, self._forks = self._forks, []
        for fork in forks:
            fork.close()
        names, self._names = self._names, []
        if self._powers is not None:
            self._powers.injector.remove_hooks()
        if self._owns_account and self._powers is not None:
            self._owns_account = False
            self._powers.journal.keep_last_advice()
            teardown_report.end(self._powers, in_a_test=True)
            with suppress(OSError, RuntimeError):
                self._powers.end()
            return
        for name in names:
            # The test may have deleted it, or never made it, or taken the server down.
            with suppress(OSError):
                self._client.request("DELETE", f"/v1/basins/{name}")

    def _reset(self) -> None:
        assert self._powers is not None
        self._powers.reset()

    def _fork(self) -> "RemoteS2Mock":
        assert self._powers is not None
        fork = RemoteS2Mock(self._url, token=self._powers.fork())
        assert fork._powers is not None
        fork._owns_account = True
        teardown_report.living.add(fork._powers)
        self._forks.append(fork)
        return fork

    def _basin_name(self) -> str:
        self._names.append(f"s2mock-{uuid.uuid4().hex}")
        return self._names[-1]

    def fresh_basin(self, config: BasinConfig | None = None) -> str:
        """Create a basin that no other test uses, and return its name. Raises `TargetError`."""
        if self._powers is not None:
            return super().fresh_basin(config)
        name = self.basin_name()
        self._create_basin(name, config or BasinConfig())
        return name

    def _apply(self, resources: bytes) -> None:
        from s2mock.json_bodies.resource_files import read_resources

        try:
            for name, config, streams in read_resources(resources):
                self._create_basin(name, config)
                self._names.append(name)
                for stream, stream_config in streams:
                    self._create_stream(name, stream, stream_config)
        except TargetError:
            self.close()
            raise

    def _create_basin(self, name: str, config: BasinConfig) -> None:
        from s2mock.json_bodies.control_plane import basin_config_to_json

        document = {"basin": name, "config": basin_config_to_json(config)}
        self._create("/v1/basins", document, f"basin {name!r}", basin=None)

    def _create_stream(self, basin: str, stream: str, config: StreamConfig) -> None:
        from s2mock.json_bodies.control_plane import stream_config_to_json

        document = {"stream": stream, "config": stream_config_to_json(config)}
        self._create("/v1/streams", document, f"stream {stream!r}", basin=basin)

    def _create(self, path: str, document: Any, what: str, *, basin: str | None) -> None:
        try:
            answer = self._client.in_basin(basin).request("POST", path, document)
        except OSError as error:
            raise TargetError(_describe_unreachable(self._url, error)) from None
        if answer.status != 201:
            raise TargetError(
                f"{_OPTION}={self._url} did not make the {what}: it answered {answer.status}, "
                f"{answer.body.decode(errors='replace')}. If the name is taken, take one from "
                "s2_mock.basin_name() or s2_mock.fresh_basin()."
            )


def check_target(url: str) -> None:
    """Check that there is a server. Raises `TargetError`, which says how to start one."""
    try:
        connect(url).close()
    except OSError as error:
        raise TargetError(_describe_unreachable(url, error)) from None


def _describe_unreachable(url: str, error: OSError) -> str:
    """Return the reason in one line, and what to do about it."""
    why = f"{_OPTION}={url} cannot be reached: {error}"
    if getattr(error, "verify_message", None):
        return f"{why}. SSL_CERT_FILE names the file of a certificate authority to trust"
    target = urlsplit(url)
    if not _is_this_machine(target.hostname or ""):
        return why
    tls = " --tls-self" if target.scheme == "https" else ""
    port = target.port or (443 if tls else 80)
    return f"{why}. Start a server there: python -m s2mock --port {port}{tls}"


def _is_this_machine(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def control_of(url: str, token: str | None) -> "ControlClient | None":
    """Return a client of the control API for the account with that token; None without one.

    Raises `TargetError` if the server is an s2mock that has no account with that token.
    """
    from s2mock.handles.backends.control_client import ControlClient

    control = ControlClient(url, token)
    if control.is_there:
        return control
    if token is not None and ControlClient(url, None).is_there:
        raise TargetError(
            f"{_OPTION}={url} is an s2mock that has no account with the token given: leave the "
            "token out, and each test has an account of its own there, or take one that "
            "POST /_s2mock/accounts or the server's --token has given"
        )
    return None
