"""What sets the fixture up, and what is said of errors: marker, command line, ini file."""

import pytest

from tests.plugin.conftest import Run
from tests.ports import unused_port

pytestmark = pytest.mark.slow


def test_marker(run: Run) -> None:
    result = run(
        """
        import pytest
        from s2mock import ManualClock

        pytestmark = pytest.mark.s2_mock(basins=["of-the-module"], deletion_delay=60)

        @pytest.mark.s2_mock(clock=ManualClock(0), profile="documented", cors=False)
        def test_of_all_markers(s2_mock):
            assert s2_mock.basins == ("of-the-module",)
            s2_mock.basin("of-the-module").delete()
            assert s2_mock.basins == ("of-the-module",)
            assert s2_mock.clock.now() == 0
            s2_mock.advance(60)
            assert s2_mock.basins == ()
            assert s2_mock.account.engine.settings.profile.name == "documented"
            assert "vary" not in s2_mock.client.get("/health").headers

        @pytest.mark.s2_mock(basins=["of-the-class"])
        class TestClass:
            def test_of_the_class(self, s2_mock):
                assert s2_mock.basins == ("of-the-class",)

            @pytest.mark.s2_mock(basins=[], deletion_delay=0)
            def test_nearest_wins(self, s2_mock):
                assert s2_mock.basins == ()
                s2_mock.create_basin("my-basin").delete()
                assert s2_mock.basins == ()

        SEEDED = {
            "name": "seeded-basin",
            "config": {"create_stream_on_append": True},
            "streams": [{"name": "a/b", "config": {"retention_policy": "7days"}}, {"name": "c"}],
        }

        @pytest.mark.s2_mock(basins=[SEEDED, "plain-basin"])
        def test_seeds(s2_mock):
            assert s2_mock.basins == ("plain-basin", "seeded-basin")
            basin = s2_mock.basin("seeded-basin")
            assert basin.config.create_stream_on_append
            assert basin.streams == ("a/b", "c")
            basin.delete()
            s2_mock.reset()
            assert s2_mock.basin("seeded-basin").streams == ("a/b", "c")
        """
    )
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("marker", "error"),
    [
        ("'my-basin'", "@pytest.mark.s2_mock takes keyword arguments only, not ('my-basin',)"),
        ("basin='my-basin'", "*basin*"),
        (
            "basins='my-basin'",
            "s2_mock: basins must be a list of names or mappings, not 'my-basin'",
        ),
        ("basins=['x']", "s2_mock: basin name should be at least 8 bytes in length*"),
        ("basins=[{'name': 'my-basin', 'x': 1}]", "s2_mock: unknown field `x`*"),
        ("basins=['my-basin', 'my-basin']", "s2_mock: duplicate basin name*my-basin*"),
        ("basins=[object()]", "s2_mock: basins must hold names and JSON values only*"),
        ("basins=[{}]", "s2_mock: missing field `name`*"),
        ("deletion_delay=-1", "s2_mock: deletion_delay must be 0 or more seconds, not -1*"),
        ("profile='Real'", 's2_mock: profile must be "real" or "documented", not \'Real\''),
        ("port=1", "@pytest.mark.s2_mock takes no port: *"),
    ],
)
def test_marker_that_makes_no_sense(run: Run, marker: str, error: str) -> None:
    result = run(
        f"""
        import pytest

        @pytest.mark.s2_mock({marker})
        def test_it(s2_mock):
            raise AssertionError("was run")
        """
    )
    result.assert_outcomes(errors=1)
    escaped = error.replace("[", "[[]")
    result.stdout.fnmatch_lines([f"*{escaped}"])


ACCOUNT = """
    def test_it(s2_mock):
        settings = s2_mock.account.engine.settings
        print("auth", "open" if settings.is_open else "required", settings.revocation_delay)
        print("at", *[location.name for location in settings.locations])
"""


@pytest.mark.parametrize(
    ("ini", "arguments", "expected"),
    [
        ("", [], ["auth open 0.0", "at aws:us-east-1 aws:us-west-2 aws:eu-north-1"]),
        (
            "s2mock_auth = required\ns2mock_revocation_delay = 5\ns2mock_locations = a, b",
            [],
            ["auth required 5.0", "at a b"],
        ),
        (
            "s2mock_auth = required\ns2mock_locations = a",
            ["--s2mock-auth=open", "--s2mock-revocation-delay=inf", "--s2mock-locations=c,d"],
            ["auth open inf", "at c d"],
        ),
    ],
)
def test_options_of_the_account(
    pytester: pytest.Pytester, run: Run, ini: str, arguments: list[str], expected: list[str]
) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    result = run(ACCOUNT, "-s", *arguments)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*{line}*" for line in expected])


