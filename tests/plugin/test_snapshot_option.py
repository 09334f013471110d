"""A snapshot as an argument of the marker."""

from tests.plugin.conftest import Run

BUILT = """
import pytest
from s2mock import S2Mock

with S2Mock(basins=["my-basin"]) as built:
    built.basin("my-basin").create_stream("s").append(["a"])
    SHOP = built.snapshot()
"""


def test_each_test_begins_with_it(run: Run) -> None:
    result = run(
        BUILT
        + """
@pytest.mark.s2_mock(snapshot=SHOP)
@pytest.mark.parametrize("number", range(3))
def test_it(s2_mock, number):
    stream = s2_mock.basin("my-basin").stream("s")
    assert [record.body for record in stream.records] == [b"a"]
    stream.append([b"b"])
"""
    )
    result.assert_outcomes(passed=3)


def test_it_is_restored_by_a_fixture(run: Run) -> None:
    result = run(
        BUILT
        + """
@pytest.fixture
def s2_mock(s2_mock):
    s2_mock.restore(SHOP)
    return s2_mock

@pytest.mark.parametrize("number", range(3))
def test_it(s2_mock, number):
    stream = s2_mock.basin("my-basin").stream("s")
    assert [record.body for record in stream.records] == [b"a"]
    stream.append([b"b"])
"""
    )
    result.assert_outcomes(passed=3)


def test_basins_beside_it(run: Run) -> None:
    result = run(
        BUILT
        + """
@pytest.mark.s2_mock(snapshot=SHOP, basins=["my-basin"])
def test_it(s2_mock): pass
"""
    )
    result.assert_outcomes(errors=1)
    assert "basins and snapshot both say what the account starts from" in result.stdout.str()
