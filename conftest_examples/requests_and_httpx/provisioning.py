"""The code under test: streams of devices, made with an HTTP client and no SDK."""

from urllib.parse import quote

import httpx
import requests


class Provisioner:
    """Makes streams with `requests`."""

    def __init__(self, endpoint: str, basin: str, token: str) -> None:
        self._endpoint = endpoint
        self._session = requests.Session()
        self._session.headers.update({"S2-Basin": basin, "Authorization": f"Bearer {token}"})

    def add_device(self, device: str, *, order: str) -> str:
        """Make the device's stream; the same order may be placed twice. Returns the stream."""
        stream = f"devices/{device}"
        response = self._session.post(
            f"{self._endpoint}/v1/streams",
            json={"stream": stream, "config": {"retention_policy": {"age": 86_400}}},
            headers={"S2-Request-Token": order},
        )
        response.raise_for_status()
        return stream

    def close(self) -> None:
        self._session.close()


def stored_for(client: httpx.Client, basin: str, device: str) -> int | None:
    """The seconds that a device's records are kept, `None` for ever. With `httpx`."""
    response = client.get(
        f"/v1/streams/{quote(f'devices/{device}', safe='')}", headers={"S2-Basin": basin}
    )
    age: int | None = response.raise_for_status().json()["retention_policy"].get("age")
    return age
