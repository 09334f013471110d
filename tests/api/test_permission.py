"""What a token lets its bearer do, in every form, and in which order it is refused.

Sources: reference: account_services §1.2, §1.3. Random scopes are in
tests/properties/test_permissions.py.
"""

import base64
import logging
import threading
from typing import Any

import pytest

from s2mock import AppendRecord, ManualClock, S2Mock, Stream
from s2mock.api.operations import OPERATIONS as ROWS
from s2mock.api.wire import messages
from s2mock.contract.client import Client
from s2mock.contract.records import Stream as Remote
from s2mock.contract.records import acks, append_input, frame
from s2mock.registry.values.scopes import GROUPS, OPERATIONS
from tests.api.test_access_tokens import DENIED, EVERYTHING, Bearer, issue, issued
from tests.calls import Api, over_wsgi
from tests.conftest import BASIN

ALL = {"basins": {"prefix": ""}, "streams": {"prefix": ""}, "access_tokens": {"prefix": ""}}
RECORDS = "/v1/streams/s/records"
UNKNOWN = {"authorization": "Bearer no-such-token"}


def command(name: str, body: bytes) -> dict[str, Any]:
    return {
        "headers": [["", base64.b64encode(name.encode()).decode()]],
        "body": base64.b64encode(body).decode(),
    }


BATCHES = {
    "append": {"records": [{"body": "YQ=="}]},
    "fence": {"records": [command("fence", b"f")]},
    "trim": {"records": [command("trim", bytes(8))]},
}


class TestTheTable:
    def test_every_route_of_the_api_says_what_it_needs(self) -> None:
        for row in ROWS:
            assert (row.needs is not None) == row.path.startswith("/v1/"), row
            if row.needs is None:
                continue
            assert row.needs.operations
            assert set(row.needs.operations) <= set(OPERATIONS), row
            # What the path or the header `s2-basin` names, a set must match.
            named = {part for part in ("basin", "stream") if f"<{part}>" in row.path}
            if row.path.startswith("/v1/streams"):
                named.add("basin")
            assert named <= set(row.needs.of), row

    def test_every_operation_is_needed_and_given(self) -> None:
        needed = {name for row in ROWS if row.needs for name in row.needs.operations}
        assert needed == set(OPERATIONS)
        assert set().union(*GROUPS.values()) == set(OPERATIONS)


