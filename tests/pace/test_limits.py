"""`limits`: the rates and quotas of the hosted service, by the account's clock."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mock import Drop, ManualClock, S2Mock
from s2mock.powers.rate_limits import Bucket
from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.registry.values.errors import Invalid, QuotaExhausted
from s2mock.registry.values.limits import CLOUD, FREE, NO_LIMITS, Limits, as_limits
from tests.backends import Make
from tests.pace import EXAMPLES
from tests.plugin.conftest import Run, run
from tests.powers.conftest import BASIN, FRAMES, PATIENCE, RECORDS, SEEDS, Answer, Started, Way
from tests.powers.frames import append_frame, frames
from tests.sessions.h2_client import H2Client

__all__ = ["run"]

pytestmark = pytest.mark.openapi_unchecked("S2's description has no 429 for appends")

DAY = 24 * 60 * 60
SECOND = 10**9
PROTOBUF = {"content-type": "application/protobuf"}
TENTH = {"batches_per_second": 20, "bytes_per_second": 100 * 1024 * 1024}


def retry_after(answer: Answer) -> int:
    """The milliseconds that an answer asks the client to wait."""
    assert (answer.status, answer.json["code"]) == (429, "rate_limited")
    return int(answer.headers["retry-after-ms"])


def batch(size: int) -> bytes:
    """An append of one record of that metered size, as protobuf."""
    return append_frame("x" * (size - 8))[4:]


@pytest.fixture
def cloud() -> Iterator[S2Mock]:
    """A mock with the limits of the hosted service, and a manual clock."""
    with S2Mock(clock="manual", limits="cloud", basins=SEEDS) as mock:
        yield mock


@pytest.fixture
def limited(make: Make) -> Any:
    """A mock with the limits of a tenth of the hosted service's batches, and a manual clock."""
    return make(clock="manual", limits=TENTH, basins=SEEDS)


@pytest.fixture
def way(limited: Any) -> Iterator[Way]:
    with closing(Way("http1", limited)) as way:
        yield way


# Batches.


def test_the_201st_batch_is_refused_until_the_bucket_refills(cloud: S2Mock) -> None:
    with closing(Way("http1", cloud)) as way:
        assert [way.append(str(n)).status for n in range(200)] == [200] * 200
        refused = way.append("201st")
        assert retry_after(refused) == 5
        assert refused.json["message"] == (
            "rate limited: 200 batches per second for each stream and connection"
        )
        cloud.advance(0.004)
        assert retry_after(way.append("201st")) == 1
        cloud.advance(0.001)
        assert way.append("201st").json["start"]["seq_num"] == 200
        assert retry_after(way.append("202nd")) == 5
        # Half a second refills a half.
        cloud.advance(0.5)
        assert [way.append("x").status for _ in range(101)] == [200] * 100 + [429]
        # A quiet hour fills it, and no more than that.
        cloud.advance(3600)
        assert [way.append("x").status for _ in range(201)] == [200] * 200 + [429]
        exchange = cloud.journal.of("append", status=429)[-1]
        assert (exchange.reason or "").startswith("rate limited: 200 batches per second")
        assert not exchange.effect.committed


def test_each_stream_and_each_connection_has_its_own(limited: Any, way: Way) -> None:
    assert [way.append(str(n)).status for n in range(21)] == [200] * 20 + [429]
    assert way.append("other", stream="orders/eu").status == 200
    with closing(Way("http1", limited)) as other:
        assert [other.append(str(n)).status for n in range(21)] == [200] * 20 + [429]


def test_both_protocols_are_limited(limited: Any) -> None:
    with closing(Way("h2c", limited)) as way:
        assert [way.append(str(n)).status for n in range(21)] == [200] * 20 + [429]


