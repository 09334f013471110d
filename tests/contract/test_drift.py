"""`python -m s2mock drift`: what a cassette has that the fake answers otherwise."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2mock import Cut, Drop, Fail, Late, S2Mock
from s2mock import __main__ as command
from s2mock.contract.basins import unused_name
from s2mock.contract.client import Client
from s2mock.contract.exchange import Call, Connection
from s2mock.contract.http2_connection import Http2Connection
from s2mock.contract.records import Stream, acks, append_input, create_stream, fence, frame, trim

pytestmark = pytest.mark.openapi_unchecked("faults answer with codes that it does not have")

BASIN = "basin-that-drifts"
SEEDS: Any = [
    {
        "name": BASIN,
        "config": {"create_stream_on_append": True},
        "streams": [{"name": "seeded", "config": {"retention_policy": {"age": 3600}}}],
    }
]

Lines = list[dict[str, Any]]


def drift(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, str, str]:
    """The exit status of the command, and what it prints on both streams."""
    monkeypatch.setattr(sys, "argv", ["s2mock", "drift", *more, str(path)])
    status = command.main()
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def use_everything(mock: S2Mock) -> None:  # noqa: PLR0915  # one request after the other
    """Send requests of all kinds, in each form, over both protocols."""
    seeded = mock.basin(BASIN).stream("seeded")
    seeded.append(["direct 0", "direct 1"])
    s2 = Client(mock.url, token=mock.token, basin=BASIN)
    s2.request("GET", "/v1/basins")
    s2.request("POST", "/v1/basins", {"basin": "basin-made-here", "config": {}})
    s2.request("PUT", "/v1/basins/basin-made-here", {})
    s2.request("PATCH", "/v1/basins/basin-made-here", {"create_stream_on_read": True})
    s2.request("GET", "/v1/basins/basin-made-here")
    s2.request("DELETE", "/v1/basins/basin-made-here")
    s2.request("GET", "/v1/basins/basin-made-here")
    log = create_stream(s2, "orders/é", storage_class="standard")
    s2.request("POST", "/v1/streams", {"stream": "orders/é"})
    s2.request("GET", "/v1/streams?prefix=ord")
    log.config()
    log.reconfigure(retention_policy={"age": 60})
    log.append("a", {"headers": [["k", "v"]], "body": "b", "timestamp": 7})
    log.append_protobuf(append_input(b"\xff\xfe", match_seq_num=2))
    log.append("x", match_seq_num=1)
    log.append(fence("tok"))
    log.append("y", fencing_token="other")
    log.append("z", fencing_token="tok")
    log.append_bytes(b"{")
    log.append_bytes(b"", "text/plain")
    log.tail()
    log.read(seq_num=0)
    log.read(seq_num=0, headers={"s2-format": "base64"})
    log.read(seq_num=1, count=1, headers={"accept": "application/protobuf"})
    log.read(seq_num=99)
    log.read(seq_num=5, wait=1)
    log.append(trim(2))
    with log.append_session() as session:
        for number in range(3):
            session.send(frame(append_input(b"%d" % number)))
        acks(session, 3)
        session.send(frame(append_input(b"no", match_seq_num=0)))
        session.rest()
    with log.read_session(seq_num=2, count=3) as session:
        session.rest()
    with log.sse(seq_num=2, wait=0) as session:
        session.rest()
    # A follower, which is given two records and leaves, and a poll that an append answers.
    with log.read_session(seq_num=9) as session, log.poll(seq_num=9, wait=30) as poll:
        mock.basin(BASIN).stream("orders/é").wait_for_readers(2)
        log.append("awaited")
        next(session.frames())
        log.append("and read")
        next(session.frames())
        poll.answer()
    mock.journal.wait_for("read", 9)
    # With faults: what was applied, and what was not.
    own = Stream(s2, "own")
    mock.inject(
        [Drop(committed=True), Drop(), Fail("unavailable", committed=True), Late(reads=1)],
        on="append",
        stream="own",
    )
    for body in ("lost", "not applied", "applied", "late"):
        with pytest.raises((OSError, AssertionError)):
            own.append_ok(body)
    own.read(seq_num=0)
    own.tail()
    mock.inject(Cut(bytes=5), on="read", stream="own")
    with pytest.raises(Exception, match="IncompleteRead|reset|closed"):
        own.read(seq_num=0)
    Stream(s2, "seeded").read(seq_num=0)
    seeded.append(["direct 2"])
    Stream(s2, "seeded").tail()
    Stream(s2, "seeded").append("after it")
    issued = s2.request(
        "POST",
        "/v1/access-tokens",
        {"id": "reader", "scope": {"streams": {"prefix": ""}, "ops": ["read"]}},
    ).json["access_token"]
    Stream(Client(mock.url, token=issued, basin=BASIN), "seeded").read(seq_num=0, count=1)
    Stream(Client(mock.url, token=issued, basin=BASIN), "seeded").append("forbidden")
    Client(mock.url, token="of-no-account", basin=BASIN).request("GET", "/v1/streams")
    s2.request("GET", "/v1/access-tokens")
    s2.request("DELETE", "/v1/access-tokens/reader")
    s2.request("GET", "/v1/locations")
    s2.request("GET", "/nope")
    s2.request("DELETE", "/v1/basins")
    connection = Http2Connection(mock.url, token=mock.token)
    for method, path in (("GET", "/v1/streams"), ("GET", "/v1/streams/own/records?seq_num=0")):
        connection.send(Call(method, path, {"s2-basin": BASIN}))
    connection.close()
    log.delete()
    s2.request("GET", "/v1/streams/orders%2F%C3%A9")


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cassettes") / "recorded.jsonl"
    with S2Mock(basins=SEEDS, auth="required") as mock:
        use_everything(mock)
        mock.journal.save(path)
    return path


def test_a_clean_cassette_has_no_difference(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = drift(recorded, monkeypatch, capsys)
    count = len(recorded.read_text("utf-8").splitlines()) - 1
    first, *rest = out.splitlines()
    assert (status, err) == (0, ""), out
    assert first == (
        f"recorded.jsonl: {count} exchanges, {count - 5} compared: 0 new differences, 0 known"
    )
    assert "exchange" not in out.partition("not compared:")[0].partition("\n")[2]
    assert [line for line in rest if "Drop(committed=True) was injected" in line]
    for text in (recorded.read_text("utf-8"), out):
        assert "of-no-account" not in text
        assert "Bearer" not in text


def test_of_20_planted_deviations_20_are_found(
    recorded: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    head, *lines = recorded.read_text("utf-8").splitlines()
    exchanges: Lines = [json.loads(line) for line in lines]
    planted = set()
    for find, plant in DEVIATIONS:
        one = next(one for one in exchanges if one["number"] not in planted and find(one))
        plant(one)
        planted.add(one["number"])
    assert len(planted) == len(DEVIATIONS) == 20
    path = tmp_path / "planted.jsonl"
    path.write_text("\n".join([head, *map(json.dumps, exchanges), ""]))
    status, out, _ = drift(path, monkeypatch, capsys)
    assert status == 1
    found = {
        int(line.partition(":")[0].removeprefix("exchange "))
        for line in out.splitlines()
        if line.startswith("exchange ")
    }
    assert found == planted, out
    assert "20 new differences, 0 known" in out
    # Each with what was recorded, what the fake answers, and the request.
    assert "  status: recorded 202, the fake 200" in out
    assert sum("curl " in line for line in out.splitlines()) == 20


def _is(operation: str, status: int, **more: Any) -> Callable[[dict[str, Any]], bool]:
    """True for an exchange that was compared, of that operation and status."""

    def find(one: dict[str, Any]) -> bool:
        if one["fault"] is not None or one["response"] is None:
            return False
        facts = {
            "accept": one["request"]["headers"].get("accept"),
            "is_session": one["session"] is not None,
            "protocol": one["protocol"],
            "is_batch": one["session"] not in (None, one["number"]),
        }
        is_it = (one["operation"], one["response"]["status"]) == (operation, status)
        return is_it and all(facts[name] == value for name, value in more.items())

    return find


def _body(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def plant(one: dict[str, Any]) -> None:
        document = place = json.loads(one["response"]["body"])
        for name in path[:-1]:
            place = place[name]
        assert place[path[-1]] != value
        place[path[-1]] = value
        one["response"]["body"] = json.dumps(document)

    return plant


def _header(name: str, value: str | None) -> Callable[[dict[str, Any]], None]:
    def plant(one: dict[str, Any]) -> None:
        assert one["response"]["headers"].get(name) != value
        one["response"]["headers"].pop(name, None)
        if value is not None:
            one["response"]["headers"][name] = value

    return plant


def _response(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def plant(one: dict[str, Any]) -> None:
        assert one["response"][name] != value
        one["response"][name] = value

    return plant


def _effect(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def plant(one: dict[str, Any]) -> None:
        assert one["effect"][name] != value
        one["effect"][name] = value

    return plant


def _byte(one: dict[str, Any]) -> None:
    """Change the sequence number in an acknowledgement, or in a batch, of protobuf."""
    import base64

    body = one["response"]["body"]
    data = bytearray(base64.b64decode(body["base64"]) if isinstance(body, dict) else body.encode())
    at = data.index(b"\x08") + 1
    data[at] += 1
    one["response"]["body"] = {"base64": base64.b64encode(data).decode()}


DEVIATIONS: list[tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], None]]] = [
    (_is("list-basins", 200), _body("has_more", value=True)),
    (_is("create-basin", 201), _header("s2-provision-result", "noop")),
    (_is("ensure-basin", 200), _header("s2-provision-result", None)),
    (_is("reconfigure-basin", 200), _body("create_stream_on_read", value=False)),
    (_is("get-basin-config", 200), _response("status", 202)),
    (_is("get-basin-config", 404), _body("code", value="stream_not_found")),
    (_is("create-stream", 201), _body("name", value="orders")),
    (_is("create-stream", 409), _body("message", value="stream exists")),
    (_is("get-stream-config", 200), _body("storage_class", value="express")),
    (_is("append", 200, is_session=False), _body("start", "seq_num", value=1)),
    (_is("append", 200, is_session=False, accept="application/protobuf"), _byte),
    (_is("append", 412, is_session=False), _body("seq_num_mismatch", value=4)),
    (_is("append", 200, is_batch=True), _byte),
    (_is("append", 412, is_batch=True), _response("message", "another text")),
    (_is("append-session", 200), _header("content-type", "application/json")),
    (_is("check-tail", 200), _body("tail", "timestamp", value=5)),
    (_is("read", 200, is_session=False, accept=None), _body("records", 0, "body", value="A")),
    (_is("read", 200, accept="text/event-stream"), _effect("last_seq_num", 3)),
    (_is("list-streams", 200, protocol="h2c"), _response("body", "{")),
    (_is("read", 416), _response("body", "")),
]


def test_each_form_of_a_session_is_compared(
    recorded: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A record more or less in what a read session was given is found, in each of them."""
    head, *lines = recorded.read_text("utf-8").splitlines()
    exchanges: Lines = [json.loads(line) for line in lines]
    reads = [one for one in exchanges if one["operation"] == "read" and one["session"] is not None]
    assert len(reads) == 3
    for one in reads:
        one["effect"]["last_seq_num"] += 1
    path = tmp_path / "planted.jsonl"
    path.write_text("\n".join([head, *map(json.dumps, exchanges), ""]))
    status, out, _ = drift(path, monkeypatch, capsys)
    assert (status, out.count("effect.last_seq_num: recorded")) == (1, 3), out