# Requests that are wrong in one way and in no earlier one, by route: what is said by itself, what
# is not permitted, and what the account does not have.
ROUTES: dict[tuple[str, str], dict[str, tuple[str, Any, dict[str, str]]]] = {
    ("POST", "create-basin"): {
        "400": ("/v1/basins", {"basin": "x"}, {}),
        "state": ("/v1/basins", {"basin": BASIN}, {}),
    },
    ("GET", "get-basin-config"): {
        "400": ("/v1/basins/x", ..., {}),
        "state": ("/v1/basins/no-such-basin", ..., {}),
    },
    ("PATCH", "reconfigure-basin"): {
        "400": (f"/v1/basins/{BASIN}", {"create_stream_on_read": 1}, {}),
        "422": (
            f"/v1/basins/{BASIN}",
            {"default_stream_config": {"retention_policy": {"age": 0}}},
            {},
        ),
        "state": ("/v1/basins/no-such-basin", {}, {}),
    },
    ("DELETE", "delete-basin"): {
        "400": ("/v1/basins/x", ..., {}),
        "state": ("/v1/basins/no-such-basin", ..., {}),
    },
    ("GET", "list-streams"): {
        "400": ("/v1/streams?limit=x", ..., {}),
        "state": ("/v1/streams", ..., {"s2-basin": "no-such-basin"}),
    },
    ("POST", "create-stream"): {
        "400": ("/v1/streams", {"stream": ""}, {}),
        "422": ("/v1/streams", {"stream": "t", "config": {"retention_policy": {"age": 0}}}, {}),
        "state": ("/v1/streams", {"stream": "s"}, {}),
    },
    ("GET", "get-stream-config"): {
        "400": ("/v1/streams/%FF", ..., {}),
        "state": ("/v1/streams/none", ..., {}),
    },
    ("PATCH", "reconfigure-stream"): {
        "400": ("/v1/streams/s", {"storage_class": 1}, {}),
        "422": ("/v1/streams/s", {"retention_policy": {"age": 0}}, {}),
        "state": ("/v1/streams/none", {}, {}),
    },
    ("DELETE", "delete-stream"): {
        "400": ("/v1/streams/..", ..., {}),
        "state": ("/v1/streams/none", ..., {}),
    },
    ("GET", "check-tail"): {
        "400": ("/v1/streams/../records/tail", ..., {}),
        "state": ("/v1/streams/none/records/tail", ..., {}),
    },
    ("GET", "read"): {
        "400": ("/v1/streams/s/records?seq_num=x", ..., {}),
        "422": ("/v1/streams/s/records?seq_num=0&tail_offset=0", ..., {}),
        "state": ("/v1/streams/none/records", ..., {}),
    },
    ("POST", "append"): {
        "400": ("/v1/streams/s/records", {}, {}),
        "422": ("/v1/streams/s/records", {"records": []}, {}),
        "state": ("/v1/streams/none/records", {"records": [{}]}, {}),
    },
    ("GET", "list-basins"): {"400": ("/v1/basins?limit=x", ..., {})},
    ("PUT", "create-basin reconfigure-basin"): {
        "400": (f"/v1/basins/{BASIN}", {"config": 1}, {}),
        "422": (
            f"/v1/basins/{BASIN}",
            {"config": {"default_stream_config": {"retention_policy": {"age": 0}}}},
            {},
        ),
        "state": (f"/v1/basins/{BASIN}", {"location": "aws:nowhere"}, {}),
    },
    ("PUT", "create-stream reconfigure-stream"): {
        "400": ("/v1/streams/s", {"storage_class": 1}, {}),
        "422": ("/v1/streams/s", {"retention_policy": {"age": 0}}, {}),
        "state": ("/v1/streams/s", {}, {"s2-basin": "no-such-basin"}),
    },
    ("GET", "account-metrics"): {
        "400": ("/v1/metrics?set=x", ..., {}),
        "422": ("/v1/metrics?set=account-ops", ..., {}),
    },
    ("GET", "basin-metrics"): {
        "400": (f"/v1/metrics/{BASIN}?set=x", ..., {}),
        "422": (f"/v1/metrics/{BASIN}?set=storage", ..., {}),
        "422, one that is to come": (
            f"/v1/metrics/{BASIN}?set=storage&start=4000000000&end=4000000000",
            ...,
            {},
        ),
    },
    ("GET", "stream-metrics"): {
        "400": (f"/v1/metrics/{BASIN}/s?set=x", ..., {}),
        "422": (f"/v1/metrics/{BASIN}/s?set=storage&start=1&end=0", ..., {}),
    },
    ("PUT", "set-default-location"): {
        "400": ("/v1/locations/default", 5, {}),
        "state": ("/v1/locations/default", "aws:nowhere", {}),
    },
    ("GET", "list-access-tokens"): {"400": ("/v1/access-tokens?limit=x", ..., {})},
    ("POST", "issue-access-token"): {
        "400": ("/v1/access-tokens", {"id": "t"}, {}),
        "422": ("/v1/access-tokens", {"id": "t", "scope": {}}, {}),
        "422, a time that has passed": (
            "/v1/access-tokens",
            {"id": "t", "scope": {"ops": ["read"]}, "expires_at": "2023-01-01T00:00:00Z"},
            {},
        ),
        "state": ("/v1/access-tokens", {"id": "s2mock", "scope": {"ops": ["read"]}}, {}),
    },
    ("DELETE", "revoke-access-token"): {
        "400": ("/v1/access-tokens/..", ..., {}),
        "state": ("/v1/access-tokens/none", ..., {}),
    },
}