def test_calls_by_wsgi_are_one_connection() -> None:
    with S2Mock(clock="manual", limits=TENTH, basins=SEEDS) as mock:
        ways = [Way("wsgi", mock), Way("wsgi", mock)]
        assert [ways[n % 2].append(str(n)).status for n in range(21)] == [200] * 20 + [429]


def test_refused_operations_take_nothing(limited: Any, way: Way) -> None:
    document = {"records": [{"body": "a"}], "match_seq_num": 5}
    assert {way("POST", RECORDS, document).status for _ in range(25)} == {412}
    assert [way.append(str(n)).status for n in range(21)] == [200] * 20 + [429]
    # What S2 refuses by itself comes first.
    assert way("POST", RECORDS, document).status == 412
    assert way.append("a", stream="no-such-stream").status == 404
    assert [*limited.stream(BASIN, "log").bodies] == [str(n).encode() for n in range(20)]


def test_direct_calls_and_reads_are_not_limited(limited: Any, way: Way) -> None:
    log = limited.stream(BASIN, "log")
    for n in range(25):
        log.append([str(n)])
    assert {way("GET", f"{RECORDS}/tail").status for _ in range(25)} == {200}
    assert {way("GET", f"{RECORDS}?seq_num=0&count=1").status for _ in range(25)} == {200}
    assert way.append("a").status == 200


def test_a_refused_batch_is_neither_held_nor_faulted_at_its_commit(limited: Any, way: Way) -> None:
    assert [way.append(str(n)).status for n in range(20)] == [200] * 20
    hold = limited.hold(on="append", at="commit", required=False)
    assert way.append("a").status == 429
    assert hold.exchanges == ()
    hold.release()
    # A fault that leaves no effect fires, as on any operation that S2 refuses.
    limited.inject(Drop(committed=True), on="append")
    with pytest.raises(ConnectionError):
        way.append("a")
    assert len(limited.stream(BASIN, "log").bodies) == 20


def test_after_reset_the_bucket_is_full(limited: Any, way: Way) -> None:
    assert [way.append(str(n)).status for n in range(21)] == [200] * 20 + [429]
    limited.reset()
    # On the same connection, where the server keeps that.
    with closing(Way("http1", limited)) as again:
        assert [again.append(str(n)).status for n in range(21)] == [200] * 20 + [429]


@EXAMPLES
@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 10)), max_size=5),
)
def test_batches_pass_as_a_model_says(rate: int, steps: list[tuple[int, int]]) -> None:
    clock = ManualClock(0)
    with S2Mock(clock=clock, limits={"batches_per_second": rate}, basins=SEEDS) as mock:
        way = Way("wsgi", mock)
        left = Fraction(rate)
        accepted = 0
        for milliseconds, batches in steps:
            mock.advance(milliseconds / 1000)
            left = min(Fraction(rate), left + Fraction(rate * milliseconds, 1000))
            for _ in range(batches):
                answer = way.append(str(accepted))
                if left >= 1:
                    assert answer.status == 200
                    left -= 1
                    accepted += 1
                else:
                    wait = (1 - left) / rate * 1000
                    assert wait <= retry_after(answer) < wait + 1
        log = mock.stream(BASIN, "log")
        assert [*log.bodies] == [str(n).encode() for n in range(accepted)]


# Bytes.


def test_the_101st_mebibyte_in_a_second_is_refused(cloud: S2Mock) -> None:
    content = batch(1024 * 1024)
    with closing(Way("http1", cloud)) as one, closing(Way("http1", cloud)) as other:
        ways = (one, other)
        for n in range(100):
            # All connections together.
            answer = ways[n % 2]("POST", RECORDS, content=content, headers=PROTOBUF)
            assert answer.status == 200, answer
        refused = one("POST", RECORDS, content=content, headers=PROTOBUF)
        assert retry_after(refused) == 10
        assert refused.json["message"] == (
            "rate limited: 104857600 bytes per second for each stream"
        )
        assert one.append("a", stream="orders/eu").status == 200
        cloud.advance(0.01)
        assert other("POST", RECORDS, content=content, headers=PROTOBUF).status == 200
        assert one("POST", RECORDS, content=content, headers=PROTOBUF).status == 429