def test_known_differences_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cassette.jsonl"
    with S2Mock() as mock:
        s2 = Client(mock.url, token=mock.token)
        s2.request("POST", "/v1/basins", {"basin": "basin-one"})
        s2.request("GET", "/v1/access-tokens")
        mock.journal.save(path)
    head, *lines = path.read_text("utf-8").splitlines()
    create, tokens = map(json.loads, lines)
    # As s2-lite answers.
    _body("location", value=None)(create)
    tokens["response"]["status"] = 501
    path.write_text("\n".join([head, json.dumps(create), json.dumps(tokens), ""]))
    status, out, _ = drift(path, monkeypatch, capsys)
    assert status == 0
    assert out.splitlines()[0].endswith("2 compared: 0 new differences, 2 known")
    assert "  location-of-a-basin, exchange 1: " in out
    assert "  account-services, exchange 2: " in out


def test_a_header_can_be_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cassette.jsonl"
    with S2Mock() as mock:
        Client(mock.url, token=mock.token).request("GET", "/v1/basins")
        mock.journal.save(path)
    head, line = path.read_text("utf-8").splitlines()
    document = json.loads(line)
    document["response"]["headers"] |= {"server": "a proxy", "date": "now", "content-length": "1"}
    path.write_text(f"{head}\n{json.dumps(document)}\n")
    status, out, _ = drift(path, monkeypatch, capsys)
    assert (status, "headers.server: recorded ['a proxy'], the fake nothing" in out) == (1, True)
    status, out, _ = drift(path, monkeypatch, capsys, "--ignore-header", "Server")
    assert status == 0, out


