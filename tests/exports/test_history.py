"""`journal.history()`: lines in the format of `s2-verification`, and what the two checks say."""

import json
import random
import sys
import threading
from dataclasses import replace
from http.client import HTTPException
from typing import Any

import pytest
import xxhash

from s2mock import Cut, Drop, Exchange, Fail, Late, S2Mock
from s2mock.campaigns.linearizability import NotLinearizable, check_stream
from s2mock.contract.client import Client
from s2mock.contract.records import Stream, acks, append_input, fence, frame
from s2mock.exports import history
from s2mock.registry.places import Place
from tests.backends import Make
from tests.exports.verification_format import State, chain, is_linearizable, parse, step

pytestmark = pytest.mark.openapi_unchecked("faults answer with codes that it does not have")

BASIN = "basin-of-history"
SEEDS: Any = [{"name": BASIN, "streams": [{"name": "log"}, {"name": "other"}]}]


def log_of(mock: Any, name: str = "log") -> Stream:
    return Stream(Client(mock.url, token=mock.token, basin=BASIN), name)


def starts(text: str) -> list[Any]:
    return [line["Start"] for line in events(text) if "Start" in line]


def finishes(text: str) -> list[Any]:
    return [line["Finish"] for line in events(text) if "Finish" in line]


def events(text: str) -> list[Any]:
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_each_operation_has_a_start_and_an_end(make: Make) -> None:
    mock = make(basins=SEEDS)
    log = log_of(mock)
    log.append("foo", "bar")
    log.append("x", match_seq_num=7)
    log.tail()
    log.read(seq_num=0)
    foo, bar = (xxhash.xxh3_64_intdigest(body) for body in (b"foo", b"bar"))
    assert foo == 0xAB6E5F64077E7D8A
    text = mock.journal.history()
    appended = {
        "num_records": 2,
        "record_hashes": [foo, bar],
        "set_fencing_token": None,
        "fencing_token": None,
        "match_seq_num": None,
    }
    assert [json.loads(line) for line in text.splitlines()][:2] == [
        {"event": {"Start": {"Append": appended}}, "client_id": 0, "op_id": 0},
        {"event": {"Finish": {"AppendSuccess": {"tail": 2}}}, "client_id": 0, "op_id": 0},
    ]
    assert starts(text)[1]["Append"]["match_seq_num"] == 7
    assert starts(text)[2:] == ["CheckTail", "Read"]
    assert finishes(text)[1:] == [
        "AppendDefiniteFailure",
        {"CheckTailSuccess": {"tail": 2}},
        {"ReadSuccess": {"tail": 2, "stream_hash": chain(0, [foo, bar])}},
    ]
    assert is_linearizable(text)


def test_the_model_has_the_published_hashes() -> None:
    """The vectors that the collector and the model of `s2-verification` share."""
    hashes = [xxhash.xxh3_64_intdigest(body) for body in (b"foo", b"bar", b"baz")]
    assert [chain(0, hashes[:count]) for count in (1, 2, 3)] == [
        0x4D2B003EE417C3A5,
        0x132E5D5DD7936EDD,
        0x732EE99ABC5002FF,
    ]


def test_a_session_has_its_batches(make: Make) -> None:
    mock = make(basins=SEEDS)
    log = log_of(mock)
    with log.append_session() as session:
        for body in (b"a", b"b", b"c"):
            session.send(frame(append_input(body)))
        acks(session, 3)
        session.half_close()
        session.rest()
    log.append_protobuf(append_input(b"\xff"))
    # In raw JSON, which has no such byte, and as protobuf.
    log.read(seq_num=0)
    log.read(seq_num=0, headers={"accept": "application/protobuf"})
    text = mock.journal.history()
    *appends, lossy, whole = finishes(text)
    assert appends == [{"AppendSuccess": {"tail": tail}} for tail in (1, 2, 3, 4)]
    assert lossy == {"CheckTailSuccess": {"tail": 4}}
    assert whole["ReadSuccess"]["tail"] == 4
    assert is_linearizable(text)