@given(
    st.integers(1, 1000),
    st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 3000)), max_size=30),
)
def test_a_bucket_never_lets_more_through_than_its_rate(
    rate: int, steps: list[tuple[int, int]]
) -> None:
    """In each interval: what a full bucket holds, what it refills with, and one large batch."""
    now = 0
    bucket = Bucket(rate, now)
    taken: list[tuple[int, int]] = []
    for pause, units in steps:
        now += pause
        wait = bucket.wait_for(units, now)
        if wait:
            assert bucket.wait_for(units, now + wait - 1) == 1
            now += wait
        assert bucket.wait_for(units, now) == 0
        bucket.take(units)
        taken.append((now, units))
    for index, (start, _) in enumerate(taken):
        total = 0
        for end, units in taken[index:]:
            total += units
            allowed = rate * SECOND + rate * (end - start) + max(units - rate, 0) * SECOND
            assert total * SECOND <= allowed


def test_a_batch_above_the_limit_of_a_second_passes_when_nothing_is_owed(make: Make) -> None:
    mock = make(clock="manual", limits={"bytes_per_second": 100}, basins=SEEDS)
    with closing(Way("http1", mock)) as way:
        assert way("POST", RECORDS, content=batch(250), headers=PROTOBUF).status == 200
        refused = way("POST", RECORDS, content=batch(10), headers=PROTOBUF)
        # 150 are owed, and 10 more are wanted.
        assert retry_after(refused) == 1600
        mock.advance(1.6)
        assert way("POST", RECORDS, content=batch(10), headers=PROTOBUF).status == 200


def test_buckets_that_are_full_again_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2mock.powers.rate_limits._MANY", 8)
    basins = [{"name": BASIN, "config": {"create_stream_on_append": True}}]
    with S2Mock(clock="manual", limits="cloud", basins=basins) as mock:
        [limiter] = mock.account.engine.observers
        limiter._many = 8  # type: ignore[attr-defined]
        way = Way("wsgi", mock)
        for n in range(100):
            assert way.append("a", stream=f"s{n}").status == 200
            mock.advance(1)
        assert len(limiter._buckets) <= 10  # type: ignore[attr-defined]


# Sessions.


def test_a_session_is_slowed_and_loses_nothing(limited: Any) -> None:
    with H2Client(limited.url, headers={"authorization": f"Bearer {limited.token}"}) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        for n in range(65):
            client.send(session, append_frame(str(n)))
        log = limited.stream(BASIN, "log")
        for acknowledged in (20, 40, 60):
            for _ in range(20):
                client.frame(session)
            limited.wait_for_waiters(timeout=PATIENCE)
            assert len(log.records) == acknowledged
            # Each batch takes its turn: 50 ms, for 20 times.
            for _ in range(20 if acknowledged < 60 else 5):
                limited.wait_for_waiters(timeout=PATIENCE)
                limited.advance(0.05)
        client.send(session, end=True)
        client.rest(session)
    assert [*log.bodies] == [str(n).encode() for n in range(65)]


def test_a_minute_of_throttling_takes_one_advance(cloud: S2Mock) -> None:
    with H2Client(cloud.url, headers={"authorization": f"Bearer {cloud.token}"}) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        client.send(session, b"".join(append_frame(str(n)) for n in range(1000)))
        log = cloud.stream(BASIN, "log")
        for seconds, batches in ((0, 200), (1, 400), (0.5, 500), (60, 1000)):
            if seconds:
                cloud.wait_for_waiters(timeout=PATIENCE)
                cloud.advance(seconds)
            log.wait_for(batches, timeout=PATIENCE)
            if batches < 1000:
                cloud.wait_for_waiters(timeout=PATIENCE)
                assert len(log.records) == batches
        client.send(session, end=True)
        assert len([*frames(client.rest(session))]) == 1000
    assert [*log.bodies] == [str(n).encode() for n in range(1000)]


