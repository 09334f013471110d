"""Random scopes: what is let in and what is refused, as an independent model says.

Source: reference: account_services §1.2, §1.3.
"""

import base64
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from s2mock import S2Mock
from tests.calls import Api, Reply, over_wsgi
from tests.properties.permission_model import (
    BASINS,
    GIVEN_BY,
    STREAMS,
    TOKENS,
    Scope,
    allows,
    is_narrower,
    matches,
    name_sets,
    scopes,
)

pytestmark = pytest.mark.slow

SEEDS = [{"name": name, "streams": [{"name": one} for one in STREAMS]} for name in BASINS[:2]]
START = "start=0&end=3600"


def bearer(token: str) -> dict[str, str | None]:
    return {"authorization": f"Bearer {token}"}


def records(*kinds: str) -> dict[str, Any]:
    def record(kind: str) -> dict[str, Any]:
        if kind == "append":
            return {"body": ""}
        body = b"\0" * 8 if kind == "trim" else b"f"
        return {
            "headers": [["", base64.b64encode(kind.encode()).decode()]],
            "body": base64.b64encode(body).decode(),
        }

    return {"records": [record(kind) for kind in kinds]}


B64 = {"s2-format": "base64"}
# What each needs, what it is about, and the request; `<…>` are names.
REQUESTS: list[tuple[str, str, str, str, Any]] = [
    ("list-basins", "", "GET", "/v1/basins", ...),
    ("create-basin", "basin", "POST", "/v1/basins", {"basin": "<basin>"}),
    ("get-basin-config", "basin", "GET", "/v1/basins/<basin>", ...),
    ("create-basin reconfigure-basin", "basin", "PUT", "/v1/basins/<basin>", {}),
    ("reconfigure-basin", "basin", "PATCH", "/v1/basins/<basin>", {}),
    ("list-access-tokens", "", "GET", "/v1/access-tokens", ...),
    ("revoke-access-token", "access_token", "DELETE", "/v1/access-tokens/<token>", ...),
    ("list-locations", "", "GET", "/v1/locations", ...),
    ("get-default-location", "", "GET", "/v1/locations/default", ...),
    ("set-default-location", "", "PUT", "/v1/locations/default", "aws:us-east-1"),
    ("account-metrics", "", "GET", f"/v1/metrics?set=active-basins&{START}", ...),
    ("basin-metrics", "basin", "GET", f"/v1/metrics/<basin>?set=storage&{START}", ...),
    (
        "stream-metrics",
        "basin stream",
        "GET",
        f"/v1/metrics/<basin>/<stream>?set=storage&{START}",
        ...,
    ),
    ("list-streams", "basin", "GET", "/v1/streams", ...),
    ("create-stream", "basin stream", "POST", "/v1/streams", {"stream": "<stream>"}),
    ("create-stream reconfigure-stream", "basin stream", "PUT", "/v1/streams/<stream>", {}),
    ("get-stream-config", "basin stream", "GET", "/v1/streams/<stream>", ...),
    ("reconfigure-stream", "basin stream", "PATCH", "/v1/streams/<stream>", {}),
    ("check-tail", "basin stream", "GET", "/v1/streams/<stream>/records/tail", ...),
    ("read", "basin stream", "GET", "/v1/streams/<stream>/records?seq_num=0&clamp=true", ...),
    *[
        (
            " ".join(kinds),
            "basin stream",
            "POST",
            "/v1/streams/<stream>/records",
            records(*kinds),
        )
        for kinds in (["append"], ["fence"], ["trim"], ["append", "trim"], ["append", "append"])
    ],
    ("delete-stream", "basin stream", "DELETE", "/v1/streams/<stream>", ...),
    ("delete-basin", "basin", "DELETE", "/v1/basins/<basin>", ...),
]


def ask(api: Api, secret: str, request: Any, basin: str, stream: str, token: str) -> Reply:
    _, _, method, target, document = request
    for what, name in (("<basin>", basin), ("<stream>", stream), ("<token>", token)):
        target = target.replace(what, name.replace("/", "%2F"))
        if isinstance(document, dict):
            document = {key: name if value == what else value for key, value in document.items()}
    headers = {"s2-basin": basin, **B64, **bearer(secret)}
    return api.call(method, target, document, headers=headers)


