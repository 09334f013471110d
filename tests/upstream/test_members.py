"""The members of a mock in front of an upstream: which work, and what the others say would do."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock import AppendRecord, Delay, NotOnTarget, S2Mock, Snapshot
from tests.powers.conftest import BASIN

# Each public member that only the engine of a mock has: its use, and a part of the message.
IMPOSSIBLE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "account": (lambda mock: mock.account, "by basin"),
    "advance": (lambda mock: mock.advance(1), "seconds of real time"),
    "async_wait_for_waiters": (lambda mock: mock._waiters_pending(1, 1), "journal.wait_for"),
    "clock": (lambda mock: mock.clock, "the upstream has the time"),
    "fork": (lambda mock: mock.fork(), "a basin_prefix of its own"),
    "hold": (lambda mock: mock.hold(on="append"), "at='arrival'"),
    "issue_token": (lambda mock: mock.issue_token("t"), "is not forwarded"),
    "on": (lambda mock: mock.on("append", print), "at='arrival'"),
    "reset": (lambda mock: mock.reset(), "'ci-*-'"),
    "restore": (lambda mock: mock.restore(Snapshot.load), "another basin_prefix"),
    "snapshot": (lambda mock: mock.snapshot(), "basins="),
    "wait_for_waiters": (lambda mock: mock.wait_for_waiters(), "journal.wait_for"),
}
WORKING = {
    "apply", "basin", "basin_name", "basins", "ca_file", "client", "close", "create_basin",
    "ensure_basin", "env", "fresh_basin", "inject", "is_fake", "journal", "outage", "serve",
    "stream", "token", "tokens", "url", "use_env", "wsgi_app",
}  # fmt: skip


def test_each_public_member_is_one_that_works_or_one_that_is_impossible() -> None:
    fake = S2Mock()
    members = {name for name in dir(fake) if not name.startswith("_")}
    fake.close()

    assert members == WORKING | set(IMPOSSIBLE)


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_member_says_what_would_do(mock: S2Mock, real: S2Mock, name: str) -> None:
    use, hint = IMPOSSIBLE[name]
    with pytest.raises(NotOnTarget) as caught:
        use(mock)

    message = str(caught.value)
    assert hint in message
    assert real.url in message
    # Nothing has begun.
    assert mock.basins == (BASIN,)


@pytest.mark.parametrize("name", ["account", "clock"])
def test_an_impossible_attribute_is_none(mock: S2Mock, name: str) -> None:
    assert not hasattr(mock, name)
    with pytest.raises(AttributeError, match="has no attribute 'clok'"):
        mock.clok  # type: ignore[attr-defined]  # noqa: B018


def test_the_fencing_token_of_a_stream_is_the_upstreams(mock: S2Mock) -> None:
    with pytest.raises(NotOnTarget, match=r"stream\.fencing_token is not there"):
        _ = mock.stream(BASIN, "log").fencing_token


def test_direct_calls_reach_the_upstream_past_faults_and_journal(
    real: S2Mock, mock: S2Mock
) -> None:
    mock.inject(Delay(1000), on=["append", "read", "create-basin"], required=False)
    made = mock.create_basin("made-basin")
    stream = made.create_stream("s")
    ack = stream.append(["a", AppendRecord("b", [("n", "v")])])
    stream.fence("f")
    stream.trim(1)

    assert real.basins == ("made-basin", BASIN) == mock.basins
    assert real.basin("made-basin").streams == made.streams == ("s",)
    assert (ack.start.seq_num, ack.end.seq_num) == (0, 2)
    assert [record.body for record in stream.records[:1]] == [b"b"]
    assert [record.body for record in real.stream("made-basin", "s").records] == [
        record.body for record in stream.records
    ]
    assert stream.bodies == (b"b",)
    assert stream.tail.seq_num == 4
    assert stream.config == real.stream("made-basin", "s").config
    assert made.config == real.basin("made-basin").config
    assert made.info.name == "made-basin"
    assert len(mock.journal) == 0


def test_more_records_than_one_read_returns(mock: S2Mock) -> None:
    stream = mock.stream(BASIN, "log")
    for _ in range(3):
        stream.append([f"{number}" for number in range(900)])

    assert len(stream.records) == 2700
    assert stream.records[-1].seq_num == 2699


def test_a_wait_for_records_is_over_when_they_are_there(mock: S2Mock, real: S2Mock) -> None:
    import threading

    stream = mock.stream(BASIN, "log")
    timer = threading.Timer(0.05, lambda: real.stream(BASIN, "log").append(["a", "b"]))
    timer.start()
    assert [record.body for record in stream.wait_for(2, timeout=30)] == [b"a", b"b"]
    timer.join()
    with pytest.raises(TimeoutError, match=r"held 2 of 3 records within 0.01 s: b'a', b'b'"):
        stream.wait_for(3, timeout=0.01)


def test_errors_of_direct_calls_are_those_of_s2(mock: S2Mock) -> None:
    from s2mock import BasinNotFound, ResourceAlreadyExists, SeqNumMismatch, StreamNotFound

    with pytest.raises(ResourceAlreadyExists):
        mock.create_basin(BASIN)
    with pytest.raises(BasinNotFound):
        mock.basin("missing-basin")
    with pytest.raises(StreamNotFound):
        mock.stream(BASIN, "missing")
    with pytest.raises(SeqNumMismatch):
        mock.stream(BASIN, "log").append(["a"], match_seq_num=7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clock": "manual"}, "clock is about the engine of s2mock"),
        ({"deletion_delay": 1.0}, "deletion_delay is about the engine"),
        ({"auth": "required"}, "auth is about the engine"),
        ({"upstream": "localhost:8080"}, "upstream must be a URL such as http://127.0.0.1:8080"),
        ({"upstream": "http://u:secret@h"}, "without a user"),
        ({"upstream": "http://h/v1"}, "without a path"),
        ({"upstream": "http://h:99999"}, "upstream must be a URL"),
        ({"upstream_token_env": "S2MOCK_NO_SUCH"}, "'S2MOCK_NO_SUCH', which is not set"),
        ({"upstream_basin_endpoint": "http://b.s2.dev"}, r"a URL with \{basin\} in its host"),
        ({"upstream_basin_endpoint": "{basin}.b.s2.dev"}, r"such as https://\{basin\}.b.s2.dev"),
        ({"basin_prefix": "Ci_"}, "basin_prefix must be lower-case letters"),
        ({"basin_prefix": "*-*"}, "basin_prefix must be lower-case letters"),
        ({"upstream": None, "basin_prefix": "ci-"}, "give upstream=URL with it"),
        (
            {"upstream": None, "upstream_basin_endpoint": "http://{basin}.x"},
            "upstream_basin_endpoint is about an upstream",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        S2Mock(**{"upstream": "http://127.0.0.1:1", **options})
    assert "secret" not in str(caught.value)


def test_the_basins_that_a_mock_was_given_are_deleted_at_its_end(real: S2Mock) -> None:
    real.create_basin("kept-basin")
    with S2Mock(upstream=real.url, basins=["given-basin"]) as mock:
        fresh = mock.fresh_basin()
        mock.create_basin("made-basin")
        assert real.basins == tuple(sorted(("given-basin", "kept-basin", "made-basin", fresh)))

    # That the test has made by itself may be one that other clients use.
    assert real.basins == ("kept-basin", "made-basin")


def test_a_mock_is_named_by_its_upstream(mock: S2Mock, real: S2Mock) -> None:
    assert repr(mock) == f"<S2Mock in front of {real.url}>"
    assert mock.is_fake is False


@pytest.mark.asyncio
async def test_it_is_served_on_a_loop_of_the_test(mock: S2Mock, real: S2Mock) -> None:
    import httpx

    async with await mock.serve() as server, httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.post(
            "/v1/streams/log/records",
            json={"records": [{"body": "a"}]},
            headers={"s2-basin": BASIN},
        )
    assert answer.status_code == 200
    assert real.stream(BASIN, "log").bodies == (b"a",)
