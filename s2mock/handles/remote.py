"""`RemoteS2Mock`: the fixture `s2_mock` in front of a server that is not ours."""

import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from s2mock.handles.initial_state import as_resources
from s2mock.mock import S2Mock
from s2mock.powers import teardown_report
from s2mock.powers.errors import UnusedFault
from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.runtime.http_client import Client
from s2mock.served import MonkeyPatch, sdk_environment

if TYPE_CHECKING:
    from s2mock.handles.over_http.powers import RemotePowers

_OPTION = "--s2mock-target"
_TOKEN = "s2mock"
# What a mock has beside the names of its class.
_OF_A_MOCK = ("account", "clock", "token")


class NotOnTarget(AttributeError):
    """A power of the fake that a real server does not have; `hasattr` answers `False` for it."""


class TargetError(RuntimeError):
    """The server behind `--s2mock-target` did not do what the fixture needs."""


class RemoteS2Mock:
    """What the fixture `s2_mock` is with `--s2mock-target=URL`: the endpoint of a real server.

    `url`, `token`, `env`, `use_env`, `basin_name` and `fresh_basin` do what they do on `S2Mock`,
    so that one suite runs on the fake in seconds and on the real engine before a release.
    Everything else that `S2Mock` offers raises `NotOnTarget`; a test that needs it asks `is_fake`
    first.

    A standalone s2mock that serves `/_s2mock` has the powers too. Each `RemoteS2Mock` is then an
    account of its own there, and ends it when it is closed; `options` are those of `S2Mock`, with
    `clock="manual"` for a clock that is turned. `client` and `wsgi_app` send each request on to it,
    and `fork` is another account there. What needs the mock in this process (`account`) still
    raises `NotOnTarget`. With a `token` of yours it is the account of that token, which stays.

    A server outlives your run, and others may use it too. So take basins from `basin_name` or
    `fresh_basin`, and do not choose names yourself. `close` deletes the basins that were named or
    made here; the server may take another minute for that.

    `basins` are made from the beginning, as for `S2Mock`. Raises `ValueError` for an argument
    that makes no sense, and `TargetError` where the server cannot be reached or refuses a basin,
    most often because its name is still taken by an earlier run.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        basins: Iterable[str | Mapping[str, Any]] = (),
        **options: Any,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{_OPTION} must be a URL such as http://127.0.0.1:8080, not {url!r}")
        resources = as_resources(basins)
        self.url: str = url.rstrip("/")
        self._powers = powers_on(self.url, token)
        self._owns_account = self._powers is not None and token is None
        if options and not self._owns_account:
            raise ValueError(
                f"{', '.join(sorted(options))}: options of the fake, switched off by "
                f"{_OPTION}={self.url}"
            )
        if self._owns_account:
            if resources is not None:
                options |= json.loads(resources)
            # It is served over HTTP already.
            options.pop("control", None)
            token = self._begin(options)
            resources = None
        self.token = token or _TOKEN
        self._client = Client(self.url, token=self.token)
        self._names: list[str] = []
        self._forks: list[RemoteS2Mock] = []
        if resources is not None:
            self._apply(resources)

    def _begin(self, options: dict[str, Any]) -> str:
        """Make an account; returns its token. Raises `ValueError`, `TargetError`."""
        from s2mock.handles.over_http.powers import make_account

        self._powers, token = make_account(self.url, options)
        teardown_report.living.add(self._powers)
        return token

    @property
    def is_fake(self) -> bool:
        """Whether it has the powers of the fake."""
        return self._powers is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        complaints = []
        if self._owns_account and self._powers is not None and kind is None:
            complaints = self._powers.injector.check()
        self.close()
        if complaints:
            raise UnusedFault("\n".join(complaints))

    def __repr__(self) -> str:
        return f"<RemoteS2Mock at {self.url}>"

    def __getattr__(self, name: str) -> Any:
        # Those that are there for the end of a test are no names of the fake.
        if self._powers is not None and name in self._powers.public:
            return getattr(self._powers, name)
        if self._powers is not None and name == "fork":
            return self._fork
        if name.startswith("_") or name not in (*dir(S2Mock), *_OF_A_MOCK):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if self._powers is not None:
            raise NotOnTarget(
                f"s2_mock.{name} needs the mock in this process, and {_OPTION}={self.url} has it "
                "in another: call it by HTTP, at s2_mock.url"
            )
        raise NotOnTarget(
            f"s2_mock.{name} is a power of the fake, and switched off by {_OPTION}={self.url}: "
            "a real server has only its HTTP API. A test that cannot do without it begins with "
            "`if not s2_mock.is_fake: pytest.skip(...)`."
        )

    def close(self) -> None:
        """Delete the basins that were named or made here. Closing twice is harmless.

        An account of its own ends, and its forks.
        """
        forks, self._forks = self._forks, []
        for fork in forks:
            fork.close()
        names, self._names = self._names, []
        if self._owns_account and self._powers is not None:
            self._owns_account = False
            teardown_report.end(self._powers, in_a_test=True)
            with suppress(OSError, RuntimeError):
                self._powers.end()
            return
        for name in names:
            # The test may have deleted it, or never made it, or taken the server down.
            with suppress(OSError):
                self._client.request("DELETE", f"/v1/basins/{name}")

    def _fork(self) -> "RemoteS2Mock":
        """As `S2Mock.fork`: an account of its own, which is closed with this one."""
        assert self._powers is not None
        fork = RemoteS2Mock(self.url, token=self._powers.fork())
        assert fork._powers is not None
        fork._owns_account = True
        teardown_report.living.add(fork._powers)
        self._forks.append(fork)
        return fork

    @property
    def env(self) -> dict[str, str]:
        """The variables that point S2's SDKs and command line to the server."""
        return sdk_environment(self.url, self.token)

    def use_env(self, monkeypatch: MonkeyPatch) -> None:
        """Set `env` for the rest of the test, so that unmodified code goes to the server."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)

    def basin_name(self) -> str:
        """A basin name that nobody uses. A basin of that name is deleted after the test."""
        self._names.append(f"s2mock-{uuid.uuid4().hex}")
        return self._names[-1]

    def fresh_basin(self, config: BasinConfig | None = None) -> str:
        """Make a basin that nobody else uses, and return its name. Raises `TargetError`."""
        name = self.basin_name()
        if self._powers is not None:
            # As a direct call, which is in no journal.
            self._powers.create_basin(name, config)
        else:
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
            raise TargetError(f"{_OPTION}={self.url} cannot be reached: {error}") from None
        if answer.status != 201:
            raise TargetError(
                f"{_OPTION}={self.url} did not make the {what}: it answered {answer.status}, "
                f"{answer.body.decode(errors='replace')}. If the name is taken, take one from "
                "s2_mock.basin_name() or s2_mock.fresh_basin()."
            )


def powers_on(url: str, token: str | None) -> "RemotePowers | None":
    """The powers of the server's account with that token; None where it has none.

    Raises `TargetError` where the server is an s2mock that has no account with that token.
    """
    from s2mock.handles.over_http.control import Control

    control = Control(url, token)
    if not control.is_there:
        if token is not None and Control(url, None).is_there:
            raise TargetError(
                f"{_OPTION}={url} is an s2mock that has no account with the token given: leave the "
                "token out, and each test has an account of its own there, or take one that "
                "POST /_s2mock/accounts or the server's --token has given"
            )
        return None
    from s2mock.handles.over_http.powers import RemotePowers

    return RemotePowers(control)