def test_reads_that_say_less_are_tail_checks_or_left_out(make: Make) -> None:
    mock = make(basins=SEEDS)
    log = log_of(mock)
    log.read(seq_num=0)
    log.append("a", "b", "c")
    queries: list[dict[str, Any]] = [
        {"seq_num": 1},
        {"seq_num": 0, "count": 2},
        {"seq_num": 3},
        {"tail_offset": 1},
    ]
    for query in queries:
        log.read(**query)
    log.read(seq_num=0, count=3)
    with log.read_session(seq_num=0, wait=0) as session:
        session.rest()
    text = mock.journal.history()
    assert finishes(text) == [
        {"ReadSuccess": {"tail": 0, "stream_hash": 0}},
        {"AppendSuccess": {"tail": 3}},
        {"CheckTailSuccess": {"tail": 3}},
        {"CheckTailSuccess": {"tail": 3}},
        {"CheckTailSuccess": {"tail": 3}},
    ]
    assert is_linearizable(text)


def test_fencing_tokens_are_told(make: Make) -> None:
    mock = make(basins=SEEDS)
    log = log_of(mock)
    log.append("a", fencing_token="")
    log.append(fence("t"))
    log.append("b", fencing_token="t")
    log.append("c", fencing_token="u")
    text = mock.journal.history()
    asked = [start["Append"] for start in starts(text)]
    assert [one["set_fencing_token"] for one in asked] == [None, "t", None, None]
    assert [one["fencing_token"] for one in asked] == [None, None, "t", "u"]
    assert finishes(text)[-1] == "AppendDefiniteFailure"
    assert is_linearizable(text)
    # The model sees the token.
    assert not is_linearizable(text.replace('"fencing_token": "t"', '"fencing_token": "u"', 1))


def test_direct_appends_are_there_too(make: Make) -> None:
    mock = make(basins=SEEDS)
    stream = mock.basin(BASIN).stream("log")
    stream.append(["a", "b"])
    log = log_of(mock)
    log.append("c")
    stream.append(["d"])
    log.tail()
    text = mock.journal.history()
    assert starts(text)[0]["Append"]["num_records"] == 2
    assert finishes(text)[0] == {"AppendSuccess": {"tail": 2}}
    # When the other one took place is not known: its end is the last line.
    assert finishes(text)[-1] == {"AppendSuccess": {"tail": 4}}
    assert is_linearizable(text)


def test_direct_appends_after_the_first_exchange_have_no_known_time(make: Make) -> None:
    mock = make(basins=SEEDS)
    log = log_of(mock)
    log.tail()
    mock.basin(BASIN).stream("log").append(["a", "b"])
    log.tail()
    assert is_linearizable(mock.journal.history())


def test_a_lost_answer_may_have_had_an_effect(make: Make) -> None:
    mock = make(basins=SEEDS)
    log = log_of(mock)
    lost = [Drop(committed=True), Drop(connection="reset"), Fail("unavailable", committed=True)]
    mock.inject([*lost, Fail("rate_limited")], on="append")
    for _ in range(3):
        with pytest.raises((OSError, AssertionError)):
            log.append_ok("a")
    log.append("b")
    log.read(seq_num=0)
    text = mock.journal.history()
    results = finishes(text)
    assert results[0] == "AppendDefiniteFailure"
    assert results[1]["ReadSuccess"]["tail"] == 2
    assert results[2:] == ["AppendIndefiniteFailure"] * 3
    assert is_linearizable(text)


def test_several_streams_need_a_choice(make: Make) -> None:
    mock = make(basins=SEEDS)
    log_of(mock).append("a")
    log_of(mock, "other").append("b")
    with pytest.raises(ValueError, match=r"exchanges of 2: .*'log'.*'other'.*basin= and stream="):
        mock.journal.history()
    assert len(finishes(mock.journal.history(stream="oth*"))) == 1
    assert mock.journal.history(stream="none") == ""


def test_a_stream_that_was_deleted_is_refused(make: Make) -> None:
    mock = make(basins=SEEDS)
    log = log_of(mock)
    log.append("a")
    assert log.delete().status == 202
    with pytest.raises(ValueError, match=r"exchange 2 has deleted <Stream 'log' .*clear\(\)"):
        mock.journal.history()


def test_without_xxhash_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xxhash", None)
    with S2Mock(basins=SEEDS) as mock:
        log_of(mock).append("a")
        with pytest.raises(ImportError, match=r"pip install s2mock\[history\]"):
            mock.journal.history()


