"""Access tokens of an account of another process, as a test has issued them."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from s2mock.handles.over_http.control import Control
from s2mock.handles.over_http.handles import call
from s2mock.handles.tokens import Issued
from s2mock.json_bodies.tokens import expiry_to_json, scope_from_json, scope_to_json
from s2mock.registry.values.errors import AccessTokenNotFound
from s2mock.registry.values.rfc3339 import parse_timestamp
from s2mock.registry.values.tokens import TokenInfo
from s2mock.runtime.http_client import segment
from s2mock.served import sdk_environment

_PATH: Final = "/v1/access-tokens"


class RemoteToken:
    """As `Token`."""

    __slots__ = ("_control", "_id", "_is_revoked", "_secret")

    def __init__(self, control: Control, token_id: str, secret: str) -> None:
        self._control = control
        self._id = token_id
        self._secret = secret
        # Another of that id may have been issued since, and looks the same from outside.
        self._is_revoked = False

    def __repr__(self) -> str:
        return f"<RemoteToken {self._id!r}>"

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
        """The variables that point S2's SDKs and command line to the server, with this token."""
        return sdk_environment(self._control.url, self._secret)

    @property
    def info(self) -> TokenInfo:
        """The token as S2 describes it. Raises `AccessTokenNotFound` once it is revoked."""
        listed = call(self._control, "GET", f"{_PATH}?limit=1&prefix={quote(self._id, safe='')}")
        for found in listed["access_tokens"]:
            if found["id"] == self._id and not self._is_revoked:
                expires_at = found["expires_at"]
                return TokenInfo(
                    self._id,
                    None if expires_at is None else parse_timestamp(expires_at),
                    found["auto_prefix_streams"],
                    scope_from_json(found["scope"]),
                )
        raise AccessTokenNotFound(self._id)

    def revoke(self) -> None:
        """Revoke it. Raises `AccessTokenNotFound` where it is revoked already."""
        assert self.info
        call(self._control, "DELETE", f"{_PATH}/{segment(self._id)}")
        self._is_revoked = True


def issue(control: Control, wanted: Issued, now: Callable[[], int]) -> RemoteToken:
    """Issue that token, by a clock that says `now`. Raises `Invalid`, `ResourceAlreadyExists`."""
    expires_at = None if wanted.expires_in is None else now() + wanted.expires_in
    document = {
        "id": wanted.id,
        "scope": scope_to_json(wanted.scope),
        "expires_at": expiry_to_json(expires_at),
        "auto_prefix_streams": wanted.auto_prefix_streams,
    }
    made = call(control, "POST", _PATH, document)
    return RemoteToken(control, wanted.id, made["access_token"])
