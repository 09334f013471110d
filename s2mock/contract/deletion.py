"""Deletion takes its time: right after a DELETE, "pending" and "gone" are both right.

How long depends on the server: s2-lite drops a stream within milliseconds and a basin that had
streams after about a minute; the fake does what its `deletion_delay` says.
"""

import time

import pytest

from s2mock.contract.client import Answer, Client

_PATIENCE = 5.0
_STEP = 0.02


def delete(s2: Client, path: str) -> None:
    """Delete what is there."""
    answer = s2.request("DELETE", path)
    assert (answer.status, answer.body) == (202, b""), answer


def wait_until_gone(s2: Client, path: str) -> Answer:
    """The 404 that `path` answers once its deletion is complete.

    The case is skipped on a server that takes longer than a few seconds.
    """
    deadline = time.monotonic() + _PATIENCE
    while (answer := s2.request("GET", path)).status != 404:
        if time.monotonic() > deadline:
            pytest.skip(f"the target keeps deletions pending for more than {_PATIENCE:g} s")
        time.sleep(_STEP)
    return answer
