"""Helpers for the cases on JSON bodies."""

from s2mock.contract.client import Answer, Client

JSON = {"content-type": "application/json"}


def send(s2: Client, body: bytes) -> Answer:
    """Create a stream, with a body whose content type is JSON."""
    return s2.request("POST", "/v1/streams", body=body, headers=JSON)


def refused(s2: Client, answer: Answer) -> str:
    """Return the reason of a `bad_json` that created no stream."""
    status, code, reason = answer.error
    assert (status, code) == (400, "bad_json")
    assert s2.request("GET", "/v1/streams").json["streams"] == []
    return reason