def test_a_marker_for_the_account(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.s2_mock(auth="required", revocation_delay=7, locations=["here"])
        def test_it(s2_mock):
            assert s2_mock.client.get("/v1/basins").status_code == 401
            assert s2_mock.account.engine.settings.revocation_delay == 7
            assert s2_mock.create_basin("my-basin").info.location == "here"
        """,
        "--s2mock-auth=open",
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("argument", "error"),
    [
        ("--s2mock-auth=on", """s2_mock: auth must be "open" or "required", not 'on'*"""),
        ("--s2mock-revocation-delay=x", "s2mock_revocation_delay must be a number of seconds*x*"),
        ("--s2mock-locations=a b", "s2_mock: locations: location name must comprise*"),
    ],
)
def test_options_of_the_account_that_make_no_sense(run: Run, argument: str, error: str) -> None:
    result = run("def test_it(s2_mock): pass", argument)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{error}"])


MODULE = """
    def test_it(s2_mock):
        settings = s2_mock.account.engine.settings
        print("delay", settings.deletion_delay, settings.profile.name)
"""


@pytest.mark.parametrize(
    ("ini", "arguments", "expected"),
    [
        ("", [], "delay 0.0 real"),
        ("s2mock_deletion_delay = 5\ns2mock_profile = documented", [], "delay 5.0 documented"),
        ("s2mock_deletion_delay = 5", ["--s2mock-deletion-delay=2.5"], "delay 2.5 real"),
        ("", ["--s2mock-profile=documented"], "delay 0.0 documented"),
        ("s2mock_deletion_delay = inf", [], "delay inf real"),
        ("s2mock_profile = documented", ["--s2mock-profile=real"], "delay 0.0 real"),
    ],
)
def test_ini_file_and_command_line(
    pytester: pytest.Pytester, run: Run, ini: str, arguments: list[str], expected: str
) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    result = run(MODULE, "-s", *arguments)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*{expected}*"])


def test_marker_goes_before_the_command_line(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.s2_mock(deletion_delay=7)
        def test_it(s2_mock):
            assert s2_mock.account.engine.settings.deletion_delay == 7
            assert s2_mock.account.engine.settings.profile.name == "documented"
        """,
        "--s2mock-deletion-delay=3",
        "--s2mock-profile=documented",
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("argument", "error"),
    [
        ("--s2mock-deletion-delay=soon", "s2mock_deletion_delay must be a number of seconds*soon*"),
        ("--s2mock-deletion-delay=-1", "s2_mock: deletion_delay must be 0 or more seconds*"),
        ("--s2mock-profile=fast", 's2_mock: profile must be "real" or "documented", not*fast*'),
        ("--s2mock-port=http", "s2mock_port must be a port number*http*"),
        ("--s2mock-port=65536", "s2mock_port must be a port number*65536*"),
        ("--s2mock-port=-1", "s2mock_port must be a port number*-1*"),
    ],
)
def test_option_that_makes_no_sense(run: Run, argument: str, error: str) -> None:
    result = run(MODULE, argument)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{error}"])


def test_fixed_address(pytester: pytest.Pytester, run: Run) -> None:
    port = unused_port()
    pytester.makeini("[pytest]\ns2mock_host = localhost\n")
    result = run(
        f"""
        import urllib.request

        def test_it(s2_mock):
            assert s2_mock.url == "http://localhost:{port}"
            with urllib.request.urlopen(s2_mock.url + "/health") as answer:
                assert answer.read() == b"OK"
        """,
        f"--s2mock-port={port}",
    )
    result.assert_outcomes(passed=1)


def test_marker_and_options_are_documented(run: Run) -> None:
    run(None, "--markers").stdout.fnmatch_lines(["@pytest.mark.s2_mock(*"])
    helped = run(None, "--help").stdout
    helped.fnmatch_lines(["s2mock: an S2 account in memory:", "*--s2mock-deletion-delay=*"])
    helped.fnmatch_lines(["*s2mock_deletion_delay (string):*", "*s2mock_profile (string):*"])
    # Of use to this project only.
    assert "s2mock-slow" not in str(helped)
    run(None, "--fixtures").stdout.fnmatch_lines(["s2_mock -- *"])
