"""The account as a test has it by direct calls, with the rules and errors of the HTTP API."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from s2mock.registry.handles import Basin, Stream
from s2mock.registry.values.config import BasinConfig
from s2mock.served import Served

if TYPE_CHECKING:
    from s2mock.handles.tokens import Names, Token

_FRESH = "s2mock-fresh-{}"


class AccountFace(Served):
    """Basins, streams and access tokens, and the names for suites that run on a real server too."""

    _fresh_names: Iterator[int]

    @property
    def basins(self) -> tuple[str, ...]:
        """The names of all basins, in order."""
        return self.account.basins

    def basin(self, name: str) -> Basin:
        """The basin of that name. Raises `InvalidName`, `BasinNotFound`."""
        return self.account.basin(name)

    def stream(self, basin: str, name: str) -> Stream:
        """The stream of that name in that basin. Raises `InvalidName`, `StreamNotFound`."""
        return self.account.stream(basin, name)

    def create_basin(
        self,
        name: str,
        config: BasinConfig | None = None,
        *,
        request_token: str | None = None,
        location: str | None = None,
    ) -> Basin:
        """Create a basin, in that location or in the default one.

        Raises `InvalidName`, `Invalid`, `BasinDeletionPending`, `ResourceAlreadyExists`.
        """
        return self.account.create_basin(
            name, config, request_token=request_token, location=location
        )

    def ensure_basin(
        self, name: str, config: BasinConfig | None = None, *, location: str | None = None
    ) -> Basin:
        """Create the basin, or replace its configuration.

        Raises `InvalidName`, `Invalid`, `BasinDeletionPending`.
        """
        return self.account.ensure_basin(name, config, location=location)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The ids of all access tokens, in order: the account's own too, and the expired ones."""
        return self.account.tokens

    def issue_token(
        self,
        token_id: str,
        *,
        basins: "Names" = None,
        streams: "Names" = None,
        access_tokens: "Names" = None,
        ops: Iterable[str] = (),
        op_groups: Mapping[str, Mapping[str, bool] | str] = MappingProxyType({}),
        expires_in: float | None = None,
        auto_prefix_streams: bool = False,
    ) -> "Token":
        """Issue an access token.

        It is for the `basins`, `streams` and `access_tokens` of these names: a name, a prefix with
        `*` behind it, or S2's `{"exact": …}` and `{"prefix": …}`; without one it is for none. It
        may carry out `ops`, and what `op_groups` give, as in `{"stream": {"read": True}}` or
        `{"stream": "read-write"}`.
        `expires_in` is in seconds of the account's clock. With `auto_prefix_streams` the prefix
        of `streams` goes before each stream's name that its bearer says. Raises `InvalidName`,
        `Invalid`, `ResourceAlreadyExists`, `TypeError`, `ValueError`.
        Source: reference: account_services §1.
        """
        from s2mock.handles.tokens import issue

        return issue(
            self,
            token_id,
            basins=basins,
            streams=streams,
            access_tokens=access_tokens,
            ops=ops,
            op_groups=op_groups,
            expires_in=expires_in,
            auto_prefix_streams=auto_prefix_streams,
        )

    def basin_name(self) -> str:
        """A basin name that nobody uses, also on a real server (see `RemoteS2Mock`)."""
        return next(
            name for name in map(_FRESH.format, self._fresh_names) if name not in self.basins
        )

    def fresh_basin(self, config: BasinConfig | None = None) -> str:
        """Make a basin that nobody else uses, also on a real server, and return its name."""
        name = self.basin_name()
        self.create_basin(name, config)
        return name
