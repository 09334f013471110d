"""Basins for the time of some cases."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from s2mock.contract.client import Client

# Where a basin is that was made without a location: s2-lite does not say, others name the default.
DEFAULT_LOCATIONS: Final = (None, "aws:us-east-1")


def unused_name() -> str:
    """A basin name that nobody uses."""
    return f"contract-{uuid.uuid4().hex[:16]}"


@contextmanager
def temporary_basin(target: Client) -> Iterator[Client]:
    """A client in a fresh basin, which is deleted in the end."""
    basin = unused_name()
    made = target.request("POST", "/v1/basins", {"basin": basin})
    assert made.status == 201, made
    yield target.in_basin(basin)
    target.request("DELETE", f"/v1/basins/{basin}")