class TestTheOrder:
    def test_every_route_that_can_be_wrong_is_here(self) -> None:
        asked = {(method, tuple(names.split())) for method, names in ROUTES}
        for row in ROWS:
            if row.needs is None or row.name in ("list-locations", "get-default-location"):
                continue
            names = ("append",) if row.needs.by_batch else row.needs.operations
            assert (row.method, names) in asked, row

    @pytest.mark.parametrize(("method", "operation"), ROUTES, ids=str)
    def test_the_earlier_fault_is_told(self, method: str, operation: str) -> None:
        """401, then what the request says by itself, then 403, then what the account says."""
        basins = [{"name": BASIN, "streams": [{"name": "s"}]}]
        clock = ManualClock()
        with S2Mock(auth="required", basins=basins, clock=clock) as mock:
            api = Api(over_wsgi(mock.wsgi_app), BASIN)
            own = Bearer(api, mock.token)
            ops = operation.split()
            others = [name for name in OPERATIONS if name != ops[-1]]
            without = issued(own, "without", {**ALL, "ops": others})
            elsewhere = {"basins": {"exact": "elsewhere"}, "access_tokens": {"exact": "x"}}
            outside = issued(own, "outside", {**elsewhere, "ops": ops})
            may = issued(own, "may", {**ALL, "ops": [*ops, "read"]})
            end = "2024-01-01T00:01:00Z"
            expired = issued(own, "expired", {**ALL, "ops": ops}, expires_at=end)
            expired_without = issued(own, "neither", {**ALL, "ops": others}, expires_at=end)
            revoked = issued(own, "revoked", {**ALL, "ops": ops})
            assert own.call("DELETE", "/v1/access-tokens/revoked").status == 204
            clock.advance(60)
            of_a_set = any(
                row.needs.of for row in ROWS if row.needs and ops[-1] in row.needs.operations
            )
            refused = (without, outside) if of_a_set else (without,)
            before = mock.account.engine.state
            for kind, (target, document, headers) in ROUTES[method, operation].items():
                by_itself = kind[:3]
                for nobody in (api, Bearer(api, "unknown"), expired, expired_without, revoked):
                    reply = nobody.call(method, target, document, headers=headers)
                    assert reply.error[:2] == (401, "authn")
                told = may.call(method, target, document, headers=headers)
                assert told.status >= 400
                for bearer in refused:
                    reply = bearer.call(method, target, document, headers=headers)
                    if kind == "state":
                        assert told.status in (404, 409, 422)
                        assert reply.error == DENIED
                    else:
                        assert str(told.status) == by_itself
                        assert reply == told
            assert mock.account.engine.state is before


class TestForms:
    """Each form of a request needs the same permission."""

    APPENDS = (
        ("application/json", b'{"records":[{"body":"a"}]}'),
        ("application/protobuf", append_input(b"a").SerializeToString()),
        ("s2s/proto", frame(append_input(b"a"))),
    )
    READS = (
        {},
        {"accept": "application/protobuf"},
        {"accept": "text/event-stream"},
        {"content-type": "s2s/proto"},
    )

    @pytest.mark.parametrize(("content_type", "body"), APPENDS)
    def test_of_an_append(self, s2: Api, mock: S2Mock, content_type: str, body: bytes) -> None:
        s2.create_stream("s")
        headers = {"content-type": content_type}
        for ops, status in (["read"], 403), (["append"], 200):
            bearer = issued(s2, f"svc-{ops[0]}", {**ALL, "ops": ops})
            assert bearer.call("POST", RECORDS, body=body, headers=headers).status == status
        assert mock.basin(BASIN).stream("s").tail.seq_num == 1

    @pytest.mark.parametrize("headers", READS, ids=str)
    def test_of_a_read(self, s2: Api, headers: dict[str, str]) -> None:
        s2.create_stream("s")
        s2.call("POST", RECORDS, {"records": [{}]})
        for ops, status in (["append"], 403), (["read"], 200):
            bearer = issued(s2, f"svc-{ops[0]}", {**ALL, "ops": ops})
            reply = bearer.call("GET", f"{RECORDS}?seq_num=0&count=1", headers=headers)
            assert reply.status == status


