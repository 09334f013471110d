"""Twenty tests on two workers, all with the same names: no test sees what another has made."""

import pytest
import requests

from s2mock import S2Mock


@pytest.mark.parametrize("number", range(10))
def test_over_the_socket(s2_mock: S2Mock, number: int) -> None:
    created = requests.post(f"{s2_mock.url}/v1/basins", json={"basin": "same-name"}, timeout=10)
    assert created.status_code == 201
    for stream in ("counter", f"counter-{number}"):
        created = requests.post(
            f"{s2_mock.url}/v1/streams",
            json={"stream": stream},
            headers={"S2-Basin": "same-name"},
            timeout=10,
        )
        assert created.status_code == 201

    assert s2_mock.basin("same-name").streams == ("counter", f"counter-{number}")


@pytest.mark.parametrize("number", range(10))
def test_without_a_socket(s2_mock: S2Mock, number: int) -> None:
    created = s2_mock.client.post("/v1/basins", json={"basin": "same-name"})
    assert created.status_code == 201

    s2_mock.basin("same-name").create_stream(f"counter-{number}")

    assert s2_mock.basin("same-name").streams == (f"counter-{number}",)
