"""A fault that never fired fails its test, in the call phase, and only if it passed otherwise."""

import importlib.util

import pytest

from tests.plugin.conftest import Run

pytestmark = pytest.mark.slow

NEVER = "a fault never fired: inject(Drop(), on='append')*"
MODULE = """
    import pytest, unittest
    from s2mock import Drop, S2Mock

    def test_passes_otherwise(s2_mock):
        s2_mock.inject(Drop(), on="append")

    def test_fails(s2_mock):
        s2_mock.inject(Drop(), on="append")
        assert 1 == 2

    def test_is_skipped(s2_mock):
        s2_mock.inject(Drop(), on="append")
        pytest.skip("for a reason")

    def test_is_xfailed(s2_mock):
        s2_mock.inject(Drop(), on="append")
        pytest.xfail("for a reason")

    @pytest.mark.xfail(strict=True)
    def test_fails_as_expected(s2_mock):
        s2_mock.inject(Drop(), on="append")
        assert 1 == 2

    def test_after_it_is_clean(s2_mock):
        s2_mock.client.get("/v1/basins")

    def test_of_a_mock_that_was_left_open():
        global left
        left = S2Mock()
        left.inject(Drop(), on="append")

    def test_of_a_mock_that_has_ended():
        mock = S2Mock()
        mock.inject(Drop(), on="append")
        mock.close()

    def test_of_an_account_that_was_reset(s2_mock):
        s2_mock.inject(Drop(), on="append")
        s2_mock.reset()

    class TestOfUnittest(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _mock(self, s2_mock):
            self.mock = s2_mock

        def test_passes_otherwise(self):
            self.mock.inject(Drop(), on="append")

        def test_fails(self):
            self.mock.inject(Drop(), on="append")
            self.fail("of its own")
"""
FAILED = [
    "test_passes_otherwise",
    "test_fails",
    "test_of_a_mock_that_was_left_open",
    "test_of_a_mock_that_has_ended",
    "test_of_an_account_that_was_reset",
    "TestOfUnittest::test_passes_otherwise",
    "TestOfUnittest::test_fails",
]


def check(result: pytest.RunResult) -> None:
    result.assert_outcomes(passed=1, failed=len(FAILED), skipped=1, xfailed=2)
    text = result.stdout.str()
    for name in FAILED:
        assert f"::{name} " in text or f"::{name}\n" in text
    assert text.count("\na fault never fired: inject(Drop(), on='append')") == len(FAILED)
    # Each test's own failure is what is told first.
    summary = text[text.rindex("short test summary info") :]
    for line in summary.splitlines():
        if "::test_fails" in line and "TestOfUnittest" not in line:
            assert "assert 1 == 2" in line
        elif "::test_fails" in line:
            assert "- AssertionError: of " in line
        elif line.startswith("FAILED"):
            assert "- Failed: a " in line
    assert " ERROR " not in text


def test_alone(run: Run) -> None:
    check(run(MODULE, "-v"))


def test_beside_another_failure_it_is_a_line_of_the_report(run: Run) -> None:
    result = run(MODULE, "-k", "test_fails and not Unittest and not expected")
    result.stdout.fnmatch_lines(["*assert 1 == 2", "*s2mock*", NEVER])


def test_with_xdist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MODULE)
    check(
        pytester.runpytest_subprocess("-n", "2", "-v", "-p", "no:schemathesis", "-p", "no:randomly")
    )


def test_of_a_mock_of_the_module(run: Run) -> None:
    """The test that injected it fails, and no other."""
    result = run(
        """
        import pytest
        from s2mock import Drop, Fail, S2Mock

        @pytest.fixture(scope="module")
        def shop():
            with S2Mock(basins=["my-basin"]) as mock:
                yield mock

        def test_one_passes(shop):
            shop.client.get("/v1/basins")

        def test_two_injects(shop):
            shop.inject(Drop(), on="list-basins")

        def test_three_does_not_meet_it(shop):
            assert shop.client.get("/v1/basins").status_code == 200

        def test_four_uses_its_own(shop):
            shop.inject(Fail("unavailable"), on="list-basins")
            assert shop.client.get("/v1/basins").status_code == 503
        """,
        "-v",
    )
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*::test_two_injects FAILED*"])
    result.stdout.fnmatch_lines(
        ["a fault never fired: *; no list-basins arrived, and nothing else"]
    )


def test_of_a_fixture_for_every_test(run: Run) -> None:
    result = run(
        """
        import pytest
        from s2mock import Drop

        @pytest.fixture(autouse=True)
        def broken(s2_mock):
            s2_mock.inject(Drop(), on="list-basins")

        def test_uses_it(s2_mock):
            with pytest.raises(ConnectionResetError):
                s2_mock.client.get("/v1/basins")

        def test_does_not():
            pass
        """
    )
    result.assert_outcomes(passed=1, failed=1)


@pytest.mark.skipif(
    importlib.util.find_spec("pytest_rerunfailures") is None, reason="no pytest-rerunfailures"
)
def test_with_rerunfailures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from s2mock import Drop

        runs = []

        def test_is_used_the_second_time(s2_mock):
            runs.append(1)
            s2_mock.inject(Drop(), on="list-basins")
            if len(runs) == 2:
                try:
                    s2_mock.client.get("/v1/basins")
                except ConnectionResetError:
                    pass

        def test_is_never_used(s2_mock):
            s2_mock.client.get("/v1/streams")
            s2_mock.inject(Drop(), on="list-basins")
        """
    )
    result = pytester.runpytest_subprocess("--reruns", "2", "-v", "-p", "no:schemathesis")
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"], outcomes["rerun"]) == (1, 1, 3)
    text = result.stdout.str()
    # One complaint of each failed run of a test, and of the last run in the report.
    assert "a fault never fired" in text
    assert text.count("s2mock: 1 exchange") == 1


def test_hits_by_a_thread_that_ends_late_count(run: Run) -> None:
    """What a test waits for has been met by the time that it ends."""
    result = run(
        """
        import threading
        from s2mock import Fail

        def test_it(s2_mock):
            injected = s2_mock.inject(Fail("unavailable"), on="list-basins")
            thread = threading.Thread(target=lambda: s2_mock.client.get("/v1/basins"))
            thread.start()
            injected.wait()
            thread.join()
        """
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("number", [0, 16, 40])
def test_of_a_mock_after_which_others_ended(run: Run, number: int) -> None:
    result = run(
        f"""
        from s2mock import Drop, S2Mock

        def test_it():
            first, second = S2Mock(), S2Mock()
            first.inject(Drop(), on="append")
            second.hold(on="read")
            first.close()
            second.close()
            for _ in range({number}):
                with S2Mock(basins=["my-basin"]) as mock:
                    mock.client.get("/v1/basins")

        def test_that_fails_otherwise():
            try:
                with S2Mock() as mock:
                    mock.inject(Drop(), on="append")
                    raise KeyError
            except KeyError:
                pass
            for _ in range({number}):
                S2Mock().close()
            assert 1 == 2

        def test_after_them():
            S2Mock().close()
        """
    )
    result.assert_outcomes(failed=2, passed=1)
    text = result.stdout.str()
    assert text.count("\na hold held nothing: hold(on='read', at='commit')") == 1
    # Of the first test, and beside what fails the second.
    assert text.count("\na fault never fired: inject(Drop(), on='append')") == 2