def test_a_session_is_slowed_by_bytes_too(make: Make) -> None:
    mock = make(clock="manual", limits={"bytes_per_second": 1000}, basins=SEEDS)
    with H2Client(mock.url, headers={"authorization": f"Bearer {mock.token}"}) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        for _ in range(3):
            client.send(session, append_frame("x" * 492))
        client.frame(session)
        client.frame(session)
        mock.wait_for_waiters(timeout=PATIENCE)
        mock.advance(0.499)
        assert len(mock.stream(BASIN, "log").records) == 2
        mock.advance(0.001)
        client.frame(session)


def test_a_session_above_the_limit_is_not_read_from(limited: Any) -> None:
    """Its client cannot send on: the windows of its stream are not filled up."""
    with H2Client(limited.url, headers={"authorization": f"Bearer {limited.token}"}) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        frame = append_frame("x" * 1000)
        sent = 0

        def has_room() -> bool:
            if client.h2.local_flow_control_window(session) < len(frame):
                # What the server has read by now, it has told by the answer.
                client.rest(client.open("GET", f"{RECORDS}/tail"))
            return bool(client.h2.local_flow_control_window(session) >= len(frame))

        for _ in range(20):
            while not has_room():
                pass
            client.send(session, frame)
            client.frame(session)
        while sent < 5000 and has_room():
            client.send(session, frame)
            sent += 1
        assert 0 < sent < 5000
        limited.wait_for_waiters(timeout=PATIENCE)
        assert len(limited.stream(BASIN, "log").records) == 20
        limited.advance(0.05)
        client.frame(session)


def test_sessions_on_one_connection_share_its_batches(limited: Any) -> None:
    with H2Client(limited.url, headers={"authorization": f"Bearer {limited.token}"}) as client:
        first = client.open("POST", RECORDS, FRAMES, end=False)
        second = client.open("POST", RECORDS, FRAMES, end=False)
        for n in range(15):
            client.send(first, append_frame(f"a{n}"))
        for _ in range(15):
            client.frame(first)
        for n in range(6):
            client.send(second, append_frame(f"b{n}"))
        for _ in range(5):
            client.frame(second)
        limited.wait_for_waiters(timeout=PATIENCE)
        assert len(limited.stream(BASIN, "log").records) == 20


# Quotas.


def test_the_101st_basin_is_refused_on_the_free_tier(make: Make) -> None:
    mock = make(limits="free")
    with closing(Way("http1", mock)) as way:
        for n in range(100):
            assert way("POST", "/v1/basins", {"basin": f"basin-{n:03}"}).status == 201
        for method, path in (("POST", "/v1/basins"), ("PUT", "/v1/basins/basin-100")):
            document = {"basin": "basin-100"} if method == "POST" else {}
            refused = way(method, path, document)
            assert (refused.status, refused.json) == (
                403,
                {
                    "code": "quota_exhausted",
                    "message": "quota exhausted: the account is limited to 100 basins",
                },
            )
        # A direct call obeys the same rules.
        with pytest.raises(QuotaExhausted):
            mock.create_basin("basin-100")
        # One that exists is no new one.
        assert way("POST", "/v1/basins", {"basin": "basin-007"}).status == 409
        assert way("PUT", "/v1/basins/basin-007", {}).status == 200
        mock.basin("basin-007").delete()
        assert way("POST", "/v1/basins", {"basin": "basin-100"}).status == 201


def test_basins_are_unlimited_without_the_free_tier(make: Make) -> None:
    mock = make(limits="cloud")
    for n in range(101):
        mock.create_basin(f"basin-{n:03}")
    assert len(mock.basins) == 101


LONG: list[Any] = ["infinite", 28 * DAY + 1]


