"""Numbers in a marker, in the ini file, on pytest's command line."""

import inspect
import json

import pytest

from s2mock import S2Mock
from s2mock.options import MARKER_OPTIONS, SETTINGS
from tests.extremes.values import VALUES, is_numeric
from tests.plugin.conftest import ALONE, Run, run

__all__ = ["run"]

pytestmark = pytest.mark.slow

NUMERIC = {
    name
    for name, parameter in inspect.signature(S2Mock).parameters.items()
    if is_numeric(parameter.annotation)
}
MARKED = sorted(NUMERIC & {option.name for option in MARKER_OPTIONS})
SET = sorted(NUMERIC & {option.name for option in SETTINGS})
# As it is written in a Python file, and as text.
WRITTEN = {
    what: f"float({str(value)!r})" if isinstance(value, float) else repr(value)
    for what, value in VALUES.items()
}

MODULE = """
import pytest
from s2mock import S2Mock
from s2mock.runtime import failures

MARKED, SET, WRITTEN = {marked}, {set}, {written}

def check(mock):
    # What they do is tried with those of `S2Mock` itself.
    mock.create_basin("my-basin").delete()
    assert mock.client.get("/v1/basins").status_code == 200
    assert failures.take() == []

@pytest.mark.parametrize("x", [
    pytest.param(0, marks=pytest.mark.s2_mock(**{{name: eval(text)}}), id=f"{{name}}-{{what}}")
    for name in MARKED for what, text in WRITTEN.items()
])
def test_marker(s2_mock, x):
    check(s2_mock)

@pytest.mark.parametrize("how", ["ini", "flag"])
@pytest.mark.parametrize("name", [name for name in SET if name != "port"])
@pytest.mark.parametrize("text", [str(eval(text)) for text in WRITTEN.values()])
def test_option(request, how, name, text):
    config = request.config
    if how == "flag":
        config.option.__dict__[f"s2mock_{{name}}"] = text
    else:
        config._inicache[f"s2mock_{{name}}"] = text
    try:
        mock = request.getfixturevalue("s2_mock")
    except pytest.UsageError as error:
        assert name in str(error), error
        pytest.skip("refused")
    finally:
        config.option.__dict__[f"s2mock_{{name}}"] = None
        config._inicache.pop(f"s2mock_{{name}}", None)
    check(mock)
"""


def test_each_number_is_an_option() -> None:
    """Of the marker, and of the session where it is not of a test."""
    assert set(MARKED) | {"port"} == NUMERIC
    assert set(SET) == NUMERIC


def test_a_number_is_refused_or_works(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MODULE.format(marked=MARKED, set=SET, written=WRITTEN))
    record = pytester.inline_run(*ALONE, "-q", "-W", "ignore")
    wrong: list[str] = []
    outcomes = {"passed": 0, "failed": 0, "skipped": 0}
    for report in record.getreports("pytest_runtest_logreport"):
        if report.when == "teardown":
            assert report.passed, report.longreprtext
            continue
        outcomes[report.outcome] += report.when == "call" or report.failed
        if report.failed:
            name = report.nodeid.partition("[")[2].partition("-")[0]
            text = report.longreprtext
            is_clear = report.when == "setup" and f"UsageError: s2_mock: {name} must be" in text
            if not is_clear:
                wrong.append(f"{report.nodeid}: {text[-800:]}")
    assert not wrong, "\n".join(wrong)
    total = (len(MARKED) + 2 * (len(SET) - 1)) * len(VALUES)
    assert sum(outcomes.values()) == total
    # A half of them makes sense.
    assert outcomes["passed"] > total / 3, json.dumps(outcomes)


@pytest.mark.parametrize("what", VALUES)
def test_a_port_is_refused_or_works(run: Run, what: str) -> None:
    """The socket is that of a whole session."""
    text = str(VALUES[what])
    result = run("def test_it(s2_mock): assert s2_mock.url", f"--s2mock-port={text}")
    if text == "0":
        result.assert_outcomes(passed=1)
    else:
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(
            [f"*UsageError: s2mock_port must be a port number, not '{text}'"]
        )