class TestMakingAStream:
    @pytest.mark.parametrize("method", ["append", "read", "tail"])
    def test_on_append_and_read(self, api: Api, mock: S2Mock, method: str) -> None:
        """Without `create-stream` it is as if the basin made none."""
        flags = {"create_stream_on_append": True, "create_stream_on_read": True}
        api.create_basin(BASIN, flags)
        calls: dict[str, tuple[str, str, Any]] = {
            "append": ("POST", RECORDS, {"records": [{}]}),
            "read": ("GET", RECORDS, ...),
            "tail": ("GET", f"{RECORDS}/tail", ...),
        }
        s2, data = api.within(BASIN), ["append", "read", "check-tail"]
        narrow = issued(s2, "narrow", {**ALL, "ops": data})
        text = f"stream `s` in basin `{BASIN}` not found"
        assert narrow.call(*calls[method]).error == (404, "stream_not_found", text)
        assert mock.basin(BASIN).streams == ()
        wide = issued(s2, "wide", {**ALL, "ops": [*data, "create-stream"]})
        assert wide.call(*calls[method]).status in (200, 416)
        assert mock.basin(BASIN).streams == ("s",)
        assert narrow.call(*calls[method]).status in (200, 416)


@pytest.fixture
def stream(mock: S2Mock) -> Stream:
    return mock.create_basin(BASIN).create_stream("s")


def remote(mock: S2Mock, secret: str) -> Remote:
    return Remote(Client(mock.url, token=secret, basin=BASIN), "s")


class TestSessions:
    @pytest.mark.parametrize("how", ["expired", "revoked"])
    def test_an_append_session_ends_with_its_next_batch(
        self, mock: S2Mock, clock: ManualClock, stream: Stream, how: str
    ) -> None:
        svc = mock.issue_token("svc", basins="*", streams="*", ops=["append"], expires_in=60)
        with remote(mock, svc.secret).append_session() as session:
            session.send(frame(append_input(b"a")))
            assert acks(session, 1) == [(0, 1)]
            if how == "expired":
                clock.advance(60)
            else:
                svc.revoke()
            session.send(frame(append_input(b"b")))
            [last] = session.frames()
            assert (last.status, last.error["code"]) == (401, "authn")
        assert stream.tail.seq_num == 1

    def test_the_own_token_may_end_too(self, mock: S2Mock, stream: Stream) -> None:
        """An ended own token closes a session that began when no token was required."""
        with remote(mock, mock.token).append_session() as session:
            session.send(frame(append_input(b"a")))
            assert acks(session, 1) == [(0, 1)]
            own = Bearer(Api(over_wsgi(mock.wsgi_app)), mock.token)
            assert own.call("DELETE", "/v1/access-tokens/s2mock").status == 204
            session.send(frame(append_input(b"b")))
            [last] = session.frames()
            assert (last.status, last.error["code"]) == (401, "authn")
        assert stream.tail.seq_num == 1

    @pytest.mark.parametrize("how", ["expired", "revoked"])
    def test_a_read_session_in_frames_goes_on(
        self, mock: S2Mock, clock: ManualClock, stream: Stream, how: str
    ) -> None:
        svc = mock.issue_token("svc", basins="*", streams="*", ops=["read"], expires_in=3)
        with remote(mock, svc.secret).read_session(tail_offset=0) as session:
            frames = session.frames()
            assert not next(frames).terminal
            stream.wait_for_readers()
            if how == "expired":
                clock.advance(3)
            else:
                svc.revoke()
            stream.append(["a"])
            batch = next(frames).message(messages.ReadBatch)
            assert [record.body for record in batch.records] == [b"a"]

    @pytest.mark.parametrize("how", ["expired", "revoked"])
    def test_a_read_session_goes_on(
        self, mock: S2Mock, clock: ManualClock, stream: Stream, how: str
    ) -> None:
        svc = mock.issue_token("svc", basins="*", streams="*", ops=["read"], expires_in=3)
        with remote(mock, svc.secret).sse(tail_offset=0) as session:
            assert next(session.events()).name == "ping"
            stream.wait_for_readers()
            if how == "expired":
                clock.advance(3)
            else:
                svc.revoke()
            stream.append(["a"])
            assert next(session.events()).name == "batch"
        assert remote(mock, svc.secret).read().status == 401

    def test_a_held_append_is_decided_again(self, mock: S2Mock, stream: Stream) -> None:
        """A token that is revoked while its append is held at its commit writes nothing."""
        svc = mock.issue_token("svc", basins="*", streams="*", ops=["append"])
        answers: list[int] = []
        with mock.hold(on="append") as held:
            writer = threading.Thread(
                target=lambda: answers.append(remote(mock, svc.secret).append("a").status)
            )
            writer.start()
            held.wait()
            svc.revoke()
        writer.join()
        assert answers == [401]
        assert stream.tail.seq_num == 0