@pytest.mark.parametrize("retention", LONG)
def test_a_retention_above_28_days_is_refused_on_the_free_tier(make: Make, retention: Any) -> None:
    mock = make(limits="free", basins=SEEDS)
    policy = {"infinite": {}} if retention == "infinite" else {"age": retention}
    config = {"retention_policy": policy}
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/v1/streams", {"stream": "new", "config": config}),
        ("PUT", "/v1/streams/new", config),
        ("PUT", "/v1/streams/log", config),
        ("PATCH", "/v1/streams/log", config),
        (
            "POST",
            "/v1/basins",
            {"basin": "other-basin", "config": {"default_stream_config": config}},
        ),
        ("PUT", "/v1/basins/other-basin", {"config": {"default_stream_config": config}}),
        ("PUT", f"/v1/basins/{BASIN}", {"config": {"default_stream_config": config}}),
        ("PATCH", f"/v1/basins/{BASIN}", {"default_stream_config": config}),
    ]
    with closing(Way("http1", mock)) as way:
        for method, path, document in calls:
            refused = way(method, path, document)
            assert (refused.status, refused.json["code"]) == (422, "invalid"), (path, refused)
            assert refused.json["message"].startswith("retention of ")
            assert "the limit of the account, 2419200 seconds" in refused.json["message"]
    assert mock.basins == (BASIN,)
    with pytest.raises(Invalid):
        mock.basin(BASIN).create_stream("new", StreamConfig(retention_policy=retention))


def test_28_days_are_allowed_on_the_free_tier(make: Make) -> None:
    mock = make(limits="free", basins=SEEDS)
    config = StreamConfig(retention_policy=28 * DAY)
    mock.basin(BASIN).create_stream("new", config)
    mock.create_basin("other-basin", BasinConfig(default_stream_config=config))


