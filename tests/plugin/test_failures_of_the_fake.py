"""A failure of the fake itself fails the test that met it, as that test's own, in its call."""

import pytest

# Loaded here: within a run of pytest in pytest it would be another module afterwards.
import s2mock.diagnostics  # noqa: F401
from tests.plugin.conftest import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.openapi_unchecked("the fake is broken on purpose, and answers 500"),
]

# A clock of the user's own is a way into the fake that needs no patching.
CLOCK = """
    import time
    import urllib.error
    import urllib.request

    import pytest

    from s2mock import S2Mock

    class Broken(Exception):
        pass

    class Clock:
        def __init__(self):
            self.is_broken = False
        def now(self):
            if self.is_broken:
                raise Broken("now")
            return 1_700_000_000_000_000_000
        def wait(self, condition, until):
            raise Broken("wait")

    SEEDS = [{"name": "my-basin", "streams": [{"name": "s"}]}]
    OF_THE_FAKE = {"clock": Clock(), "basins": SEEDS}

    def call(mock):
        \"\"\"A request that the fake fails to answer.\"\"\"
        mock.clock.is_broken = True
        try:
            assert mock.client.get("/v1/basins").status_code == 500
        finally:
            mock.clock.is_broken = False

    def read(mock, **headers):
        \"\"\"A read that waits, on the socket.\"\"\"
        url = f"{mock.url}/v1/streams/s/records?seq_num=0&wait=5"
        request = urllib.request.Request(url, headers={"s2-basin": "my-basin", **headers})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.read()
        except (OSError, ValueError):
            return b""
"""
OURS = "s2mock itself failed in this test, please report it:"


def outcome(run: Run, test: str, *arguments: str, **expected: int) -> str:
    result = run(f"{CLOCK}\n{test}", *arguments)
    result.assert_outcomes(**expected)
    return result.stdout.str()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("call(s2_mock)", id="wsgi"),
        pytest.param("assert b'Broken' in read(s2_mock)", id="thread"),
        pytest.param("read(s2_mock, Accept='text/event-stream')", id="session"),
        pytest.param(
            "with S2Mock(**OF_THE_FAKE) as mock:\n            call(mock)", id="closed-within"
        ),
    ],
)
def test_it_fails_the_test_that_met_it(run: Run, body: str) -> None:
    printed = outcome(
        run,
        f"""
    @pytest.mark.s2_mock(**OF_THE_FAKE)
    def test_that_met_it(s2_mock):
        {body}

    def test_after(s2_mock):
        assert s2_mock.basins == ()
        """,
        failed=1,
        passed=1,
    )
    assert "FAILED test_it_fails_the_test_that_met_it.py::test_that_met_it" in printed
    assert OURS in printed
    assert "Traceback (most recent call last)" in printed
    assert 'raise Broken("' in printed


def test_met_in_a_setup_it_fails_the_call(run: Run) -> None:
    printed = outcome(
        run,
        """
    @pytest.fixture
    def asked(s2_mock):
        call(s2_mock)

    @pytest.mark.s2_mock(**OF_THE_FAKE)
    def test_that_met_it(asked):
        pass
        """,
        failed=1,
    )
    assert OURS in printed


def test_met_in_a_teardown_it_is_an_error_of_that_test(run: Run) -> None:
    printed = outcome(
        run,
        """
    @pytest.fixture
    def asked(s2_mock):
        yield
        call(s2_mock)

    @pytest.mark.s2_mock(**OF_THE_FAKE)
    def test_that_met_it(asked):
        pass

    def test_after(s2_mock):
        pass
        """,
        passed=2,
        errors=1,
    )
    assert "ERROR at teardown of test_that_met_it" in printed
    assert OURS in printed


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("assert 1 == 2", {"failed": 1}),
        ("pytest.skip('another reason')", {"skipped": 1}),
        ("pytest.xfail('another reason')", {"xfailed": 1}),
    ],
    ids=["failure", "skip", "xfail"],
)
def test_after_another_end_it_is_a_section_of_the_report(
    run: Run, pytester: pytest.Pytester, end: str, expected: dict[str, int]
) -> None:
    pytester.makeconftest(
        """
        def pytest_runtest_logreport(report):
            if report.when == "call":
                print("sections", [(name, "Broken" in text) for name, text in report.sections])
        """
    )
    printed = outcome(
        run,
        f"""
    @pytest.mark.s2_mock(**OF_THE_FAKE)
    def test_that_met_it(s2_mock):
        call(s2_mock)
        {end}
        """,
        "-s",
        **expected,
    )
    assert "('Captured s2mock call', True)" in printed
    # The test's own message is first.
    assert "Failed: s2mock itself failed" not in printed


def test_advice_that_fails(run: Run) -> None:
    """The session goes on, and the test that could not be advised says so."""
    printed = outcome(
        run,
        """
    @pytest.fixture(autouse=True)
    def broken(monkeypatch):
        def advice(*arguments):
            raise Broken("advice")
        monkeypatch.setattr("s2mock.diagnostics.find_advice", advice)
        yield

    def test_it(s2_mock):
        s2_mock.client.get("/v1/basins")

    def test_that_fails(s2_mock):
        s2_mock.client.get("/v1/basins")
        assert 1 == 2

    def test_without():
        pass
    """,
        failed=2,
        passed=1,
    )
    assert printed.count(OURS) == 2
    assert "Broken: advice" in printed
    assert "assert 1 == 2" in printed
