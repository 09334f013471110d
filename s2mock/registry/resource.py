"""What basins and streams have in common: a life from creation to deletion.

Source: reference: control_plane §4.3 to §4.6 and §5.5.
"""

from typing import Generic, Literal, NamedTuple, TypeVar

from s2mock.registry.config import BasinConfig, StreamConfig
from s2mock.registry.names import RequestToken
from s2mock.registry.profile import Profile

ProvisionResult = Literal["created", "updated", "noop"]

Config = TypeVar("Config", BasinConfig, StreamConfig)
Made = TypeVar("Made")
Info = TypeVar("Info")


class Provisioned(NamedTuple, Generic[Made, Info]):
    """The outcome of a create or ensure, and the resource's info at that moment."""

    result: ProvisionResult
    resource: Made
    info: Info


class Resource(Generic[Config]):
    """A named thing that is created, has a configuration, and is deleted.

    Times are nanoseconds since the Unix epoch. `creation` is what a later request is compared
    with to find out whether it is a replay: the token and the configuration as requested.
    """

    __slots__ = ("config", "created_at", "creation", "deleted_at", "removed")

    def __init__(
        self, config: Config, created_at: int, creation: tuple[RequestToken, Config] | None
    ) -> None:
        self.config: Config = config
        self.created_at = created_at
        self.creation: tuple[RequestToken, Config] | None = creation
        self.deleted_at: int | None = None
        self.removed = False

    def is_replay(self, token: RequestToken | None, config: Config, profile: Profile) -> bool:
        """Whether a create request with this token and configuration made this resource."""
        if token is None or self.creation is None:
            return False
        made_with, made_as = self.creation
        return token == made_with and (profile.replay_ignores_config or config == made_as)