# The option.


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, NO_LIMITS),
        ("cloud", CLOUD),
        ("free", FREE),
        ({}, NO_LIMITS),
        ({"basins": 0}, Limits(basins=0)),
        ({"batches_per_second": 1, "bytes_per_second": None}, Limits(batches_per_second=1)),
        (FREE, FREE),
    ],
)
def test_limits_that_an_option_gives(given: Any, expected: Limits) -> None:
    assert as_limits(given) == expected


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("clout", ValueError, 'limits must be "cloud", "free", or a mapping of batches_per_second'),
        (5, TypeError, 'limits must be "cloud", "free", or a mapping of batches_per_second'),
        ({"basin": 1}, ValueError, "limits have no 'basin': did you mean 'basins'?"),
        ({"basins": -1}, ValueError, "basins of limits must be 0 or more, not -1"),
        ({"retention": 0}, ValueError, "retention of limits must be 1 or more, not 0"),
        ({"batches_per_second": 0.5}, TypeError, "batches_per_second of limits must be a whole"),
        ({"bytes_per_second": True}, TypeError, "bytes_per_second of limits must be a whole"),
    ],
)
def test_limits_that_make_no_sense_are_refused(
    given: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        S2Mock(limits=given)
    assert message in str(raised.value)


def test_limits_of_a_new_account_over_http(make: Make) -> None:
    """A member that makes no sense is refused, and says so."""
    if make.is_in_process:
        pytest.skip("options are members of a request over HTTP only")
    with pytest.raises(Exception, match="did you mean 'basins'"):
        make(limits={"basin": 1})
    with pytest.raises(Exception, match='append_latency must be a number of seconds, or "cloud"'):
        make(append_latency="soon")


@pytest.mark.parametrize("limits", [{"basins": 0}, {"retention": 60}])
def test_basins_from_the_start_are_within_the_limits(make: Make, limits: Any) -> None:
    seeds = [{"name": BASIN, "streams": [{"name": "log", "config": {"retention_policy": "1h"}}]}]
    with pytest.raises(ValueError, match=f"basin '{BASIN}' is above the limits: "):
        make(limits=limits, basins=seeds)


def test_a_fork_and_a_reset_account_have_the_limits(make: Make) -> None:
    mock = make(clock="manual", limits={"batches_per_second": 2}, basins=SEEDS)
    with closing(Way("http1", mock.fork())) as way:
        assert [way.append("a").status for _ in range(3)] == [200, 200, 429]


def test_an_upstream_has_limits_of_its_own() -> None:
    for option in ({"limits": "cloud"}, {"append_latency": "cloud"}, {"clock": "auto"}):
        with pytest.raises(ValueError, match=f"{next(iter(option))} is about the engine of s2mock"):
            S2Mock(upstream="http://127.0.0.1:1", **option)  # type: ignore[arg-type]


def test_without_limits_nothing_observes_and_nothing_is_loaded() -> None:
    code = (
        "import sys; from s2mock import S2Mock; mock = S2Mock(); "
        "mock.client.get('/v1/basins'); "
        "assert mock.account.engine.observers == (); "
        "assert 's2mock.powers.rate_limits' not in sys.modules; "
        "assert 's2mock.runtime.auto_clock' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_limits_in_each_place_of_pytest(run: Run, pytester: pytest.Pytester) -> None:
    module = """
        import pytest

        def test_plain(s2_mock):
            print("limits", *s2_mock.account.engine.settings.limits)

        @pytest.mark.s2_mock(limits={"basins": 7})
        def test_marked(s2_mock):
            print("limits", *s2_mock.account.engine.settings.limits)
        """
    marked = "limits None None 7 None"
    run(module, "-s").stdout.fnmatch_lines(["*limits None None None None*", f"*{marked}*"])
    pytester.makeini("[pytest]\ns2mock_limits = free")
    shown = run(module, "-s")
    shown.stdout.fnmatch_lines(["*limits 200 104857600 100 2419200*", f"*{marked}*"])
    shown = run(module, "-s", "--s2mock-limits=batches_per_second=5, basins=3")
    shown.stdout.fnmatch_lines(["*limits 5 None 3 None*", f"*{marked}*"])
    bad = run(module, "--s2mock-limits=basins=many")
    bad.stdout.fnmatch_lines(["*s2mock_limits must be 'cloud', 'free', or limits such as*"])
    bad = run(module, "--s2mock-limits=cheap")
    bad.stdout.fnmatch_lines(['*limits must be "cloud", "free", or a mapping of*'])


def test_limits_on_the_command_line() -> None:
    command = [sys.executable, "-m", "s2mock", "--port", "0", "--limits", "basins=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip().removeprefix("export S2_ACCOUNT_ENDPOINT=")
            import httpx

            with httpx.Client(base_url=url) as client:
                names = ("basin-one", "basin-two")
                made = [client.post("/v1/basins", json={"basin": name}) for name in names]
            assert [answer.status_code for answer in made] == [201, 403]
            assert json.loads(made[1].content)["code"] == "quota_exhausted"
        finally:
            process.terminate()


def test_a_batch_in_the_thread_that_would_advance_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("s2mock.server.wsgi.PATIENCE", 0.01)
    with S2Mock(clock="manual", limits={"batches_per_second": 1}, basins=SEEDS) as mock:
        content = append_frame("a") + append_frame("b")
        with pytest.raises(Exception, match="waits for the rate of limits, by a manual clock"):
            Way("wsgi", mock).session(RECORDS, FRAMES, "POST", content)


def test_a_session_ends_with_its_account(limited: Any) -> None:
    content = b"".join(append_frame(str(n)) for n in range(21))
    with closing(Way("http1", limited)) as way:
        session = Started(lambda: way.session(RECORDS, FRAMES, "POST", content))
        limited.wait_for_waiters(timeout=PATIENCE)
        limited.reset()
        received, broke_off = session.result()
        assert broke_off or received
