"""What a token lets its bearer do, on a server that serves tokens (account_services §1.2, §1.3)."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.contract.basins import unused_name
from s2mock.contract.bearers import ALL, DENIED, GIVEN_BY, GROUPS, Bearers, requests
from s2mock.contract.client import Client
from s2mock.contract.records import Stream, acks, append_input, frame
from s2mock.contract.tokens import PATH, issue

pytestmark = pytest.mark.account

RECORDS = "/v1/streams/s/records"
TRIM = {"headers": [["", "trim"]], "body": "\0" * 8}
FENCE = {"headers": [["", "fence"]], "body": ""}


@pytest.mark.parametrize("operation", GIVEN_BY)
def test_an_operation_is_given_by_its_name(bearers: Bearers, s2: Client, operation: str) -> None:
    """And by no other: all others together do not give it (§1.2)."""
    ask = requests(str(s2.basin))[operation]
    assert ask(bearers.bearer({**ALL, "ops": [operation]})).status != 403
    others = [name for name in GIVEN_BY if name != operation]
    assert ask(bearers.bearer({**ALL, "ops": others})).error == DENIED


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_gives_its_operations(bearers: Bearers, s2: Client, group: str) -> None:
    """Those of the table, and no others (§1.2)."""
    level, half = group.split(".")
    bearer = bearers.bearer({**ALL, "op_groups": {level: {half: True}}})
    for operation, ask in requests(str(s2.basin)).items():
        answer = ask(bearer)
        assert (answer.status != 403) == (group in GIVEN_BY[operation]), (operation, answer)


@pytest.mark.sample(6)
@pytest.mark.parametrize(
    ("operation", "what"),
    [
        *[(name, "basins") for name in ("create-basin", "get-basin-config", "basin-metrics")],
        *[(name, "basins") for name in ("list-streams", "create-stream", "append", "read")],
        *[(name, "streams") for name in ("create-stream", "delete-stream", "stream-metrics")],
        *[(name, "streams") for name in ("get-stream-config", "append", "read", "check-tail")],
        *[(name, "access_tokens") for name in ("issue-access-token", "revoke-access-token")],
    ],
)
@pytest.mark.parametrize("names", [None, {"exact": ""}, {"exact": "elsewhere"}, {"prefix": "zz"}])
def test_a_name_that_is_not_in_the_set(
    bearers: Bearers, s2: Client, operation: str, what: str, names: Any
) -> None:
    """Every name that an operation is about must be in its set (§1.2)."""
    scope = {**ALL, what: names, "ops": [operation]}
    assert requests(str(s2.basin))[operation](bearers.bearer(scope)).error == DENIED


def test_a_name_that_is_in_the_set(bearers: Bearers, s2: Client) -> None:
    """The one, or the beginning of it (§1.1)."""
    for basins in ({"exact": s2.basin}, {"prefix": str(s2.basin)[:-1]}):
        for streams in ({"exact": "s"}, {"prefix": "s"}, {"prefix": ""}):
            bearer = bearers.bearer({"basins": basins, "streams": streams, "ops": ["check-tail"]})
            assert bearer.request("GET", f"{RECORDS}/tail").status == 200


def test_ensuring_needs_two(bearers: Bearers, s2: Client) -> None:
    """What it may do, whichever it turns out to be (§1.2)."""
    for path, ops in (
        (f"/v1/basins/{s2.basin}", ["create-basin", "reconfigure-basin"]),
        ("/v1/streams/s", ["create-stream", "reconfigure-stream"]),
    ):
        for some in ([ops[0]], [ops[1]]):
            bearer = bearers.bearer({**ALL, "ops": some})
            assert bearer.request("PUT", path, {}).error == DENIED
        assert bearers.bearer({**ALL, "ops": ops}).request("PUT", path, {}).status == 200


def test_a_batch_needs_what_it_consists_of(bearers: Bearers) -> None:
    """`append` is for plain records only (§1.2)."""
    for records, needed in (
        ([{"body": "a"}], ["append"]),
        ([TRIM], ["trim"]),
        ([FENCE], ["fence"]),
        ([TRIM, {"body": "a"}], ["append", "trim"]),
    ):
        bearer = bearers.bearer({**ALL, "ops": needed})
        assert bearer.request("POST", RECORDS, {"records": records}).status == 200
        for left_out in needed:
            ops = [name for name in ("append", "fence", "trim", "read") if name != left_out]
            bearer = bearers.bearer({**ALL, "ops": ops})
            assert bearer.request("POST", RECORDS, {"records": records}).error == DENIED


def test_a_session_is_looked_at_batch_by_batch(bearers: Bearers) -> None:
    """What is refused ends it with a terminal frame (§1.2)."""
    bearer = bearers.bearer({**ALL, "ops": ["append"]})
    with Stream(bearer, "s").append_session() as session:
        session.send(frame(append_input(b"a")))
        assert acks(session, 1) == [(0, 1)]
        message = append_input(bytes(8))
        message.records[0].headers.add(name=b"", value=b"trim")
        session.send(frame(message))
        [last] = session.frames()
        assert (last.status, last.error["code"]) == (403, "permission_denied")


def test_a_session_without_any_of_them(bearers: Bearers) -> None:
    """It is refused at once, and tells nothing of what exists (§1.3)."""
    bearer = bearers.bearer({**ALL, "ops": ["read", "create-stream"]})
    for name in ("s", "none"):
        with Stream(bearer, name).append_session() as session:
            assert session.answer().error == DENIED


def test_making_a_stream_on_append(bearers: Bearers, s2: Client) -> None:
    """Without `create-stream` the basin makes none (§1.2)."""
    config = {"create_stream_on_append": True, "create_stream_on_read": True}
    assert s2.request("PATCH", f"/v1/basins/{s2.basin}", config).status == 200
    path = "/v1/streams/new/records"
    narrow = bearers.bearer({**ALL, "ops": ["append", "read", "check-tail"]})
    for answer in (
        narrow.request("POST", path, {"records": [{}]}),
        narrow.request("GET", path),
        narrow.request("GET", f"{path}/tail"),
    ):
        assert answer.error[:2] == (404, "stream_not_found")
    wide = bearers.bearer({**ALL, "ops": ["append", "create-stream"]})
    assert wide.request("POST", path, {"records": [{}]}).status == 200


def test_listings_show_what_the_sets_match(
    bearers: Bearers, s2: Client, fresh: Callable[[], str]
) -> None:
    """And pages are of that (§1.3)."""
    assert s2.request("PUT", f"/v1/basins/{fresh()}").status == 201
    for name in ("a/1", "a/2", "a/3", "b/1"):
        assert s2.request("PUT", f"/v1/streams/{name.replace('/', '%2F')}").status == 201

    def listed(streams: Any, query: str = "") -> tuple[list[str], bool]:
        bearer = bearers.bearer({**ALL, "streams": streams, "ops": ["list-streams"]})
        document = bearer.request("GET", f"/v1/streams{query}").json
        return [info["name"] for info in document["streams"]], document["has_more"]

    assert listed({"prefix": "a/"}) == (["a/1", "a/2", "a/3"], False)
    assert listed({"prefix": "a/"}, "?limit=2") == (["a/1", "a/2"], True)
    assert listed({"prefix": "a/"}, "?limit=2&start_after=a%2F1") == (["a/2", "a/3"], False)
    assert listed({"prefix": "a/"}, "?prefix=a%2F2") == (["a/2"], False)
    assert listed({"prefix": "a/"}, "?prefix=b") == ([], False)
    assert listed({"exact": "b/1"}) == (["b/1"], False)
    assert listed({"exact": "b/1"}, "?start_after=b%2F1") == ([], False)
    assert listed({"exact": "none"}) == ([], False)
    assert listed(None) == ([], False)
    bearer = bearers.bearer({"basins": {"exact": s2.basin}, "ops": ["list-basins"]})
    basins = bearer.request("GET", "/v1/basins").json["basins"]
    assert [info["name"] for info in basins] == [s2.basin]


def test_tokens_are_listed_likewise(bearers: Bearers) -> None:
    """Those that the set of tokens matches (§1.3)."""
    token_id = bearers.new_id()
    scope = {"access_tokens": {"exact": token_id}, "ops": ["list-access-tokens"]}
    bearer = bearers.bearer(scope, id=token_id)
    bearers.bearer(scope)
    tokens = bearer.request("GET", PATH).json["access_tokens"]
    assert [token["id"] for token in tokens] == [token_id]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("inner", "outer", "is_narrower"),
    [
        (None, None, True),
        ({"exact": ""}, None, True),
        ({"prefix": ""}, None, False),
        ({"exact": ""}, {"exact": "basin-aa"}, True),
        ({"exact": "basin-aa"}, {"exact": "basin-aa"}, True),
        ({"exact": "basin-aa"}, {"exact": "basin-ab"}, False),
        ({"exact": "basin-aa"}, {"prefix": "basin-a"}, True),
        ({"exact": "basin-aa"}, {"prefix": "basin-b"}, False),
        ({"exact": "basin-aa"}, None, False),
        ({"prefix": "basin-a"}, {"prefix": "basin-"}, True),
        ({"prefix": "basin-"}, {"prefix": "basin-a"}, False),
        ({"prefix": "basin-aa"}, {"exact": "basin-aa"}, False),
    ],
)
def test_a_token_issues_no_broader_set(
    bearers: Bearers, inner: Any, outer: Any, is_narrower: bool
) -> None:
    """Each of the sets must be within that of the issuer (§1.3)."""
    for what in ("basins", "streams"):
        scope = {what: outer, "access_tokens": {"prefix": ""}, "ops": ["issue-access-token"]}
        issuer = bearers.bearer(scope)
        answer = bearers.issue({what: inner, "ops": ["issue-access-token"]}, by=issuer)
        if is_narrower:
            assert answer.status == 201
        else:
            assert answer.error == DENIED


def test_a_token_issues_no_more_operations(bearers: Bearers) -> None:
    """Groups count as what they give (§1.3)."""
    groups = {"account": {"write": True}, "stream": {"read": True}}
    issuer = bearers.bearer({**ALL, "op_groups": groups, "ops": ["append"]})
    for scope in (
        {"ops": ["read", "append", "create-basin"]},
        {"op_groups": {"stream": {"read": True}}},
    ):
        assert bearers.issue(scope, by=issuer).status == 201
    for scope in (
        {"ops": ["trim"]},
        {"op_groups": {"stream": {"write": True}}},
        {"op_groups": {"account": {"read": True}}},
    ):
        assert bearers.issue(scope, by=issuer).error == DENIED


def test_the_earlier_fault(bearers: Bearers, guarded: Client, s2: Client) -> None:
    """401, what the request says by itself, 403, what the account says (§1.3)."""
    missing = {"s2-basin": unused_name()}
    denied = bearers.bearer({**ALL, "ops": ["list-basins"]})
    allowed = bearers.bearer({**ALL, "ops": ["check-tail", "create-stream"]})
    nobody = Client(guarded.url, token="no-such-token", basin=s2.basin)
    bad = "/v1/streams/../records/tail"
    for client, status in ((nobody, 401), (denied, 400), (allowed, 400)):
        assert client.request("GET", bad).status == status
    good = f"{RECORDS}/tail"
    for client, status in ((nobody, 401), (denied, 403), (allowed, 404)):
        assert client.request("GET", good, headers=missing).status == status
    zero = {"stream": "s", "config": {"retention_policy": {"age": 0}}}
    for client, status in ((nobody, 401), (denied, 422), (allowed, 422)):
        assert client.request("POST", "/v1/streams", zero).status == status
    taken = {"stream": "s"}
    for client, status in ((nobody, 401), (denied, 403), (allowed, 409)):
        assert client.request("POST", "/v1/streams", taken).status == status


class TestPrefixes:
    """`auto_prefix_streams` (§1.3)."""

    @pytest.fixture
    def tenant(self, bearers: Bearers, s2: Client) -> Client:
        """The bearer of a token whose streams begin with `t/`; there are others too."""
        for name in ("a", "t%2Fa", "u%2Fa"):
            s2.request("PUT", f"/v1/streams/{name}")
        groups = {level: {"read": True, "write": True} for level in ("basin", "stream")}
        scope = {**ALL, "streams": {"prefix": "t/"}, "op_groups": groups}
        scope["ops"] = ["issue-access-token"]
        return bearers.bearer(scope, auto_prefix_streams=True)

    def test_in_paths_bodies_and_answers(self, tenant: Client, s2: Client) -> None:
        """A name goes in without the prefix, and comes out without it."""
        assert tenant.request("PUT", "/v1/streams/b").json["name"] == "b"
        assert tenant.request("POST", "/v1/streams", {"stream": "c"}).json["name"] == "c"
        assert tenant.request("POST", "/v1/streams/b/records", {"records": [{}]}).status == 200
        tail = s2.request("GET", "/v1/streams/t%2Fb/records/tail").json["tail"]
        assert tail["seq_num"] == 1
        records = tenant.request("GET", "/v1/streams/b/records?seq_num=0").json["records"]
        assert len(records) == 1
        period = "start=0&end=60"
        metrics = f"/v1/metrics/{s2.basin}/b?set=storage&{period}"
        assert tenant.request("GET", metrics).json["values"]

    def test_in_listings(self, tenant: Client) -> None:
        """Prefixes and starts go in without it, too."""
        tenant.request("PUT", "/v1/streams/b")
        for query, names in (
            ("", ["a", "b"]),
            ("?prefix=b", ["b"]),
            ("?start_after=a", ["b"]),
            ("?prefix=t%2F", []),
        ):
            listed = tenant.request("GET", f"/v1/streams{query}").json["streams"]
            assert [info["name"] for info in listed] == names

    def test_in_messages(self, tenant: Client, s2: Client) -> None:
        """What the message names is what was said."""
        missing = tenant.request("GET", "/v1/streams/none")
        assert missing.message == f"stream `none` in basin `{s2.basin}` not found"
        taken = tenant.request("POST", "/v1/streams", {"stream": "a"})
        assert taken.message == f"stream `a` in basin `{s2.basin}` already exists"

    def test_the_limit_counts_the_full_name(self, tenant: Client) -> None:
        """512 bytes, with the prefix."""
        assert tenant.request("PUT", f"/v1/streams/{'x' * 510}").status == 201
        assert tenant.request("PUT", f"/v1/streams/{'x' * 511}").error[:2] == (400, "bad_path")
        document = {"stream": "x" * 511}
        assert tenant.request("POST", "/v1/streams", document).error[:2] == (400, "bad_json")

    def test_a_scope_is_taken_literally(self, tenant: Client, bearers: Bearers) -> None:
        """It must lie within the full set."""
        within = {"streams": {"prefix": "t/a"}, "ops": ["read"]}
        assert bearers.issue(within, by=tenant).status == 201
        assert issue(tenant, {"streams": {"prefix": "a"}, "ops": ["read"]}).error == DENIED
