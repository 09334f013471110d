"""Clients with tokens of a given scope, on a server that serves access tokens."""

from collections.abc import Callable
from typing import Any

from s2mock.contract.basins import unused_name
from s2mock.contract.client import Answer, Client
from s2mock.contract.tokens import PATH, issue
from s2mock.contract.unserved import skip_if_unserved

DENIED = (403, "permission_denied", "Operation not permitted")
ALL = {"basins": {"prefix": ""}, "streams": {"prefix": ""}, "access_tokens": {"prefix": ""}}

# The table of account_services §1.2: the groups that permit an operation, and its request.
GIVEN_BY: dict[str, tuple[str, ...]] = {
    "list-basins": ("account.read",),
    "create-basin": ("account.write",),
    "delete-basin": ("account.write",),
    "reconfigure-basin": ("account.write",),
    "get-basin-config": ("account.read", "basin.read"),
    "issue-access-token": ("account.write",),
    "revoke-access-token": ("account.write",),
    "list-access-tokens": ("account.read",),
    "list-streams": ("basin.read",),
    "create-stream": ("basin.write",),
    "delete-stream": ("basin.write",),
    "get-stream-config": ("basin.read", "stream.read"),
    "reconfigure-stream": ("basin.write",),
    "check-tail": ("stream.read",),
    "append": ("stream.write",),
    "read": ("stream.read",),
    "trim": ("stream.write",),
    "fence": ("stream.write",),
    "account-metrics": ("account.read",),
    "basin-metrics": ("basin.read",),
    "stream-metrics": ("stream.read",),
    "list-locations": ("account.read",),
    "get-default-location": ("account.read",),
    "set-default-location": ("account.write",),
}
GROUPS = tuple(dict.fromkeys(group for groups in GIVEN_BY.values() for group in groups))


class Bearers:
    """A factory of tokens, which revokes them at the end."""

    def __init__(self, target: Client) -> None:
        self._target = target
        self._ids: list[str] = []

    def new_id(self) -> str:
        """Return an unused id; a token with that id is revoked after the case."""
        self._ids.append(unused_name())
        return self._ids[-1]

    def issue(self, scope: Any, *, by: Client | None = None, **more: Any) -> Answer:
        """Issue a token, or skip the case if the server issues none."""
        answer = issue(by or self._target, scope, **{"id": self.new_id(), **more})
        skip_if_unserved(answer)
        return answer

    def bearer(self, scope: Any, *, by: Client | None = None, **more: Any) -> Client:
        """Return a client with a token of that scope, in the same basin."""
        answer = self.issue(scope, by=by, **more)
        assert answer.status == 201, answer
        return Client(self._target.url, token=answer.json["access_token"], basin=self._target.basin)

    def revoke_all(self) -> None:
        """Revoke all tokens, also that of `requests`."""
        for token_id in (*self._ids, self._target.basin):
            self._target.request("DELETE", f"{PATH}/{token_id}")


def requests(basin: str) -> dict[str, Callable[[Client], Answer]]:
    """Return for each operation a request that needs only that one, and leaves the others valid."""
    period = "start=0&end=60"
    trim = {"records": [{"headers": [["", "trim"]], "body": "\0" * 8}]}
    fence = {"records": [{"headers": [["", "fence"]], "body": ""}]}
    records = "/v1/streams/s/records"

    def call(method: str, path: str, document: Any = ...) -> Callable[[Client], Answer]:
        return lambda client: client.request(method, path, document)

    return {
        "list-basins": call("GET", f"/v1/basins?prefix={basin}"),
        "create-basin": call("POST", "/v1/basins", {"basin": basin}),
        "delete-basin": call("DELETE", f"/v1/basins/{basin}-none"),
        "reconfigure-basin": call("PATCH", f"/v1/basins/{basin}", {}),
        "get-basin-config": call("GET", f"/v1/basins/{basin}"),
        "issue-access-token": call(
            "POST", PATH, {"id": basin, "scope": {"ops": ["issue-access-token"]}}
        ),
        "revoke-access-token": call("DELETE", f"{PATH}/no-such-token"),
        "list-access-tokens": call("GET", f"{PATH}?prefix=no-such-token"),
        "list-streams": call("GET", "/v1/streams"),
        "create-stream": call("POST", "/v1/streams", {"stream": "s"}),
        "delete-stream": call("DELETE", "/v1/streams/none"),
        "get-stream-config": call("GET", "/v1/streams/s"),
        "reconfigure-stream": call("PATCH", "/v1/streams/s", {}),
        "check-tail": call("GET", f"{records}/tail"),
        "append": call("POST", records, {"records": [{"body": "a"}]}),
        "read": call("GET", f"{records}?seq_num=0&clamp=true"),
        "trim": call("POST", records, trim),
        "fence": call("POST", records, fence),
        "account-metrics": call("GET", f"/v1/metrics?set=account-ops&{period}"),
        "basin-metrics": call("GET", f"/v1/metrics/{basin}?set=storage&{period}"),
        "stream-metrics": call("GET", f"/v1/metrics/{basin}/s?set=storage&{period}"),
        "list-locations": call("GET", "/v1/locations"),
        "get-default-location": call("GET", "/v1/locations/default"),
        "set-default-location": call("PUT", "/v1/locations/default", "aws:nowhere-1"),
    }
