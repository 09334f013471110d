"""A test that has the marker gets the fixture, whether or not it takes it."""

from tests.plugin.conftest import Run


def test_a_marked_test_never_talks_to_what_the_environment_names(run: Run) -> None:
    result = run(
        """
        import os
        import pytest

        @pytest.fixture(autouse=True, scope="session")
        def elsewhere():
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("S2_BASIN_ENDPOINT", "https://the-real-one.example")
                yield

        @pytest.fixture
        def endpoint():
            return os.environ["S2_BASIN_ENDPOINT"]

        @pytest.mark.s2_mock(use_env=True)
        def test_marked(endpoint):
            assert endpoint == os.environ["S2_BASIN_ENDPOINT"]
            assert endpoint.startswith("http://127.0.0.1:")

        @pytest.mark.parametrize("number", [0, pytest.param(1, marks=pytest.mark.s2_mock())])
        def test_one_of_two_is_marked(number, request):
            assert ("s2_mock" in request.fixturenames) == bool(number)

        def test_without_a_marker(endpoint):
            assert endpoint == "https://the-real-one.example"
        """
    )
    result.assert_outcomes(passed=4)


def test_the_markers_arguments_are_checked_there_too(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.s2_mock(basins=["x"])
        def test_it():
            pass
        """
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*s2_mock: basin name should be at least 8 bytes*"])


def test_a_fixture_of_the_same_name_counts(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.fixture
        def s2_mock(s2_mock):
            s2_mock.create_basin("my-basin")
            seen.append(s2_mock)
            return s2_mock

        seen = []

        @pytest.mark.s2_mock()
        def test_it():
            assert seen[0].basins == ("my-basin",)
        """
    )
    result.assert_outcomes(passed=1)


def test_unittest(run: Run) -> None:
    result = run(
        """
        import os
        import unittest
        import pytest

        @pytest.mark.s2_mock(use_env=True, basins=["my-basin"])
        class TestOrders(unittest.TestCase):
            def setUp(self):
                self.url = os.environ["S2_BASIN_ENDPOINT"]

            @pytest.fixture(autouse=True)
            def _s2(self, s2_mock):
                self.s2 = s2_mock

            def test_it(self):
                self.assertEqual(self.url, self.s2.url)
                self.assertEqual(self.s2.basins, ("my-basin",))
        """
    )
    result.assert_outcomes(passed=1)
