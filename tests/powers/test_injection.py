"""Which operations a fault meets, what is known of it, and that one that never fires is told."""

import asyncio
import re
import threading

import pytest

from s2mock import Cut, Drop, Fail, Fault, S2Mock, UnusedFault
from tests.plugin.conftest import Run
from tests.powers.conftest import BASIN, SEEDS, Started, Way, bodies, needs_this_process


def statuses(way: Way, *streams: str) -> list[int]:
    return [way.append("x", stream=stream).status for stream in streams]


class TestWhichOperations:
    def test_the_next_one(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Fail("unavailable"), on="append")
        assert http1("GET", "/v1/basins").status == 200
        assert statuses(http1, "log", "log") == [503, 200]

    def test_of_several_names(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Fail("unavailable"), on=["list-streams", "append"], times=2)
        assert http1("GET", "/v1/streams").status == 503
        assert statuses(http1, "log", "log") == [503, 200]

    @pytest.mark.parametrize(
        ("pattern", "met"),
        [
            ("*", True),
            ("orders/eu", True),
            ("orders/*", True),
            ("*/eu", True),
            ("orders/[de]?", True),
            ("order", False),
            ("orders", False),
            ("eu", False),
            ("Orders/*", False),
        ],
    )
    def test_by_the_name_of_the_stream(
        self, mock: S2Mock, http1: Way, pattern: str, met: bool
    ) -> None:
        mock.inject(Fail("unavailable"), on="append", stream=pattern, required=False)
        assert statuses(http1, "orders/eu") == [503 if met else 200]

    @pytest.mark.parametrize(
        ("pattern", "met"),
        [
            ("run[1]", ["run[1]", "run1"]),
            ("run[[]1]", ["run[1]"]),
            ("run[12]", ["run1", "run2"]),
            ("run[*", ["run[1]"]),
            ("run[2]", ["run2"]),
        ],
    )
    def test_a_name_that_is_a_glob_too_matches_itself(
        self, mock: S2Mock, http1: Way, pattern: str, met: list[str]
    ) -> None:
        """As a name it matches the stream of that name, and as a glob what it always did."""
        streams = ["run[1]", "run1", "run2"]
        for stream in streams:
            mock.basin(BASIN).create_stream(stream)
        injected = mock.inject(Fail("unavailable"), on="append", stream=pattern, times=None)
        assert statuses(http1, *streams) == [503 if name in met else 200 for name in streams]
        assert [exchange.stream for exchange in injected.exchanges] == met
        assert [exchange.stream for exchange in mock.journal.of(stream=pattern)] == met
        found = mock.journal.wait_for("append", len(met), stream=pattern)
        assert [exchange.stream for exchange in found] == met
        injected.remove()
        with mock.hold(on="append", stream=pattern, at="answer") as held:
            appending = Started(lambda: http1.append("held", stream=met[0]))
            [exchange] = held.wait()
            assert exchange.stream == met[0]
        assert appending.result().status == 200

    @pytest.mark.parametrize(("pattern", "met"), [("my-*", True), (BASIN, True), ("your-*", False)])
    def test_by_the_name_of_the_basin(
        self, mock: S2Mock, http1: Way, pattern: str, met: bool
    ) -> None:
        mock.inject(Fail("unavailable"), on="append", basin=pattern, required=False)
        assert statuses(http1, "log") == [503 if met else 200]

    def test_what_is_about_no_stream_is_met_without_a_stream_only(
        self, mock: S2Mock, http1: Way
    ) -> None:
        mock.inject(Fail("unavailable"), on="list-basins", stream="log", required=False)
        mock.inject(Fail("hot_server"), on="list-basins")
        assert http1("GET", "/v1/basins").status == 502

    def test_skip_lets_so_many_pass(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Fail("unavailable"), on="append", skip=2, stream="log")
        assert statuses(http1, "log", "orders/eu", "log", "log", "log") == [200, 200, 200, 503, 200]

    def test_times(self, mock: S2Mock, http1: Way) -> None:
        injected = mock.inject(Fail("unavailable"), on="append", times=2)
        assert injected.remaining == 2
        assert statuses(http1, "log", "log", "log") == [503, 503, 200]
        assert (injected.hits, injected.remaining) == (2, 0)

    def test_until_removed(self, mock: S2Mock, http1: Way) -> None:
        injected = mock.inject(Fail("unavailable"), on="append", times=None)
        assert statuses(http1, *["log"] * 3) == [503] * 3
        assert (injected.hits, injected.remaining) == (3, None)
        injected.remove()
        assert injected.remaining == 0
        assert statuses(http1, "log") == [200]

    def test_a_list_has_one_for_each_and_does_not_begin_again(
        self, mock: S2Mock, http1: Way
    ) -> None:
        faults = [Fail("unavailable"), None, Fail("hot_server")]
        injected = mock.inject(faults, on="append")
        assert injected.remaining == 3
        assert statuses(http1, *["log"] * 5) == [503, 200, 502, 200, 200]
        assert (injected.hits, injected.remaining) == (2, 0)
        assert [exchange.fault for exchange in injected.exchanges] == [faults[0], faults[2]]

    def test_of_two_the_first_acts_and_the_second_waits(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Fail("unavailable"), on="append")
        mock.inject(Fail("hot_server"), on="append")
        assert statuses(http1, *["log"] * 3) == [503, 502, 200]

    def test_each_counts_for_itself_what_it_skips(self, mock: S2Mock, http1: Way) -> None:
        """So a plan says of each fault which of all operations it is for."""
        mock.inject(Fail("unavailable"), on="append", skip=0)
        mock.inject(Fail("hot_server"), on="append", skip=2)
        assert statuses(http1, *["log"] * 4) == [503, 200, 502, 200]

    def test_from_many_threads_no_hit_is_lost_or_doubled(self, mock: S2Mock) -> None:
        needs_this_process(mock, "calls by WSGI")
        injected = mock.inject(Fail("unavailable"), on="append", times=10)
        headers = {"s2-basin": BASIN}
        answers = []

        def run() -> None:
            for _ in range(5):
                got = mock.client.post(
                    "/v1/streams/log/records", json={"records": [{"body": "x"}]}, headers=headers
                )
                answers.append(got.status_code)

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200] * 30 + [503] * 10
        assert injected.hits == 10
        assert len(bodies(mock)) == 30


