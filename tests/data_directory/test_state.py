"""What is there after the process was killed: all of the account, compared as snapshots."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from s2mock import AppendRecord, BasinConfig, ManualClock, S2Error, S2Mock, Snapshot, StreamConfig
from s2mock.registry.rules.access_tokens import IssueAccessToken, RevokeAccessToken
from s2mock.registry.rules.locations import SetDefaultLocation
from s2mock.registry.state import LOCATIONS
from s2mock.registry.values.scopes import EVERYTHING
from s2mock.registry.values.tokens import OWN_ID
from tests.data_directory.keeping import as_killed, keep, kept

BASINS = ("basin-one", "basin-two")
STREAMS = ("a", "b/c", "ü")
KEY = "dGhpcyBrZXkgaXMgb2YgdGhpcnR5LXR3byBieXRlcyE="
OPTIONS: dict[str, Any] = {"deletion_delay": 10, "revocation_delay": 5}

bodies = st.one_of(st.binary(max_size=20), st.just(b"x" * 2000))
headers = st.lists(st.tuples(st.binary(min_size=1, max_size=4), st.binary(max_size=4)), max_size=2)
records = st.builds(
    AppendRecord, bodies, headers, st.one_of(st.none(), st.integers(0, 2_000_000_000_000))
)
batches = st.one_of(
    st.lists(records, min_size=1, max_size=4),
    # A chunk has 1024 records.
    st.integers(1, 1000).map(lambda count: [AppendRecord(b"%d" % n) for n in range(count)]),
    st.text(max_size=8).map(lambda token: [AppendRecord.fence(token)]),
    st.integers(0, 3000).map(lambda point: [AppendRecord.trim(point)]),
)
stream_configs = st.builds(
    StreamConfig,
    storage_class=st.sampled_from([None, "standard"]),
    retention_policy=st.sampled_from([None, "infinite", 20]),
    timestamping_mode=st.sampled_from([None, "arrival"]),
    timestamping_uncapped=st.sampled_from([None, True]),
    delete_on_empty_min_age=st.sampled_from([None, 30]),
)
basin_configs = st.builds(
    BasinConfig,
    default_stream_config=stream_configs,
    stream_cipher=st.sampled_from([None, "aegis-256"]),
    create_stream_on_append=st.booleans(),
)
names = st.tuples(st.sampled_from(BASINS), st.sampled_from(STREAMS))


class KeptAccount(RuleBasedStateMachine):
    """An account that is written to, and compared with what a copy of its directory holds."""

    @initialize(auth=st.sampled_from(["open", "required"]))
    def begin(self, auth: str) -> None:
        self.folder = TemporaryDirectory()
        self.directory = Path(self.folder.name) / "data"
        self.options = {**OPTIONS, "auth": auth}
        self.snapshot: Snapshot | None = None
        self._start()

    def _start(self) -> None:
        self.mock = S2Mock(clock=ManualClock(), **self.options)
        self.keeper = keep(self.mock, self.directory)

    def teardown(self) -> None:
        self.mock.close()
        self.folder.cleanup()

    def attempt(self, function: Any, *arguments: Any, **named: Any) -> None:
        """Do it; a refusal changes nothing, or creates a stream."""
        with suppress(S2Error):
            function(*arguments, **named)

    @rule(name=st.sampled_from(BASINS), config=basin_configs, token=st.sampled_from([None, "t"]))
    def create_basin(self, name: str, config: BasinConfig, token: str | None) -> None:
        self.attempt(self.mock.create_basin, name, config, request_token=token)

    @rule(name=st.sampled_from(BASINS), config=basin_configs)
    def ensure_basin(self, name: str, config: BasinConfig) -> None:
        self.attempt(self.mock.ensure_basin, name, config)

    @rule(name=names, config=stream_configs, token=st.sampled_from([None, "t"]))
    def create_stream(self, name: tuple[str, str], config: StreamConfig, token: str | None) -> None:
        self.attempt(
            lambda: self.mock.basin(name[0]).create_stream(name[1], config, request_token=token)
        )

    @rule(name=names, age=st.sampled_from([None, 15]))
    def reconfigure(self, name: tuple[str, str], age: int | None) -> None:
        self.attempt(
            lambda: self.mock.stream(*name).reconfigure(
                delete_on_empty_min_age=age, retention_policy=age or "infinite"
            )
        )

    @rule(name=names, batch=batches)
    def append(self, name: tuple[str, str], batch: list[AppendRecord]) -> None:
        self.attempt(lambda: self.mock.stream(*name).append(batch, encryption_key=KEY))

    @rule(name=names, repeat=st.integers(1, 5))
    def append_over_the_api(self, name: tuple[str, str], repeat: int) -> None:
        """Creates the stream, if its basin says so."""
        basin, stream = name
        for _ in range(repeat):
            self.mock.client.post(
                f"/v1/streams/{stream.replace('/', '%2F')}/records",
                json={"records": [{"body": "from outside"}]},
                headers={
                    "s2-basin": basin,
                    "authorization": f"Bearer {self.mock.token}",
                    "s2-encryption-key": KEY,
                },
            )

    @rule(name=names)
    def delete_stream(self, name: tuple[str, str]) -> None:
        self.attempt(lambda: self.mock.stream(*name).delete())

    @rule(name=st.sampled_from(BASINS))
    def delete_basin(self, name: str) -> None:
        self.attempt(lambda: self.mock.basin(name).delete())

    @rule(token=st.sampled_from("ab"), life=st.sampled_from([None, 10**10]))
    def issue(self, token: str, life: int | None) -> None:
        issue = IssueAccessToken(token, EVERYTHING, expires_in=life)
        self.attempt(self.mock._engine.carry_out, issue)

    @rule(token=st.sampled_from(["a", "b", OWN_ID]))
    def revoke(self, token: str) -> None:
        self.attempt(self.mock._engine.carry_out, RevokeAccessToken(token))

    @rule(location=st.sampled_from(LOCATIONS))
    def set_location(self, location: Any) -> None:
        self.mock._engine.carry_out(SetDefaultLocation(location.name))

    @rule(seconds=st.sampled_from([0.001, 1, 7, 100]))
    def advance(self, seconds: float) -> None:
        self.mock.advance(seconds)

    @rule()
    def compact(self) -> None:
        self.keeper.compact()

    @rule()
    def take(self) -> None:
        self.snapshot = self.mock.snapshot()

    @precondition(lambda self: self.snapshot is not None)
    @rule()
    def restore(self) -> None:
        assert self.snapshot is not None
        self.mock.restore(self.snapshot)

    @rule()
    def reset(self) -> None:
        self.mock.reset()

    @rule()
    def restart(self) -> None:
        self.snapshot = None
        self.mock.close()
        self._start()

    @rule()
    def compare(self) -> None:
        with as_killed(self.directory, clock=ManualClock(), **self.options) as other:
            assert other.clock.now() == self.mock.clock.now()
            assert other.snapshot() == self.mock.snapshot()
            assert other._engine.timekeeper.shift == self.mock._engine.timekeeper.shift
            ours, theirs = (
                {
                    token.id: token.ends
                    for token in (() if state.tokens is None else state.tokens.by_secret.values())
                }
                for state in (self.mock._engine.state, other._engine.state)
            )
            assert ours == theirs
            for basin in self.mock.basins:
                place = self.mock.basin(basin)
                assert other.basin(basin)._place == place._place
                for stream in place.streams:
                    assert (
                        other.stream(basin, stream)._place == self.mock.stream(basin, stream)._place
                    )


TestKeptAccount = pytest.mark.slow(pytest.mark.timeout(600)(KeptAccount.TestCase))
TestKeptAccount.settings = settings(stateful_step_count=30, deadline=None)


def test_a_following_change_does_not_reach_the_records_in_the_file(tmp_path: Path) -> None:
    with kept(tmp_path / "data") as mock:
        stream = mock.create_basin("my-basin").create_stream("s")
        for number in range(3):
            stream.append([b"%d" % number])
    with kept(tmp_path / "data") as mock:
        snapshot = mock.snapshot()
        mock.stream("my-basin", "s").append(["later"])
        assert mock.stream("my-basin", "s").bodies == (b"0", b"1", b"2", b"later")
        mock.restore(snapshot)
        assert mock.stream("my-basin", "s").bodies == (b"0", b"1", b"2")
    with kept(tmp_path / "data") as mock:
        assert mock.stream("my-basin", "s").bodies == (b"0", b"1", b"2")