def test_a_file_of_no_use_has_a_status_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "no.jsonl"
    status, _, err = drift(path, monkeypatch, capsys)
    assert (status, err) == (2, f"s2mock: cannot read {path}: No such file or directory\n")
    path.write_text("{}\n")
    status, _, err = drift(path, monkeypatch, capsys)
    assert status == 2
    assert err.startswith(f"s2mock: cannot read {path}: line 1: this is no cassette of format 1")
    with S2Mock() as mock:
        mock.journal.save(path)
    status, out, err = drift(path, monkeypatch, capsys)
    assert (status, err) == (2, f"s2mock: {path} has no exchange that can be compared\n")
    assert out.startswith("no.jsonl: 0 exchanges, 0 compared")


def test_exchanges_that_are_gone_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cassette.jsonl"
    with S2Mock(journal_limit=2) as mock:
        for _ in range(3):
            Client(mock.url, token=mock.token).request("GET", "/v1/basins")
        mock.journal.save(path)
    status, out, _ = drift(path, monkeypatch, capsys)
    assert status == 0
    assert "1 exchange that the journal had dropped" in out


# A real server, if there is one.

CALLS = (
    ("POST", "/v1/basins", '{"basin":"%s"}'),
    ("PUT", "/v1/streams/s", ""),
    ("POST", "/v1/streams/s/records", '{"records":[{"body":"a"},{"body":"b"}]}'),
    ("POST", "/v1/streams/s/records", '{"records":[{"body":"c"}],"match_seq_num":0}'),
    ("POST", "/v1/streams/s/records", '{"records":'),
    ("GET", "/v1/streams/s/records?seq_num=0", ""),
    ("GET", "/v1/streams/s/records?seq_num=9", ""),
    ("GET", "/v1/streams/s/records/tail", ""),
    ("GET", "/v1/streams/missing/records/tail", ""),
    ("GET", "/v1/streams", ""),
    ("PUT", "/v1/streams/s", '{"storage_class":'),
    ("GET", "/v1/access-tokens", ""),
    ("DELETE", "/v1/streams/s", ""),
    ("DELETE", "/v1/basins/%s", ""),
)


