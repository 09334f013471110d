"""A client that outlives its test writes nothing into the next, which is told of both."""

import pytest

from tests.plugin.conftest import Run

pytestmark = pytest.mark.slow

MODULE = """
    import threading
    import httpx
    import pytest

    refused, enough = threading.Event(), threading.Event()

    def write_on(env):
        headers = {
            "s2-basin": "my-basin",
            "authorization": f"Bearer {env['S2_ACCESS_TOKEN']}",
        }
        document = {"records": [{"body": "of the first"}]}
        with httpx.Client(headers=headers, timeout=30) as client:
            while not enough.is_set():
                try:
                    url = f"{env['S2_BASIN_ENDPOINT']}/v1/streams/log/records"
                    answer = client.post(url, json=document)
                except httpx.TransportError:
                    continue
                if answer.status_code == 401:
                    refused.set()

    BEGINNING = [{"name": "my-basin", "streams": [{"name": "log"}]}]

    @pytest.mark.s2_mock(basins=BEGINNING)
    def test_that_leaves_a_writer(s2_mock):
        global writer
        writer = threading.Thread(target=write_on, args=(s2_mock.env,))
        writer.start()
        s2_mock.journal.wait_for("append", status=200)

    @pytest.mark.s2_mock(basins=BEGINNING)
    def test_that_runs(s2_mock):
        assert s2_mock.url
        # One may have come before this test began.
        refused.clear()
        assert refused.wait(30)
        refused.clear()
        assert refused.wait(30)
        enough.set()
        writer.join(30)
        assert s2_mock.basin("my-basin").stream("log").records == ()
        {more}
"""


ADVICE = (
    "*S2Advice: a request of the test *::test_that_leaves_a_writer, which has ended, came late, "
    "while *::test_that_runs ran, and was refused with 401: POST /v1/streams/log/records*"
)


def test_is_refused_and_advised(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MODULE.replace("{more}", ""))
    result = pytester.runpytest_subprocess("-p", "no:schemathesis", "-p", "no:asyncio")
    assert result.parseoutcomes()["passed"] == 2
    result.stdout.fnmatch_lines([ADVICE])


def test_never_fails_a_test_and_can_be_silenced(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MODULE.replace("{more}", ""))
    arguments = ("-p", "no:schemathesis", "-p", "no:asyncio")
    result = pytester.runpytest_subprocess(*arguments, "-Werror")
    assert result.parseoutcomes()["passed"] == 2
    result.stdout.fnmatch_lines([ADVICE])
    result = pytester.runpytest_subprocess(*arguments, "-Wignore::s2mock.S2Advice")
    result.assert_outcomes(passed=2)
    assert "S2Advice" not in result.stdout.str()


def test_is_told_in_the_report_of_a_test_that_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MODULE.replace("{more}", "assert 0"))
    result = pytester.runpytest_subprocess("-p", "no:schemathesis", "-p", "no:asyncio")
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"]) == (1, 1)
    result.stdout.fnmatch_lines(["*append*my-basin*log*401*authn", "*which has ended, came late*"])


def test_where_no_mock_is_in_use(run: Run) -> None:
    """It is refused, too, and the test that runs then is told."""
    result = run(
        """
        import httpx

        def test_one(s2_mock):
            global url, headers
            url = s2_mock.url
            headers = {"authorization": f"Bearer {s2_mock.token}"}

        def test_without():
            assert httpx.get(f"{url}/v1/basins", headers=headers).status_code == 401
        """
    )
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*S2Advice: a request of the test *::test_one, which has ended*"])


def test_a_pinned_token_works_across_tests(run: Run) -> None:
    result = run(
        """
        import httpx
        import pytest

        client = httpx.Client(headers={"authorization": "Bearer pinned"})
        pytestmark = pytest.mark.s2_mock(token="pinned")

        @pytest.mark.parametrize("number", range(2))
        def test_it(s2_mock, number):
            answer = client.put(f"{s2_mock.url}/v1/basins/my-basin")
            assert answer.status_code == 201
            assert s2_mock.basins == ("my-basin",)

        def test_last():
            client.close()
        """
    )
    result.assert_outcomes(passed=3)


def test_issued_token_of_a_test_that_has_ended_is_advised_with_both_names(run: Run) -> None:
    result = run(
        """
        import httpx

        def put(url, secret):
            headers = {"authorization": f"Bearer {secret}"}
            return httpx.put(f"{url}/v1/basins/my-basin", headers=headers).status_code

        def test_one(s2_mock):
            global secret
            ops = ["create-basin", "reconfigure-basin"]
            secret = s2_mock.issue_token("svc", basins="*", ops=ops).secret
            assert put(s2_mock.url, secret) == 201

        def test_two(s2_mock):
            assert put(s2_mock.url, secret) == 401
            assert s2_mock.basins == ()

        def test_without():
            pass
        """
    )
    result.assert_outcomes(passed=3, warnings=1)
    advice = ADVICE.replace("::test_that_leaves_a_writer", "::test_one")
    advice = advice.replace("::test_that_runs", "::test_two")
    line = "POST /v1/streams/log/records"
    result.stdout.fnmatch_lines([advice.replace(line, "PUT /v1/basins/my-basin")])


def test_issued_token_where_no_mock_is_in_use(run: Run) -> None:
    result = run(
        """
        import httpx

        def test_one(s2_mock):
            global url, headers
            url = s2_mock.url
            secret = s2_mock.issue_token("svc", basins="*", ops=["list-basins"]).secret
            headers = {"authorization": f"Bearer {secret}"}

        def test_without():
            assert httpx.get(f"{url}/v1/basins", headers=headers).status_code == 401
        """
    )
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*S2Advice: a request of the test *::test_one, which has ended*"])