class TestWhatIsKnown:
    def test_exchanges(self, mock: S2Mock, way: Way) -> None:
        injected = mock.inject(Drop(committed=True), on="append", times=2)
        for body in ("a", "b"):
            with pytest.raises(ConnectionResetError):
                way.append(body)
        first, second = injected.exchanges
        assert first == mock.journal[0]
        assert (first.operation, first.basin, first.stream) == ("append", BASIN, "log")
        assert first.request.document == {"records": [{"body": "a"}]}
        assert first.response is None
        assert first.effect.committed
        assert first.fault == Drop(committed=True)
        assert second.request.document == {"records": [{"body": "b"}]}

    @pytest.mark.s2_mock(basins=SEEDS, journal_limit=0)
    def test_exchanges_without_a_journal(self, s2_mock: S2Mock) -> None:
        injected = s2_mock.inject(Fail("unavailable"), on="append")
        Way("wsgi", s2_mock).append("a")
        assert injected.exchanges[0].request.document == {"records": [{"body": "a"}]}

    def test_wait_counts_what_is_there_already(self, mock: S2Mock, http1: Way) -> None:
        injected = mock.inject(Fail("unavailable"), on="append", times=2)
        http1.append("a")
        assert len(injected.wait()) == 1
        appending = Started(lambda: http1.append("b"))
        assert [one.request.document["records"] for one in injected.wait(2)] == [
            [{"body": "a"}],
            [{"body": "b"}],
        ]
        appending.result()

    def test_wait_says_what_came(self, mock: S2Mock, http1: Way) -> None:
        injected = mock.inject(Fail("unavailable"), on="append", required=False)
        http1("GET", "/v1/basins")
        with pytest.raises(
            TimeoutError, match="0 of 1 hits of .* no append arrived, but 1 list-basins"
        ):
            injected.wait(timeout=0)

    def test_wait_in_an_event_loop(self, mock: S2Mock, http1: Way) -> None:
        injected = mock.inject(Fail("unavailable"), on="append")

        async def run() -> None:
            waiting = asyncio.create_task(injected.async_wait())
            await asyncio.to_thread(http1.append, "a")
            assert len(await waiting) == 1
            with pytest.raises(TimeoutError, match="1 of 2 hits"):
                await injected.async_wait(2, timeout=0)
            with pytest.raises(TimeoutError, match="`await` the method"):
                injected.wait(2, timeout=0)

        asyncio.run(run())


