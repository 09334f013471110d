"""The side of a mock that its upstream has: what it is made of, and what is impossible there."""

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from s2mock.handles.backends.upstream import UpstreamAccount, UpstreamPowers
from s2mock.options import OPTIONS
from s2mock.powers.errors import NotOnTarget, UpstreamUnreachable
from s2mock.registry.rules.basins import CreateBasin, DeleteBasin
from s2mock.registry.rules.streams import CreateStream
from s2mock.registry.settings import Settings
from s2mock.registry.values.errors import S2Error
from s2mock.runtime import failures
from s2mock.upstream.address import parse_address, parse_endpoint
from s2mock.upstream.basin_prefix import BasinPrefix, make_prefix, random_template
from s2mock.upstream.connections import UpstreamConnections
from s2mock.upstream.upstream import Upstream

if TYPE_CHECKING:
    from s2mock.handles.connections import Connections
    from s2mock.handles.initial_state import InitialState
    from s2mock.powers.powers import Powers
    from s2mock.runtime.conversation import Conversation
    from s2mock.upstream.app import UpstreamApp

_LIBRARIES: Final = ("h11", "h2")
# What would do, for each member that only the engine of this process has.
_INSTEAD: Final = {
    "account": "basins, streams and records are there by basin(), stream() and create_basin()",
    "advance": "Delay and Late take seconds of real time",
    "clock": "the upstream has the time; Delay and Late take seconds of real time",
    "fencing_token": "an append with the token that you expect is refused if it is another",
    "fork": "another S2Mock with the same upstream and a basin_prefix of its own has other basins",
    "hold": "hold(at='arrival') holds an operation before it is forwarded, hold(at='answer') after "
    "the upstream has applied it",
    "issue_token": "a client's token is not forwarded, so a token of the upstream does not get "
    "there: give it to a client that calls the upstream itself",
    "on": "on(..., at='arrival') calls before an operation is forwarded, on(..., at='answer') "
    "after the upstream has applied it",
    "reset": "with a * in basin_prefix, as in 'ci-*-', it begins anew with another prefix",
    "restore": "create the basins again, under another basin_prefix",
    "snapshot": "basins= creates basins and streams at the start; read the records that you want "
    "to compare",
    "wait_for_waiters": "journal.wait_for() waits until an operation was answered, and "
    "stream.wait_for_readers() until readers follow",
}
_AT_COMMIT: Final = ("hold", "on")


