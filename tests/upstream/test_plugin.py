"""The fixture in front of an upstream: the flag, the ini keys, and the marker."""

import pytest

from s2mock import S2Mock
from tests.plugin.conftest import Run, run

__all__ = ["run"]

TEST = """
import httpx
import pytest
from s2mock import Drop, NotOnTarget

BASINS = [{"name": "my-basin", "streams": ["log"]}]

def append(mock):
    return httpx.post(
        mock.url + "/v1/streams/log/records",
        json={"records": [{"body": "a"}]},
        headers={"s2-basin": "my-basin"},
        trust_env=False,
    )

@pytest.mark.s2_mock(basins=BASINS)
def test_a_lost_answer(s2_mock):
    s2_mock.inject(Drop(committed=True), on="append")
    with pytest.raises(httpx.TransportError):
        append(s2_mock)
    assert s2_mock.stream("my-basin", "log").bodies == (b"a",)
    assert not s2_mock.is_fake

@pytest.mark.s2_mock(basins=BASINS)
def test_the_next_has_other_basins(s2_mock):
    assert s2_mock.stream("my-basin", "log").bodies == ()

def test_an_unused_fault(s2_mock):
    s2_mock.inject(Drop(), on="append")

@pytest.mark.s2_mock(basins=BASINS)
def test_a_sweep(s2_sweep):
    for attempt in s2_sweep([Drop()], on="append"):
        with attempt as mock:
            try:
                append(mock)
            except httpx.TransportError:
                append(mock)
            assert mock.stream("my-basin", "log").bodies == (b"a",)
"""


@pytest.mark.long
def test_tests_of_a_suite_run_in_front_of_the_upstream(real: S2Mock, run: Run) -> None:
    result = run(TEST, f"--s2mock-upstream={real.url}", "--s2mock-basin-prefix=ci-*-")

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*a fault never fired: inject(Drop(), on='append')*"])
    assert real.basins == ()
    assert {exchange.basin for exchange in real.journal.of("append")} != {"my-basin"}


@pytest.mark.long
def test_the_report_tells_a_broken_upstream_from_a_fault(run: Run) -> None:
    result = run(
        """
        import httpx
        import pytest

        @pytest.mark.s2_mock(upstream="http://127.0.0.1:9")
        def test_down(s2_mock):
            assert httpx.get(s2_mock.url + "/v1/basins", trust_env=False).status_code == 200
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*list-basins*502*upstream*",
            "*the upstream http://127.0.0.1:9 cannot be reached: *: no fault was injected here*",
        ]
    )


@pytest.mark.long
def test_an_option_of_the_engine_in_a_marker_is_an_error(real: S2Mock, run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.s2_mock(clock="manual")
        def test_time(s2_mock):
            pass
        """,
        f"--s2mock-upstream={real.url}",
    )

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*clock is about the engine of s2mock*"])
