"""The handle of an access token, and the arguments of `S2Mock.issue_token`.

Source: reference: account_services §1.
"""

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any

from s2mock.handles.backends.backend import AccountBackend
from s2mock.registry.rules.access_tokens import IssueAccessToken, RevokeAccessToken
from s2mock.registry.values.names import AccessTokenId, BasinName, StreamName
from s2mock.registry.values.scopes import GROUPS, NOTHING, OPERATIONS, ResourceSet, Scope
from s2mock.registry.values.tokens import TokenInfo
from s2mock.runtime.arguments import (
    check_choice,
    check_flag,
    check_iterable,
    check_name,
    check_seconds,
    described,
)
from s2mock.runtime.clock import nanoseconds

Names = str | Mapping[str, str] | None
"""Names that a token is for: one, or with `*` behind it all that begin so; or S2's own form,
`{"exact": name}` or `{"prefix": prefix}`; None for no names."""

# The same words as in the SDKs.
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

    __slots__ = ("_backend", "_env", "_id", "_secret")

    def __init__(
        self,
        backend: AccountBackend,
        env: Callable[[], dict[str, str]],
        token_id: str,
        secret: str,
    ) -> None:
        self._backend = backend
        self._env = env
        self._id = token_id
        self._secret = secret

    def __repr__(self) -> str:
        return f"<Token {self._id!r}>"

    @property
    def id(self) -> str:
        """The id of the token."""
        return self._id

    @property
    def secret(self) -> str:
        """The secret, for the header `Authorization: Bearer SECRET`."""
        return self._secret

    @property
    def env(self) -> dict[str, str]:
        """The variables that point S2's SDKs and command line to the mock, with this token."""
        return {**self._env(), "S2_ACCESS_TOKEN": self._secret}

    @property
    def info(self) -> TokenInfo:
        """The token as S2 describes it. Raises `AccessTokenNotFound` once it is revoked."""
        return self._backend.token(self._id, self._secret)

    def revoke(self) -> None:
        """Revoke the token. Raises `AccessTokenNotFound` if it is revoked already."""
        self._backend.carry_out(RevokeAccessToken(self._id, secret=self._secret))


def issue_operation(
    token_id: str,
    *,
    basins: Names,
    streams: Names,
    access_tokens: Names,
    ops: Iterable[str],
    op_groups: Mapping[str, Mapping[str, bool] | str],
    expires_in: float | None,
    auto_prefix_streams: bool,
) -> IssueAccessToken:
    """Return the operation that issues the token of `S2Mock.issue_token`'s arguments.

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
    return IssueAccessToken(
        token_id,
        scope,
        expires_in=None if expires_in is None else _nanoseconds(expires_in),
        auto_prefix_streams=auto_prefix_streams,
    )


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
    check_choice(what, kind, ("exact", "prefix"))
    if kind == "exact":
        return ResourceSet("exact", str(_KINDS[what](name)) if name else "")
    return ResourceSet("prefix", _KINDS[what].check_filter(name, "prefix"))


def _operations(given: Any) -> tuple[str, ...]:
    check_iterable("ops", given, "names of operations")
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