def complaint(mock: S2Mock) -> str:
    """What is said of unused faults when the mock is left."""
    with pytest.raises(UnusedFault) as caught:
        mock.__exit__(None, None, None)
    return str(caught.value)


class TestUnused:
    """A fault that never fired is told, with what came instead."""

    @pytest.fixture
    def lone(self) -> S2Mock:
        return S2Mock(basins=[{"name": BASIN, "streams": [{"name": "order/1"}, {"name": "b"}]}])

    def test_nothing_came(self, lone: S2Mock) -> None:
        lone.inject(Drop(), on="append")
        assert complaint(lone) == (
            "a fault never fired: inject(Drop(), on='append'); no append arrived, and nothing else"
        )

    def test_the_nearest_miss(self, lone: S2Mock) -> None:
        lone.inject(Drop(), on="append", stream="orders/*")
        for body in "abc":
            Way("wsgi", lone).append(body, stream="order/1")
        assert complaint(lone).endswith(
            "3 appends arrived, all to `order/1`; the fault waits for `orders/*`"
        )

    def test_several_places(self, lone: S2Mock) -> None:
        lone.inject(Drop(), on="append", stream="orders/*", basin="your-*")
        for stream in ("order/1", "b", "b"):
            Way("wsgi", lone).append("x", stream=stream)
        assert complaint(lone).endswith(
            "3 appends arrived, 2 to `b` in basin `my-basin`, 1 to `order/1` in basin `my-basin`; "
            "the fault waits for `orders/*` in basin `your-*`"
        )

    def test_others_came(self, lone: S2Mock) -> None:
        lone.inject(Drop(), on=["append", "read"])
        way = Way("wsgi", lone)
        way("GET", "/v1/basins")
        way("GET", "/v1/basins")
        way("GET", "/v1/streams")
        assert complaint(lone).endswith("no append/read arrived, but 2 list-basins, 1 list-streams")

    def test_not_used_up(self, lone: S2Mock) -> None:
        lone.inject(Fail("unavailable"), on="append", times=3)
        Way("wsgi", lone).append("x", stream="b")
        assert complaint(lone).startswith(
            "a fault fired 1 of 3 times: inject(Fail('unavailable'), on='append', times=3); "
            "1 append arrived, to `b`"
        )

    def test_an_exhausted_list(self, lone: S2Mock) -> None:
        lone.inject([None, Drop(), None], on="append")
        Way("wsgi", lone).append("x", stream="b")
        assert "fired 0 of 3 times: inject([None, Drop(), None], on='append')" in complaint(lone)

    def test_until_removed_without_a_hit(self, lone: S2Mock) -> None:
        lone.inject(Drop(), on="append", times=None)
        assert "never fired: inject(Drop(), on='append', times=None)" in complaint(lone)

    def test_skipped_only(self, lone: S2Mock) -> None:
        lone.inject(Drop(), on="append", skip=2)
        Way("wsgi", lone).append("x", stream="b")
        assert "skip=2, and 1 arrived;" in complaint(lone)

    def test_a_request_that_never_became_an_operation(self, lone: S2Mock) -> None:
        lone.inject(Drop(), on="append")
        answer = Way("wsgi", lone)("POST", "/v1/streams/b/records", {"records": 5})
        assert answer.status == 400
        assert complaint(lone).endswith(
            "1 append arrived as a request that S2 refuses early: see the journal"
        )

    def test_each_is_told(self, lone: S2Mock) -> None:
        lone.inject(Drop(), on="append")
        lone.inject(Cut(bytes=1), on="read")
        assert len(complaint(lone).splitlines()) == 2

    @pytest.mark.parametrize("times", [1, None])
    def test_a_fault_that_fired_is_no_complaint(self, lone: S2Mock, times: int | None) -> None:
        with lone:
            lone.inject(Drop(), on="append", times=times)
            with pytest.raises(ConnectionResetError):
                Way("wsgi", lone).append("x", stream="b")

    def test_removed_or_not_required_is_no_complaint(self, lone: S2Mock) -> None:
        with lone:
            lone.inject(Drop(), on="append").remove()
            lone.inject(Drop(), on="append", required=False)

    def test_another_exception_goes_first(self, lone: S2Mock) -> None:
        lone.inject(Drop(), on="append")
        with pytest.raises(ZeroDivisionError), lone:
            raise ZeroDivisionError

    def test_a_block_checks_and_removes(self, mock: S2Mock, http1: Way) -> None:
        with mock.inject(Fail("unavailable"), on="append", times=None) as injected:
            assert http1.append("a").status == 503
        assert http1.append("a").status == 200
        with (
            pytest.raises(UnusedFault, match=re.escape("never fired: inject(Drop()")),
            mock.inject(Drop(), on="append"),
        ):
            pass
        assert http1.append("a").status == 200
        assert injected.hits == 1

    def test_a_block_that_fails_does_not_check(self, mock: S2Mock) -> None:
        with pytest.raises(ZeroDivisionError), mock.inject(Drop(), on="append"):
            raise ZeroDivisionError
        with pytest.raises(pytest.skip.Exception), mock.inject(Drop(), on="append"):
            pytest.skip()


