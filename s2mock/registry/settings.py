"""The settings of an account: values that decisions depend on, beside its state."""

from typing import NamedTuple

from s2mock.registry.state import LOCATIONS, Location
from s2mock.registry.values.limits import NO_LIMITS, Limits
from s2mock.registry.values.prices import NO_PRICES, Prices
from s2mock.registry.values.profile import REAL, Profile


class Settings(NamedTuple):
    """The settings of one account.

    `deletion_delay` is for how many seconds a deleted basin or stream stays pending: with 0 it is
    gone before the answer, with infinity it never goes. `is_open` is true where requests without
    a valid access token are let in. `own_secret` is the secret of the account's own token. The
    secrets of tokens that it issues begin with `secret_prefix`, and come from `seed` and
    `own_secret`. `revocation_delay` is for how many seconds a revoked token stays valid.
    `locations` are the locations of basins, the default first. `limits` are those of the account,
    `prices` those of what it uses.
    """

    deletion_delay: float = 0.0
    profile: Profile = REAL
    seed: int = 0
    is_open: bool = True
    own_secret: str | None = None
    secret_prefix: str = "s2_"
    revocation_delay: float = 0.0
    locations: tuple[Location, ...] = LOCATIONS
    limits: Limits = NO_LIMITS
    prices: Prices = NO_PRICES