class TestNarrowing:
    @pytest.mark.parametrize(
        ("inner", "outer", "is_narrower"),
        [
            (None, {"exact": "basin-aa"}, True),
            ({"exact": "basin-aa"}, {"exact": "basin-aa"}, True),
            ({"exact": "basin-aa"}, {"prefix": "basin-a"}, True),
            ({"exact": "basin-aa"}, {"prefix": "basin-b"}, False),
            ({"prefix": "basin-a"}, {"prefix": "basin-"}, True),
            ({"prefix": "basin-"}, {"prefix": "basin-a"}, False),
            ({"prefix": "basin-aa"}, {"exact": "basin-aa"}, False),
            ({"prefix": ""}, {"prefix": ""}, True),
        ],
    )
    def test_sets_of_tokens(self, api: Api, inner: Any, outer: Any, is_narrower: bool) -> None:
        """The set must be within that of the issuer, which must have the new token's id."""
        scope = {"access_tokens": outer, "ops": ["issue-access-token"]}
        parent = issued(api, "basin-parent", scope)
        reply = issue(parent, "basin-aa", {"access_tokens": inner, "ops": ["issue-access-token"]})
        if is_narrower and "basin-aa".startswith(next(iter(outer.values()))):
            assert reply.status == 201
        else:
            assert reply.error == DENIED

    def test_a_broader_one_tells_nothing_of_what_exists(self, api: Api) -> None:
        parent = issued(api, "parent", {**ALL, "ops": ["issue-access-token"]})
        assert issue(parent, "s2mock", EVERYTHING).error == DENIED
        assert issue(parent, "s2mock", {"ops": ["issue-access-token"]}).status == 409


class TestPrefixes:
    @pytest.fixture
    def tenant(self, s2: Api) -> Bearer:
        groups = {level: {"read": True, "write": True} for level in ("basin", "stream")}
        scope = {**ALL, "streams": {"prefix": "t/"}, "op_groups": groups}
        scope["ops"] = ["issue-access-token", "list-access-tokens"]
        return issued(s2, "tenant", scope, auto_prefix_streams=True)

    def test_names_of_the_longest(self, tenant: Bearer, mock: S2Mock) -> None:
        """The limit counts the full name."""
        text = "stream name must not exceed 512 bytes in length"
        assert tenant.call("PUT", f"/v1/streams/{'x' * 510}", {}).status == 201
        assert tenant.call("POST", "/v1/streams", {"stream": "y" * 510}).status == 201
        before = mock.account.engine.state
        long = "x" * 511
        path = tenant.call("PUT", f"/v1/streams/{long}", {})
        assert path.refuses(400, "bad_path", f"Invalid URL: {text}")
        assert tenant.call("POST", "/v1/streams", {"stream": long}).refuses(400, "bad_json", text)
        query = "Failed to deserialize query string: prefix: stream prefix must not exceed 512"
        reply = tenant.call("GET", f"/v1/streams?prefix={long}")
        assert reply.error[1] == "bad_query"
        assert reply.message.startswith(query)
        assert mock.account.engine.state is before


