"""A request with a body is answered once it has ended, however much was said of its length."""

import httpx

from s2mock import S2Mock
from tests.sessions.h2_client import H2Client

BODY = b'{"stream":"created"}'
HEADERS = {"content-type": "application/json", "content-length": str(len(BODY))}


def test_on_http_2_it_ends_by_its_own_word(mock: S2Mock) -> None:
    """An answer before it would reset the stream, which not every client can take."""
    with H2Client(mock.url) as client:
        request = client.open("POST", "/v1/streams", HEADERS, end=False)
        client.send(request, BODY)
        for _ in range(5):
            # Seen to by the same loop, behind what was sent of the other.
            assert client.head(client.open("GET", "/health"))[":status"] == "200"
        assert request not in client.heads
        client.send(request, end=True)
        assert client.head(request)[":status"] == "201"


def test_on_http_1_it_ends_at_its_announced_length(mock: S2Mock) -> None:
    """And the connection goes on behind it."""
    with httpx.Client(base_url=mock.url, headers={"s2-basin": "my-basin"}) as client:
        for number in range(3):
            answer = client.post("/v1/streams", json={"stream": f"created-{number}"})
            assert answer.status_code == 201
            assert client.delete(f"/v1/streams/created-{number}").status_code == 202
        assert client.get("/health").text == "OK"
