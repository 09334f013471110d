"""Basins for the time of some cases."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from s2mock.contract.client import Client


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