class UpstreamSide:
    """The upstream of a mock, with the basins that were made for it.

    `url`, `token_env`, `prefix` and `endpoint` are the options of `S2Mock`. Raises `TypeError`,
    `ValueError`, and `ImportError` without the libraries that it needs.
    """

    def __init__(
        self,
        url: str | None,
        token_env: str | None,
        prefix: str | None,
        endpoint: str | None,
    ) -> None:
        if url is None:
            given = {"upstream_token_env": token_env, "upstream_basin_endpoint": endpoint}
            name = next((name for name in given if given[name] is not None), "basin_prefix")
            raise ValueError(f"{name} is about an upstream: give upstream=URL with it")
        address = parse_address(url)
        basins = None if endpoint is None else parse_endpoint(endpoint)
        self._endpoint = endpoint
        for option, value in (("upstream_token_env", token_env), ("basin_prefix", prefix)):
            if value is not None and not isinstance(value, str):
                raise TypeError(f"{option} must be text, not {value!r}")
        for library in _LIBRARIES:
            if find_spec(library) is None:
                raise ImportError(
                    f"upstream={url!r} needs {library}: pip install 's2mock[upstream]'"
                )
        self._token_env = token_env
        self._template = prefix
        token = None if token_env is None else _token_in(token_env)
        made = None if prefix is None else BasinPrefix(make_prefix(prefix))
        connections = UpstreamConnections(address, failures.note)
        self._upstream: Final = Upstream(address, token, made, Settings(), connections, basins)
        self.account: Final = UpstreamAccount(
            address.url,
            token,
            made,
            self._upstream.engine,
            self.impossible,
            None if basins is None else basins.template,
        )
        self._upstream.engine.land = self._upstream.send_late
        self._upstream.engine.impossible = self.impossible
        # The basins that were named or made here.
        self._names: list[str] = []

    @property
    def url(self) -> str:
        """The URL of the upstream, without a slash at its end."""
        return self._upstream.url

    @property
    def engine(self) -> Any:
        """The engine that the calls of clients pass."""
        return self._upstream.engine

    def powers(self, powers: "Powers", connections: "Connections") -> UpstreamPowers:
        """Return the backend of the powers."""
        return UpstreamPowers(powers, connections, self.impossible)

    def make_app(self, *, cors: bool, refusal: str | None) -> "UpstreamApp":
        """Return S2's API, which the upstream answers."""
        from s2mock.upstream.app import UpstreamApp

        return UpstreamApp(self._upstream, cors=cors, refusal=refusal)

    def converse_directly(self, environ: dict[str, Any]) -> "Conversation":
        """Answer a request past the powers of the mock, as a direct call of a test."""
        from s2mock.powers.middleware import Stack
        from s2mock.upstream.app import UpstreamApp

        return Stack(UpstreamApp(self._upstream.without_powers(), cors=False)).converse(environ)

    def impossible(self, member: str) -> NotOnTarget:
        """Return the error for a member that only the engine of this process has."""
        if member in _AT_COMMIT:
            what = f"s2_mock.{member}(at='commit'), the default,"
        else:
            what = "stream.fencing_token" if member == "fencing_token" else f"s2_mock.{member}"
        return NotOnTarget(
            f"{what} is not there in front of the upstream {self.url}, which alone knows its state "
            f"and its commits: {_INSTEAD[member]}"
        )

    # The basins of the mock.

    def begin(self, initial_state: "InitialState") -> None:
        """Create the basins that the mock starts with. Raises `UpstreamUnreachable`, `S2Error`."""
        for name, config, streams in initial_state.basins():
            self.account.carry_out(CreateBasin(name, config, None, None))
            self._names.append(name)
            for stream, stream_config in streams:
                self.account.carry_out(CreateStream(name, stream, stream_config, None, None))

    def basin_name(self) -> str:
        """Return the name of a basin that does not exist; a basin of that name is deleted."""
        name = f"s2mock-{uuid.uuid4().hex}"
        if self._upstream.prefix is not None:
            name = f"fresh-{name[-6:]}"
        self._names.append(name)
        return name

    def check_reset(self) -> None:
        """Raise `NotOnTarget` if the mock cannot begin anew."""
        if self._template is None or "*" not in self._template:
            raise self.impossible("reset")

    def begin_anew(self) -> None:
        """Delete the basins of the mock, and go on with another prefix."""
        assert self._template is not None, "checked"
        self.delete_basins()
        self._upstream.prefix = self.account.prefix = BasinPrefix(make_prefix(self._template))

    def delete_basins(self) -> None:
        """Delete the basins that were named or made here; with random letters all of the prefix."""
        names, self._names = self._names, []
        with suppress(S2Error, UpstreamUnreachable):
            if self._template is not None and "*" in self._template:
                names = [*self.account.basins()]
        for name in names:
            # The test may have deleted it, or never made it.
            with suppress(S2Error, UpstreamUnreachable):
                self.account.carry_out(DeleteBasin(name))

    def options_of_another(self, inherited: dict[str, Any]) -> dict[str, Any]:
        """Return the options of another mock for this upstream, with basins of its own."""
        return {
            **{name: inherited[name] for name in inherited if not OPTIONS[name].is_of_engine},
            "upstream": self.url,
            "upstream_token_env": self._token_env,
            "upstream_basin_endpoint": self._endpoint,
            "basin_prefix": random_template(self._template),
        }

    def close(self, drop_clients: Callable[[], object]) -> None:
        """Drop the clients, close the connections to the upstream, and delete the basins."""
        drop_clients()
        self._upstream.connections.close()
        self.delete_basins()


def check_engine_options(**given: Any) -> None:
    """Raise `ValueError` for an option that an upstream does not have."""
    for name, value in given.items():
        assert OPTIONS[name].is_of_engine, f"{name} is not about the engine"
        if value != OPTIONS[name].default:
            raise ValueError(
                f"{name} is about the engine of s2mock, and an upstream has its own: leave it out "
                "for a mock with an upstream"
            )


def _token_in(variable: str) -> str:
    token = os.environ.get(variable)
    if not token:
        raise ValueError(
            f"upstream_token_env names the environment variable {variable!r}, which is not set"
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"the environment variable {variable!r} holds no access token")
    return token
