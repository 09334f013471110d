"""`RemoteS2Mock` in front of a standalone s2mock: the powers by HTTP, on an account of its own."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from s2mock import (
    AppendRecord,
    BasinConfig,
    BasinNotFound,
    Cut,
    Delay,
    Drop,
    Fail,
    Fault,
    FencingTokenMismatch,
    Invalid,
    InvalidName,
    NotOnTarget,
    RemoteS2Mock,
    ResourceAlreadyExists,
    S2Mock,
    SeqNumMismatch,
    StaleHandle,
    StreamConfig,
    StreamNotFound,
    TargetError,
    UnusedFault,
)
from s2mock.control.settings import ControlSettings
from tests.plugin.conftest import run
from tests.powers.conftest import Started

pytestmark = pytest.mark.slow

__all__ = ["run"]

BASIN = "my-basin"


@pytest.fixture
def url(standalone: str) -> str:
    return standalone


@pytest.fixture
def remote(url: str) -> Iterator[RemoteS2Mock]:
    with RemoteS2Mock(url, basins=[{"name": BASIN, "streams": [{"name": "log"}]}]) as remote:
        yield remote


def append(remote: RemoteS2Mock, body: str) -> int:
    headers = {"s2-basin": BASIN, "authorization": f"Bearer {remote.token}"}
    return httpx.post(
        f"{remote.url}/v1/streams/log/records",
        json={"records": [{"body": body}]},
        headers=headers,
        trust_env=False,
        timeout=30,
    ).status_code


def test_each_is_an_account_of_its_own(url: str, remote: RemoteS2Mock) -> None:
    with RemoteS2Mock(url) as other:
        assert remote.is_fake
        assert other.is_fake
        assert remote.env["S2_ACCESS_TOKEN"] != other.env["S2_ACCESS_TOKEN"]
        assert (remote.basins, other.basins) == ((BASIN,), ())
        assert other.fresh_basin() in other.basins
        assert len(other.journal) == 0
    late = httpx.get(f"{url}/v1/basins", headers={"authorization": f"Bearer {other.token}"})
    assert late.status_code == 401
    other.close()


def test_direct_access_is_that_of_the_fake(remote: RemoteS2Mock) -> None:
    basin = remote.create_basin("other-basin", BasinConfig(create_stream_on_append=True))
    assert remote.basin("other-basin") == basin
    assert basin.config.create_stream_on_append
    assert basin.reconfigure(create_stream_on_append=False) == BasinConfig()
    stream = basin.create_stream(
        "a/b", StreamConfig(retention_policy=60, timestamping_mode="client-require")
    )
    assert stream.config.retention_policy == 60
    assert stream.reconfigure(retention_policy="infinite").retention_policy == "infinite"
    ack = stream.append(
        [AppendRecord("a", (), 7), AppendRecord(b"\xff", [("n", b"\xfe")], 9)], match_seq_num=0
    )
    assert (ack.end.seq_num, stream.tail) == (2, ack.tail)
    first, second = stream.records
    assert remote.stream("other-basin", "a/b").bodies == (b"a", b"\xff")
    assert (first.body, second.body, second.headers) == (b"a", b"\xff", ((b"n", b"\xfe"),))
    with S2Mock(basins=["other-basin"]) as mock:
        twin = mock.basin("other-basin").create_stream("a/b", stream.config)
        twin.append([AppendRecord("a", (), 7), AppendRecord(b"\xff", [("n", b"\xfe")], 9)])
        assert twin.records[1] == second
    [info] = basin.list_streams(prefix="a").items
    assert (info.name, info.deleted_at, basin.streams) == ("a/b", None, ("a/b",))
    stream.delete()
    assert basin.streams == ()
    basin.ensure_stream("c").append([AppendRecord.fence("mine")])
    with pytest.raises(FencingTokenMismatch) as fenced:
        basin.stream("c").append(["x"], fencing_token="yours")
    assert fenced.value.fencing_token == "mine"
    with pytest.raises(SeqNumMismatch):
        basin.stream("c").append(["x"], match_seq_num=7)
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        basin.create_stream("c")
    with pytest.raises(StreamNotFound):
        basin.stream("d")
    basin.delete()
    with pytest.raises(BasinNotFound):
        remote.basin("other-basin")
    assert list(remote.journal) == []


def test_a_basin_is_ensured_with_its_configuration(remote: RemoteS2Mock) -> None:
    config = BasinConfig(
        default_stream_config=StreamConfig(retention_policy=60), create_stream_on_read=True
    )
    assert remote.ensure_basin("other-basin", config).config == config
    assert remote.ensure_basin("other-basin").config == BasinConfig()


def test_waiting_for_records(remote: RemoteS2Mock) -> None:
    stream = remote.stream(BASIN, "log")
    waiting = Started(lambda: stream.wait_for(3, timeout=30))
    stream.append(["a", "b"])
    stream.fence("mine")
    assert [record.body for record in waiting.result()] == [b"a", b"b", b"mine"]
    stream.trim(1)
    assert stream.bodies == (b"b",)
    assert stream.readers == 0
    with pytest.raises(TimeoutError, match="held 3 of 4 records within 0 s"):
        stream.wait_for(4, timeout=0)


def test_a_long_stream(remote: RemoteS2Mock) -> None:
    stream = remote.basin(BASIN).stream("log")
    for _ in range(3):
        stream.append(["x" * 1000] * 900)
    assert [record.seq_num for record in stream.records] == list(range(2700))


def test_faults_and_the_journal(remote: RemoteS2Mock) -> None:
    with remote.inject(Fail("unavailable", committed=True), on="append", stream="l*") as injected:
        assert append(remote, "a") == 503
        [exchange] = injected.wait()
    assert (injected.hits, injected.remaining) == (1, 0)
    assert exchange == remote.journal[0] == remote.journal.wait_for("append")[0]
    assert exchange.effect.committed
    assert exchange.fault == Fail("unavailable", committed=True)
    assert exchange.request.document == {"records": [{"body": "a"}]}
    assert exchange.response is not None
    assert exchange.response.status == 503
    assert [record.body for record in remote.basin(BASIN).stream("log").records] == [b"a"]
    remote.journal.clear()
    assert len(remote.journal) == remote.journal.dropped == 0
    with pytest.raises(TimeoutError, match="0 of 1 read arrived within 0 s"):
        remote.journal.wait_for("read", timeout=0)


def test_a_journal_that_is_off(url: str, remote: RemoteS2Mock) -> None:
    assert (remote.journal.limit, remote.journal.is_on) == (10_000, True)
    with RemoteS2Mock(url, journal_limit=0) as off:
        assert (off.journal.limit, off.journal.is_on) == (0, False)
    # A hold that has ended is unknown.
    assert off.journal.is_on


def test_what_makes_no_sense_is_said_as_by_the_fake(remote: RemoteS2Mock) -> None:
    with pytest.raises(TypeError, match="a kind of fault"):
        remote.inject(Drop, on="append")
    with pytest.raises(ValueError, match="did you mean 'append'"):
        remote.hold(on="appent")
    with pytest.raises(TypeError, match="status must be a whole number"):
        remote.journal.of(status="200")
    with pytest.raises(TypeError, match="hits must be a whole number"):
        remote.inject(Drop(), on="append", required=False).wait("1")


def test_holds_and_readers(remote: RemoteS2Mock) -> None:
    with remote.hold(on="append") as held:
        first = Started(lambda: append(remote, "a"))
        [exchange] = asyncio.run(held.async_wait(timeout=30))
        assert exchange.response is None
        assert remote.basin(BASIN).stream("log").readers == 0
    assert first.result() == 200
    with pytest.raises(TimeoutError, match="0 of 2 read sessions"):
        remote.basin(BASIN).stream("log").wait_for_readers(2, timeout=0)


@pytest.mark.parametrize("timeout", [100_000, 1e300, 10**400, float("inf")])
def test_timeouts_of_more_than_a_day(remote: RemoteS2Mock, timeout: float) -> None:
    stream = remote.basin(BASIN).stream("log")
    fault = remote.inject(Drop(), on="append", required=False)
    hold = remote.hold(on="append")
    waits = [
        Started(lambda: fault.wait(timeout=timeout)),
        Started(lambda: hold.wait(timeout=timeout)),
        Started(lambda: stream.wait_for(1, timeout=timeout)),
        Started(lambda: remote.journal.wait_for("append", 2, timeout=timeout)),
    ]
    with pytest.raises(httpx.TransportError):
        append(remote, "a")
    second = Started(lambda: append(remote, "b"))
    for waiting in waits[:2]:
        assert len(waiting.result()) == 1
    hold.release()
    assert second.result() == 200
    assert len(waits[2].result()) == 1
    assert len(waits[3].result()) == 2


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_numbers_that_json_does_not_have(url: str, remote: RemoteS2Mock, value: float) -> None:
    with pytest.raises(ValueError, match="deletion_delay must be a finite number"):
        RemoteS2Mock(url, deletion_delay=value)
    with pytest.raises(ValueError, match="seconds must be a finite number"):
        remote.advance(value)


def test_reset_and_snapshots(remote: RemoteS2Mock) -> None:
    stream = remote.basin(BASIN).stream("log")
    stream.append(["a"])
    snapshot = remote.snapshot()
    remote.reset()
    assert remote.stream(BASIN, "log").records == ()
    with pytest.raises(StaleHandle, match="reset"):
        _ = stream.records
    remote.restore(snapshot)
    assert [record.body for record in stream.records] == [b"a"]
    with RemoteS2Mock(remote.url, snapshot=snapshot) as other:
        assert len(other.basin(BASIN).stream("log").records) == 1


def test_a_clock_that_is_turned(url: str) -> None:
    with RemoteS2Mock(url, clock="manual", basins=[BASIN]) as remote:
        start = remote.clock.now()
        remote.basin(BASIN).create_stream("log")
        remote.inject(Delay(60), on="append")
        late = Started(lambda: append(remote, "a"))
        remote.wait_for_waiters()
        asyncio.run(remote.async_wait_for_waiters())
        remote.clock.wait_for_waiters()
        remote.advance(60)
        assert late.result() == 200
        assert remote.clock.now() == start + 60 * 10**9
    with pytest.raises(ValueError, match='clock must be "manual"'):
        RemoteS2Mock(url, clock=object())


def test_a_token_of_ones_own_is_the_first_account(url: str) -> None:
    with RemoteS2Mock(url, token="s2mock") as one:
        assert one.env["S2_ACCESS_TOKEN"] == "s2mock"
        name = one.fresh_basin()
        with RemoteS2Mock(url, token="s2mock") as two:
            assert name in two.basins
        assert name in one.basins
    assert httpx.get(f"{url}/v1/basins", trust_env=False).json()["basins"] == []
    with pytest.raises(ValueError, match="deletion_delay: options of the fake"):
        RemoteS2Mock(url, token="s2mock", deletion_delay=1)


def test_a_token_that_the_server_has_not_given_is_an_error(url: str) -> None:
    with pytest.raises(TargetError, match="has no account with the token given"):
        RemoteS2Mock(url, token="s2mokc")


def test_server_without_a_first_account() -> None:
    with S2Mock(control=True) as served:
        served._set_up_server(ControlSettings(has_first_account=False), own_hosts_only=False)
        with RemoteS2Mock(served.url, basins=[BASIN]) as remote:
            assert remote.is_fake
            remote.basin(BASIN).create_stream("log")
            assert append(remote, "a") == 200
            assert len(remote.journal) == 1
            with remote.fork() as fork:
                assert fork.basins == (BASIN,)
        assert httpx.get(f"{served.url}/v1/basins", trust_env=False).status_code == 401


def test_what_needs_the_mock_in_this_process(remote: RemoteS2Mock) -> None:
    with pytest.raises(NotOnTarget, match=r"s2_mock\.account needs the mock in this process"):
        _ = remote.account


class TestTheClient:
    def test_calls(self, remote: RemoteS2Mock) -> None:
        answer = remote.client.post(
            f"/v1/streams/log/records?{'x' * 9}=1",
            json={"records": [{"body": "grüße"}]},
            headers={"s2-basin": BASIN},
        )
        assert (answer.status_code, answer.json["end"]["seq_num"]) == (200, 1)
        answer = remote.client.get(
            "/v1/streams/log/records",
            query_string={"seq_num": 0},
            headers={"s2-basin": BASIN, "accept": "text/event-stream"},
            buffered=False,
        )
        # It goes on, and what is there comes.
        assert any("grüße".encode() in piece for piece in answer.iter_encoded())
        answer.close()
        asked = remote.journal[0].request
        assert (asked.path, asked.query) == ("/v1/streams/log/records", "xxxxxxxxx=1")
        assert asked.headers["authorization"] == f"Bearer {remote.token}"

    def test_a_token_of_another_is_kept(self, remote: RemoteS2Mock) -> None:
        narrow = remote.issue_token("narrow", ops=["read"])
        headers = {"authorization": f"Bearer {narrow.secret}"}
        assert remote.client.get("/v1/basins", headers=headers).status_code == 403
        assert remote.client.head("/v1/basins").status_code == 200

    @pytest.mark.parametrize("fault", [Drop(), Cut(bytes=9)])
    def test_what_breaks_off(self, remote: RemoteS2Mock, fault: Fault) -> None:
        remote.inject(fault, on="list-basins")
        with pytest.raises(ConnectionResetError):
            _ = remote.client.get("/v1/basins").data
        assert remote.client.get("/v1/basins").json["basins"][0]["name"] == BASIN


class TestAFork:
    def test_goes_its_own_way(self, remote: RemoteS2Mock) -> None:
        log = remote.basin(BASIN).stream("log")
        log.append(["a"])
        fork = remote.fork()
        fork.basin(BASIN).stream("log").append(["b"])
        log.append(["c"])
        assert fork.basin(BASIN).stream("log").bodies == (b"a", b"b")
        assert log.bodies == (b"a", b"c")
        assert fork.token != remote.token
        assert len(fork.journal) == 0

    def test_has_the_options_and_the_time_of_its_origin(self, url: str) -> None:
        with RemoteS2Mock(url, basins=[BASIN], clock="manual", deletion_delay=60) as remote:
            remote.advance(1.000_000_001)
            fork = remote.fork()
            assert fork.clock.now() == remote.clock.now()
            fork.advance(60)
            assert fork.clock.now() == remote.clock.now() + 60 * 10**9
            fork.basin(BASIN).delete()
            assert fork.basins == (BASIN,)
            fork.advance(60)
            assert fork.basins == ()

    def test_ends_with_its_origin_and_its_faults_are_not_forgotten(
        self, pytester: pytest.Pytester, url: str
    ) -> None:
        pytester.makepyfile(
            """
            import pytest
            from s2mock import Drop
            kept = []

            def test_it(s2_mock):
                kept.append(s2_mock.fork())
                kept[0].inject(Drop(), on="append")

            def test_after(s2_mock):
                assert kept[0].client.get("/v1/basins").status_code == 401
            """
        )
        without = ("-p", "no:hypothesispytest", "-p", "no:asyncio")
        result = pytester.runpytest_inprocess(*without, f"--s2mock-target={url}")
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["a fault never fired: inject(Drop(), on='append')*"])


def test_locations(remote: RemoteS2Mock) -> None:
    def location_of(name: str) -> str:
        listed = remote.client.get("/v1/basins").json["basins"]
        return str(next(info["location"] for info in listed if info["name"] == name))

    remote.create_basin("some-basin", location="aws:us-west-2")
    remote.ensure_basin("next-basin", location="aws:us-west-2")
    assert location_of("some-basin") == location_of("next-basin") == "aws:us-west-2"
    assert location_of(BASIN) == "aws:us-east-1"
    with pytest.raises(Invalid, match="aws:nowhere"):
        remote.create_basin("lost-basin", location="aws:nowhere")
    with pytest.raises(InvalidName, match="location name must comprise ASCII"):
        remote.ensure_basin("lost-basin", location="under the sea")
    with pytest.raises(TypeError, match="location must be text"):
        remote.create_basin("lost-basin", location=5)
    assert "lost-basin" not in remote.basins


def test_leaving_the_block_with_a_fault_that_was_not_used(url: str) -> None:
    with (
        pytest.raises(UnusedFault, match=r"never fired: inject\(Drop\(\), on='append'\)"),
        RemoteS2Mock(url) as remote,
    ):
        remote.inject(Drop(), on="append")


def test_leaving_the_block_with_a_hold_that_nothing_reached(url: str) -> None:
    says = r"^a hold held nothing: hold\(on='append', at='commit'\); no append arrived"
    with RemoteS2Mock(url) as remote:
        with pytest.raises(UnusedFault, match=says), remote.hold(on="append") as held:
            held.release()
        with remote.hold(on="append", required=False):
            pass
        with pytest.raises(KeyError), remote.hold(on="append"):
            raise KeyError
        with pytest.raises(TypeError, match="required must be True or False"):
            remote.hold(on="append", required=1)
    with pytest.raises(UnusedFault, match=says), RemoteS2Mock(url) as remote:
        remote.hold(on="append")
    with pytest.raises(UnusedFault, match=says), RemoteS2Mock(url) as remote:
        remote.hold(on="append").release()


def test_the_fixture_and_the_end_of_a_test(pytester: pytest.Pytester, url: str) -> None:
    pytester.makepyfile(
        """
        import httpx, pytest
        from s2mock import Drop

        @pytest.mark.s2_mock(basins=["my-basin"], deletion_delay=60)
        def test_with_options(s2_mock):
            assert s2_mock.basins == ("my-basin",)
            s2_mock.basin("my-basin").delete()
            assert s2_mock.basins == ("my-basin",)

        def test_an_unused_fault(s2_mock):
            s2_mock.inject(Drop(), on="append")

        def test_an_unused_hold(s2_mock):
            s2_mock.hold(on="append")

        def test_a_timeline(s2_mock):
            headers = {"authorization": f"Bearer {s2_mock.token}"}
            httpx.get(f"{s2_mock.url}/v1/basin", headers=headers, trust_env=False)
            assert 1 == 2

        def test_by_itself(s2_mock):
            with s2_mock.outage():
                pass
            assert s2_mock.is_fake
        """
    )
    without = ("-p", "no:hypothesispytest", "-p", "no:asyncio")
    result = pytester.runpytest_inprocess(*without, f"--s2mock-target={url}")
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["a fault never fired: inject(Drop(), on='append'); no append*"])
    result.stdout.fnmatch_lines(["a hold held nothing: hold(on='append', at='commit'); no append*"])
    result.stdout.fnmatch_lines(["*s2mock: 1 exchange*", "*no route /v1/basin; is it*"])


def test_a_test_is_advised_at_its_end(pytester: pytest.Pytester, url: str) -> None:
    pytester.makepyfile(
        """
        def test_mistakes(s2_mock):
            for _ in range(2):
                assert s2_mock.client.get("/v1/basins?prefx=my").status_code == 200
            s2_mock.journal.clear()

        def test_without(s2_mock):
            assert s2_mock.client.get("/v1/basins?prefix=my").status_code == 200
        """
    )
    without = ("-p", "no:hypothesispytest", "-p", "no:asyncio")
    target = f"--s2mock-target={url}"
    result = pytester.runpytest_inprocess(*without, target, "-Werror::s2mock.S2Advice")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["S2Advice: *did you mean `prefix`? (exchange 1, list-basins, and 1 more)"]
    )
    pytester.runpytest_inprocess(*without, target, "--s2mock-advice=off").assert_outcomes(passed=2)
