"""Deletion takes time: right after a DELETE, "pending" and "not found" are both right.

The time depends on the server: s2-lite removes a stream within milliseconds, and a basin that had
streams after about a minute; the fake has a `deletion_delay`.
"""

import time

import pytest

from s2mock.contract.client import Answer, Client

_PATIENCE = 5.0
_STEP = 0.02


def delete(s2: Client, path: str) -> None:
    """Delete a resource that exists."""
    answer = s2.request("DELETE", path)
    assert (answer.status, answer.body) == (202, b""), answer


def wait_until_gone(s2: Client, path: str) -> Answer:
    """Wait for the 404 at `path` that follows a complete deletion, and return it.

    Skips the case on a server that takes more than a few seconds.
    """
    deadline = time.monotonic() + _PATIENCE
    while (answer := s2.request("GET", path)).status != 404:
        if time.monotonic() > deadline:
            pytest.skip(f"the target keeps deletions pending for more than {_PATIENCE:g} s")
        time.sleep(_STEP)
    return answer
