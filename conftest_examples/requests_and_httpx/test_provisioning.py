import httpx
import pytest
import requests

from provisioning import Provisioner, stored_for
from s2mock import S2Mock


def test_a_device_gets_a_stream(provisioner: Provisioner, s2_mock: S2Mock) -> None:
    assert provisioner.add_device("pump-7", order="order-1") == "devices/pump-7"

    assert s2_mock.basin("fleet-one").streams == ("devices/pump-7",)


def test_the_same_order_twice_is_one_device(provisioner: Provisioner, s2_mock: S2Mock) -> None:
    provisioner.add_device("pump-7", order="order-1")
    provisioner.add_device("pump-7", order="order-1")

    assert s2_mock.basin("fleet-one").streams == ("devices/pump-7",)


def test_another_order_for_the_same_device_is_refused(provisioner: Provisioner) -> None:
    provisioner.add_device("pump-7", order="order-1")

    with pytest.raises(requests.HTTPError) as caught:
        provisioner.add_device("pump-7", order="order-2")

    assert caught.value.response.status_code == 409
    assert caught.value.response.json() == {
        "code": "resource_already_exists",
        "message": "stream `devices/pump-7` in basin `fleet-one` already exists",
    }


def test_how_long_records_are_kept(
    provisioner: Provisioner, client: httpx.Client, s2_mock: S2Mock
) -> None:
    provisioner.add_device("pump-7", order="order-1")
    assert stored_for(client, "fleet-one", "pump-7") == 86_400

    s2_mock.basin("fleet-one").stream("devices/pump-7").reconfigure(retention_policy="infinite")
    assert stored_for(client, "fleet-one", "pump-7") is None


def test_a_device_without_a_stream(client: httpx.Client, s2_mock: S2Mock) -> None:
    s2_mock.create_basin("fleet-one")

    with pytest.raises(httpx.HTTPStatusError, match="404"):
        stored_for(client, "fleet-one", "no-such-pump")
