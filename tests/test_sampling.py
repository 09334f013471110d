"""The marks `sample(n)` and `whole(n)` of the tests."""

import pytest

MODULE = """
    import pytest

    slow = pytest.param("slow", marks=pytest.mark.slow)

    @pytest.mark.sample(4)
    @pytest.mark.parametrize("a", [*range(6), slow])
    @pytest.mark.parametrize("b", range(4))
    def test_some(a, b): pass

    @pytest.mark.sample(9)
    @pytest.mark.parametrize("a", range(3))
    def test_few(a): pass

    @pytest.mark.parametrize("a", range(3))
    def test_all(a): pass
"""
ALONE = ("--disable-plugin-autoload", "-p", "tests.sampling", "-W", "ignore::pytest.PytestWarning")


@pytest.fixture(autouse=True)
def of_make_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sample as `make check` does, also in a run that asks for all cases."""
    monkeypatch.delenv("S2MOCK_TESTS_SAMPLE", raising=False)
    monkeypatch.delenv("S2MOCK_TESTS_WHOLE", raising=False)


def selected(pytester: pytest.Pytester, expression: str) -> list[str]:
    """Return the names of the selected cases, without their module."""
    record = pytester.inline_run(*ALONE, "--collect-only", "-m", expression)
    [call] = record.getcalls("pytest_collection_finish")
    return [item.name for item in call.session.items]


def test_one_in_n_is_quick_and_each_is_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MODULE)
    quick = selected(pytester, "not slow")
    counts = [sum(name.startswith(test) for name in quick) for test in ("test_some", "test_few")]
    assert counts == [6, 1]
    assert [name for name in quick if name.startswith("test_all")] == [
        f"test_all[{number}]" for number in range(3)
    ]
    others = selected(pytester, "slow")
    assert sorted([*quick, *others]) == sorted(selected(pytester, ""))
    assert len(others) == 24 - 6 + 4 + 2


def test_no_value_is_always_left_out(pytester: pytest.Pytester) -> None:
    """Of two parameters, as a step through all cases would do it."""
    pytester.makepyfile(MODULE)
    quick = [name for name in selected(pytester, "not slow") if name.startswith("test_some")]
    assert len({name.partition("[")[2].split("-")[0] for name in quick}) > 1
    assert len({name.partition("]")[0].split("-")[1] for name in quick}) > 1


def test_the_environment_may_ask_for_all_cases(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(MODULE)
    monkeypatch.setenv("S2MOCK_TESTS_SAMPLE", "all")
    assert len(selected(pytester, "not slow")) == 24 + 3 + 3


@pytest.mark.parametrize("arguments", ["", "1", "'4'", "4, 5", "4, of=3"])
def test_a_wrong_size_is_an_error(pytester: pytest.Pytester, arguments: str) -> None:
    pytester.makepyfile(MODULE.replace("sample(4)", f"sample({arguments})"))
    ended = pytester.runpytest_inprocess(*ALONE)
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["*test_some*takes one integer of 2 or more, as in sample(4), not*"])


WHOLE = """
    import pytest

    @pytest.mark.whole(4)
    @pytest.mark.parametrize("a", range(10))
    def test_some(a): pass

    @pytest.mark.whole()
    def test_by_itself(): pass

    def test_other(): pass
"""


def test_cases_for_make_whole_alone_are_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WHOLE)
    ended = pytester.runpytest_inprocess(*ALONE, "-rs")
    ended.assert_outcomes(passed=3 + 1 + 1, skipped=7)
    ended.stdout.fnmatch_lines(["SKIPPED [[]7] *one in 4 is enough here: make whole"])


def test_make_whole_runs_all_cases(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(WHOLE)
    monkeypatch.setenv("S2MOCK_TESTS_WHOLE", "1")
    pytester.runpytest_inprocess(*ALONE, "-m", "whole").assert_outcomes(passed=11, deselected=1)


def test_a_wrong_size_of_whole_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WHOLE.replace("whole(4)", "whole('4')"))
    ended = pytester.runpytest_inprocess(*ALONE)
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["*test_some*takes one integer of 2 or more, as in whole(4), not*"])
