"""Profiles: which to follow where the service and its documentation disagree."""

from typing import Final, Literal, NamedTuple

from s2mock.registry.values.errors import BadJson, InvalidConfig
from s2mock.runtime.arguments import check_choice

ProfileName = Literal["real", "documented"]


class Profile(NamedTuple):
    """The choices in two rules of create stream for which the documentation differs.

    `invalid_config` is the error for a well formed configuration with an invalid value;
    `replay_ignores_config` lets the request token alone decide what a replay is.
    """

    name: ProfileName
    invalid_config: type[InvalidConfig] | type[BadJson]
    replay_ignores_config: bool


REAL: Final = Profile("real", invalid_config=InvalidConfig, replay_ignores_config=False)
DOCUMENTED: Final = Profile("documented", invalid_config=BadJson, replay_ignores_config=True)


def profile_named(name: str) -> Profile:
    """Return the profile of that name. Raises `ValueError`."""
    profiles: dict[str, Profile] = {profile.name: profile for profile in (REAL, DOCUMENTED)}
    check_choice("profile", name, profiles)
    return profiles[name]
