"""A DEBUG record for each request, in the logger `s2mock`."""

from tests.plugin.conftest import Run

MODULE = """
    import pytest
    from s2mock import Drop

    BEGINNING = [{"name": "my-basin", "streams": ["a"]}]

    @pytest.mark.s2_mock(basins=BEGINNING)
    def test_it(s2_mock, caplog):
        headers = {"s2-basin": "my-basin"}
        s2_mock.client.get("/v1/streams/a/records/tail", headers=headers)
        s2_mock.client.get("/v1/streams/b", headers=headers)
        s2_mock.inject(Drop(), on="append")
        with pytest.raises(ConnectionError):
            s2_mock.client.post(
                "/v1/streams/a/records", json={"records": [{}]}, headers=headers
            )
        lines = [record.getMessage().partition(" (")[0] for record in caplog.records]
        assert lines == EXPECTED
"""


def test_a_record_for_each_request(run: Run) -> None:
    expected = [
        "GET /v1/streams/a/records/tail 200 check-tail my-basin a",
        "GET /v1/streams/b 404 get-stream-config my-basin b stream_not_found",
        "POST /v1/streams/a/records --- append my-basin a Drop()",
    ]
    module = MODULE.replace("EXPECTED", repr(expected))
    run(module, "--log-level=DEBUG").assert_outcomes(passed=1)


def test_secret_in_a_query_is_blacked_out(run: Run) -> None:
    result = run(
        """
        def test_it(s2_mock, caplog):
            s2_mock.client.get("/v1/basins?limit=1&access_token=hush-hush&prefix=p")
            [line] = [record.getMessage() for record in caplog.records]
            assert line.startswith("GET /v1/basins?limit=1&access_token=***&prefix=p 200 ")
        """,
        "--log-level=DEBUG",
        "-Wignore::s2mock.S2Advice",
    )
    result.assert_outcomes(passed=1)


def test_no_records_where_logging_is_off(run: Run) -> None:
    run(MODULE.replace("EXPECTED", "[]")).assert_outcomes(passed=1)