def test_bodies_that_are_gone_are_compared_with_nothing() -> None:
    with S2Mock(basins=SEEDS, journal_bytes=600) as mock:
        log = log_of(mock)
        for number in range(9):
            log.append(f"{number}" * 50)
        log.read(seq_num=0, count=99)
        text = mock.journal.history()
    assert 0 in starts(text)[0]["Append"]["record_hashes"]
    assert {next(iter(one)) for one in finishes(text)} <= {"AppendSuccess", "CheckTailSuccess"}
    assert is_linearizable(text)


# The project's own check, and the model of the format, over what clients observe under faults.

FAULTS = (
    None,
    None,
    Drop(),
    Drop(committed=True),
    Drop(committed=True, connection="reset"),
    Fail("unavailable"),
    Fail("unavailable", committed=True),
    Cut(bytes=3),
    Late(reads=1),
)


def run_clients(mock: S2Mock, seed: int) -> None:
    """Three clients append, read and check the tail at the same time, under faults."""
    rng = random.Random(seed)
    faults = [rng.choice(FAULTS) for _ in range(12)]
    mock.inject(faults, on="append", required=False)

    def client(name: str) -> None:
        own, log = random.Random(f"{seed} {name}"), log_of(mock)
        tail = 0
        for number in range(7):
            try:
                kind = own.randrange(5)
                if kind < 3:
                    asked: dict[str, Any] = {"match_seq_num": tail} if kind == 0 else {}
                    answer = log.append(*[f"{name}{number}"] * own.randint(1, 3), **asked)
                    document = json.loads(answer.body)
                    tail = document.get("tail", {}).get("seq_num", tail)
                elif kind == 3:
                    tail = log.tail_ok()["seq_num"]
                else:
                    log.read(seq_num=0)
            except (OSError, ValueError, HTTPException):
                # The answer was lost.
                pass

    threads = [threading.Thread(target=client, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log_of(mock).read(seq_num=0)


def verdicts(mock: S2Mock, exchanges: tuple[Exchange, ...]) -> tuple[bool, bool]:
    """What the project's own check says, and what the model of the format says."""
    account = mock._of_account
    state = mock._engine.state.stream(BASIN, "log")
    try:
        check_stream(exchanges, state)
        own = True
    except NotLinearizable:
        own = False
    text = history.render(exchanges, Place(BASIN, "log"), account)
    return own, is_linearizable(text)


def corrupted(exchange: Exchange) -> Exchange:
    """The exchange with an acknowledgement of one record too many."""
    assert exchange.response is not None
    document = json.loads(exchange.response.body or b"")
    for name in ("start", "end", "tail"):
        document[name]["seq_num"] += 1
    return replace(exchange, response=replace(exchange.response, _decode=lambda _: document))


@pytest.mark.parametrize("seed", range(6))
def test_both_checks_agree_on_histories_with_faults(seed: int) -> None:
    with S2Mock(basins=SEEDS) as mock:
        run_clients(mock, seed)
        exchanges = tuple(mock.journal)
        assert any(one.fault for one in exchanges)
        assert verdicts(mock, exchanges) == (True, True)
        # A corrupted acknowledgement makes both fail.
        acknowledged = [
            at
            for at, one in enumerate(exchanges)
            if one.operation == "append"
            and one.response is not None
            and one.response.status == 200
            and one.fault is None
        ]
        for at in acknowledged:
            wrong = (*exchanges[:at], corrupted(exchanges[at]), *exchanges[at + 1 :])
            assert verdicts(mock, wrong) == (False, False), exchanges[at]


def test_the_model_refuses_a_read_of_other_records() -> None:
    """A negative control of the test's own model."""
    with S2Mock(basins=SEEDS) as mock:
        log = log_of(mock)
        log.append("a")
        log.read(seq_num=0)
        text = mock.journal.history()
    [appended, read] = parse(text)
    [after] = step(State(), appended)
    assert [*step(after, read)] == [after]
    assert not [*step(after._replace(stream_hash=1), read)]
    assert not is_linearizable(text.replace(str(after.stream_hash), "1"))
