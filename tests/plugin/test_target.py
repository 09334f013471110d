"""`--s2mock-target`: one suite on the fake and on a server that is known by its URL only."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from s2mock.contract.client import Client
from tests.ports import unused_port

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def server() -> Iterator[Client]:
    """A standalone fake, which for the runs below is a server like any other: without powers."""
    command = [sys.executable, "-m", "s2mock", "--port", "0", "--no-control"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as (process):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield Client(line.strip().removeprefix("export S2_ACCOUNT_ENDPOINT="))
        finally:
            process.terminate()


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the test file in this process, without plugins that only take time to load."""
    without = ("-p", "no:hypothesispytest", "-p", "no:asyncio")
    return pytester.runpytest_inprocess(*without, *arguments)


def run_on(server: Client, pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the test file with the server as the target."""
    return run(pytester, f"--s2mock-target={server.url}", *arguments)


def basins(server: Client) -> list[str]:
    return [info["name"] for info in server.request("GET", "/v1/basins").json["basins"]]


SUITE = """
    import json, os, urllib.request
    import pytest

    def call(method, path, document=None, basin=""):
        headers = {"content-type": "application/json", "s2-basin": basin}
        body = None if document is None else json.dumps(document).encode()
        url = os.environ["S2_BASIN_ENDPOINT"] + path
        request = urllib.request.Request(url, body, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    @pytest.mark.s2_mock(use_env=True)
    def test_in_a_basin_that_is_there(s2_mock):
        basin = s2_mock.fresh_basin()
        assert s2_mock.env["S2_BASIN_ENDPOINT"] == s2_mock.url == os.environ["S2_BASIN_ENDPOINT"]
        call("PUT", "/v1/streams/s", basin=basin)
        assert [s["name"] for s in call("GET", "/v1/streams", basin=basin)["streams"]] == ["s"]

    def test_in_a_basin_of_its_own(s2_mock, monkeypatch):
        s2_mock.use_env(monkeypatch)
        name = s2_mock.basin_name()
        assert call("POST", "/v1/basins", {"basin": name})["name"] == name
        assert name in [b["name"] for b in call("GET", "/v1/basins")["basins"]]

    SEEDED = {"name": "other-basin", "streams": [{"name": "x"}]}

    @pytest.mark.s2_mock(basins=["seeded-basin", SEEDED])
    def test_with_seeds(s2_mock, monkeypatch):
        s2_mock.use_env(monkeypatch)
        for basin, names in (("seeded-basin", []), ("other-basin", ["x"])):
            listing = call("GET", "/v1/streams", basin=basin)["streams"]
            assert [stream["name"] for stream in listing] == names

    def test_that_needs_the_fake(s2_mock):
        if not s2_mock.is_fake:
            pytest.skip("looks into the fake")
        assert s2_mock.basin(s2_mock.fresh_basin()).streams == ()
"""


def test_one_suite_on_both(pytester: pytest.Pytester, server: Client) -> None:
    pytester.makepyfile(SUITE)
    run(pytester).assert_outcomes(passed=4)
    for _ in range(2):
        run_on(server, pytester).assert_outcomes(passed=3, skipped=1)
        assert basins(server) == []


def test_the_token(pytester: pytest.Pytester, server: Client) -> None:
    pytester.makepyfile(
        """
        def test_token(s2_mock):
            assert s2_mock.env["S2_ACCESS_TOKEN"] == "secret"
        """
    )
    run_on(server, pytester, "--s2mock-token=secret").assert_outcomes(passed=1)


def test_a_power_of_the_fake_says_what_switched_it_off(
    pytester: pytest.Pytester, server: Client
) -> None:
    pytester.makepyfile(
        """
        def test_reset(s2_mock):
            s2_mock.reset()
        """
    )
    result = run_on(server, pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [f"*NotOnTarget: s2_mock.reset is a power of the fake*--s2mock-target={server.url}*"]
    )


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("deletion_delay=1", "deletion_delay"),
        ("profile='documented', cors=False", "cors, profile"),
        ("basins=[], clock=None", "clock"),
    ],
)
def test_an_option_of_the_fake_in_a_marker(
    pytester: pytest.Pytester, server: Client, option: str, name: str
) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.s2_mock({option})
        def test_it(s2_mock):
            pass
        """
    )
    result = run_on(server, pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [f"*s2_mock: {name}: options of the fake, switched off by --s2mock-target={server.url}*"]
    )


def test_an_option_of_the_fake_in_the_ini_file(pytester: pytest.Pytester, server: Client) -> None:
    pytester.makeini("[pytest]\ns2mock_deletion_delay = 5\n")
    pytester.makepyfile("def test_it(s2_mock): pass")
    result = run_on(server, pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*s2_mock: deletion_delay: options of the fake, switched off*"])
    run_on(server, pytester, "-o", "s2mock_deletion_delay=").assert_outcomes(passed=1)


def test_a_basin_that_is_taken(pytester: pytest.Pytester, server: Client) -> None:
    server.request("PUT", "/v1/basins/taken-basin")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.s2_mock(basins=["taken-basin"])
        def test_it(s2_mock):
            pass
        """
    )
    result = run_on(server, pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*TargetError: *did not make the basin 'taken-basin'*409*"])
    assert basins(server) == ["taken-basin"]
    server.request("DELETE", "/v1/basins/taken-basin")


def test_a_target_that_is_no_url(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(s2_mock): pass")
    result = run(pytester, "--s2mock-target=localhost:8080")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*--s2mock-target must be a URL*not 'localhost:8080'*"])


def test_the_contract_suite_takes_the_target(pytester: pytest.Pytester, server: Client) -> None:
    result = pytester.runpytest_subprocess(
        *("-p", "no:schemathesis", f"--s2mock-target={server.url}"),
        *("--pyargs", "s2mock.contract.test_locations"),
    )
    assert result.ret == 0
    result.assert_outcomes(passed=24)
    assert basins(server) == []


def test_a_target_that_is_not_there_is_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_of_a_server(s2_mock): pass")
    port = unused_port()
    result = run(pytester, f"--s2mock-target=http://127.0.0.1:{port}")
    result.assert_outcomes(errors=1)
    [line] = [line for line in result.outlines if line.startswith("E ")]
    assert f"UsageError: --s2mock-target=http://127.0.0.1:{port} cannot be reached: " in line
    assert line.endswith(f" Start a server there: python -m s2mock --port {port}")
