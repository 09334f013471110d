"""`RemoteS2Mock`: the fixture `s2_mock` in front of a server that is not ours."""

import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, NoReturn, Self

from s2mock.http_client import Client
from s2mock.mock import MonkeyPatch, S2Mock, as_resources, sdk_environment
from s2mock.registry.config import BasinConfig, StreamConfig

_OPTION = "--s2mock-target"


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

    A server outlives your run, and others may use it too. So take basins from `basin_name` or
    `fresh_basin`, and do not choose names yourself. `close` deletes the basins that were named or
    made here; the server may take another minute for that.

    `basins` are made from the beginning, as for `S2Mock`. Raises `ValueError` for an argument
    that makes no sense, and `TargetError` where the server cannot be reached or refuses a basin,
    most often because its name is still taken by an earlier run.
    """

    is_fake = False

    def __init__(
        self,
        url: str,
        *,
        token: str = "s2mock",
        basins: Iterable[str | Mapping[str, Any]] = (),
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{_OPTION} must be a URL such as http://127.0.0.1:8080, not {url!r}")
        resources = as_resources(basins)
        self.url: str = url.rstrip("/")
        self.token = token
        self._client = Client(self.url, token=token)
        self._names: list[str] = []
        if resources is not None:
            self._apply(resources)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<RemoteS2Mock at {self.url}>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_") or name not in dir(S2Mock()):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise NotOnTarget(
            f"s2_mock.{name} is a power of the fake, and switched off by {_OPTION}={self.url}: "
            "a real server has only its HTTP API. A test that cannot do without it begins with "
            "`if not s2_mock.is_fake: pytest.skip(...)`."
        )

    def close(self) -> None:
        """Delete the basins that were named or made here. Closing twice is harmless."""
        names, self._names = self._names, []
        for name in names:
            # The test may have deleted it, or never made it, or taken the server down.
            with suppress(OSError):
                self._client.request("DELETE", f"/v1/basins/{name}")

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
        self._create_basin(name, config or BasinConfig())
        return name

    def _apply(self, resources: bytes) -> None:
        from s2mock.resources import read_resources

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
        from s2mock.documents.control_plane import basin_config_to_json

        document = {"basin": name, "config": basin_config_to_json(config)}
        self._create("/v1/basins", document, f"basin {name!r}", basin=None)

    def _create_stream(self, basin: str, stream: str, config: StreamConfig) -> None:
        from s2mock.documents.control_plane import stream_config_to_json

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
