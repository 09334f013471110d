"""Fixtures of the contract suite: the endpoint under test, and fresh basins on it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from s2mock.contract import target_settings
from s2mock.contract.basins import temporary_basin, unused_name
from s2mock.contract.bearers import Bearers
from s2mock.contract.client import Client
from s2mock.contract.passing_time import PassingTime, RealTime, TurnedTime
from s2mock.contract.records import Stream, create_stream

if TYPE_CHECKING:
    from s2mock.handles.mock import S2Mock

# The account's own token on the fake, which is the default token of a `Client`.
_TOKEN = "s2mock"
# The removal of their records takes long enough for a few calls, also over TLS.
_LINGERING_BATCHES = 150


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers of the suite."""
    config.addinivalue_line(
        "markers", "data_case(*numbers): the cases of reference: data_plane §10 that a test covers"
    )
    config.addinivalue_line(
        "markers", "account: concerns the tokens of the account, or its default location"
    )
    config.addinivalue_line("markers", "any_name: creates basins whose names have no given prefix")
    config.addinivalue_line("markers", "basin_header: about a wrong value of the header s2-basin")
    # With these the tests of s2mock itself are quicker; elsewhere they change nothing.
    config.addinivalue_line("markers", "slow: takes long for what it adds to the others")
    config.addinivalue_line("markers", "sample(n): one in n of its cases is enough for a quick run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Switch the advice off: the cases make requests with mistakes on purpose."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.filterwarnings("ignore::s2mock.S2Advice"))


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Client:
    """Return a client of the endpoint under test: `--s2mock-target`, or a fake in this process."""
    url, token = pytestconfig.getoption("s2mock_target"), pytestconfig.getoption("s2mock_token")
    if url is None:
        url = request.getfixturevalue("_contract_fake_url")
        if pytestconfig.getoption("s2mock_auth") == "required":
            token = _TOKEN
    else:
        from s2mock.handles.remote import TargetError, check_target

        try:
            check_target(url)
        except TargetError as error:
            raise pytest.UsageError(str(error)) from None
    return Client(url.rstrip("/"), token=token, basin_endpoint=target_settings.basin_endpoint)


@pytest.fixture(scope="session")
def _contract_fake_url(pytestconfig: pytest.Config) -> Iterator[str]:
    delay = float(pytestconfig.getoption("s2mock_deletion_delay") or 0.0)
    with _fake(pytestconfig, deletion_delay=delay) as mock:
        yield mock.url


def _fake(config: pytest.Config, **options: Any) -> "S2Mock":
    """Yield a fake in this process, open to any client unless `--s2mock-auth` is given."""
    from s2mock.handles.mock import S2Mock

    auth: Literal["open", "required"] = config.getoption("s2mock_auth") or "open"
    return S2Mock(auth=auth, token=_TOKEN, **options)


@pytest.fixture
def guarded(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Yield a client of an endpoint that refuses requests without a token of its account."""
    if pytestconfig.getoption("s2mock_target") is not None:
        yield request.getfixturevalue("target")
        return
    from s2mock.handles.mock import S2Mock

    with S2Mock(auth="required", token=_TOKEN) as mock:
        yield Client(mock.url, token=_TOKEN)


@pytest.fixture
def bearers(s2: Client) -> Iterator[Bearers]:
    """Yield a factory of tokens, in a fresh basin with a stream `s`, or skip the case."""
    assert s2.request("PUT", "/v1/streams/s").status == 201
    bearers = Bearers(s2)
    yield bearers
    bearers.revoke_all()


@pytest.fixture
def fresh(target: Client) -> Iterator[Callable[[], str]]:
    """Yield a factory of unused basin names; basins with these names are deleted after the case."""
    names: list[str] = []

    def name() -> str:
        names.append(unused_name())
        return names[-1]

    yield name
    for made in names:
        target.request("DELETE", f"/v1/basins/{made}")


@pytest.fixture
def s2(target: Client) -> Iterator[Client]:
    """Yield a client in a fresh basin, which is deleted after the case."""
    with temporary_basin(target) as client:
        yield client


@pytest.fixture
def new_basin(target: Client, fresh: Callable[[], str]) -> Callable[..., Client]:
    """Yield a factory of clients in fresh basins of a configuration, deleted after the case."""

    def make(**config: Any) -> Client:
        basin = fresh()
        answer = target.request("POST", "/v1/basins", {"basin": basin, "config": config})
        assert answer.status == 201, answer
        return target.in_basin(basin)

    return make


@pytest.fixture
def stream(s2: Client) -> Stream:
    """Return a fresh, empty stream of the default configuration."""
    return create_stream(s2)


@pytest.fixture
def timed(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Iterator[PassingTime]:
    """Yield a client in a fresh basin, with a method that lets time pass for its server.

    The clock of the fake is advanced. With another server the case waits, if that takes a few
    seconds at most or `--s2mock-slow` is given, and is skipped otherwise.
    """
    if pytestconfig.getoption("s2mock_target") is not None:
        yield RealTime(request.getfixturevalue("s2"), slow=pytestconfig.getoption("s2mock_slow"))
        return
    from s2mock.runtime.clock import ManualClock

    clock = ManualClock()
    with _fake(pytestconfig, basins=["contract-timed"], clock=clock) as mock:
        yield TurnedTime(Client(mock.url, basin="contract-timed"), clock)


@pytest.fixture
def lingering_stream(
    pytestconfig: pytest.Config, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Stream]]:
    """Yield a factory of streams in fresh basins of a given configuration, with slow deletion."""
    if pytestconfig.getoption("s2mock_target") is not None:
        new_basin = request.getfixturevalue("new_basin")

        def fill(**config: Any) -> Stream:
            # The removal of many records takes long enough for a few calls.
            stream = create_stream(new_basin(**config))
            for _ in range(_LINGERING_BATCHES):
                stream.append_ok(*["x"] * 1000)
            return stream

        yield fill
        return
    with _fake(pytestconfig, deletion_delay=3600) as mock:

        def make(**config: Any) -> Stream:
            client = Client(mock.url, basin=f"contract-{len(mock.basins)}")
            document = {"basin": client.basin, "config": config}
            assert client.request("POST", "/v1/basins", document).status == 201
            return create_stream(client)

        yield make


@pytest.fixture
def deleted_stream(lingering_stream: Callable[..., Stream]) -> Stream:
    """Return a stream that has just been deleted, whose deletion is pending."""
    stream = lingering_stream()
    assert stream.delete().status == 202
    return stream


@pytest.fixture(scope="session")
def shared(target: Client) -> Iterator[Client]:
    """Yield a client in a basin with one stream, `s`, for requests that change nothing."""
    with temporary_basin(target) as client:
        client.request("PUT", "/v1/streams/s")
        yield client


@pytest.fixture(scope="session")
def scratch(target: Client) -> Iterator[Client]:
    """Yield a client in a basin with one stream, `s`, to which any case may append."""
    with temporary_basin(target) as client:
        client.request("PUT", "/v1/streams/s")
        yield client
