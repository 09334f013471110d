"""Prices of what an account uses, for the metrics of its estimated costs.

Source: reference: account_services §2.
"""

from collections.abc import Mapping
from math import inf
from typing import Final

from s2mock.runtime.arguments import described
from s2mock.runtime.near_names import suggest

Prices = Mapping[str, float]
"""US dollars per unit, by the name of a set of metrics, or of one of its series: `set/series`."""

NO_PRICES: Final[Prices] = {}
PRICED_SETS: Final = (
    "account-ops",
    "append-ops",
    "append-throughput",
    "basin-ops",
    "read-ops",
    "read-throughput",
    "storage",
)
"""The sets that have a price: of an operation, of a byte, and for storage of a byte for an hour."""


def as_prices(given: object) -> Prices:
    """Return the prices that an option gives. Raises `TypeError`, `ValueError`."""
    if given is None:
        return NO_PRICES
    if not isinstance(given, Mapping):
        raise TypeError(
            "prices must be a mapping of series to US dollars, such as "
            f'{{"append-ops": 0.001}}, not {described(given)}'
        )
    prices: dict[str, float] = {}
    for name, price in given.items():
        which = str(name).partition("/")[0]
        if which not in PRICED_SETS:
            raise ValueError(f"prices have no {which!r}: {suggest(which, PRICED_SETS)}")
        if isinstance(price, bool) or not isinstance(price, int | float):
            raise TypeError(f"the price of {name!r} must be a number, not {described(price)}")
        if not 0 <= price < inf or price > _HIGHEST:
            raise ValueError(f"the price of {name!r} must be from 0 to {_HIGHEST:g}, not {price!r}")
        prices[str(name)] = float(price)
    return prices


# Multiplied by any number of bytes it is still a number that JSON has.
_HIGHEST: Final = 1e100
