"""Arguments of the marker that cannot work are refused, with what to do about it."""

import pytest

from tests.plugin.conftest import Run

pytestmark = pytest.mark.slow


def errors_of(marker: str, run: Run) -> str:
    result = run(f"import pytest\n@pytest.mark.s2_mock({marker})\ndef test_it(s2_mock): pass\n")
    result.assert_outcomes(errors=1)
    return result.stdout.str()


@pytest.mark.parametrize("name", ["host", "port"])
def test_what_all_tests_of_a_session_share(name: str, run: Run) -> None:
    errors = errors_of(f"{name}=8080", run)

    assert f"takes no {name}: the tests of a session share one socket" in errors
    assert f"--s2mock-{name}" in errors


@pytest.mark.parametrize(
    ("delay", "error"),
    [
        ("-1", "deletion_delay must be 0 or more seconds, not -1"),
        ("float('nan')", "deletion_delay must be 0 or more seconds, not nan"),
        ("'1'", "deletion_delay must be a number of seconds, not str: '1'"),
        ("True", "deletion_delay must be a number of seconds, not bool: True"),
    ],
)
def test_a_delay_that_is_none(delay: str, error: str, run: Run) -> None:
    assert error in errors_of(f"deletion_delay={delay}", run)


@pytest.mark.parametrize(
    ("marker", "error"),
    [
        ("basin=['my-basin']", "has no option basin: did you mean basins? There are basins, "),
        ("frobnicate=1", "has no option frobnicate: There are basins, deletion_delay, profile"),
        ("clock=5", "clock must have now() and wait(), as ManualClock() has, not 5"),
        ("cors='no'", "cors must be True or False, not str: 'no'"),
        ("use_env='yes'", "use_env must be True or False, not str: 'yes'"),
    ],
)
def test_what_cannot_work_says_what_would(marker: str, error: str, run: Run) -> None:
    assert error in errors_of(marker, run)
