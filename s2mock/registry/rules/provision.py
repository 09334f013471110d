"""Results of creating a basin or a stream, and replays of such a request.

Source: reference: control_plane §4.3, §5.5.
"""

from typing import Generic, NamedTuple, TypeVar

from s2mock.registry.state import ProvisionResult
from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.registry.values.names import RequestToken
from s2mock.registry.values.profile import Profile

Config = TypeVar("Config", BasinConfig, StreamConfig)
Info = TypeVar("Info")


class Provisioned(NamedTuple, Generic[Info]):
    """The outcome of a create or ensure, and the resource before an update."""

    result: ProvisionResult
    info: Info
    incarnation: int


def is_replay(
    creation: tuple[RequestToken, Config] | None,
    token: RequestToken | None,
    config: Config,
    profile: Profile,
) -> bool:
    """True if a create request with this token and configuration is the original one."""
    if token is None or creation is None:
        return False
    made_with, made_as = creation
    return token == made_with and (profile.replay_ignores_config or config == made_as)
