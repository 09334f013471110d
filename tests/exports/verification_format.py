"""A parser of the format of `s2-verification`, and a check of its model, written to its rules.

It shares nothing with what writes the format. Source: the events of the collector
(`rust/s2-verification/src/history.rs`) and the model (`golang/s2-porcupine/main.go`) in
https://github.com/s2-streamstore/s2-verification.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import xxhash

U32 = range(2**32)
U64 = range(2**64)


class Call(NamedTuple):
    """An operation: its name, its arguments, its result, and the lines of its start and end."""

    name: str
    arguments: dict[str, Any]
    result: str
    values: dict[str, Any]
    client: int
    start: int
    end: int


def parse(text: str) -> list[Call]:
    """The operations in a history. Raises `AssertionError` for what is not of the format."""
    open_calls: dict[int, tuple[str, dict[str, Any], int, int]] = {}
    busy: set[int] = set()
    ended: set[int] = set()
    found: list[Call] = []
    seen: set[int] = set()
    assert text == "" or text.endswith("\n")
    for number, line in enumerate(text.splitlines()):
        record = json.loads(line)
        assert list(record) == ["event", "client_id", "op_id"], record
        client, op = record["client_id"], record["op_id"]
        assert type(client) is int, record
        assert type(op) is int, record
        [(kind, event)] = record["event"].items()
        if kind == "Start":
            assert op not in seen, "an operation that starts twice"
            assert client not in busy, "a client with two operations at a time"
            assert client not in ended, "a client that goes on after an unknown end"
            seen.add(op)
            busy.add(client)
            open_calls[op] = (*_start(event), client, number)
        else:
            assert kind == "Finish", record
            name, arguments, of_client, start = open_calls.pop(op)
            assert of_client == client, record
            busy.discard(client)
            result, values = _finish(name, event)
            if result == "AppendIndefiniteFailure":
                ended.add(client)
            found.append(Call(name, arguments, result, values, client, start, number))
    assert not open_calls, "an operation without an end"
    return found


def _start(event: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(event, str):
        assert event in ("Read", "CheckTail"), event
        return event, {}
    [(name, arguments)] = event.items()
    assert name == "Append", event
    assert list(arguments) == [
        "num_records",
        "record_hashes",
        "set_fencing_token",
        "fencing_token",
        "match_seq_num",
    ]
    assert arguments["num_records"] in U32
    assert len(arguments["record_hashes"]) == arguments["num_records"]
    assert all(type(one) is int and one in U64 for one in arguments["record_hashes"])
    for name in ("set_fencing_token", "fencing_token"):
        assert arguments[name] is None or isinstance(arguments[name], str)
    assert arguments["match_seq_num"] is None or arguments["match_seq_num"] in U32
    return "Append", arguments


_RESULTS = {
    "Append": {
        "AppendSuccess": ["tail"],
        "AppendDefiniteFailure": None,
        "AppendIndefiniteFailure": None,
    },
    "Read": {"ReadSuccess": ["tail", "stream_hash"], "ReadFailure": None},
    "CheckTail": {"CheckTailSuccess": ["tail"], "CheckTailFailure": None},
}


def _finish(name: str, event: Any) -> tuple[str, dict[str, Any]]:
    result, values = (event, None) if isinstance(event, str) else next(iter(event.items()))
    assert isinstance(event, str) or len(event) == 1
    members = _RESULTS[name][result]
    assert (None if values is None else list(values)) == members, event
    if values is None:
        return result, {}
    assert values["tail"] in U32
    assert values.get("stream_hash", 0) in U64
    return result, values


class State(NamedTuple):
    """What the model knows of a stream."""

    tail: int = 0
    stream_hash: int = 0
    token: str | None = None


def chain(stream_hash: int, record_hashes: list[int]) -> int:
    """The hash of a stream to which records of these hashes were added."""
    for one in record_hashes:
        stream_hash = xxhash.xxh3_64_intdigest(one.to_bytes(8, "little"), stream_hash)
    return stream_hash


def step(state: State, call: Call) -> Iterator[State]:
    """The states in which an operation with that result may leave the stream."""
    if call.name != "Append":
        is_told = call.result.endswith("Success")
        is_right = call.values.get("tail", state.tail) == state.tail
        if not is_told or (
            is_right and call.values.get("stream_hash", state.stream_hash) == state.stream_hash
        ):
            yield state
        return
    asked = call.arguments
    after = State(
        state.tail + asked["num_records"],
        chain(state.stream_hash, asked["record_hashes"]),
        state.token if asked["set_fencing_token"] is None else asked["set_fencing_token"],
    )
    holds = (
        asked["fencing_token"] in (None, state.token)
        and asked["match_seq_num"] in (None, state.tail)
    )  # fmt: skip
    if call.result == "AppendSuccess":
        if holds and call.values["tail"] == after.tail:
            yield after
        return
    yield state
    if call.result == "AppendIndefiniteFailure" and holds:
        yield after


def is_linearizable(text: str) -> bool:
    """Whether some order of the operations of a history explains all results."""
    calls = parse(text)
    everything = (1 << len(calls)) - 1
    tried: set[tuple[int, State]] = set()
    pending: list[tuple[int, State]] = [(0, State())]
    while pending:
        done, state = pending.pop()
        if done == everything:
            return True
        if (done, state) in tried:
            continue
        tried.add((done, state))
        left = [at for at in range(len(calls)) if not done >> at & 1]
        first_end = min(calls[at].end for at in left)
        for at in left:
            if calls[at].start < first_end:
                pending += [(done | 1 << at, after) for after in step(state, calls[at])]
    return False