def test_a_cassette_of_the_real_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The requests of a journal with the answers of the server, of which all headers are kept."""
    reference = os.environ.get("S2MOCK_REFERENCE")
    if reference is None:
        pytest.skip("S2MOCK_REFERENCE names no server to ask")
    path, basin = tmp_path / "cassette.jsonl", unused_name()
    asked = []
    with S2Mock() as mock:
        for method, target, body in CALLS:
            headers = {"s2-basin": basin, "content-type": "application/json"}
            sent = body.replace("%s", basin).encode()
            call = Call(method, target.replace("%s", basin), headers, sent or None)
            connections = [Connection(url) for url in (mock.url, reference)]
            asked.append([connection.send(call) for connection in connections][1])
            for connection in connections:
                connection.close()
        mock.journal.save(path)
    head, *lines = path.read_text("utf-8").splitlines()
    # Each connection was asked once more, to see if it is open.
    exchanges: Lines = [json.loads(line) for line in lines]
    exchanges = [one for one in exchanges if one["request"]["path"] != "/health"]
    for one, reply in zip(exchanges, asked, strict=True):
        one["response"] |= {
            "status": reply.status,
            "headers": dict(reply.headers),
            "body": reply.body.decode(),
        }
    path.write_text("\n".join([head, *map(json.dumps, exchanges), ""]))
    status, out, _ = drift(path, monkeypatch, capsys)
    assert status == 0, out
    for name in ("location-of-a-basin", "account-services", "json-library"):
        assert f"  {name}, exchange " in out
