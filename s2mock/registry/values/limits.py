"""Limits of an account: the rates of appends, the number of basins, the longest retention.

Source: reference: account_services §5.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from s2mock.runtime.arguments import check_count, described
from s2mock.runtime.near_names import suggest

_MIB: Final = 1024 * 1024
_DAY: Final = 24 * 60 * 60
# No limit of a service is larger, and the arithmetic stays fast.
_BELOW: Final = 2**63


class Limits(NamedTuple):
    """The limits of an account, each None for no limit.

    `batches_per_second` is for each stream and connection, `bytes_per_second` for each stream, in
    metered bytes. `basins` is how many basins an account may have, `retention` the longest
    retention of records, in seconds.
    """

    batches_per_second: int | None = None
    bytes_per_second: int | None = None
    basins: int | None = None
    retention: int | None = None

    @property
    def has_rates(self) -> bool:
        """True if the rate of appends is limited."""
        return self.batches_per_second is not None or self.bytes_per_second is not None


NO_LIMITS: Final = Limits()
CLOUD: Final = Limits(batches_per_second=200, bytes_per_second=100 * _MIB)
FREE: Final = CLOUD._replace(basins=100, retention=28 * _DAY)

NAMED_LIMITS: Final = {"cloud": CLOUD, "free": FREE}
"""The limits of the hosted service: of every account, and of one on the free tier."""


def as_limits(given: object) -> Limits:
    """Return the limits that an option gives: a name, or a mapping that sets each one.

    A limit that a mapping leaves out, or sets to None, is none. Raises `TypeError`, `ValueError`.
    """
    if given is None:
        return NO_LIMITS
    if isinstance(given, Limits):
        # From the account that a fork copies.
        return given
    if isinstance(given, str) and given in NAMED_LIMITS:
        return NAMED_LIMITS[given]
    if not isinstance(given, Mapping):
        error = ValueError if isinstance(given, str) else TypeError
        raise error(
            'limits must be "cloud", "free", or a mapping of '
            f"{', '.join(Limits._fields)}, not {described(given)}"
        )
    values: dict[str, Any] = dict(given)
    for name, value in values.items():
        if name not in Limits._fields:
            raise ValueError(f"limits have no {name!r}: {suggest(str(name), Limits._fields)}")
        # An account without any basin can be wanted; a rate of 0 would never end.
        least = 0 if name == "basins" else 1
        check_count(f"{name} of limits", value, least=least, below=_BELOW, optional=True)
    return Limits(**values)
