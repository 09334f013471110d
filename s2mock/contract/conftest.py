"""Fixtures of the contract suite: the endpoint under test, and fresh basins on it."""

from collections.abc import Callable, Iterator

import pytest

from s2mock.contract.basins import temporary_basin, unused_name
from s2mock.contract.client import Client


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Client:
    """The endpoint under test: `--s2mock-target`, or the fake on a socket of this process."""
    url = pytestconfig.getoption("s2mock_target")
    if url is None:
        url = request.getfixturevalue("_contract_fake_url")
    return Client(url.rstrip("/"), token=pytestconfig.getoption("s2mock_token"))


@pytest.fixture(scope="session")
def _contract_fake_url(pytestconfig: pytest.Config) -> Iterator[str]:
    from s2mock.mock import S2Mock

    delay = float(pytestconfig.getoption("s2mock_deletion_delay") or 0.0)
    with S2Mock(deletion_delay=delay) as mock:
        yield mock.url


@pytest.fixture
def fresh(target: Client) -> Iterator[Callable[[], str]]:
    """Makes up basin names that nobody uses; what has come to exist is deleted after the case."""
    names: list[str] = []

    def name() -> str:
        names.append(unused_name())
        return names[-1]

    yield name
    for made in names:
        target.request("DELETE", f"/v1/basins/{made}")


@pytest.fixture
def s2(target: Client) -> Iterator[Client]:
    """A client in a fresh basin, which is deleted after the case."""
    with temporary_basin(target) as client:
        yield client


@pytest.fixture(scope="session")
def shared(target: Client) -> Iterator[Client]:
    """A client in a basin with one stream, `s`, for requests that change nothing."""
    with temporary_basin(target) as client:
        client.request("PUT", "/v1/streams/s")
        yield client
