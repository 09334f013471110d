"""Helpers for the cases about access tokens."""

from typing import Any

from s2mock.contract.client import Answer, Client

PATH = "/v1/access-tokens"


def issue(s2: Client, scope: Any = ..., **more: Any) -> Answer:
    """Issue a token, by default one without permissions."""
    document = {"id": "t", "scope": {} if scope is ... else scope, **more}
    return s2.request("POST", PATH, document)
