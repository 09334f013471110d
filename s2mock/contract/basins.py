"""Temporary basins for a part of a case."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from s2mock.contract import target_settings
from s2mock.contract.client import Client

# The location of a basin that was created without one: None on s2-lite, the default elsewhere.
DEFAULT_LOCATIONS: Final = (None, "aws:us-east-1")


def unused_name() -> str:
    """Return a random name of a basin, which is not in use."""
    name = target_settings.basin_prefix + uuid.uuid4().hex
    return name[: target_settings.NAME_BYTES]


@contextmanager
def temporary_basin(target: Client) -> Iterator[Client]:
    """Yield a client in a new basin, which is deleted at the end."""
    basin = unused_name()
    made = target.request("POST", "/v1/basins", {"basin": basin})
    assert made.status == 201, made
    yield target.in_basin(basin)
    target.request("DELETE", f"/v1/basins/{basin}")