def issue(api: Api, token_id: str, scope: Scope, secret: str = "", **more: Any) -> Reply:
    document = {"id": token_id, "scope": scope, **more}
    return api.call("POST", "/v1/access-tokens", document, headers=bearer(secret))


@given(scopes())
@example({"basins": {"prefix": ""}, "streams": {"exact": "a"}, "ops": ["append"]})
def test_every_operation_on_every_name(scope: Scope) -> None:
    with S2Mock(basins=SEEDS) as mock:
        api = Api(over_wsgi(mock.wsgi_app))
        secret = issue(api, "token-under-test", scope).json["access_token"]
        for token in TOKENS:
            issue(api, token, {"ops": ["read"]})
        # What would take away what the next ones ask for comes last.
        for request in REQUESTS:
            for basin, stream, token in zip(BASINS, ["a", "a/x", "b/x"], TOKENS, strict=True):
                about = {"basin": basin, "stream": stream, "access_token": token}
                wanted = {what: about[what] for what in request[1].split()}
                before = mock.account.engine.state
                reply = ask(api, secret, request, basin, stream, token)
                if allows(scope, request[0], **wanted):
                    assert reply.status != 403, (request, wanted, reply)
                else:
                    assert reply.refuses(403, "permission_denied", "Operation not permitted")
                    assert mock.account.engine.state is before


def test_the_requests_need_all_operations_there_are() -> None:
    needed = {need for request in REQUESTS for need in request[0].split()}
    assert needed | {"issue-access-token"} == set(GIVEN_BY)


@given(scopes(), scopes(), scopes())
def test_a_chain_of_tokens_never_widens(first: Scope, second: Scope, third: Scope) -> None:
    """Each is let in only where it gives nothing that the one before does not."""
    names = {
        "basins": [*BASINS, "basin-zz", "another-basin"],
        "streams": [*STREAMS, "zz"],
        "access_tokens": [*TOKENS, "zz"],
    }
    with S2Mock(basins=SEEDS) as mock:
        api = Api(over_wsgi(mock.wsgi_app))
        may_issue = {"access_tokens": {"prefix": ""}, "ops": ["issue-access-token"]}
        held = {**first, **_with(first, may_issue)}
        secret = issue(api, "t", held).json
        for number, asked in enumerate((second, third)):
            reply = issue(api, f"t/{number}", asked, secret["access_token"])
            if allows(held, "issue-access-token", access_token=f"t/{number}") and is_narrower(
                asked, held, names
            ):
                assert reply.status in (201, 403), reply
            else:
                assert reply.status == 403, (held, asked, reply)
            if reply.status == 201:
                assert is_narrower(asked, held, names)
                secret, held = reply.json, asked


def _with(scope: Scope, more: Scope) -> Scope:
    return {**more, "ops": [*(scope.get("ops") or []), *more["ops"]]}


@given(st.sampled_from(["basins", "streams"]), st.data())
def test_listings_show_what_the_sets_match_page_after_page(what: str, data: st.DataObject) -> None:
    names = BASINS[:2] if what == "basins" else STREAMS
    visible = data.draw(name_sets(names))
    prefix = data.draw(st.sampled_from(["", names[0][:1], names[0], "zz"]))
    limit = data.draw(st.integers(1, 3))
    scope = {"basins": {"prefix": ""}, "ops": [f"list-{what}"], what: visible}
    expected = [
        name for name in sorted(names) if matches(visible, name) and name.startswith(prefix)
    ]
    if what == "streams" and not matches(scope["basins"], BASINS[0]):
        return
    with S2Mock(basins=SEEDS) as mock:
        api = Api(over_wsgi(mock.wsgi_app))
        secret = issue(api, "t", scope).json["access_token"]
        seen: list[str] = []
        while True:
            after = f"&start_after={seen[-1].replace('/', '%2F')}" if seen else ""
            target = f"/v1/{what}?prefix={prefix.replace('/', '%2F')}&limit={limit}{after}"
            headers = {"s2-basin": BASINS[0], **bearer(secret)}
            page = api.call("GET", target, headers=headers).json
            assert len(page[what]) == min(limit, len(expected) - len(seen))
            seen += [info["name"] for info in page[what]]
            assert page["has_more"] == (len(seen) < len(expected))
            if not page["has_more"]:
                break
    assert seen == expected


