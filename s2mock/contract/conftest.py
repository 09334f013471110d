"""Fixtures of the contract suite: the endpoint under test, and a fresh basin on it."""

import uuid
from collections.abc import Iterator

import pytest

from s2mock.contract.client import Client


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Client:
    """The endpoint under test: `--s2mock-target`, or the fake on a socket of this process."""
    url = pytestconfig.getoption("s2mock_target")
    if url is None:
        url = request.getfixturevalue("_contract_fake_url")
    return Client(url.rstrip("/"), token=pytestconfig.getoption("s2mock_token"))


@pytest.fixture(scope="session")
def _contract_fake_url() -> Iterator[str]:
    from s2mock.mock import S2Mock

    with S2Mock() as mock:
        yield mock.url


@pytest.fixture
def s2(target: Client) -> Iterator[Client]:
    """A client in a fresh basin, which is deleted after the case."""
    basin = f"contract-{uuid.uuid4().hex[:16]}"
    made = target.request("POST", "/v1/basins", {"basin": basin})
    assert made.status == 201, made
    yield target.in_basin(basin)
    target.request("DELETE", f"/v1/basins/{basin}")
