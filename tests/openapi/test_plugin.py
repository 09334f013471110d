"""The plugin makes the test fail during which the fake sends what is not described."""

import pytest

pytestmark = pytest.mark.openapi_unchecked("the runs inside are on a fake that is broken")

SUITE = """
    import urllib.error, urllib.request
    import pytest
    from s2mock.registry.values.errors import BasinNotFound

    @pytest.fixture
    def broken(monkeypatch):
        monkeypatch.setattr(BasinNotFound, "body", lambda self: {"code": 7})

    PATH = "/v1/basins/not-there"

    def over_socket(s2_mock):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(s2_mock.url + PATH)
        error.value.close()

    def test_whole(s2_mock):
        assert s2_mock.client.get(PATH).status_code == 404
        over_socket(s2_mock)

    def test_broken(s2_mock, broken):
        assert s2_mock.client.get(PATH).status_code == 404

    def test_broken_over_socket(s2_mock, broken):
        over_socket(s2_mock)

    @pytest.fixture
    def late(s2_mock):
        yield
        s2_mock.client.get(PATH)

    def test_broken_in_a_fixture(broken, late):
        pass

    @pytest.mark.openapi_unchecked("broken on purpose")
    def test_broken_on_purpose(s2_mock, broken):
        assert s2_mock.client.get(PATH).status_code == 404

    def test_whole_again(s2_mock):
        assert s2_mock.client.get(PATH).status_code == 404
"""


def run(pytester: pytest.Pytester, suite: str) -> pytest.RunResult:
    pytester.makeconftest("pytest_plugins = ['tests.openapi.plugin']")
    pytester.makepyfile(suite)
    without = ("schemathesis", "hypothesispytest", "asyncio")
    return pytester.runpytest_inprocess(*(f"-pno:{name}" for name in without))


def test_the_test_that_was_running_fails(pytester: pytest.Pytester) -> None:
    result = run(pytester, SUITE)
    result.assert_outcomes(passed=4, failed=2, errors=1)
    result.stdout.re_match_lines(
        [
            r"not described by openapi.json, and no known gap:",
            r"  GET /basins/{basin} -> 404: schema: 'message' is a required property",
            r"  GET /basins/{basin} -> 404: schema\['code'\]: 7 is not of type 'string'",
            r"ERROR .*::test_broken_in_a_fixture",
        ]
    )
    failed = {line for line in result.outlines if line.startswith("FAILED")}
    assert sorted(line.split("::")[1].split(" ")[0] for line in failed) == [
        "test_broken",
        "test_broken_over_socket",
    ]


def test_events_and_heads_of_sessions(pytester: pytest.Pytester) -> None:
    suite = """
        import pytest
        from s2mock.api.records import session_forms
        from s2mock.api.responses import S2Response

        def read(s2_mock, accept="text/event-stream"):
            s2_mock.create_basin("my-basin").create_stream("s").append(["x"])
            headers = {"s2-basin": "my-basin", "accept": accept}
            path = "/v1/streams/s/records?seq_num=0&count=1"
            return s2_mock.client.get(path, headers=headers).data

        def test_whole(s2_mock):
            assert read(s2_mock).startswith(b"event: batch")

        def test_broken_event(s2_mock, monkeypatch):
            monkeypatch.setattr(session_forms, "batch_to_json", lambda *_: "{}")
            assert read(s2_mock)

        def test_broken_end(s2_mock, monkeypatch):
            monkeypatch.setattr(session_forms, "DONE", b"data: {}\\n\\n")
            assert read(s2_mock)
    """
    result = run(pytester, suite)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.re_match_lines_random(
        [
            r"  .* schema\['data'\]: 'records' is a required property",
            r"  .* event: {'data': '{}'} not described",
        ]
    )


def test_unchecked_for_a_reason_only(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.mark.openapi_unchecked
        def test_without_a_reason():
            pass
        """,
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*openapi_unchecked takes the reason*"])
