"""The report of a test with a misspelt keyword argument has the nearest name."""

from tests.plugin.conftest import Run


def test_report_of_a_failed_test_has_the_note(run: Run) -> None:
    result = run(
        """
        def test_it(s2_mock):
            s2_mock.inject(None, on="append", time=2)
        """
    )
    result.stdout.fnmatch_lines(["E * got an unexpected keyword argument 'time'*"])
    assert "did you mean" in result.stdout.str().lower()