@pytest.mark.parametrize("fault", [Fail("unavailable"), Drop(committed=True)], ids=repr)
def test_of_the_marker(run: Run, fault: Fault) -> None:
    result = run(
        f"""
        import pytest
        from s2mock import Drop, Fail

        @pytest.mark.s2_mock(
            basins=[{{"name": "my-basin", "streams": [{{"name": "log"}}]}}],
            faults=[{{"fault": {fault!r}, "on": "append", "stream": "l*"}}],
        )
        def test_it(s2_mock):
            for body in "ab":
                try:
                    s2_mock.client.post(
                        "/v1/streams/log/records",
                        json={{"records": [{{"body": body}}]}},
                        headers={{"s2-basin": "my-basin"}},
                    )
                except ConnectionResetError:
                    pass
            assert s2_mock.journal[0].fault == {fault!r}
            assert s2_mock.journal[1].fault is None

        @pytest.mark.s2_mock(faults=[{{"fault": Drop(), "on": "append"}}])
        def test_unused(s2_mock):
            pass

        @pytest.mark.s2_mock(faults=[Drop()])
        def test_of_the_wrong_form(s2_mock):
            pass

        @pytest.mark.s2_mock(faults=[{{"fault": Drop(), "on": "apend"}}])
        def test_of_no_operation(s2_mock):
            pass
        """
    )
    result.assert_outcomes(passed=1, failed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*faults must be mappings of what inject() takes*",
            "*did you mean 'append'?*",
            "a fault never fired: inject(Drop(), on='append'); no append arrived, and nothing else",
        ]
    )
