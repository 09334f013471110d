"""Each part of an account, as a log and as a state have it: read again, it is the same."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s2mock import AppendRecord, BasinConfig, ManualClock, S2Mock, StreamConfig
from s2mock.registry.rules.access_tokens import IssueAccessToken, RevokeAccessToken
from s2mock.registry.rules.locations import SetDefaultLocation
from s2mock.registry.values.scopes import ALL, NOTHING, ResourceSet, Scope
from s2mock.registry.values.tokens import OWN_ID
from tests.data_directory.keeping import as_killed, keep, kept

KEY = "dGhpcyBrZXkgaXMgb2YgdGhpcnR5LXR3byBieXRlcyE="
OPTIONS: dict[str, Any] = {"deletion_delay": 100, "revocation_delay": 50}
SCOPE = Scope(ResourceSet("prefix", "my-"), ALL, NOTHING, ("basin.read",), ("append", "read"))


def tokens_of(mock: S2Mock) -> Any:
    tokens = mock._engine.state.tokens
    return tokens and (
        tokens.issued,
        {token.secret: token for token in tokens.by_secret.values()},
        [*tokens.by_id],
    )


Check = Callable[[], None]


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[S2Mock]:
    """An account that is kept, with a basin, ten seconds after its start."""
    with S2Mock(clock=ManualClock(1000), **OPTIONS) as mock:
        keep(mock, tmp_path / "data")
        mock.create_basin("my-basin")
        mock.advance(10)
        yield mock


@pytest.fixture(params=["as a log", "as a state", "as a state and a log"])
def check(request: pytest.FixtureRequest, mock: S2Mock, tmp_path: Path) -> Check:
    """Compare the account with what its directory has, now and at later times."""

    def check() -> None:
        keeper = mock._keeper
        assert keeper is not None
        if keeper._compacting is not None:
            # Of a log with many bytes.
            keeper._compacting.join()
        if request.param != "as a log":
            keeper.compact()
        if request.param == "as a state and a log":
            mock.create_basin("another-basin")
        with as_killed(tmp_path / "data", clock=ManualClock(), **OPTIONS) as other:
            assert other.snapshot() == mock.snapshot()
            assert tokens_of(other) == tokens_of(mock)
            for seconds in (20, 40, 200, 4000):
                other.advance(seconds)
                mock.advance(seconds)
                assert other.snapshot() == mock.snapshot()

    return check


def test_records_in_all_forms(mock: S2Mock, check: Check) -> None:
    stream = mock.basin("my-basin").create_stream("s", StreamConfig(timestamping_uncapped=True))
    stream.append([b"", b"\0\xff", "text"])
    stream.append([AppendRecord("x", [("name", "value"), (b"\1", b"")]), "without headers"])
    stream.append([AppendRecord("x", timestamp=5), AppendRecord("y", timestamp=2**64 - 1)])
    mock.advance(5)
    stream.append(["later"])
    check()


def test_many_records(mock: S2Mock, check: Check) -> None:
    stream = mock.basin("my-basin").create_stream("s")
    for count in (1, 1000, 30, 1000, 1, 1, 700):
        mock.advance(1)
        stream.append([f"{count} {number}" for number in range(count)])
    check()


def test_records_that_fill_a_chunk_by_their_bytes(mock: S2Mock, check: Check) -> None:
    stream = mock.basin("my-basin").create_stream("s")
    for _ in range(11):
        stream.append([b"x" * 900_000])
    check()


@pytest.mark.parametrize("retention", ["infinite", 25, 2**64 - 1])
def test_expiry(mock: S2Mock, check: Check, retention: Any) -> None:
    stream = mock.basin("my-basin").create_stream("s", StreamConfig(retention_policy=retention))
    for _ in range(3):
        stream.append(["a", "b"])
        mock.advance(5)
    check()


def test_expiry_in_another_order(mock: S2Mock, check: Check) -> None:
    stream = mock.basin("my-basin").create_stream("s", StreamConfig(retention_policy=150))
    stream.append(["long"])
    stream.reconfigure(retention_policy=30)
    stream.append(["short"])
    stream.reconfigure(retention_policy="infinite")
    stream.append(["for ever"])
    stream.reconfigure(retention_policy=80)
    stream.append(["middle"])
    check()


def test_keys(mock: S2Mock, check: Check) -> None:
    basin = mock.create_basin("secret-basin", BasinConfig(stream_cipher="aegis-256"))
    stream = basin.create_stream("s")
    stream.append(["a", "b"], encryption_key=KEY)
    # A command needs no key.
    stream.append([AppendRecord.fence("token")], encryption_key=KEY)
    mock.basin("my-basin").create_stream("plain").append(["c"])
    check()


def test_fences_and_trims(mock: S2Mock, check: Check) -> None:
    basin = mock.basin("my-basin")
    for name, point in (("none", 0), ("some", 7), ("all", 100)):
        stream = basin.create_stream(name)
        stream.append([f"{number}" for number in range(10)])
        stream.append([AppendRecord.fence("ü"), "between", AppendRecord.trim(point)])
        stream.append(["behind"])
    basin.create_stream("without").append([AppendRecord.fence("")])
    check()


def test_checks_of_delete_on_empty(mock: S2Mock, check: Check) -> None:
    config = StreamConfig(delete_on_empty_min_age=300)
    basin = mock.basin("my-basin")
    basin.create_stream("empty", config)
    basin.create_stream("full", config).append(["x"])
    trimmed = basin.create_stream("trimmed", config)
    trimmed.append(["x"])
    mock.advance(700)
    trimmed.append(["y"])
    trimmed.append([AppendRecord.trim(10)])
    check()


def test_the_last_write(mock: S2Mock, check: Check) -> None:
    stream = mock.basin("my-basin").create_stream("s", StreamConfig(delete_on_empty_min_age=300))
    mock.advance(200)
    stream.append(["x"])
    check()


def test_pending_deletions(mock: S2Mock, check: Check) -> None:
    basin = mock.basin("my-basin")
    basin.create_stream("a").append(["x"])
    basin.create_stream("b")
    basin.stream("a").delete()
    mock.advance(7)
    mock.create_basin("second-basin").create_stream("c").append(["x"])
    mock.basin("second-basin").delete()
    check()


def test_deletions_that_are_complete_and_names_that_are_used_again(
    mock: S2Mock, check: Check
) -> None:
    basin = mock.basin("my-basin")
    basin.create_stream("a").append(["x"])
    basin.stream("a").delete()
    mock.advance(150)
    basin.create_stream("a").append(["again"])
    mock.create_basin("second-basin").create_stream("a").append(["x"])
    mock.basin("second-basin").delete()
    mock.advance(150)
    mock.create_basin("second-basin").create_stream("a")
    check()


def test_configurations_and_request_tokens(mock: S2Mock, check: Check) -> None:
    config = BasinConfig(
        StreamConfig("standard", 60, "arrival", True, 5),
        None,
        True,
        True,
    )
    basin = mock.create_basin("second-basin", config, request_token="")
    basin.create_stream("s", StreamConfig(storage_class="express"), request_token="t")
    basin.reconfigure(create_stream_on_read=False)
    mock.ensure_basin("third-basin", config)
    check()


def test_access_tokens(mock: S2Mock, check: Check) -> None:
    engine = mock._engine
    for name, life, is_prefixed in (("a", None, False), ("b", 10**11, True), ("c", None, False)):
        scope = Scope(ALL, ResourceSet("prefix", "p/"), NOTHING, (), ("append",))
        engine.carry_out(
            IssueAccessToken(
                name,
                scope if is_prefixed else SCOPE,
                expires_in=life,
                auto_prefix_streams=is_prefixed,
            )
        )
    engine.carry_out(RevokeAccessToken("c"))
    engine.carry_out(IssueAccessToken("c", SCOPE))
    engine.carry_out(RevokeAccessToken(OWN_ID))
    check()


def test_the_default_location(mock: S2Mock, check: Check) -> None:
    mock._engine.carry_out(SetDefaultLocation("aws:eu-north-1"))
    mock.create_basin("second-basin")
    check()


def test_a_restored_account(mock: S2Mock, check: Check) -> None:
    mock.basin("my-basin").create_stream("s", StreamConfig(retention_policy=60)).append(["x"])
    mock.basin("my-basin").create_stream("deleted").delete()
    snapshot = mock.snapshot()
    mock.advance(1000)
    mock.restore(snapshot)
    mock.advance(30)
    mock.stream("my-basin", "s").append(["y"])
    check()


def test_a_limit_of_bytes_over_records_of_several_runs(tmp_path: Path) -> None:
    """Their metered bytes are added up over the chunks that become one."""
    with kept(tmp_path) as mock:
        mock.create_basin("my-basin").create_stream("s")
    # A chunk of a state, and behind it appends of a log.
    for _ in range(4):
        with kept(tmp_path) as mock:
            mock.stream("my-basin", "s").append([b"x" * 92] * 3)
        with S2Mock() as mock:
            keep(mock, tmp_path).compact()
    with kept(tmp_path) as mock:
        for start in range(12):
            answer = mock.client.get(
                f"/v1/streams/s/records?seq_num={start}&bytes=350",
                headers={"s2-basin": "my-basin"},
            )
            # Each has 100 metered bytes.
            assert len(answer.get_json()["records"]) == min(3, 12 - start)
