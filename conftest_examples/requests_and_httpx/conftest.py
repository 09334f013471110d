from collections.abc import Iterator

import httpx
import pytest

from provisioning import Provisioner
from s2mock import S2Mock


@pytest.fixture
def provisioner(s2_mock: S2Mock) -> Iterator[Provisioner]:
    s2_mock.create_basin("fleet-one")
    provisioner = Provisioner(s2_mock.url, basin="fleet-one", token="any")
    yield provisioner
    provisioner.close()


@pytest.fixture(params=["socket", "no socket"])
def client(request: pytest.FixtureRequest, s2_mock: S2Mock) -> Iterator[httpx.Client]:
    transport = httpx.WSGITransport(s2_mock.wsgi_app) if request.param == "no socket" else None
    base_url = "http://s2" if transport else s2_mock.url
    with httpx.Client(transport=transport, base_url=base_url) as client:
        yield client
