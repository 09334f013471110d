"""`journal.save()`: a file of JSON lines with all that happened, and without secrets."""

from pathlib import Path
from typing import Any

import pytest

from s2mock import Cut, Drop, S2Mock
from s2mock.contract.client import Client
from s2mock.contract.records import Stream, acks, append_input, create_stream, frame
from s2mock.exports import cassette
from s2mock.exports.cassette import BadCassette
from tests.backends import Make

BASIN = "basin-of-cassettes"
SEEDS: Any = [
    {
        "name": BASIN,
        "config": {"create_stream_on_append": True},
        "streams": [{"name": "log", "config": {"storage_class": "standard"}}],
    }
]
KEY = "VGhpcyBpcyBhIHNlY3JldCBrZXkgb2YgMzIgYnl0ZXM="
OTHER_KEY = "QW5vdGhlciBzZWNyZXQga2V5LCBhbHNvIDMyIGJ5dGU="


def client_of(mock: Any) -> Client:
    return Client(mock.url, token=mock.token, basin=BASIN)


def saved(mock: Any, tmp_path: Path) -> str:
    path = tmp_path / "cassette.jsonl"
    mock.journal.save(path)
    return path.read_text("utf-8")


def test_it_brings_each_exchange_back(make: Make, tmp_path: Path) -> None:
    mock = make(basins=SEEDS)
    s2 = client_of(mock)
    create_stream(s2, "orders/é").append("a")
    log = Stream(s2, "log")
    log.append_protobuf(append_input(b"\xff"))
    with log.append_session() as session:
        session.send(frame(append_input(b"x")))
        acks(session, 1)
        session.send(frame(append_input(b"y", match_seq_num=0)))
        session.rest()
    log.read(seq_num=0)
    mock.inject(Drop(committed=True), on="append")
    with pytest.raises(Exception, match="closed|reset|without response"):
        log.append("lost")
    mock.journal.wait_for("append", 5)

    text = saved(mock, tmp_path)
    found = cassette.parse(text)
    for ours, theirs in zip(found.exchanges, mock.journal, strict=True):
        for name in ("number", "operation", "basin", "stream", "session", "protocol", "effect"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert ours.fault == theirs.fault
        assert (ours.at, ours.began, ours.ended) == (theirs.at, theirs.began, theirs.ended)
        assert ours.request.body == theirs.request.body
        assert (ours.request.method, ours.request.path, ours.request.query) == (
            theirs.request.method,
            theirs.request.path,
            theirs.request.query,
        )
        if theirs.response is None:
            assert ours.response is None
        else:
            assert ours.response is not None
            assert ours.response.status == theirs.response.status
            assert ours.response.body == theirs.response.body
            if theirs.session is not None:
                assert ours.response.message == theirs.response.message
    assert text.isascii()


def test_its_first_line_has_what_no_exchange_has_made(make: Make, tmp_path: Path) -> None:
    mock = make(basins=SEEDS)
    mock.basin(BASIN).stream("log").append(["direct"])
    s2 = client_of(mock)
    create_stream(s2, "made")
    Stream(s2, "made-by-append").append("a")
    Stream(s2, "log").append("b")
    mock.basin(BASIN).stream("log").append([b"\xfe"])
    s2.request("PUT", "/v1/basins/basin-made-here")

    [basin] = cassette.parse(saved(mock, tmp_path)).basins
    assert basin.name == BASIN
    assert basin.config is not None
    assert basin.config["create_stream_on_append"]
    [stream] = basin.streams
    assert stream.name == "log"
    assert stream.config is not None
    assert stream.config["storage_class"] == "standard"
    assert [(one.seq_num, one.body) for one in stream.records] == [(0, b"direct"), (2, b"\xfe")]


def test_what_was_deleted_was_there_before(make: Make, tmp_path: Path) -> None:
    mock = make(basins=SEEDS)
    s2 = client_of(mock)
    Stream(s2, "log").tail()
    Stream(s2, "log").delete()
    s2.request("DELETE", f"/v1/basins/{BASIN}")
    [basin] = cassette.parse(saved(mock, tmp_path)).basins
    assert (basin.name, [stream.name for stream in basin.streams]) == (BASIN, ["log"])


def test_secrets_are_blacked_out(make: Make, tmp_path: Path) -> None:
    mock = make(basins=SEEDS, auth="required")
    s2 = client_of(mock)
    everything = {"streams": {"prefix": ""}, "op_groups": {"stream": {"read": True}}}
    answer = s2.request("POST", "/v1/access-tokens", {"id": "reader", "scope": everything})
    issued = answer.json["access_token"]
    reader = Client(mock.url, token=issued, basin=BASIN)
    log = Stream(reader, "log")
    log.read(seq_num=0)
    # Where no secret belongs, and a client puts one all the same.
    log.read(headers={"x-note": f"my token is {issued}", "cookie": "session=of-a-user"})
    log.client.request("GET", f"/v1/streams/log/records?seq_num=0&api_key={issued}")
    Stream(s2, "log").append(f"body {issued} {mock.token}")
    Stream(s2, "log").append_protobuf(append_input(b"\xff" + issued.encode()))
    Stream(s2, "log").append("a", headers={"s2-encryption-key": KEY})
    Stream(s2, "log").append("a", headers={"s2-encryption-key": OTHER_KEY})
    Client(mock.url, token="an-unknown-token", basin=BASIN).request("GET", "/v1/streams")
    mock.basin(BASIN).stream("log").append([f"direct {issued}"])

    text = saved(mock, tmp_path)
    secrets = (issued, mock.token, KEY, OTHER_KEY, "an-unknown-token", "of-a-user")
    assert [one for one in secrets if one in text] == []
    exchanges = cassette.parse(text).exchanges
    for one in exchanges:
        for body in (one.request.body, one.response and one.response.body):
            assert [secret for secret in secrets if secret.encode() in (body or b"")] == []
    keys = [one.request.headers.get("s2-encryption-key") for one in exchanges]
    assert [key for key in keys if key] == ["***1", "***2"]
    assert exchanges[1].token_id == "reader"
    # A negative control: the journal itself has them.
    assert any(issued in one.request.headers["authorization"] for one in mock.journal)


def test_over_http_there_is_a_route_for_it(standalone: str) -> None:
    """`GET /_s2mock/journal/cassette` and `/history`, which other languages use."""
    control = Client(standalone, token=None)
    account = control.request("POST", "/_s2mock/accounts", {"basins": SEEDS}).json["token"]
    s2 = Client(standalone, token=account, basin=BASIN)
    Stream(s2, "log").append("a")
    Stream(s2, "log").tail()
    answer = s2.request("GET", "/_s2mock/journal/cassette")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/jsonl")
    assert len(cassette.parse(answer.body.decode()).exchanges) == 2
    assert account.encode() not in answer.body

    answer = s2.request("GET", "/_s2mock/journal/history?stream=l*")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/jsonl")
    assert len(answer.body.splitlines()) == 4
    assert s2.request("GET", "/_s2mock/journal/history?stream=x").body == b""
    Stream(s2, "other").append("a")
    refused = s2.request("GET", "/_s2mock/journal/history")
    assert (refused.status, refused.json["code"]) == (400, "bad_request")
    assert "choose one" in refused.json["message"]


BAD = {
    "nothing": ("", "line 1: this is no JSON"),
    "no object": ("[]\n", "line 1: expected a JSON object, not []"),
    "another file": ('{"s2mock_snapshot": 1}\n', "line 1: this is no cassette of format 1"),
    "a later format": ('{"s2mock_cassette": 2}\n', "line 1: this is no cassette of format 1"),
    "no basins": ('{"s2mock_cassette": 1}\n', "line 1: the member 'basins' is missing"),
    "a torn line": (
        '{"s2mock_cassette": 1, "basins": [], "dropped": 0}\n{"number": 1,\n',
        "line 2: this is no JSON",
    ),
    "a line without a request": (
        '{"s2mock_cassette": 1, "basins": [], "dropped": 0}\n{"number": 1}\n',
        "line 2: the member 'request' is missing",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_none_is_refused_with_its_line(name: str) -> None:
    text, message = BAD[name]
    with pytest.raises(BadCassette) as refused:
        cassette.parse(text)
    assert str(refused.value).startswith(message)


def test_a_session_that_is_open_has_no_end(tmp_path: Path) -> None:
    with S2Mock(basins=SEEDS) as mock:
        with Stream(client_of(mock), "log").read_session(seq_num=0) as session:
            assert session.status == 200
            [exchange] = cassette.parse(saved(mock, tmp_path)).exchanges
        assert exchange.ended is None


def test_a_cut_answer_is_told(tmp_path: Path) -> None:
    with S2Mock(basins=SEEDS) as mock:
        mock.inject(Cut(bytes=2), on="append")
        with pytest.raises(Exception, match="IncompleteRead|reset|closed"):
            Stream(client_of(mock), "log").append("a")
        [exchange] = cassette.parse(saved(mock, tmp_path)).exchanges
        assert exchange.fault == Cut(bytes=2)
