"""A port that the user has chosen: it is served at once, and by one process."""

import socket

import pytest

from tests.plugin.conftest import Run
from tests.ports import unused_port


def test_it_is_served_before_the_url_is_read(run: Run) -> None:
    port = unused_port()
    result = run(
        f"""
        import urllib.request
        import pytest

        @pytest.mark.parametrize("turn", range(2))
        def test_it(s2_mock, turn):
            s2_mock.create_basin("my-basin")
            with urllib.request.urlopen("http://127.0.0.1:{port}/v1/basins") as answer:
                assert b"my-basin" in answer.read()
        """,
        f"--s2mock-port={port}",
    )
    result.assert_outcomes(passed=2)


def test_one_that_is_taken(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = run(
            """
            def test_with(s2_mock): pass
            def test_without(): pass
            """,
            f"--s2mock-port={port}",
        )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*s2mock_port={port}: *Address already in use*"])


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "outcome"), [(1, {"passed": 1}), (2, {"errors": 1})])
def test_workers(pytester: pytest.Pytester, workers: int, outcome: dict[str, int]) -> None:
    pytester.makepyfile("def test_it(s2_mock): pass")
    port = unused_port()
    result = pytester.runpytest_subprocess(
        f"-n{workers}",
        f"--s2mock-port={port}",
        *("-p", "no:hypothesispytest", "-p", "no:schemathesis"),
    )
    result.assert_outcomes(**outcome)
    if workers > 1:
        result.stdout.fnmatch_lines([f"*s2mock_port={port}: one port cannot serve 2 workers*"])