class Tenant:
    """The bearer of a token with a prefix, and all that it is told."""

    def __init__(self, api: Api, secret: str) -> None:
        self.api = api
        self.headers = {"s2-basin": BASINS[0], **bearer(secret)}
        self.said: list[str] = []

    def call(self, method: str, target: str, document: Any = ..., **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.api.call(method, target, document, headers={**self.headers, **named})
        self.said.append(reply.body.decode("latin-1"))
        return reply

    def use(self, name: str) -> list[int]:
        """What is asked for of a stream's records, in each form, and of its metrics."""
        segment = name.replace("/", "%2F")
        records = f"/v1/streams/{segment}/records"
        read, now = f"{records}?seq_num=0&count=1", int(time.time())
        metrics = f"/v1/metrics/{BASINS[0]}/{segment}?set=storage&start={now}&end={now}"
        replies = [
            self.call("POST", records, {"records": [{"body": "x"}]}),
            self.call("GET", f"{records}/tail"),
            self.call("GET", read),
            self.call("GET", read, accept="text/event-stream"),
            self.call("GET", read, content_type="s2s/proto"),
            self.call("GET", metrics),
        ]
        return [reply.status for reply in replies]


# Each example asks for fourteen things per name.
@settings(max_examples=50)
@given(
    st.sampled_from(["tenant-7/", "a", "tenant-7/stream/"]),
    st.lists(st.sampled_from(["x", "a", "a/b", "tenant-7/x", "y" * 200]), min_size=1, max_size=4),
)
def test_a_prefix_is_never_told(prefix: str, names: list[str]) -> None:
    """No answer to its bearer has a foreign name, nor the prefix before one of its own."""
    foreign = ["foreign-1", "tenant-8/x", "zz"]
    with S2Mock(
        basins=[{"name": BASINS[0], "streams": [{"name": one} for one in foreign]}]
    ) as mock:
        api = Api(over_wsgi(mock.wsgi_app))
        scope = {
            "basins": {"prefix": ""},
            "streams": {"prefix": prefix},
            "op_groups": {of: {"read": True, "write": True} for of in ("basin", "stream")},
        }
        issued = issue(api, "t", scope, auto_prefix_streams=True)
        tenant = Tenant(api, issued.json["access_token"])
        call = tenant.call
        for name in names:
            path = f"/v1/streams/{name.replace('/', '%2F')}"
            call("GET", path)
            made = call("POST", "/v1/streams", {"stream": name})
            if made.status == 201:
                assert made.json["name"] == name
            else:
                assert made.message == f"stream `{name}` in basin `{BASINS[0]}` already exists"
            assert call("PUT", path, {}).json["name"] == name
            assert tenant.use(name) == [200] * 6
            call("PATCH", path, {})
        unique, seen = sorted(set(names)), []
        assert sorted(prefix + name for name in unique) == sorted(
            set(mock.basin(BASINS[0]).streams) - set(foreign)
        )
        while True:
            after = f"&start_after={seen[-1].replace('/', '%2F')}" if seen else ""
            page = call("GET", f"/v1/streams?limit=1{after}").json
            seen += [info["name"] for info in page["streams"]]
            if not page["has_more"]:
                break
        assert seen == unique
        narrowed = call("GET", "/v1/streams?prefix=a").json["streams"]
        assert [info["name"] for info in narrowed] == [
            name for name in unique if name.startswith("a")
        ]
        for name in unique:
            call("DELETE", f"/v1/streams/{name.replace('/', '%2F')}")
            gone = call("GET", f"/v1/streams/{name.replace('/', '%2F')}")
            assert gone.message == f"stream `{name}` in basin `{BASINS[0]}` not found"
            assert tenant.use(name) == [404] * 5 + [200]
        for text in tenant.said:
            assert not any(name in text for name in foreign)
            for name in unique:
                full = prefix + name
                # What the bearer has said itself may look like it.
                if full not in unique:
                    assert f'"{full}"' not in text
                    assert f"`{full}`" not in text
