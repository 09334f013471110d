"""Access tokens as a test issues them and holds them: `S2Mock.issue_token` and what it returns.

Source: reference: account_services §1.
"""

from collections.abc import Iterable, Mapping
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from s2mock.registry.rules.access_tokens import IssueAccessToken, RevokeAccessToken
from s2mock.registry.values.errors import AccessTokenNotFound
from s2mock.registry.values.names import AccessTokenId, BasinName, StreamName
from s2mock.registry.values.scopes import GROUPS, NOTHING, OPERATIONS, ResourceSet, Scope
from s2mock.registry.values.tokens import AccessToken, TokenInfo
from s2mock.runtime.arguments import check_flag, check_name, check_seconds, described
from s2mock.runtime.clock import nanoseconds

if TYPE_CHECKING:
    from s2mock.account_face import AccountFace

Names = str | Mapping[str, str] | None
"""Names that a token is for: one, or with `*` behind it all that begin so; or S2's own form,
`{"exact": name}` or `{"prefix": prefix}`; None for no names."""

# As the SDKs have it.
_HALVES = {
    "read": {"read": True},
    "write": {"write": True},
    "read-write": {"read": True, "write": True},
}
_LEVELS = ("account", "basin", "stream")
_KINDS: dict[str, type[BasinName | StreamName | AccessTokenId]] = {
    "basins": BasinName,
    "streams": StreamName,
    "access_tokens": AccessTokenId,
}


class Token:
    """An access token that a test has issued."""

    __slots__ = ("_id", "_mock", "_secret")

    def __init__(self, mock: "AccountFace", token: AccessToken) -> None:
        self._mock = mock
        self._id = token.id
        self._secret = token.secret

    def __repr__(self) -> str:
        return f"<Token {self._id!r}>"

    @property
    def id(self) -> str:
        """Its id."""
        return self._id

    @property
    def secret(self) -> str:
        """What goes into the header: `Authorization: Bearer SECRET`."""
        return self._secret

    @property
    def env(self) -> dict[str, str]:
        """The variables that point S2's SDKs and command line to the mock, with this token."""
        return {**self._mock.env, "S2_ACCESS_TOKEN": self._secret}

    @property
    def info(self) -> TokenInfo:
        """The token as S2 describes it. Raises `AccessTokenNotFound` once it is revoked."""
        engine = self._mock.account.engine
        with engine.lock as moment:
            tokens = engine.state.tokens
            found = None if tokens is None else tokens.by_id.get(self._id)
            if found is None or found.secret != self._secret:
                raise AccessTokenNotFound(self._id)
            return found.info(moment)

    def revoke(self) -> None:
        """Revoke it. Raises `AccessTokenNotFound` where it is revoked already."""
        self._mock.account.engine.carry_out(RevokeAccessToken(self._id, secret=self._secret))


class Issued(NamedTuple):
    """An access token that is to be issued. `expires_in` is in nanoseconds."""

    id: str
    scope: Scope
    expires_in: int | None
    auto_prefix_streams: bool


def issue(mock: "AccountFace", token_id: str, **permissions: Any) -> Token:
    """As `S2Mock.issue_token`."""
    wanted = to_issue(token_id, **permissions)
    operation = IssueAccessToken(
        wanted.id,
        wanted.scope,
        expires_in=wanted.expires_in,
        auto_prefix_streams=wanted.auto_prefix_streams,
    )
    return Token(mock, mock.account.engine.carry_out(operation))


def to_issue(
    token_id: str,
    *,
    basins: Names = None,
    streams: Names = None,
    access_tokens: Names = None,
    ops: Iterable[str] = (),
    op_groups: Mapping[str, Mapping[str, bool] | str] = MappingProxyType({}),
    expires_in: float | None = None,
    auto_prefix_streams: bool = False,
) -> Issued:
    """The token that `S2Mock.issue_token` is asked for.

    Raises `InvalidName`, `TypeError`, `ValueError`.
    """
    check_name("a token's id", token_id)
    scope = Scope(
        _names("basins", basins),
        _names("streams", streams),
        _names("access_tokens", access_tokens),
        tuple(_groups(op_groups)),
        _operations(ops),
    )
    check_flag("auto_prefix_streams", auto_prefix_streams)
    nanoseconds = None if expires_in is None else _nanoseconds(expires_in)
    return Issued(str(AccessTokenId(token_id)), scope, nanoseconds, auto_prefix_streams)


def _nanoseconds(seconds: Any) -> int:
    check_seconds("expires_in", seconds)
    if not 0 < seconds < inf:
        raise ValueError(f"expires_in must be more than 0 seconds and finite, not {seconds!r}")
    return max(1, nanoseconds(seconds))


def _names(what: str, given: object) -> ResourceSet:
    if given is None:
        return NOTHING
    if isinstance(given, str):
        given = {"prefix": given[:-1]} if given.endswith("*") else {"exact": given}
    if not isinstance(given, Mapping) or len(given) != 1:
        raise TypeError(
            f"{what} must be a name, a prefix with * behind it, or a mapping such as "
            f"{{'prefix': ''}}, not {described(given)}"
        )
    [(kind, name)] = given.items()
    check_name(what, name)
    if kind == "exact":
        return ResourceSet("exact", str(_KINDS[what](name)) if name else "")
    if kind != "prefix":
        raise ValueError(f"{what} must be 'exact' or 'prefix', not {kind!r}")
    return ResourceSet("prefix", _KINDS[what].check_filter(name, "prefix"))


def _operations(given: object) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"ops must be a list of names of operations, not {described(given)}")
    names = tuple(given)
    for name in names:
        if name not in OPERATIONS:
            raise ValueError(f"ops: {name!r} is no operation; there are {', '.join(OPERATIONS)}")
    return names


def _groups(given: object) -> Iterable[str]:
    example = "such as {'stream': {'read': True, 'write': False}} or {'stream': 'read'}"
    if not isinstance(given, Mapping):
        raise TypeError(f"op_groups must be a mapping {example}, not {described(given)}")
    for level, halves in given.items():
        if level not in _LEVELS:
            raise ValueError(f"op_groups: {level!r} is no group; there are {', '.join(_LEVELS)}")
        if isinstance(halves, str) and halves in _HALVES:
            halves = _HALVES[halves]  # noqa: PLW2901
        if not isinstance(halves, Mapping):
            raise TypeError(f"op_groups must be a mapping {example}, not {described(given)}")
        for half, allowed in halves.items():
            if f"{level}.{half}" not in GROUPS or not isinstance(allowed, bool):
                raise ValueError(f"op_groups must be a mapping {example}, not {given!r}")
            if allowed:
                yield f"{level}.{half}"