class TestExplanations:
    def test_in_the_log(self, s2: Api, mock: S2Mock, caplog: pytest.LogCaptureFixture) -> None:
        s2.create_stream("s")
        svc = issued(s2, "svc", {**ALL, "ops": ["read", "append"]})
        with caplog.at_level(logging.WARNING, "s2mock"):
            svc.call("POST", RECORDS, BATCHES["trim"], headers={"s2-format": "base64"})
        why = "needs `trim`; token `svc` has append, read"
        assert caplog.messages == [f"POST {RECORDS}: {why}"]
        exchange = mock.journal[-1]
        assert exchange.token_id == "svc"
        assert exchange.reason == f"{why} (reference: account_services §1.3)"
        assert exchange.response is not None
        assert exchange.response.message == "Operation not permitted"

    @pytest.mark.parametrize(
        ("scope", "why"),
        [
            (
                {**ALL, "streams": {"prefix": "a/"}},
                "needs stream `s`; token `svc` has of the streams those that begin with `a/`",
            ),
            (
                {**ALL, "streams": {"exact": "t"}},
                "needs stream `s`; token `svc` has of the streams `t` only",
            ),
            ({**ALL, "basins": None}, f"needs basin `{BASIN}`; token `svc` has of the basins none"),
        ],
    )
    def test_of_a_set(self, s2: Api, mock: S2Mock, scope: Any, why: str) -> None:
        svc = issued(s2, "svc", {**scope, "ops": ["read"]})
        assert svc.call("GET", RECORDS).error == DENIED
        assert mock.journal[-1].reason == f"{why} (reference: account_services §1.3)"

    def test_of_a_broader_token(self, api: Api, mock: S2Mock) -> None:
        parent = issued(api, "parent", {**ALL, "ops": ["issue-access-token"]})
        issue(parent, "child", {"ops": ["trim", "read"]})
        assert mock.journal[-1].reason == (
            "token `parent` may issue only what it may do itself, and it would have read, trim "
            "(reference: account_services §1.3)"
        )

    def test_the_caller_is_in_the_journal(self, s2: Api, mock: S2Mock) -> None:
        svc = issued(s2, "svc", EVERYTHING)
        svc.call("GET", "/v1/basins")
        Bearer(s2, mock.token).call("GET", "/v1/basins")
        s2.call("GET", "/v1/basins", headers=UNKNOWN)
        s2.call("DELETE", "/v1/access-tokens/svc")
        svc.call("GET", "/v1/basins")
        ids = [exchange.token_id for exchange in mock.journal][-5:]
        assert ids == ["svc", "s2mock", None, None, "svc"]
        assert mock.journal[-1].reason == (
            "the access token `svc` was revoked (reference: account_services §1.3)"
        )

    def test_no_text_has_a_secret(self, api: Api, mock: S2Mock) -> None:
        svc = issued(api, "svc")
        svc.call("GET", "/v1/basins")
        texts = [text for one in mock.journal for text in (repr(one), repr(one.response))]
        texts += [one.curl() for one in mock.journal]
        assert not any(svc.secret in text for text in texts)
        # The value is there.
        response = mock.journal[0].response
        assert response is not None
        assert response.document == {"access_token": svc.secret}


def test_direct_access_is_asked_for_nothing() -> None:
    with S2Mock(auth="required") as closed:
        stream = closed.create_basin(BASIN).create_stream("s")
        stream.append([AppendRecord.fence("f")])
        assert stream.tail.seq_num == 1
